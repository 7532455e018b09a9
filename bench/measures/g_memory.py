"""(g) The most memory that a worker took at any of this, and whether it grows with the work."""

from __future__ import annotations

from bench.results import Results, Table, Verdict, megabytes
from bench.stage import Stage

MOST = 150 * 1024  # KiB
FLAT = 20 * 1024  # KiB that ten times the work may add
HOW = "The peak of the worker's process (VmHWM), from its start; each piece of work in a process of its own."


def measure(stage: Stage, results: Results) -> None:
    work = [one for one in results.grown if one.peaks[1]]
    table = Table("g", "Peak memory of a worker", HOW, ("work", "once", "tenfold", "more"))
    for one in work:
        few, many = one.peaks
        table.rows.append([one.what, megabytes(few), megabytes(many), f"{(many - few) / 1024:+.0f} MB"])
    if not work:
        return
    results.tables.append(table)
    most = max(work, key=lambda one: one.peaks[1])
    growth = max(work, key=lambda one: one.peaks[1] - one.peaks[0])
    more = growth.peaks[1] - growth.peaks[0]
    found = f"{megabytes(most.peaks[1])} ({most.what})"
    results.verdicts.append(
        Verdict("g", "peak memory of a worker", f"≤ {megabytes(MOST)}", found, most.peaks[1] <= MOST)
    )
    found = f"{more / 1024:+.0f} MB ({growth.what})"
    results.verdicts.append(Verdict("g", "ten times the work adds", f"≤ {megabytes(FLAT)}", found, more <= FLAT))
