"""The brake: many figures that would fall to zero at once wait for a person, the rest goes on.

    would be zero now + told zero within a day      against      everything that is not zero, or was not a day ago

More than 30 % of it, and at least 20 items: then each of them waits. What a person approved goes, and is not counted.
Where the count falls again (goods came in, a day went by) those that wait go on by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from integrations.models import Integration
from merchants.models import Merchant
from products.formula import with_numbers
from products.models import ShopFigure
from products.models.stock import ShopFigureQuerySet

AT_LEAST = 20  # items
SHARE = 30  # per cent
WITHIN = timedelta(hours=24)
# What was told is more than zero; where that is not known, what the shop shows.
HAS_PIECES = Q(told__gt=0) | Q(told__isnull=True, shown_physical__gt=0)


@dataclass(slots=True)
class Brake:
    """Counts of one integration's items; `meet` adds what a run finds on its way."""

    filled: int  # not zero now, or zeroed within a day
    zeroed: int  # told zero within a day, and not by a person's word
    emptying: int  # would become zero now
    met: int = 0

    @property
    def is_on(self) -> bool:
        falling = self.zeroed + max(self.emptying, self.met)
        return falling >= AT_LEAST and falling * 100 > SHARE * self.filled

    def meet(self, emptying: int, unheard_of: int = 0) -> None:
        """So many rows of a chunk would become zero; `unheard_of` of them nobody knew to have pieces before."""
        self.met += emptying
        self.filled += unheard_of


def look(integration: Integration, now: datetime) -> Brake:
    """How it stands before anything is sent."""
    known = ShopFigure.objects.of(integration)
    zeroed = known.filter(told=0, zeroed_at__gte=now - WITHIN).count()
    return Brake(known.filter(HAS_PIECES).count() + zeroed, zeroed, emptying(integration).count())


def emptying(integration: Integration) -> QuerySet[Any]:
    """Items that would become zero without a person's word."""
    rows = known(integration).filter(figure__approved_at__isnull=True, figure__refused="", should=0)
    rows = rows.filter(figure__clamped_at__isnull=True)
    return rows.filter(Q(figure__told__gt=0) | Q(figure__told__isnull=True, figure__shown_physical__gt=0))


def known(integration: Integration) -> QuerySet[Any]:
    """Items with their numbers of which something was told, asked or read."""
    items = integration.webshop_products.filter(gone_at__isnull=True, ignored_at__isnull=True, figure__isnull=False)
    return with_numbers(integration, items)


def release(integration: Integration, now: datetime) -> None:
    """Let go what need not wait any more; an approval ends with the zero that it was given for."""
    marked = Q(figure__braked_at__isnull=False) | Q(figure__approved_at__isnull=False)
    rows = known(integration).filter(marked)
    if not rows.exists():
        return
    filled_again = list(rows.filter(should__gt=0).values_list("figure__pk", flat=True))
    ShopFigure.objects.filter(pk__in=filled_again).change(braked_at=None, approved_at=None)
    if not look(integration, now).is_on:
        waiting(integration).change(braked_at=None)


def waiting(integration: Integration) -> ShopFigureQuerySet:
    """The rows that wait for a person."""
    return ShopFigure.objects.of(integration).filter(braked_at__isnull=False)


def attention(merchant: Merchant) -> list[tuple[Integration, int]]:
    """For the front page: the merchant's integrations with rows that wait for a person, and how many."""
    rows = waiting_rows().filter(item__integration__merchant=merchant).order_by()
    counted = dict(rows.values_list("item__integration").annotate(Count("pk")))
    return [(one, counted[one.pk]) for one in merchant.integrations.filter(pk__in=counted)]


def waiting_rows() -> ShopFigureQuerySet:
    """Of every integration: what waits, of items that still are told anything."""
    told = Q(item__product__isnull=False, item__gone_at__isnull=True, item__ignored_at__isnull=True)
    return ShopFigure.objects.filter(told, braked_at__isnull=False)


def approve(integration: Integration, through: datetime) -> int:
    """A person has seen the rows that waited at that moment: they may become zero. Returns how many."""
    listed = waiting(integration).filter(braked_at__lte=through)
    return listed.change(braked_at=None, approved_at=timezone.now())
