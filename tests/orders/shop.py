"""A sandbox shop with goods, methods and orders, for tests of orders: made by one call each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from integrations import sync
from integrations.models import Integration, SyncRun
from orders.handover import hand_over
from orders.intake import intake
from orders.models import Order
from products import create, refresh, stock
from products.models import Product, Stock
from sandbox.models import Order as ShopOrder
from sandbox.models import Size
from shipping.models import Carrier, MerchantMethod, ShippingMethod
from tests.conftest import Centra

JOBS: dict[str, Callable[[sync.Run], None]] = {
    "refresh": refresh.refresh,
    "intake": intake,
    "hand-over": hand_over,
    "stock": stock.push,
}


@dataclass
class Goods:
    """One item: in the shop, here, and on the shelf."""

    size: Size
    product: Product
    stock: Stock


def active_method(centra: Centra, service: str = "MyPack Home", **fields: Any) -> ShippingMethod:
    """A method that the merchant may use; the first is the default."""
    carrier, _made = Carrier.objects.get_or_create(name="PostNord")
    house = centra.integration.warehouse
    method = ShippingMethod.objects.create(warehouse=house, carrier=carrier, service=service, **fields)
    active = MerchantMethod.State.ACTIVE
    MerchantMethod.objects.create(merchant=centra.integration.merchant, method=method, state=active)
    return method


def goods(centra: Centra, on_hand: int = 10, sku: str = "FG1", **fields: Any) -> Goods:
    """An item of the shop, linked to a product of which so many pieces are here; `fields` of the sandbox's item."""
    size = centra.shop.add_size(sku, "-NVY", "-M", **{"stock": 100, **fields})
    look(centra, "refresh", ask=True)
    items = centra.integration.webshop_products.filter(sku=f"{sku}-NVY-M")
    create.create(centra.integration, items)
    product = Product.objects.get(merchant=centra.integration.merchant, sku=f"{sku}-NVY-M")
    stock = Stock.objects.create(product=product, warehouse=centra.integration.warehouse)
    if on_hand:
        stock.move(on_hand, "received", document="test")
    return Goods(size, product, stock)


def buy(centra: Centra, wanted: dict[Size, int], *, confirm: bool = True, **fields: Any) -> ShopOrder:
    """Somebody buys in the shop; the order is confirmed there unless told otherwise."""
    order = centra.shop.place_order(wanted, **fields)
    if confirm:
        order.confirm()
    return order


def three_for_shipments(centra: Centra) -> ShopOrder:
    """Three pieces, bought where good-to-go shipments are read and paid when sent; nothing is read yet."""
    Integration.objects.filter(pk=centra.integration.pk).update(
        reads=Integration.Reads.SHIPMENTS, captures=Integration.Captures.SENT
    )
    centra.integration.refresh_from_db()
    active_method(centra)
    return buy(centra, {goods(centra).size: 3})


def look(centra: Centra, pipe: str = "intake", *, ask: bool = False) -> SyncRun:
    """Run one pipe now, with all its turns. `ask`: as if a person had asked, so the whole."""
    state = centra.integration.state(pipe)
    if ask:
        state.ask(timezone.now(), "Kim")
    else:
        state.resume()
    while True:
        run = sync.run(state.pk, JOBS[pipe])
        assert run is not None, "the pipe was not due or not free"
        if run.outcome != SyncRun.Outcome.RUNNING:
            return run


def sweep(centra: Centra) -> SyncRun:
    """The hourly sweep, now."""
    state = centra.integration.state("intake")
    state.remembers = {**state.remembers, "swept_at": "2020-01-01T00:00:00+00:00"}
    state.save(update_fields=["remembers"])
    return look(centra)


def ours(order: ShopOrder) -> Order:
    """The shop's order, as we have it."""
    return Order.objects.get(number=str(order.number), part=0)
