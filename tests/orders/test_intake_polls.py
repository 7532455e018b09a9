"""New orders do not wait for a sweep: polls come in between its turns, and it ends with the figures of all it saw."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import sync
from integrations.connectors.centra import client
from integrations.models import SyncRun, SyncState
from orders import intake, seen_rows, taking
from orders.models import Order, SeenOrder, Verdict
from products.models import Reservation, Stock
from sandbox.models import Direction
from sandbox.models import Order as ShopOrder
from tests.conftest import Centra
from tests.orders.shop import Goods, active_method, buy, goods, look, three_for_shipments

pytestmark = pytest.mark.django_db(transaction=True)
PARTS = ("new", "known", "waiting", "skipped", "unreadable")
OLD = 9


class Killed(BaseException):
    """The machine goes dark."""


@pytest.fixture
def sweater(centra: Centra, monkeypatch: pytest.MonkeyPatch) -> Goods:
    monkeypatch.setattr(client, "ORDERS_PER_PAGE", 2)
    active_method(centra)
    return goods(centra, on_hand=50)


@pytest.fixture
def old(centra: Centra, sweater: Goods) -> list[ShopOrder]:
    """Read long ago; a poll does not reach back to them."""
    yesterday = timezone.now() - timedelta(days=1)
    type(centra.integration).objects.update(takes_orders_since=yesterday - timedelta(days=1))
    centra.integration.refresh_from_db()
    made = [buy(centra, {sweater.size: 1}, placed_at=yesterday + timedelta(minutes=n)) for n in range(OLD)]
    look(centra)
    assert Order.objects.count() == OLD
    return made


def state(centra: Centra) -> SyncState:
    return centra.integration.state("intake")


def turn(centra: Centra) -> SyncRun:
    """One turn, also where a worker died in the one before."""
    past = timezone.now() - timedelta(seconds=1)
    rows = SyncState.objects.filter(pk=state(centra).pk)
    rows.update(next_run_at=past)
    rows.exclude(lease="").update(leased_until=past)
    run = sync.run(state(centra).pk, intake.intake)
    assert run is not None
    return run


def poll_falls_due(centra: Centra, settings: Any) -> None:
    """So much time passes since the sweep's last poll, or its beginning."""
    found = state(centra)
    found.place["polled_at"] = (timezone.now() - timedelta(seconds=settings.POLL_SECONDS + 1)).isoformat()
    SyncState.objects.filter(pk=found.pk).update(place=found.place)


def is_here(order: ShopOrder) -> bool:
    return Order.objects.filter(number=str(order.number)).exists()


def to_the_end(centra: Centra) -> SyncRun:
    for _turn in range(50):
        run = turn(centra)
        if run.outcome != SyncRun.Outcome.RUNNING:
            return run
    raise AssertionError("the sweep does not end")


def ended_well(centra: Centra, run: SyncRun, orders: list[ShopOrder], at: datetime, *, new: int) -> None:
    """The record, the ledger, the rows and the shelf all say the same."""
    assert (run.outcome, run.error, run.notes) == (SyncRun.Outcome.SUCCEEDED, "", [])
    assert (run.counts["orders"], run.counts["new"], run.counts["known"]) == (len(orders), new, len(orders) - new)
    assert run.counts["orders"] == sum(run.counts[part] for part in PARTS)
    numbers = sorted(str(order.number) for order in orders)
    assert sorted(Order.objects.values_list("number", flat=True)) == numbers
    assert sorted(SeenOrder.objects.filter(verdict=Verdict.TAKEN).values_list("number", flat=True)) == numbers
    assert not Order.objects.filter(is_shown=False).exists()
    assert Stock.objects.get().reserved == len(numbers) == Reservation.objects.count()
    found = state(centra)
    assert (found.place, found.synced_through) == ({}, at)
    assert found.remembers["everything_at"] == found.remembers["swept_at"] == at.isoformat()
    assert (found.remembers["ledger"]["shown"], found.remembers["ledger"]["lost"]) == (len(orders), 0)


def begun(centra: Centra, settings: Any) -> None:
    """Somebody asked for everything, and the first turn is over."""
    settings.TURN_SECONDS = 0
    state(centra).ask(timezone.now(), "Kim")
    assert turn(centra).outcome == SyncRun.Outcome.RUNNING


def arrives(centra: Centra, sweater: Goods, settings: Any) -> ShopOrder:
    """Somebody buys, a poll falls due: it is here long before the sweep ends."""
    order = buy(centra, {sweater.size: 1})
    poll_falls_due(centra, settings)
    for _turn in range(5):
        assert turn(centra).outcome == SyncRun.Outcome.RUNNING
        if "behind" not in state(centra).place:
            break
    assert is_here(order)
    assert state(centra).place["stage"] == "orders"
    assert SyncRun.objects.get(pipe="intake", outcome=SyncRun.Outcome.RUNNING).kind == "everything"
    return order


def began(centra: Centra) -> datetime:
    return datetime.fromisoformat(intake.work(state(centra).place)["began_at"])


@pytest.mark.parametrize("direction", list(Direction))
def test_what_is_bought_during_a_sweep_is_here_with_the_next_poll_twice(
    centra: Centra, sweater: Goods, old: list[ShopOrder], settings: Any, direction: Direction
) -> None:
    centra.plugin.direction = direction
    centra.plugin.save()
    orders = list(old)
    for _time in range(2):
        begun(centra, settings)
        bought = [arrives(centra, sweater, settings) for _poll in range(2)]
        at, orders = began(centra), orders + bought
        ended_well(centra, to_the_end(centra), orders, at, new=2)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (taking.Taking, "take"),  # before the order
        (seen_rows, "note"),  # before its page is kept
        (intake, "take_up"),  # before the sweep goes on
    ],
)
def test_killed_in_the_poll_the_poll_and_then_the_sweep_go_on(
    centra: Centra,
    sweater: Goods,
    old: list[ShopOrder],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
) -> None:
    real = getattr(owner, name)

    def dies(*args: Any, **kwargs: Any) -> Any:
        place = state(centra).place
        if "behind" in place and (name != "take_up" or place["stage"] == "done"):
            raise Killed
        return real(*args, **kwargs)

    orders = list(old)
    for _time in range(2):
        begun(centra, settings)
        at = began(centra)
        order = buy(centra, {sweater.size: 1})
        orders.append(order)
        poll_falls_due(centra, settings)
        with monkeypatch.context() as dark:
            dark.setattr(owner, name, dies)
            with pytest.raises(Killed):
                to_the_end(centra)
        assert state(centra).place["behind"]["began_at"] == at.isoformat()
        ended_well(centra, to_the_end(centra), orders, at, new=1)


def test_a_poll_that_falls_due_at_every_turn_leaves_the_sweep_its_page(
    centra: Centra, sweater: Goods, old: list[ShopOrder], settings: Any
) -> None:
    settings.POLL_SECONDS = 0
    begun(centra, settings)
    at = began(centra)
    order = buy(centra, {sweater.size: 1})
    ended_well(centra, to_the_end(centra), [*old, order], at, new=1)


def test_a_sweep_knows_what_it_met_though_a_poll_met_it_since(centra: Centra, sweater: Goods, settings: Any) -> None:
    """Newest first, each order bought meanwhile moves one that was read to the next page: the pass is repeated."""
    centra.plugin.direction = Direction.NEWEST
    centra.plugin.save()
    orders = [buy(centra, {sweater.size: 1}) for _order in range(5)]
    look(centra)
    begun(centra, settings)
    orders.append(arrives(centra, sweater, settings))
    run = to_the_end(centra)
    assert [run.counts[key] for key in ("repeated", "orders", "new", "known")] == [1, 6, 1, 5]


def test_shipments_as_orders_come_in_while_open_orders_are_looked_up(centra: Centra, settings: Any) -> None:
    placed = three_for_shipments(centra)
    line = placed.lines.get().pk
    placed.create_shipment({line: 1}, good_to_go=True, capture=False)
    look(centra)
    begun(centra, settings)
    assert state(centra).place["stage"] == "look ups"
    placed.create_shipment({line: 2}, good_to_go=True, capture=False)
    poll_falls_due(centra, settings)
    assert turn(centra).outcome == SyncRun.Outcome.RUNNING
    assert Order.objects.count() == 2
    run = to_the_end(centra)
    assert (run.error, run.counts["orders"], run.counts["known"]) == ("", 1, 1)
    assert not Order.objects.filter(is_shown=False).exists()
    assert Stock.objects.get().reserved == 3
