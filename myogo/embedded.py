"""Worker and beat as threads of the one process, for `manage.py demo`.

Safe with an in-memory broker because the database rows say what is owed: a message that dies with the process is rung
again by the next tick. Production runs the same tasks under `celery worker` and `celery beat`.
"""

import logging
import threading
from contextlib import suppress
from typing import Any

from celery.beat import EmbeddedService
from django.db import DatabaseError

from integrations import stopping, sync
from myogo.celery import app

log = logging.getLogger(__name__)
THREADS = 3


class Engine:
    """One worker with a few threads and one beat."""

    def __init__(self) -> None:
        self._worker: Any = app.WorkController(
            hostname="embedded@localhost",
            pool_cls="threads",
            concurrency=THREADS,
            loglevel="WARNING",
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
        )
        self._beat: Any = EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler")
        self._thread = threading.Thread(target=self._worker.start, name="celery-worker", daemon=True)

    def start(self) -> None:
        stopping.forget()
        self._thread.start()
        self._beat.start()

    def stop(self, seconds: float = 2) -> None:
        """Beat first, then the worker, for so long at most: what is under way goes on at the next start."""
        stopping.begin()
        thread = threading.Thread(target=self._stop, name="celery-stop", daemon=True)
        thread.start()
        thread.join(timeout=seconds)
        with suppress(DatabaseError):  # else they wait until the lease ends
            sync.abandon()

    def _stop(self) -> None:
        self._beat.stop()
        self._worker.stop(in_sighandler=False)
