"""One API token, sent through everything that is done with one; afterwards it stands nowhere but in its call's header.

The shop is hostile: whatever it answers, it says back the key and the address that it was called with.
"""

import io
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path, reverse
from django.utils import timezone
from django.views.debug import ExceptionReporter
from django.views.decorators.csrf import csrf_exempt

import myogo.urls
from integrations import sync
from integrations.models import Integration, SyncRun
from orders.handover import hand_over
from orders.intake import intake
from products import refresh, stock
from tests import factories
from tests.addresses import World, make_world
from tests.connectors.hostile import Hostile, answer
from tests.integrations import filled
from tests.security.planted import TOKEN, TYPED, database_text, found, ours
from tests.security.walk import METRICS_TOKEN, WATCHED, browser, visits, watching

JOBS: dict[str, Callable[[sync.Run], None]] = {
    "refresh": refresh.refresh,
    "intake": intake,
    "hand-over": hand_over,
    "stock": stock.push,
}
CUSTOMER = "Ottilia"
pytestmark = pytest.mark.django_db(transaction=True)


class Parrot(Hostile):
    """Repeats the key and the address of each call in its answer's words and headers."""

    def __init__(self, status: int, shape: str) -> None:
        super().__init__(self.say_it_back)
        self.status, self.shape = status, shape

    def say_it_back(self, line: socket.socket, over: threading.Event) -> bool:
        call = self.seen[-1]
        key = call.headers["api-authorization"]
        words = f"Bad request with API-Authorization: {key} to http://me:{key}@127.0.0.1{call.target}?key={key}"
        texts = {
            "html": f"<html><h1>{words}</h1></html>",
            "json": json.dumps({"status": "no", "errors": {"key": words}, "message": words, "trace": words}),
            "cut": '{"status": "ok", "products": [{"product": "' + words,
            "rows": json.dumps({"status": "ok", "products": [{"product": {"x": words}}], "orders": [{"x": words}]}),
        }
        headers = {"Retry-After": key, "Location": f"https://evil.example/{key}", "Set-Cookie": f"key={key}"}
        return answer(texts[self.shape].encode(), self.status, headers)(line, over)


ANSWERS = [(200, "html"), (200, "json"), (200, "cut"), (200, "rows"), (302, "html"), (400, "json"), (401, "html")]
ANSWERS += [(401, "json"), (403, "html"), (403, "json"), (404, "html"), (429, "json"), (500, "html"), (503, "json")]


class Everything(logging.Handler):
    """Each record as a handler would write it, with the variables of its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record))
        self.lines.append(repr(record.args))


@contextmanager
def listening() -> Iterator[Everything]:
    """All loggers at DEBUG, those too that pass nothing on."""
    handler, root = Everything(), logging.getLogger()
    names = [name for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)]
    quiet = [one for one in map(logging.getLogger, names) if not one.propagate]
    levels = {one: one.level for one in [root, *map(logging.getLogger, names)]}
    for one in levels:
        one.setLevel(logging.DEBUG)
    for one in [root, *quiet]:
        one.addHandler(handler)
    try:
        yield handler
    finally:
        for one, level in levels.items():
            one.setLevel(level)
        for one in [root, *quiet]:
            one.removeHandler(handler)


def broken(run: sync.Run) -> None:
    """A fault of our own in the middle of a call, with the key within reach."""
    secret = run.integration.secret.reveal()
    assert secret == TOKEN
    with run.connect() as shop:
        raise RuntimeError(f"broken with {shop!r} and {run.integration.secret!r}")


@pytest.fixture
def world() -> World:
    world = make_world()
    world.integration.secret = TOKEN
    world.integration.save()
    return world


class Lived:
    """What was answered and logged while the token went through everything."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.logged = ""
        self.calls = 0


def live(world: World) -> Lived:
    """Save, test, run each pipe, against each answer; and a fault of our own."""
    lived, client = Lived(), browser(world.owner)
    with listening() as log:
        for status, shape in ANSWERS:
            with Parrot(status, shape) as shop:
                Integration.objects.filter(pk=world.integration.pk).update(
                    base_url=shop.url, shop=f"127.0.0.1:{shop.port}"
                )
                _press(lived, client, world, shop.url)
                _run(world, JOBS)
                lived.calls += len(shop.seen)
        with Parrot(500, "html") as shop:
            Integration.objects.filter(pk=world.integration.pk).update(base_url=shop.url)
            _run(world, dict.fromkeys(JOBS, broken))
    lived.logged = "\n".join(log.lines)
    return lived


def _press(lived: Lived, client: Client, world: World, url: str) -> None:
    page = reverse("integrations:edit", args=[world.merchant.pk, world.integration.pk])
    other = reverse("integrations:new", args=[world.merchant.pk, "centra"])
    plain, htmx = dict[str, str](), {"HX-Request": "true"}
    tries = [(page, TYPED, "test", plain), (page, TYPED, "test", htmx), (page, "", "test", htmx)]
    tries += [(page, TYPED, "save", plain), (page, "", "save", htmx), (other, TYPED, "save", plain)]
    for number, (where, secret, act, headers) in enumerate(tries):
        sent = filled.form(world.merchant, secret=secret, base_url=url, act=act, name=f"Nordlys {number}")
        said = client.post(where, sent, headers=headers)
        lived.texts.append(said.content.decode() + str(said.headers))
    # What was saved with the typed key and a warning goes back to the planted one.
    world.integration.refresh_from_db()
    world.integration.secret = TOKEN
    world.integration.save()
    world.merchant.integrations.exclude(pk=world.integration.pk).delete()


def _run(world: World, jobs: dict[str, Callable[[sync.Run], None]]) -> None:
    world.integration.refresh_from_db()
    for key, job in jobs.items():
        state = world.integration.state(key)
        state.ask(timezone.now(), "Kim")
        sync.run(state.pk, job)


@pytest.fixture
def lived(world: World, settings: LazySettings) -> Lived:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}  # ask without end
    return live(world)


# --- nowhere -----------------------------------------------------------------------------------------


def test_a_token_that_went_through_everything_stands_nowhere(world: World, lived: Lived) -> None:
    """Answers, logs at DEBUG, the database and its file or dump, what sessions hold, dumped data, and every page."""
    assert lived.calls > 80, "the shop was really asked"
    assert SyncRun.objects.filter(outcome="failed").count() >= len(JOBS)
    assert "failed in our own code" in lived.logged
    assert found("".join(lived.texts), TOKEN, TYPED, *ours()) == []
    assert found(lived.logged, TOKEN, TYPED, *ours()) == []
    assert found(database_text(), TOKEN, TYPED, *ours()) == []
    dumped = io.StringIO()
    call_command("dumpdata", exclude=["sandbox"], stdout=dumped)
    assert found(dumped.getvalue(), TOKEN, TYPED, *ours()) == []
    pages = runs = 0
    for visit in visits(world):
        assert found(visit.text, TOKEN, TYPED, *ours()) == [], str(visit)
        pages += visit.is_page
    client = browser(world.owner)
    for run in SyncRun.objects.all():
        page = reverse("integrations:run", args=[world.merchant.pk, world.integration.pk, run.pk])
        assert found(client.get(page).content, TOKEN, TYPED) == []
        runs += 1
    assert (pages > 100, runs > 10) == (True, True)


def test_machines_that_watch_are_answered_without_a_secret(world: World) -> None:
    """Every address that the middleware answers, while the shop refuses the key."""
    with Parrot(401, "json") as shop:
        Integration.objects.filter(pk=world.integration.pk).update(base_url=shop.url, shop=f"127.0.0.1:{shop.port}")
        _run(world, JOBS)
    seen = watching()
    assert [(visit.what, visit.answer.status_code) for visit in seen] == [(f"GET {url}", 200) for url in WATCHED]
    assert 'myogo_failing_integrations{attention="bad key"' in seen[-1].text
    assert [str(visit) for visit in seen if found(visit.text, TOKEN, TYPED, METRICS_TOKEN, *ours())] == []


def test_the_search_finds_a_token_where_one_is(world: World) -> None:
    """In a log line, a page, a row, a session, a dump."""
    assert found(f"x {TOKEN} y", TOKEN)
    assert found(database_text(), TOKEN) == []
    world.integration.states.update(last_error=f"refused {TOKEN}")
    assert found(database_text(), TOKEN)
    client = browser(world.owner)
    world.integration.states.update(failed_attempts=1, failing_since=timezone.now())
    page = reverse("integrations:edit", args=[world.merchant.pk, world.integration.pk])
    assert found(client.get(page).content, TOKEN)
    with listening() as log:
        logging.getLogger("urllib3.connectionpool").debug("said %s", TOKEN)
        logging.getLogger("django.server").debug("said %s", TYPED)
    assert found("".join(log.lines), TOKEN, TYPED)


# --- mails about our own faults --------------------------------------------------------------------


@csrf_exempt
def fault(request: HttpRequest) -> HttpResponse:
    """What a fault of ours has within reach: the form, an integration, the key itself."""
    typed = request.POST["secret"]
    stored = Integration.objects.get().secret.reveal()
    raise RuntimeError(f"a fault after {len(typed) + len(stored)} letters")


urlpatterns = [path("fault/", fault), path("", include(myogo.urls))]


@pytest.mark.urls("tests.security.test_secrets")
def test_a_mail_about_our_own_fault_holds_neither_what_was_typed_nor_a_secret(settings: LazySettings) -> None:
    factories.integration(secret=TOKEN)
    settings.ADMINS = [("Kim", "kim@example.com")]
    settings.CELERY_BROKER_URL = "redis://:broker-pass-77@127.0.0.1:6379/0"
    settings.EMAIL_HOST_PASSWORD = "mail-pass-77"
    settings.CACHES = {**settings.CACHES, "other": {"BACKEND": "x", "LOCATION": "redis://:cache-pass-77@h/1"}}
    sent = {"secret": TYPED, "name": "Ottilia", "password": "user-pass-77"}
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "session-77"
    page = client.post("/fault/", sent, headers={"Authorization": f"Bearer {TYPED}", "API-Authorization": TYPED})
    assert page.status_code == 500
    assert len(mail.outbox) == 1
    text = f"{mail.outbox[0].subject} {mail.outbox[0].message().as_string()}"
    assert "a fault after" in text
    assert found(text, TOKEN, TYPED, *ours()) == []
    assert [word for word in ("-pass-77", "session-77", "Ottilia") if word in text] == []


def test_a_report_with_variables_holds_none_of_their_values(rf: Any, settings: LazySettings) -> None:
    """As `include_html` would send it."""
    factories.integration(secret=TOKEN)
    request = rf.post("/fault/", {"secret": TYPED, "name": CUSTOMER})
    try:
        fault(request)
    except RuntimeError as error:
        reporter = ExceptionReporter(request, type(error), error, error.__traceback__)
    for text in (reporter.get_traceback_html(), reporter.get_traceback_text()):
        assert "a fault after" in text
        assert found(text, TOKEN, TYPED, *ours()) == []
        assert CUSTOMER not in text
    assert "typed" in reporter.get_traceback_html(), "the names of the variables stay"


def test_the_developer_s_own_page_still_shows_variables(rf: Any, settings: LazySettings) -> None:
    settings.DEBUG = True
    try:
        fault(rf.post("/fault/", {"secret": "something typed"}))
    except (RuntimeError, Integration.DoesNotExist) as error:
        reporter = ExceptionReporter(rf.get("/"), type(error), error, error.__traceback__)
    assert "something typed" in reporter.get_traceback_html()


# --- the one place where it is -----------------------------------------------------------------------


def test_the_key_travels_in_its_header_alone(world: World) -> None:
    """Not in the address, the body, another header; nor to a proxy's log."""
    with Parrot(200, "json") as shop:
        Integration.objects.filter(pk=world.integration.pk).update(base_url=shop.url)
        _run(world, JOBS)
        seen = list(shop.seen)
    assert seen
    for request in seen:
        carrying = [name for name, value in request.headers.items() if TOKEN in value]
        assert carrying == ["api-authorization"]
        assert found(request.target, TOKEN) == found(request.body, TOKEN) == []


def test_no_thread_or_socket_is_named_after_a_secret(world: World) -> None:
    _run(world, dict.fromkeys(JOBS, broken))
    assert found(" ".join(thread.name for thread in threading.enumerate()), TOKEN) == []
    assert found(socket.gethostname(), TOKEN) == []
