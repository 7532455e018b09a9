"""What travels through the broker: names of tasks and keys of rows, for every task that there is; never a secret."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from celery.beat import Scheduler
from django.urls import reverse
from django.utils import timezone
from kombu import pools

from integrations import doorbell, sync
from integrations.models import SyncState
from integrations.pipes import PIPES
from myogo.celery import app
from products import creating
from tests import factories
from tests.addresses import World, make_world
from tests.security.person import PERSON, WRITTEN
from tests.security.planted import TOKEN, TYPED, found, ours
from tests.security.walk import browser

REDIS_URL = os.environ.get("TEST_REDIS_URL", "")
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.redis,
    pytest.mark.skipif(not REDIS_URL, reason="no Redis: set TEST_REDIS_URL, or run `make test` where one answers"),
]
# Of a message what Celery writes itself: its kind, its name, where it came from, when it ends.
HEADERS = {"lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id"}
HEADERS |= {"parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamps"}
HEADERS |= {"stamped_headers", "periodic_task_name", "celery_beat_task"}


@pytest.fixture
def world() -> World:
    """With a secret, a customer and names that would be noticed."""
    world = make_world()
    world.integration.secret = TOKEN
    world.integration.name = TYPED
    world.integration.save()
    factories.order(world.merchant, integration=world.integration, **PERSON, **WRITTEN)
    return world


@contextmanager
def broker() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """A real Redis as the broker; what lies in its queue, as it lies there."""
    queue = str(app.conf.task_default_queue)
    store = redis.Redis.from_url(REDIS_URL)
    store.delete(queue)
    before = app.conf.broker_url
    _forget_connections()
    app.conf.broker_url = REDIS_URL  # type: ignore[misc]
    try:
        yield lambda: [json.loads(raw) for raw in store.lrange(queue, 0, -1)]
    finally:
        _forget_connections()
        app.conf.broker_url = before  # type: ignore[misc]
        store.delete(queue)
        store.close()


def _forget_connections() -> None:
    pools.reset()
    app._pool = app.amqp._producer_pool = None  # type: ignore[attr-defined]


def body_of(message: dict[str, Any]) -> bytes:
    return base64.b64decode(message["body"])


def own_tasks() -> set[str]:
    app.loader.import_default_modules()
    return {name for name in app.tasks if not name.startswith("celery.")}


# --- everything that rings -----------------------------------------------------------------------


def ring_the_pipes(world: World) -> None:
    """By a person's wish, by the button of a page, and by the tick."""
    client = browser(world.owner)
    for key in PIPES:
        doorbell.ring(world.integration, key, asked_by="Kim")
        page = reverse("integrations:pipe", args=[world.merchant.pk, world.integration.pk, key])
        client.post(page, {"act": "try"})
    SyncState.objects.update(rung_at=None, next_run_at=timezone.now())
    sync.tick()


def create(world: World) -> None:
    """*Create product*, pressed; and the tick that looks for what was chosen and lost its message."""
    item = factories.webshop_product(world.integration, (f"{TYPED[:5]}1", "", ""), name=PERSON["name"])
    typed = {"shop": world.integration.pk, "act": "create", "chosen": item.pk}
    browser(world.owner).post(reverse("products:apply", args=[world.merchant.pk]), typed)
    creating.tick(doorbell.send)


def beat() -> None:
    """Every line of the timetable, sent as beat sends it."""
    scheduler = Scheduler(app=app, lazy=True)
    scheduler.setup_schedule()
    for entry in scheduler.schedule.values():
        scheduler.apply_async(entry, advance=False)


@pytest.fixture
def messages(world: World) -> list[dict[str, Any]]:
    with broker() as queued:
        ring_the_pipes(world)
        create(world)
        beat()
        return queued()


# --- what lies there -----------------------------------------------------------------------------


def test_every_task_of_the_project_was_rung(messages: list[dict[str, Any]]) -> None:
    """One that comes later must be rung above; one that nobody sends is not needed."""
    assert {message["headers"]["task"] for message in messages} == own_tasks()
    assert {pipe.task for pipe in PIPES.values()} < own_tasks()
    assert len(own_tasks()) >= 12


def test_a_message_holds_the_keys_of_rows_and_nothing_else(world: World, messages: list[dict[str, Any]]) -> None:
    states = set(world.integration.states.values_list("pk", flat=True))
    for message in messages:
        task = message["headers"]["task"]
        args, options, embedded = json.loads(body_of(message))
        keys = states if task in {pipe.task for pipe in PIPES.values()} else {world.integration.pk}
        assert options == {}, task
        assert len(args) <= 1, task
        assert all(type(one) is int and one in keys for one in args), task
        assert not any(embedded.values()), task
        assert set(message["headers"]) <= HEADERS, task
        assert message["headers"]["argsrepr"] in {str(tuple(args)), f"[{', '.join(map(str, args))}]"}, task


def test_no_message_holds_a_secret_or_a_customer(messages: list[dict[str, Any]]) -> None:
    whole = b"\n".join([*(json.dumps(one).encode() for one in messages), *map(body_of, messages)])
    assert found(whole, TOKEN, TYPED, *ours()) == []
    assert [word for word in (*PERSON.values(), *WRITTEN.values()) if word.encode() in whole] == []


def test_a_secret_in_a_message_would_be_found(world: World) -> None:
    with broker() as queued:
        app.send_task("integrations.tick", args=[TOKEN], kwargs={"who": PERSON["name"]})
        (message,) = queued()
    assert found(body_of(message), TOKEN)
    assert PERSON["name"] in body_of(message).decode()
