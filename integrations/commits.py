"""How long a commit waits for the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection


@contextmanager
def not_waiting_for_disk() -> Iterator[None]:
    """For what is only read from a shop: commits keep their order, but none waits for the disk (PostgreSQL).

    Should the database's machine lose power, the last moments are gone together, rows and the place behind them alike,
    and are read again. The first commit outside, which settles the run, takes everything before it to the disk.
    Never around what a shop is asked to do: its intent must be there whatever happens.
    """
    if connection.vendor != "postgresql":
        yield
        return
    _set("off")
    try:
        yield
    finally:
        with suppress(Error):  # a connection that broke is not used again, and a new one begins as it should be
            _set("DEFAULT")


def _set(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET synchronous_commit TO {value}")
