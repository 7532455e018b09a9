"""Orders come in: each once, whatever the shop, the wire and the clock do."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from orders import moves
from orders.models import Cause, Order, SeenOrder, Status, Verdict
from products.models import Reservation, Stock
from shipping.models import ShopMethod
from tests.conftest import Centra
from tests.orders.shop import active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)


def causes(order: Order) -> set[str]:
    return set(order.holds.values_list("cause", flat=True))


def test_an_order_comes_in_once_and_is_new(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    placed = buy(centra, {sweater.size: 3})

    for _ in range(2):
        assert look(centra).error == ""

    order = Order.objects.get()
    assert (order.number, order.status, order.pieces) == (str(placed.number), Status.NEW, 3)
    assert Stock.objects.get().reserved == 3
    assert Reservation.objects.get().counted_twice == 3
    assert SeenOrder.objects.get().verdict == Verdict.TAKEN
    assert ShopMethod.objects.get().count == 1


def test_more_than_the_stock_is_pending_and_becomes_new_when_goods_come(centra: Centra) -> None:
    from django.db import transaction

    from orders import promise

    active_method(centra)
    sweater = goods(centra, on_hand=2)
    buy(centra, {sweater.size: 3})
    look(centra)
    assert Order.objects.get().status == Status.PENDING

    with transaction.atomic():
        Stock.objects.lock([(sweater.product.pk, sweater.stock.warehouse_id)])
        Stock.objects.get().move(1, "received")
    promise.settle()

    assert Order.objects.get().status == Status.NEW


def test_an_unlinked_word_holds_the_order_and_a_method_frees_it(centra: Centra) -> None:
    from orders import deciding

    sweater = goods(centra)
    placed = buy(centra, {sweater.size: 1}, shipping="express")
    look(centra)
    order = ours(placed)
    assert (order.status, causes(order)) == (Status.RESERVED, {Cause.METHOD})
    assert Stock.objects.get().reserved == 1

    active_method(centra)
    deciding.decide_held()

    order.refresh_from_db()
    assert (order.status, causes(order)) == (Status.NEW, set())


def test_an_order_that_the_shop_holds_is_held_and_freed_with_it(centra: Centra) -> None:
    active_method(centra)
    centra.plugin.shows_held = True
    centra.plugin.save()
    sweater = goods(centra)
    placed = buy(centra, {sweater.size: 1})
    look(centra)
    placed.hold()
    look(centra)
    assert causes(ours(placed)) == {Cause.SHOP_HOLD}

    placed.resume()
    look(centra)
    assert ours(placed).status == Status.NEW


def test_an_order_not_confirmed_waits_until_it_is(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    placed = buy(centra, {sweater.size: 1}, confirm=False)
    look(centra)
    assert causes(ours(placed)) == {Cause.NOT_CONFIRMED}

    placed.confirm()
    look(centra)
    assert ours(placed).status == Status.NEW


def test_the_guides_own_settings_notice_a_cancelled_order_and_never_ship_it(centra: Centra) -> None:
    """Cancelled is not among the guide's four statuses: the order just vanishes."""
    active_method(centra)
    sweater = goods(centra)
    placed = buy(centra, {sweater.size: 1})
    look(centra)
    placed.cancel()
    sweep(centra)

    order = ours(placed)
    assert (order.status, causes(order)) == (Status.RESERVED, {Cause.NOT_SHOWN})
    assert Stock.objects.get().reserved == 1  # held, not cancelled
    with pytest.raises(moves.NotPossible):
        moves.ask_to_hand_over(order, "Staff")

    quick = buy(centra, {sweater.size: 2})
    look(centra)
    quick.cancel()
    moves.ask_to_hand_over(ours(quick), "Staff")  # before any sweep could notice
    look(centra, "hand-over")

    order = ours(quick)
    assert (order.status, causes(order)) == (Status.RESERVED, {Cause.NOT_SHOWN})
    assert not centra.shop.orders.filter(shipments__isnull=False).exists()
    assert (Stock.objects.get().on_hand, Stock.objects.get().reserved) == (10, 3)


def test_a_cancellation_that_is_read_cancels(centra: Centra) -> None:
    active_method(centra)
    centra.plugin.order_statuses = [*centra.plugin.order_statuses, 6]
    centra.plugin.save()
    sweater = goods(centra)
    placed = buy(centra, {sweater.size: 1})
    look(centra)
    placed.cancel()
    look(centra)

    assert ours(placed).status == Status.CANCELLED
    assert Stock.objects.get().reserved == 0


def test_an_order_days_old_when_it_becomes_visible_arrives_with_one_sweep(centra: Centra) -> None:
    active_method(centra)
    since = timezone.now() - timedelta(days=20)
    centra.integration.takes_orders_since = since
    centra.integration.save()
    sweater = goods(centra)
    look(centra)
    placed = buy(centra, {sweater.size: 1}, placed_at=timezone.now() - timedelta(days=5))
    look(centra)
    assert not Order.objects.exists()  # a poll looks at what was created lately

    sweep(centra)
    assert ours(placed).status == Status.NEW


def test_on_hold_for_days_and_resumed_it_arrives_with_one_sweep_once(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    type(centra.integration).objects.update(takes_orders_since=timezone.now() - timedelta(days=20))
    centra.integration.refresh_from_db()
    placed = buy(centra, {sweater.size: 1}, placed_at=timezone.now() - timedelta(days=5))
    placed.hold()
    look(centra)
    sweep(centra)
    assert (Order.objects.count(), SeenOrder.objects.count()) == (0, 0)

    placed.resume()
    assert look(centra).counts["orders"] == 0  # a poll asks for the last hours only
    assert sweep(centra).counts["new"] == 1
    sweep(centra)
    assert (Order.objects.get(), ours(placed).status) == (ours(placed), Status.NEW)
    assert (SeenOrder.objects.get().verdict, Stock.objects.get().reserved) == (Verdict.TAKEN, 1)


def test_older_orders_are_counted_and_not_taken(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    centra.integration.takes_orders_since = timezone.now() - timedelta(hours=1)
    centra.integration.save()
    buy(centra, {sweater.size: 1}, placed_at=timezone.now() - timedelta(hours=2))
    run = look(centra, ask=True)

    assert not Order.objects.exists()
    assert (run.counts["orders"], run.counts["skipped"]) == (1, 1)
    assert SeenOrder.objects.get().reason == "older"


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "America/New_York"])
@pytest.mark.parametrize("changes", ["back", "forward"])
def test_orders_of_both_clock_changes_arrive_once(centra: Centra, zone: str, changes: str) -> None:
    import time_machine

    moments = {
        ("Europe/Stockholm", "back"): datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        ("Europe/Stockholm", "forward"): datetime(2027, 3, 28, 0, 30, tzinfo=UTC),
        ("America/New_York", "back"): datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
        ("America/New_York", "forward"): datetime(2027, 3, 14, 6, 30, tzinfo=UTC),
    }
    start = moments[zone, changes]
    centra.shop.time_zone = centra.integration.time_zone = zone
    centra.shop.save()
    with time_machine.travel(start - timedelta(hours=6), tick=True):
        centra.integration.takes_orders_since = timezone.now()
        centra.integration.save()
        active_method(centra)
        sweater = goods(centra, on_hand=100)
        look(centra)
    numbers = []
    for minutes in range(0, 150, 15):
        with time_machine.travel(start + timedelta(minutes=minutes), tick=True):
            numbers.append(str(buy(centra, {sweater.size: 1}).number))
            look(centra)
    assert sorted(Order.objects.values_list("number", flat=True)) == sorted(numbers)


def test_connected_within_the_hour_that_comes_twice_no_order_of_it_is_left(centra: Centra) -> None:
    import time_machine

    def at(day: int, hour: int, minute: int) -> time_machine.travel:
        return time_machine.travel(datetime(2026, 10, day, hour, minute, tzinfo=UTC), tick=True)

    centra.shop.time_zone = centra.integration.time_zone = "Europe/Stockholm"
    centra.shop.save()
    with at(25, 0, 50):  # 02:50 in the shop, for the first time
        centra.integration.takes_orders_since = timezone.now()
        centra.integration.save()
        active_method(centra)
        sweater = goods(centra, on_hand=10)
    with at(24, 23, 55):  # 01:55
        before = buy(centra, {sweater.size: 1})
    with at(25, 1, 20):  # 02:20, for the second time
        placed = buy(centra, {sweater.size: 1})
        look(centra, ask=True)
    assert ours(placed).status == Status.NEW
    assert SeenOrder.objects.get(number=str(before.number)).reason == "older"
    assert Order.objects.count() == 1


def test_the_ledger_of_a_pass_adds_up(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra, on_hand=10)
    buy(centra, {sweater.size: 1})
    buy(centra, {sweater.size: 1}, confirm=False)
    buy(centra, {sweater.size: 1}, placed_at=timezone.now() - timedelta(minutes=30))
    run = look(centra, ask=True)
    counts = run.counts
    assert counts["orders"] == 3 == sum(counts[k] for k in ("new", "known", "waiting", "skipped", "unreadable"))
    again = look(centra, ask=True).counts
    assert (again["new"], again["known"], again["waiting"], again["skipped"]) == (0, 1, 1, 1)
