"""Somebody changes their mind at the worst moment: after a split, a lost answer, a short pick, and once more."""

import pytest
from django.db import transaction

from orders import deciding, differences, handover, moves, promise, short
from orders.models import Order, Status
from products.models import Reservation, Stock
from tests import factories
from tests.conftest import Centra
from tests.orders.desk import Desk, fresh
from tests.orders.shop import active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)


def lose(desk: Desk, pieces: int) -> None:
    """Pieces are found to be missing from the shelf."""
    key = (desk.items[0][1].pk, desk.centra.integration.warehouse_id)
    with transaction.atomic():
        Stock.objects.lock([key])[key].move(-pieces, "adjusted")


def test_pieces_that_were_not_found_are_not_put_back(desk: Desk) -> None:
    desk.on_hand = 3
    _there, order = desk.order(3)
    desk.mark(order)
    desk.run()
    line = order.lines.get()
    short.found(fresh(order), {line.pk: 2}, "staff")
    moves.ask_to_cancel(fresh(order), "Kim")
    moves.answer_cancellation(fresh(order), "staff", is_agreed=True)
    assert desk.shelf()[0] == 2


def test_cancelled_after_a_lost_answer_it_says_that_money_may_have_been_taken(desk: Desk) -> None:
    there, order = desk.order(3)
    desk.centra.shop.break_endpoint("POST shipments", "lost_answer")
    desk.mark(order)
    desk.run()
    there.refresh_from_db()
    there.hold()
    desk.later()
    desk.run()
    moves.cancel(fresh(order), "Kim")
    assert there.shipments.get().is_paid
    assert fresh(order).needs_refund


def test_a_part_never_uses_the_shipment_that_another_part_paid_for(desk: Desk) -> None:
    there, order = desk.order(2)
    desk.centra.shop.break_endpoint("POST shipments", "refused", msg="capture failed: declined")
    desk.mark(order)
    desk.run()
    part = moves.split(fresh(order), {order.lines.get().pk: 1}, "Kim")
    handover.try_capture_again(fresh(order), "Kim")
    desk.later()
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert there.shipments.count() == 1
    assert fresh(part).status == Status.RESERVED


def test_a_lower_number_accepted_goes_as_the_shop_has_it(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    there = buy(centra, {sweater.size: 5})
    look(centra)
    there.refresh_from_db()
    there.cancel_pieces(there.lines.get(), 2)
    sweep(centra)
    differences.accept(ours(there), "Kim")
    line = ours(there).lines.get()
    assert (ours(there).status, line.pieces, line.open_in_shop) == (Status.NEW, 3, 3)


def test_what_is_restored_and_cancelled_again_in_the_shop_is_cancelled_again(centra: Centra) -> None:
    centra.plugin.order_statuses = [1, 2, 3, 4, 5, 6]
    centra.plugin.save()
    active_method(centra)
    sweater = goods(centra)
    there = buy(centra, {sweater.size: 3})
    look(centra)
    for _round in range(2):
        there.refresh_from_db()
        there.cancel()
        sweep(centra)
        assert ours(there).status == Status.CANCELLED
        there.refresh_from_db()
        there.restore()
        sweep(centra)
        assert ours(there).status == Status.NEW


def test_an_order_brought_back_after_the_shop_sent_it_counts_nothing_open(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    there = buy(centra, {sweater.size: 3})
    look(centra)
    moves.cancel(ours(there), "Kim")
    there.refresh_from_db()
    there.create_shipment(good_to_go=True, capture=False).complete()
    sweep(centra)
    moves.save_as_new(ours(there), "Kim")
    sweep(centra)
    assert Reservation.objects.get().open_in_shop == 0


def test_cancelled_here_only_the_shop_s_open_pieces_stay_known(centra: Centra) -> None:
    """Its own figure stays up while it counts them: what we told is not believed before it shows it."""
    active_method(centra)
    sweater = goods(centra)
    there = buy(centra, {sweater.size: 3})
    look(centra)
    moves.cancel(ours(there), "Kim")
    row = Reservation.objects.get()
    assert (row.held, row.deducted, row.open_in_shop, row.counted_twice) == (0, 0, 3, 0)
    assert Stock.objects.get().reserved == 0


def test_a_split_order_held_for_the_shop_s_warehouses_is_not_filled_twice(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    there = buy(centra, {sweater.size: 3})
    look(centra)
    order = ours(there)
    Order.objects.filter(pk=order.pk).update(facts={**order.facts, "warehouses": "choose", "digest": ""})
    deciding.decide_again([order.pk])
    moves.split(ours(there), {order.lines.get().pk: 1}, "Kim")
    sweep(centra)
    assert sum(one.pieces for one in Order.objects.all()) == 3


def test_a_part_keeps_the_place_in_the_queue_of_the_order_it_was_split_from(desk: Desk) -> None:
    desk.on_hand = 3
    desk.item()
    product, merchant = desk.items[0][1], desk.centra.integration.merchant

    def by_hand(pieces: int) -> Order:
        order = factories.order(merchant, method=desk.method)
        factories.order_line(order, product, pieces)
        moves.save_as_new(order, "Kim")
        return order

    first, second = by_hand(5), by_hand(2)
    part = moves.split(fresh(first), {first.lines.get().pk: 2}, "Kim")
    promise.settle()
    desk.put_on_shelf(product, 2)
    promise.settle()
    promise.settle()
    assert (fresh(first).status, fresh(part).status, fresh(second).status) == (Status.NEW, Status.NEW, Status.PENDING)


def test_a_cancelled_paid_order_that_goes_after_all_is_not_to_be_refunded(desk: Desk) -> None:
    desk.on_hand = 3
    _there, order = desk.order(3)
    desk.mark(order)
    lose(desk, 3)
    desk.run()
    moves.cancel(fresh(order), "Kim")
    assert fresh(order).needs_refund
    moves.save_as_new(fresh(order), "Kim")
    assert not fresh(order).needs_refund
