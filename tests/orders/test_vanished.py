"""What the shop no longer shows after hand-over: the warehouse is asked to stop, and nothing is sold twice."""

import pytest

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from orders import moves, orderpage
from orders.models import Order, Status
from products.models import Stock
from sandbox.models import Order as ShopOrder
from tests.conftest import Centra
from tests.orders.shop import Goods, active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)

PARCEL = ParcelData("PostNord", "MyPack", "SE-0042", parcels=1)


def _collecting(centra: Centra) -> tuple[ShopOrder, Goods]:
    """Three of ten sweaters, handed over and unpaid."""
    centra.integration.captures = Integration.Captures.SENT
    centra.integration.sends_stock = True
    centra.integration.save()
    active_method(centra)
    sweater = goods(centra)
    placed = buy(centra, {sweater.size: 3})
    look(centra)
    moves.ask_to_hand_over(ours(placed), "Staff")
    look(centra, "hand-over")
    assert ours(placed).status == Status.COLLECTING
    return placed, sweater


def test_cancelled_in_the_shop_while_it_is_collected_stops_at_the_warehouse(centra: Centra) -> None:
    """The guide's four statuses: the order vanishes after hand-over, and its shipment with it."""
    placed, sweater = _collecting(centra)
    placed.cancel()
    sweep(centra)
    sweep(centra)

    order = ours(placed)
    assert (order.status, order.is_cancellation_open) == (Status.COLLECTING, True)
    with pytest.raises(moves.NotPossible, match="answer the request"):
        moves.ship(order, PARCEL, "Staff")
    assert order.events.filter(text__contains="no longer shows").count() == 1
    moves.answer_cancellation(order, "Staff", is_agreed=True)
    look(centra, "stock")
    sweater.size.refresh_from_db()
    assert (Stock.objects.get().on_hand, sweater.size.physical) == (10, 10)


def test_cancelled_in_the_shop_and_shipped_all_the_same_is_not_sold_again(centra: Centra) -> None:
    placed, sweater = _collecting(centra)
    placed.cancel()
    sweep(centra)
    order = ours(placed)
    moves.answer_cancellation(order, "Staff", is_agreed=False)
    moves.ship(order, PARCEL, "Staff")
    look(centra, "hand-over")
    look(centra, "stock")

    sweater.size.refresh_from_db()
    assert (Stock.objects.get().on_hand, sweater.size.physical) == (7, 7)
    order.refresh_from_db()
    assert "no longer shows order" in order.tell_error
    moves.leave_untold(order, "Merchant")
    look(centra, "stock")
    sweater.size.refresh_from_db()
    assert (sweater.size.physical, Order.objects.untold().count()) == (7, 0)


def test_cancelled_in_the_shop_and_shown_so_after_it_was_shipped_it_can_be_left(centra: Centra) -> None:
    """*Cancelled* is ticked, as the portal advises: the order stays visible, and will never take its shipment."""
    centra.plugin.order_statuses = [1, 2, 3, 4, 6]
    centra.plugin.save()
    placed, sweater = _collecting(centra)
    moves.ship(ours(placed), PARCEL, "Staff")
    placed.cancel()
    look(centra, "hand-over")
    sweep(centra)
    sweep(centra)

    order = ours(placed)
    assert (order.status, order.told_at, order.is_shown) == (Status.SHIPPED, None, True)
    assert order.tell_error
    assert orderpage.look(order)["untold"] == order.tell_error
    assert order.events.filter(text__contains="The shop cancelled it").count() == 1
    moves.leave_untold(order, "Merchant")
    look(centra, "stock")
    sweater.size.refresh_from_db()
    assert (Stock.objects.get().on_hand, sweater.size.physical) == (7, 7)
    assert not Order.objects.untold().exists()


def test_an_order_that_the_shop_shows_again_is_packed_on(centra: Centra) -> None:
    placed, sweater = _collecting(centra)
    placed.hold()
    sweep(centra)
    assert ours(placed).is_cancellation_open
    placed.resume()
    sweep(centra)

    order = ours(placed)
    assert (order.status, order.is_cancellation_open) == (Status.COLLECTING, False)
    moves.ship(order, PARCEL, "Staff")
    look(centra, "hand-over")
    look(centra, "stock")
    sweater.size.refresh_from_db()
    assert ours(placed).told_at
    assert (Stock.objects.get().on_hand, sweater.size.physical) == (7, 7)
