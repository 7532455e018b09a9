"""(a) A full refresh of a shop that nobody has read before, against fetch + parse + COPY of the same rows."""

from __future__ import annotations

from bench.engine import Took
from bench.results import Grown, Results, Table, megabytes, number, percent, seconds
from bench.stage import Stage

LIMIT = 2.0
HOW = (
    "The first refresh of a shop, with everything that belongs to it: every page checked, cleaned, compared, written "
    "and committed with its place, then the problems of the whole catalogue found. The floor fetches the same pages, "
    "reads them into typed rows and COPYs the same columns in one stroke into a table of the same columns, indexes and "
    "foreign keys."
)
HEAD = ("items", "refresh", "floor", "ratio", "the shop's share of refresh / floor", "statements", "peak memory")


def measure(stage: Stage, results: Results) -> None:
    table = Table("a", "Full refresh", HOW, HEAD)
    ours: list[Took] = []
    for items in stage.scale.items:
        stage.refreshed(items)
        address = stage.engine.shop.address(f"i{items}")
        floor = stage.engine.floor("copy", address, stage.engine.database.url)
        took = stage.refreshes[items]
        ours.append(took)
        table.rows.append(against(items, took, floor))
    results.tables.append(table)
    share = max(took.share, floor.share)
    results.judge("a", f"full refresh of {number(items)} items", LIMIT, took.seconds / floor.seconds, share)
    results.grown.append(grown("a", "full refresh", stage.scale.items, ours))


def against(items: int, took: Took, floor: Took) -> list[str]:
    shares = f"{percent(took.share)} / {percent(floor.share)}"
    times = [seconds(took.seconds), seconds(floor.seconds), f"{took.seconds / floor.seconds:.2f}"]
    return [number(items), *times, shares, number(took.queries), megabytes(took.peak)]


def grown(letter: str, what: str, sizes: tuple[int, int], ours: list[Took]) -> Grown:
    times, peaks = (ours[0].seconds, ours[1].seconds), (ours[0].peak, ours[1].peak)
    return Grown(letter, what, sizes, times, peaks)
