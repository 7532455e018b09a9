"""The measurements run, and write their report; what they find is for a quiet machine to say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.everything import postgres_is_ours

ROOT = Path(__file__).resolve().parent.parent

pytestmark = [
    pytest.mark.skipif(not postgres_is_ours(), reason="the measurements need PostgreSQL"),
    pytest.mark.xdist_group("bench"),
]


def test_every_letter_is_measured_and_reported(tmp_path: Path) -> None:
    report = tmp_path / "benchmarks.md"
    command = [sys.executable, "-m", "bench", "--scale", "tiny", "--report", str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert report.exists(), done.stderr
    text = report.read_text()
    assert [letter for letter in "abcdefgh" if f"## ({letter}) " not in text] == []
    assert "PostgreSQL" in text
    assert "| target | found |" in text


def test_the_bench_is_no_part_of_the_portal() -> None:
    apps = ("merchants", "integrations", "products", "shipping", "orders", "myogo", "sandbox")
    files = [path for app in apps for path in (ROOT / app).rglob("*.py")]
    assert [path for path in files if "import bench" in (text := path.read_text()) or "from bench" in text] == []
