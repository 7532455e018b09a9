"""The shop changes its mind: while an order is handed over, after it was split, cancelled, or held."""

from __future__ import annotations

import pytest
from django.db import transaction

from integrations.models import Integration
from orders import deciding, differences, handing, moves, promise
from orders.models import Cause, Order, Shipment, Status
from products.models import Product, Stock
from sandbox.models import Order as ShopOrder
from sandbox.models import Wanted
from tests.conftest import Centra
from tests.orders.desk import Desk, fresh, only, shows_everything
from tests.orders.shop import active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)


def bought(desk: Desk, pieces: int = 3, *, lines: int = 1) -> tuple[ShopOrder, Order]:
    """Bought in the shop, and read by the intake."""
    for _missing in range(lines - len(desk.items)):
        desk.item()
    there = buy(desk.centra, dict.fromkeys([size for size, _product in desk.items[:lines]], pieces))
    look(desk.centra)
    there.refresh_from_db()
    return there, ours(there)


def move(desk: Desk, pieces: int, product: Product | None = None) -> None:
    """Pieces are found, or found to be missing."""
    key = ((product or desk.items[0][1]).pk, desk.centra.integration.warehouse_id)
    with transaction.atomic():
        Stock.objects.lock([key])[key].move(pieces, "adjusted")


def set_(desk: Desk, **fields: object) -> None:
    Integration.objects.filter(pk=desk.centra.integration.pk).update(**fields)


def writes(desk: Desk) -> int:
    endpoints = ("POST shipments", "PUT shipments", "PUT shipment", "DELETE shipments", "PUT capture")
    return sum(desk.calls(endpoint) for endpoint in endpoints)


def stories(order: Order) -> str:
    return "\n".join(order.events.values_list("text", flat=True))


def paid_and_new_again(desk: Desk) -> tuple[ShopOrder, Order]:
    """The money was taken, the pieces went away at the last moment, and they are back."""
    desk.on_hand = 3
    there, order = bought(desk)
    desk.mark(order)
    move(desk, -3)
    desk.run()
    assert (fresh(order).status, only(there).is_paid) == (Status.PENDING, True)
    move(desk, 3)
    promise.settle()
    assert fresh(order).status == Status.NEW
    return there, order


# --- what was paid stays to be refunded ------------------------------------------------------


def test_a_paid_order_that_is_cancelled_while_the_shop_hides_it_is_still_to_be_refunded(desk: Desk) -> None:
    there, order = paid_and_new_again(desk)
    desk.mark(order)
    moves.cancel(fresh(order), "Kim")
    there.hold()
    desk.run_twice()
    assert (fresh(order).status, fresh(order).needs_refund) == (Status.CANCELLED, True)
    assert only(there).is_paid
    there.resume()
    sweep(desk.centra)
    sweep(desk.centra)
    assert (fresh(order).status, fresh(order).needs_refund) == (Status.CANCELLED, True)
    assert "refund it in the shop" in stories(order)


def test_a_cancellation_asked_for_while_the_pieces_go_away_is_answered(desk: Desk) -> None:
    """Nobody in the warehouse has it, so nobody else would answer."""
    there, order = paid_and_new_again(desk)
    desk.mark(order)
    moves.cancel(fresh(order), "Kim")
    move(desk, -3)
    desk.run_twice()
    here = fresh(order)
    assert (here.status, here.is_cancellation_open, here.needs_refund) == (Status.CANCELLED, False, True)
    assert (only(there).captures, desk.shelf()) == (1, (0, 0))


def test_a_cancellation_asked_for_while_the_payment_is_refused_is_answered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, order = bought(desk)
    there.change_flags(capture_fails=True)
    desk.mark(order)
    real = handing.payment_fact

    def asked_meanwhile(reason: str) -> tuple[str, str] | None:
        moves.cancel(fresh(order), "Kim")
        return real(reason)

    monkeypatch.setattr(handing, "payment_fact", asked_meanwhile)
    desk.run_twice()
    here = fresh(order)
    assert (here.status, here.is_cancellation_open, here.needs_refund) == (Status.CANCELLED, False, False)
    assert there.shipments.count() == 0
    assert desk.shelf() == (10, 0)


def test_cancelled_after_a_lost_answer_and_hidden_by_the_shop_money_may_have_been_taken(desk: Desk) -> None:
    there, order = bought(desk)
    desk.mark(order)
    desk.centra.shop.break_endpoint("POST shipments", "lost_answer")
    desk.run()
    moves.cancel(fresh(order), "Kim")
    there.refresh_from_db()
    there.hold()
    desk.later()
    desk.run_twice()
    assert (fresh(order).status, fresh(order).needs_refund) == (Status.CANCELLED, True)
    assert only(there).is_paid
    assert "It may have been paid" in stories(order)


# --- held at hand-over, and looked at again --------------------------------------------------


def test_a_hold_that_the_hand_over_met_goes_when_the_shop_shows_the_order_as_before(desk: Desk) -> None:
    there, order = bought(desk)
    desk.mark(order)
    there.change_flags(is_suspect=True)
    desk.run_twice()
    assert desk.held(fresh(order)) == {Cause.SUSPECT}
    there.change_flags(is_suspect=False)
    look(desk.centra)
    assert (fresh(order).status, desk.held(fresh(order))) == (Status.NEW, set())


def test_what_only_the_hand_over_can_see_still_holds_after_the_next_look(desk: Desk) -> None:
    """A listing of orders names a shipment, but not what is in it."""
    there, order = bought(desk)
    made = there.create_shipment({there.lines.get().pk: 1}, capture=False)
    desk.mark(order)
    desk.run()
    assert desk.held(fresh(order)) == {Cause.SEVERAL}
    look(desk.centra)
    look(desk.centra)
    sweep(desk.centra)
    deciding.decide_held()
    assert (fresh(order).status, desk.held(fresh(order))) == (Status.RESERVED, {Cause.SEVERAL})
    made.remove()
    look(desk.centra)
    assert (fresh(order).status, desk.held(fresh(order))) == (Status.NEW, set())


def test_what_the_shop_refused_is_held_until_the_shop_shows_something_else(desk: Desk) -> None:
    there, order = bought(desk)
    ShopOrder.objects.filter(pk=there.pk).update(comment="Leave it at the door")  # read by nobody yet
    desk.centra.shop.break_endpoint("POST shipments", "refused", msg="no shipments today")
    desk.mark(order)
    desk.run()
    assert desk.held(fresh(order)) == {Cause.REFUSED}
    look(desk.centra)
    sweep(desk.centra)
    assert desk.held(fresh(order)) == {Cause.REFUSED}
    there.create_shipment(capture=False)
    look(desk.centra)
    assert fresh(order).status == Status.NEW


# --- the stock goes while it is being handed over --------------------------------------------


def test_marked_as_collecting_and_no_longer_covered_it_must_be_marked_anew(desk: Desk) -> None:
    """Its line comes to mean another product, of which there is too little."""
    there, order = bought(desk)
    desk.item()
    move(desk, -10, desk.items[1][1])
    desk.mark(order)
    desk.centra.integration.webshop_products.filter(sku=order.lines.get().sku).update(product=desk.items[1][1])
    deciding.decide_again([order.pk])
    here = fresh(order)
    assert (here.status, here.handover_asked_at) == (Status.PENDING, None)
    assert "no longer marked as collecting" in stories(order)
    move(desk, 10, desk.items[1][1])
    promise.settle()
    desk.run_twice()
    assert (fresh(order).status, fresh(order).is_being_handed_over) == (Status.NEW, False)
    assert there.shipments.count() == 0
    assert (desk.shelf(0), desk.shelf(1)) == ((10, 0), (10, 3))
    desk.mark(order)
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert (desk.shelf(0), desk.shelf(1)) == ((10, 0), (7, 0))


@pytest.mark.parametrize("goes", ["stock", "read"])
def test_a_cancellation_asked_for_while_it_is_being_handed_over_outlives_what_else_happens(
    desk: Desk, goes: str
) -> None:
    there, order = bought(desk)
    desk.mark(order)
    moves.cancel(fresh(order), "Kim")
    if goes == "stock":
        move(desk, -10)
        promise.settle()
    else:
        there.hold()
        sweep(desk.centra)
    desk.run_twice()
    here = fresh(order)
    assert (here.status, here.is_cancellation_open, here.cancel_answer) == (Status.CANCELLED, False, "agreed")
    assert there.shipments.count() == 0


# --- cancelled in the shop -------------------------------------------------------------------


@pytest.mark.parametrize("is_first", ["intake", "hand-over"])
@pytest.mark.parametrize("is_made", [False, True])
def test_cancelled_in_the_shop_while_being_handed_over_it_is_held_where_the_merchant_decides(
    desk: Desk, is_first: str, is_made: bool
) -> None:
    shows_everything(desk)
    set_(desk, cancels_with_shop=False, captures=Integration.Captures.SENT)
    there, order = bought(desk)
    desk.mark(order)
    if is_made:
        desk.centra.shop.break_endpoint("POST shipments", "lost_answer")
        desk.run()
        desk.later()
    there.refresh_from_db()
    there.cancel()
    before = writes(desk)
    for step in ("intake", "hand-over") if is_first == "intake" else ("hand-over", "intake"):
        if step == "intake":
            sweep(desk.centra)
        else:
            desk.run_twice()
    here = fresh(order)
    assert (here.status, here.cancel_asked_at) == (Status.RESERVED, None)
    assert desk.held(here) == {Cause.CHANGED}
    assert (writes(desk), there.shipments.count()) == (before, 0)
    assert desk.shelf() == (10, 3)


def test_cancelled_in_the_shop_while_being_handed_over_it_is_cancelled_where_that_is_so_set(desk: Desk) -> None:
    shows_everything(desk)
    there, order = bought(desk)
    desk.mark(order)
    there.cancel()
    sweep(desk.centra)
    desk.run_twice()
    assert (fresh(order).status, fresh(order).is_cancellation_open) == (Status.CANCELLED, False)
    assert (writes(desk), desk.shelf()) == (0, (10, 0))


def test_what_the_merchant_cancelled_by_hand_does_not_come_back_with_the_shop(desk: Desk) -> None:
    """Though the shop once cancelled and restored it before."""
    shows_everything(desk)
    there, order = bought(desk)
    there.cancel()
    sweep(desk.centra)
    there.restore()
    sweep(desk.centra)
    assert fresh(order).status == Status.NEW
    moves.cancel(fresh(order), "Kim")
    there.refresh_from_db()
    there.cancel()
    sweep(desk.centra)
    there.restore()
    sweep(desk.centra)
    assert fresh(order).status == Status.CANCELLED
    assert desk.shelf() == (10, 0)


def test_what_went_elsewhere_and_was_then_cancelled_by_hand_does_not_come_back(desk: Desk) -> None:
    shows_everything(desk)
    there, order = bought(desk)
    with transaction.atomic():
        moves.cancel(order, "the shop", "All of it is sent from another warehouse of the shop.")
    Order.objects.filter(pk=order.pk).update(facts={**fresh(order).facts, "left": "sent from elsewhere", "digest": ""})
    sweep(desk.centra)
    assert fresh(order).status == Status.NEW, "it is to be sent from here after all"
    Order.objects.filter(pk=order.pk).update(facts={**fresh(order).facts, "left": "sent from elsewhere", "digest": ""})
    moves.cancel(fresh(order), "Kim")
    there.append_internal_comment("looked at")
    sweep(desk.centra)
    assert fresh(order).status == Status.CANCELLED


# --- fewer pieces, other lines ---------------------------------------------------------------


def test_fewer_pieces_in_the_shop_are_not_called_sent(desk: Desk) -> None:
    there, order = bought(desk, 3)
    there.cancel_pieces(there.lines.get(), 1)
    sweep(desk.centra)
    assert [hold.cause for hold in fresh(order).holds.all()] == [Cause.CHANGED]
    assert "sent" not in stories(order).split("Changed in the shop.")[1]


def test_of_a_split_order_pieces_that_the_shop_cancelled_are_not_called_sent(desk: Desk) -> None:
    there, order = bought(desk, 3)
    part = moves.split(fresh(order), {order.lines.get().pk: 1}, "Kim")
    there.cancel_pieces(there.lines.get(), 1)
    sweep(desk.centra)
    assert [hold.cause for hold in part.holds.all()] == [Cause.CHANGED]
    assert "has sent" not in stories(order) + stories(part)
    differences.accept(fresh(order), "Kim")
    sweep(desk.centra)
    assert [(one.status, one.pieces) for one in Order.objects.order_by("part")] == [(Status.NEW, 1), (Status.NEW, 1)]


def test_of_a_split_order_pieces_that_the_shop_sent_are_called_sent(desk: Desk) -> None:
    there, order = bought(desk, 3)
    part = moves.split(fresh(order), {order.lines.get().pk: 1}, "Kim")
    there.create_shipment({there.lines.get().pk: 1}, good_to_go=True).complete()
    sweep(desk.centra)
    assert [hold.cause for hold in part.holds.all()] == [Cause.SENT]
    assert not order.holds.exists()


def test_a_refused_smaller_number_says_that_pieces_were_taken_off_until_it_is_edited(desk: Desk) -> None:
    there, order = bought(desk, 3)
    there.cancel_pieces(there.lines.get(), 1)
    sweep(desk.centra)
    differences.refuse(fresh(order), "Kim")
    hold = order.holds.get()
    assert (hold.cause, "off the order" in hold.text) == (Cause.CHANGED, True)
    order.lines.update(pieces=2)
    deciding.decide_again([order.pk])
    desk.mark(order)
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert [line.qty for line in only(there).lines.all()] == [2]


def test_a_difference_that_the_hand_over_met_in_a_part_goes_when_the_shop_takes_it_back(desk: Desk) -> None:
    there, order = bought(desk, 3)
    part = moves.split(fresh(order), {order.lines.get().pk: 1}, "Kim")
    before = dict(there.delivery)
    desk.mark(part)
    ShopOrder.objects.filter(pk=there.pk).update(delivery={**before, "city": "Lund"})
    desk.run_twice()
    assert desk.held(fresh(part)) == {Cause.CHANGED}
    ShopOrder.objects.filter(pk=there.pk).update(delivery=before)
    look(desk.centra)
    assert (fresh(part).status, fresh(part).offered) == (Status.NEW, None)


def test_a_line_added_in_the_shop_comes_with_all_that_the_shop_shows_of_it(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    hat = goods(centra, sku="FG2")
    hat.size.variant.product.change(country="PT", hs_code="65050090", weight="0.2")
    there = buy(centra, {sweater.size: 1})
    look(centra)
    there.add_line(Wanted(hat.size, 2))
    look(centra)
    differences.accept(ours(there), "Kim")
    first, added = ours(there).lines.all()
    with centra.integration.connect() as shop:
        data = shop.order(str(there.number))
    assert data is not None
    shown = data.lines[1]
    assert all((shown.price, shown.hs_code, shown.country_of_origin))
    assert (added.sku, added.pieces, added.price, added.vat_percent) == (
        "FG2-NVY-M", 2, shown.price, shown.vat_percent,
    )  # fmt: skip
    assert (added.hs_code, added.country_of_origin, added.weight_kg) == (
        shown.hs_code, shown.country_of_origin, shown.weight_kg,
    )  # fmt: skip
    assert first.price == data.lines[0].price
    sweep(centra)
    assert (ours(there).status, ours(there).offered, Shipment.objects.count()) == (Status.NEW, None, 0)
