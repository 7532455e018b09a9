"""`python -m bench`: measure, write the report, and end with status 1 where a target is missed.

    python -m bench --scale small --only a b --report /tmp/benchmarks.md

Needs a PostgreSQL that lets us make a database (BENCH_POSTGRES_URL, else TEST_POSTGRES_URL).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from bench.engine import ROOT, Database, Engine, Shop

POSTGRES = (
    os.environ.get("BENCH_POSTGRES_URL")
    or os.environ.get("TEST_POSTGRES_URL")
    or "postgres://postgres@127.0.0.1:5432/postgres"
)
LETTERS = ("a", "b", "c", "d", "e", "f", "g", "h")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--scale", choices=("full", "small", "tiny"), default="full")
    parser.add_argument("--only", nargs="*", choices=LETTERS, default=list(LETTERS), metavar="LETTER")
    parser.add_argument("--report", type=Path, default=None, help="docs/benchmarks.md where everything was measured")
    parser.add_argument("--database", default=f"bench_{os.getpid()}")
    parser.add_argument("--port", type=int, default=0, help="of the shop; 0 for a free one")
    parser.add_argument("--keep", action="store_true", help="keep the database")
    return parser.parse_args(given)


def main(given: list[str]) -> int:
    options = arguments(given)
    database = Database(POSTGRES, options.database)
    try:
        database.make()
    except psycopg.OperationalError as error:
        say(f"No PostgreSQL at {POSTGRES.rpartition('@')[2]}: {error}")
        return 1
    os.environ.update(DATABASE_URL=database.url, DJANGO_SETTINGS_MODULE="bench.settings")
    try:
        with tempfile.TemporaryDirectory(prefix="bench-broker-") as folder:
            os.environ["BENCH_BROKER"] = folder
            return measure(options, database)
    finally:
        if not options.keep:
            database.drop()


def measure(options: argparse.Namespace, database: Database) -> int:
    """With the settings in place: everything that was asked for."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from bench import data, report
    from bench.results import Results
    from bench.stage import SCALES, Stage
    from myogo.tuning import tune

    began = time.monotonic()
    call_command("migrate", verbosity=0)
    data.give_defaults()
    tune()  # as a server does, for the pages
    scale, results = SCALES[options.scale], Results()
    shop = Shop.start(scale.items, scale.orders, scale.THINK, options.port)
    try:
        stage = Stage(Engine(database, shop), scale)
        for letter in sorted(options.only):
            started = time.monotonic()
            measures()[letter](stage, results)
            say(f"({letter}) measured in {time.monotonic() - started:.0f} s")
    finally:
        shop.stop()
    is_whole = options.scale == "full" and set(options.only) == set(LETTERS)
    path = options.report or (ROOT / "docs" / "benchmarks.md" if is_whole else None)
    if path:
        report.write(path, results, options.scale, time.monotonic() - began)
    connection.close()
    for table in results.tables:
        say(report.section(table))
    say(report.verdicts(results))
    return 0 if results.is_green else 1


def measures() -> dict[str, Any]:
    from bench.measures import (
        a_full_refresh,
        b_nothing_changed,
        c_intake,
        d_stock_push,
        e_poll_round,
        f_pages,
        g_memory,
        h_growth,
    )

    found = (a_full_refresh, b_nothing_changed, c_intake, d_stock_push, e_poll_round, f_pages, g_memory, h_growth)
    return {module.__name__.rpartition(".")[2][0]: module.measure for module in found}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
