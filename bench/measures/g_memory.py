"""(g) The most memory that a worker took at any of this, and whether it grows with the work."""

from __future__ import annotations

from bench import data
from bench.celery_worker import worker
from bench.measures.d_stock_push import make_due
from bench.results import Results, Table, Verdict, megabytes
from bench.stage import Stage

MOST = 150 * 1024  # KiB
FLAT = 20 * 1024  # KiB that ten times the work may add
HOW = (
    "The peak of the worker's process (VmHWM), from its start; each piece of work in a process of its own, which does "
    "what a worker does without Celery. The last two lines are of a real `celery worker`: the process of its pool, "
    "after a full refresh, an intake and a stock push one after the other, and the process that hands out the work."
)


def measure(stage: Stage, results: Results) -> None:
    work = [one for one in results.grown if one.peaks[1]]
    table = Table("g", "Peak memory of a worker", HOW, ("work", "once", "tenfold", "more"))
    for one in work:
        few, many = one.peaks
        table.rows.append([one.what, megabytes(few), megabytes(many), f"{(many - few) / 1024:+.0f} MB"])
    if not work:
        return
    pool, main = real(stage)
    table.rows.append(["celery, the pool's process", "", megabytes(pool), ""])
    table.rows.append(["celery, the main process", "", megabytes(main), ""])
    results.tables.append(table)
    most = max(work, key=lambda one: one.peaks[1])
    growth = max(work, key=lambda one: one.peaks[1] - one.peaks[0])
    more = growth.peaks[1] - growth.peaks[0]
    peak = max(pool, main, most.peaks[1])
    found = f"{megabytes(peak)} ({most.what if peak == most.peaks[1] else 'celery'})"
    results.verdicts.append(Verdict("g", "peak memory of a worker", f"≤ {megabytes(MOST)}", found, peak <= MOST))
    found = f"{more / 1024:+.0f} MB ({growth.what})"
    results.verdicts.append(Verdict("g", "ten times the work adds", f"≤ {megabytes(FLAT)}", found, more <= FLAT))


def real(stage: Stage) -> tuple[int, int]:
    """The same work by a real worker, with another shop of the larger size: the peaks of pool and main process."""
    items, orders, host = stage.scale.items[1], stage.scale.orders[0], "127.30.0.1"
    shop = data.integration(data.merchant("Celery"), stage.engine.shop.address(f"i{items}", host))
    with worker(stage.engine) as celery:
        celery.work(shop.state("refresh"))
        data.link_all(shop, 40)
        stage.point(shop, f"o{orders}", host)
        celery.work(shop.state("intake"))
        stage.point(shop, f"i{items}", host)
        make_due(shop)
        celery.work(shop.state("stock"))
        return celery.pool, celery.main
