"""What the shop changes in an open order, from which of its warehouses, and what was overruled: on both sides, once."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from integrations.models import Integration
from orders import moves
from orders.differences import differences
from orders.models import Cause, Order, Status
from sandbox.models import Order as ShopOrder
from sandbox.models import OrderLine as ShopLine
from sandbox.models import Wanted
from sandbox.models.order import SOMEBODY
from tests import factories
from tests.conftest import Centra
from tests.orders.shop import active_method, goods, look, ours, sweep
from tests.orders.test_hold_mends import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(centra: Centra) -> World:
    """Of the shop's warehouses only “Main” is ours."""
    Integration.objects.update(warehouses_ours=["Main"], warehouses_met=["Main", "Store"])
    centra.integration.refresh_from_db()
    user = factories.user(name="Kim Berg")
    centra.integration.merchant.link(user)
    browser = Client()
    browser.force_login(user)
    active_method(centra)
    return World(centra, browser, goods(centra))


def bought(world: World, **places: int) -> ShopOrder:
    """Sweaters by the shop's warehouse, read."""
    placed = world.centra.shop.place_order([Wanted(world.sweater.size, sum(places.values()), warehouses=places)])
    placed.confirm()
    look(world.centra)
    assert ours(placed).status == Status.NEW
    placed.refresh_from_db()
    return placed


def place(placed: ShopOrder, **places: int) -> None:
    """The shop sends its line from these."""
    ShopLine.objects.filter(order=placed).update(allocations=places)


def here(placed: ShopOrder) -> list[tuple[int, int]]:
    """Of each line: ours to send, sent from elsewhere."""
    return list(ours(placed).lines.values_list("pieces", "elsewhere"))


def causes(placed: ShopOrder) -> list[str]:
    return sorted({hold.cause for hold in ours(placed).holds.all()})


def hand_over(world: World, placed: ShopOrder) -> list[int]:
    """Marked, and the timetable run twice: pieces in the shop's shipment."""
    moves.ask_to_hand_over(ours(placed), "Staff")
    world.time_goes_on()
    sweep(world.centra)  # the shop shows it as being processed
    before = world.picture()
    world.time_goes_on()
    assert world.picture() == before
    return [line.qty for shipment in placed.shipments.all() for line in shipment.lines.all()]


# --- which of the shop's warehouses sends it ---------------------------------------------------


def test_pieces_added_for_another_warehouse_of_the_shop_are_not_ours(world: World) -> None:
    placed = bought(world, Main=2)
    placed.add_line(Wanted(world.sweater.size, 3, warehouses={"Store": 3}))
    sweep(world.centra)
    assert [row[1:] for row in differences(ours(placed))] == [("none", "3 × FG1-NVY-M, 3 sent from elsewhere")]
    world.act(ours(placed), "accept")
    assert (here(placed), ours(placed).status) == ([(2, 0), (0, 3)], Status.NEW)
    assert (hand_over(world, placed), ours(placed).status) == ([2], Status.COLLECTING)


def test_a_piece_that_another_warehouse_was_to_send_is_cancelled_there_and_takes_none_of_ours(world: World) -> None:
    placed = bought(world, Main=2, Store=1)
    assert here(placed) == [(2, 1)]
    placed.cancel_pieces(placed.lines.get(), 1)
    sweep(world.centra)
    words = [("3 × FG1-NVY-M, 1 sent from elsewhere", "2 × FG1-NVY-M")]
    assert [row[1:] for row in differences(ours(placed))] == words
    world.act(ours(placed), "accept")
    assert (here(placed), ours(placed).status) == ([(2, 0)], Status.NEW)
    assert (hand_over(world, placed), ours(placed).status) == ([2], Status.COLLECTING)


def test_what_moves_to_another_warehouse_of_the_shop_waits_for_an_answer_and_accepted_is_not_sent(world: World) -> None:
    placed = bought(world, Main=2)
    place(placed, Store=2)
    sweep(world.centra)
    assert (causes(placed), here(placed)) == ([Cause.CHANGED], [(2, 0)])
    words = [("2 × FG1-NVY-M", "2 × FG1-NVY-M, 2 sent from elsewhere")]
    assert [row[1:] for row in differences(ours(placed))] == words
    assert "2 sent from elsewhere" in world.open(ours(placed).get_absolute_url()).content.decode()
    world.act(ours(placed), "accept")
    for _time in range(2):
        world.time_goes_on()
        assert (here(placed), ours(placed).status, ours(placed).offered) == ([(0, 2)], Status.RESERVED, None)
    assert not placed.shipments.exists()
    assert [reason.mend and reason.mend.words for reason in world.reasons(ours(placed))] == ["Cancel the order"]
    place(placed, Main=1, Store=1)
    sweep(world.centra)
    world.act(ours(placed), "accept")
    assert (here(placed), ours(placed).status) == ([(1, 1)], Status.NEW)
    assert hand_over(world, placed) == [1]


def test_what_moved_in_the_moment_of_the_hand_over_is_not_handed_over_and_refused_goes_from_here(world: World) -> None:
    placed = bought(world, Main=2)
    place(placed, Store=2)
    moves.ask_to_hand_over(ours(placed), "Staff")
    look(world.centra, "hand-over")
    assert (ours(placed).status, causes(placed), placed.shipments.count()) == (Status.RESERVED, [Cause.CHANGED], 0)
    world.act(ours(placed), "refuse")
    assert (hand_over(world, placed), here(placed), ours(placed).status) == ([2], [(2, 0)], Status.COLLECTING)


def test_what_moves_between_warehouses_that_are_both_ours_did_not_change(world: World) -> None:
    Integration.objects.update(warehouses_ours=["Main", "Annex"])
    placed = bought(world, Main=2)
    place(placed, Annex=2)
    sweep(world.centra)
    assert (ours(placed).status, ours(placed).offered) == (Status.NEW, None)


def test_of_what_was_taken_before_warehouses_were_kept_nothing_changed(world: World) -> None:
    placed = bought(world, Main=2)
    order = ours(placed)
    for line in order.taken["lines"]:
        del line["at"]
    order.save()
    place(placed, Store=1, Main=1)
    sweep(world.centra)
    assert (ours(placed).status, ours(placed).offered) == (Status.NEW, None)


def test_other_warehouses_chosen_here_are_no_change_of_the_shop_s(world: World) -> None:
    placed = bought(world, Main=2, Store=1)
    Integration.objects.update(warehouses_ours=["Main", "Store"])
    sweep(world.centra)
    assert (ours(placed).status, ours(placed).offered) == (Status.NEW, None)


def test_what_moves_while_it_is_collected_is_told_once(world: World) -> None:
    placed = bought(world, Main=2)
    hand_over(world, placed)
    place(placed, Store=2)
    for _time in range(2):
        sweep(world.centra)
    told = ours(placed).events.filter(text__contains="while it is collected")
    assert ["2 sent from elsewhere" in event.text for event in told] == [True]


# --- what it costs -----------------------------------------------------------------------------


def test_the_total_is_the_shop_s_also_after_a_change(world: World) -> None:
    placed = bought(world, Main=2)
    before = placed.grand_total
    assert ours(placed).total == before
    placed.add_line(Wanted(world.sweater.size, 3, price=Decimal(100), warehouses={"Main": 3}))
    sweep(world.centra)
    world.act(ours(placed), "accept")
    for _time in range(2):
        world.time_goes_on()
        there = ShopOrder.objects.get(pk=placed.pk)
        assert there.grand_total == before + 300
        assert (ours(placed).total, ours(placed).pieces) == (there.grand_total, 5)


# --- what was overruled ------------------------------------------------------------------------

OVERRULED: list[tuple[Cause, dict[str, Any], dict[str, str], dict[str, str]]] = [
    # cause, the delivery in the shop, an edit that is about something else, one that is about it
    (Cause.ADDRESS, {"city": ""}, {"comment": "Ring twice"}, {"address": "Storgatan 9"}),
    (Cause.PHONE, {"cell": ""}, {"customisation": "Gift"}, {"phone": "+46700000009"}),
    (Cause.CUSTOMS, {"country": "NO"}, {"name": "Alex Lund"}, {"country": "US"}),
    (Cause.CUSTOMISATION, {}, {"city": "Lund"}, {"customisation": "Engrave: HAPPY BIRTHDAY"}),
]


def overruled(world: World, cause: Cause, delivery: dict[str, Any]) -> ShopOrder:
    """One sweater that waited for this cause only, and goes all the same."""
    world.wish(customisation="stop" if cause == Cause.CUSTOMISATION else "forward")
    world.integration.warehouse.shipping_methods.update(needs_phone=cause == Cause.PHONE)
    comment = "K.B.\nin gold" if cause == Cause.CUSTOMISATION else ""
    wanted = Wanted(world.sweater.size, 1, comment=comment)
    placed = world.centra.shop.place_order([wanted], delivery={**SOMEBODY, "country": "SE", **delivery})
    placed.confirm()
    look(world.centra)
    assert causes(placed) == [cause]
    world.act(ours(placed), f"overrule:{cause}")
    assert ours(placed).status == Status.NEW
    return ShopOrder.objects.get(pk=placed.pk)


@pytest.mark.parametrize(("cause", "delivery", "other", "same"), OVERRULED)
def test_what_was_overruled_counts_until_somebody_edits_what_it_is_about(
    world: World, cause: Cause, delivery: dict[str, Any], other: dict[str, str], same: dict[str, str]
) -> None:
    placed = overruled(world, cause, delivery)
    moves.to_draft(ours(placed), "Kim")
    text = ours(placed).customisation.replace("\n", "\r\n")  # as a browser sends it
    world.edit(ours(placed), **{"customisation": text, **other, "act": "new"})
    assert (ours(placed).status, ours(placed).overruled) == (Status.NEW, [cause])
    moves.to_draft(ours(placed), "Kim")
    world.edit(ours(placed), **same, act="new")
    assert ours(placed).overruled == []
    is_mended = cause == Cause.PHONE
    for _time in range(2):
        world.time_goes_on()
        assert causes(placed) == ([] if is_mended else [cause])
    assert not placed.shipments.exists()


def move_house(placed: ShopOrder) -> None:
    placed.delivery = {**placed.delivery, "address": "Storgatan 9"}
    placed.save(update_fields=["delivery"])


def leave_the_union(placed: ShopOrder) -> None:
    placed.delivery = {**placed.delivery, "country": "US"}
    placed.save(update_fields=["delivery"])


def wish_something_else(placed: ShopOrder) -> None:
    placed.add_line(Wanted(placed.lines.get().size, 1, comment="Engrave: HAPPY BIRTHDAY"))


@pytest.mark.parametrize(
    ("cause", "delivery", "change"),
    [
        (Cause.ADDRESS, {"city": ""}, move_house),
        (Cause.CUSTOMS, {"country": "NO"}, leave_the_union),
        (Cause.CUSTOMISATION, {}, wish_something_else),
    ],
)
def test_what_was_overruled_stops_it_again_when_the_shop_s_change_of_it_is_accepted(
    world: World, cause: Cause, delivery: dict[str, Any], change: Callable[[ShopOrder], None]
) -> None:
    placed = overruled(world, cause, delivery)
    change(placed)
    sweep(world.centra)
    assert causes(placed) == [Cause.CHANGED]
    world.act(ours(placed), "accept")
    for _time in range(2):
        world.time_goes_on()
        assert (causes(placed), ours(placed).overruled) == ([cause], [])
    assert not placed.shipments.exists()


def test_what_was_overruled_goes_on_when_the_shop_changes_something_else(world: World) -> None:
    placed = overruled(world, Cause.CUSTOMISATION, {})
    move_house(placed)
    sweep(world.centra)
    world.act(ours(placed), "accept")
    order = Order.objects.get()
    assert (order.status, order.address, order.overruled) == (Status.NEW, "Storgatan 9", [Cause.CUSTOMISATION])
