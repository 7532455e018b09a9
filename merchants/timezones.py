"""Time zones: pytz knows which names to offer, zoneinfo computes."""

from functools import cache

import pytz
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

NORDIC = ("Europe/Stockholm", "Europe/Helsinki", "Europe/Oslo", "Europe/Copenhagen", "Europe/Tallinn", "Europe/Warsaw")


@cache
def zone_choices() -> list[tuple[str, str]]:
    """Names to choose from, as form choices: the likely ones first, then all in common use, by name."""
    rest = [name for name in pytz.common_timezones if name not in NORDIC]
    return [(name, name.replace("_", " ")) for name in (*NORDIC, *rest)]


def check_zone(name: str) -> None:
    """Refuses what is no name of a time zone, in words."""
    if name not in pytz.all_timezones_set:
        raise ValidationError(_("“%(name)s” is not a time zone. Choose one from the list."), params={"name": name})
