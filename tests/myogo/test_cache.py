"""Redis away, or silent: every page works, guessing passwords is stopped all the same, and probes say what is lost."""

import contextlib
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from merchants.models import Membership, Merchant, User
from myogo import cache as our_cache
from myogo import health
from tests import factories
from tests.demo import free_port
from tests.integrations import filled

ROOT = Path(__file__).resolve().parent.parent.parent
needs_redis = pytest.mark.skipif(
    not os.environ.get("TEST_REDIS_URL") or shutil.which("redis-server") is None,
    reason="no Redis that may be killed: install redis-server, set TEST_REDIS_URL",
)


class Redis:
    """One of this test's own, which may be killed and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with redis.Redis(port=self.port) as client:
            for _attempt in range(200):
                with contextlib.suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.05)
        raise AssertionError("Redis did not start")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(timeout=10)


@pytest.fixture
def killable() -> Iterator[Redis]:
    server = Redis()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes every connection and never says a word."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(64)
        yield door.getsockname()[1]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass for the cache's pauses."""
    passed = [0.0]
    monkeypatch.setattr(our_cache, "monotonic", lambda: time.monotonic() + passed[0])

    def wait(seconds: float) -> None:
        passed[0] += seconds

    return wait


def use(settings: LazySettings, port: int) -> None:
    settings.CACHES = {"default": {"BACKEND": "myogo.cache.Redis", "LOCATION": f"redis://127.0.0.1:{port}/0"}}


def test_it_is_the_cache_wherever_cache_url_names_redis() -> None:
    show = "from django.conf import settings; print(settings.CACHES)"
    own = {"SECRET_KEY": "x", "FIELD_ENCRYPTION_KEYS": "x", "CACHE_URL": "redis://redis:6379/1"}
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "myogo.settings", **own}
    command = [sys.executable, "-c", show]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert said.strip() == str({"default": {"BACKEND": "myogo.cache.Redis", "LOCATION": "redis://redis:6379/1"}})


def sign_in(email: str, password: str = factories.PASSWORD) -> Client:
    client = Client()
    answer = client.post(reverse("account_login"), {"login": email, "password": password})
    assert answer.status_code in (200, 302), answer.status_code
    return client


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def walk(owner: User, merchant: Merchant) -> None:
    """Everything that counts or keeps something in the cache."""
    page = sign_in(owner.email)
    assert is_in(page)
    shop = factories.integration(merchant, base_url="http://127.0.0.1:1/api/order-api")
    assert page.get(reverse("products:sync", args=[merchant.pk])).status_code == 200
    form = filled.form(merchant, base_url="http://127.0.0.1:1/api/order-api")
    for act in ("save", "test"):
        answer = page.post(reverse("integrations:new", args=[merchant.pk, "centra"]), {**form, "act": act})
        assert answer.status_code in (200, 302)
    assert page.get(reverse("integrations:edit", args=[merchant.pk, shop.pk])).status_code == 200
    page.post(reverse("merchants:users", args=[merchant.pk]), {"act": "link", "email": "robin@nordlys.example"})
    assert Membership.objects.filter(merchant=merchant, user__email="robin@nordlys.example").exists()
    typed = {"name": "Kim Berg", "email": "new@nordlys.example", "password1": "a-quiet-harbour-42"}
    Client().post(reverse("account_signup"), typed)
    assert User.objects.filter(email="new@nordlys.example").exists()
    answer = Client().post(reverse("account_reset_password"), {"email": owner.email})
    assert answer.status_code == 302
    assert page.get(reverse("orders:list", args=[merchant.pk])).status_code == 200


@pytest.mark.django_db
def test_without_redis_every_page_works(settings: LazySettings, owner: User, merchant: Merchant) -> None:
    use(settings, free_port())
    walk(owner, merchant)


@pytest.mark.django_db
def test_a_silent_redis_holds_up_the_first_page_alone_and_for_a_second(
    settings: LazySettings, owner: User, merchant: Merchant, silent: int
) -> None:
    use(settings, silent)
    began = time.monotonic()
    assert is_in(sign_in(owner.email))
    assert time.monotonic() - began < 2.5
    began = time.monotonic()
    walk(owner, merchant)
    assert time.monotonic() - began < 2 * our_cache.SECONDS + 4  # its own work, and at most one more question


@pytest.mark.django_db
def test_guessing_is_stopped_without_redis_too(settings: LazySettings, owner: User) -> None:
    use(settings, free_port())
    for _attempt in range(5):
        assert not is_in(sign_in(owner.email, "wrong"))
    assert not is_in(sign_in(owner.email))
    assert is_in(sign_in(factories.user().email)), "another one is not locked out"


@needs_redis
@pytest.mark.redis
@pytest.mark.django_db
def test_killed_in_the_middle_it_is_missed_by_nobody_and_counts_again_when_it_is_back(
    settings: LazySettings,
    owner: User,
    merchant: Merchant,
    killable: Redis,
    clock: Callable[[float], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    use(settings, killable.port)
    for _attempt in range(5):
        sign_in(owner.email, "wrong")
    with redis.Redis(port=killable.port) as client:
        assert list(client.scan_iter("*login_failed*"))
    assert not is_in(sign_in(owner.email))
    killable.kill()
    walk(owner, merchant)
    said = [record.getMessage() for record in caplog.records if record.name == "myogo.cache"]
    assert said == ["The cache does not answer (ConnectionError): each process counts attempts for itself meanwhile."]
    killable.start()
    clock(our_cache.PAUSE)
    sign_in(owner.email, "wrong")
    with redis.Redis(port=killable.port) as client:
        assert list(client.scan_iter("*login_failed*"))
        client.flushdb()
    killable.kill()
    killable.start()  # connections that were kept are gone; the next question is asked anew
    cache.set("x", 1)
    with redis.Redis(port=killable.port) as client:
        assert client.dbsize() == 1


def test_it_is_asked_again_after_a_pause_by_one_and_told_once_a_minute(
    settings: LazySettings, silent: int, clock: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    use(settings, silent)
    caplog.set_level(logging.WARNING, "myogo.cache")
    waited = []
    for wait in (0, our_cache.PAUSE / 2, our_cache.PAUSE, our_cache.SAID_EVERY):
        clock(wait)
        began = time.perf_counter()
        assert cache.add(f"key {wait}".replace(" ", "-"), 1)
        waited.append(time.perf_counter() - began > our_cache.SECONDS / 2)
    assert waited == [True, False, True, True]
    assert len(caplog.records) == 2


def test_what_a_process_keeps_itself_is_like_what_redis_keeps(settings: LazySettings) -> None:
    use(settings, free_port())
    assert cache.add("one", 1)
    assert not cache.add("one", 2)
    assert (cache.incr("one"), cache.get("one"), cache.get("two", "none")) == (2, 2, "none")
    with pytest.raises(ValueError, match="not found"):
        cache.incr("two")
    assert cache.set_many({"two": 2, "three": 3}) == []
    assert cache.get_many(["one", "two", "four"]) == {"one": 2, "two": 2}
    assert (cache.touch("one", 60), "one" in cache, cache.delete("one"), "one" in cache) == (True, True, True, False)
    cache.delete_many(["two"])
    assert cache.get_or_set("three", lambda: 4) == 3
    cache.clear()
    assert cache.get("three") is None


# --- what probes are told -------------------------------------------------------------------


def ready(client: Client) -> tuple[int, Any]:
    answer = client.get("/health/ready")
    return answer.status_code, answer.json()


@pytest.mark.django_db
def test_ready_without_redis_and_says_what_is_lost(client: Client, settings: LazySettings) -> None:
    use(settings, free_port())
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    status, said = ready(client)
    assert (status, said["ready"], said["database"]) == (200, True, "ok")
    assert (said["broker"], said["cache"]) == ("The broker does not answer.", "The cache does not answer.")


@pytest.mark.django_db
def test_a_silent_redis_does_not_keep_a_probe_waiting(client: Client, settings: LazySettings, silent: int) -> None:
    use(settings, silent)
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{silent}/0"
    began = time.monotonic()
    status, said = ready(client)
    assert time.monotonic() - began < 1.9, "many proxies wait two seconds"
    assert (status, said["broker"], said["cache"]) == (
        200,
        "The broker does not answer.",
        "The cache does not answer.",
    )


@needs_redis
@pytest.mark.redis
@pytest.mark.django_db
def test_metrics_tell_which_engine_is_away(client: Client, settings: LazySettings, killable: Redis) -> None:
    settings.METRICS_TOKEN = "a-token-for-prometheus"  # noqa: S105
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{killable.port}/0"
    use(settings, killable.port)

    def said() -> list[str]:
        page = client.get("/metrics", headers={"authorization": "Bearer a-token-for-prometheus"}).content.decode()
        return [line for line in page.splitlines() if line.startswith(("myogo_engine", "myogo_broker"))]

    assert said() == [
        'myogo_engine_answers{engine="broker"} 1.0',
        'myogo_engine_answers{engine="cache"} 1.0',
        "myogo_broker_messages 0.0",
    ]
    with health.redis_client(settings.CELERY_BROKER_URL) as broker:
        broker.lpush(settings.CELERY_TASK_DEFAULT_QUEUE, "one", "two")
    assert said()[-1] == "myogo_broker_messages 2.0"
    killable.kill()
    assert said() == ['myogo_engine_answers{engine="broker"} 0.0', 'myogo_engine_answers{engine="cache"} 0.0']
