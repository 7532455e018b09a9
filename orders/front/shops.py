"""How each shop does: in words, as measured, and what waits to be told.

Orders in      placed in the shop → visible here, of orders placed since it was connected
Tracking out   shipped → told to the shop
Stock out      when figures were last told; how long a change took is not measured, for not every change of a stock
               changes what the shop is told
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Aggregate, Count, F, Min, OuterRef, Q, Subquery, Value
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models import Health, Integration, SyncState, Tone
from integrations.pipes import PIPES
from merchants.models import Merchant
from merchants.templatetags.portal import duration
from orders.front.addresses import sync_address
from orders.front.counts import Owed
from orders.models import Order, OrderQuerySet, Status
from products import stock
from products.models import ShopFigure, Tab, WebshopProduct
from products.problems import Code

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
    causes: Counter[Code] = field(default_factory=Counter)  # how many items have each
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
    items, causes = _items(integrations)
    came, told = _lags(merchant, integrations, now)
    found = [
        Shop(
            integration=one,
            states=states_of(one),
            items=items[one.pk],
            causes=causes[one.pk],
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


def _items(integrations: list[Integration]) -> tuple[dict[int, dict[str, int]], dict[int, Counter[Code]]]:
    """Per integration: items on each tab, which an index knows; and of those with problems, the causes."""
    found = {one.pk: {tab.value: 0 for tab in Tab} for one in integrations}
    causes: dict[int, Counter[Code]] = {one.pk: Counter() for one in integrations}
    items = WebshopProduct.objects.filter(integration__in=[one.pk for one in integrations]).order_by()
    words = ("integration", "tab", "codes")
    tabs = items.annotate(codes=Value("")).values_list(*words).annotate(number=Count("*"))
    problems = items.on_tab(Tab.PROBLEMS).annotate(codes=F("problem_codes")).values_list(*words)
    for pk, tab, codes, number in tabs.union(problems.annotate(number=Count("*")), all=True):
        if codes:
            causes[pk].update({Code(code): number for code in codes.strip("|").split("|")})
        else:
            found[pk][tab] = number
    return found, causes


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


def _lags(
    merchant: Merchant, integrations: Iterable[Integration], now: datetime
) -> tuple[dict[int, Lag], dict[int, Lag]]:
    """By shop: placed → visible here, and shipped → told; of the latest, in one look."""
    orders = Order.objects.for_merchant(merchant)
    came = _came(orders, integrations, now - MEASURED).order_by("-placed_at", "-pk")
    told = _told(orders, now - MEASURED).order_by("-shipped_at", "-pk")
    rows = _spans(came, "in", "placed_at", "read_at").union(_spans(told, "out", "shipped_at", "told_at"), all=True)
    spans: dict[str, dict[int, list[float]]] = {"in": defaultdict(list), "out": defaultdict(list)}
    for way, shop, began, ended in rows.order_by("-began"):
        taken = spans[way][shop]
        if ended and len(taken) < MOST_MEASURED:
            taken.append(max(0.0, (ended - began).total_seconds()))
    into, out = ({shop: measure(taken) for shop, taken in each.items() if taken} for each in spans.values())
    return into, out


def _came(orders: OrderQuerySet, integrations: Iterable[Integration], since: datetime) -> OrderQuerySet:
    """Older orders that came in with the connection were not late; they are not measured.

    Shop by shop, not joined: for a join the database may read all orders by their shop.
    """
    of_any = Q(pk__in=[])
    for one in integrations:
        of_any |= Q(integration=one.pk, placed_at__gt=max(since, one.created_at))
    return orders.filter(of_any, placed_at__gte=since, split_from__isnull=True)


def _told(orders: OrderQuerySet, since: datetime) -> OrderQuerySet:
    """What the merchant left untold was told to nobody: its shipment is open there."""
    is_open_there = Q(shipment__isnull=False, shipment__completed_at__isnull=True)
    told = orders.filter(status=Status.SHIPPED, integration__isnull=False, told_at__isnull=False)
    return told.filter(~is_open_there, shipped_at__gte=since)


def _spans(orders: OrderQuerySet, way: str, began: str, ended: str) -> Any:
    """The first of these orders, as rows of one shape; SQLite joins no two queries that have a limit themselves."""
    first = Order.objects.filter(pk__in=orders.values("pk")[:ROWS_READ]).order_by()
    named = first.annotate(way=Value(way), began=F(began), ended=F(ended))
    return named.values_list("way", "integration", "began", "ended")


def measure(spans: list[float]) -> Lag:
    """Median and 95th percentile (nearest rank) of at least one span."""
    ordered = sorted(spans)
    return Lag(median(ordered), ordered[math.ceil(0.95 * len(ordered)) - 1], len(ordered))
