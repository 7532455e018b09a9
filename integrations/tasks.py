"""What Celery runs on this floor: load, call, nothing else."""

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from integrations import sync
from integrations.models import SyncRun


@shared_task(name="integrations.tick")
def tick() -> None:
    sync.tick()


@shared_task(name="integrations.forget")
def forget() -> None:
    """What nobody looks at any more, every night: old activity, and sessions that are over."""
    SessionStore.clear_expired()
    SyncRun.objects.forget_old(timezone.now())
