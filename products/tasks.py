"""What Celery runs for the catalogue: load, call, nothing else."""

from celery import shared_task

from integrations import sync
from products.refresh import refresh


@shared_task(name="products.refresh")
def refresh_products(state_pk: int) -> None:
    sync.run(state_pk, refresh)
