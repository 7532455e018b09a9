"""The ground on which the small worlds of `machine_world.py` stand: who is there, how it is set, what lies there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from django.db.models import QuerySet

from integrations.models import SyncState
from merchants.models import Merchant
from orders.models import Order, OrderProcessing, Status
from products.models import Product, Stock
from sandbox.models import Order as ShopOrder
from sandbox.models import PluginMethod, Shop, Size
from tests import factories

_worlds = count(1)


@dataclass
class Wishes:
    """How the integration and the shop's plugin are set."""

    captures: str = "hand-over"
    takes_pending: bool = False
    cancels_with_shop: bool = True
    shows_cancelled: bool = True
    splits_pending: bool = False
    is_paid_elsewhere: bool = False
    stock_as: str = "physical"
    safety_buffer: int = 0
    items: int = 3
    on_hand: int = 6


@dataclass
class Ground:
    """One shop, one merchant, one warehouse, and what lies there.

    `by_hand` are the shop’s shipments that its own people made or sent, `left` our orders of which the shop was not
    told, for the merchant said *Leave it*. `beside` another world it is a second shop of the same merchant, which sells
    the same products.
    """

    origin: str
    wishes: Wishes = field(default_factory=Wishes)
    beside: Ground | None = None
    by_hand: set[str] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    manual: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        number = next(_worlds)
        self.slug = f"world-{number}"
        self.shop = Shop.open(self.slug)
        self.plugin: PluginMethod = self.shop.add_plugin("order-api", "a-secret-api-key")
        if self.wishes.shows_cancelled:
            self.plugin.order_statuses = [1, 2, 3, 4, 6]
        self.plugin.stock_mode = self.wishes.stock_as
        self.plugin.save(update_fields=["order_statuses", "stock_mode"])
        self.integration = factories.integration(
            self.beside.merchant if self.beside else None,
            base_url=f"{self.origin}/sandbox/{self.slug}/api/order-api",
            captures=self.wishes.captures,
            takes_pending=self.wishes.takes_pending,
            cancels_with_shop=self.wishes.cancels_with_shop,
            is_paid_elsewhere=self.wishes.is_paid_elsewhere,
            stock_as=self.wishes.stock_as,
            safety_buffer=self.wishes.safety_buffer,
            sends_stock=True,
        )
        self.house = self.integration.warehouse
        self.sizes: list[Size] = []
        self.products: list[Product] = []
        if self.beside:
            self._share(self.beside)
            return
        self.method = factories.method(self.merchant)
        for one in range(self.wishes.items):
            self.add_item(f"W{number}I{one}", self.wishes.on_hand)
        self._set_processing()

    def _share(self, beside: Ground) -> None:
        self.method, self.products = beside.method, beside.products
        for product, other in zip(beside.products, beside.sizes, strict=True):
            parts = (other.variant.product.sku, "-NVY", "-M")
            size = self.shop.add_size(*parts, stock=self.wishes.on_hand, name=f"Sweater {parts[0]}")
            factories.webshop_product(self.integration, parts, product=product, external_id=str(size.pk))
            self.sizes.append(size)

    @property
    def merchant(self) -> Merchant:
        return self.integration.merchant

    def _set_processing(self) -> None:
        processing = OrderProcessing.of(self.merchant)
        processing.splits_pending = self.wishes.splits_pending
        processing.save()

    def add_item(self, sku: str, on_hand: int) -> None:
        """In the shop, here, and on the shelf."""
        size = self.shop.add_size(sku, "-NVY", "-M", stock=on_hand, name=f"Sweater {sku}")
        product = factories.product(self.merchant, sku=size.full_sku)
        factories.webshop_product(self.integration, (sku, "-NVY", "-M"), product=product, external_id=str(size.pk))
        factories.stock(product, self.house, on_hand)
        self.sizes.append(size)
        self.products.append(product)

    def retire(self) -> None:
        """Out of the way of the worlds to come: nothing of it is due any more."""
        SyncState.objects.filter(integration=self.integration).update(is_paused=True, leased_until=None, lease="")
        self.orders().update(status=Status.CANCELLED)
        self.stocks().update(is_unsettled=False)

    # --- who is there ----------------------------------------------------------------------

    def orders(self, *statuses: Status) -> QuerySet[Order]:
        """Of this merchant, in the order of their keys."""
        found = Order.objects.filter(merchant=self.merchant).order_by("pk")
        return found.filter(status__in=statuses) if statuses else found

    def stocks(self) -> QuerySet[Stock]:
        return Stock.objects.filter(product__merchant=self.merchant).order_by("pk")

    def shop_orders(self) -> QuerySet[ShopOrder]:
        return ShopOrder.objects.filter(shop=self.shop).order_by("pk")

    def one(self, pick: int, *statuses: Status) -> Order | None:
        found = list(self.orders(*statuses))
        return found[pick % len(found)] if found else None

    def shop_order(self, pick: int) -> ShopOrder | None:
        found = list(self.shop_orders())
        return found[pick % len(found)] if found else None
