"""A key that may read orders and not shipments: the orders come in all the same, and nothing is guessed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import SyncRun
from orders.models import Cause, Order, SeenOrder, Status, Verdict
from products.models import Reservation
from sandbox.models import Order as ShopOrder
from tests.conftest import Centra
from tests.orders.shop import Goods, active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db


@pytest.fixture
def sweater(centra: Centra) -> Goods:
    active_method(centra)
    return goods(centra, on_hand=10)


def forbid(centra: Centra) -> None:
    centra.shop.break_endpoint("GET shipments", "status", times=None, code=403)
    centra.plugin.logs_calls = True
    centra.plugin.save()


def send(placed: ShopOrder, pieces: int) -> None:
    placed.create_shipment({placed.lines.get().pk: pieces}, good_to_go=True, capture=False).complete(capture=False)


def holds(order: Order) -> dict[str, str]:
    return dict(order.holds.values_list("cause", "text"))


def test_new_orders_are_taken_from_the_listing_and_the_partly_sent_ones_wait(centra: Centra, sweater: Goods) -> None:
    forbid(centra)
    first, second = buy(centra, {sweater.size: 3}), buy(centra, {sweater.size: 2})
    send(first, 1)
    send(second, 1)
    later = buy(centra, {sweater.size: 1})
    run = look(centra)

    assert run.outcome == SyncRun.Outcome.SUCCEEDED
    assert len(run.notes) == 1
    assert "GET /shipments" in run.notes[0]
    assert centra.plugin.calls.filter(endpoint="GET shipments").count() == 2  # one of the sweep, one for all orders
    assert ours(later).status == Status.NEW
    for placed, pieces in ((first, 3), (second, 2)):
        assert ours(placed).status == Status.RESERVED
        assert list(holds(ours(placed))) == [Cause.UNREADABLE]
        assert "which pieces cannot be read" in holds(ours(placed))[Cause.UNREADABLE]
        assert (ours(placed).city, ours(placed).pieces) == (placed.delivery["city"], pieces)
    state = centra.integration.state("intake")
    assert (state.attention, state.remembers["ledger"]["lost"]) == ("", 0)
    assert set(SeenOrder.objects.values_list("verdict", flat=True)) == {Verdict.TAKEN}

    for _n in range(2):
        again = sweep(centra)
        assert (again.outcome, again.counts["changed"]) == (SyncRun.Outcome.SUCCEEDED, 0)
    assert Order.objects.count() == 3


def test_when_the_key_may_only_what_is_open_is_sent(centra: Centra, sweater: Goods) -> None:
    forbid(centra)
    placed = buy(centra, {sweater.size: 3})
    send(placed, 1)
    look(centra)
    centra.shop.faults.all().delete()
    look(centra)
    assert (ours(placed).status, ours(placed).pieces, holds(ours(placed))) == (Status.NEW, 2, {})
    assert ours(placed).lines.get().open_in_shop == 2
    assert Reservation.objects.get().held == 2


def test_all_sent_meanwhile_it_is_cancelled_here(centra: Centra, sweater: Goods) -> None:
    forbid(centra)
    placed = buy(centra, {sweater.size: 3})
    send(placed, 1)
    look(centra)
    send(placed, 2)
    centra.shop.faults.all().delete()
    look(centra)
    assert ours(placed).status == Status.CANCELLED


def test_an_order_that_is_here_is_held_and_counts_as_before(centra: Centra, sweater: Goods) -> None:
    placed = buy(centra, {sweater.size: 3})
    send(placed, 1)
    look(centra)
    assert (ours(placed).status, ours(placed).lines.get().open_in_shop) == (Status.NEW, 2)
    send(placed, 1)
    forbid(centra)
    look(centra)
    assert list(holds(ours(placed))) == [Cause.UNREADABLE]
    assert ours(placed).lines.get().open_in_shop == 2  # what is not known is not guessed

    centra.shop.faults.all().delete()
    look(centra)
    assert list(holds(ours(placed))) == [Cause.SENT]
    assert ours(placed).lines.get().open_in_shop == 1


def test_orders_that_no_sweep_shows_are_looked_up_and_the_pass_completes(centra: Centra, sweater: Goods) -> None:
    centra.integration.takes_orders_since = timezone.now() - timedelta(days=60)
    centra.integration.save()
    placed, gone = buy(centra, {sweater.size: 1}), buy(centra, {sweater.size: 1})
    ShopOrder.objects.update(placed_at=timezone.now() - timedelta(days=50))
    look(centra)
    gone.hold()
    forbid(centra)
    run = sweep(centra)

    assert run.outcome == SyncRun.Outcome.SUCCEEDED
    assert len(run.notes) == 1
    assert "GET /shipments" in run.notes[0]
    assert centra.integration.state("intake").synced_through is not None
    assert (ours(placed).status, holds(ours(placed))) == (Status.NEW, {})
    assert list(holds(ours(gone))) == [Cause.NOT_SHOWN]
