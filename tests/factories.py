"""Things to test with, made by one call each; what a test cares about it says itself."""

from itertools import count
from typing import Any

from django.utils import timezone

from integrations.models import Integration
from merchants.models import Membership, Merchant, User, Warehouse
from products import skus
from products.models import Product, WebshopProduct
from products.problems import codes_text

PASSWORD = "a-quiet-harbour-42"
_numbers = count(1)


def user(**fields: Any) -> User:
    number = next(_numbers)
    return User.objects.create_user(
        **{"email": f"kim{number}@example.com", "name": f"Kim Berg {number}", "password": PASSWORD, **fields}
    )


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
    Membership.objects.create(merchant=merchant, user=made, edits_settings=False, edits_products=False, edits_orders=False)
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
