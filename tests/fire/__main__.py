"""`python -m tests.fire --seed 1 --minutes 7.5 --orders 2000`: a storm, and exit status 1 where anything is not zero.

Needs a PostgreSQL that lets us make a database (TEST_POSTGRES_URL) and a redis-server on the PATH, which it starts by
itself. The report goes to `docs/fire.md`, or where `--report` says.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.fire.engines import OURS, ROOT, Database, Engines, NotToBeHad, free_port
from tests.fire.ways import TOKEN

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
# Seconds for what takes minutes and hours. No answer may be under way for longer than the wait after a lost one.
RHYTHMS = {
    "TICK_SECONDS": "1",
    "POLL_SECONDS": "10",
    "SWEEP_SECONDS": "25",
    "HANDOVER_SECONDS": "2",
    "STOCK_SECONDS": "5",
    "REFRESH_SECONDS": "25",
    "LOST_ANSWER_SECONDS": "8",
    "LEASE_SECONDS": "12",
    "TURN_SECONDS": "5",
}
EMBERS = 200.0  # seconds at most, after a whole storm, in which faults are met that wait for calls seldom made


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fire", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=7.5, help="how long the storm lasts")
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--rest", type=float, default=240.0, help="seconds to wait at most until nothing is owed")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--port", type=int, default=0, help="of the web process; 0 for a free one")
    parser.add_argument("--redis-port", type=int, default=0)
    parser.add_argument("--database", default=f"fire_{os.getpid()}")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "fire.md")
    parser.add_argument("--keep", action="store_true", help="keep the database and the logs")
    return parser.parse_args(given)


def environment(database: Database, redis_port: int, short: bool) -> dict[str, str]:
    """For every process of the storm."""
    rhythms = {**RHYTHMS, **({"SWEEP_SECONDS": "8", "REFRESH_SECONDS": "8", "POLL_SECONDS": "4"} if short else {})}
    return {
        **os.environ,
        **rhythms,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database.url,
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{redis_port}/0",
        "CELERY_QUEUE": "myogo",
        "ALLOWED_HOSTS": "*",
        "LOG_LEVEL": "WARNING",
        "METRICS_TOKEN": TOKEN,
        "PGAPPNAME": "fire",
    }


def main(given: list[str]) -> int:
    options = arguments(given)
    folder = Path(tempfile.mkdtemp(prefix="myogo-fire-"))
    redis_port = options.redis_port or free_port()
    database = Database(POSTGRES, options.database)
    variables = environment(database, redis_port, short=options.minutes < 3)
    engines = Engines(folder, database, variables, options.port or free_port(), redis_port, options.workers)
    is_green = False
    try:
        database.make()
        os.environ.update(variables, PGAPPNAME=OURS)
        is_green = burn(options, engines, given)
    except NotToBeHad as error:
        say(f"NOT RUN: {error}")
        return 2
    finally:
        engines.stop()
        _leave(options, folder, database, is_green=is_green)
    return 0 if is_green else 1


def burn(options: argparse.Namespace, engines: Engines, given: list[str]) -> bool:
    """Build, storm, rest, look, write."""
    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger().handlers = [logging.FileHandler(engines.folder / "driver.log")]
    call_command("migrate", verbosity=0)

    from tests.fire import embers, ours, plan, quiet, report, storm, town, truth, visits

    drawn = plan.draw(options.seed, options.minutes * 60, options.orders)
    towns = town.build(engines.port)
    for one in towns:
        one.is_rash = drawn.is_whole
    engines.start()
    what = f"{drawn.orders} orders, {len(drawn.acts)} acts in {drawn.seconds:.0f} s"
    say(f"Seed {drawn.seed}, plan {drawn.digest}: {what}.")
    people = visits.Visits(towns, f"http://127.0.0.1:{engines.port}", engines.was_away)
    people.move_in()
    burning = storm.Storm(drawn, towns, engines, people)
    started = time.monotonic()
    burning.rage()
    raged = time.monotonic() - started
    town.note_held(towns, drawn)
    smouldered = embers.burn_out(burning, EMBERS) if drawn.is_whole else 0.0
    say(f"The storm is over after {raged:.0f} s, the last faults {smouldered:.0f} s later; now until all is at rest.")
    owed = quiet.come_to_rest(towns, options.rest)
    rested = time.monotonic() - started - raged - smouldered
    say(f"{'Not at rest' if owed else 'At rest'} after {rested:.0f} s; now the truth.")
    result = report.Result(
        burning, truth.look(towns), owed, quiet.outcomes(towns), raged, rested, engines.database.version(),
        report.redis_version(), f"python -m tests.fire {' '.join(given)}".strip(), report.this_machine(),
        smouldered, ours.look(towns, engines.folder),
    )  # fmt: skip
    report.write(result, options.report)
    beside = [
        ("shown at a browser", result.seen.errors),
        ("errors of calls", burning.errors),
        ("failed in our own code", result.ours),
        ("planned faults that never hit", result.missed),
        ("neither seen nor pressed", result.not_seen),
    ]
    for name, found in [*result.findings.rows(), *beside]:
        say(f"{name}: {len(found)}")
        for what in found[: report.NAMED]:
            say(f"  {what}")
    for what in owed[: report.NAMED]:
        say(f"  {what}")
    say(f"The report is in {options.report}.")
    return result.is_green


def _leave(options: argparse.Namespace, folder: Path, database: Database, *, is_green: bool) -> None:
    """The logs of a storm that is not green stay: they say why."""
    from django.db import connections

    if options.keep:
        say(f"Kept: database {database.name}, logs in {folder}.")
        return
    connections.close_all()
    database.drop()
    if is_green:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"Kept: the logs in {folder}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
