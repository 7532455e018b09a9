"""The ledger of completeness: what a shop showed = what is here + what was left, each with its reason.

Per pass: distinct = new + known + waiting + skipped + unreadable. Of an integration: every number ever seen is here or
was skipped; one that is neither is an alarm.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef

from integrations.models import Integration
from orders.models import Order, SeenOrder, Status, Verdict
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


def of_pass(integration: Integration, this_pass: str, began: datetime, nameless: int = 0) -> Pass:
    """Counted from the rows that the pass left, so that turns and deaths in between change nothing."""
    seen = SeenOrder.objects.filter(integration=integration, seen_in=this_pass)
    found = Pass(distinct=seen.count(), nameless=nameless)
    found.fresh = seen.exclude(verdict=Verdict.SKIPPED).filter(first_seen_at__gte=began).count()
    found.unreadable = seen.filter(verdict=Verdict.UNREADABLE).count()
    skipped = seen.filter(verdict=Verdict.SKIPPED).order_by().values_list("reason").annotate(Count("pk"))
    found.skipped.update(dict(skipped))
    taken = seen.filter(verdict=Verdict.TAKEN).annotate(is_waiting=_waits(integration))
    found.waiting = taken.filter(is_waiting=True).count()
    found.new = taken.filter(is_waiting=False, first_seen_at__gte=began).count()
    found.known = taken.filter(is_waiting=False, first_seen_at__lt=began).count()
    return found


def _waits(integration: Integration) -> Exists:
    return Exists(
        Order.objects.filter(
            merchant=integration.merchant_id,
            shop=integration.shop,
            number=OuterRef("number"),
            status=Status.RESERVED,
            holds__isnull=False,
        )
    )


def missing(integration: Integration) -> list[str]:
    """Numbers once taken that are no longer here: the alarm. Named up to a score."""
    here = Order.objects.filter(merchant=integration.merchant_id, shop=integration.shop, number=OuterRef("number"))
    lost = SeenOrder.objects.filter(integration=integration, verdict=Verdict.TAKEN).exclude(Exists(here))
    return list(lost.values_list("number", flat=True)[:NAMED])


def of_integration(integration: Integration) -> dict[str, Any]:
    """Everything ever seen, for *Is anything missing?*: shown = here + held + not paid yet + skipped by reason."""
    seen = SeenOrder.objects.filter(integration=integration)
    taken = seen.filter(verdict=Verdict.TAKEN)
    waiting = Order.objects.filter(
        merchant=integration.merchant_id, shop=integration.shop, number=OuterRef("number"), status=Status.RESERVED
    )
    shops_own = taken.filter(Exists(waiting.filter(holds__cause__in=OF_THE_SHOP))).count()
    held = taken.filter(Exists(waiting.filter(holds__isnull=False))).count() - shops_own
    skipped = dict(seen.filter(verdict=Verdict.SKIPPED).order_by().values_list("reason").annotate(Count("pk")))
    total, lost = seen.count(), len(missing(integration))
    return {
        "shown": total,
        "here": taken.count() - held - shops_own - lost,
        "held": held,
        "waiting": shops_own,
        "skipped": skipped,
        "unreadable": seen.filter(verdict=Verdict.UNREADABLE).count(),
        "lost": lost,
    }
