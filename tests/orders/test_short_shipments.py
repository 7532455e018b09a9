"""Short picks where good-to-go shipments are read: what is left over has no shipment of the shop until one is made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.connectors.base import ParcelData
from orders import moves, short
from orders.models import Order, Status
from products.models import Reservation, Stock
from sandbox.models import Order as ShopOrder
from tests.conftest import Centra
from tests.orders.shop import look, sweep, three_for_shipments

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def placed(centra: Centra) -> ShopOrder:
    """Three pieces, of which two were found."""
    placed = three_for_shipments(centra)
    placed.create_shipment(good_to_go=True, capture=False)
    look(centra)
    order = Order.objects.get()
    moves.ask_to_hand_over(order, "Staff")
    look(centra, "hand-over")
    order.refresh_from_db()
    short.found(order, {order.lines.get().pk: 2}, "Staff")
    look(centra, "hand-over")
    sweep(centra)
    return placed


def rest() -> Order:
    return Order.objects.get(split_from__isnull=False)


@pytest.mark.parametrize("made", ["here", "here, and the answer is lost", "in the shop"])
def test_the_rest_waits_gets_its_own_shipment_and_is_sent_once(centra: Centra, placed: ShopOrder, made: str) -> None:
    assert (rest().status, list(rest().holds.all())) == (Status.NEW, [])
    if made == "in the shop":
        line = placed.lines.get().pk
        placed.create_shipment({line: 1}, good_to_go=True, capture=False, deduct_previous_costs=True)
        sweep(centra)
    moves.ask_to_hand_over(rest(), "Staff")
    if made.endswith("lost"):
        centra.shop.break_endpoint("POST shipments", "lost_answer")
    look(centra, "hand-over")
    sweep(centra)
    Order.objects.update(wait_until=timezone.now() - timedelta(seconds=1))
    look(centra, "hand-over")

    found = Order.objects.order_by("pk").values_list("status", "lines__pieces", "shipment__external_id")
    assert list(found) == [(Status.COLLECTING, 2, f"{placed.number}-1"), (Status.COLLECTING, 1, f"{placed.number}-2")]
    for order in Order.objects.all():
        moves.ship(order, ParcelData("PostNord", "MyPack", f"T-{order.pk}", parcels=1), "Staff")
    look(centra, "hand-over")
    placed.refresh_from_db()
    assert (placed.status, placed.shipments.count()) == (ShopOrder.Status.COMPLETED, 2)
    assert not Order.objects.untold().exists()
    assert (Stock.objects.get().on_hand, Reservation.objects.count()) == (6, 0), (
        "the piece that was not found is off the shelf, too"
    )


def test_a_rest_whose_pieces_the_shop_takes_off_meanwhile_is_held(centra: Centra, placed: ShopOrder) -> None:
    moves.ship(Order.objects.get(split_from=None), ParcelData(), "Staff")
    look(centra, "hand-over")
    sweep(centra)
    assert rest().status == Status.NEW, "its shop lists no open shipment of it any more, and shows the order"
    placed.refresh_from_db()
    placed.cancel_pieces(placed.lines.get(), 1)
    sweep(centra)
    assert rest().status == Status.RESERVED
    assert "taken its pieces off" in rest().holds.get().text
