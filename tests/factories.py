"""Things to test with, made by one call each; what a test cares about it says itself."""

from itertools import count
from typing import Any

from django.utils import timezone

from integrations.models import Integration
from merchants.accounts import confirm
from merchants.models import Membership, Merchant, User, Warehouse
from orders.models import Order, OrderLine, Status
from products import skus
from products.models import Movement, Product, Stock, WebshopProduct
from products.problems import codes_text
from shipping.models import Carrier, MerchantMethod, ShippingMethod

PASSWORD = "a-quiet-harbour-42"
_numbers = count(1)


def user(*, is_confirmed: bool = True, **fields: Any) -> User:
    number = next(_numbers)
    made = User.objects.create_user(
        **{"email": f"kim{number}@example.com", "name": f"Kim Berg {number}", "password": PASSWORD, **fields}
    )
    if is_confirmed:
        confirm(made)
    return made


def warehouse(**fields: Any) -> Warehouse:
    number = next(_numbers)
    return Warehouse.objects.create(**{"code": f"W{number}", "name": f"Warehouse {number}", **fields})


def merchant(owner: User | None = None, **fields: Any) -> Merchant:
    """A merchant with a warehouse; `owner` is linked with all permissions."""
    made = Merchant.objects.create(**{"name": f"Nordlys {next(_numbers)}", **fields})
    made.warehouses.add(warehouse())
    if owner:
        made.link(owner)
    return made


def viewer(merchant: Merchant) -> User:
    """A linked user who may only look."""
    made = user()
    Membership.objects.create(
        merchant=merchant, user=made, edits_settings=False, edits_products=False, edits_orders=False
    )
    return made


def integration(merchant: Merchant | None = None, **fields: Any) -> Integration:
    """The merchant's first is called Nordlys, and the next ones count on."""
    of = merchant or globals()["merchant"]()
    others = of.integrations.count()
    return Integration.objects.create(
        **{
            "merchant": of,
            "platform": "centra",
            "name": f"Nordlys {others + 1}" if others else "Nordlys",
            "base_url": "https://nordlys.centra.com/api/order-api",
            "secret": "a-secret-api-key",
            "warehouse": of.warehouses.first(),
            **fields,
        }
    )


def product(merchant: Merchant, sku: str = "", **fields: Any) -> Product:
    sku = sku or f"FG{next(_numbers)}"
    return Product.objects.create(**{"merchant": merchant, "sku": sku, "name": "Harbour sweater", **fields})


def webshop_product(
    integration: Integration, parts: tuple[str, str, str] | None = None, **fields: Any
) -> WebshopProduct:
    """An item of the shop; `parts` are its three SKU parts. `own_problems` as dumped rows."""
    number = next(_numbers)
    one, two, three = parts if parts is not None else (f"FG{number}", "-NVY", "-M")
    now = timezone.now()
    own = fields.get("own_problems", [])
    return WebshopProduct.objects.create(
        **{
            "integration": integration,
            "external_id": str(number),
            "sku_product": one,
            "sku_variant": two,
            "sku_size": three,
            "sku": one + two + three,
            "sku_folded": skus.fold(one + two + three),
            "name": "Harbour sweater",
            "variant": "Navy",
            "size": "M",
            "digest": "",
            "first_seen_at": now,
            "last_changed_at": now,
            "seen_in": "",
            "problem_codes": codes_text(own),
            **fields,
        }
    )


def stock(product: Product, warehouse: Warehouse, on_hand: int = 0) -> Stock:
    """Pieces on the shelf, with the line in the ledger that they come from."""
    made = Stock.objects.create(product=product, warehouse=warehouse)
    if on_hand:
        made.move(on_hand, Movement.Why.RECEIVED)
    return made


def method(merchant: Merchant, **fields: Any) -> ShippingMethod:
    """A shipping method of the merchant's warehouse that it may use."""
    number = next(_numbers)
    house = fields.pop("warehouse", None) or merchant.warehouses.first()
    carrier, _made = Carrier.objects.get_or_create(name="PostNord")
    made = ShippingMethod.objects.create(
        **{"warehouse": house, "carrier": carrier, "service": f"MyPack {number}", **fields}
    )
    MerchantMethod.objects.create(merchant=merchant, method=made, state=MerchantMethod.State.ACTIVE)
    return made


def order(merchant: Merchant, **fields: Any) -> Order:
    """A DRAFT made by hand with a whole address and no line; `integration` makes it one of that shop."""
    shop = fields.get("integration")
    return Order.objects.create(
        **{
            "merchant": merchant,
            "warehouse": shop.warehouse if shop else merchant.warehouses.first(),
            "shop": shop.shop if shop else "",
            "number": str(70000 + next(_numbers)),
            "status": Status.DRAFT,
            "name": "Anna Åberg",
            "address": "Drottninggatan 1",
            "zip_code": "111 51",
            "city": "Stockholm",
            "country": "SE",
            "phone": "+46701234567",
            "email": "anna@example.com",
            **fields,
        }
    )


def order_line(order: Order, product: Product | None = None, pieces: int = 1, **fields: Any) -> OrderLine:
    """A line of this product; of an order from a shop with the shop's own id and as many open pieces there."""
    of_shop = {"external_id": str(next(_numbers)), "open_in_shop": pieces} if order.integration_id else {}
    said = {"product": product, "sku": product.sku, "name": product.name} if product else {}
    return OrderLine.objects.create(
        **{"order": order, "pieces": pieces, "ordered": pieces, **of_shop, **said, **fields}
    )
