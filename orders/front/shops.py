"""How each shop does: in words, as measured, and what waits to be told.

Orders in      placed in the shop → visible here, of orders placed since it was connected
Tracking out   shipped → told to the shop
Stock out      when figures were last told; how long a change took is not measured, for not every change of a stock
               changes what the shop is told
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Aggregate, Count, Min, OuterRef, Q, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models import Health, Integration, SyncState, Tone
from integrations.pipes import PIPES
from merchants.models import Merchant
from merchants.templatetags.portal import duration
from orders.front.addresses import sync_address
from orders.front.counts import Owed
from orders.models import Order, Status
from products import stock
from products.models import ShopFigure, Tab, WebshopProduct

MEASURED = timedelta(days=7)
MOST_MEASURED = 500  # orders per shop
ROWS_READ = 1000  # orders of all shops together
EXACT = 120  # seconds
DOWN_COUNTED = 3  # shops that are down and whose waiting figures are counted
GRAVITY = [Tone.NONE, Tone.GOOD, Tone.WAIT, Tone.BAD]


@dataclass(frozen=True, slots=True)
class Lag:
    """How long something took, in seconds, of so many cases."""

    median: float
    p95: float
    cases: int

    @property
    def usual(self) -> str:
        return _span(self.median)

    @property
    def slow(self) -> str:
        return _span(self.p95)


def _span(seconds: float) -> str:
    """In seconds as long as these can be compared at a glance."""
    return _("%(n)d s") % {"n": round(seconds)} if seconds < EXACT else duration(seconds)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one shop was told of stock: how many figures differ there, and how many wait for a person."""

    drift: int = 0
    braked: int = 0
    braked_since: datetime | None = None


@dataclass(slots=True)
class Shop:
    """One integration, as the front page shows it."""

    integration: Integration
    states: list[SyncState]
    items: dict[str, int]
    owed: Owed = field(default_factory=Owed)
    figures: Figures = field(default_factory=Figures)
    orders_in: Lag | None = None
    tracking_out: Lag | None = None
    figures_due: int = 0

    @property
    def health(self) -> Health:
        """The gravest of what its pipes say."""
        return max((state.health() for state in self.states), key=lambda health: GRAVITY.index(health.tone))

    @property
    def is_down(self) -> bool:
        """Whether something waits because the shop does not answer, or refuses."""
        return any(state.failed_attempts for state in self.states)

    @property
    def answered_at(self) -> datetime | None:
        return max((state.answered_at for state in self.states if state.answered_at), default=None)

    @property
    def figures_told_at(self) -> datetime | None:
        """When the shop last took a figure."""
        told = self._stock.get("told_at")
        return datetime.fromisoformat(told) if told else None

    @property
    def figures_read(self) -> int:
        """Of how many items the shop's figure was read, the last night that it was."""
        return int(self._stock.get("read", 0))

    @property
    def _stock(self) -> dict[str, Any]:
        return next((state.remembers for state in self.states if state.pipe == stock.KEY), {})

    @property
    def next_try_at(self) -> datetime | None:
        tries = [state.next_run_at for state in self.states if state.failed_attempts and not state.is_paused]
        return min(tries, default=None)

    @property
    def waiting(self) -> str:
        """What waits to be told while the shop is down."""
        parcels, figures, handing = self.owed.untold, self.figures_due, self.owed.handing
        said = [
            ngettext("%(n)d parcel", "%(n)d parcels", parcels) % {"n": parcels} if parcels else "",
            ngettext("%(n)d stock figure", "%(n)d stock figures", figures) % {"n": figures} if figures else "",
            ngettext("%(n)d hand-over", "%(n)d hand-overs", handing) % {"n": handing} if handing else "",
        ]
        found = " · ".join(filter(None, said))
        return _("Nothing is lost. To be told: %(what)s.") % {"what": found} if found else _("Nothing is lost.")

    @property
    def total(self) -> int:
        """Items in the shop."""
        return sum(self.items.values())

    @property
    def tabs(self) -> list[tuple[Tab, int, str]]:
        """Each tab of Sync webshop products with its number of items and its address."""
        return [(tab, self.items[tab.value], self.address(tab)) for tab in Tab]

    def address(self, tab: Tab | None = None) -> str:
        """This shop on Sync webshop products."""
        return sync_address(self.integration.merchant_id, shop=self.integration.pk, tab=tab.value if tab else "")


def look(merchant: Merchant, owed: dict[int | None, Owed], now: datetime) -> list[Shop]:
    """All shops of the merchant, by name."""
    integrations = list(merchant.integrations.with_states().annotate(**_figures()))
    items = _items(integrations)
    came, told = _lags_in(merchant, integrations, now), _lags_out(merchant, now)
    found = [
        Shop(
            integration=one,
            states=states_of(one),
            items=items[one.pk],
            owed=owed.get(one.pk, Owed()),
            figures=_figures_of(one),
            orders_in=came.get(one.pk),
            tracking_out=told.get(one.pk),
        )
        for one in integrations
    ]
    for shop in [shop for shop in found if shop.is_down and shop.integration.sends_stock][:DOWN_COUNTED]:
        shop.figures_due = stock.due(shop.integration, now).count()
    return found


def states_of(integration: Integration) -> list[SyncState]:
    """One per pipe, in their order; looking at a page makes no rows."""
    there = {state.pipe: state for state in integration.states.all()}
    return [there.get(key) or SyncState(integration=integration, pipe=key) for key in PIPES]


def _items(integrations: list[Integration]) -> dict[int, dict[str, int]]:
    found = {one.pk: {tab.value: 0 for tab in Tab} for one in integrations}
    items = WebshopProduct.objects.filter(integration__in=[one.pk for one in integrations]).order_by()
    for pk, tab, number in items.values_list("integration", "tab").annotate(number=Count("*")):  # an index knows both
        found[pk][tab] = number
    return found


def _figures() -> dict[str, Subquery]:
    """Counted beside each integration, and only of the few that something is the matter with; an index knows them."""
    odd = ShopFigure.objects.filter(
        ~Q(drift=0) | Q(braked_at__isnull=False),
        item__integration=OuterRef("pk"),
        item__product__isnull=False,
        item__gone_at__isnull=True,
        item__ignored_at__isnull=True,
    )
    wanted: dict[str, Aggregate] = {
        "drifting": Count("pk", filter=~Q(drift=0)),
        "braked": Count("pk", filter=Q(braked_at__isnull=False)),
        "braked_since": Min("braked_at"),
    }
    each = odd.order_by().values("item__integration")
    return {name: Subquery(each.annotate(found=what).values("found")) for name, what in wanted.items()}


def _figures_of(integration: Any) -> Figures:
    return Figures(integration.drifting or 0, integration.braked or 0, integration.braked_since)


# --- measured ------------------------------------------------------------------------------


def _lags_in(merchant: Merchant, integrations: Iterable[Integration], now: datetime) -> dict[int, Lag]:
    """Older orders that came in with the connection were not late; they are not measured.

    Shop by shop, not joined: for a join the database may read all orders by their shop.
    """
    since, of_any = now - MEASURED, Q(pk__in=[])
    for one in integrations:
        of_any |= Q(integration=one.pk, placed_at__gt=max(since, one.created_at))
    orders = Order.objects.for_merchant(merchant).filter(of_any, placed_at__gte=since, split_from__isnull=True)
    rows = orders.order_by("-placed_at", "-pk").values_list("integration", "placed_at", "read_at")
    return _by_shop(rows[:ROWS_READ])


def _lags_out(merchant: Merchant, now: datetime) -> dict[int, Lag]:
    orders = Order.objects.for_merchant(merchant).filter(
        status=Status.SHIPPED, integration__isnull=False, shipped_at__gte=now - MEASURED, told_at__isnull=False
    )
    rows = orders.order_by("-shipped_at", "-pk").values_list("integration", "shipped_at", "told_at")
    return _by_shop(rows[:ROWS_READ])


def _by_shop(rows: Iterable[tuple[int | None, datetime | None, datetime | None]]) -> dict[int, Lag]:
    spans: dict[int, list[float]] = {}
    for shop, began, ended in rows:
        taken = spans.setdefault(shop, []) if shop is not None else None
        if taken is not None and began and ended and len(taken) < MOST_MEASURED:
            taken.append(max(0.0, (ended - began).total_seconds()))
    return {shop: measure(taken) for shop, taken in spans.items() if taken}


def measure(spans: list[float]) -> Lag:
    """Median and 95th percentile (nearest rank) of at least one span."""
    ordered = sorted(spans)
    return Lag(median(ordered), ordered[math.ceil(0.95 * len(ordered)) - 1], len(ordered))
