"""Bundles on their way to the shop, which may show its shipments as bundles alone though its orders show the parts."""

from __future__ import annotations

import pytest

from integrations.connectors.base import ParcelData
from orders import handover, moves
from orders.models import Order, Status
from products.models import Stock
from sandbox.models import BundleLayout
from sandbox.models import Order as ShopOrder
from tests.conftest import Centra
from tests.orders.shop import active_method, buy, goods, look, ours

pytestmark = pytest.mark.django_db(transaction=True)

PARCEL = ParcelData("PostNord", "MyPack", "SE-0042", parcels=1)


@pytest.fixture
def placed(centra: Centra) -> ShopOrder:
    """Three sets of two sweaters and one more sweater, of fifty."""
    centra.plugin.shipment_bundles = BundleLayout.BUNDLES
    centra.plugin.save()
    active_method(centra)
    sweater = goods(centra, on_hand=50)
    pair = centra.shop.add_size("SET", name="Set")
    pair.variant.product.change(is_bundle=True)
    pair.parts.create(part=sweater.size, pieces=2)
    placed = buy(centra, {pair: 3, sweater.size: 1})
    look(centra)
    return placed


def hand_over(centra: Centra, placed: ShopOrder) -> Order:
    moves.ask_to_hand_over(ours(placed), "Staff")
    look(centra, "hand-over")
    return ours(placed)


def test_the_shipment_that_we_had_made_is_ours_though_only_bundles_are_shown_of_it(
    centra: Centra, placed: ShopOrder
) -> None:
    assert hand_over(centra, placed).status == Status.COLLECTING
    moves.ship(ours(placed), PARCEL, "Staff")
    look(centra, "hand-over")
    placed.refresh_from_db()
    assert ours(placed).told_at
    assert placed.status == ShopOrder.Status.COMPLETED
    assert placed.shipments.get().captures == 1
    assert Stock.objects.get().on_hand == 43


def test_of_one_that_the_shop_made_the_setting_is_named_and_trying_again_goes_on(
    centra: Centra, placed: ShopOrder
) -> None:
    placed.create_shipment(good_to_go=True, capture=False)
    order = hand_over(centra, placed)
    assert order.status == Status.RESERVED
    assert "bundle layout for shipments" in order.holds.get().text
    centra.plugin.shipment_bundles = BundleLayout.NESTED
    centra.plugin.save()
    handover.try_capture_again(order, "Kim")
    look(centra, "hand-over")
    assert ours(placed).status == Status.COLLECTING
    assert placed.shipments.get().captures == 1


def test_cancelled_after_a_lost_answer_it_says_that_money_may_have_been_taken(
    centra: Centra, placed: ShopOrder
) -> None:
    """Whether the shipment of bundles that the shop shows now is the one that was asked for, nobody can tell."""
    centra.shop.break_endpoint("POST shipments", "lost_answer")
    assert hand_over(centra, placed).status == Status.NEW
    Order.objects.update(wait_until=None)
    look(centra, "hand-over")
    order = ours(placed)
    assert (order.status, placed.shipments.get().captures) == (Status.RESERVED, 1)
    moves.cancel(order, "Kim")
    assert ours(placed).needs_refund
