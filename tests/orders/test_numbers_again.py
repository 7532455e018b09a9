"""The shop gives a shipment's number out again, or leaves one behind that nobody here needs: whose it is then."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from orders import moves
from orders.models import Cause, Order, Shipment, Status
from sandbox.models import Order as ShopOrder
from sandbox.models import Shop
from tests.conftest import Centra
from tests.orders.desk import Desk, captures, fresh, only
from tests.orders.shop import look, sweep

pytestmark = pytest.mark.django_db(transaction=True)
Captures = Integration.Captures


@pytest.fixture
def desk(centra: Centra) -> Desk:
    return Desk(centra)


def in_parts(desk: Desk, pieces: int = 3) -> tuple[ShopOrder, Order, Order]:
    """One piece is a part of its own; nothing is handed over."""
    there, order = desk.order(pieces)
    return there, order, moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")


def begin(desk: Desk, *orders: Order) -> None:
    desk.mark(*orders)
    quiet(desk)


def quiet(desk: Desk) -> None:
    for _turn in range(3):
        desk.later()
        desk.run()


def call_off(desk: Desk, order: Order) -> None:
    """Asked for after the hand-over, and agreed."""
    moves.ask_to_cancel(order, "Kim Berg")
    moves.answer_cancellation(order, "Robin", is_agreed=True)
    quiet(desk)


def make(there: ShopOrder, pieces: int, *, capture: bool = False) -> None:
    """The shop's people make a shipment."""
    there.refresh_from_db()
    there.create_shipment({there.lines.get().pk: pieces}, good_to_go=True, capture=capture)


def ship(desk: Desk, order: Order, code: str) -> None:
    desk.ship(order, ParcelData("PostNord", "MyPack", code))
    quiet(desk)


def sent(there: ShopOrder) -> list[tuple[int, str]]:
    """Pieces and tracking code of what is sent there."""
    there.refresh_from_db()
    rows = there.shipments.filter(shipped_at__isnull=False).order_by("n")
    return [(sum(line.qty for line in one.lines.all()), one.tracking) for one in rows]


def is_whole(desk: Desk, there: ShopOrder, *codes: tuple[int, str]) -> None:
    """All of it is sent, told and paid once."""
    assert sorted(sent(there)) == sorted(codes)
    assert (there.status, there.captured) == (ShopOrder.Status.COMPLETED, there.grand_total)
    assert not Order.objects.untold().exists()
    assert desk.shelf() == desk.in_shop()


# --- a number given out again --------------------------------------------------------------------


def test_of_two_parts_alike_each_is_told_with_its_own(desk: Desk) -> None:
    captures(desk, Captures.SENT)
    there, order, part = in_parts(desk, 2)
    begin(desk, order)
    only(there).remove()
    begin(desk, part)
    assert fresh(part).shipment != fresh(order).shipment
    ship(desk, order, "A")
    ship(desk, part, "B")
    assert (sent(there), fresh(order).told_at) == ([(1, "B")], None)
    assert "no longer has shipment" in fresh(order).tell_error
    make(there, 1)
    there.shipments.filter(shipped_at=None).update(leaves_out_costs=True)
    quiet(desk)
    is_whole(desk, there, (1, "A"), (1, "B"))


def test_what_another_part_has_sent_is_no_reason_to_stop_the_one_that_had_the_number_before(desk: Desk) -> None:
    captures(desk, Captures.SENT)
    there, order, part = in_parts(desk)
    begin(desk, order)
    only(there).remove()
    begin(desk, part)
    ship(desk, part, "B")
    sweep(desk.centra)
    assert (fresh(order).status, fresh(order).is_cancellation_open) == (Status.COLLECTING, False)
    ship(desk, order, "A")
    make(there, 2)
    there.shipments.filter(shipped_at=None).update(leaves_out_costs=True)
    quiet(desk)
    is_whole(desk, there, (2, "A"), (1, "B"))


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_shared_one_that_is_one_part_s_or_gone_does_not_tell_the_other_that_is_collected(
    desk: Desk, is_deleted: bool
) -> None:
    """Lowered to one part's pieces, or deleted: what is left is told with one of just its pieces."""
    captures(desk, Captures.SENT)
    there, order, part = in_parts(desk)
    make(there, 3)
    begin(desk, order)
    assert fresh(part).shipment == fresh(order).shipment
    if is_deleted:
        only(there).remove()
    else:
        only(there).change({there.lines.get().pk: 1})
    begin(desk, part)
    ship(desk, order, "A")
    ship(desk, part, "B")
    assert (sent(there), fresh(order).told_at) == ([(1, "B")], None)
    make(there, 2)
    there.shipments.filter(shipped_at=None).update(leaves_out_costs=True)
    quiet(desk)
    is_whole(desk, there, (2, "A"), (1, "B"))


def test_of_a_cancelled_part_it_is_found_when_the_sent_one_is_made_again(desk: Desk) -> None:
    captures(desk, Captures.SENT)
    there, order, part = in_parts(desk)
    make(there, 2)
    begin(desk, order)
    call_off(desk, order)
    begin(desk, part)
    desk.ship(part)
    for one in there.shipments.all():
        one.remove()
    quiet(desk)
    assert "no longer has shipment" in fresh(part).tell_error
    make(there, 1)
    assert only(there).n == 1
    quiet(desk)
    assert fresh(part).told_at
    assert sent(there) == [(1, "SE-0042")]


def test_a_refused_payment_is_freed_also_where_a_cancelled_part_had_the_number(desk: Desk) -> None:
    there, order, part = in_parts(desk)
    there.change_flags(capture_fails=True)
    make(there, 2)
    begin(desk, order)
    moves.cancel(fresh(order), "Kim Berg")
    quiet(desk)
    only(there).remove()
    begin(desk, part)
    assert desk.held(part) == {Cause.CAPTURE}
    there.refresh_from_db()
    there.change_flags(capture_fails=False)
    make(there, 1, capture=True)
    quiet(desk)
    assert fresh(part).status == Status.NEW
    begin(desk, part)
    assert (fresh(part).status, only(there).captures) == (Status.COLLECTING, 1)


def test_a_paid_part_that_comes_back_never_takes_the_number_from_the_one_that_has_it(desk: Desk) -> None:
    there, order, part = in_parts(desk)
    begin(desk, order)
    call_off(desk, order)
    ShopOrder.objects.filter(pk=there.pk).update(captured=0)  # its people gave the money back, and deleted it
    there.shipments.update(has_invoice=False)
    only(there).remove()
    begin(desk, part)
    moves.save_as_new(fresh(order), "Kim Berg")
    ship(desk, part, "B")
    assert sent(there) == [(1, "B")]
    begin(desk, order)
    ship(desk, order, "A")
    is_whole(desk, there, (2, "A"), (1, "B"))
    assert [one.captures for one in there.shipments.order_by("n")] == [1, 1]


def test_what_the_shop_s_people_made_instead_is_not_taken_back(desk: Desk) -> None:
    captures(desk, Captures.SENT)
    there, order = desk.order(3)
    begin(desk, order)
    moves.ask_to_cancel(order, "Kim Berg")
    moves.answer_cancellation(order, "Robin", is_agreed=True)
    only(there).remove()
    make(there, 1)
    quiet(desk)
    assert [line.qty for line in only(there).lines.all()] == [1]
    assert not Shipment.objects.filter(withdraw_asked_at__isnull=False).exists()


def test_read_as_shipments_the_next_one_of_that_number_is_an_order_of_its_own(desk: Desk) -> None:
    integration = desk.centra.integration
    Integration.objects.filter(pk=integration.pk).update(reads=Integration.Reads.SHIPMENTS, captures=Captures.SENT)
    integration.refresh_from_db()
    there = desk.centra.shop.place_order({desk.item(): 2, desk.item(): 1})
    there.confirm()
    first, second = there.lines.order_by("pk")
    there.create_shipment({first.pk: 2}, good_to_go=True, capture=False)
    look(desk.centra, "intake", ask=True)
    order = Order.objects.get()
    moves.cancel(order, "Kim Berg")
    only(there).remove()
    there.refresh_from_db()
    there.create_shipment({second.pk: 1}, good_to_go=True, capture=False)
    for _again in range(2):
        sweep(desk.centra)
        other = Order.objects.exclude(pk=order.pk).get()
        assert (fresh(order).status, other.status) == (Status.CANCELLED, Status.NEW)
    begin(desk, other)
    ship(desk, other, "B")
    assert sent(there) == [(1, "B")]


# --- one left behind -----------------------------------------------------------------------------


@pytest.mark.parametrize("is_brought_back", [False, True])
def test_an_open_one_that_a_cancelled_part_has_left_is_used_by_the_next(desk: Desk, is_brought_back: bool) -> None:
    captures(desk, Captures.SENT)
    there, order, part = in_parts(desk, 2)
    make(there, 1)
    begin(desk, order)
    call_off(desk, order)
    begin(desk, part)
    assert fresh(part).status == Status.COLLECTING
    assert only(there).n == 1
    ship(desk, part, "B")
    assert sent(there) == [(1, "B")]
    if is_brought_back:
        moves.save_as_new(fresh(order), "Kim Berg")
        begin(desk, order)
        ship(desk, order, "A")
        is_whole(desk, there, (1, "A"), (1, "B"))


@pytest.mark.parametrize("is_begun", [True, False])
def test_a_paid_one_for_all_goes_with_the_parts_that_are_left(desk: Desk, is_begun: bool) -> None:
    """The shop changes it no more; what was cancelled of it is to be refunded there."""
    there, order, part = in_parts(desk)
    make(there, 3)
    begin(desk, order)
    assert only(there).is_paid
    call_off(desk, order)
    if is_begun:
        moves.refunded(fresh(order), "Kim Berg")
    begin(desk, part)
    assert fresh(part).status == Status.COLLECTING
    ship(desk, part, "B")
    assert fresh(part).told_at
    assert sent(there) == [(3, "B")]
    assert (fresh(order).needs_refund, only(there).captures) == (not is_begun, 1)


# --- another shop --------------------------------------------------------------------------------


def test_another_shop_with_the_same_numbers_has_shipments_of_its_own(desk: Desk) -> None:
    """The Base URL points at another shop, and later at the first again."""
    captures(desk, Captures.SENT)
    there, order = desk.order(3)
    begin(desk, order)
    desk.ship(order)
    integration, number = desk.centra.integration, there.number
    old = {"base_url": integration.base_url, "shop": integration.shop}
    ShopOrder.objects.filter(pk=there.pk).update(number=number + 1000)
    shop = Shop.open("skagen", "Skagen")
    shop.add_plugin("order-api", "a-secret-api-key")
    port = urlsplit(integration.base_url).port
    new = {"base_url": f"http://127.0.0.1:{port}/sandbox/skagen/api/order-api", "shop": f"127.0.0.1:{port}"}
    Integration.objects.filter(pk=integration.pk).update(**new)
    integration.refresh_from_db()
    elsewhere = shop.place_order({shop.add_size("FG1", "-NVY", "-M", stock=10): 2}, number=number)
    elsewhere.confirm()
    other = desk.take(elsewhere)
    begin(desk, other)
    assert (fresh(other).status, fresh(order).told_at) == (Status.COLLECTING, None)
    assert fresh(other).shipment != fresh(order).shipment
    ShopOrder.objects.filter(pk=elsewhere.pk).update(number=number + 2000)
    ShopOrder.objects.filter(pk=there.pk).update(number=number)
    Integration.objects.filter(pk=integration.pk).update(**old)
    quiet(desk)
    assert fresh(order).told_at
    assert sent(there) == [(3, "SE-0042")]
