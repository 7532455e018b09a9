"""The worked figures of what a shop is told, by real orders through all the pipes: ten of each item, on both sides.

Every figure is told by physical count and by what is available, looked at twice, here and in the shop.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from merchants.models import User
from orders import moves, short
from orders.models import Order, Status
from products import create
from products.models import Reservation, ShopFigure
from sandbox.models import Order as ShopOrder
from sandbox.models import Shop, Size
from tests import factories
from tests.conftest import Centra
from tests.orders.desk import Desk
from tests.orders.shop import buy, look, ours, sweep
from tests.orders.typed import edit_url, new_url, opened, typed
from tests.products.stocked import tell

pytestmark = pytest.mark.django_db(transaction=True)

UNTOLD = 25  # pieces that the shop shows until it is told


@dataclass
class Item:
    """An item of a shop, and the order of three pieces of it where somebody bought them."""

    size: Size
    bought: ShopOrder | None = None

    @property
    def placed(self) -> ShopOrder:
        assert self.bought is not None
        return self.bought

    @property
    def order(self) -> Order:
        return ours(self.placed)

    def figure(self) -> int:
        """What was told, which is what the shop shows."""
        self.size.refresh_from_db()
        told = ShopFigure.objects.get(item__external_id=str(self.size.pk)).told
        assert told == self.size.physical, f"{self.size}: told {told}, shown {self.size.physical}"
        return self.size.physical


def switch_on(centra: Centra, stock_as: str) -> None:
    Integration.objects.filter(pk=centra.integration.pk).update(
        sends_stock=True, stock_as=stock_as, captures=Integration.Captures.SENT
    )
    centra.integration.refresh_from_db()
    centra.plugin.stock_mode = stock_as
    centra.plugin.order_statuses = [1, 2, 3, 4, 6]
    centra.plugin.logs_calls = True
    centra.plugin.save()


@pytest.fixture(params=list(Integration.StockAs))
def desk(centra: Centra, request: pytest.FixtureRequest) -> Desk:
    switch_on(centra, request.param)
    found = Desk(centra)
    return found


@pytest.fixture
def kim(desk: Desk, signed_in: Callable[[User], Client]) -> Client:
    """The browser of one of the merchant's people."""
    user = factories.user()
    desk.centra.integration.merchant.link(user)
    return signed_in(user)


def shown(desk: Desk) -> Item:
    """An item that nobody bought."""
    size = desk.item()
    Size.objects.filter(pk=size.pk).update(physical=UNTOLD)
    return Item(size)


def bought(desk: Desk) -> Item:
    item = shown(desk)
    item.bought = buy(desk.centra, {item.size: 3})
    return item


def another_shop(desk: Desk) -> tuple[Centra, Item]:
    """A second shop of the merchant, on a host of its own, which shows the desk's last item as well."""
    first = desk.centra.integration
    shop = Shop.open("skagen", "Skagen")
    plugin = shop.add_plugin("order-api", "another-secret-api-key")
    port = urlsplit(first.base_url).port
    integration = factories.integration(
        first.merchant,
        name="Skagen",
        base_url=f"http://127.0.0.1:{port}/sandbox/skagen/api/order-api",
        secret="another-secret-api-key",
        warehouse=first.warehouse,
    )
    assert integration.shop != first.shop
    other = Centra(shop, plugin, integration)
    switch_on(other, first.stock_as)
    size = shop.add_size(f"FG{len(desk.items)}", "-NVY", "-M", stock=UNTOLD)
    look(other, "refresh", ask=True)
    create.create(integration, integration.webshop_products.all())
    assert integration.webshop_products.get().product == desk.items[-1][1]
    return other, Item(size)


def edit(browser: Client, order: Order, more: int) -> None:
    """To DRAFT by the status bar; so many pieces are added on its page, for a line of the shop takes no more than it
    has open there; and saved as NEW.
    """
    browser.post(
        reverse("orders:set_status", args=[order.merchant_id, order.pk]), {"status": "draft", "seen": order.status}
    )
    order.refresh_from_db()
    assert order.status == Status.DRAFT
    sent = opened(browser, order, act="new")
    assert (sent["sku"][1], sent["pieces"][:2]) == ("", ["3", ""])
    sent["sku"][1], sent["pieces"][1] = sent["sku"][0], str(more)
    browser.post(edit_url(order), sent)
    order.refresh_from_db()
    assert (order.status, sum(order.lines.values_list("pieces", flat=True))) == (Status.NEW, 3 + more)


def by_hand(browser: Client, desk: Desk) -> Order:
    """Three pieces of the last item, which no shop knows of, by the page *New order*."""
    merchant, product = desk.centra.integration.merchant, desk.items[-1][1]
    browser.post(new_url(merchant), typed(merchant, None, [(product.sku, "3", "")], number="BY-HAND"))
    order = Order.objects.get(number="BY-HAND")
    assert (order.status, order.shop) == (Status.NEW, "")
    return order


def collect(centra: Centra, *orders: Order) -> None:
    """Marked as collecting by the staff, and agreed with the shop."""
    for order in orders:
        moves.ask_to_hand_over(order, "Robin")
    look(centra, "hand-over")
    assert {Order.objects.get(pk=order.pk).status for order in orders} == {Status.COLLECTING}


def ship(centra: Centra, *orders: Order) -> None:
    for order in orders:
        order.refresh_from_db()
        moves.ship(order, ParcelData("PostNord", "MyPack", f"T-{order.pk}", parcels=1), "Robin")
    look(centra, "hand-over")


def figures(centra: Centra, *items: Item) -> list[int]:
    """Told, and told again, which changes nothing."""
    tell(centra.integration)
    found = [item.figure() for item in items]
    tell(centra.integration)
    assert [item.figure() for item in items] == found
    return found


def sent(centra: Centra) -> dict[str, int]:
    """What the last call named, by SKU."""
    call = centra.plugin.calls.filter(endpoint="POST stock").latest("pk")
    return {row["product"]: int(row["quantity"]) for row in json.loads(call.body)["products"]}


def test_each_figure_stands_on_both_sides_from_the_purchase_to_the_end(desk: Desk, kim: Client) -> None:
    nothing = shown(desk)
    plain, edited, sent_there, partly, cancelled, few = items = [bought(desk) for _item in range(6)]
    look(desk.centra)
    edit(kim, edited.order, 2)
    assert figures(desk.centra, nothing, *items) == [10, 10, 10 - 5 + 3, 10, 10, 10, 10]
    # As available, the three pieces that the shop has allocated to each order are taken off what is sent.
    allocated = 3 if desk.centra.integration.stock_as == Integration.StockAs.AVAILABLE else 0
    rest = {item.size.full_sku: 10 - allocated for item in items}
    assert sent(desk.centra) == {**rest, edited.size.full_sku: 8 - allocated, nothing.size.full_sku: 10}

    # The shop completes one by hand, and a piece of another, while both are NEW here.
    sent_there.placed.create_shipment(good_to_go=True, capture=True).complete()
    line = partly.placed.lines.get()
    partly.placed.create_shipment({line.pk: 1}, good_to_go=True, capture=True).complete()
    sweep(desk.centra)
    assert figures(desk.centra, sent_there, partly) == [7, 10 - 3 + 2]

    # Collected; what is off the shelf the shop still counts.
    collect(desk.centra, *(item.order for item in (plain, edited, cancelled, few)))
    assert [desk.shelf(number)[0] for number in (1, 2)] == [7, 5]
    assert figures(desk.centra, *items) == [10, 8, 7, 9, 10, 10]

    # The shop cancels one that is shipped all the same; of another a piece was not found.
    cancelled.placed.cancel()
    sweep(desk.centra)
    moves.answer_cancellation(cancelled.order, "Robin", is_agreed=False)
    short.found(few.order, {few.order.lines.get().pk: 2}, "Robin")
    ship(desk.centra, plain.order, edited.order, cancelled.order, few.order)
    assert figures(desk.centra, *items) == [7, 5, 7, 9, 7, 7 - 1 + 1]

    # What was found later is sent later.
    part = few.order.splits.get()
    collect(desk.centra, part)
    ship(desk.centra, part)
    assert figures(desk.centra, nothing, *items) == [10, 7, 5, 7, 9, 7, 6]
    few.placed.refresh_from_db()
    assert few.placed.status == ShopOrder.Status.COMPLETED


def test_three_by_hand_are_taken_off_from_the_beginning(desk: Desk, kim: Client) -> None:
    item = shown(desk)
    assert figures(desk.centra, item) == [10]
    order = by_hand(kim, desk)
    assert figures(desk.centra, item) == [7]
    moves.ask_to_hand_over(order, "Robin")
    assert (desk.shelf(), figures(desk.centra, item)) == ((7, 0), [7])
    ship(desk.centra, order)
    assert figures(desk.centra, item) == [7]
    assert sent(desk.centra) == {item.size.full_sku: 7}


def test_three_by_hand_beside_three_of_the_shop(desk: Desk, kim: Client) -> None:
    item = bought(desk)
    look(desk.centra)
    order = by_hand(kim, desk)
    assert figures(desk.centra, item) == [10 - 6 + 3]
    moves.ask_to_hand_over(order, "Robin")
    assert figures(desk.centra, item) == [7 - 3 + 3]
    ship(desk.centra, order)
    assert figures(desk.centra, item) == [7]
    assert item.size.available == 4


def test_three_of_another_shop_are_taken_off_in_this_one_and_stay_counted_in_that_one(desk: Desk) -> None:
    here = shown(desk)
    other, there = another_shop(desk)

    def both() -> tuple[int, int]:
        return figures(desk.centra, here)[0], figures(other, there)[0]

    assert both() == (10, 10)
    there.bought = buy(other, {there.size: 3})
    look(other)
    assert (there.order.shop, there.order.status) == (other.integration.shop, Status.NEW)
    assert Reservation.objects.get().held == 3
    assert both() == (7, 10)
    collect(other, there.order)
    assert (desk.shelf(), both()) == ((7, 0), (7, 10))
    ship(other, there.order)
    there.placed.refresh_from_db()
    assert there.placed.status == ShopOrder.Status.COMPLETED
    assert both() == (7, 7)
    assert sent(desk.centra) == {here.size.full_sku: 7}


def test_sent_unpaid_the_figure_is_told_again_once_the_shop_completes_it(desk: Desk) -> None:
    """Paid outside the shop: it keeps counting what was sent until somebody there says that it is paid."""
    Integration.objects.filter(pk=desk.centra.integration.pk).update(is_paid_elsewhere=True)
    item = bought(desk)
    look(desk.centra)
    collect(desk.centra, item.order)
    ship(desk.centra, item.order)
    assert item.order.told_at
    assert figures(desk.centra, item) == [7]
    item.placed.shipments.get().mark_paid()
    item.size.refresh_from_db()
    assert item.size.physical == 4, "completed only now, its pieces left the shop's count once more"
    sweep(desk.centra)
    assert figures(desk.centra, item) == [7]
