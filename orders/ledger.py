"""The ledger of completeness: what a shop showed = what is here + what was left, each with its reason.

Per pass: distinct = new + known + waiting + skipped + unreadable. Of an integration: every number ever seen is here or
was skipped; one that is neither is an alarm.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, When
from django.utils.translation import gettext_lazy as _

from integrations.models import Integration
from orders.models import Order, OrderQuerySet, SeenOrder, Status, Verdict
from orders.models.hold import OF_THE_SHOP

NAMED = 20


@dataclass(slots=True)
class Pass:
    """What one pass saw, by number; the parts add up to `distinct`."""

    distinct: int = 0
    new: int = 0
    known: int = 0
    waiting: int = 0
    unreadable: int = 0
    nameless: int = 0  # rows without a legible number: counted with the unreadable, kept nowhere
    fresh: int = 0  # taken or held for the first time
    skipped: Counter[str] = field(default_factory=Counter)

    def counts(self) -> dict[str, int]:
        unreadable = self.unreadable + self.nameless
        parts = {"new": self.new, "known": self.known, "waiting": self.waiting, "unreadable": unreadable}
        return {"orders": self.distinct + self.nameless, **parts, "skipped": self.skipped.total()}

    @property
    def adds_up(self) -> bool:
        return self.distinct == self.new + self.known + self.waiting + self.unreadable + self.skipped.total()


def of_pass(
    integration: Integration, this_pass: str, began: datetime, nameless: int = 0, *, polls: str | None = None
) -> Pass:
    """Counted from the rows that the pass left, so that turns and deaths in between change nothing.

    `polls`: the pass of the polls that came into it.
    """
    seen = SeenOrder.objects.filter(integration=integration, seen_in__in={this_pass, polls or this_pass})
    taken, is_new = Q(verdict=Verdict.TAKEN), Q(first_seen_at__gte=began)
    is_waiting = Q(number__in=_numbers(held_orders(integration)))
    counted = seen.aggregate(
        distinct=Count("pk"),
        fresh=Count("pk", filter=is_new & ~Q(verdict=Verdict.SKIPPED)),
        unreadable=Count("pk", filter=Q(verdict=Verdict.UNREADABLE)),
        waiting=Count("pk", filter=taken & is_waiting),
        new=Count("pk", filter=taken & ~is_waiting & is_new),
        known=Count("pk", filter=taken & ~is_waiting & ~is_new),
    )
    skipped = seen.filter(verdict=Verdict.SKIPPED).order_by().values_list("reason").annotate(Count("pk"))
    return Pass(**counted, nameless=nameless, skipped=Counter(dict(skipped)))


def held_orders(integration: Integration) -> QuerySet[Order]:
    """Those of this shop that wait for a reason; one row for each reason."""
    ours = Order.objects.filter(merchant=integration.merchant_id, shop=integration.shop, status=Status.RESERVED)
    return ours.filter(holds__isnull=False)


class Stand(models.TextChoices):
    """What the ledger counts an order as that it has seen."""

    HERE = "here", _("Here, and not held")
    HELD = "held", _("Held")
    WAITING = "waiting", _("Waiting for the shop")
    UNREADABLE = "unreadable", _("Could not be read")


def standing(orders: OrderQuerySet, integration: Integration, stand: Stand) -> OrderQuerySet:
    """Those of them that this integration's ledger counts so; of an order in parts one, for it counts numbers.

    Asked row by row, inside CASE: PostgreSQL makes no joins of it, see `_numbers`, and stops where the page is full.
    """
    verdict = Verdict.UNREADABLE if stand is Stand.UNREADABLE else Verdict.TAKEN
    seen = SeenOrder.objects.filter(integration=integration, number=OuterRef("number"), verdict=verdict)
    parts = Order.objects.filter(merchant=integration.merchant_id, shop=integration.shop, number=OuterRef("number"))
    held = parts.filter(status=Status.RESERVED, holds__isnull=False)
    for_shop = held.filter(holds__cause__in=sorted(OF_THE_SHOP))
    counts = {
        Stand.HERE: _is_first_of(parts) & ~Exists(held),
        Stand.HELD: _is_first_of(held) & ~Exists(for_shop),
        Stand.WAITING: _is_first_of(for_shop),
        Stand.UNREADABLE: _is_first_of(parts),
    }
    found = orders.filter(shop=integration.shop)
    if stand in (Stand.HELD, Stand.WAITING):
        found = found.filter(status=Status.RESERVED)
    if stand is Stand.UNREADABLE:
        few = SeenOrder.objects.filter(integration=integration, verdict=verdict).order_by()
        found = found.filter(number__in=few.values("number"))
    return found.filter(Case(When(counts[stand] & Exists(seen), then=True), default=False))


def _is_first_of(parts: QuerySet[Order]) -> Q:
    """Whether it is among these parts of its number, and none before it is."""
    return Q(Exists(parts.filter(pk=OuterRef("pk")))) & ~Q(Exists(parts.filter(part__lt=OuterRef("part"))))


def _numbers(orders: QuerySet[Order]) -> QuerySet[Order, str]:
    """For `IN`, in a filter of a count: PostgreSQL then reads the set once, however old its statistics are.

    As EXISTS it becomes a join, and right after a first import it believes in a row on each side: a loop in a loop.
    """
    return orders.order_by().values_list("number", flat=True)


def missing(integration: Integration) -> list[str]:
    """Numbers once taken that are no longer here: the alarm. Named up to a score."""
    return list(_lost(integration)[:NAMED])


def _lost(integration: Integration) -> QuerySet[Any, str]:
    """As a difference of two sets, which is never a loop in a loop: see `_numbers`."""
    taken = SeenOrder.objects.filter(integration=integration, verdict=Verdict.TAKEN).order_by()
    here = Order.objects.filter(merchant=integration.merchant_id, shop=integration.shop).order_by()
    return taken.values_list("number", flat=True).difference(here.values_list("number", flat=True))


def of_integration(integration: Integration) -> dict[str, Any]:
    """Everything ever seen, for *Is anything missing?*: shown = here + held + not paid yet + skipped by reason."""
    seen = SeenOrder.objects.filter(integration=integration)
    taken, held = Q(verdict=Verdict.TAKEN), held_orders(integration)
    counted = seen.aggregate(
        shown=Count("pk"),
        taken=Count("pk", filter=taken),
        unreadable=Count("pk", filter=Q(verdict=Verdict.UNREADABLE)),
        waiting=Count("pk", filter=taken & Q(number__in=_numbers(held.filter(holds__cause__in=OF_THE_SHOP)))),
        all_held=Count("pk", filter=taken & Q(number__in=_numbers(held))),
    )
    skipped = dict(seen.filter(verdict=Verdict.SKIPPED).order_by().values_list("reason").annotate(Count("pk")))
    lost = _lost(integration).count()
    return {
        "shown": counted["shown"],
        "here": counted["taken"] - counted["all_held"] - lost,
        "held": counted["all_held"] - counted["waiting"],
        "waiting": counted["waiting"],
        "skipped": skipped,
        "unreadable": counted["unreadable"],
        "lost": lost,
    }
