"""A broker that is down or silent holds nobody up: the row stays due."""

import socket
import time

import pytest
from celery import Celery
from django.conf import LazySettings

from integrations import doorbell


def ring_at(port: int, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> float:
    """Ring at a broker on this port, with the options of production; the seconds it took."""
    app = Celery("elsewhere", broker=f"redis://127.0.0.1:{port}/0", set_as_current=False)
    app.conf.update(
        broker_transport_options=settings.REDIS_BROKER_OPTIONS,
        task_publish_retry=settings.CELERY_TASK_PUBLISH_RETRY,
        task_ignore_result=True,
    )
    monkeypatch.setattr(doorbell, "current_app", app)
    started = time.monotonic()
    doorbell.send("products.refresh", 1)
    return time.monotonic() - started


def test_a_broker_that_is_down(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert ring_at(port, settings, monkeypatch) < 4


def test_a_broker_that_is_silent(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert ring_at(server.getsockname()[1], settings, monkeypatch) < 12
