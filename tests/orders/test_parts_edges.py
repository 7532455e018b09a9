"""Parts at the edges: a method taken back, a short pick among parts, shipments read as orders, the shop's figures."""

from __future__ import annotations

import pytest

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from orders import deciding, differences, links, moves, promise, short
from orders.models import Cause, Order, Status
from products import brake, formula
from products.models import ShopFigure, Stock
from sandbox.models import Order as ShopOrder
from sandbox.models import Shipment as ShopShipment
from sandbox.models import Size
from shipping.models import MerchantMethod
from tests.conftest import Centra
from tests.orders.desk import Desk, fresh
from tests.orders.desk_orders import new
from tests.orders.shop import buy, look, ours, sweep, three_for_shipments
from tests.orders.test_parts import raise_first

pytestmark = pytest.mark.django_db(transaction=True)
Captures = Integration.Captures
State = MerchantMethod.State


def bought(desk: Desk, pieces: int = 3) -> tuple[ShopOrder, Order]:
    desk.item()
    there = buy(desk.centra, {desk.items[0][0]: pieces})
    look(desk.centra)
    there.refresh_from_db()
    return there, ours(there)


def split(order: Order, pieces: int = 1) -> Order:
    line = fresh(order).lines.first()
    assert line is not None
    return moves.split(fresh(order), {line.pk: pieces}, "Kim")


def set_(desk: Desk, **fields: object) -> None:
    Integration.objects.filter(pk=desk.centra.integration.pk).update(**fields)
    desk.centra.integration.refresh_from_db()


def sent(there: ShopOrder) -> list[tuple[int, bool]]:
    """Pieces of each shipment in the shop, and whether it is sent."""
    return [(sum(line.qty for line in one.lines.all()), one.is_sent) for one in there.shipments.order_by("n")]


# --- the warehouse takes the method back -------------------------------------------------------


@pytest.mark.parametrize("is_chosen", [False, True])
def test_a_method_taken_back_holds_the_parts_that_wait_and_they_go_on_when_it_is_active_again(
    desk: Desk, is_chosen: bool
) -> None:
    _there, order = bought(desk)
    if is_chosen:
        Order.objects.update(is_method_chosen=True)
    part, third = split(order), split(order)
    desk.mark(order)
    desk.run()
    desk.mark(part)
    MerchantMethod.objects.all().answer(State.DECLINED, "The contract has ended.")
    for _again in range(2):
        links.catch_up()
        assert fresh(order).status == Status.COLLECTING
        for waiting in (part, third):
            here = fresh(waiting)
            assert (here.status, desk.held(here), here.is_being_handed_over) == (
                Status.RESERVED, {Cause.METHOD}, False,
            )  # fmt: skip
        desk.run_twice()
    if is_chosen:
        assert (
            third.holds.get().text == "PostNord MyPack is not active for you any more. Choose another shipping method."
        )
    MerchantMethod.objects.all().answer(State.ACTIVE, "")
    links.catch_up()
    deciding.decide_held()
    assert [(fresh(one).status, fresh(one).method) for one in (part, third)] == [(Status.NEW, desk.method)] * 2


def test_an_order_by_hand_waits_for_another_method_as_well(desk: Desk) -> None:
    desk.item()
    order = new(desk.centra.integration.merchant, desk.items[0][1], 2, method=desk.method)
    part = split(order)
    MerchantMethod.objects.all().answer(State.DECLINED, "The contract has ended.")
    links.catch_up()
    assert [desk.held(fresh(one)) for one in (order, part)] == [{Cause.METHOD}] * 2


# --- short picks among parts -------------------------------------------------------------------


def test_a_short_pick_of_a_part_that_shares_a_shipment_leaves_the_other_parts_whole(desk: Desk) -> None:
    set_(desk, captures=Captures.SENT)
    there, order = bought(desk, 5)
    there.create_shipment(good_to_go=True, capture=False)
    part = split(order, 2)
    desk.mark(order, part)
    desk.run_twice()
    assert fresh(order).shipment == fresh(part).shipment
    short.found(fresh(part), {part.lines.get().pk: 1}, "Staff")
    rest = Order.objects.get(split_from=part)
    desk.run_twice()
    assert sent(there) == [(4, False)]
    sweep(desk.centra)
    assert [(fresh(one).status, fresh(one).pieces) for one in (order, part, rest)] == [
        (Status.COLLECTING, 3), (Status.COLLECTING, 1), (Status.NEW, 1),
    ]  # fmt: skip
    for one in (order, part):
        desk.ship(one)
    desk.mark(rest)
    desk.run_twice()
    desk.ship(rest)
    desk.run_twice()
    sweep(desk.centra)
    there.refresh_from_db()
    assert (there.status, there.captured, sent(there)) == (
        ShopOrder.Status.COMPLETED, there.grand_total, [(4, True), (1, True)],
    )  # fmt: skip
    assert desk.shelf() == (4, 0), "six were taken, one of which was not there"


def test_what_a_short_pick_left_over_takes_the_shop_s_change(desk: Desk) -> None:
    set_(desk, captures=Captures.SENT)
    there, order = bought(desk)
    desk.mark(order)
    desk.run()
    short.found(fresh(order), {order.lines.get().pk: 1}, "Staff")
    rest = Order.objects.get(split_from=order)
    desk.run_twice()
    there.refresh_from_db()
    there.cancel_pieces(there.lines.get(), 1)
    look(desk.centra)
    assert desk.held(rest) == {Cause.CHANGED}
    differences.accept(fresh(rest), "Kim")
    sweep(desk.centra)
    assert [(fresh(one).status, fresh(one).pieces) for one in (order, rest)] == [
        (Status.COLLECTING, 1), (Status.NEW, 1),
    ]  # fmt: skip
    for one in (order, rest):  # of the same pieces: one after the other
        if one == rest:
            desk.mark(rest)
            desk.run_twice()
        desk.ship(one)
        desk.run_twice()
    there.refresh_from_db()
    assert (there.status, sent(there)) == (ShopOrder.Status.COMPLETED, [(1, True), (1, True)])


# --- shipments read as orders ------------------------------------------------------------------


def as_shipment(centra: Centra) -> tuple[ShopOrder, Order]:
    placed = three_for_shipments(centra)
    placed.create_shipment(good_to_go=True, capture=False)
    look(centra)
    return placed, Order.objects.get()


def collect_all(centra: Centra) -> None:
    promise.settle()
    for order in Order.objects.filter(status=Status.NEW):
        moves.ask_to_hand_over(order, "Staff")
    look(centra, "hand-over")


def ship_all(centra: Centra) -> None:
    for order in Order.objects.filter(status=Status.COLLECTING):
        moves.ship(order, ParcelData("PostNord", "MyPack", f"T-{order.pk}", parcels=1), "Staff")
    look(centra, "hand-over")


def statuses() -> list[tuple[str, int]]:
    return [(order.status, order.pieces) for order in Order.objects.order_by("part")]


def test_of_a_shipment_in_parts_one_is_cancelled_and_the_other_goes(centra: Centra) -> None:
    """It is lowered from here, so that is no change of the shop's."""
    placed, order = as_shipment(centra)
    part = split(order)
    moves.cancel(fresh(part), "Kim")
    look(centra, "hand-over")
    assert sent(placed) == [(2, False)]
    for _again in range(2):
        sweep(centra)
        assert statuses() == [(Status.NEW, 2), (Status.CANCELLED, 1)]
        assert fresh(order).offered is None
    collect_all(centra)
    ship_all(centra)
    assert sent(placed) == [(2, True)]
    assert fresh(order).told_at


@pytest.mark.parametrize("which", [0, 1])
def test_of_a_shipment_in_parts_one_is_cancelled_and_brought_back(centra: Centra, which: int) -> None:
    placed, order = as_shipment(centra)
    parts = [order, split(order)]
    moves.cancel(fresh(parts[which]), "Kim")
    look(centra, "hand-over")
    sweep(centra)
    moves.save_as_new(fresh(parts[which]), "Kim")
    for _again in range(2):
        sweep(centra)
        assert statuses() == [(Status.NEW, 2), (Status.NEW, 1)]
    collect_all(centra)
    assert statuses() == [(Status.COLLECTING, 2), (Status.COLLECTING, 1)]
    sweep(centra)
    ship_all(centra)
    sweep(centra)
    placed.refresh_from_db()
    assert (placed.status, sorted(sent(placed))) == (ShopOrder.Status.COMPLETED, [(1, True), (2, True)])
    assert not Order.objects.untold().exists()
    assert (Order.objects.count(), Stock.objects.get().on_hand) == (2, 7)


def test_a_part_of_a_part_of_a_shipment_is_compared_with_that_shipment(centra: Centra) -> None:
    """The order has one piece more, which is in no shipment yet."""
    placed = three_for_shipments(centra)
    raise_first(placed, 1)
    placed.create_shipment({placed.lines.get().pk: 3}, good_to_go=True, capture=False)
    look(centra)
    order = Order.objects.get()
    split(split(order, 2))
    sweep(centra)
    assert statuses() == [(Status.NEW, 1)] * 3
    collect_all(centra)
    assert statuses() == [(Status.COLLECTING, 1)] * 3
    ship_all(centra)
    assert sent(placed) == [(3, True)]
    assert not Order.objects.untold().exists()


def test_a_shipment_changed_in_the_shop_is_answered_once_for_its_parts(centra: Centra) -> None:
    placed, order = as_shipment(centra)
    part = split(order)
    line = placed.lines.get().pk
    ShopShipment.objects.get().change({line: 2})
    sweep(centra)
    assert [differences.differences(fresh(one)) for one in (order, part)] == [
        [("line FG1-NVY-M", "3 × FG1-NVY-M", "2 × FG1-NVY-M")]
    ] * 2
    differences.accept(fresh(order), "Kim")
    for _again in range(2):
        sweep(centra)
        assert statuses() == [(Status.NEW, 1), (Status.NEW, 1)]
    collect_all(centra)
    ship_all(centra)
    assert sent(placed) == [(2, True)]


def test_another_address_of_what_a_short_pick_left_over_is_shown_before_it_is_handed_over(centra: Centra) -> None:
    placed, order = as_shipment(centra)
    collect_all(centra)
    short.found(fresh(order), {order.lines.get().pk: 2}, "Staff")
    rest = Order.objects.get(split_from=order)
    look(centra, "hand-over")
    sweep(centra)
    assert fresh(rest).status == Status.NEW
    ShopOrder.objects.filter(pk=placed.pk).update(delivery={**placed.delivery, "city": "Lund"})
    sweep(centra)
    assert differences.differences(fresh(rest)) == [("city", "Göteborg", "Lund")]
    differences.accept(fresh(rest), "Kim")
    sweep(centra)
    assert (fresh(rest).status, fresh(rest).city, fresh(rest).pieces) == (Status.NEW, "Lund", 1)
    collect_all(centra)
    ship_all(centra)
    placed.refresh_from_db()
    assert placed.status == ShopOrder.Status.COMPLETED


def test_what_a_short_pick_left_over_and_was_stopped_gets_another_shipment_when_it_comes_back(centra: Centra) -> None:
    placed, order = as_shipment(centra)
    collect_all(centra)
    short.found(fresh(order), {order.lines.get().pk: 2}, "Staff")
    look(centra, "hand-over")
    rest = Order.objects.get(split_from=order)
    collect_all(centra)
    assert sent(placed) == [(2, False), (1, False)]
    moves.ask_to_cancel(fresh(rest), "Kim")
    moves.answer_cancellation(fresh(rest), "Staff", is_agreed=True)
    look(centra, "hand-over")
    sweep(centra)
    assert sent(placed) == [(2, False)]
    moves.save_as_new(fresh(rest), "Kim")
    for _again in range(2):
        sweep(centra)
        assert statuses() == [(Status.COLLECTING, 2), (Status.NEW, 1)]
    collect_all(centra)
    ship_all(centra)
    placed.refresh_from_db()
    assert (placed.status, sent(placed)) == (ShopOrder.Status.COMPLETED, [(2, True), (1, True)])


# --- what the shop is told of stock ------------------------------------------------------------


def test_in_parts_or_whole_the_shop_is_told_the_same(desk: Desk) -> None:
    """At no step a figure falls before the shop lowers it itself: else the brake would hold it, or a sale be lost."""
    set_(desk, sends_stock=True, captures=Captures.SENT)
    desk.on_hand = 1
    for _item in range(25):
        desk.item()
    look(desk.centra, "stock")
    there = buy(desk.centra, {size: 1 for size, _product in desk.items})
    look(desk.centra)
    order = ours(there)

    def says(*figures: int) -> None:
        """Of the items of the first part, and of the second; run twice."""
        for _again in range(2):
            look(desk.centra, "stock")
            items = desk.centra.integration.webshop_products.order_by("pk")
            told = formula.figures(desk.centra.integration, items)
            assert {told[item.pk].figure for item in items[:13]} == {figures[0]}
            assert {told[item.pk].figure for item in items[13:]} == {figures[1]}
            pks = [size.pk for size, _product in desk.items]
            shown = dict(Size.objects.filter(pk__in=pks).values_list("pk", "physical"))
            assert {shown[pk] for pk in pks[:13]} == {figures[0]}
            assert {shown[pk] for pk in pks[13:]} == {figures[1]}
        assert not ShopFigure.objects.filter(refused__gt="").exists()

    says(1, 1)
    lines = list(order.lines.order_by("pk"))
    part = moves.split(order, {line.pk: 1 for line in lines[13:]}, "Kim")
    says(1, 1)
    desk.mark(order)
    desk.run()
    assert fresh(order).status == Status.COLLECTING
    says(1, 1)
    moves.cancel(fresh(part), "Kim")
    says(1, 1)
    moves.save_as_new(fresh(part), "Kim")
    says(1, 1)
    desk.ship(order)
    desk.run_twice()
    says(0, 1)
    desk.mark(part)
    desk.run()
    moves.ask_to_cancel(fresh(part), "Kim")
    moves.answer_cancellation(fresh(part), "Staff", is_agreed=True)
    says(0, 1)
    moves.save_as_new(fresh(part), "Kim")
    says(0, 1)
    desk.mark(part)
    desk.run_twice()
    says(0, 1)
    assert not brake.waiting(desk.centra.integration).exists()
    desk.ship(part)
    desk.run_twice()
    says(0, 0)
    assert not Order.objects.untold().exists()
