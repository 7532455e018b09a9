"""The worked figures of what a shop is told, by real orders through all the pipes: ten of each item, on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from orders import moves, short
from orders.models import Order, Status
from products.models import ShopFigure
from sandbox.models import Order as ShopOrder
from sandbox.models import Size
from tests import factories
from tests.conftest import Centra
from tests.orders.desk import Desk
from tests.orders.shop import buy, look, ours, sweep
from tests.products.stocked import tell

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Item:
    """An item, and an order of three pieces of it."""

    size: Size
    placed: ShopOrder

    @property
    def order(self) -> Order:
        return ours(self.placed)

    def figure(self) -> int:
        """What was told, which is what the shop shows."""
        self.size.refresh_from_db()
        told = ShopFigure.objects.get(item__external_id=str(self.size.pk)).told
        assert told == self.size.physical, f"{self.size}: told {told}, shown {self.size.physical}"
        return self.size.physical


@pytest.fixture(params=list(Integration.StockAs))
def desk(centra: Centra, request: pytest.FixtureRequest) -> Desk:
    Integration.objects.filter(pk=centra.integration.pk).update(
        sends_stock=True, stock_as=request.param, captures=Integration.Captures.SENT
    )
    centra.integration.refresh_from_db()
    centra.plugin.stock_mode = request.param
    centra.plugin.order_statuses = [1, 2, 3, 4, 6]
    centra.plugin.save()
    found = Desk(centra)
    return found


def bought(desk: Desk) -> Item:
    size = desk.item()
    return Item(size, buy(desk.centra, {size: 3}))


def edit(order: Order, pieces: int) -> None:
    moves.to_draft(order, "Kim")
    order.lines.update(pieces=pieces)
    moves.save_as_new(order, "Kim")


def by_hand(desk: Desk) -> Order:
    """Three pieces of the last item, which no shop knows of."""
    product = desk.items[-1][1]
    order = factories.order(desk.centra.integration.merchant, number="BY-HAND", method=desk.method)
    Order.objects.filter(pk=order.pk).update(is_method_chosen=True)
    factories.order_line(order, product, 3)
    order.refresh_from_db()
    moves.save_as_new(order, "Kim")
    return order


def hand_over(desk: Desk, *items: Item) -> None:
    desk.mark(*(item.order for item in items))
    look(desk.centra, "hand-over")
    assert {item.order.status for item in items} == {Status.COLLECTING}


def ship(desk: Desk, *orders: Order) -> None:
    for order in orders:
        moves.ship(order, ParcelData("PostNord", "MyPack", f"T-{order.pk}", parcels=1), "Robin")
    look(desk.centra, "hand-over")


def figures(desk: Desk, *items: Item) -> list[int]:
    tell(desk.centra.integration)
    return [item.figure() for item in items]


def test_each_figure_stands_on_both_sides_from_the_purchase_to_the_end(desk: Desk) -> None:
    plain, edited, sent_there, partly, cancelled, few = items = [bought(desk) for _item in range(6)]
    look(desk.centra)
    edit(edited.order, 5)
    assert figures(desk, *items) == [10, 10 - 5 + 3, 10, 10, 10, 10]

    # The shop completes one by hand, and a piece of another, while both are NEW here.
    sent_there.placed.create_shipment(good_to_go=True, capture=True).complete()
    line = partly.placed.lines.get()
    partly.placed.create_shipment({line.pk: 1}, good_to_go=True, capture=True).complete()
    sweep(desk.centra)
    assert figures(desk, sent_there, partly) == [7, 10 - 3 + 2]

    # Collected; what is off the shelf the shop still counts.
    hand_over(desk, plain, edited, cancelled, few)
    assert [desk.shelf(number)[0] for number in (0, 1)] == [7, 5]
    assert figures(desk, *items) == [10, 8, 7, 9, 10, 10]

    # The shop cancels one that is shipped all the same; of another a piece was not found.
    cancelled.placed.cancel()
    sweep(desk.centra)
    moves.answer_cancellation(cancelled.order, "Robin", is_agreed=False)
    short.found(few.order, {few.order.lines.get().pk: 2}, "Robin")
    ship(desk, plain.order, edited.order, cancelled.order, few.order)
    assert figures(desk, *items) == [7, 5, 7, 9, 7, 7 - 1 + 1]

    # What was found later is sent later.
    part = few.order.splits.get()
    desk.mark(part)
    look(desk.centra, "hand-over")
    ship(desk, Order.objects.get(pk=part.pk))
    assert figures(desk, *items) == [7, 5, 7, 9, 7, 6]
    few.placed.refresh_from_db()
    assert few.placed.status == ShopOrder.Status.COMPLETED


@pytest.mark.parametrize("desk", [Integration.StockAs.PHYSICAL], indirect=True)
def test_an_order_by_hand_is_taken_off_from_the_beginning(desk: Desk) -> None:
    other = bought(desk)
    look(desk.centra)
    order = by_hand(desk)
    assert figures(desk, other) == [10 - 6 + 3]
    moves.ask_to_hand_over(order, "Robin")
    assert figures(desk, other) == [7 - 3 + 3]
    ship(desk, order)
    assert figures(desk, other) == [7]
    other.size.refresh_from_db()
    assert other.size.available == 4


@pytest.mark.parametrize("desk", [Integration.StockAs.PHYSICAL], indirect=True)
def test_sent_unpaid_the_figure_is_told_again_once_the_shop_completes_it(desk: Desk) -> None:
    """Paid outside the shop: it keeps counting what was sent until somebody there says that it is paid."""
    Integration.objects.filter(pk=desk.centra.integration.pk).update(is_paid_elsewhere=True)
    item = bought(desk)
    look(desk.centra)
    hand_over(desk, item)
    ship(desk, item.order)
    assert item.order.told_at
    assert figures(desk, item) == [7]
    item.placed.shipments.get().mark_paid()
    item.size.refresh_from_db()
    assert item.size.physical == 4, "completed only now, its pieces left the shop's count once more"
    sweep(desk.centra)
    assert figures(desk, item) == [7]
