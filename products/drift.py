"""What the shop shows, read back once a night, against what it was told.

    read     one page of the shop's stock
    judge    expected = the greater of told and allocated; anything else is drift (pure)
    write    what is shown, and the place after the page, in one transaction

Drift is healed by telling again. A difference that stands after two pushes is kept elsewhere in the shop (in another of
its warehouses, by another system): it is shown and left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.connectors.base import Page, StockLevel
from integrations.models import Integration
from integrations.sync import Run
from products.models import ShopFigure
from products.refresh import is_stale, last_night

PUSHES = 2  # after so many in vain the difference is left alone
SHOWN = ("shown_physical", "shown_allocated", "read_at")
JUDGED = ("told", "drift", "drift_since", "drift_pushes", "is_kept_elsewhere")


@dataclass(frozen=True, slots=True)
class Known:
    """What we have of one item: what it was told, and how it differed so far."""

    told: int | None = None
    drift: int = 0
    drift_since: datetime | None = None
    drift_pushes: int = 0
    is_kept_elsewhere: bool = False


def physical_of(level: StockLevel) -> int | None:
    """Pieces on the shop's shelf; from the two other numbers where it does not say."""
    if level.physical is not None:
        return level.physical
    return None if level.available is None else level.available + (level.allocated or 0)


def judge(known: Known, level: StockLevel, now: datetime) -> Known:
    """What we hold of the item after it was read back. Unknown `told` is due and cannot drift."""
    shown = physical_of(level)
    if known.told is None or shown is None:
        return known
    drift = shown - max(known.told, level.allocated or 0)
    if not drift:
        return Known(told=known.told)
    pushes = known.drift_pushes if drift == known.drift else 0
    found = replace(known, drift=drift, drift_since=known.drift_since or now)
    if pushes >= PUSHES:
        return replace(found, is_kept_elsewhere=True)
    return replace(found, told=None, drift_pushes=pushes + 1, is_kept_elsewhere=False)


def is_due(run: Run) -> bool:
    """Once a night after two in the shop's zone, and before the first figure is sent at all."""
    last = run.state.remembers.get("read_back_at")
    zone = run.integration.time_zone
    return last is None or datetime.fromisoformat(last) < last_night(timezone.now(), zone)


def read_back(run: Run) -> None:
    """All pages from the place on; gives way between two of them."""
    place = begin(run)
    run.describe(_("read back"))
    with run.connect() as shop:
        for page in shop.stock(cursor=place["cursor"]):
            run.counts["pages"] += 1
            place = take_page(run, place, page)
            if page.cursor:
                run.give_way()
    with transaction.atomic():
        run.remember(read_back_at=place["began_at"], read=run.counts["read back"])
        run.keep({})


def begin(run: Run) -> dict[str, Any]:
    """The kept place, or the beginning; a page number of the shop is not trusted for long."""
    now = timezone.now()
    if "cursor" not in run.place or is_stale(run.place, now):
        run.keep({"cursor": "", "began_at": now.isoformat(), "read_at": now.isoformat()})
    return run.place


def take_page(run: Run, place: dict[str, Any], page: Page[StockLevel]) -> dict[str, Any]:
    """Judge and write one page; returns the place after it."""
    now = timezone.now()
    run.note(f"{row.external_id or _('an item without id')}: {row.reason}" for row in page.faulty)
    with transaction.atomic():
        found = look_up(run.integration, page.items)
        note_levels({pk: level for pk, (level, _before) in found.items()}, now)
        judged = {pk: (before, judge(before, level, now)) for pk, (level, before) in found.items()}
        write(judged)
        run.counts["read back"] += len(judged)
        run.counts["drift"] += sum(after.drift != 0 for _before, after in judged.values())
        run.keep({**place, "cursor": page.cursor, "read_at": now.isoformat()})
    return run.place


def look_up(integration: Integration, levels: Iterable[StockLevel]) -> dict[int, tuple[StockLevel, Known]]:
    """Our linked items of these, by key. What is being asked or was refused is not known to have been told."""
    by_id = {level.external_id: level for level in levels}
    items = integration.webshop_products.filter(external_id__in=by_id, product__isnull=False, ignored_at__isnull=True)
    columns = ["pk", "external_id", "figure__asked", "figure__refused", *(f"figure__{name}" for name in JUDGED)]
    found = {}
    for pk, external_id, asked, refused, *known in items.order_by("pk").values_list(*columns):
        told, drift, since, pushes, is_kept = known
        was = Known(told if asked is None and not refused else None, drift or 0, since, pushes or 0, bool(is_kept))
        found[pk] = (by_id[external_id], was)
    return found


def write(judged: Mapping[int, tuple[Known, Known]]) -> None:
    """Write the verdicts that say something new; what has drifted is told again."""
    for pk, (before, after) in judged.items():
        if after != before:
            ShopFigure.objects.filter(item=pk).update(**{name: getattr(after, name) for name in JUDGED})


def note_levels(levels: Mapping[int, StockLevel], now: datetime) -> None:
    """Write what the shop shows of items, by the items' keys, in the order of those."""
    rows = [
        ShopFigure(item_id=pk, shown_physical=physical_of(level), shown_allocated=level.allocated, read_at=now)
        for pk, level in sorted(levels.items())
    ]
    ShopFigure.objects.bulk_create(rows, update_conflicts=True, unique_fields=["item"], update_fields=list(SHOWN))
