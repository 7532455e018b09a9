"""What the warehouse does with orders at its desk: one or many, once however often it is pressed, each by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from integrations.connectors.base import ParcelData
from integrations.models import Integration, SyncState
from merchants.models import Merchant
from orders import desk, desk_play, moves, tasks
from orders.models import Order, Status
from products.models import Product
from tests import factories
from tests.conftest import Centra
from tests.orders.desk import Desk
from tests.orders.desk_orders import collecting, new, on_shelf

pytestmark = pytest.mark.django_db


@pytest.fixture
def sweater(merchant: Merchant) -> Product:
    return factories.product(merchant, "FG1")


@pytest.fixture
def shelf(merchant: Merchant, sweater: Product) -> Product:
    factories.stock(sweater, merchant.warehouses.get(), 20)
    return sweater


# --- Mark as collecting ------------------------------------------------------------------------


def test_many_are_marked_and_each_that_cannot_says_why(merchant: Merchant, shelf: Product) -> None:
    first, second, waiting = new(merchant, shelf, 2), new(merchant, shelf, 3), new(merchant, shelf, 1)
    moves.cancel(waiting, "Kim")
    outcome = desk.mark_collecting([first, second, waiting], "Robin")
    assert [order.pk for order in outcome.done] == [first.pk, second.pk]
    assert outcome.refusals == [f"{waiting.label} is CANCELLED, not NEW."]
    assert on_shelf(shelf) == (15, 0)
    assert {order.status for order in Order.objects.exclude(pk=waiting.pk)} == {Status.COLLECTING}


def test_marked_twice_the_pieces_leave_the_shelf_once(merchant: Merchant, shelf: Product) -> None:
    order = new(merchant, shelf, 2)
    desk.mark_collecting([order], "Robin")
    again = desk.mark_collecting([Order.objects.get(pk=order.pk)], "Robin")
    assert again.done == []
    assert again.refusals == [f"{order.label} is COLLECTING, not NEW."]
    assert on_shelf(shelf) == (18, 0)


def test_an_order_of_a_shop_is_handed_over_by_the_pipe_that_is_rung(merchant: Merchant, shelf: Product) -> None:
    shop = factories.integration(merchant)
    order = new(merchant, shelf, 2, integration=shop)
    outcome = desk.mark_collecting([order], "Robin Desk")
    assert outcome.refusals == []
    order.refresh_from_db()
    assert order.is_being_handed_over
    assert desk.state(order) == "NEW · being handed over"
    state = SyncState.objects.get(integration=shop, pipe=moves.HAND_OVER)
    assert (state.asked_by, state.asked_at is not None) == ("Robin Desk", True)
    assert on_shelf(shelf) == (20, 2)
    again = desk.mark_collecting([order], "Robin Desk")
    assert again.refusals == [f"{order.label} is being handed over already."]


def test_while_hand_over_is_paused_nothing_may_be_collected(merchant: Merchant, shelf: Product) -> None:
    shop = factories.integration(merchant, name="Nordlys")
    shop.state(moves.HAND_OVER).pause()
    held, by_hand = new(merchant, shelf, 2, integration=shop), new(merchant, shelf, 1)
    outcome = desk.mark_collecting([held, by_hand], "Robin")
    assert [order.pk for order in outcome.done] == [by_hand.pk]
    assert len(outcome.refusals) == 1
    assert "paused" in outcome.refusals[0]
    held.refresh_from_db()
    assert (held.status, held.handover_asked_at) == (Status.NEW, None)


def test_more_than_lies_there_is_refused_and_nothing_of_it_happens(merchant: Merchant, sweater: Product) -> None:
    order = new(merchant, sweater, 2)
    Order.objects.filter(pk=order.pk).update(status=Status.NEW)  # as if the shelf had been emptied this moment
    order.refresh_from_db()
    outcome = desk.mark_collecting([order], "Robin")
    assert outcome.refusals == [f"{order.label}: FG1: 2 pieces are wanted, 0 are on hand."]
    order.refresh_from_db()
    assert (order.status, order.handover_asked_at) == (Status.NEW, None)


# --- Mark as shipped ---------------------------------------------------------------------------


def test_shipped_with_its_parcel_and_the_first_code_stays(merchant: Merchant, shelf: Product) -> None:
    order = collecting(merchant, shelf, 2)
    parcel = ParcelData("PostNord", "MyPack", "SE-1", parcels=2)
    assert desk.mark_shipped([(order, parcel)], "Robin").refusals == []
    order.refresh_from_db()
    assert (order.status, order.tracking_code, order.parcels, order.carrier) == ("shipped", "SE-1", 2, "PostNord")
    again = desk.mark_shipped([(order, ParcelData(tracking_code="SE-2"))], "Robin")
    assert again.refusals == [f"{order.label} is shipped already, with SE-1."]
    order.refresh_from_db()
    assert order.tracking_code == "SE-1"
    assert order.events.filter(text__startswith="SHIPPED").count() == 1


def test_a_colleague_who_was_quicker_keeps_their_code(merchant: Merchant, shelf: Product) -> None:
    order = collecting(merchant, shelf, 2)
    mine = Order.objects.get(pk=order.pk)  # read before the colleague pressed
    desk.mark_shipped([(order, ParcelData(tracking_code="SE-1"))], "Robin")
    late = desk.mark_shipped([(mine, ParcelData(tracking_code="SE-2"))], "Mika")
    assert late.done == []
    assert late.refusals == [f"{order.label} is shipped already, with SE-1."]


# --- cancellations, short picks ------------------------------------------------------------------


def test_an_agreed_cancellation_puts_the_pieces_back(merchant: Merchant, shelf: Product) -> None:
    asked, other = collecting(merchant, shelf, 2), collecting(merchant, shelf, 3)
    moves.ask_to_cancel(asked, "Kim")
    assert desk.cancellation(asked) == "requested by Kim"
    outcome = desk.answer([asked, other], "Robin", is_agreed=True)
    assert [order.pk for order in outcome.done] == [asked.pk]
    assert outcome.refusals == [f"{other.label}: nobody asks for a cancellation."]
    assert asked.status == Status.CANCELLED
    assert desk.cancellation(asked) == "agreed"
    assert on_shelf(shelf) == (17, 0)


def test_too_late_leaves_the_order_with_the_warehouse(merchant: Merchant, shelf: Product) -> None:
    order = collecting(merchant, shelf, 2)
    moves.ask_to_cancel(order, "Kim")
    desk.answer([order], "Robin", is_agreed=False)
    assert (order.status, desk.cancellation(order)) == (Status.COLLECTING, "too late")
    assert on_shelf(shelf) == (18, 0)


def test_pieces_that_were_not_found_become_a_part_that_waits(merchant: Merchant, shelf: Product) -> None:
    order = collecting(merchant, shelf, 5)
    line = order.lines.get()
    assert desk.found(order, {line.pk: 6}, "Robin").refusals
    assert desk.found(order, {line.pk: 3}, "Robin").refusals == []
    order.refresh_from_db()
    assert [line.pieces for line in order.lines.all()] == [3]
    part = Order.objects.get(split_from=order)
    assert [line.pieces for line in part.lines.all()] == [2]


# --- the pick list -------------------------------------------------------------------------------


def test_the_pick_list_sums_per_merchant_and_sku(merchant: Merchant, shelf: Product) -> None:
    cap = factories.product(merchant, "FG2", ean="7300000010423")
    factories.stock(cap, merchant.warehouses.get(), 5)
    first, second = new(merchant, shelf, 2), new(merchant, shelf, 3)
    factories.order_line(second, cap, 1)
    other = factories.merchant()
    theirs = new(other, factories.product(other, "FG1"), 1)
    picks = desk.picks([first, second, theirs])
    said = {(pick.merchant, pick.sku): (pick.pieces, pick.ean, pick.orders) for pick in picks}
    assert said == {
        (merchant.name, "FG1"): (5, "", [first.label, second.label]),
        (merchant.name, "FG2"): (1, "7300000010423", [second.label]),
        (other.name, "FG1"): (1, "", [theirs.label]),
    }


def test_the_pick_list_sums_what_lies_in_one_warehouse_only(merchant: Merchant, shelf: Product) -> None:
    first = new(merchant, shelf, 2)
    there = factories.warehouse()
    factories.stock(shelf, there, 5)
    second = new(merchant, shelf, 3, warehouse=there, method=factories.method(merchant, warehouse=there))
    picks = desk.picks([first, second])
    assert {pick.warehouse: (pick.pieces, pick.orders) for pick in picks} == {
        first.warehouse.code: (2, [first.label]),
        there.code: (3, [second.label]),
    }


# --- Play warehouse ------------------------------------------------------------------------------

OURS = "http://127.0.0.1:8000/sandbox/nordlys/api/order-api"


@pytest.mark.parametrize(
    ("base_url", "is_ours"),
    [
        (OURS, True),
        ("http://localhost:8000/sandbox/nordlys/api/order-api", True),
        ("https://portal.example/sandbox/nordlys/api/order-api", True),
        ("https://nordlys.centra.com/api/order-api", False),
        ("https://nordlys.centra.com/sandbox/api/order-api", False),
        ("http://127.0.0.1:8000/api/order-api", False),
        ("http://127.0.0.1:8000/sandbox/../api/order-api", False),
        ("http://127.0.0.1.example/sandbox/nordlys/api/order-api", False),
        ("http://[127.0.0.1/sandbox/", False),
    ],
)
def test_only_the_stand_in_s_own_shops_are_played(base_url: str, is_ours: bool, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["portal.example", "*"]
    shop = Integration(base_url=base_url)
    assert desk_play.is_of_the_stand_in(shop) == is_ours
    settings.SANDBOX = False
    assert not desk_play.is_of_the_stand_in(shop)


def test_orders_of_other_shops_and_by_hand_are_left_with_a_sentence(merchant: Merchant, shelf: Product) -> None:
    real, by_hand = new(merchant, shelf, 1, integration=factories.integration(merchant)), new(merchant, shelf, 1)
    ours = new(merchant, shelf, 1, integration=factories.integration(merchant, base_url=OURS))
    outcome = desk_play.ask([real, by_hand, ours], "Robin")
    assert [order.pk for order in outcome.done] == [ours.pk]
    assert len(outcome.refusals) == 2
    assert all("left alone" in sentence for sentence in outcome.refusals)
    touched = Order.objects.exclude(play_at=None, handover_asked_at=None)
    assert [order.pk for order in touched] == [ours.pk]


def test_what_went_another_way_is_no_longer_played(merchant: Merchant, shelf: Product) -> None:
    shop = factories.integration(merchant, base_url=OURS)
    order = collecting(merchant, shelf, 1, integration=shop)
    desk_play.ask([order], "Robin")
    moves.ship(order, ParcelData(tracking_code="BY-HAND"), "Robin")
    past_the_delay(order)
    assert desk_play.play() == 0
    order.refresh_from_db()
    assert order.play_at is None
    assert order.tracking_code == "BY-HAND"


def test_a_request_to_cancel_is_waited_for_and_the_others_go_on(merchant: Merchant, shelf: Product) -> None:
    shop = factories.integration(merchant, base_url=OURS)
    asked, other = (collecting(merchant, shelf, 1, integration=shop) for _n in range(2))
    desk_play.ask([asked, other], "Robin")
    moves.ask_to_cancel(asked, "Kim")
    past_the_delay(asked, other)
    assert desk_play.play() == 1
    asked.refresh_from_db()
    assert asked.status == Status.COLLECTING
    assert asked.play_at is not None
    moves.answer_cancellation(asked, "Robin", is_agreed=False)
    past_the_delay(asked)
    assert desk_play.play() == 1
    asked.refresh_from_db()
    assert asked.status == Status.SHIPPED
    assert not Order.objects.filter(play_at__isnull=False).exists()


def test_without_the_stand_in_nothing_is_played(merchant: Merchant, shelf: Product, settings: LazySettings) -> None:
    order = collecting(merchant, shelf, 1, integration=factories.integration(merchant, base_url=OURS))
    desk_play.ask([order], "Robin")
    past_the_delay(order)
    settings.SANDBOX = False
    assert desk_play.play() == 0
    order.refresh_from_db()
    assert order.status == Status.COLLECTING


@pytest.mark.django_db(transaction=True)
def test_a_played_order_ends_shipped_and_completed_in_the_shop(centra: Centra) -> None:
    house = Desk(centra)
    there, order = house.order()
    assert desk_play.ask([order], "Robin").refusals == []
    assert desk_play.ask([order], "Robin").refusals == [], "pressed twice it is still the same play"
    tasks.play()
    order.refresh_from_db()
    assert order.is_being_handed_over, "the shop has not agreed yet, so nothing is sent"
    house.run()
    tasks.play()
    order.refresh_from_db()
    assert order.status == Status.COLLECTING, "a little delay first"
    past_the_delay(order)
    tasks.play()
    tasks.play()
    order.refresh_from_db()
    assert (order.status, order.tracking_code) == (Status.SHIPPED, f"PO{order.pk:09d}XX")
    assert order.events.filter(text__startswith="SHIPPED").count() == 1
    house.run()
    order.refresh_from_db()
    assert order.told_at is not None
    shipment = there.shipments.get()
    assert shipment.completed_at is not None
    assert (shipment.tracking, shipment.packages) == (order.tracking_code, 1)
    assert house.shelf() == (7, 0)


def past_the_delay(*orders: Order) -> None:
    """So much time has passed."""
    ago = timezone.now() - timedelta(seconds=desk_play.PLAY_SECONDS + 1)
    own = Order.objects.filter(pk__in=[order.pk for order in orders])
    own.filter(collected_at__isnull=False).update(collected_at=ago)
    own.filter(play_at__isnull=False).update(play_at=ago)
