"""What is missing so that an order can go on, told from what stands there; not by asking the code that decides."""

from __future__ import annotations

from orders.models import Cause, Order, OrderLine, OrderProcessing
from products.models import Product, WebshopProduct
from shipping.models import MerchantMethod

MENDABLE = frozenset({
    Cause.METHOD, Cause.PHONE, Cause.PICKUP_POINT, Cause.UNKNOWN_SKU, Cause.ADDRESS, Cause.CUSTOMS,
})  # fmt: skip
ABROAD = "US"  # the one country of the small worlds beyond the customs


def causes_of(order: Order) -> set[Cause]:
    """Of an order of a shop; one by hand lacks at most a method. Overruled ones do not count."""
    if order.integration is None:
        return set() if _is_active(order) else {Cause.METHOD}
    wishes, method = OrderProcessing.of(order.merchant), order.method
    lines = [line for line in order.lines.all() if line.pieces]
    stands = {
        Cause.METHOD: _has_no_method(order),
        Cause.PHONE: method is not None and method.needs_phone and not (order.phone or wishes.sends_without_phone),
        Cause.PICKUP_POINT: method is not None and method.needs_pickup_point and not order.pickup_point,
        Cause.UNKNOWN_SKU: any(line.external_id and not _is_product(order, line.sku) for line in lines),
        Cause.ADDRESS: not order.city,
        Cause.CUSTOMS: order.country == ABROAD and any(_lacks_customs(line, wishes) for line in lines),
    }
    return {cause for cause, is_so in stands.items() if is_so and cause.value not in order.overruled}


def _has_no_method(order: Order) -> bool:
    """The one that was chosen was taken back; or nobody chose one, several are to be had, and nobody said which of them
    the shop's word means."""
    assert order.integration is not None
    if order.is_method_chosen:
        return not _is_active(order)
    usable, links = MerchantMethod.objects.usable_with(order.integration), order.integration.method_links
    is_riddle = links.exists() or usable.count() != 1
    return is_riddle and not links.filter(value__iexact=order.shop_method, method__in=usable).exists()


def _is_active(order: Order) -> bool:
    return MerchantMethod.objects.active().filter(merchant=order.merchant, method=order.method).exists()


def _is_product(order: Order, sku: str) -> bool:
    """What the shop's item is linked to; where the shop has none with this SKU any more, the merchant's own of it."""
    items = WebshopProduct.objects.filter(integration=order.integration, sku=sku)
    if not items.exists():
        return Product.objects.for_merchant(order.merchant).filter(sku=sku).exists()
    return items.filter(product__isnull=False).exists()


def _lacks_customs(line: OrderLine, wishes: OrderProcessing) -> bool:
    """Neither the line says both, nor its product; nor, where gaps are filled in, the two together."""
    of_line, of_product = {"hs": line.hs_code, "origin": line.country_of_origin}, {"hs": "", "origin": ""}
    if line.product:
        of_product = {"hs": line.product.hs_code, "origin": str(line.product.country_of_origin)}
    if all(of_line.values()) or all(of_product.values()):
        return False
    return not (wishes.fills_customs and all(of_line[key] or of_product[key] for key in of_line))
