"""What the front page says: how many orders stand where, what needs a person, whether anything is missing. Reads only.

    counts        orders by status, with what is behind each number
    attention     why something waits, grouped by cause, each with the one link that mends it
    completeness  what each shop ever showed = what is here + what was left, for which reason
    days          orders per day
    shops         how each shop does, and how long things took, as measured
    steps         the way of a newcomer, until it has been walked

In a number of queries that grows neither with the orders nor with the shops.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.models import SyncRun
from merchants.models import Merchant
from orders.front import attention, completeness, counts, days, holds, shops, steps
from orders.front.addresses import sync_address
from orders.front.attention import Attention
from orders.front.completeness import Part
from orders.front.facts import Facts
from orders.front.facts import of as facts_of
from products.models import Tab
from products.models.stock import StockUpdateLine

COMING_SHOWN = 6
RUNS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Coming:
    """Goods announced and not wholly received."""

    pk: int
    number: str
    warehouse: str
    expected_on: date
    pieces: int
    is_late: bool


@dataclass(slots=True)
class FrontPage:
    """Everything the page shows."""

    now: datetime
    facts: Facts
    stats: list[counts.Stat]
    shops: list[shops.Shop]
    days: days.Plot
    sync_address: str
    completeness: list[completeness.Equation] = field(default_factory=list)
    coming: list[Coming] = field(default_factory=list)
    steps: list[steps.Step] = field(default_factory=list)
    attention: list[Attention] = field(default_factory=list)

    @property
    def product_count(self) -> int:
        return self.facts.products

    @property
    def steps_done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def urgent(self) -> list[Attention]:
        """What holds up orders or a whole shop, and news: each a note of its own."""
        return [one for one in self.attention if not one.is_small]

    @property
    def small(self) -> list[Attention]:
        """What holds up single items: one note for all."""
        return [one for one in self.attention if one.is_small]

    @property
    def totals(self) -> dict[str, int]:
        """Items per tab over all shops."""
        return {tab.value: sum(shop.items[tab.value] for shop in self.shops) for tab in Tab}

    @property
    def items(self) -> Part:
        """All items of all shops: the whole of which the tabs are the parts."""
        return Part(sum(self.totals.values()), _("items in your shops"))

    @property
    def tabs(self) -> list[Part]:
        """How many items stand in which tab, with the way there."""
        totals, addresses = self.totals, self.addresses
        return [Part(totals[tab.value], str(tab.label).lower(), addresses[tab.value]) for tab in Tab]

    @property
    def addresses(self) -> dict[str, str]:
        """Per tab, the shop that has all of its items; none where several have some, for a page shows one shop."""
        totals = self.totals
        return {
            tab.value: next(
                (shop.address(tab) for shop in self.shops if shop.items[tab.value] == totals[tab.value]), ""
            )
            for tab in Tab
        }


def look(merchant: Merchant) -> FrontPage:
    """Everything the page shows, in the merchant's zone."""
    now = timezone.now()
    facts = facts_of(merchant, now)
    counted = counts.count(merchant, counts.midnight(now))
    groups = holds.hold_groups(merchant)
    found = shops.look(merchant, counted.owed, now)
    page = FrontPage(
        now=now,
        facts=facts,
        stats=counts.stats(merchant, counted.tally, counted.owed, facts.products_short, groups, now),
        shops=found,
        days=days.look(merchant, now),
        sync_address=sync_address(merchant.pk),
    )
    page.completeness = [one for shop in found if (one := completeness.of(shop.integration, shop.states, now))]
    page.coming = coming_goods(merchant) if facts.has_announced else []
    page.steps = steps.first_steps(merchant, facts, found)
    page.attention = attention.look(merchant, found, page.completeness, groups, counted, facts.answers, now)
    return page


def coming_goods(merchant: Merchant) -> list[Coming]:
    """Open stock updates, the next first, with the pieces still to come."""
    today = timezone.localdate()
    rows = StockUpdateLine.objects.filter(update__merchant=merchant).outstanding().order_by("update__expected_on")
    named: Any = rows.values("update_id", "update__number", "update__warehouse__code", "update__expected_on").annotate(
        pieces=Sum(F("expected") - F("received"))
    )
    return [
        Coming(
            row["update_id"],
            row["update__number"],
            row["update__warehouse__code"],
            row["update__expected_on"],
            row["pieces"],
            row["update__expected_on"] < today,
        )
        for row in named.order_by("update__expected_on", "update_id")[:COMING_SHOWN]
    ]


def last_runs(merchant: Merchant) -> list[SyncRun]:
    """The latest activity over all shops."""
    runs = SyncRun.objects.filter(integration__merchant=merchant).select_related("integration")
    return list(runs.latest_first()[:RUNS_SHOWN])


__all__ = ["Coming", "FrontPage", "coming_goods", "last_runs", "look"]
