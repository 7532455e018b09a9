"""(f) The main pages of a merchant with very many products and orders, beside Django admin's list of the same table."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bench import big, data
from bench.results import Grown, Results, Table, Verdict, number, seconds
from bench.stage import Stage
from bench.worker import Queries
from integrations.models import Integration
from merchants.models import User
from orders.models import Order
from products.models import Product

MOST_QUERIES = 15
MOST_SECONDS = 0.150  # at the 95th percentile
HOW = (
    "Each page is asked for many times in the process that serves it, everything from the session to the last byte "
    "included. The search words are another at every look."
)
WORDS = ("aino", "holm", "sofia.dahl", "vik", "olof ström", "signe", "rask", "8999977", "maja lind", "nobody-at-all")
GOODS_WORDS = ("NL000012", "jacket 7", "deck", "nl0001", "wool 44", "tote", "parka 9", "nothing-of-the-kind")


@dataclass(frozen=True, slots=True)
class Seen:
    """How one page did: seconds at the middle and at the 95th percentile, statements at the most."""

    name: str
    median: float
    p95: float
    queries: int

    @property
    def shown(self) -> list[str]:
        return [seconds(self.median), seconds(self.p95), str(self.queries)]


def measure(stage: Stage, results: Results) -> None:
    found = []
    for name, (products, orders) in zip(("Small", "Large"), stage.scale.pages, strict=True):
        shop = data.integration(
            data.merchant(name), stage.engine.shop.address("idle", f"127.20.0.{products % 250 + 1}")
        )
        shop.states.update(is_paused=True, last_succeeded_at=timezone.now())
        big.fill(shop, products, orders)
        found.append(look_at_all(shop, stage.scale.looks))
    head = ("page", "median", "95 %", "statements", "median with a tenth of it", "95 %", "statements")
    products, orders = stage.scale.pages[1]
    title = f"Pages with {number(products)} products and {number(orders)} orders"
    table = Table("f", title, HOW, head)
    for small, large in zip(*found, strict=True):
        row = [large.name, *large.shown, *small.shown]
        table.rows.append(row)
    results.tables.append(table)
    judge(stage, results, found)


def judge(stage: Stage, results: Results, found: list[list[Seen]]) -> None:
    ours = [seen for pages in found for seen in pages if not seen.name.startswith("admin")]
    slowest = max(ours, key=lambda seen: seen.p95)
    busiest = max(ours, key=lambda seen: seen.queries)
    slow, busy = f"{seconds(slowest.p95)} ({slowest.name})", f"{busiest.queries} ({busiest.name})"
    limit = f"≤ {MOST_SECONDS * 1000:.0f} ms"
    results.verdicts.append(Verdict("f", "slowest page, 95 %", limit, slow, slowest.p95 <= MOST_SECONDS))
    most = busiest.queries <= MOST_QUERIES
    results.verdicts.append(Verdict("f", "statements of a page, most", f"≤ {MOST_QUERIES}", busy, most))
    together = [sum(seen.median for seen in pages if not seen.name.startswith("admin")) for pages in found]
    sizes = (stage.scale.pages[0][1], stage.scale.pages[1][1])
    results.grown.append(Grown("f", "all pages together", sizes, (together[0], together[1])))


def look_at_all(shop: Integration, looks: int) -> list[Seen]:
    owner, staff = Client(), Client()
    owner.force_login(data.owner(shop.merchant))
    name = f"staff-{shop.pk}@example.com"
    staff.force_login(User.objects.create_superuser(email=name, name="Staff", password="a-quiet-harbour-42"))
    found = [look(owner, name, addresses, looks) for name, addresses in pages(shop).items()]
    lists = {
        "admin: orders": reverse("admin:orders_order_changelist") + "?state=all",
        "admin: products": reverse("admin:products_product_changelist"),
        "admin: shop's items": reverse("admin:products_webshopproduct_changelist"),
    }
    return [*found, *(look(staff, name, [address], max(3, looks // 4)) for name, address in lists.items())]


def pages(shop: Integration) -> dict[str, list[str]]:
    """The addresses of each page; several where a look may differ from the next."""
    of = shop.merchant_id
    middle = Order.objects.filter(merchant=of).order_by("-placed_at")
    order, closed = middle[3].pk, middle[500].pk
    product = Product.objects.filter(merchant=of).order_by("pk")[50].pk
    orders, goods, sync = (reverse(name, args=[of]) for name in ("orders:list", "products:list", "products:sync"))
    return {
        "front page": [reverse("orders:front_page", args=[of])],
        "orders": [orders],
        "orders: SHIPPED, page 20": [f"{orders}?status=shipped&page=20"],
        "orders: waiting": [f"{orders}?status=waiting"],
        "orders: search": [f"{orders}?q={word}" for word in WORDS],
        "order": [reverse("orders:order", args=[of, pk]) for pk in (order, closed)],
        "products": [goods],
        "products: page 50": [f"{goods}?page=50"],
        "products: search": [f"{goods}?q={word}" for word in GOODS_WORDS],
        "product": [reverse("products:edit", args=[of, product])],
        "sync webshop products": [sync],
        "sync: Problems": [f"{sync}?tab=problems"],
        "sync: search": [f"{sync}?tab=linked&q={word}" for word in GOODS_WORDS],
        "shop's stock": [reverse("products:shop_stock", args=[of, shop.pk])],
        "stock updates": [reverse("products:stock_updates", args=[of])],
        "integrations": [reverse("integrations:list", args=[of])],
        "integration": [reverse("integrations:edit", args=[of, shop.pk])],
        "shipping methods": [reverse("shipping:list", args=[of])],
        "linked users": [reverse("merchants:users", args=[of])],
        "order processing": [reverse("orders:processing", args=[of])],
    }


def look(client: Client, name: str, addresses: list[str], looks: int) -> Seen:
    """The first look compiles templates and is not counted."""
    ask(client, addresses[0])
    times, most = [], 0
    for number_ in range(looks):
        queries = Queries()
        began = time.perf_counter()
        with connection.execute_wrapper(queries):
            ask(client, addresses[number_ % len(addresses)])
        times.append(time.perf_counter() - began)
        most = max(most, queries.number)
    ordered = sorted(times)
    return Seen(name, ordered[len(ordered) // 2], ordered[math.ceil(0.95 * len(ordered)) - 1], most)


def ask(client: Client, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
