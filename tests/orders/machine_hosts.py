"""Many hosts in one process: everything below 127.0.0.0/8 leads to a server that listens on all addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.test import override_settings
from pytest_django.live_server_helper import LiveServer


@contextmanager
def listening_everywhere() -> Iterator[int]:
    """The sandbox behind every loopback address; the port. To us each address is another shop."""
    server = LiveServer("0.0.0.0")
    try:
        with override_settings(ALLOWED_HOSTS=["*"]):
            yield server.thread.port
    finally:
        server.stop()
