"""The ledger's rows: what became of each number that a shop showed, written with the page that showed it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from integrations.connectors.base import OrderData
from integrations.models import Integration
from orders.models import SeenOrder, Verdict

LENGTH = 80  # characters of a number that can be kept


@dataclass(frozen=True, slots=True)
class Left:
    """Why a number was left, in words that are counted; `digest` of what the shop said then."""

    reason: str
    digest: str = ""


def note(
    integration: Integration,
    this_pass: str,
    items: Sequence[OrderData],
    here: Collection[str],
    own: Collection[str],
    left: Mapping[str, Left],
    *,
    keeps: str = "",
) -> int:
    """Every number of a page, within the caller's transaction. Says how many were left before and are taken now.

    `here` are the numbers that are here now, `own` those that this integration took in the form that the page shows.
    What was met in the pass `keeps` stays so: a sweep that a poll came into must still know what it has met.
    """
    now = timezone.now()
    items = list({data.number: data for data in items}.values())
    numbers = [data.number for data in items]
    known = {row.number: row for row in SeenOrder.objects.filter(integration=integration, number__in=numbers)}
    rows = []
    for data in items:
        before, is_own = known.get(data.number), data.number in own
        verdict, why = _verdict(before, left.get(data.number), is_here=data.number in here, is_own=is_own)
        rows.append(
            SeenOrder(
                integration=integration,
                number=data.number,
                verdict=verdict,
                reason=why.reason[:40],
                detail=why.digest,
                placed_at=data.placed_at,
                first_seen_at=now,
                last_seen_at=now,
                seen_in=keeps if before is not None and before.seen_in == keeps else this_pass,
            )
        )
    SeenOrder.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["integration", "number"],
        update_fields=["verdict", "reason", "detail", "placed_at", "last_seen_at", "seen_in"],
    )
    were_left = {number for number, row in known.items() if row.verdict == Verdict.SKIPPED}
    return sum(row.verdict == Verdict.TAKEN and row.number in were_left for row in rows)


def _verdict(before: SeenOrder | None, left: Left | None, *, is_here: bool, is_own: bool) -> tuple[Verdict, Left]:
    """What was left before stays so until it is taken: what says nothing new is not left again each time."""
    if left is not None:
        return Verdict.SKIPPED, left
    if before is not None and before.verdict == Verdict.SKIPPED and not is_own:
        return Verdict.SKIPPED, Left(before.reason, before.detail)
    return Verdict.TAKEN if is_here else Verdict.UNREADABLE, Left("")


def note_unreadable(integration: Integration, this_pass: str, number: str, why: str) -> None:
    """A number of which no more could be read; one that was left before stays so."""
    now = timezone.now()
    seen = {"last_seen_at": now, "seen_in": this_pass}
    found = {**seen, "verdict": Verdict.UNREADABLE, "reason": "", "detail": why[:300]}
    if is_left(integration, number):
        SeenOrder.objects.filter(integration=integration, number=number).update(**seen)
        return
    SeenOrder.objects.update_or_create(
        integration=integration, number=number, defaults=found, create_defaults={**found, "first_seen_at": now}
    )


def note_read(integration: Integration, this_pass: str, number: str) -> None:
    """What could not be read before, and was looked up now. What this pass found unreadable stays so."""
    unread = SeenOrder.objects.filter(integration=integration, number=number, verdict=Verdict.UNREADABLE)
    unread.exclude(seen_in=this_pass).update(verdict=Verdict.TAKEN, detail="", last_seen_at=timezone.now())


def is_left(integration: Integration, number: str) -> bool:
    return SeenOrder.objects.filter(integration=integration, number=number, verdict=Verdict.SKIPPED).exists()


def leave(integration: Integration, this_pass: str, number: str, placed_at: datetime | None, reason: str) -> None:
    """A number that is not taken, for a reason, without having been listed as an order."""
    now = timezone.now()
    found = {
        "verdict": Verdict.SKIPPED,
        "reason": reason[:40],
        "detail": "",
        "placed_at": placed_at,
        "last_seen_at": now,
        "seen_in": this_pass,
    }
    SeenOrder.objects.update_or_create(
        integration=integration, number=number, defaults=found, create_defaults={**found, "first_seen_at": now}
    )


def let_go(integration: Integration, number: str) -> None:
    """This integration does not send it: others of the same shop look at it again when they are shown it next."""
    of_shop = SeenOrder.objects.filter(
        integration__merchant=integration.merchant_id, integration__shop=integration.shop
    )
    of_shop.filter(number=number, verdict=Verdict.SKIPPED).exclude(integration=integration).update(detail="")


def met(integration: Integration, this_pass: str, numbers: Iterable[str]) -> set[str]:
    """Which of these this pass has met already."""
    seen = SeenOrder.objects.filter(integration=integration, seen_in=this_pass, number__in=list(numbers))
    return set(seen.values_list("number", flat=True))
