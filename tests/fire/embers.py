"""After the storm and before the faults are lifted: people make the calls that faults not yet met still wait for.

Nobody dies any more and the keys are good; for a bounded time the shops' pipes are due at once, products and stock are
read from the first page to the last, and a few orders at a time are bought, so that there are pages of several rows,
pages behind them, and every kind of shipment.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.utils import timezone

from integrations.models import SyncState
from orders.models import Status
from sandbox.models import Fault
from tests.fire.plan import ASKED_BACK, ITEMS, Act
from tests.fire.storm import Storm, hurry
from tests.fire.town import Town, merchants

PIPES = {"GET products": "refresh", "GET stock": "stock", "POST stock": "stock"}  # by endpoint; orders' are both others
ABOUT_ORDERS = ("intake", "hand-over")
IN_HAND = 12  # orders that are bought and not sent yet, at most, in a shop; those that wait for a reason are not meant
PIECES = 2
ALL_THE_MORE = 2  # one order in so many is asked back as long as a fault waits for shipments to be taken away


def burn_out(storm: Storm, seconds: float) -> float:
    """Until every fault has hit once, at most so long; says how long it took. Short storms have no time for it."""
    began, orders = time.monotonic(), iter(range(storm.plan.orders, storm.plan.orders + 10_000))
    for town in storm.towns:
        town.open_doors()
        town.shop.faults.filter(hits__gt=0).update(times=0)
        town.shop.faults.filter(endpoint="").update(times=0)
        town.shop.faults.filter(hits=0).exclude(endpoint="").update(skip=0, times=1)
    while time.monotonic() - began < seconds and any([_stir(storm, town, orders) for town in storm.towns]):
        for town in merchants(storm.towns):
            storm.safely(f"staff of shop {town.number}", town.work)
        storm.safely("hurry", hurry)
        time.sleep(0.4)  # the staff's rhythm; the workers are processes of their own, with no event to wait for
    return time.monotonic() - began


def unspent(town: Town) -> set[str]:
    """The endpoints at which faults still wait."""
    return set(Fault.objects.filter(shop=town.shop, hits=0, times__gt=0).values_list("endpoint", flat=True))


def _stir(storm: Storm, town: Town, orders: Iterator[int]) -> bool:
    """Whether there was anything to wait for; if so, whatever calls those endpoints is to be done."""
    endpoints = unspent(town)
    for pipe in {pipe for endpoint in endpoints for pipe in _pipes(endpoint)}:
        storm.safely(f"asking for {pipe} in shop {town.number}", lambda: _ask(town, pipe))  # noqa: B023
    if "GET stock" in endpoints:
        storm.safely("nightfall", town.nightfall)
    if "POST stock" in endpoints:
        more = {"item": 2, "by": 1}
        storm.safely("recount", lambda: town.goods(Act(0, "goods", "adjust", town.number, 0, more)))
    town.asked_back = ALL_THE_MORE if "DELETE shipments" in endpoints else ASKED_BACK
    if endpoints - set(PIPES):
        storm.safely("a purchase", lambda: _buy(town, next(orders)))
    return bool(endpoints)


def _pipes(endpoint: str) -> tuple[str, ...]:
    return (PIPES[endpoint],) if endpoint in PIPES else ABOUT_ORDERS


def _ask(town: Town, pipe: str) -> None:
    """Due now, a wait after a failure too; a refresh reads everything only where a person asks for it.

    What is due already or under way is left alone, and so is the doorbell: no message for each look.
    """
    now = timezone.now()
    waiting = SyncState.objects.filter(integration=town.integration, pipe=pipe, next_run_at__gt=now, leased_until=None)
    asked = {"asked_at": now, "asked_by": "Kim"} if pipe == "refresh" else {}
    waiting.update(next_run_at=now, **asked)


def _not_read_yet(town: Town) -> int:
    newest = list(town.orders_of.values())[-IN_HAND:]
    numbers = [str(number) for number in town.shop_orders().filter(pk__in=newest).values_list("number", flat=True)]
    return len(numbers) - town.orders().filter(number__in=numbers, part=0).count()


def _buy(town: Town, number: int) -> None:
    """Two pieces each of two items, enough for a short pick; as many come in."""
    in_hand = town.orders(Status.NEW, Status.COLLECTING).filter(shop=town.integration.shop, part=0, handover_error="")
    if in_hand.count() + _not_read_yet(town) >= IN_HAND:
        return
    items = [number % ITEMS, (number + 5) % ITEMS]
    for item in items:
        town.bring(town.products[item], PIECES)
    more = {"lines": [[item, PIECES] for item in items], "confirm": True, "owes": False}
    town.purchase(Act(0, "shopper", "buy", town.number, number, more))
