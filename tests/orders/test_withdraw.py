"""Taking back what the shop need not send any more: what stands on both sides afterwards, run twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Integration
from orders import deleting, moves
from orders.models import Order, Shipment, Status
from products.models import Movement, Reservation
from sandbox.models import Order as ShopOrder
from tests import factories
from tests.orders.desk import Desk, fresh, only
from tests.orders.shop import sweep

pytestmark = pytest.mark.django_db(transaction=True)


def set_(desk: Desk, **fields: object) -> None:
    Integration.objects.filter(pk=desk.centra.integration.pk).update(**fields)


def collecting(desk: Desk, pieces: int = 3, **fields: Any) -> tuple[ShopOrder, Order]:
    """Handed over."""
    there, order = desk.order(pieces, **fields)
    desk.mark(order)
    desk.run()
    assert fresh(order).status == Status.COLLECTING
    return there, order


# --- cancelled after hand-over ---------------------------------------------------------------


def agree(order: Order) -> None:
    moves.ask_to_cancel(fresh(order), "Kim Berg")
    moves.answer_cancellation(fresh(order), "Staff", is_agreed=True)


def test_agreed_and_unpaid_the_shipment_that_we_made_is_taken_back(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    agree(order)
    assert desk.shelf() == (10, 0)
    desk.run_twice()
    assert there.shipments.count() == 0
    there.refresh_from_db()
    assert there.status == ShopOrder.Status.CONFIRMED
    here = fresh(order)
    assert (here.status, here.needs_refund) == (Status.CANCELLED, False)
    assert here.shipment is not None
    assert here.shipment.withdrawn_at is not None
    assert order.events.filter(text__contains="was taken back").count() == 1


def test_agreed_and_paid_the_shipment_stays_and_is_to_be_refunded(desk: Desk) -> None:
    there, order = collecting(desk)
    agree(order)
    desk.run_twice()
    assert fresh(order).needs_refund
    assert only(there).is_paid
    assert desk.calls("DELETE shipments") == 0
    left = Reservation.objects.get(reference=order.reservation_key)
    assert (left.held, left.deducted, left.open_in_shop) == (0, 0, 3), "the shop still counts it, and we know that"
    assert dict(Movement.objects.values_list("why", "who")) == {
        "received": "", "collected": "Staff", "put back": "Staff"
    }  # fmt: skip


def test_agreed_but_paid_in_the_shop_meanwhile_it_stays_and_is_to_be_refunded(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.NEVER)
    there, order = collecting(desk)
    only(there).mark_paid()
    agree(order)
    desk.run_twice()
    assert only(there).is_paid
    assert fresh(order).needs_refund
    assert Shipment.objects.get().withdraw_asked_at is None


def test_what_the_shop_made_itself_is_not_deleted(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = desk.order()
    there.create_shipment(capture=False)
    desk.mark(order)
    desk.run()
    agree(order)
    desk.run_twice()
    assert there.shipments.count() == 1
    assert Shipment.objects.get().withdraw_asked_at is None
    assert not fresh(order).needs_refund


def test_what_the_shop_made_itself_and_was_paid_for_meanwhile_is_to_be_refunded(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.NEVER)
    there, order = desk.order()
    there.create_shipment(good_to_go=True, capture=False)
    desk.mark(order)
    desk.run()
    only(there).mark_paid()
    agree(order)
    desk.run_twice()
    assert fresh(order).needs_refund
    assert only(there).is_paid
    assert desk.calls("DELETE shipments") == 0


def test_while_the_shop_hides_the_order_it_is_asked_for_the_shipment_for_a_month(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    there.hold()
    agree(order)
    desk.run()
    assert Shipment.objects.get().withdraw_asked_at is not None
    Order.objects.update(status_changed_at=timezone.now() - timedelta(days=31))
    Shipment.objects.update(withdraw_asked_at=timezone.now() - timedelta(seconds=1))
    desk.run_twice()
    assert Shipment.objects.get().withdraw_asked_at is None


def test_a_lost_answer_to_taking_it_back_takes_it_back_once(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    agree(order)
    desk.centra.shop.break_endpoint("DELETE shipments", "lost_answer")
    desk.run()
    past = timezone.now() - timedelta(seconds=1)
    Shipment.objects.update(withdraw_asked_at=past)
    desk.run_twice()
    assert there.shipments.count() == 0
    assert Shipment.objects.get().withdrawn_at is not None


def test_one_of_two_that_share_is_cancelled_and_the_shipment_is_lowered(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = desk.order(3)
    there.create_shipment(good_to_go=True, capture=False)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order, part)
    desk.run()
    agree(part)
    desk.ship(order)
    desk.run_twice()
    assert [line.qty for line in only(there).lines.all()] == [2]
    assert only(there).is_sent
    assert fresh(order).told_at is not None
    assert desk.shelf() == (8, 0)


def test_of_a_shared_shipment_that_was_paid_meanwhile_the_cancelled_part_is_to_be_refunded(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.NEVER)
    there, order = desk.order(3)
    there.create_shipment(good_to_go=True, capture=False)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order, part)
    desk.run()
    only(there).mark_paid()
    agree(part)
    desk.ship(order)
    desk.run_twice()
    assert (fresh(part).needs_refund, fresh(order).needs_refund) == (True, False)
    assert only(there).is_sent
    assert fresh(order).told_at is not None


def test_of_a_part_that_the_shop_s_people_sent_nothing_is_to_be_refunded(desk: Desk) -> None:
    """The order is not completed there yet, for the other part is still to be sent."""
    there, order = desk.order(3)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order, part)
    desk.run_twice()
    there.shipments.get(n=1).complete(good_to_go=True, tracking="BY-HAND")
    sweep(desk.centra)
    assert (fresh(order).is_cancellation_open, fresh(part).is_cancellation_open) == (True, False)
    moves.answer_cancellation(fresh(order), "Staff", is_agreed=True)
    desk.run_twice()
    assert (fresh(order).status, fresh(order).needs_refund) == (Status.CANCELLED, False)
    agree(part)
    desk.run_twice()
    assert fresh(part).needs_refund


def test_connected_again_the_shipment_that_was_made_before_is_taken_back(desk: Desk) -> None:
    """The integration was deleted while the warehouse had the order."""
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    old = desk.centra.integration
    words = {"base_url": old.base_url, "secret": "a-secret-api-key", "warehouse": old.warehouse}
    deleting.delete(old, "Kim Berg")
    desk.centra.integration = factories.integration(order.merchant, **words)
    set_(desk, captures=Integration.Captures.SENT)
    sweep(desk.centra)
    assert fresh(order).integration == desk.centra.integration
    agree(order)
    desk.run_twice()
    assert there.shipments.count() == 0


def test_connected_again_the_word_of_what_is_here_is_met_again(desk: Desk) -> None:
    """Else nobody finds among the shop's methods the word for which an order waits."""
    _there, order = collecting(desk)
    old = desk.centra.integration
    words = {"base_url": old.base_url, "secret": "a-secret-api-key", "warehouse": old.warehouse}
    deleting.delete(old, "Kim Berg")
    desk.centra.integration = factories.integration(order.merchant, **words)
    for _time in range(2):
        sweep(desk.centra)
        assert list(desk.centra.integration.shop_methods.values_list("value", "count")) == [("standard", 1)]
