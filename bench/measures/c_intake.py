"""(c) Orders that come in: read, decided, promised and written with their story."""

from __future__ import annotations

from bench.engine import Took
from bench.measures.a_full_refresh import grown
from bench.results import Results, Table, megabytes, number, percent, seconds
from bench.stage import Stage

HOW = (
    "Confirmed orders of two lines each that nobody has read before. Each is matched, decided, promised and told in "
    "its story, in a transaction of its own; the pass ends with the ledger of completeness."
)


def measure(stage: Stage, results: Results) -> None:
    head = ("orders", "intake", "orders a second", "statements an order", "the shop's share", "peak memory")
    table = Table("c", "Intake", HOW, head)
    ours: list[Took] = []
    for items, orders in zip(stage.scale.items, stage.scale.orders, strict=True):
        shop = stage.stocked(items)
        stage.point(shop, f"o{orders}")
        took = stage.run(shop, "intake")
        stage.point(shop, f"i{items}")
        if took.counts.get("new") != orders:
            raise RuntimeError(f"of {orders} orders not all came in: {took.counts}")
        ours.append(took)
        rate, each = f"{orders / took.seconds:.0f}", f"{took.queries / orders:.1f}"
        row = [number(orders), seconds(took.seconds), rate, each, percent(took.share), megabytes(took.peak)]
        table.rows.append(row)
    results.tables.append(table)
    results.grown.append(grown("c", "intake", stage.scale.orders, ours))
