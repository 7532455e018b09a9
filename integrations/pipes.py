"""The pipes: one-way, each between every shop and us. Upper floors register theirs in `AppConfig.ready()`.

A pipe's task takes the id of a `SyncState` and calls `sync.run(state_pk, job)`. The registry knows tasks only by name,
so that nobody on this floor calls up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from celery import current_app
from django.db import transaction
from django.utils import timezone
from django_stubs_ext import StrPromise
from kombu.exceptions import OperationalError

if TYPE_CHECKING:
    from integrations.models import Integration

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pipe:
    """One direction of one kind of data.

    `seconds` answers the rhythm (read from the settings at each call), `longest_wait` caps the wait after failures.
    `label` names what flows; `pause_label` is what a merchant reads beside the switch.
    """

    key: str
    label: str | StrPromise
    task: str
    seconds: Callable[[], float]
    pause_label: str | StrPromise
    longest_wait: float = 3600.0


PIPES: dict[str, Pipe] = {}


def register(pipe: Pipe) -> None:
    PIPES[pipe.key] = pipe


def send(task: str, pk: int) -> None:
    """Put one message on the doorbell. A broker that is down fails nobody: the row stays due, a later tick rings."""
    try:
        current_app.send_task(task, args=[pk], ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("The broker does not answer (%s); %s of row %s waits for the next tick.", error, task, pk)


def ring(integration: Integration, key: str, *, asked_by: str = "") -> None:
    """A person wants this pipe to run now. Pressed twice it runs once; a pause is respected, a back-off is not."""
    state = integration.state(key)
    state.ask(timezone.now(), asked_by)
    transaction.on_commit(lambda: send(PIPES[key].task, state.pk))
