"""Orders as the warehouse finds them: NEW, and COLLECTING."""

from typing import Any

from django.db import transaction

from merchants.models import Merchant
from orders import moves
from orders.models import Order
from products.models import Product, Stock
from shipping.models import ShippingMethod
from tests import factories


def new(merchant: Merchant, product: Product, pieces: int = 1, **fields: Any) -> Order:
    """Saved as new: NEW where the pieces lie there, else PENDING."""
    method = ShippingMethod.objects.filter(warehouse=merchant.warehouses.get()).first()
    method = method or factories.method(merchant, service="MyPack Home")
    order = factories.order(merchant, **{"method": method, "is_method_chosen": True, **fields})
    if order.integration:
        item = product.webshop_products.filter(integration=order.integration)
        _ = item.exists() or factories.webshop_product(order.integration, (product.sku, "", ""), product=product)
    factories.order_line(order, product, pieces)
    moves.save_as_new(order, "Kim")
    assert order.status in ("new", "pending"), [hold.text for hold in order.holds.all()]
    return order


def collecting(merchant: Merchant, product: Product, pieces: int = 1, **fields: Any) -> Order:
    """Handed over to the warehouse."""
    order = new(merchant, product, pieces, **fields)
    return collect(order)


def collect(order: Order, who: str = "Robin") -> Order:
    """The shop agreed: it is COLLECTING."""
    with transaction.atomic():
        fresh = Order.objects.select_related("merchant", "integration", "warehouse").lock().get(pk=order.pk)
        moves.collect(fresh, who)
    order.refresh_from_db()
    return order


def on_shelf(product: Product) -> tuple[int, int]:
    """Pieces on hand and reserved."""
    return Stock.objects.values_list("on_hand", "reserved").get(product=product)
