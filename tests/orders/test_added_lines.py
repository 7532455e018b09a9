"""An order of a shop with a line that was added here: the shop knows nothing of it, and nobody paid for it there."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.connectors.base import ParcelData
from orders import handover, moves, short
from orders.models import Cause, Order, OrderLine, Shipment, Status
from sandbox.models import Order as ShopOrder
from tests.conftest import Centra
from tests.orders.desk import Desk, captures, fresh, only, shows_everything
from tests.orders.shop import goods, look, sweep, three_for_shipments

pytestmark = pytest.mark.django_db(transaction=True)


def with_gift(desk: Desk) -> tuple[ShopOrder, Order]:
    """Three pieces bought in the shop, and one of something else added here."""
    there, order = desk.order(3)
    desk.item()
    gift = desk.items[1][1]
    moves.to_draft(order, "Kim")
    order.lines.create(product=gift, sku=gift.sku, pieces=1, ordered=1)
    moves.save_as_new(order, "Kim")
    assert order.status == Status.NEW
    return there, order


def gift_of(order: Order) -> OrderLine:
    return order.lines.get(external_id="")


def bought(order: Order) -> OrderLine:
    return order.lines.exclude(external_id="").get()


def collected(desk: Desk, order: Order) -> None:
    desk.mark(order)
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING


def part_of(order: Order) -> Order:
    return Order.objects.get(split_from=order)


def told(order: Order) -> tuple[str, bool, str]:
    here = fresh(order)
    return here.status, here.told_at is not None, here.tell_error


@pytest.mark.parametrize("lacks", ["the gift", "what was bought"])
def test_sent_without_it_only_what_was_paid_is_to_be_refunded(desk: Desk, lacks: str) -> None:
    there, order = with_gift(desk)
    collected(desk, order)
    line = gift_of(order) if lacks == "the gift" else bought(order)
    short.found(order, {line.pk: 0}, "Staff")
    short.send(order, "Kim")
    desk.ship(order)
    desk.run_twice()
    assert told(order) == (Status.SHIPPED, True, "")
    assert fresh(order).needs_refund == (lacks == "what was bought")
    assert only(there).captures == 1


def test_not_found_it_follows_and_the_shop_s_shipment_is_not_said_to_be_lowered(desk: Desk) -> None:
    captures(desk, "sent")
    there, order = with_gift(desk)
    collected(desk, order)
    short.found(order, {gift_of(order).pk: 0}, "Staff")
    changes = desk.calls("PUT shipments")
    desk.run_twice()
    assert desk.calls("PUT shipments") == changes
    assert not order.events.filter(text__contains="was lowered").exists()
    part = part_of(order)
    collected(desk, part)
    for one in (part, order):
        desk.ship(one)
        desk.run_twice()
        assert told(one) == (Status.SHIPPED, True, "")
    assert (only(there).tracking, only(there).captures) == ("SE-0042", 1)


def test_it_alone_was_found_and_goes_ahead_and_the_shop_s_shipment_is_the_rest_s(desk: Desk) -> None:
    captures(desk, "sent")
    there, order = with_gift(desk)
    collected(desk, order)
    short.found(order, {bought(order).pk: 0}, "Staff")
    desk.ship(order)
    desk.run_twice()
    assert told(order) == (Status.SHIPPED, True, "")
    assert (only(there).shipped_at, only(there).captures) == (None, 0), "nothing of the shop's is sent"
    part = part_of(order)
    collected(desk, part)
    desk.ship(part)
    desk.run_twice()
    assert told(part) == (Status.SHIPPED, True, "")
    there.refresh_from_db()
    assert there.status == ShopOrder.Status.COMPLETED
    assert (only(there).lines.get().qty, only(there).captures) == (3, 1)


def paid_and_waiting(desk: Desk) -> tuple[ShopOrder, Order]:
    """With an open and paid shipment in the shop, and not begun: its payment was refused, then made there."""
    there, order = with_gift(desk)
    there.change_flags(capture_fails=True)
    made = there.create_shipment(good_to_go=True, capture=False)
    desk.mark(order)
    desk.run_twice()
    assert desk.held(fresh(order)) == {Cause.CAPTURE}
    made.mark_paid()
    desk.later()
    desk.run_twice()
    assert fresh(order).status == Status.NEW
    return there, order


@pytest.mark.parametrize("first", ["gift", "bought"])
def test_split_off_after_the_shop_made_its_shipment_it_goes_by_itself(desk: Desk, first: str) -> None:
    there, order = paid_and_waiting(desk)
    part = moves.split(order, {gift_of(order).pk: 1}, "Kim")
    for one in (part, order) if first == "gift" else (order, part):
        collected(desk, one)
    for one in (part, order):
        desk.ship(one)
        desk.run_twice()
        assert told(one) == (Status.SHIPPED, True, "")
        there.refresh_from_db()
        assert (there.status == ShopOrder.Status.COMPLETED) == (one == order)
    assert only(there).captures == 0, "it was paid by hand"


def test_split_off_what_was_bought_takes_the_shop_s_shipment_along(desk: Desk) -> None:
    there, order = paid_and_waiting(desk)
    part = moves.split(order, {bought(order).pk: 3}, "Kim")
    assert (fresh(order).shipment, fresh(part).shipment is not None) == (None, True)
    for one in (order, part):
        collected(desk, one)
        desk.ship(one)
        desk.run_twice()
        assert told(one) == (Status.SHIPPED, True, "")
    there.refresh_from_db()
    assert there.status == ShopOrder.Status.COMPLETED


def test_split_off_and_cancelled_nothing_of_it_is_to_be_refunded(desk: Desk) -> None:
    there, order = with_gift(desk)
    collected(desk, order)
    moves.ask_to_cancel(order, "Kim")
    moves.answer_cancellation(order, "Staff", is_agreed=True)
    moves.save_as_new(order, "Kim")
    part = moves.split(order, {gift_of(order).pk: 1}, "Kim")
    moves.cancel(part, "Kim")
    desk.run_twice()
    assert not fresh(part).needs_refund
    assert not part.events.filter(text__contains="refund").exists()
    assert (only(there).captures, only(there).shipped_at) == (1, None)


def test_sent_instead_of_what_was_bought_it_does_not_go_around_a_refused_payment(desk: Desk) -> None:
    there, order = with_gift(desk)
    there.change_flags(capture_fails=True)
    made = there.create_shipment(good_to_go=True, capture=False)
    desk.mark(order)
    desk.run_twice()
    moves.to_draft(order, "Kim")
    order.lines.exclude(external_id="").update(pieces=0)
    moves.save_as_new(order, "Kim")
    handover.try_capture_again(order, "Kim")
    desk.run_twice()
    assert desk.held(fresh(order)) == {Cause.SEVERAL}, "the shop would complete what nobody sends"
    made.remove()
    desk.later()
    desk.run_twice()
    collected(desk, order)
    desk.ship(order)
    desk.run_twice()
    assert told(order) == (Status.SHIPPED, True, "")
    assert there.shipments.count() == 0


def test_where_shipments_are_read_it_goes_ahead_as_well(centra: Centra) -> None:
    placed = three_for_shipments(centra)
    placed.create_shipment(good_to_go=True, capture=False)
    look(centra)
    order, gift = Order.objects.get(), goods(centra, sku="FG2").product
    moves.to_draft(order, "Kim")
    order.lines.create(product=gift, sku=gift.sku, pieces=1, ordered=1)
    moves.save_as_new(order, "Kim")
    moves.ask_to_hand_over(order, "Staff")
    look(centra, "hand-over")
    short.found(order, {bought(order).pk: 0}, "Staff")
    part = part_of(order)
    for one in (order, part):
        sweep(centra)
        if one == part:
            moves.ask_to_hand_over(part, "Staff")
            look(centra, "hand-over")
            part.refresh_from_db()
        moves.ship(one, ParcelData("PostNord", "MyPack", f"T-{one.pk}"), "Staff")
        look(centra, "hand-over")
        assert told(one) == (Status.SHIPPED, True, "")
        sweep(centra)
    assert (only(placed).tracking, only(placed).captures) == (f"T-{part.pk}", 1)
    assert Order.objects.count() == 2


def test_where_it_replaced_a_part_the_shared_shipment_is_not_lowered_to_nothing(desk: Desk) -> None:
    captures(desk, "sent")
    there, order = with_gift(desk)
    there.create_shipment(good_to_go=True, capture=False)
    part = moves.split(order, {bought(order).pk: 1, gift_of(order).pk: 1}, "Kim")
    collected(desk, order)
    assert fresh(part).shipment == fresh(order).shipment, "the shop has one for both"
    moves.to_draft(part, "Kim")
    part.lines.exclude(external_id="").update(pieces=0)
    moves.save_as_new(part, "Kim")
    moves.ask_to_cancel(order, "Kim")
    moves.answer_cancellation(order, "Staff", is_agreed=True)
    desk.run_twice()
    desk.mark(part)
    desk.run_twice()
    assert desk.held(fresh(part)) == {Cause.SEVERAL}, "the shop's own shipment is the shop's to delete"
    only(there).remove()
    desk.later()
    desk.run_twice()
    collected(desk, part)
    desk.ship(part)
    desk.run_twice()
    assert told(part) == (Status.SHIPPED, True, "")


def test_sent_alone_it_is_owed_to_nobody_where_the_shipment_it_shared_is_gone(desk: Desk) -> None:
    captures(desk, "sent")
    _there, order = with_gift(desk)
    part = moves.split(order, {gift_of(order).pk: 1}, "Kim")
    collected(desk, part)
    keys = {"integration": order.integration, "shop": order.shop, "number": order.number}
    gone = Shipment.objects.create(**keys, external_id="70001-1", withdrawn_at=timezone.now())
    Order.objects.filter(pk=part.pk).update(shipment=gone)
    desk.ship(part)
    desk.run_twice()
    assert told(part) == (Status.SHIPPED, True, "")


@pytest.mark.parametrize("is_short", [False, True])
def test_it_goes_on_when_all_that_was_bought_is_sent(desk: Desk, is_short: bool) -> None:
    captures(desk, "sent")
    there, order = with_gift(desk)
    if is_short:
        collected(desk, order)
        short.found(order, {bought(order).pk: 0}, "Staff")
        part = part_of(order)
    else:
        part = moves.split(order, {bought(order).pk: 3}, "Kim")
        collected(desk, order)
    collected(desk, part)
    desk.ship(part)
    desk.run_twice()
    shows_everything(desk)
    sweep(desk.centra)
    there.refresh_from_db()
    assert (there.status, fresh(order).shop_status) == (ShopOrder.Status.COMPLETED, "completed")
    assert fresh(order).cancel_asked_at is None, "nothing of it was sent by anybody"
    desk.ship(order)
    desk.run_twice()
    assert told(order) == (Status.SHIPPED, True, "")
