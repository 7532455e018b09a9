"""What Celery runs on this floor: load, call, nothing else."""

from celery import shared_task

from merchants import notify


@shared_task(name="merchants.notify")
def tell_users() -> None:
    notify.notify()
