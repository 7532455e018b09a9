"""The shop has one shipment for all pieces, and here they are several parts: completed with the last, never before."""

from __future__ import annotations

import pytest

from integrations.models import Integration
from orders import differences, moves, short
from orders.models import Cause, Order, Status
from sandbox.models import Order as ShopOrder
from sandbox.models import Wanted
from tests.orders.desk import Desk, captures, fresh, only
from tests.orders.shop import sweep

pytestmark = pytest.mark.django_db(transaction=True)
Captures = Integration.Captures


def in_two_parts(desk: Desk) -> tuple[ShopOrder, Order, Order]:
    """Two pieces and one; only the two are handed over."""
    there, order = desk.order(3)
    there.create_shipment(good_to_go=True, capture=False)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order)
    desk.run_twice()
    assert (fresh(order).status, fresh(part).shipment) == (Status.COLLECTING, fresh(order).shipment)
    return there, order, part


def sent_there(there: ShopOrder) -> list[tuple[int, bool]]:
    """Pieces of each shipment, and whether it is sent."""
    return [(sum(line.qty for line in one.lines.all()), one.is_sent) for one in there.shipments.order_by("n")]


@pytest.mark.parametrize("when", [Captures.HAND_OVER, Captures.SENT])
def test_it_is_completed_when_the_last_part_ships(desk: Desk, when: str) -> None:
    captures(desk, when)
    there, order, part = in_two_parts(desk)
    desk.ship(order)
    desk.run_twice()
    sweep(desk.centra)
    assert sent_there(there) == [(3, False)]
    assert (fresh(order).told_at, fresh(part).status) == (None, Status.NEW)
    desk.mark(part)
    desk.run_twice()
    desk.ship(part)
    desk.run_twice()
    there.refresh_from_db()
    assert (there.status, sent_there(there)) == (ShopOrder.Status.COMPLETED, [(3, True)])
    assert (only(there).captures, there.captured) == (1, there.grand_total)
    assert not Order.objects.untold().exists()


def test_where_another_part_is_cancelled_it_is_lowered_to_what_is_sent(desk: Desk) -> None:
    captures(desk, Captures.SENT)
    there, order, part = in_two_parts(desk)
    moves.cancel(fresh(part), "Kim Berg")
    desk.ship(order)
    desk.run_twice()
    assert sent_there(there) == [(2, True)]
    assert fresh(order).told_at


def test_where_another_part_is_cancelled_after_it_was_paid_somebody_must_refund(desk: Desk) -> None:
    there, order, part = in_two_parts(desk)
    assert only(there).is_paid
    moves.cancel(part, "Kim Berg")
    assert fresh(part).needs_refund
    desk.ship(order)
    desk.run_twice()
    assert fresh(order).told_at


@pytest.mark.parametrize("is_lowered_at_once", [True, False])
def test_the_rest_of_a_short_pick_never_takes_the_shipment_that_is_to_be_lowered(
    desk: Desk, is_lowered_at_once: bool
) -> None:
    captures(desk, Captures.SENT)
    there, order = desk.order(3)
    desk.mark(order)
    desk.run()
    short.found(order, {order.lines.get().pk: 2}, "Staff")
    rest = Order.objects.get(split_from=order)
    desk.mark(rest)
    if not is_lowered_at_once:
        desk.centra.shop.break_endpoint("PUT shipments", "status", code=503, times=1)
        desk.run()
        assert (fresh(rest).status, sent_there(there)) == (Status.NEW, [(3, False)])
        desk.later()
    desk.run_twice()
    assert sent_there(there) == [(2, False), (1, False)]
    desk.ship(order)
    desk.ship(rest)
    desk.run_twice()
    there.refresh_from_db()
    assert (there.status, sent_there(there)) == (ShopOrder.Status.COMPLETED, [(2, True), (1, True)])
    assert there.captured == there.grand_total


def test_the_part_whose_pieces_it_holds_has_it_alone_and_what_it_was_split_off_from_gets_its_own(desk: Desk) -> None:
    """Paid, called off and brought back with one line more; then split, as its reason says, into the two shipments."""
    there, order = desk.order(1)
    desk.mark(order)
    desk.run_twice()
    moves.ask_to_cancel(order, "Kim Berg")
    moves.answer_cancellation(order, "Robin", is_agreed=True)
    order.refresh_from_db()
    moves.save_as_new(order, "Kim Berg")
    there.add_line(Wanted(desk.items[1][0] if len(desk.items) > 1 else desk.item(), 1))
    sweep(desk.centra)
    differences.accept(order, "Kim Berg")
    desk.mark(order)
    desk.run_twice()
    assert desk.held(order) == {Cause.SEVERAL}
    part = moves.split(order, {order.lines.order_by("pk")[0].pk: 1}, "Kim Berg")
    desk.later()
    desk.run_twice()
    desk.mark(part)
    desk.run_twice()
    desk.ship(part)
    desk.run_twice()
    assert fresh(part).told_at is not None
    desk.later()
    desk.run_twice()
    desk.mark(order)
    desk.run_twice()
    desk.ship(order)
    desk.run_twice()
    assert fresh(order).told_at is not None
    there.refresh_from_db()
    assert (there.status, sent_there(there)) == (ShopOrder.Status.COMPLETED, [(1, True), (1, True)])
    assert there.captured == there.grand_total
