"""What Celery runs on this floor: load, call, nothing else."""

from celery import shared_task
from django.utils import timezone

from integrations import sync
from integrations.models import SyncRun


@shared_task(name="integrations.tick")
def tick() -> None:
    sync.tick()


@shared_task(name="integrations.forget_runs")
def forget_runs() -> None:
    """The activity's rows that nobody looks at any more; every night."""
    SyncRun.objects.forget_old(timezone.now())
