"""The measurements run, and write their report; what they find is for a quiet machine to say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import report
from bench.engine import MOST_SHARE
from bench.results import Results
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
    # So small a run says nothing of the targets; but one that is not met fails the command, whatever the size.
    assert (done.returncode == 0) == ("**missed**" not in text and "| void |" not in text), done.stderr


@pytest.mark.parametrize(
    ("ratio", "share", "word"),
    [
        (1.99, 0.0, "met"),
        (2.0, MOST_SHARE - 0.001, "met"),
        (2.01, 0.0, "**missed**"),
        (1.0, MOST_SHARE, "void"),
        (9.0, 0.5, "void"),
    ],
)
def test_a_target_that_is_missed_or_void_is_not_green(ratio: float, share: float, word: str) -> None:
    results = Results()
    results.judge("a", "full refresh", 2.0, ratio, share)
    assert results.is_green is (word == "met")
    assert f"| {word} |" in report.verdicts(results)
    results.judge("b", "another", 1.3, 1.0)
    assert results.is_green is (word == "met")


def test_nothing_judged_is_not_green() -> None:
    assert not Results().is_green


def test_the_bench_is_no_part_of_the_portal() -> None:
    apps = ("merchants", "integrations", "products", "shipping", "orders", "myogo", "sandbox")
    files = [path for app in apps for path in (ROOT / app).rglob("*.py")]
    assert [path for path in files if "import bench" in (text := path.read_text()) or "from bench" in text] == []
