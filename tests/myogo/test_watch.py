"""What machines ask of the portal: is it alive, is it ready, how is it doing; and what its log says."""

import json
import logging
import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from celery import current_app
from django.conf import LazySettings
from django.db import DataError, IntegrityError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations import installation, log_context, pipes, sync
from integrations.connectors.errors import Unavailable
from integrations.models import SyncState
from merchants.models import Merchant
from myogo import health, logs
from orders.deleting import delete
from orders.models import Hold, Order, Status
from tests import factories

TOKEN = "a-token-for-prometheus"  # noqa: S105


@pytest.fixture(autouse=True)
def not_seen_before() -> Iterator[None]:
    health._is_up_to_date.clear()
    yield
    health._is_up_to_date.clear()


# --- live and ready -------------------------------------------------------------------------


def test_alive_without_a_database_under_any_host_name(client: Client, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/health/live", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_ready_when_database_and_broker_answer_under_any_host_name(client: Client, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.CELERY_BROKER_URL = "memory://localhost/"
    answer = client.get("/health/ready", headers={"host": "10.0.0.7:8000"})
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": "ok",
        "migrations": "ok",
        "broker": "ok",
        "cache": "ok",
    }


@pytest.mark.django_db
def test_not_ready_while_a_migration_is_missing(client: Client) -> None:
    recorder = MigrationRecorder(connection)
    last = recorder.migration_qs.filter(app="orders").latest("pk")
    last.delete()
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["migrations"] == "1 migrations are not applied: run `manage.py migrate`."
    recorder.record_applied("orders", last.name)
    assert client.get("/health/ready").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["redis://:the-password@127.0.0.1:1/0", "amqp://user:the-password@127.0.0.1:1//"])
def test_a_broker_that_is_away_is_told_without_its_password_and_takes_no_page_away(
    client: Client, settings: LazySettings, url: str
) -> None:
    settings.CELERY_BROKER_URL = url
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert answer.json()["broker"] == "The broker does not answer."
    assert "the-password" not in answer.content.decode()


def test_not_ready_without_a_database(client: Client, settings: LazySettings, tmp_path: Any) -> None:
    """A database that cannot be opened: the file's folder is not there, nobody listens at the port."""
    script = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "answer = Client().get('/health/ready')\n"
        "print(answer.status_code, answer.json()['database'], Client().get('/health/live').status_code)\n"
    )
    for url in (f"sqlite:///{tmp_path}/no/folder/x.sqlite3", "postgres://nobody:hidden@127.0.0.1:1/none"):
        environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        said = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        assert said.stdout.strip() == "503 The database does not answer. 200"


# --- metrics --------------------------------------------------------------------------------


def read(client: Client) -> dict[str, float]:
    """Every sample by its name with labels."""
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}", "host": "10.0.0.7"})
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@pytest.fixture
def token(settings: LazySettings) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.mark.django_db
def test_without_a_token_there_is_no_such_page(client: Client) -> None:
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("said", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
def test_whoever_does_not_carry_the_token_reads_nothing(client: Client, token: None, said: str) -> None:
    answer = client.get("/metrics", headers={"authorization": said} if said else {})
    assert answer.status_code == 403
    assert b"myogo_" not in answer.content


@pytest.mark.django_db
def test_lag_queue_and_failures_per_pipe(client: Client, token: None) -> None:
    now = timezone.now()
    one, two = factories.integration(), factories.integration()
    SyncState.objects.update(next_run_at=now + timedelta(hours=1), last_succeeded_at=now)
    one.states.filter(pipe="stock").update(next_run_at=now - timedelta(seconds=300))
    two.states.filter(pipe="stock").update(next_run_at=now - timedelta(seconds=10), rung_at=now)
    one.states.filter(pipe="intake").update(leased_until=now + timedelta(minutes=1), next_run_at=now)
    two.states.filter(pipe="intake").update(is_paused=True, next_run_at=now - timedelta(days=1))
    one.states.filter(pipe="refresh").update(attention="bad key", failed_attempts=4)
    two.states.filter(pipe="refresh").update(failed_attempts=1, last_succeeded_at=now - timedelta(hours=2))
    found = read(client)
    assert found['myogo_pipe_lag_seconds{pipe="stock"}'] == pytest.approx(300, abs=5)
    assert found['myogo_pipe_lag_seconds{pipe="intake"}'] == 0  # running, and paused
    assert found['myogo_pipe_overdue{pipe="stock"}'] == 1
    for state, rows in {"waiting": 1, "rung": 1, "running": 0, "paused": 0}.items():
        assert found[f'myogo_queue_rows{{pipe="stock",state="{state}"}}'] == rows, state
    for state, rows in {"waiting": 0, "rung": 0, "running": 1, "paused": 1}.items():
        assert found[f'myogo_queue_rows{{pipe="intake",state="{state}"}}'] == rows, state
    assert found['myogo_failing_integrations{attention="bad key",pipe="refresh"}'] == 1
    assert found['myogo_failing_integrations{attention="unavailable",pipe="refresh"}'] == 1
    assert found['myogo_failing_integrations{attention="unavailable",pipe="stock"}'] == 0
    assert found['myogo_pipe_success_age_seconds{pipe="refresh"}'] == pytest.approx(7200, abs=5)


@pytest.mark.django_db
def test_a_pipe_that_never_succeeded_is_as_old_as_its_integration(client: Client, token: None) -> None:
    one, other = factories.integration(), factories.integration()
    type(one).objects.filter(pk=one.pk).update(created_at=timezone.now() - timedelta(days=1))
    other.states.update(last_succeeded_at=timezone.now())
    found = read(client)
    assert found['myogo_pipe_success_age_seconds{pipe="intake"}'] == pytest.approx(86_400, abs=5)


@pytest.mark.django_db
def test_runs_are_counted_by_how_they_ended_and_given_back_ones_not(client: Client, token: None) -> None:
    one, other = factories.integration(), factories.integration()
    state = one.state("refresh")

    def run(job: Any) -> None:
        SyncState.objects.filter(pk=state.pk).update(next_run_at=timezone.now(), leased_until=None)
        sync.run(state.pk, job)

    def fails(run: sync.Run) -> None:
        raise Unavailable("The shop does not answer.")

    def gives_back(run: sync.Run) -> None:
        raise sync.TurnOver

    for job in (lambda run: run.quiet(), lambda run: run.quiet(), gives_back, fails):
        run(job)
    found = read(client)
    assert found[f'myogo_runs_total{{integration="{one.pk}",outcome="succeeded",pipe="refresh"}}'] == 2
    assert found[f'myogo_runs_total{{integration="{one.pk}",outcome="failed",pipe="refresh"}}'] == 1
    assert found[f'myogo_runs_total{{integration="{other.pk}",outcome="succeeded",pipe="refresh"}}'] == 0


@pytest.mark.django_db
def test_no_counter_falls_when_an_integration_is_deleted(client: Client, token: None) -> None:
    """Prometheus takes a fall for a restart, and all that was counted ever for what happened since."""
    one, other = factories.integration(), factories.integration()
    SyncState.objects.update(succeeded_runs=1000, failed_runs=10)
    before = {name: value for name, value in read(client).items() if name.startswith("myogo_runs_total")}
    delete(one, "Sam")
    after = {name: value for name, value in read(client).items() if name.startswith("myogo_runs_total")}
    assert set(after) < set(before)
    assert after
    assert [name for name, value in after.items() if value < before[name]] == []
    assert all(f'integration="{other.pk}"' in name for name in after)


@pytest.mark.django_db
def test_what_waits_and_what_shops_are_owed(client: Client, token: None, merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    ago = timezone.now() - timedelta(seconds=100)
    common: dict[str, Any] = {"merchant": merchant, "integration": shop, "warehouse": shop.warehouse, "shop": shop.shop}
    for number in ("1", "2"):
        held = Order.objects.create(**common, number=number, status=Status.RESERVED)
        Hold.objects.create(order=held, cause="phone", text="No phone.")
    Order.objects.create(**common, number="3", status=Status.SHIPPED, shipped_at=ago)
    Order.objects.create(**common, number="4", status=Status.SHIPPED, shipped_at=ago, told_at=ago)
    Order.objects.create(**common, number="5", status=Status.NEW, handover_asked_at=ago)
    shop.states.filter(pipe="intake").update(remembers={"ledger": {"lost": 3}})
    found = read(client)
    assert found['myogo_orders_waiting{cause="phone"}'] == 2
    for what in ("completion", "handover"):
        assert found[f'myogo_orders_owed{{what="{what}"}}'] == 1
        assert found[f'myogo_orders_owed_oldest_seconds{{what="{what}"}}'] == pytest.approx(100, abs=5)
    assert found["myogo_orders_missing"] == 3


@pytest.mark.django_db
def test_whether_shops_are_talked_to(client: Client, token: None) -> None:
    found = read(client)
    assert (found["myogo_installation_is_ours"], found["myogo_writing_stopped"]) == (1, 0)
    installation.current().stop_writing("Sam")
    installation.Installation.objects.update(name="elsewhere")
    found = read(client)
    assert (found["myogo_installation_is_ours"], found["myogo_writing_stopped"]) == (0, 1)


@pytest.mark.django_db
def test_many_integrations_and_orders_cost_no_more_queries(client: Client, token: None, merchant: Merchant) -> None:
    counts = []
    for _round in range(2):
        for number in range(3):
            shop = factories.integration(merchant)
            factories.product(merchant)
            name = f"{shop.pk}-{number}"
            order = Order.objects.create(
                merchant=merchant, number=name, status=Status.RESERVED, warehouse=shop.warehouse
            )
            Hold.objects.create(order=order, cause="phone", text="No phone.")
        with CaptureQueriesContext(connection) as queries:
            read(client)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 8


# --- the log --------------------------------------------------------------------------------


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the portal logs meanwhile, as it would be printed in JSON."""
    printed: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            printed.append(self.format(record))

    keeper = Keeper()
    keeper.setFormatter(logs.Json())
    root = logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.INFO)
    yield printed
    root.removeHandler(keeper)
    root.setLevel(level)


def test_the_format_is_json_where_it_is_no_machine_to_play_on(settings: Any) -> None:
    assert settings.LOGGING["formatters"]["json"]["()"] == "myogo.logs.Json"
    assert settings.LOG_FORMAT == "text"  # the tests' settings have the sandbox


@pytest.mark.django_db
def test_every_line_of_a_run_names_integration_pipe_and_run(lines: list[str]) -> None:
    state = factories.integration().state("refresh")
    sync.run(state.pk, lambda run: logging.getLogger("products.refresh").warning("something odd"))
    logging.getLogger("elsewhere").warning("afterwards")
    inside, ended, after = (json.loads(line) for line in lines)
    facts = {"integration": state.integration_id, "pipe": "refresh"}
    for line in (inside, ended):
        assert {key: line[key] for key in facts} == facts
        assert line["run"] == state.integration.runs.get().pk
    assert (inside["message"], inside["level"], inside["logger"]) == ("something odd", "warning", "products.refresh")
    assert ended["message"] == "Succeeded."
    assert "run" not in after


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [IntegrityError, ValueError, KeyError])
def test_an_error_of_ours_is_logged_with_its_place_and_without_what_was_worked_on(
    lines: list[str], kind: type[Exception]
) -> None:
    state = factories.integration().state("refresh")

    row = "Failing row contains (Kim Berg, Storgata 1, kim@example.com)"

    def fails(run: sync.Run) -> None:
        try:
            raise kind(row)
        except kind as error:
            raise RuntimeError(row) from error

    sync.run(state.pk, fails)
    line = json.loads(next(line for line in lines if '"error"' in line))
    assert line["error"] == "RuntimeError"
    assert kind.__name__ in line["trace"]
    assert "in fails" in line["trace"]
    assert "Kim" not in "".join(lines)


@pytest.mark.django_db
def test_a_shops_refusal_is_logged_by_its_kind_alone(lines: list[str]) -> None:
    state = factories.integration().state("refresh")

    def fails(run: sync.Run) -> None:
        raise Unavailable("The shop said: Kim Berg is on holiday")

    sync.run(state.pk, fails)
    assert [json.loads(line)["message"] for line in lines] == ["Failed: Unavailable."]


ROW = "Failing row contains (Kim Berg, Storgata 1, kim@example.com)"


def fails(kind: str) -> None:
    try:
        raise KINDS[kind](ROW)
    except ValueError as error:
        raise RuntimeError(f"Row: {error}") from error


@pytest.fixture
def task() -> Iterator[Any]:
    """One that fails, known to Celery for as long as the test runs."""
    yield current_app.task(name="tests.fails", lazy=False)(fails)
    current_app.tasks.unregister("tests.fails")


KINDS: dict[str, type[Exception]] = {
    kind.__name__: kind for kind in (IntegrityError, DataError, KeyError, ValueError, smtplib.SMTPException)
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("formatter", [logs.Json, logs.Text])
def test_what_a_task_raised_is_logged_without_what_was_worked_on(
    lines: list[str], task: Any, formatter: type[logs.Quiet], kind: str
) -> None:
    """Celery puts it into the message."""
    logging.getLogger().handlers[-1].setFormatter(formatter())
    task.apply((kind,))
    said = "".join(lines)
    assert "raised unexpected" in said
    assert kind in said
    assert "in fails" in said
    assert "Kim" not in said


def test_what_a_task_raised_is_quoted_where_it_names_no_row(lines: list[str], task: Any) -> None:
    """A deadlock's first line; whoever is on duty must know which it was."""
    KINDS["OperationalError"] = OperationalError
    task.apply(("OperationalError",))
    [line] = [json.loads(line) for line in lines if "raised unexpected" in line]
    assert line["message"].endswith(f"raised unexpected: django.db.utils.OperationalError: {ROW}")


def test_an_error_that_is_written_into_the_message_is_its_kind_alone(lines: list[str]) -> None:
    log = logging.getLogger("elsewhere")
    error = IntegrityError(ROW)
    log.warning("one %s and %r", error, error)
    log.warning("by name %(error)s", {"error": error})
    log.error(f"written {error} as {error!r}", exc_info=error)
    assert [json.loads(line)["message"].count("django.db.utils.IntegrityError") for line in lines] == [2, 1, 2]
    assert "Kim" not in "".join(lines)


@pytest.fixture
def alarms() -> Iterator[StringIO]:
    """What the lines look like that Django logs of requests it calls suspicious, in JSON."""
    logger = logging.getLogger("django.security")
    [handler] = (one for one in logger.handlers if type(one) is logging.StreamHandler)
    assert not logger.propagate, "nothing else prints them"
    formatter, printed = handler.formatter, StringIO()
    before = handler.setStream(printed)
    handler.setFormatter(logs.Json())
    yield printed
    handler.setFormatter(formatter)
    handler.setStream(before or sys.stderr)


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["another host", "too many fields", "too large a body"])
def test_what_any_stranger_can_bring_about_is_no_error_and_has_no_trace(
    lines: list[str], alarms: StringIO, settings: LazySettings, what: str
) -> None:
    """Else anybody could wake whoever is on duty, or fill the disk."""
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 3, 1000
    typed = {"name": "x" * 2000} if "body" in what else dict.fromkeys("abcdef", "x")
    headers = {"Host": "evil.example"} if "host" in what else {}
    client = Client(raise_request_exception=False)
    body = "&".join(f"{name}={value}" for name, value in typed.items())
    kind = "application/x-www-form-urlencoded"
    assert client.post(reverse("account_login"), body, content_type=kind, headers=headers).status_code == 400
    [line] = [json.loads(line) for line in alarms.getvalue().splitlines()]
    assert (line["level"], "trace" in line, "error" in line) == ("warning", False, False)
    assert line["logger"].startswith("django.security.")
    assert [json.loads(line)["level"] for line in lines if json.loads(line)["level"] == "error"] == []


def test_text_for_people_names_them_too() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "read %d pages", (3,), None)
    with log_context.during(integration=7, pipe="stock", run=9):
        assert logs.Text().format(record).endswith("INFO    x read 3 pages [integration=7 pipe=stock run=9]")
    assert pipes.PIPES["stock"].writes
