"""The addresses of (f): every list with each of its orders, first, middle and last pages, and words of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote_plus

from django.urls import reverse

from integrations.models import Integration
from orders.models import Order, Status
from products.models import Product, StockUpdate

Addresses = dict[str, list[str]]

PEOPLE = ("aino", "holm", "sofia.dahl", "vik", "signe", "rask", "falk", "oskar")
TWO_PEOPLE = ("olof ström", "maja lind", "aino salo", "hugo vik")
GOODS = ("NL000012", "jacket", "deck", "nl0001", "tote", "parka")
TWO_GOODS = ("jacket 7", "wool 44", "parka 9", "linen navy")
LETTERS = ("a", "q", "zz", "%", "7")
NOTHING = ("nobody-at-all", "nothing-of-the-kind")
EVENTS = ("cancel", "refund", "changed", "short", "unpaid", "untold")
BACK = 10_000  # the pages behind them are not offered


def merchants(shop: Integration) -> Addresses:
    """The pages of this merchant; several addresses where a look may differ from the next."""
    of = shop.merchant_id
    found = {"front page": [reverse("orders:front_page", args=[of])]}
    found |= dict(_orders(shop)) | dict(_order(shop)) | dict(_products(shop)) | dict(_items(shop))
    found |= dict(_stock_updates(shop)) | dict(_shop(shop))
    return found


def staff() -> Addresses:
    """The lists of the staff's desk."""
    orders, goods = reverse("admin:orders_order_changelist"), reverse("admin:products_product_changelist")
    items, shelf = reverse("admin:products_webshopproduct_changelist"), reverse("admin:products_stock_changelist")
    states = ("to-collect", "handing-over", "collecting", "cancel", "short", "untold")
    return {
        **{f"staff: orders, {state}": [f"{orders}?state={state}"] for state in states},
        "staff: all orders": [f"{orders}?state=all"],
        "staff: all orders, middle page": [f"{orders}?state=all&p={1 + Order.objects.count() // 200}"],
        "staff: orders, search": [f"{orders}?q={quote_plus(word)}" for word in ("8999977", *PEOPLE[:3], "q")],
        "staff: products": [goods],
        "staff: shop's items": [items],
        "staff: stock": [shelf],
    }


def _searched(page: str, name: str, **kinds: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    sign = "&" if "?" in page else "?"
    for kind, words in kinds.items():
        said = kind.replace("_", " ")
        yield f"{name}: search, {said}", [f"{page}{sign}q={quote_plus(word)}" for word in words]


def _orders(shop: Integration) -> Iterator[tuple[str, list[str]]]:
    page = reverse("orders:list", args=[shop.merchant_id])
    number = Order.objects.filter(merchant=shop.merchant_id).count()
    last = -(-min(number, BACK) // 50)
    yield "orders", [page]
    yield "orders: oldest first", [f"{page}?sort=oldest"]
    yield "orders: last page", [f"{page}?page={last}", f"{page}?page={last}&sort=oldest"]
    for status in ("waiting", *Status.values):
        yield f"orders: {status}", [f"{page}?status={status}", f"{page}?status={status}&page={last}"]
    skus = Product.objects.filter(merchant=shop.merchant_id).order_by("pk").values_list("sku", flat=True)
    kinds = {"one word": PEOPLE, "two words": TWO_PEOPLE, "one letter": LETTERS, "no hit": NOTHING}
    kinds |= {
        "a reference": ("8999977", "8999", "8950001"),
        "an SKU": tuple(skus[:1000:250]),
        "two letters": ("vi", "é"),
    }
    yield from _searched(page, "orders", **kinds)
    yield "orders: search, page 20", [f"{page}?q={word}&page=20" for word in PEOPLE]
    yield "orders: search in a tab", [f"{page}?status=shipped&sort=oldest&q={word}" for word in PEOPLE]
    yield "orders: of a shop", [f"{page}?shop={shop.pk}", f"{page}?shop=hand"]
    yield "orders: of a reason", [f"{page}?cause={quote_plus(cause)}" for cause in ("unknown sku", "address")]
    yield "orders: what is asked", [f"{page}?asks={ask}" for ask in EVENTS]
    days = ("since=2026-11-01", "until=2025-06-01", "since=2025-05-01&until=2025-05-03")
    yield "orders: of some days", [f"{page}?{some}" for some in days]


def _order(shop: Integration) -> Iterator[tuple[str, list[str]]]:
    """One order, in every status; with all panels open, and without."""
    for status in Status:
        keys = Order.objects.filter(integration=shop, status=status).order_by("-placed_at").values_list("pk", flat=True)
        if shown := list(keys[:6]):
            yield f"order: {status.label}", [reverse("orders:order", args=[shop.merchant_id, pk]) for pk in shown]


def _products(shop: Integration) -> Iterator[tuple[str, list[str]]]:
    page = reverse("products:list", args=[shop.merchant_id])
    products = Product.objects.filter(merchant=shop.merchant_id)
    last = -(-products.count() // 50)
    yield "products", [page]
    for sort in ("name", "changed", "price", "weight"):
        yield f"products: by {sort}", [f"{page}?sort={sort}"]
    sorts = ("", "&sort=name", "&sort=changed", "&sort=price")
    yield "products: middle page", [f"{page}?page={last // 2}{sort}" for sort in sorts]
    yield "products: last page", [f"{page}?page={last}{sort}" for sort in sorts]
    yield from _searched(page, "products", one_word=GOODS, two_words=TWO_GOODS, one_letter=LETTERS, no_hit=NOTHING)
    yield "products: linked or not", [f"{page}?origin={origin}" for origin in ("shop", "hand")]
    keys = products.order_by("pk").values_list("pk", flat=True)[5:15]
    yield "product", [reverse("products:edit", args=[shop.merchant_id, pk]) for pk in keys]


def _items(shop: Integration) -> Iterator[tuple[str, list[str]]]:
    """*Sync webshop products*."""
    page = f"{reverse('products:sync', args=[shop.merchant_id])}?tab=linked"
    last = -(-shop.webshop_products.filter(tab="linked").count() // 50)
    yield "sync", [page]
    sorts = ("sku", "newest", "changed")
    for sort in sorts:
        yield f"sync: by {sort}", [f"{page}&sort={sort}"]
    yield "sync: middle page", [f"{page}&page={last // 2}&sort={sort}" for sort in ("", *sorts)]
    yield "sync: last page", [f"{page}&page={last}&sort={sort}" for sort in ("", *sorts)]
    yield from _searched(page, "sync", one_word=GOODS, two_words=TWO_GOODS, one_letter=LETTERS, no_hit=NOTHING)
    yield "sync: search, sorted", [f"{page}&sort={sort}&q=jacket" for sort in sorts]
    narrow = ("brand=Nordlys", "brand=None", "collection=Season+3", "active=no", "active=yes&page=500")
    yield "sync: narrowed", [f"{page}&{some}" for some in narrow]
    other = page.replace("linked", "")
    yield "sync: other tabs", [f"{other}{tab}" for tab in ("new", "problems", "ignored", "gone")]
    yield "sync: one problem", [f"{other}problems&problem=ean_wrong"]


def _stock_updates(shop: Integration) -> Iterator[tuple[str, list[str]]]:
    page = reverse("products:stock_updates", args=[shop.merchant_id])
    yield "stock updates", [f"{page}?sort={sort}" for sort in ("", "expected", "changed")]
    yield "stock updates: last page", [f"{page}?page=40", f"{page}?page=40&sort=changed"]
    yield "stock updates: search", [f"{page}?q={word}" for word in ("villa", "NL000012", "PO+17", "x", NOTHING[0])]
    update = StockUpdate.objects.filter(merchant=shop.merchant_id).order_by("-pk")[5]
    yield "stock update", [reverse("products:stock_update", args=[shop.merchant_id, update.pk])]


def _shop(shop: Integration) -> Iterator[tuple[str, list[str]]]:
    of, settings = shop.merchant_id, reverse("integrations:edit", args=[shop.merchant_id, shop.pk])
    yield "shop's stock", [reverse("products:shop_stock", args=[of, shop.pk])]
    yield "integrations", [reverse("integrations:list", args=[of])]
    yield "integration, with its activity", [settings, f"{settings}?page=50", f"{settings}?page=last"]
    yield (
        "shop's methods",
        [reverse("orders:shop_methods", args=[of]), reverse("orders:shop_methods", args=[of]) + "?q=7"],
    )
    yield "shipping methods", [reverse("shipping:list", args=[of])]
    yield "linked users", [reverse("merchants:users", args=[of])]
    yield "order processing", [reverse("orders:processing", args=[of])]
