"""Three addresses for machines, answered before anything is asked of a host name, https or a session.

/health/live    this process answers
/health/ready   it can serve pages: the database answers and is up to date; else 503. Says in words besides
                whether broker and cache answer, which no page needs
/metrics        for Prometheus, to whoever carries METRICS_TOKEN; see `metrics.py`
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

import redis
from celery import current_app
from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.exceptions import OperationalError as BrokerError
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from myogo.cache import Redis

REDIS_SECONDS = 0.5  # to connect, and to answer; a probe waits for both, the broker's and the cache's
GOOD = "ok"


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    pages = {"/health/live": live, "/health/ready": ready, "/metrics": metrics}

    def answer(request: HttpRequest) -> HttpResponse:
        page = pages.get(request.path_info)
        return page(request) if page and (page is not metrics or settings.METRICS_TOKEN) else get_response(request)

    return answer


def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


def ready(request: HttpRequest) -> HttpResponse:
    """Without Redis work only waits. Were that a reason for 503, proxies would take away pages that need none."""
    needed = {"database": database()}
    if needed["database"] == GOOD:
        needed["migrations"] = migrations()
    is_ready = set(needed.values()) == {GOOD}
    found = {"ready": is_ready, **needed, "broker": broker(), "cache": cache()}
    answer = JsonResponse(found, status=200 if is_ready else 503)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def metrics(request: HttpRequest) -> HttpResponse:
    """Text of Prometheus' exposition format; 403 without the token, 503 where the database does not answer."""
    from myogo.metrics import CONTENT_TYPE, text  # imports models, which are not there yet when middleware is loaded

    said = request.headers.get("Authorization", "").encode()
    if not hmac.compare_digest(said, f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse("Carry the token of METRICS_TOKEN.\n", status=403, content_type="text/plain")
    try:
        return HttpResponse(text(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")


# --- what is asked --------------------------------------------------------------------------


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "The database does not answer."
    return GOOD


_is_up_to_date: set[Any] = set()  # databases that were seen to be; this process' code needs no more than it did then


def migrations() -> str:
    name = connection.settings_dict["NAME"]
    if name in _is_up_to_date:
        return GOOD
    try:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        return "The database does not answer."
    if missing:
        return f"{missing} migrations are not applied: run `manage.py migrate`."
    _is_up_to_date.add(name)
    return GOOD


def broker() -> str:
    """One ping, within about a second. The in-memory broker is this process itself."""
    url = settings.CELERY_BROKER_URL
    try:
        if url.startswith(("redis://", "rediss://")):
            _ping(url)
        elif not url.startswith("memory:"):
            with current_app.connection_for_write() as line:
                line.ensure_connection(max_retries=1, timeout=1)
    except (RedisError, BrokerError, OSError):
        return "The broker does not answer."
    return GOOD


def cache() -> str:
    """Where attempts are counted; each process counts for itself while it does not answer."""
    backend = caches["default"]
    try:
        if isinstance(backend, Redis):
            _ping(backend.url)
    except (RedisError, OSError):
        return "The cache does not answer."
    return GOOD


def _ping(url: str) -> None:
    with redis_client(url) as client:
        client.ping()


def redis_client(url: str) -> redis.Redis:
    client: redis.Redis = redis.Redis.from_url(
        url,
        socket_connect_timeout=REDIS_SECONDS,
        socket_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return client
