"""Fewer pieces found than ordered: here, in the shop, and on the shelf."""

from __future__ import annotations

import pytest

from integrations.models import Integration
from orders import moves, short
from orders.models import Order, Shipment, Status
from orders.moves import NotPossible
from products.models import Movement
from sandbox.models import Order as ShopOrder
from tests.orders.desk import Desk, fresh, only

pytestmark = pytest.mark.django_db(transaction=True)


def collecting(desk: Desk, *, paid: bool, pieces: int = 3, on_hand: int = 3) -> tuple[ShopOrder, Order]:
    """Handed over; the shelf is empty afterwards as far as the ledger knows."""
    captures = Integration.Captures.HAND_OVER if paid else Integration.Captures.SENT
    Integration.objects.filter(pk=desk.centra.integration.pk).update(captures=captures)
    desk.on_hand = on_hand
    there, order = desk.order(pieces)
    desk.mark(order)
    desk.run()
    assert fresh(order).status == Status.COLLECTING
    return there, order


def only_line(order: Order) -> int:
    return order.lines.get().pk


def test_unpaid_the_shipment_is_lowered_and_the_rest_is_a_pending_part(desk: Desk) -> None:
    there, order = collecting(desk, paid=False)
    short.found(order, {only_line(order): 2}, "Staff")
    part = Order.objects.get(split_from=order)
    assert (fresh(order).status, part.status) == (Status.COLLECTING, Status.PENDING)
    assert (order.lines.get().pieces, part.lines.get().pieces) == (2, 1)
    assert desk.shelf() == (0, 1), "the missing piece is not put back: it is not there"
    assert (desk.taken(order), part.collected_at, part.shipment) == (2, None, None)
    desk.run_twice()
    assert [line.qty for line in only(there).lines.all()] == [2]
    shipment = Shipment.objects.get()
    assert (shipment.wanted, list(shipment.pieces.values())) == (None, [2])


def test_the_rest_is_sent_later_and_the_freight_is_paid_once(desk: Desk) -> None:
    there, order = collecting(desk, paid=False)
    short.found(order, {only_line(order): 2}, "Staff")
    part = Order.objects.get(split_from=order)
    desk.run()
    desk.ship(order)
    desk.run_twice()
    desk.put_on_shelf(desk.items[0][1], 1)
    from orders import promise

    promise.settle()
    desk.mark(part)
    desk.run_twice()
    desk.ship(part)
    desk.run_twice()
    there.refresh_from_db()
    assert there.status == ShopOrder.Status.COMPLETED
    assert there.captured == there.grand_total
    assert [one.captures for one in there.shipments.all()] == [1, 1]
    assert desk.shelf() == (0, 0)
    taken = Movement.objects.filter(why=Movement.Why.COLLECTED).values_list("pieces", flat=True)
    assert sorted(taken) == [-3, -1]


def test_shipped_before_it_could_be_lowered_it_is_lowered_first(desk: Desk) -> None:
    there, order = collecting(desk, paid=False)
    short.found(order, {only_line(order): 2}, "Staff")
    desk.centra.shop.break_endpoint("PUT shipments", "status", code=503)
    desk.run()
    desk.ship(order)
    desk.later()
    desk.run_twice()
    assert [line.qty for line in only(there).lines.all()] == [2]
    assert only(there).is_sent
    assert fresh(order).told_at is not None


@pytest.mark.parametrize("is_refused_twice", [False, True])
def test_refused_by_the_shop_nobody_pays_for_what_is_not_sent(desk: Desk, is_refused_twice: bool) -> None:
    there, order = collecting(desk, paid=False)
    short.found(order, {only_line(order): 2}, "Staff")
    desk.centra.shop.break_endpoint("PUT shipments", "refused", times=1 + is_refused_twice)
    desk.run()
    desk.ship(order)
    if is_refused_twice:
        desk.run_twice()
        here = fresh(order)
        assert "did not lower shipment" in here.tell_error
        assert (here.told_at, only(there).is_sent, only(there).captures) == (None, False, 0)
    desk.later()
    desk.run_twice()
    assert [line.qty for line in only(there).lines.all()] == [2]
    assert (only(there).is_sent, only(there).captures) == (True, 1)
    assert fresh(order).told_at is not None


def test_a_person_may_lower_what_the_shop_does_not_lower_for_us(desk: Desk) -> None:
    there, order = collecting(desk, paid=False)
    short.found(order, {only_line(order): 2}, "Staff")
    refuses = desk.centra.shop.break_endpoint("PUT shipments", "refused", times=None)
    desk.ship(order)
    desk.run_twice()
    assert not only(there).is_sent
    refuses.refresh_from_db()
    refused = refuses.hits
    only(there).lines.update(qty=2)
    desk.later()
    desk.run_twice()
    refuses.refresh_from_db()
    assert (only(there).is_sent, refuses.hits) == (True, refused)
    assert fresh(order).told_at is not None
    assert Shipment.objects.get().wanted is None


def test_paid_in_the_shop_meanwhile_both_parts_share_its_shipment(desk: Desk) -> None:
    there, order = collecting(desk, paid=False)
    only(there).mark_paid()
    short.found(order, {only_line(order): 2}, "Staff")
    part = Order.objects.get(split_from=order)
    desk.run_twice()
    assert [line.qty for line in only(there).lines.all()] == [3]
    assert fresh(part).shipment == fresh(order).shipment
    desk.ship(order)
    desk.run_twice()
    assert not only(there).is_sent
    desk.put_on_shelf(desk.items[0][1], 1)
    from orders import promise

    promise.settle()
    desk.mark(part)
    desk.run()
    desk.ship(part)
    desk.run_twice()
    assert only(there).is_sent
    assert fresh(order).told_at is not None
    assert fresh(part).told_at is not None


def test_paid_the_merchant_must_decide_and_nothing_is_shipped_before(desk: Desk) -> None:
    _there, order = collecting(desk, paid=True)
    short.found(order, {only_line(order): 2}, "Staff")
    here = fresh(order)
    assert here.status == Status.COLLECTING
    assert "1 × FG1-NVY-M" in here.facts["short"]
    with pytest.raises(NotPossible):
        desk.ship(order)


def test_the_merchant_sends_what_is_there_and_is_told_to_refund(desk: Desk) -> None:
    there, order = collecting(desk, paid=True)
    short.found(order, {only_line(order): 2}, "Staff")
    short.send(order, "Kim Berg")
    here = fresh(order)
    assert (here.needs_refund, here.facts, here.lines.get().pieces) == (True, {}, 2)
    desk.ship(order)
    desk.run_twice()
    assert only(there).is_sent
    assert only(there).captures == 1
    assert not Order.objects.filter(split_from=order).exists()
    assert desk.shelf() == (0, 0)


def test_the_merchant_waits_until_the_rest_is_found(desk: Desk) -> None:
    there, order = collecting(desk, paid=True)
    short.found(order, {only_line(order): 2}, "Staff")
    short.wait(order, "Kim Berg")
    assert fresh(order).facts == {}
    with pytest.raises(NotPossible):
        desk.ship(order)
    short.found(order, {only_line(order): 3}, "Staff")
    desk.ship(order)
    desk.run_twice()
    assert only(there).is_sent
    assert fresh(order).needs_refund is False


def test_nothing_found_and_unpaid_it_waits_for_new_pieces_with_its_shipment_kept(desk: Desk) -> None:
    there, order = collecting(desk, paid=False)
    short.found(order, {only_line(order): 0}, "Staff")
    here = fresh(order)
    assert (here.status, here.collected_at) == (Status.PENDING, None)
    assert desk.shelf() == (0, 3)
    desk.run_twice()
    desk.put_on_shelf(desk.items[0][1], 3)
    from orders import promise

    promise.settle()
    desk.mark(order)
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert there.shipments.count() == 1


def test_nothing_found_and_paid_nothing_can_be_sent(desk: Desk) -> None:
    _there, order = collecting(desk, paid=True)
    short.found(order, {only_line(order): 0}, "Staff")
    with pytest.raises(NotPossible):
        short.send(order, "Kim Berg")


def test_everything_found_changes_nothing(desk: Desk) -> None:
    there, order = collecting(desk, paid=False)
    short.found(order, {only_line(order): 3}, "Staff")
    desk.run_twice()
    assert not Order.objects.filter(split_from=order).exists()
    assert [line.qty for line in only(there).lines.all()] == [3]


@pytest.mark.parametrize("pieces", [-1, 4])
def test_impossible_numbers_are_refused(desk: Desk, pieces: int) -> None:
    _there, order = collecting(desk, paid=False)
    with pytest.raises(NotPossible):
        short.found(order, {only_line(order): pieces}, "Staff")


def test_only_what_is_being_collected_can_be_short(desk: Desk) -> None:
    _there, order = desk.order()
    with pytest.raises(NotPossible):
        short.found(order, {only_line(order): 1}, "Staff")
    desk.mark(order)
    desk.run()
    with pytest.raises(NotPossible):
        short.send(order, "Kim Berg")
    with pytest.raises(NotPossible):
        short.wait(order, "Kim Berg")
    moves.ask_to_cancel(fresh(order), "Kim Berg")
    with pytest.raises(NotPossible):
        short.found(order, {only_line(order): 1}, "Staff")
