"""(h) How each grows from once to tenfold."""

from __future__ import annotations

from bench.results import Grown, Results, Table, Verdict, number, seconds
from bench.stage import Stage

NOISE = 1.15  # what two runs on one machine differ by
HOW = "Ten times as much of everything. Linear is ten times the time; below it, the fixed part weighs less."


def measure(stage: Stage, results: Results) -> None:
    head = ("work", "from", "to", "seconds", "times as much work", "times as long")
    table = Table("h", "Growth", HOW, head)
    for one in results.grown:
        times = f"{seconds(one.seconds[0])} → {seconds(one.seconds[1])}"
        sizes = [number(size) for size in one.sizes]
        table.rows.append([one.what, *sizes, times, f"{one.linear:.0f}", f"{one.times:.1f}"])
    results.tables.append(table)
    worst = max(results.grown, key=over, default=None)
    if worst:
        found = f"{over(worst):.2f} of linear ({worst.what})"
        is_met = over(worst) <= NOISE
        results.verdicts.append(Verdict("h", "growth from once to tenfold", "linear or better", found, is_met))


def over(one: Grown) -> float:
    return one.times / one.linear
