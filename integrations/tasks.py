"""What Celery runs on this floor: load, call, nothing else."""

from celery import shared_task

from integrations import sync


@shared_task(name="integrations.tick")
def tick() -> None:
    sync.tick()
