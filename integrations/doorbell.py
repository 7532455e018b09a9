"""The doorbell: messages that say *look at this row*. The row is the work; a lost message is rung again by a tick."""

import logging

from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from integrations.models import Integration
from integrations.pipes import PIPES

log = logging.getLogger(__name__)


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
