"""After the storm: the faults are gone, people mend what only people can, and everything that is owed is waited for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

from integrations.models import SyncState
from orders import handover
from orders.models import OPEN, Order, Status
from products import stock
from products.models import Stock
from tests.fire.storm import hurry
from tests.fire.town import LONG_AGO, Town, merchants


def come_to_rest(towns: list[Town], seconds: float) -> list[str]:
    """Wait until nothing is owed, and until a whole look at each shop has changed nothing; what is owed at the end."""
    end, since, before = time.monotonic() + seconds, timezone.now(), None
    while True:
        for town in towns:
            town.lift_faults()  # again, for those that were given back by a call under way
            town.clear_up()
        hurry()
        now = [town.picture() for town in towns]
        if now != before:
            before, since = now, timezone.now()
        owed = [f"shop {town.number}: {what}" for town in towns for what in still_owed(town, since)]
        if not owed or time.monotonic() > end:
            return owed
        time.sleep(0.5)


def still_owed(town: Town, since: datetime) -> Iterator[str]:
    """What hangs between two states, in words. All of each shop must have been looked at since that moment."""
    states = {state.pipe: state for state in SyncState.objects.filter(integration=town.integration)}
    for state in states.values():
        if state.failed_attempts or state.attention:
            yield f"{state.pipe} fails: {state.last_error}"
        elif state.last_succeeded_at is None or state.last_succeeded_at < since:
            yield f"{state.pipe} has not run since"
    if _moment(states["intake"].remembers.get("swept_at")) < since:
        yield "orders are not swept since"
    if _moment(states["stock"].remembers.get("read_back_at")) < since:
        if states["stock"].remembers.get("read_back_at", LONG_AGO) != LONG_AGO:
            town.nightfall()
        yield "stock is not read back since"
    work = list(handover.owed(town.integration, timezone.now()))
    if work or handover.waiting(town.integration).exists():
        yield f"{len(work)} orders are to be handed over or told"
    if due := stock.due(town.integration, timezone.now()).count():
        yield f"{due} figures are not told"
    if town.beside is None:
        yield from _of_the_merchant(town)


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text or LONG_AGO)


def _of_the_merchant(town: Town) -> Iterator[str]:
    mine = Order.objects.filter(merchant=town.merchant)
    if Stock.objects.filter(product__merchant=town.merchant, is_unsettled=True).exists():
        yield "promises are not settled"
    for name, found in (
        ("are DRAFT", mine.filter(status=Status.DRAFT)),
        ("are NEW", mine.filter(status=Status.NEW)),
        ("are PENDING", mine.filter(status=Status.PENDING)),
        ("are COLLECTING", mine.filter(status=Status.COLLECTING)),
        ("changed in the shop", mine.filter(offered__isnull=False, status__in=OPEN)),
    ):
        if numbers := list(found.values_list("number", flat=True)[:5]):
            yield f"{found.count()} orders {name}: {', '.join(numbers)}"


def outcomes(towns: list[Town]) -> dict[str, Any]:
    """How many orders (and parts) ended in each status, for the report."""
    found: dict[str, int] = {}
    for town in merchants(towns):
        for status in Order.objects.filter(merchant=town.merchant).values_list("status", flat=True):
            found[status.upper()] = found.get(status.upper(), 0) + 1
    return dict(sorted(found.items()))
