"""(f) The pages of a merchant with very many products and orders, and the staff's lists of the same rows."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from django.db import connection
from django.test import Client
from django.utils import timezone

from bench import addresses, big, data
from bench.results import Grown, Results, Table, Verdict, number, seconds
from bench.stage import Stage
from bench.worker import Queries
from integrations.models import Integration
from merchants.models import User

MOST_QUERIES = 15
MOST_SECONDS = 0.150  # at the 95th percentile
HOW = (
    "Each page is asked for many times in the process that serves it, everything from the session to the last byte "
    "included, after one look at each of its addresses that is not counted. A line with several addresses (another "
    "word, another order of the list, another order) takes them in turn. The staff's lists, in Django's admin, stand "
    "beside the merchants' pages and are not judged."
)


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
    small, large = ({seen.name: seen.shown for seen in pages} for pages in found)
    for name, shown in large.items():
        table.rows.append([name, *shown, *small.get(name, ["–"] * 3)])
    results.tables.append(table)
    judge(stage, results, found)


def judge(stage: Stage, results: Results, found: list[list[Seen]]) -> None:
    ours = [seen for pages in found for seen in pages if not seen.name.startswith("staff")]
    slowest = max(ours, key=lambda seen: seen.p95)
    busiest = max(ours, key=lambda seen: seen.queries)
    slow, busy = f"{seconds(slowest.p95)} ({slowest.name})", f"{busiest.queries} ({busiest.name})"
    limit = f"≤ {MOST_SECONDS * 1000:.0f} ms"
    results.verdicts.append(Verdict("f", "slowest page, 95 %", limit, slow, slowest.p95 <= MOST_SECONDS))
    most = busiest.queries <= MOST_QUERIES
    results.verdicts.append(Verdict("f", "statements of a page, most", f"≤ {MOST_QUERIES}", busy, most))
    both = {seen.name for seen in found[0]} & {seen.name for seen in found[1]}
    together = [sum(seen.median for seen in pages if seen.name in both) for pages in found]
    sizes = (stage.scale.pages[0][1], stage.scale.pages[1][1])
    results.grown.append(Grown("f", "all pages together", sizes, (together[0], together[1])))


def look_at_all(shop: Integration, looks: int) -> list[Seen]:
    owner, desk = Client(), Client()
    owner.force_login(data.owner(shop.merchant))
    name = f"staff-{shop.pk}@example.com"
    desk.force_login(User.objects.create_superuser(email=name, name="Staff", password="a-quiet-harbour-42"))
    found = [look(owner, name, some, looks) for name, some in addresses.merchants(shop).items()]
    return [*found, *(look(desk, name, some, max(1, looks // 2)) for name, some in addresses.staff().items())]


def look(client: Client, name: str, some: list[str], looks: int) -> Seen:
    """The first look at each address compiles templates and fills caches, and is not counted."""
    some = some[:looks]
    for address in some if looks > 1 else ():
        ask(client, address)
    times, most = [], 0
    for number_ in range(looks):
        queries = Queries()
        began = time.perf_counter()
        with connection.execute_wrapper(queries):
            ask(client, some[number_ % len(some)])
        times.append(time.perf_counter() - began)
        most = max(most, queries.number)
    ordered = sorted(times)
    return Seen(name, ordered[len(ordered) // 2], ordered[math.ceil(0.95 * len(ordered)) - 1], most)


def ask(client: Client, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")
