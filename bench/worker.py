"""A process that does what a worker does with rows that are due, and prints what it took as JSON.

python -m bench.worker refresh 17 18        the refresh of the states 17 and 18, each with all its turns
python -m bench.worker - < keys             any pipe, one `task key` per line, one turn each: what a doorbell rings
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

import django
import msgspec

from bench.peak import peak_kilobytes
from myogo.tuning import tune

MOST_REFUSED = 1000  # times that another pipe of the same shop was at it

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")


class Queries:
    """Counts the statements of this process."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.number += 1
        return execute(sql, params, many, context)


def turns(pipe: str, state: int) -> Counter[str] | None:
    """All turns of one piece of work; its counts, or nothing where another pipe of the shop runs this moment."""
    from django.utils.module_loading import import_string

    from integrations import sync
    from integrations.models import SyncRun

    job = import_string(JOBS[pipe])
    record = sync.run(state, job)
    while record is not None and record.outcome == SyncRun.Outcome.RUNNING:
        record = sync.run(state, job)
    if record is not None and record.outcome != SyncRun.Outcome.SUCCEEDED:
        raise SystemExit(f"{pipe} of state {state} did not succeed: {record.error}")
    return Counter({"turns": record.turns, **record.counts}) if record else None


JOBS = {
    "refresh": "products.refresh.refresh",
    "intake": "orders.intake.intake",
    "stock": "products.stock.push",
    "hand-over": "orders.handover.hand_over",
}


def work(rows: Iterable[tuple[str, int]]) -> dict[str, Any]:
    from django.db import connection

    connection.ensure_connection()
    queries, counts = Queries(), Counter[str]()
    before = peak_kilobytes()
    began, cpu = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(queries):
        waiting = deque(rows)
        while waiting:
            found = turns(*waiting[0])
            if found is None:
                waiting.rotate(-1)  # rung again, as the next tick would
                counts["refused"] += 1
            else:
                counts.update(found)
                waiting.popleft()
            if counts["refused"] > MOST_REFUSED + len(waiting):
                raise SystemExit(f"not due or not free: {list(waiting)[:5]}")
    took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "queries": queries.number}
    return {**took, "before": before, "peak": peak_kilobytes(), "counts": counts}


def begin() -> None:
    """What a worker has done before the first message: its jobs are imported, and it is tuned."""
    from django.utils.module_loading import import_string

    from integrations import connectors

    for job in JOBS.values():
        import_string(job)
    connectors.load()
    tune()


def main(pipe: str, *states: str) -> None:
    django.setup()
    begin()
    rows = [line.split() for line in sys.stdin] if pipe == "-" else [[pipe, state] for state in states]
    found = work((key, int(state)) for key, state in rows)
    sys.stdout.write(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    profile = os.environ.get("BENCH_PROFILE")
    if profile:
        import cProfile

        profiler = cProfile.Profile()
        profiler.runcall(main, *sys.argv[1:])
        profiler.dump_stats(profile)
    else:
        main(*sys.argv[1:])
