"""Two hundred shops, whatever the machine: one is dead, one silent, one slow; the others do not notice.

Real threads do what workers do: a tick rings, whoever is free runs the row. Measured is the lag of each intake, from
the moment it was due to the moment it began, or to the end where it never did. A slower machine looks at all of them
more rarely, never at fewer. The figures are written to `tests/artefacts/many_shops.txt`.
"""

from __future__ import annotations

import logging
import queue
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.db import connection
from django.utils import timezone

from integrations import doorbell, sync
from integrations.models import Integration, SyncState
from orders.intake import intake
from orders.models import Order
from sandbox.models import Fault, Shop
from tests import factories
from tests.orders.machine_hosts import listening_everywhere

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

SHOPS = 200
WORKERS = 8
PERIOD = 60.0  # seconds between two looks at a shop: production's own
ROUNDS = 1.7
LOAD = 0.75  # of what this machine can do: above that everybody waits, whoever is ill
ON_TIME = 5.0  # seconds: production's tick; of twenty looks nineteen begin so soon after they were due,
LATEST = 15.0  # and each so soon. One of the ill holds its worker for longer, the silent one for three times as long.
PROBES = 4 * WORKERS
FIGURES = Path(__file__).parent.parent / "artefacts" / "many_shops.txt"


@dataclass
class Workers:
    """Threads with connections of their own that run what the tick rings; `lags` in seconds, by integration."""

    doorbell: queue.Queue[int] = field(default_factory=queue.Queue)
    over: threading.Event = field(default_factory=threading.Event)
    lags: dict[int, list[float]] = field(default_factory=dict)
    ended_at: datetime | None = None
    errors: list[BaseException] = field(default_factory=list)

    def job(self, run: sync.Run) -> None:
        lag = (run.began_at - run.state.next_run_at).total_seconds()
        self.lags.setdefault(run.integration.pk, []).append(lag)
        intake(run)

    def work(self) -> None:
        try:
            while not self.over.is_set():
                try:
                    sync.run(self.doorbell.get(timeout=0.2), self.job)
                except queue.Empty:
                    continue
        except BaseException as error:
            self.errors.append(error)
        finally:
            connection.close()

    def beat(self) -> None:
        try:
            while not self.over.wait(0.5):
                sync.tick()
        except BaseException as error:
            self.errors.append(error)
        finally:
            connection.close()

    def run_for(self, seconds: float) -> None:
        threads = [threading.Thread(target=self.work, daemon=True) for _number in range(WORKERS)]
        threads.append(threading.Thread(target=self.beat, daemon=True))
        for thread in threads:
            thread.start()
        self.over.wait(seconds)
        self.ended_at = timezone.now()
        self.over.set()
        for thread in threads:
            thread.join(timeout=settings.LEASE_SECONDS)
            assert not thread.is_alive()

    def count_who_waits(self) -> None:
        """Whoever was due at the end and never begun is late by that much at least."""
        assert self.ended_at is not None
        for pk, due in SyncState.objects.filter(pipe="intake").values_list("integration", "next_run_at"):
            if due < self.ended_at:
                self.lags.setdefault(pk, []).append((self.ended_at - due).total_seconds())


@pytest.fixture
def port() -> Iterator[int]:
    logging.disable(logging.WARNING)
    with listening_everywhere() as port:
        yield port
    logging.disable(logging.NOTSET)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def open_shop(number: int, port: int) -> Integration:
    """A shop with an order, on a host of its own, of a merchant of its own; due at its place within the period."""
    shop = Shop.open(f"shop-{number}")
    shop.add_plugin("order-api", "a-secret-api-key")
    size = shop.add_size(f"S{number}", stock=5)
    since = timezone.now()
    shop.place_order({size: 1}).confirm()
    host = f"127.0.{1 + number // 250}.{1 + number % 250}"
    integration = factories.integration(
        base_url=f"http://{host}:{port}/sandbox/shop-{number}/api/order-api",
        name=f"Shop {number}",
        takes_orders_since=since,
    )
    integration.states.exclude(pipe="intake").update(is_paused=True)
    # The sweeps of today are done: what is measured is the look of every minute.
    done = {"swept_at": since.isoformat(), "everything_at": since.isoformat()}
    integration.states.filter(pipe="intake").update(remembers=done)
    return integration


def move_to(integration: Integration, address: str) -> Integration:
    integration.base_url = f"http://{address}/api/order-api"
    integration.save()
    return integration


def pace(shops: list[Integration]) -> float:
    """Production's period, or a longer one in which this machine, busy as it is, can look at all shops with ease."""
    started = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(look_once, shops[-PROBES:]))
    one_look = (time.monotonic() - started) / PROBES
    return max(PERIOD, len(shops) * one_look / LOAD)


def look_once(integration: Integration) -> None:
    try:
        assert sync.run(integration.state("intake").pk, intake) is not None
    finally:
        connection.close()


def stagger(shops: list[Integration], period: float) -> None:
    """Shops are not all saved in the same second."""
    begin = timezone.now() + timedelta(seconds=1)
    for place, integration in enumerate(shops):
        due = begin + timedelta(seconds=period * place / len(shops))
        integration.states.filter(pipe="intake").update(next_run_at=due)


def test_a_dead_a_silent_and_a_slow_shop_hold_up_nobody(
    port: int,
    silent_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: LazySettings,
) -> None:
    shops = [open_shop(number, port) for number in range(SHOPS)]
    period = settings.POLL_SECONDS = pace(shops)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        dead_port = probe.getsockname()[1]
    dead = move_to(shops[0], f"127.0.0.1:{dead_port}")
    silent = move_to(shops[1], f"127.0.0.1:{silent_port}")
    slow = Shop.objects.get(slug="shop-2").break_endpoint("", Fault.Kind.SLOW, times=None, seconds=12)
    workers = Workers()
    monkeypatch.setattr(doorbell, "send", lambda _task, pk: workers.doorbell.put(pk))
    stagger(shops, period)
    workers.run_for(period * ROUNDS)
    workers.count_who_waits()
    assert workers.errors == []

    ill = {dead.pk, silent.pk, shops[2].pk}
    lags = {pk: found for pk, found in workers.lags.items() if pk not in ill}
    figures = describe(lags, period)
    FIGURES.parent.mkdir(exist_ok=True)
    FIGURES.write_text(f"{connection.vendor}: {figures}\n")
    with capsys.disabled():
        print(f"\n{figures}")  # noqa: T201
    assert lags.keys() == {shop.pk for shop in shops} - ill, "somebody was never looked at"
    everyone = sorted(lag for found in lags.values() for lag in found)
    assert everyone[int(len(everyone) * 0.95)] < ON_TIME
    assert everyone[-1] < LATEST
    taken = Counter(Order.objects.values_list("integration", flat=True))
    assert all(taken[pk] == 1 for pk in lags), "an order of a healthy shop is not here"
    slow.refresh_from_db()
    assert dead.state("intake").failed_attempts
    assert silent.state("intake").failed_attempts
    assert slow.hits > 1


def describe(lags: dict[int, list[float]], period: float) -> str:
    everyone = sorted(lag for found in lags.values() for lag in found)
    rounds = [len(found) for found in lags.values()]
    late = everyone[int(len(everyone) * 0.95)]
    return (
        f"{len(lags)} shops every {period:.0f} s beside a dead, a silent and a slow one, "
        f"{WORKERS} workers, {period * ROUNDS:.0f} s: "
        f"{len(everyone)} looks ({min(rounds)} to {max(rounds)} each), "
        f"lag median {statistics.median(everyone):.2f} s, 95 % below {late:.2f} s, most {everyone[-1]:.2f} s"
    )
