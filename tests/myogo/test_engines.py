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
from orders.models import Order, Status
from products.models import Movement, ShopFigure
from sandbox.models import Shipment as ShopShipment
from sandbox.models import Shop, Size
from tests import factories
from tests.conftest import Centra
from tests.databases import database_url
from tests.orders.desk import Desk
from tests.orders.machine_hosts import listening_everywhere
from tests.products import stocked

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
            "3",
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
    assert worker.wait(timeout=15) == 0
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


ORDERS, ITEMS_TOLD, HANDED = 102, 502, 3  # two pages, two calls, and three orders of which each is several calls


def open_shop(port: int, number: int, pipe: str) -> Centra:
    """On a host of its own, so that all of them are talked to at once; only this pipe flows."""
    shop = Shop.open(f"shop-{number}")
    plugin = shop.add_plugin("order-api", "a-secret-api-key")
    plugin.logs_calls = True
    plugin.save()
    address = f"http://127.0.0.{10 + number}:{port}/sandbox/{shop.slug}/api/order-api"
    integration = factories.integration(base_url=address, takes_orders_since=timezone.now())
    integration.states.exclude(pipe=pipe).update(is_paused=True)
    return Centra(shop, plugin, integration)


def buy(centra: Centra) -> set[str]:
    """Orders that nobody has read yet; their numbers."""
    size = centra.shop.add_size("FG", "-NVY", "-M", stock=ORDERS)
    stocked.link(centra.integration, size, product=factories.product(centra.integration.merchant, size.full_sku))
    orders = [centra.shop.place_order({size: 1}) for _number in range(ORDERS)]
    for order in orders:
        order.confirm()
    return {str(order.number) for order in orders}


def told(centra: Centra) -> int:
    """Items of which the shop shows our five pieces; none shows anything else."""
    figures = dict.fromkeys((0, 5), 0) | {n: 0 for n in centra.shop.sizes.values_list("physical", flat=True)}
    for physical in centra.shop.sizes.values_list("physical", flat=True):
        figures[physical] += 1
    assert set(figures) == {0, 5}
    return figures[5]


def handed(centra: Centra) -> list[str]:
    """The orders with a shipment in the shop, each once and paid once."""
    shipments = ShopShipment.objects.filter(order__shop=centra.shop, captures=1)
    assert ShopShipment.objects.filter(order__shop=centra.shop).count() == shipments.count()
    return sorted(str(number) for number in shipments.values_list("order__number", flat=True))


def collecting(centra: Centra) -> list[str]:
    rows = Order.objects.filter(integration=centra.integration, status=Status.COLLECTING)
    return sorted(rows.values_list("number", flat=True))


def test_told_to_stop_in_the_middle_of_everything_nothing_is_lost_or_doubled(
    transactional_db: None, start_worker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    """An intake, a stock push and a hand-over, each with a call under way and more to do after it."""
    with listening_everywhere() as port:
        pipes = ("intake", "stock", "hand-over")
        read, heard, packed = (open_shop(port, number, pipe) for number, pipe in enumerate(pipes))
        bought = buy(read)
        for number in range(ITEMS_TOLD):
            stocked.shelf(heard, f"FG{number:04}", on_hand=5)
        stocked.switch_on(heard.integration)
        desk = Desk(packed)
        marked = [desk.order(1, lines=1)[1] for _number in range(HANDED)]
        desk.mark(*marked)
        stop_after = {"GET orders": (read, 1), "POST stock": (heard, 0), "POST shipments": (packed, 1)}
        slow = [
            one.shop.break_endpoint(endpoint, "slow", times=1, skip=passed, seconds=4)
            for endpoint, (one, passed) in stop_after.items()
        ]
        worker = start_worker()
        faults = type(slow[0]).objects.filter(pk__in=[fault.pk for fault in slow])
        wait_for(lambda: faults.filter(hits=1).count() == len(pipes))
        states = SyncState.objects.filter(pipe__in=pipes, is_paused=False)
        assert states.exclude(lease="").count() == len(pipes), what_is_stored()
        worker.terminate()
        assert worker.wait(timeout=20) == 0
        assert set(states.values_list("lease", "leased_until")) == {("", None)}, what_is_stored()
        assert not states.filter(next_run_at__gt=timezone.now()).exists()
        runs = SyncRun.objects.filter(pipe__in=pipes)
        assert set(runs.values_list("outcome", "interruptions")) == {("running", 0)}, what_is_stored()
        # What was under way is done on both sides, and nothing after it has begun.
        assert Order.objects.filter(integration=read.integration).count() == ORDERS
        assert (told(heard), ShopFigure.objects.filter(told=5, asked=None).count()) == (500, 500)
        assert handed(packed) == collecting(packed) == sorted(one.number for one in marked[:2])
        start_worker()
        wait_for(lambda: runs.filter(outcome="succeeded").values("integration").distinct().count() == len(pipes))
        assert not runs.filter(interruptions__gt=0).exists()
        here = Order.objects.filter(integration=read.integration).values_list("number", flat=True)
        assert sorted(here) == sorted(bought)
        assert (told(heard), heard.plugin.calls.filter(endpoint="POST stock").count()) == (ITEMS_TOLD, 2)
        assert handed(packed) == collecting(packed) == sorted(one.number for one in marked)
        assert Movement.objects.filter(why=Movement.Why.COLLECTED).count() == HANDED
        assert desk.shelf() == (desk.on_hand - HANDED, 0)
