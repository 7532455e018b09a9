"""The drill of docs/operations.md: a restored backup touches no shop, and after `takeover` nothing is doubled."""

import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection, transaction

from orders.models import Status
from products.models import Movement, Stock
from tests.conftest import Centra
from tests.databases import database_url
from tests.orders.desk import Desk
from tests.orders.shop import look
from tests.products.stocked import switch_on, watch

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.django_db(transaction=True)


class Copy:
    """A database restored from a backup, and an installation that runs on it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def manage(self, *words: str) -> str:
        """manage.py in a process of its own, in the installation *staging*."""
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": self.url,
            "INSTALLATION": "staging",
        }
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def work(self, rounds: int = 1) -> list[str]:
        """What a worker does: every due row, as often as said. Returns what the orders stand at."""
        return self.manage("shell", "--no-imports", "-c", WORK.format(rounds=rounds)).split()


WORK = """
from django.utils import timezone
from integrations import pipes, sync
from integrations.models import SyncState
from myogo.celery import app
from orders.models import Order
app.loader.import_default_modules()
for round in range({rounds}):
    for state in SyncState.objects.order_by("pk"):
        app.tasks[pipes.PIPES[state.pipe].task](state.pk)
    SyncState.objects.filter(leased_until=None).update(next_run_at=timezone.now())
print(*Order.objects.order_by("pk").values_list("status", flat=True))
"""


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Where a backup is written to."""
    return tmp_path / "backup"


def back_up(to: Path) -> None:
    """While the portal runs."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as database:
            database.execute("VACUUM INTO ?", (str(to),))
        return
    tool("pg_dump", "--format=custom", f"--file={to}", database_url().replace("postgres://", "postgresql://"))


def tool(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def restore(tmp_path: Path) -> Iterator[Callable[[Path], Copy]]:
    """Restores a backup into a database of its own, gone afterwards."""
    made: list[str] = []

    def do(backup: Path) -> Copy:
        if connection.vendor == "sqlite":
            shutil.copy(backup, tmp_path / "restored.sqlite3")
            return Copy(f"sqlite:///{tmp_path / 'restored.sqlite3'}")
        name = f"restored_{uuid.uuid4().hex[:8]}"
        url = urlsplit(database_url())._replace(path=f"/{name}").geturl()
        admin(f'CREATE DATABASE "{name}"')
        made.append(name)
        tool("pg_restore", "--no-owner", f"--dbname={url.replace('postgres://', 'postgresql://')}", str(backup))
        return Copy(url)

    yield do
    for name in made:
        admin(f'DROP DATABASE "{name}" WITH (FORCE)')


def admin(sql: str) -> None:
    url = urlsplit(database_url())._replace(scheme="postgresql", path="/postgres").geturl()
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(sql.encode())


def asked(centra: Centra) -> list[str]:
    return list(centra.plugin.calls.values_list("endpoint", flat=True))


def test_a_restored_backup_touches_no_shop_until_it_is_taken_over_and_doubles_nothing(
    centra: Centra, backup: Path, restore: Callable[[Path], Copy]
) -> None:
    desk = Desk(centra)
    there, order = desk.order(3)
    waiting, second = desk.order(2)
    switch_on(centra.integration)
    look(centra, "stock")
    desk.mark(order)
    desk.mark(second)
    back_up(backup)  # both are marked, neither is handed over
    desk.run()  # since the backup: both handed over, one sent and told, pieces corrected and told
    desk.ship(order)
    desk.run()
    with transaction.atomic():
        stock = Stock.objects.lock([(product.pk, order.warehouse_id) for _size, product in desk.items[:1]])
        next(iter(stock.values())).move(-2, Movement.Why.ADJUSTED)
    look(centra, "stock")
    size = desk.items[0][0]
    size.refresh_from_db()
    shown = size.physical

    copy = restore(backup)
    watch(centra)
    assert copy.work(rounds=2) == [Status.NEW, Status.NEW]
    assert asked(centra) == []
    size.refresh_from_db()
    assert size.physical == shown

    said = copy.manage("takeover", "--yes")
    assert "“staging” has taken over. 1 integrations are looked at whole" in said
    copy.work(rounds=2)
    assert asked(centra), "shops are read again"
    assert all(endpoint.startswith("GET ") for endpoint in asked(centra)), "and nothing is written before staff say so"

    copy.manage(
        "shell", "--no-imports", "-c", "from integrations import installation; installation.current().allow_writing()"
    )
    copy.work(rounds=3)
    written = [endpoint for endpoint in asked(centra) if not endpoint.startswith("GET ")]
    assert set(written) <= {"POST stock"}, written
    assert [shipments.shipments.count() for shipments in (there, waiting)] == [1, 1]
