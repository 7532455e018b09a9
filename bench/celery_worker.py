"""A real `celery worker` with one process in its pool, its broker a folder: what it holds in memory after real work."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from bench.engine import Engine
from bench.peak import peak_kilobytes
from integrations.models import SyncRun, SyncState
from integrations.pipes import PIPES

PATIENCE = 600  # seconds for one piece of work
RING_AGAIN = 2  # seconds after which a row that nobody works at is rung again, as a tick would


class Worker:
    """`main` is the worker's own process, `pool` the one that does the work; peaks in KiB."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @property
    def main(self) -> int:
        return peak_kilobytes(self.process.pid)

    @property
    def pool(self) -> int:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return max(peak_kilobytes(int(child)) for child in children)

    def work(self, state: SyncState) -> None:
        """One piece of work of this pipe, wholly, by messages alone."""
        began = timezone.now()
        state.ask(began, "")
        until, rung = time.monotonic() + PATIENCE, 0.0
        while not _is_done(state, began):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the worker did not end {state.pipe} of state {state.pk}")
            if time.monotonic() - rung > RING_AGAIN and not _is_at_work(state):
                _send(PIPES[state.pipe].task, state.pk)
                rung = time.monotonic()
            time.sleep(0.1)


@contextmanager
def worker(engine: Engine) -> Iterator[Worker]:
    """Started as in production, but for the broker; told to stop as a person tells it."""
    process = engine.start("celery", "-A", "myogo", "worker", "--concurrency", "1", "--loglevel", "ERROR")
    try:
        yield Worker(process)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _is_at_work(state: SyncState) -> bool:
    return SyncState.objects.filter(pk=state.pk, leased_until__gt=timezone.now()).exists()


def _is_done(state: SyncState, began: datetime) -> bool:
    ended = SyncRun.objects.filter(integration=state.integration_id, pipe=state.pipe, ended_at__gte=began)
    record = ended.order_by("-pk").first()
    if record and record.outcome not in (SyncRun.Outcome.SUCCEEDED, SyncRun.Outcome.RUNNING):
        raise RuntimeError(f"{state.pipe} did not succeed: {record.error}")
    return record is not None and record.outcome == SyncRun.Outcome.SUCCEEDED


def _send(task: str, pk: int) -> None:
    from myogo.celery import app

    app.send_task(task, args=[pk], ignore_result=True)
