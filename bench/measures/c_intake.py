"""(c) Orders that come in, against the same rows written by hand, an order a transaction."""

from __future__ import annotations

from bench.engine import Took
from bench.measures.a_full_refresh import grown
from bench.results import Results, Table, megabytes, number, percent, seconds
from bench.stage import Stage

HOW = (
    "Confirmed orders of two lines each that nobody has read before. Each is matched, decided, promised and told in "
    "its story, in a transaction of its own; the pass ends with the ledger of completeness. The floor fetches and "
    "parses the same pages and writes the same rows with statements written by hand, also an order a transaction; it "
    "checks, matches and decides nothing."
)


def measure(stage: Stage, results: Results) -> None:
    head = (
        "orders",
        "intake",
        "floor",
        "ratio",
        "orders a second",
        "statements an order",
        "the shop's share of intake / floor",
        "peak memory",
    )
    table = Table("c", "Intake", HOW, head)
    ours: list[Took] = []
    for items, orders in zip(stage.scale.items, stage.scale.orders, strict=True):
        shop = stage.stocked(items)
        stage.point(shop, f"o{orders}")
        took = stage.run(shop, "intake")
        stage.point(shop, f"i{items}")
        address = stage.engine.shop.address(f"o{orders}")
        floor = stage.engine.floor("intake", address, stage.engine.database.url, str(shop.warehouse_id))
        if took.counts.get("new") != orders:
            raise RuntimeError(f"of {orders} orders not all came in: {took.counts}")
        ours.append(took)
        rate, each = f"{orders / took.seconds:.0f}", f"{took.queries / orders:.1f}"
        times = [seconds(took.seconds), seconds(floor.seconds), f"{took.seconds / floor.seconds:.1f}"]
        shares = f"{percent(took.share)} / {percent(floor.share)}"
        table.rows.append([number(orders), *times, rate, each, shares, megabytes(took.peak)])
    results.tables.append(table)
    results.grown.append(grown("c", "intake", stage.scale.orders, ours))
