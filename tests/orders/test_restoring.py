"""A cancelled order goes on after all: what was mended here stays, and stock, shipment and payment are right."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from merchants.models import User
from orders import differences, moves, promise, short
from orders.models import Cause, Order, Shipment, Status
from products.models import Movement
from sandbox.models import Order as ShopOrder
from sandbox.models import Wanted
from tests import factories
from tests.conftest import Centra
from tests.orders.desk import Desk, fresh, only, shows_everything
from tests.orders.shop import active_method, buy, goods, look, ours, sweep
from tests.orders.test_undecided import choose, mend, pieces

pytestmark = pytest.mark.django_db(transaction=True)
Captures = Integration.Captures


def captures(desk: Desk, how: str) -> None:
    Integration.objects.filter(pk=desk.centra.integration.pk).update(captures=how)


def bought(desk: Desk) -> tuple[ShopOrder, Order]:
    desk.item()
    there = buy(desk.centra, {desk.items[0][0]: 3})
    look(desk.centra)
    there.refresh_from_db()
    return there, ours(there)


def collecting(desk: Desk, how: str = Captures.HAND_OVER) -> tuple[ShopOrder, Order]:
    """Three of ten, with the warehouse."""
    captures(desk, how)
    there, order = bought(desk)
    desk.mark(order)
    desk.run()
    assert (fresh(order).status, desk.shelf()) == (Status.COLLECTING, (7, 0))
    there.refresh_from_db()
    return there, order


def stop(order: Order, who: str = "Kim") -> None:
    """The warehouse agrees to cancel it."""
    if who == "Kim":
        moves.ask_to_cancel(fresh(order), who)
    assert fresh(order).cancel_asked_by == who
    moves.answer_cancellation(fresh(order), "Staff", is_agreed=True)


def sent_once(desk: Desk, there: ShopOrder, order: Order) -> None:
    """Collected, sent, told, paid: each once."""
    desk.mark(order)
    desk.run_twice()
    assert (fresh(order).status, desk.shelf()) == (Status.COLLECTING, (7, 0))
    desk.ship(order)
    desk.run_twice()
    sweep(desk.centra)
    there.refresh_from_db()
    assert (there.status, there.captured) == (ShopOrder.Status.COMPLETED, there.grand_total)
    assert (only(there).captures, only(there).is_sent) == (1, True)
    assert fresh(order).told_at
    assert (desk.shelf(), desk.in_shop()) == ((7, 0), (7, 0))


# --- what was mended here ----------------------------------------------------------------------


def test_what_is_ours_again_comes_back_with_what_was_mended_here(centra: Centra) -> None:
    """All of it went elsewhere when the merchant chose the warehouses, and chose anew."""
    active_method(centra)
    sweater = goods(centra)
    for at in ({"Main": 1}, {"Store": 2}):
        placed = centra.shop.place_order([Wanted(sweater.size, sum(at.values()), warehouses=at)])
        placed.confirm()
        look(centra)
    mend(ours(placed))
    choose(centra, "Main")
    assert ours(placed).status == Status.CANCELLED
    choose(centra, "Main", "Store")
    for _again in range(2):
        order = ours(placed)
        assert (order.city, order.comment) == ("Kiruna", "Call first.")
        assert pieces(order) == [("FG1-NVY-M", 2, 0), ("GIFT", 1, 0)]
        assert order.offered is None
        sweep(centra)
    assert "What was changed here stays: city, GIFT." in order.events.get(text__startswith="Read anew: 3").text


def test_restored_in_the_shop_it_keeps_what_was_mended_here_and_shows_at_once_what_the_shop_changed(
    desk: Desk,
) -> None:
    shows_everything(desk)
    there, order = bought(desk)
    moves.to_draft(order, "Kim")
    mend(fresh(order))
    moves.save_as_new(fresh(order), "Kim")
    there.cancel()
    sweep(desk.centra)
    assert fresh(order).status == Status.CANCELLED
    there.restore()
    ShopOrder.objects.filter(pk=there.pk).update(delivery={**there.delivery, "cell": "+4631"})
    look(desk.centra)
    here = fresh(order)
    assert (here.city, pieces(here)) == ("Kiruna", [("FG1-NVY-M", 3, 0), ("GIFT", 1, 0)])
    assert (here.status, desk.held(here)) == (Status.RESERVED, {Cause.CHANGED})
    assert differences.differences(here) == [("phone", "+46700000001", "+4631")]


def test_a_line_added_to_an_order_that_cannot_be_read_yet_stays_beside_the_shop_s(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    placed = buy(centra, {sweater.size: 2})
    centra.shop.break_endpoint("GET orders", "unreadable_row")
    look(centra)
    order = ours(placed)
    assert {hold.cause for hold in order.holds.all()} == {Cause.UNREADABLE}
    mend(order)
    centra.shop.faults.all().delete()
    sweep(centra)
    for _again in range(2):
        order = ours(placed)
        assert pieces(order) == [("FG1-NVY-M", 2, 0), ("GIFT", 1, 0)]
        assert (order.name, order.city, order.comment) == ("Kim Berg", "Kiruna", "Call first.")
        sweep(centra)


# --- after the warehouse had it ----------------------------------------------------------------


@pytest.mark.parametrize("is_deleted_first", [False, True])
def test_unpaid_it_is_sent_with_the_shipment_that_is_there_or_one_made_anew(desk: Desk, is_deleted_first: bool) -> None:
    there, order = collecting(desk, Captures.SENT)
    stop(order)
    if is_deleted_first:
        desk.run_twice()
        assert there.shipments.count() == 0
    moves.save_as_new(fresh(order), "Kim")
    here = fresh(order)
    assert (here.status, here.collected_at, here.is_being_handed_over) == (Status.NEW, None, False)
    assert (here.cancel_asked_at, here.cancel_answer) == (None, "")
    assert desk.shelf() == (10, 3)
    desk.run_twice()
    sweep(desk.centra)
    assert (fresh(order).status, there.shipments.count()) == (Status.NEW, 0 if is_deleted_first else 1)
    sent_once(desk, there, order)
    whys = Movement.objects.order_by("pk").values_list("why", "pieces")
    assert list(whys) == [("received", 10), ("collected", -3), ("put back", 3), ("collected", -3)]


def test_paid_it_is_sent_without_paying_again_and_nothing_is_to_be_refunded(desk: Desk) -> None:
    there, order = collecting(desk)
    stop(order)
    assert fresh(order).needs_refund
    moves.save_as_new(fresh(order), "Kim")
    assert (fresh(order).status, fresh(order).needs_refund) == (Status.NEW, False)
    assert order.events.filter(text__contains="not to be refunded").count() == 1
    sent_once(desk, there, order)


def test_refunded_it_is_not_sent_for_nothing_and_the_page_says_what_to_do_instead(
    desk: Desk, signed_in: Callable[[User], Client]
) -> None:
    _there, order = collecting(desk)
    stop(order)
    user = factories.user()
    desk.centra.integration.merchant.link(user)
    page = signed_in(user)
    assert "save the order as NEW" in page.get(order.get_absolute_url()).content.decode()
    moves.refunded(fresh(order), "Kim")
    sweep(desk.centra)
    assert moves.may_become(fresh(order)) == []
    text = page.get(order.get_absolute_url()).content.decode()
    assert "It was refunded in the shop, so it cannot be brought back: place a new order there instead." in text
    with pytest.raises(moves.NotPossible, match="refunded in the shop"):
        moves.save_as_new(fresh(order), "Kim")
    assert (fresh(order).status, desk.shelf()) == (Status.CANCELLED, (10, 0))


def test_the_status_bar_brings_it_back(desk: Desk, signed_in: Callable[[User], Client]) -> None:
    _there, order = collecting(desk, Captures.SENT)
    stop(order)
    user = factories.user()
    desk.centra.integration.merchant.link(user)
    page = signed_in(user)
    text = page.get(order.get_absolute_url()).content.decode()
    assert "agreed to cancel" in text
    url = reverse("orders:set_status", args=[order.merchant_id, order.pk])
    page.post(url, {"status": "new", "seen": "cancelled"})
    assert fresh(order).status == Status.NEW
    assert "agreed to cancel" not in page.get(order.get_absolute_url()).content.decode()


def test_pieces_that_were_not_found_then_are_promised_anew(desk: Desk) -> None:
    """Two of three were found; the third is off the shelf for good."""
    there, order = collecting(desk)
    short.found(fresh(order), {order.lines.get().pk: 2}, "Staff")
    stop(order)
    assert desk.shelf() == (9, 0)
    moves.save_as_new(fresh(order), "Kim")
    here = fresh(order)
    assert (here.status, here.lines.get().found, desk.held(here)) == (Status.NEW, None, set())
    desk.mark(order)
    desk.run_twice()
    desk.ship(order)
    desk.run_twice()
    assert (only(there).is_sent, only(there).captures, desk.shelf()) == (True, 1, (6, 0))


def test_too_few_pieces_are_left_it_waits_for_some(desk: Desk) -> None:
    there, order = collecting(desk, Captures.SENT)
    stop(order)
    desk.put_on_shelf(desk.items[0][1], -8)
    moves.save_as_new(fresh(order), "Kim")
    assert (fresh(order).status, desk.shelf()) == (Status.PENDING, (2, 3))
    desk.put_on_shelf(desk.items[0][1], 8)
    promise.settle()
    sent_once(desk, there, order)


@pytest.mark.parametrize("is_lowered_first", [False, True])
@pytest.mark.parametrize("is_begun", [False, True])
def test_a_part_whose_shipment_others_use_gets_one_of_its_own(
    desk: Desk, is_begun: bool, is_lowered_first: bool
) -> None:
    captures(desk, Captures.SENT)
    there, order = bought(desk)
    there.create_shipment(good_to_go=True, capture=False)
    part = moves.split(fresh(order), {order.lines.get().pk: 1}, "Kim")
    desk.mark(*((order, part) if is_begun else (order,)))
    desk.run_twice()
    assert fresh(part).shipment == fresh(order).shipment
    if is_begun:
        stop(part)
    else:
        moves.cancel(fresh(part), "Kim")
    if is_lowered_first:
        desk.run_twice()
        assert [line.qty for line in only(there).lines.all()] == [2]
    moves.save_as_new(fresh(part), "Kim")
    sweep(desk.centra)
    assert (fresh(part).status, fresh(part).shipment) == (Status.NEW, None)
    desk.mark(part)
    desk.run_twice()
    desk.later()
    desk.run_twice()
    assert (fresh(order).status, fresh(part).status) == (Status.COLLECTING, Status.COLLECTING)
    for one in (order, part):
        desk.ship(one)
    desk.run_twice()
    there.refresh_from_db()
    assert [sum(line.qty for line in one.lines.all()) for one in there.shipments.order_by("n")] == [2, 1]
    assert (there.status, there.captured) == (ShopOrder.Status.COMPLETED, there.grand_total)
    assert not Order.objects.untold().exists()
    assert desk.shelf() == (7, 0)


def in_one_shipment(desk: Desk, how: str) -> tuple[ShopOrder, Order, Order]:
    """Two pieces and one, both with the warehouse, and the shop has one shipment for them."""
    captures(desk, how)
    there, order = bought(desk)
    there.create_shipment(good_to_go=True, capture=False)
    part = moves.split(fresh(order), {order.lines.get().pk: 1}, "Kim")
    desk.mark(order, part)
    desk.run_twice()
    assert (fresh(order).status, fresh(part).shipment) == (Status.COLLECTING, fresh(order).shipment)
    return there, order, part


def test_a_part_that_comes_back_when_the_others_are_sent_gets_a_shipment_of_its_own(desk: Desk) -> None:
    there, order, part = in_one_shipment(desk, Captures.SENT)
    stop(part)
    desk.ship(order)
    desk.run_twice()
    assert fresh(order).told_at
    moves.save_as_new(fresh(part), "Kim")
    sweep(desk.centra)
    desk.mark(part)
    desk.run_twice()
    desk.ship(part)
    desk.run_twice()
    there.refresh_from_db()
    assert [sum(line.qty for line in one.lines.all()) for one in there.shipments.order_by("n")] == [2, 1]
    assert (there.status, there.captured) == (ShopOrder.Status.COMPLETED, there.grand_total)
    assert [(one.completed_at is None, one.withdrawn_at) for one in Shipment.objects.all()] == [(False, None)] * 2


def test_a_part_that_was_paid_and_completed_with_the_others_stays_to_be_refunded(desk: Desk) -> None:
    """In the shop it is sent: nothing of it is open there any more."""
    there, order, part = in_one_shipment(desk, Captures.HAND_OVER)
    stop(part)
    desk.ship(order)
    desk.run_twice()
    sweep(desk.centra)
    there.refresh_from_db()
    assert there.status == ShopOrder.Status.COMPLETED
    with pytest.raises(moves.NotPossible, match="refund it there, and place a new order"):
        moves.save_as_new(fresh(part), "Kim")
    assert (fresh(part).status, fresh(part).needs_refund) == (Status.CANCELLED, True)
    assert moves.may_become(fresh(part)) == []


# --- the shop changes its mind -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("hold", Captures.SENT),
        ("hold", Captures.HAND_OVER),
        ("suspect", Captures.HAND_OVER),
        ("cancel", Captures.SENT),  # one that is paid cannot be cancelled there
    ],
)
def test_stopped_for_the_shop_s_sake_it_goes_on_when_the_shop_lets_it(desk: Desk, what: str, how: str) -> None:
    there, order = collecting(desk, how)
    acts: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
        "hold": (there.hold, there.resume),
        "suspect": (lambda: there.change_flags(is_suspect=True), lambda: there.change_flags(is_suspect=False)),
        "cancel": (there.cancel, there.restore),
    }
    stopped, let_go = acts[what]
    stopped()
    sweep(desk.centra)
    stop(order, moves.SHOP)
    for _again in range(2):
        desk.run_twice()
        sweep(desk.centra)
        assert (fresh(order).status, desk.shelf()) == (Status.CANCELLED, (10, 0))
    there.refresh_from_db()
    let_go()
    for _again in range(2):
        desk.later()
        desk.run_twice()
        sweep(desk.centra)
        assert (fresh(order).status, fresh(order).needs_refund, desk.shelf()) == (Status.NEW, False, (10, 3))
    sent_once(desk, there, order)


def test_what_the_merchant_had_stopped_stays_so_whatever_the_shop_does(desk: Desk) -> None:
    there, order = collecting(desk, Captures.SENT)
    stop(order)
    there.hold()
    sweep(desk.centra)
    there.resume()
    sweep(desk.centra)
    assert (fresh(order).status, desk.shelf()) == (Status.CANCELLED, (10, 0))


def test_what_was_refunded_does_not_go_on_by_itself(desk: Desk) -> None:
    there, order = collecting(desk)
    there.hold()
    sweep(desk.centra)
    stop(order, moves.SHOP)
    moves.refunded(fresh(order), "Kim")
    there.resume()
    for _again in range(2):
        sweep(desk.centra)
        assert (fresh(order).status, desk.shelf()) == (Status.CANCELLED, (10, 0))
    assert Shipment.objects.count() == 1


def test_cancelled_in_the_shop_the_page_says_to_restore_it_there(
    desk: Desk, signed_in: Callable[[User], Client]
) -> None:
    shows_everything(desk)
    there, order = bought(desk)
    there.cancel()
    sweep(desk.centra)
    user = factories.user()
    desk.centra.integration.merchant.link(user)
    text = signed_in(user).get(order.get_absolute_url()).content.decode()
    assert "The shop cancelled it. Restore it in the shop first" in text
    assert moves.may_become(fresh(order)) == []


@pytest.mark.parametrize("is_lowered_first", [True, False])
@pytest.mark.parametrize("first", [0, 1])
def test_of_parts_that_were_all_cancelled_each_that_comes_back_has_a_shipment_of_its_pieces(
    desk: Desk, first: int, is_lowered_first: bool
) -> None:
    there, *parts = in_one_shipment(desk, Captures.SENT)
    stop(parts[1 - first])
    if is_lowered_first:
        desk.run_twice()
    stop(parts[first])
    moves.save_as_new(fresh(parts[1 - first]), "Kim")
    for _again in range(2):
        desk.mark(parts[1 - first])
        desk.run_twice()
        desk.later()
        desk.run_twice()
        assert fresh(parts[1 - first]).status == Status.COLLECTING, desk.held(fresh(parts[1 - first]))
        first = 1 - first
        if _again == 0:
            moves.save_as_new(fresh(parts[1 - first]), "Kim")
    for part in parts:
        desk.ship(part)
    desk.run_twice()
    desk.later()
    desk.run_twice()
    there.refresh_from_db()
    assert sorted(sum(line.qty for line in one.lines.all()) for one in there.shipments.all()) == [1, 2]
    assert there.status == ShopOrder.Status.COMPLETED
    assert not Order.objects.untold().exists()
