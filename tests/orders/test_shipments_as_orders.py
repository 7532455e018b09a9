"""Orders read as good-to-go shipments: what the shop's people do with shipments while the warehouse is at them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Integration
from orders import moves, short
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


def stands() -> list[tuple[int, str, list[str], int]]:
    """Of each part: its number, status, why it waits, and pieces; all of which the shop has open."""
    assert all(line.open_in_shop == line.pieces for order in Order.objects.all() for line in order.lines.all())
    rows = Order.objects.order_by("part")
    return [(one.part, one.status, [hold.text for hold in one.holds.all()], one.pieces) for one in rows]


def test_what_was_split_off_a_shipment_stays_with_it_when_whole_orders_are_read(centra: Centra) -> None:
    """The other shipment of the order is no change of the shop's, and is not sent twice."""
    placed = three_for_shipments(centra)
    ship(placed, 2)
    ship(placed, 1)
    look(centra)
    moves.split(part(1), {part(1).lines.get().pk: 1}, "Kim")
    as_split = stands()
    assert as_split == [(1, "new", [], 1), (2, "new", [], 1), (1002, "new", [], 1)]
    labels = [order.label.partition("/")[2] for order in Order.objects.order_by("part")]
    assert labels == ["1", "2", "3"], "each has its own name on the pick list"
    Integration.objects.update(reads=Integration.Reads.ORDERS)
    centra.integration.refresh_from_db()
    for _again in range(2):
        sweep(centra)
        assert stands() == as_split
        assert not Order.objects.filter(offered__isnull=False).exists()
        assert SeenOrder.objects.get().reason == "taken as shipments"


def test_what_a_short_pick_left_over_does_not_wait_for_the_other_shipments_of_its_order(centra: Centra) -> None:
    placed = three_for_shipments(centra)
    ship(placed, 2)
    ship(placed, 1)
    look(centra)
    hand_over(centra, 1)
    short.found(part(1), {part(1).lines.get().pk: 1}, "Staff")
    look(centra, "hand-over")
    for _again in range(2):
        sweep(centra)
        assert stands() == [(1, "collecting", [], 1), (2, "new", [], 1), (1002, "new", [], 1)]


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
