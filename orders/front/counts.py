"""Orders by status, and what is behind each number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from merchants.models import Merchant
from merchants.templatetags.portal import duration
from orders.front.addresses import order_list
from orders.models import ASKED_OF_MERCHANT, Order, Status
from orders.models.hold import OF_THE_SHOP

if TYPE_CHECKING:
    from orders.front.holds import Group

COUNTED = (Status.NEW, Status.COLLECTING, Status.PENDING, Status.RESERVED, Status.DRAFT)


@dataclass(slots=True)
class Tally:
    """Orders of one status: how many, per warehouse, since when the oldest stands so."""

    number: int = 0
    houses: Counter[str] = field(default_factory=Counter)
    oldest: datetime | None = None

    def add(self, house: str, number: int, oldest: datetime) -> None:
        self.number += number
        self.houses[house] += number
        self.oldest = min(self.oldest or oldest, oldest)


@dataclass(frozen=True, slots=True)
class Owed:
    """Of one integration (None: by hand): shipped today, shipped and not told yet, being handed over."""

    today: int = 0
    untold: int = 0
    handing: int = 0

    def plus(self, today: int, untold: int, handing: int) -> Owed:
        return Owed(self.today + today, self.untold + untold, self.handing + handing)


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


@dataclass(frozen=True, slots=True)
class Counted:
    """Orders by status, what is owed by integration, and how many ask the merchant something, by question."""

    tally: dict[str, Tally]
    owed: dict[int | None, Owed]
    asks: Mapping[str, int]


def count(merchant: Merchant, today: datetime) -> Counted:
    """All of it in one look at the orders that are open, were shipped today or want something; indexes know them."""
    is_today = Q(status=Status.SHIPPED, shipped_at__gte=today)
    is_untold = Q(status=Status.SHIPPED, told_at__isnull=True, integration__isnull=False)
    is_handing = Q(status=Status.NEW, handover_asked_at__isnull=False, integration__isnull=False)
    some = Q(status__in=COUNTED) | is_today | is_untold | Q(needs_refund=True)
    rows = Order.objects.for_merchant(merchant).filter(some).order_by()
    counts = {"today": is_today, "untold": is_untold, "handing": is_handing}
    counts |= {f"asks_{key}": is_so for key, is_so in ASKED_OF_MERCHANT.items()}
    found: dict[str, Tally] = defaultdict(Tally)
    owed, asks = defaultdict[int | None, Owed](Owed), Counter[str]()
    grouped: Any = rows.values("status", "warehouse__code", "integration").annotate(
        number=Count("pk"),
        oldest=Min("status_changed_at"),
        **{name: Count("pk", filter=is_so) for name, is_so in counts.items()},
    )
    for row in grouped:
        if row["status"] in COUNTED:
            found[row["status"]].add(row["warehouse__code"], row["number"], row["oldest"])
        owed[row["integration"]] = owed[row["integration"]].plus(row["today"], row["untold"], row["handing"])
        asks.update({key: row[f"asks_{key}"] for key in ASKED_OF_MERCHANT})
    return Counted(found, dict(owed), asks)


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
    today = {Status.SHIPPED: "today"}
    return [
        Stat(str(label), number, hint, order_list(merchant.pk, status=status.value, shipped=today.get(status, "")))
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
