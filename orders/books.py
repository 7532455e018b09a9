"""What deciding reads besides the order itself: read once, for one order or for a page of them."""

from __future__ import annotations

from collections.abc import Iterable

from integrations.models import Integration
from merchants.models import Merchant
from orders.matching import Catalogue
from orders.models import Order, OrderProcessing
from shipping.models import MerchantMethod, ShippingMethod
from shipping.resolve import Resolver


class Books:
    """Links, items and wishes. Short-lived: what changes meanwhile is met when the order is decided again."""

    def __init__(self) -> None:
        self._resolvers: dict[int, Resolver] = {}
        self._wishes: dict[int, OrderProcessing] = {}
        self._defaults: dict[tuple[int, int], ShippingMethod | None] = {}
        self._active: dict[tuple[int, int], bool] = {}
        self._catalogues: dict[int, Catalogue] = {}

    def resolver(self, integration: Integration) -> Resolver:
        if integration.pk not in self._resolvers:
            self._resolvers[integration.pk] = Resolver.for_integration(integration)
        return self._resolvers[integration.pk]

    def default_method(self, order: Order) -> ShippingMethod | None:
        """Of an order by hand that names none: the only active method of its warehouse, where there is just one."""
        key = order.merchant_id, order.warehouse_id
        if key not in self._defaults:
            active = MerchantMethod.objects.active().filter(merchant=key[0], method__warehouse=key[1])
            found = list(active.with_methods().order_by("pk")[:2])
            self._defaults[key] = found[0].method if len(found) == 1 else None
        return self._defaults[key]

    def may_use(self, order: Order, method: ShippingMethod | None) -> bool:
        """Whether the merchant may send with it from the order's warehouse."""
        if method is None or method.warehouse_id != order.warehouse_id:
            return False
        return self.is_active(order.merchant_id, method.pk)

    def is_active(self, merchant: int, method: int) -> bool:
        """Whether the warehouse lets the merchant use it."""
        key = merchant, method
        if key not in self._active:
            self._active[key] = MerchantMethod.objects.active().filter(merchant=merchant, method=method).exists()
        return self._active[key]

    def wishes(self, merchant: Merchant) -> OrderProcessing:
        if merchant.pk not in self._wishes:
            self._wishes[merchant.pk] = OrderProcessing.of(merchant)
        return self._wishes[merchant.pk]

    def catalogue(self, integration: Integration, skus: Iterable[str], eans: Iterable[str]) -> Catalogue:
        """The items that these lines could mean; read now where `open_at` did not read them for the whole page."""
        skus, eans = frozenset(skus), frozenset(eans)
        found = self._catalogues.get(integration.pk)
        return found if found and found.covers(skus, eans) else Catalogue.of(integration, skus, eans)

    def open_at(self, integration: Integration, skus: Iterable[str], eans: Iterable[str]) -> None:
        """Read all that a page of orders is about to ask for; what was read for the page before is forgotten."""
        self._resolvers.clear()
        self._wishes.clear()
        self._defaults.clear()
        self._active.clear()
        self._catalogues[integration.pk] = Catalogue.of(integration, frozenset(skus), frozenset(eans))
