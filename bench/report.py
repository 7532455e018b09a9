"""`docs/benchmarks.md`, written from what a run found."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from django.db import connection

from bench.engine import MOST_SHARE
from bench.results import Results, Table, percent

HEAD = """# Benchmarks

Written by `make bench`; do not edit. Every ratio is against a floor that was measured in the same run, on the same
machine, so that it says the same on another one. The shop is a process of its own that serves bytes rendered
beforehand; where it takes {share} of a measured time or more, the ratio is void.
"""


def write(path: Path, results: Results, scale: str, took: float) -> None:
    parts = [HEAD.format(share=percent(MOST_SHARE)), machine(scale, took), verdicts(results)]
    parts += [section(table) for table in sorted(results.tables, key=lambda table: table.letter)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts))


def machine(scale: str, took: float) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0].split()[0]
        cursor.execute(
            "SELECT name, setting || COALESCE(unit, '') FROM pg_settings WHERE name = ANY(%s)", [list(SHOWN)]
        )
        settings = ", ".join(f"{name} {value}" for name, value in sorted(cursor.fetchall()))
    rows = [
        ("When", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, of {commit()}"),
        ("Scale", f"{scale}; the whole run took {took / 60:.1f} minutes"),
        ("Machine", f"{os.cpu_count()} cores, {processor()}, {memory()}; {platform.system()} {platform.release()}"),
        ("Python", f"{platform.python_version()}; Django {version('django')}, psycopg {version('psycopg')}"),
        ("PostgreSQL", f"{postgres}; {settings}"),
    ]
    return grid(("", ""), rows)


SHOWN = ("shared_buffers", "work_mem", "fsync", "synchronous_commit")


def commit() -> str:
    """What `git describe` calls the code that was measured; "unknown" where there is no git."""
    describe = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(describe, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def processor() -> str:
    return found_in("/proc/cpuinfo", "model name") or platform.machine()


def memory() -> str:
    kilobytes = found_in("/proc/meminfo", "MemTotal").split(" ")[0]
    return f"{int(kilobytes) / 1024 / 1024:.0f} GB" if kilobytes else "memory unknown"


def found_in(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def verdicts(results: Results) -> str:
    rows = [(f"({one.letter})", one.what, one.target, one.found, one.word) for one in results.verdicts]
    return "\n## Targets\n\n" + grid(("", "", "target", "found", ""), sorted(rows, key=lambda row: row[0]))


def section(table: Table) -> str:
    return f"\n## ({table.letter}) {table.title}\n\n{table.how}\n\n" + grid(table.head, table.rows)


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
