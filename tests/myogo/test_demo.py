"""The demo: one command, everything in it, Ctrl-C stops all, started again it goes on."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.demo import ROOT, environment, running_demo


def test_says_where_to_click_and_serves_it(tmp_path: Path) -> None:
    with running_demo(tmp_path) as demo:
        printed = "".join(demo.printed)
        for words in (
            f"{demo.url}/",
            f"{demo.url}/sandbox/",
            f"{demo.url}/admin/",
            "demo@example.com",
            "staff@example.com",
        ):
            assert words in printed
        for path in ("/accounts/login/", "/accounts/signup/", "/sandbox/", "/admin/login/", "/static/css/portal.css"):
            assert requests.get(demo.url + path, timeout=10).status_code == 200, path


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_stops_at_once(tmp_path: Path, signal_number: int) -> None:
    with running_demo(tmp_path) as demo:
        assert demo.stop(signal_number) == 0


CONNECT = """
import sys
from django.db import transaction
from integrations.models import Integration
from merchants.models import Merchant
from sandbox.models import Shop
shop, merchant = Shop.objects.get(), Merchant.objects.get()
plugin = shop.add_plugin("stuck")
with transaction.atomic():
    for number in range(600 - shop.sizes.count()):
        shop.add_size(f"MORE-{{number}}")
shop.break_endpoint("GET products", "slow", times=None, skip=1, seconds=60, drips=60)
Integration.objects.create(merchant=merchant, platform="centra", name="Nordlys", secret=plugin.secret,
    base_url=plugin.base_url("{url}"), warehouse=merchant.warehouses.first())
"""


def wait_until(database: Path, question: str) -> None:
    """The first column of the first row is true. Another process has no event to wait for."""
    end = time.monotonic() + 60
    with closing(sqlite3.connect(database, timeout=10)) as rows:
        while not (rows.execute(question).fetchone() or [0])[0]:
            assert time.monotonic() < end, question
            time.sleep(0.1)


def all_of(database: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database, timeout=10)) as rows:
        return rows.execute(question).fetchall()


REFRESHES = "FROM integrations_syncrun WHERE pipe = 'refresh'"


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_stops_soon_while_a_slow_shop_is_being_read_and_reads_on(tmp_path: Path, signal_number: int) -> None:
    """The first page of the shop's items comes, the second takes a minute; after the stop the shop is quick again."""
    database = tmp_path / "demo.sqlite3"
    with running_demo(tmp_path) as demo:
        connect = [sys.executable, "manage.py", "shell", "-c", CONNECT.format(url=demo.url)]
        subprocess.run(connect, cwd=ROOT, env=demo.environment, check=True, timeout=60)
        wait_until(database, "SELECT hits FROM sandbox_fault")
        began = time.monotonic()
        assert demo.stop(signal_number) == 0
        assert time.monotonic() - began < 5
    printed = "".join(demo.printed)
    assert "Stopping. Started again, it goes on where it was." in printed
    assert "Traceback" not in printed
    assert all_of(database, f"SELECT outcome {REFRESHES}") == [("running",)]

    with closing(sqlite3.connect(database)) as rows, rows:
        rows.execute("DELETE FROM sandbox_fault")
        rows.execute("UPDATE merchants_merchant SET name = 'Renamed meanwhile'")
    again = {**demo.environment, "TICK_SECONDS": "1"}  # the keys above all
    with running_demo(tmp_path, again, port=int(demo.url.rsplit(":", 1)[1])) as demo:
        wait_until(database, f"SELECT outcome = 'succeeded' {REFRESHES}")
        assert demo.stop(signal_number) == 0
    assert all_of(database, "SELECT name FROM merchants_merchant") == [("Renamed meanwhile",)]
    assert all_of(database, "SELECT count(*) FROM merchants_user") == [(3,)]
    assert all_of(database, f"SELECT outcome, json_extract(counts, '$.seen') {REFRESHES}") == [("succeeded", 600)]
    assert all_of(database, "SELECT count(*), count(DISTINCT external_id) FROM products_webshopproduct") == [(600, 600)]


def test_two_demos_on_one_port_are_told_apart(tmp_path: Path) -> None:
    with running_demo(tmp_path) as demo:
        port = demo.url.rsplit(":", 1)[1]
        second = subprocess.run(
            [sys.executable, "manage.py", "demo", "--port", port],
            cwd=ROOT,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 1
    assert f"Port {port} is taken" in second.stderr
    assert "Traceback" not in second.stderr
