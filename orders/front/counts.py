"""Orders by status, and what is behind each number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from merchants.models import Merchant
from merchants.templatetags.portal import duration
from orders.front.addresses import order_list
from orders.models import Order, Status
from orders.models.hold import OF_THE_SHOP

if TYPE_CHECKING:
    from orders.front.attention import Group

COUNTED = (Status.NEW, Status.COLLECTING, Status.PENDING, Status.RESERVED)


@dataclass(slots=True)
class Tally:
    """Orders of one status: how many, per warehouse, since when the oldest stands so."""

    number: int = 0
    houses: dict[str, int] = field(default_factory=dict)
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """Of one integration (None: by hand): shipped today, shipped and not told yet, being handed over."""

    today: int = 0
    untold: int = 0
    handing: int = 0


@dataclass(frozen=True, slots=True)
class Stat:
    """One number at the head of the page."""

    label: str
    value: int
    hint: str
    url: str


def midnight(now: datetime) -> datetime:
    """The beginning of today, in the current zone."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def tally(merchant: Merchant) -> dict[str, Tally]:
    """By status; every counted status is there."""
    found: dict[str, Tally] = defaultdict(Tally)
    rows = Order.objects.for_merchant(merchant).filter(status__in=COUNTED).order_by()
    for row in rows.values("status", "warehouse__code").annotate(number=Count("pk"), oldest=Min("status_changed_at")):
        one = found[row["status"]]
        one.number += row["number"]
        one.houses[row["warehouse__code"]] = row["number"]
        one.oldest = min(filter(None, (one.oldest, row["oldest"])))
    return found


def owed(merchant: Merchant, today: datetime) -> dict[int | None, Owed]:
    """By integration: what was shipped today, and what its shop has yet to hear."""
    is_today = Q(status=Status.SHIPPED, shipped_at__gte=today)
    is_untold = Q(status=Status.SHIPPED, told_at__isnull=True, integration__isnull=False)
    is_handing = Q(status=Status.NEW, handover_asked_at__isnull=False, integration__isnull=False)
    rows = Order.objects.for_merchant(merchant).filter(is_today | is_untold | is_handing).order_by()
    counted = rows.values("integration").annotate(
        today=Count("pk", filter=is_today),
        untold=Count("pk", filter=is_untold),
        handing=Count("pk", filter=is_handing),
    )
    return {row["integration"]: Owed(row["today"], row["untold"], row["handing"]) for row in counted}


def stats(
    merchant: Merchant,
    tally: dict[str, Tally],
    owed: dict[int | None, Owed],
    short: int,
    groups: Iterable[Group],
    now: datetime,
) -> list[Stat]:
    """The five numbers at the head of the page."""
    new, collecting = tally[Status.NEW], tally[Status.COLLECTING]
    pending, reserved = tally[Status.PENDING], tally[Status.RESERVED]
    shipped = sum(one.today for one in owed.values())
    untold = sum(one.untold for one in owed.values())
    age = _("oldest %(age)s") % {"age": duration(now - new.oldest)} if new.oldest else ""
    houses = " · ".join(f"{code} {number}" for code, number in sorted(collecting.houses.items()))
    waiting = ngettext("waiting for %(n)d product", "waiting for %(n)d products", short) % {"n": short}
    rows = [
        (Status.NEW, Status.NEW.label, new.number, age),
        (Status.COLLECTING, Status.COLLECTING.label, collecting.number, houses),
        (Status.SHIPPED, _("SHIPPED today"), shipped, _shipped_hint(shipped, untold)),
        (Status.PENDING, Status.PENDING.label, pending.number, waiting if pending.number else ""),
        (Status.RESERVED, Status.RESERVED.label, reserved.number, _reserved_hint(reserved.number, groups)),
    ]
    return [
        Stat(str(label), number, hint, order_list(merchant.pk, status=status.value))
        for status, label, number, hint in rows
    ]


def _shipped_hint(shipped: int, untold: int) -> str:
    if untold:
        return ngettext("%(n)d not told to the shop yet", "%(n)d not told to the shop yet", untold) % {"n": untold}
    return _("all told to the shop") if shipped else ""


def _reserved_hint(number: int, groups: Iterable[Group]) -> str:
    """Whose turn it is."""
    causes = {group.cause for group in groups}
    if not number:
        return ""
    if causes - OF_THE_SHOP:
        return _("needs you")
    return _("waits for the shop") if causes else _("on purpose")
