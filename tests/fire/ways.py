"""Which pages people look at in a storm, and how they get there. Pure: the plan draws from these.

A way begins at an address; each further page is a link of the page before, matched by a pattern. `{m}` is the merchant,
`{i}` one of its integrations, `{q}` the number of an order in the shop.
"""

from __future__ import annotations

import re

LINK = r"^\?\w"  # tabs, filters, pages, other shops: links of a page to itself, otherwise asked
ORDER = r"^/m/\d+/orders/\d+/$"
PRODUCT = r"^/m/\d+/products/\d+/$"

# name of the way → the pages on it, by name
MERCHANTS: dict[str, tuple[tuple[str, str], ...]] = {
    "front page": (("front page", "/m/{m}/"),),
    "orders": (("orders", "/m/{m}/orders/"), ("orders, narrowed", LINK), ("an order", ORDER)),
    "orders searched": (("orders, searched", "/m/{m}/orders/?q={q}&shop={i}"), ("an order", ORDER)),
    "orders that wait": (("orders, narrowed", "/m/{m}/orders/?status=waiting"), ("an order", ORDER)),
    "orders changed in the shop": (
        ("orders, narrowed", "/m/{m}/orders/?asks=changed&sort=oldest"),
        ("an order", ORDER),
    ),
    "packing list": (
        ("orders, narrowed", "/m/{m}/orders/?status=shipped"),
        ("an order", ORDER),
        ("packing list", r"/packing-list/$"),
    ),
    "Sync webshop products": (
        ("Sync webshop products", "/m/{m}/products/sync/?shop={i}"),
        ("Sync webshop products, narrowed", r"/products/sync/\?shop=\d+&tab="),
    ),
    "products": (("products", "/m/{m}/products/"), ("a product", PRODUCT)),
    "products searched": (("products, searched", "/m/{m}/products/?q=sweater&sort=sku"), ("a product", PRODUCT)),
    "stock updates": (
        ("stock updates", "/m/{m}/products/stock-updates/"),
        ("a stock update", r"/stock-updates/\d+/$"),
    ),
    "stock in the shop": (("stock in the shop", "/m/{m}/products/shops/{i}/stock/"),),
    "shipping methods": (("shipping methods", "/m/{m}/shipping/"), ("the shop's words", r"/shipping/words/")),
    "integrations": (
        ("integrations", "/m/{m}/integrations/"),
        ("an integration", r"/integrations/\d+/$"),
        ("a run of the activity", r"/runs/\d+/$"),
    ),
    "what moves of an integration": (("an integration, what moves", "/m/{m}/integrations/{i}/live/"),),
    "settings": (("order processing", "/m/{m}/order-processing/"), ("linked users", r"/users/$")),
}
STAFF: dict[str, tuple[tuple[str, str], ...]] = {
    "desk": (("desk", "/admin/"), ("desk: a list", r"^/admin/\w+/\w+/$")),
    "desk: orders": (
        ("desk: orders", "/admin/orders/order/"),
        ("desk: orders, narrowed", r"^\?state="),
        ("desk: an order", r"/orders/order/\d+/change/"),
    ),
    "desk: shipped": (
        ("desk: orders, narrowed", "/admin/orders/order/?state=all&q={q}"),
        ("desk: an order", r"/orders/order/\d+/change/"),
        ("desk: its shipment", r"/orders/shipment/\d+/change/"),
    ),
    "desk: stock": (("desk: stock", "/admin/products/stock/"), ("desk: stock of a product", r"/stock/\d+/")),
    "desk: pick list": (
        ("desk: orders, narrowed", "/admin/orders/order/?state=collecting"),
        ("desk: an order", r"/orders/order/\d+/change/"),
        ("desk: pick list", r"/orders/order/pick-list/"),
    ),
}
MACHINES: dict[str, tuple[tuple[str, str], ...]] = {
    "probes": (("/health/ready", "/health/ready"), ("/metrics", "/metrics")),
}
WAYS = {**MERCHANTS, **STAFF, **MACHINES}

TOKEN = "a-token-for-prometheus"  # noqa: S105  # of METRICS_TOKEN, in every process of the storm

# What the merchant's people press beside the buttons of an order: where, and which button of it.
REFRESH, LOOK = BUTTONS = ("Refresh", "Look again now, or Try again")
DESK = ("collect", "answer", "ship")


def leads(pattern: str, href: str) -> bool:
    return bool(re.search(pattern, href))
