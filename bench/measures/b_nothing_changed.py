"""(b) A full refresh in which nothing has changed, against fetch + parse."""

from __future__ import annotations

from bench.engine import Took
from bench.measures.a_full_refresh import HEAD, against, grown
from bench.results import Results, Table, number, seconds
from bench.stage import Stage

LIMIT = 1.3
HOW = (
    "The same shop, read wholly once more: every page says byte for byte what it said before, is known by its digest "
    "and passed over, row by row not even parsed. The floor fetches the same pages and reads them into typed rows; it "
    "keeps nothing and compares nothing."
)


def measure(stage: Stage, results: Results) -> None:
    table = Table("b", "Refresh with nothing changed", HOW, HEAD)
    ours: list[Took] = []
    for items in stage.scale.items:
        took = stage.run(stage.refreshed(items), "refresh")
        if took.counts.get("unchanged") != items:
            raise RuntimeError(f"of {items} items not all are unchanged: {took.counts}")
        floor = stage.engine.floor("parse", stage.engine.shop.address(f"i{items}"))
        ours.append(took)
        table.rows.append(against(items, took, floor))
    table.how += (
        f" Of our time {seconds(fixed(stage.scale.items, ours))} is fixed, whatever the shop has: the run's claim, its "
        "place and its record. It is judged at the larger size; in a small shop the fixed part is most of it."
    )
    results.tables.append(table)
    share = max(took.share, floor.share)
    results.judge("b", f"refresh of {number(items)} unchanged items", LIMIT, took.seconds / floor.seconds, share)
    results.grown.append(grown("b", "refresh, nothing changed", stage.scale.items, ours))


def fixed(items: tuple[int, int], ours: list[Took]) -> float:
    """What the two sizes have in common, in seconds: where the line through both meets a shop of no items."""
    (few, many), (short, long) = items, (took.seconds for took in ours)
    return max(0.0, (short * many - long * few) / (many - few))
