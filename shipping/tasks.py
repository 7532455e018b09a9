"""What Celery runs for shipping methods: load, call, nothing else."""

from celery import shared_task

from shipping import tell


@shared_task(name="shipping.tell")
def tell_merchants() -> None:
    tell.tell()
