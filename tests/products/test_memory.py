"""A large catalogue is streamed: memory does not grow with it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from products.models import Tab
from sandbox import catalogue
from tests.conftest import Centra
from tests.databases import database_url

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc"),
]
ROOT = Path(__file__).resolve().parent.parent.parent


def refresh_in_a_process(centra: Centra) -> dict[str, Any]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()}
    command = [sys.executable, "-m", "tests.products.refresh_once", str(centra.integration.state("refresh").pk)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_twenty_thousand_items_are_refreshed_within_bounded_memory(
    centra: Centra, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue.many(centra.shop, 2_000)
    small = refresh_in_a_process(centra)
    catalogue.many(centra.shop, 18_000)
    centra.integration.state("refresh").ask(centra.integration.created_at, "Kim Berg")
    large = refresh_in_a_process(centra)
    assert (small["seen"], large["seen"]) == (2_000, 20_000)
    assert centra.integration.webshop_products.counts()[Tab.NEW] == 20_000
    growth = (large["peak"] - small["peak"]) / 1024
    record_property("peak_mb_2000", round(small["peak"] / 1024))
    record_property("peak_mb_20000", round(large["peak"] / 1024))
    with capsys.disabled():
        sys.stdout.write(
            f"\nrefresh: peak {small['peak'] / 1024:.0f} MB for 2,000 items, {large['peak'] / 1024:.0f} MB for 20,000"
            f" (start {large['before'] / 1024:.0f} MB)\n"
        )
    assert growth < 30, f"ten times the items took {growth:.0f} MB more"
    assert large["peak"] < 150 * 1024
