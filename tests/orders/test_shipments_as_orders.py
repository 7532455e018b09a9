"""Orders read as good-to-go shipments: what the shop's people do with shipments while the warehouse is at them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orders import moves
from orders.models import Order, SeenOrder, Status, Verdict
from sandbox.models import Fault
from sandbox.models import Order as ShopOrder
from tests.conftest import Centra
from tests.orders.shop import buy, look, sweep, three_for_shipments

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def placed(centra: Centra) -> ShopOrder:
    """Three pieces, of which one is being collected for the first of two shipments."""
    placed = three_for_shipments(centra)
    ship(placed, 1)
    ship(placed, 2)
    look(centra)
    hand_over(centra, 1)
    assert part(1).status == Status.COLLECTING
    return placed


def ship(placed: ShopOrder, pieces: int) -> None:
    placed.create_shipment({placed.lines.get().pk: pieces}, good_to_go=True, capture=False)


def part(number: int) -> Order:
    return Order.objects.get(part=number)


def hand_over(centra: Centra, number: int) -> None:
    moves.ask_to_hand_over(part(number), "Staff")
    look(centra, "hand-over")


def test_no_more_pieces_are_collected_than_were_ordered_when_a_shipment_is_deleted_and_made_anew(
    centra: Centra, placed: ShopOrder
) -> None:
    placed.shipments.get(n=1).remove()
    ship(placed, 1)
    sweep(centra)
    assert part(1).is_cancellation_open
    hand_over(centra, 2)
    hand_over(centra, 3)
    assert (part(2).status, part(3).status) == (Status.COLLECTING, Status.NEW)
    assert "another shipment that the shop deleted" in part(3).handover_error
    moves.answer_cancellation(part(1), "Staff", is_agreed=True)
    Order.objects.update(wait_until=timezone.now() - timedelta(seconds=1))
    look(centra, "hand-over")
    assert part(3).status == Status.COLLECTING


def test_what_can_be_read_only_after_it_left_the_list_waits_no_more_and_is_noted_as_taken(
    centra: Centra, placed: ShopOrder
) -> None:
    """It could not be read while it was good to go, and the shop sent it itself."""
    size = placed.lines.get().size
    assert size is not None
    other = buy(centra, {size: 1})
    other.create_shipment(good_to_go=True, capture=True)
    centra.shop.break_endpoint("GET shipments", Fault.Kind.UNREADABLE_ROW, row=2)
    sweep(centra)
    seen = SeenOrder.objects.get(number=str(other.number))
    assert seen.verdict == Verdict.UNREADABLE
    other.shipments.get().complete()
    sweep(centra)
    order = Order.objects.get(number=str(other.number))
    assert (order.status, order.facts["left"], order.lines.count()) == (Status.CANCELLED, "already sent", 1)
    seen.refresh_from_db()
    assert seen.verdict == Verdict.TAKEN


def test_what_was_read_as_shipments_stays_so_in_all_its_parts_where_orders_are_read_from_now_on(centra: Centra) -> None:
    """The listing of the whole order says nothing of what was split off one of its shipments."""
    placed = three_for_shipments(centra)
    ship(placed, 2)
    look(centra)
    moves.split(part(1), {part(1).lines.get().pk: 1}, "Kim")
    centra.integration.reads = "orders"
    centra.integration.save()
    for _time in range(2):
        sweep(centra)
        found = [(one.status, one.pieces, one.lines.get().open_in_shop, one.offered) for one in Order.objects.all()]
        assert found == [(Status.NEW, 1, 1, None), (Status.NEW, 1, 1, None)]
        assert SeenOrder.objects.get().reason == "taken as shipments"
