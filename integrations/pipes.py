"""The pipes: one-way, each between every shop and us. Upper floors register theirs in `AppConfig.ready()`.

A pipe's task takes the id of a `SyncState` and calls `sync.run(state_pk, job)`. The registry knows tasks only by name,
so that nobody on this floor calls up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django_stubs_ext import StrPromise


@dataclass(frozen=True, slots=True)
class Pipe:
    """One direction of one kind of data.

    `seconds` answers the rhythm (read from the settings at each call), `longest_wait` caps the wait after failures.
    `label` names what flows; `pause_label` is what a merchant reads beside the switch. One that `writes` changes the
    shop, and waits while all writing is stopped. `switch` is the integration's setting without which nothing flows.
    """

    key: str
    label: str | StrPromise
    task: str
    seconds: Callable[[], float]
    pause_label: str | StrPromise
    longest_wait: float = 3600.0
    writes: bool = False
    switch: str = ""


PIPES: dict[str, Pipe] = {}


def register(pipe: Pipe) -> None:
    PIPES[pipe.key] = pipe


# Background work that talks to no shop, but keeps a record in the activity: its key and what a person reads.
OTHER_WORK: dict[str, str | StrPromise] = {}


def label(key: str) -> str:
    """How the activity names a pipe, or other work."""
    return str(PIPES[key].label) if key in PIPES else str(OTHER_WORK.get(key, key))
