"""What every template may use without loading it: icons, times, numbers, SKUs, pictures, pages.

A built-in library (see TEMPLATES in the settings). Everything here escapes what it is given.
"""

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.core.paginator import Page
from django.forms import BoundField, CheckboxInput
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

register = template.Library()

ICONS = settings.BASE_DIR / "static" / "vendor" / "icons"
ICON_NAME = re.compile(r"[a-z0-9-]+")
NOTHING = "–"
THUMB_TONES = 6


# --- icons ---------------------------------------------------------------------------------
@register.simple_tag
def icon(name: str, size: int = 18, label: str = "") -> SafeString:
    """An outline icon inside the page, so that it takes the text's colour. Silent to screen readers without a label.

    Raises ValueError for a name that has no file in static/vendor/icons.
    """
    if not name:
        return SafeString("")
    voice = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" width="{0}" height="{0}" fill="none" stroke="currentColor"'
        ' stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" focusable="false" {1}>{2}</svg>',
        str(size),
        voice,
        _drawing(name),
    )


@cache
def _drawing(name: str) -> SafeString:
    file = ICONS / f"{name}.svg"
    if not ICON_NAME.fullmatch(name) or not file.is_file():
        raise ValueError(f"There is no icon “{name}” in {ICONS}.")
    inside = file.read_text().partition(">")[2].rpartition("</svg>")[0]
    return mark_safe(" ".join(inside.split()))  # our own file


# --- times ---------------------------------------------------------------------------------
@register.filter("clock")
def clock_filter(moment: datetime | None, style: str = "") -> SafeString:
    """`{{ order.created_at|clock }}`: see the tag of the same name."""
    return clock(moment, style)


@register.simple_tag
def clock(moment: datetime | None, style: str = "", zone: str = "") -> SafeString:
    """A time with its zone: “14:02 Stockholm” today, “23 Nov 14:02 Stockholm” else; a dash where there is none.

    `style`: "seconds" shows them; "bare" leaves the zone out, for columns whose heading names it (the title still
    says it); both may be given. `zone` is an IANA name; without it the current time zone counts.
    """
    if moment is None:
        return SafeString(NOTHING)
    local = timezone.localtime(moment, ZoneInfo(zone) if zone else None)
    words = [formats.date_format(local, _clock_format(local, style))]
    if "bare" not in style:
        words.append(zone_word(local))
    return _time_element(local, " ".join(words))


def _clock_format(local: datetime, style: str) -> str:
    time = "H:i:s" if "seconds" in style else "H:i"
    today = timezone.localtime(timezone=local.tzinfo)
    if local.date() == today.date():
        return time
    return f"j M {time}" if local.year == today.year else f"j M Y {time}"


def zone_word(local: datetime) -> str:
    """The town of a zone, as people say it: Europe/Stockholm → Stockholm."""
    key = getattr(local.tzinfo, "key", "") or str(local.tzname())
    return key.rpartition("/")[2].replace("_", " ")


def _time_element(local: datetime, text: str) -> SafeString:
    full = formats.date_format(local, "l j F Y, H:i:s")
    return format_html(
        '<time datetime="{}" title="{} {} (UTC{})">{}</time>',
        local.isoformat(timespec="seconds"),
        full,
        zone_word(local),
        local.isoformat()[-6:],
        text,
    )


@register.simple_tag
def zone() -> str:
    """The name of the current time zone in a word, for a column's heading."""
    return zone_word(timezone.localtime())


@register.filter
def ago(moment: datetime | None) -> SafeString:
    """How long since: “9 s ago”, “1 h 12 min ago”; “in 5 min” for what is to come; a dash where there is none."""
    if moment is None:
        return SafeString(NOTHING)
    age = timezone.now() - moment
    text = _("in %(time)s") if age < timedelta(0) else _("%(time)s ago")
    if abs(age) < timedelta(seconds=1):
        text = _("just now")
    return _time_element(timezone.localtime(moment), text % {"time": duration(abs(age))})


@register.filter
def duration(span: timedelta | float | None) -> str:
    """A span (timedelta or seconds) in at most two units: “41 s”, “1 h 12 min”, “3 d 4 h”."""
    if span is None:
        return NOTHING
    seconds = int(span.total_seconds() if isinstance(span, timedelta) else span)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, _("d")), (hours, _("h")), (minutes, _("min"))]
    said = [f"{count} {unit}" for count, unit in units if count]
    return " ".join(said[:2]) or f"{seconds} {_('s')}"


# --- numbers -------------------------------------------------------------------------------
@register.filter
def number(value: int | float | Decimal | None) -> str:
    """With separators: 4518 → “4,518”; a dash where there is none."""
    if value is None or value == "":
        return NOTHING
    return str(formats.number_format(value, use_l10n=True, force_grouping=True))


@register.filter
def unlocal(value: Any) -> str:
    """A number for a machine: never with separators, as in attributes and addresses."""
    return "" if value is None else str(value)


# --- products ------------------------------------------------------------------------------
@register.simple_tag
def sku_parts(product: str, variant: str = "", size: str = "") -> SafeString:
    """A SKU in its three tones, joined without a gap as the warehouse reads it. Give one part only for a plain SKU."""
    parts = [(tone, part) for tone, part in (("a", product), ("b", variant), ("c", size)) if part]
    if not parts:
        return format_html('<span class="soft">{}</span>', _("no SKU"))
    return format_html('<span class="sku">{}</span>', format_html_join("", '<span class="{}">{}</span>', parts))


@register.simple_tag
def thumb(name: str, picture: str = "") -> SafeString:
    """A product's picture, else a tile with its first letter in a tone of its own. The name stands beside it anyway."""
    if settings.SANDBOX and (path := urlsplit(picture).path).startswith("/sandbox/"):
        picture = path  # the stand-in's pictures lie on this site, whatever name it was called by
    if picture.startswith(("https://", "/sandbox/")):
        return format_html(
            '<img class="thumb" src="{}" alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer">', picture
        )
    letter = next((char.upper() for char in name if char.isalnum()), "·")
    tone = sum(map(ord, name)) % THUMB_TONES + 1
    return format_html('<span class="thumb thumb-{}" aria-hidden="true">{}</span>', str(tone), letter)


# --- pages ---------------------------------------------------------------------------------
@register.filter
def page_numbers(page: Page[Any]) -> Iterator[int | None]:
    """The page numbers worth a link; None stands for a gap."""
    for shown in page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1):
        yield shown if isinstance(shown, int) else None


@register.simple_tag(takes_context=True)
def page_address(context: template.Context, param: str, page: int) -> str:
    """The address of this list's page; the search and the filters in it stay."""
    query = context["request"].GET.copy()
    query[param] = str(page)
    return f"?{query.urlencode()}"


@register.filter
def is_check(field: BoundField) -> bool:
    """A single check box, which stands before its label."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def button_kind(tags: list[str] | None, kind: str = "") -> str:
    """The look of a button after the tags that allauth gives it; `kind` where they say nothing."""
    kinds = {"danger": "btn-bad", "link": "btn-quiet", "minor": "btn-quiet", "outline": "", "secondary": ""}
    return next((kinds[tag] for tag in kinds if tag in (tags or [])), kind)


@register.filter
def tone(level: str) -> str:
    """Django's message level as one of our four tones."""
    return {"success": "good", "warning": "wait", "error": "bad"}.get(level, "info")


@register.filter
def tone_icon(tone_name: str) -> str:
    """The icon that goes with a tone, so that no meaning hangs on colour alone."""
    return {"good": "circle-check", "wait": "clock", "bad": "alert-triangle"}.get(tone_name, "info-circle")


@register.simple_tag
@cache
def version() -> str:
    """The version that runs, as in pyproject.toml."""
    project: dict[str, Any] = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    return str(project["version"])
