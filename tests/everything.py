"""`make test`: style, types and all tests, on every engine that can be had here; says loudly what could not run.

    REQUIRE="postgresql redis chromium" python -m tests.everything     fails when one of these is missing

PostgreSQL is looked for at TEST_POSTGRES_URL, Redis at TEST_REDIS_URL (a database for each process of the run, from
this one on), Chromium on the PATH.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/10")
BIN = os.path.dirname(sys.executable)


def _files(names: str) -> tuple[str, ...]:
    return tuple(f"test_{name}.py" for name in names.split())


# What asks no database, or has one of its own. File by file: nothing new is left out by its name alone.
ELSEWHERE = {
    "tests": ("connectors", *_files("house bench network")),
    "tests/fuzz": _files("rows"),
    "tests/integrations": _files("doorbell"),
    "tests/myogo": _files("containers demo"),
    "tests/orders": _files("handing reading"),
    "tests/products": _files("decide skus"),
    "tests/security": _files("addresses dependencies"),
}
NO_DATABASE = [f"--ignore={folder}/{name}" for folder, names in ELSEWHERE.items() for name in names]
# Many workers at once, and the proof of the storm: shapes that run on PostgreSQL, looked at there where there is one.
MANY_WORKERS = ["--ignore=tests/orders/test_many_shops.py", "--ignore=tests/fire"]
# Nobody waits longer than a quarter of an hour. Where there is PostgreSQL, what becomes of orders is played through on
# it, as in production; pages, walls and the stand-in, which ask nothing that engines answer differently, on SQLite.
# Intake, deciding, promising, hand-over, refresh, stock and the machine run on both.
ORDERS = _files(
    "changes_answered differences handover_bundles handover_changes hold_mends links minds_changed minds_changed_shop "
    "money moves parts parts_edges restoring retry_after returning shared_shipments short tracking vanished withdraw "
    "intake_hard may_not_read_shipments our_faults shipments_as_orders short_shipments stock_figures undecided"
)
ON_POSTGRESQL = [*(f"tests/orders/{name}" for name in ORDERS), "tests/myogo/test_engines.py"]
ON_SQLITE = ["tests/merchants", "tests/sandbox", "tests/security", "tests/test_access.py", "tests/test_look.py"]
LEFT_TO_POSTGRESQL = [f"--ignore={name}" for name in ON_POSTGRESQL]
LEFT_TO_SQLITE = ["--ignore-glob=*/test_pages*.py", *(f"--ignore={name}" for name in ON_SQLITE)]
FEW_EXAMPLES = {"MACHINE_EXAMPLES": "4"}  # the other half is drawn on PostgreSQL
CORES = str(min(4, os.cpu_count() or 1))


def say(text: str) -> None:
    sys.stdout.write(f"\n\033[1m{text}\033[0m\n")
    sys.stdout.flush()


def answers(url: str, port: int) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or port), timeout=2).close()
    except OSError:
        return False
    return True


def postgres_is_ours() -> bool:
    """It answers, and lets us make databases."""
    if not answers(POSTGRES, 5432):
        return False
    import psycopg

    try:
        with psycopg.connect(POSTGRES, connect_timeout=3) as connection:
            row = connection.execute("SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
    except psycopg.Error:
        return False
    return bool(row and row[0])


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def missing_engines() -> list[str]:
    found = {"postgresql": postgres_is_ours(), "redis": answers(REDIS, 6379), "chromium": chromium() is not None}
    return [name for name, is_there in found.items() if not is_there]


def step(title: str, *command: str, **environment: str) -> bool:
    say(title)
    started = time.monotonic()
    inherited = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    result = subprocess.run(
        [os.path.join(BIN, command[0]), *command[1:]], env={**inherited, **environment}, check=False
    )
    sys.stdout.write(f"({title}: {time.monotonic() - started:.0f} s)\n")
    return result.returncode == 0


def main() -> int:
    missing = missing_engines()
    required = os.environ.get("REQUIRE", "").split()
    if lacking := [name for name in missing if name in required]:
        say(f"Required, but not to be had here: {', '.join(lacking)}.")
        return 1
    pytest = ("pytest", "-q", "-n", CORES, "--dist", "loadgroup", "--timeout", "300", "--durations", "15")
    redis = {} if "redis" in missing else {"TEST_REDIS_URL": REDIS}
    elsewhere, fewer = ([], {}) if "postgresql" in missing else ([*MANY_WORKERS, *LEFT_TO_POSTGRESQL], FEW_EXAMPLES)
    steps = [
        step("Style", "ruff", "check", "."),
        step("Format", "ruff", "format", "--check", "."),
        step("Templates", "djlint", "--quiet", "--lint", "templates"),
        step("Types", "mypy", "."),
        step("Tests on SQLite", *pytest, "-m", "not browser and not fire", *elsewhere, **redis, **fewer),
    ]
    if "chromium" not in missing:
        # File by file: the chapters of a story follow each other in one demo.
        browser = ("pytest", "-q", "-m", "browser", "tests/browser", "-n", "2", "--dist", "loadfile")
        steps.append(step("Browser", *browser, "--timeout", "300"))
    if "postgresql" not in missing:
        steps.append(
            step(
                "Tests on PostgreSQL",
                *pytest,
                "-m",
                "not browser and not fire",
                *NO_DATABASE,
                *LEFT_TO_SQLITE,
                DATABASE_URL=POSTGRES,
                **redis,
            )
        )
        if "redis" not in missing:
            # Alone, for it has engines of its own and wants the whole machine.
            steps.append(step("Under fire, shortly", "pytest", "-q", "-m", "fire", "tests/fire"))
    for name in missing:
        say(f"NOT RUN: the tests that need {name}, for there is none here.")
    say("All that ran is green." if all(steps) else "Something failed, see above.")
    return 0 if all(steps) else 1


if __name__ == "__main__":
    sys.exit(main())
