"""The real engine: Celery workers as processes of their own, over Redis, killed with -9 in the middle of a refresh."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.utils import timezone

from integrations.models import SyncRun, SyncState
from sandbox.models import Size
from tests.conftest import Centra
from tests.databases import database_url

REDIS_URL = os.environ.get("TEST_REDIS_URL", "")
ROOT = Path(__file__).resolve().parent.parent.parent
ITEMS = 3200  # seven pages of 500

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.redis,
    pytest.mark.skipif(not REDIS_URL, reason="no Redis: set TEST_REDIS_URL, or run `make test` where one answers"),
]


@pytest.fixture
def queue() -> Iterator[str]:
    """A queue of this test alone, gone afterwards."""
    name = f"myogo-test-{uuid.uuid4().hex[:8]}"
    yield name
    client = redis.Redis.from_url(REDIS_URL)
    for key in client.scan_iter(f"*{name}*"):
        client.delete(key)
    client.close()


@pytest.fixture
def start_worker(queue: str, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a worker with beat as a process group of its own; all are gone afterwards."""
    started: list[subprocess.Popen[bytes]] = []
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url(),
        "CELERY_BROKER_URL": REDIS_URL,
        "CELERY_QUEUE": queue,
        "LEASE_SECONDS": "20",
        "TURN_SECONDS": "8",
        "TICK_SECONDS": "1",
    }

    def start() -> subprocess.Popen[bytes]:
        schedule = str(tmp_path / f"beat-{len(started)}")
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "myogo",
            "worker",
            "-B",
            "-s",
            schedule,
            "-c",
            "2",
            "-l",
            "WARNING",
        ]
        with (tmp_path / f"worker-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        started.append(process)
        return process

    yield start
    for process in started:
        kill(process)
    for log in sorted(tmp_path.glob("worker-*.log")):
        sys.stdout.write(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}\n")


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the worker and its children: nobody says goodbye."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


def what_is_stored() -> str:
    """Every row that says how far the work is, for the message of a failed test."""
    rows = [*SyncState.objects.values(), *SyncRun.objects.values()]
    return "\n".join(str(row) for row in rows)


def wait_for(question: Callable[[], bool], seconds: float = 60) -> None:
    """Ask the database until it says yes; another process has no event to wait for."""
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end, f"waited in vain: {what_is_stored()}"
        time.sleep(0.1)


def stock_up(centra: Centra) -> None:
    first = centra.shop.add_size("FG", "0000", name="Sweater")
    Size.objects.bulk_create(
        Size(shop=centra.shop, variant=first.variant, sku=f"-{number}", full_sku=f"FG0000-{number}", name=str(number))
        for number in range(1, ITEMS)
    )


def test_a_worker_over_redis_refreshes_what_is_due(
    centra: Centra, start_worker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    centra.shop.add_size("FG1042", "-NVY", "-M")
    start_worker()
    refreshes = SyncRun.objects.filter(pipe="refresh")
    wait_for(lambda: refreshes.filter(outcome=SyncRun.Outcome.SUCCEEDED).exists())
    assert centra.integration.webshop_products.get().sku == "FG1042-NVY-M"
    assert SyncState.objects.get(pipe="refresh").next_run_at > timezone.now()


def test_a_worker_killed_in_the_middle_of_a_refresh_loses_and_doubles_nothing(
    centra: Centra, start_worker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    stock_up(centra)
    slow = centra.shop.break_endpoint("GET products", "slow", times=None, seconds=0.7)
    worker = start_worker()
    refreshes = SyncRun.objects.filter(pipe="refresh")
    wait_for(lambda: 2 <= sum(run.counts.get("pages", 0) for run in refreshes.all()) <= 5)
    kill(worker)
    written = centra.integration.webshop_products.count()
    assert 1000 <= written < ITEMS
    slow.delete()
    start_worker()
    wait_for(lambda: refreshes.filter(outcome=SyncRun.Outcome.SUCCEEDED).exists(), 180)
    record = refreshes.get()
    rows = centra.integration.webshop_products
    assert (record.counts["seen"], record.counts["pages"], record.interruptions) == (ITEMS, 7, 1)
    assert (rows.count(), rows.values("external_id").distinct().count(), rows.present().count()) == (
        ITEMS,
        ITEMS,
        ITEMS,
    )


# --- told to stop ---------------------------------------------------------------------------


@pytest.mark.parametrize("to_all", [False, True], ids=["the worker alone", "the worker and its processes"])
def test_a_worker_told_to_stop_finishes_its_page_and_gives_its_lease_back(
    centra: Centra, start_worker: Callable[[], subprocess.Popen[bytes]], to_all: bool
) -> None:
    """SIGTERM, as a container gets it, or as service managers send it to every process of a group."""
    stock_up(centra)
    slow = centra.shop.break_endpoint("GET products", "slow", times=None, seconds=0.7)
    worker = start_worker()
    refreshes = SyncRun.objects.filter(pipe="refresh")
    wait_for(lambda: 1 <= sum(run.counts.get("pages", 0) for run in refreshes.all()) <= 3)
    began = time.monotonic()
    os.killpg(worker.pid, signal.SIGTERM) if to_all else worker.terminate()
    worker.wait(timeout=15)
    took = time.monotonic() - began
    state = SyncState.objects.get(pipe="refresh")
    record = refreshes.get()
    assert (state.leased_until, state.lease) == (None, ""), what_is_stored()
    assert state.next_run_at <= timezone.now()
    assert (record.outcome, record.interruptions) == (SyncRun.Outcome.RUNNING, 0)
    assert record.counts["pages"] < 7
    assert record.counts["seen"] == centra.integration.webshop_products.count() == record.counts["pages"] * 500
    assert took < 10, took
    slow.delete()
    start_worker()
    wait_for(lambda: refreshes.filter(outcome=SyncRun.Outcome.SUCCEEDED).exists(), 180)
    record.refresh_from_db()
    assert (record.counts["seen"], record.counts["pages"], record.interruptions) == (ITEMS, 7, 0)
    assert centra.integration.webshop_products.present().count() == ITEMS
