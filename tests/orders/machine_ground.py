"""The ground on which the small worlds of `machine_world.py` stand: who is there, how it is set, what lies there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from django.db.models import QuerySet

from integrations.models import Integration, SyncState
from merchants.models import Merchant
from orders import links
from orders.link_forms import LinkForm
from orders.models import Order, OrderProcessing, Status
from products.models import Product, Stock
from sandbox.models import Order as ShopOrder
from sandbox.models import PluginMethod, Shop, Size
from shipping.models import MerchantMethod, MethodLink, ShippingMethod
from tests import factories

_worlds = count(1)
LINKED = ("standard", "express", "pick-up")  # words that mean something at the beginning; no other does
SECRET = "a-secret-api-key"  # also what `factories.integration` enters
NOT_HERE = 2  # items of the shop that are no product here at the beginning


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
    reads: str = "orders"
    is_varied: bool = False  # several methods, of which the shop's words say which; items that are not here yet
    sends_without_phone: bool = False
    fills_customs: bool = True


@dataclass
class Ground:
    """One shop, one merchant, one warehouse, and what lies there.

    `by_hand` are the shop’s shipments that its own people sent, `left` our orders of which the shop was not
    told, for the merchant said *Leave it*; `has_captured`: payments were taken before sending at some time, and
    `has_hidden_tracking`: codes were not told. `beside` another world it is a second shop of the same merchant, which
    sells the same products.
    """

    origin: str
    wishes: Wishes = field(default_factory=Wishes)
    beside: Ground | None = None
    by_hand: set[str] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    manual: Iterator[int] = field(default_factory=lambda: count(1))
    methods: list[ShippingMethod] = field(default_factory=list)

    def __post_init__(self) -> None:
        number = next(_worlds)
        self.slug = f"world-{number}"
        self.shop = Shop.open(self.slug)
        self.plugin: PluginMethod = self.shop.add_plugin("order-api", SECRET)
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
            reads=self.wishes.reads,
        )
        self.has_hidden_tracking = False
        self.has_captured = self.wishes.captures == "hand-over"
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
        if self.wishes.is_varied:
            self._vary(number)

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

    @property
    def reads_shipments(self) -> bool:
        return self.integration.reads == Integration.Reads.SHIPMENTS

    def _set_processing(self) -> None:
        processing = OrderProcessing.of(self.merchant)
        for name in ("splits_pending", "sends_without_phone", "fills_customs"):
            setattr(processing, name, getattr(self.wishes, name))
        processing.save()

    def _vary(self, number: int) -> None:
        """Methods that want more of an order, a word for each, and items that nobody has created here yet."""
        self.methods = [
            self.method,
            factories.method(self.merchant, needs_phone=True),
            factories.method(self.merchant, needs_pickup_point=True),
        ]
        for word, method in zip(LINKED, self.methods, strict=True):
            self.link(word, method)
        for one in range(NOT_HERE):
            sku = f"W{number}N{one}"
            size = self.shop.add_size(sku, "-NVY", "-M", stock=self.wishes.on_hand, name=f"Sweater {sku}")
            self.sizes.append(size)
            if one:  # the catalogue was read before the last one was added
                continue
            factories.webshop_product(self.integration, (sku, "-NVY", "-M"), external_id=str(size.pk))

    def link(self, word: str, method: ShippingMethod) -> None:
        """What *Link* does: the form, the link, and all orders that it explains."""
        usable = MerchantMethod.objects.usable_with(self.integration).filter(method=method).first()
        if usable is None:
            return  # taken back: the form does not offer it
        form = LinkForm(self.integration, {"value": word, "method": usable.pk})
        assert form.is_valid(), form.errors
        links.save(form.link("Kim"))
        links.apply(self.integration, "Kim")

    def take_back(self, method: ShippingMethod) -> None:
        """The warehouse declines it, or lets the merchant use it again."""
        row = MerchantMethod.objects.filter(merchant=self.merchant, method=method)
        states = MerchantMethod.State
        row.answer(states.DECLINED if row.active().exists() else states.ACTIVE, "No contract.")

    def unlink(self, word: str) -> None:
        for old in MethodLink.objects.filter(integration=self.integration, value=word):
            old.delete()
        links.apply(self.integration, "Kim")

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

    def unread(self) -> QuerySet[Order]:
        """What could not be read when it was last shown, and the shop shows no more."""
        return self.orders().filter(facts__has_key="unreadable", is_shown=False)

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
