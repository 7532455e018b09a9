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


# Nobody waits longer than a quarter of an hour. Where there is PostgreSQL, what becomes of orders is played through on
# it, as in production, with all races, and all the rest on SQLite; what an engine may answer differently runs on both:
# leases, searches and long lists, intake, refresh, stock, cut connections, dumps. Without it SQLite has everything.
ON_POSTGRESQL = {
    "tests/orders": _files(
        "changes_answered differences handover handover_bundles handover_changes hold_mends intake_hard intake_polls "
        "links machine many_shops may_not_read_shipments minds_changed minds_changed_shop money moves "
        "new_address_race our_faults parts parts_edges restoring retry_after returning shared_shipments "
        "shipments_as_orders short short_shipments stock_figures stock_race tracking undecided vanished withdraw"
    ),
    "tests/products": _files("creating_race stock_race stock_receiving stock_tellers"),
    "tests/myogo": _files("engines"),
    "tests": ("fire",),
}
ON_BOTH = {
    "tests": _files("lists search"),
    "tests/integrations": _files("commits race sync sync_neighbours"),
    "tests/myogo": _files("failing restore running watch"),
    "tests/orders": _files("deciding front intake ledger pages_list"),
    "tests/products": _files("creating known_pages refresh refresh_hard stock_brake stock_drift stock_push"),
    "tests/security": _files("dump"),
    "tests/shipping": (),
}


def _paths(*groups: dict[str, tuple[str, ...]]) -> list[str]:
    return [f"{folder}/{name}" for group in groups for folder, names in group.items() for name in names or ("",)]


LEFT_TO_POSTGRESQL = [f"--ignore={path}" for path in _paths(ON_POSTGRESQL)]
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
    elsewhere = [] if "postgresql" in missing else LEFT_TO_POSTGRESQL
    steps = [
        step("Style", "ruff", "check", "."),
        step("Format", "ruff", "format", "--check", "."),
        step("Templates", "djlint", "--quiet", "--lint", "templates"),
        step("Types", "mypy", "."),
        step("Tests on SQLite", *pytest, "-m", "not browser and not fire", *elsewhere, **redis),
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
                *_paths(ON_POSTGRESQL, ON_BOTH),
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
