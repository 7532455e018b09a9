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
def test_stops_at_once_and_goes_on_where_it_was(tmp_path: Path, signal_number: int) -> None:
    with running_demo(tmp_path) as demo:
        assert demo.stop(signal_number) == 0
    with sqlite3.connect(tmp_path / "demo.sqlite3") as database:
        database.execute("UPDATE merchants_merchant SET name = 'Renamed meanwhile'")
    database.close()
    with running_demo(tmp_path) as demo:
        assert demo.stop() == 0
    with sqlite3.connect(tmp_path / "demo.sqlite3") as database:
        names = database.execute("SELECT name FROM merchants_merchant").fetchall()
        users = database.execute("SELECT count(*) FROM merchants_user").fetchone()
    database.close()
    assert names == [("Renamed meanwhile",)]
    assert users == (3,)


CONNECT = """
import sys
from integrations.models import Integration
from merchants.models import Merchant
from sandbox.models import Shop
shop, merchant = Shop.objects.get(), Merchant.objects.get()
plugin = shop.add_plugin("stuck")
shop.break_endpoint("GET products", "slow", times=None, seconds=60, drips=60)
Integration.objects.create(merchant=merchant, platform="centra", name="Nordlys", secret=plugin.secret,
    base_url=plugin.base_url("{url}"), warehouse=merchant.warehouses.first())
"""


def wait_until_the_shop_is_asked(database: Path) -> None:
    """Another process has no event to wait for."""
    end = time.monotonic() + 60
    with closing(sqlite3.connect(database)) as rows:
        while not rows.execute("SELECT hits FROM sandbox_fault").fetchone()[0]:
            assert time.monotonic() < end, "the worker never asked the shop"
            time.sleep(0.1)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_stops_soon_while_a_slow_shop_is_being_read(tmp_path: Path, signal_number: int) -> None:
    with running_demo(tmp_path) as demo:
        connect = [sys.executable, "manage.py", "shell", "-c", CONNECT.format(url=demo.url)]
        subprocess.run(connect, cwd=ROOT, env=demo.environment, check=True, timeout=60)
        wait_until_the_shop_is_asked(tmp_path / "demo.sqlite3")
        began = time.monotonic()
        assert demo.stop(signal_number) == 0
        assert time.monotonic() - began < 5
    printed = "".join(demo.printed)
    assert "Stopping. Started again, it goes on where it was." in printed
    assert "Traceback" not in printed


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
