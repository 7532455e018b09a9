"""As everywhere in the portal: 30 Nov 2026, 14:05. Django's own English says Nov. 30, 2026, 2:05 p.m."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j M Y, H:i"
MONTH_DAY_FORMAT = "j F"
