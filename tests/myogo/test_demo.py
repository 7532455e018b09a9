"""The demo: one command, everything in it, Ctrl-C stops all, started again it goes on."""

import signal
import sqlite3
import subprocess
import sys
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
