"""What Celery runs for the catalogue: load, call, nothing else."""

from celery import shared_task

from integrations import doorbell, sync
from products import creating
from products.refresh import refresh
from products.stock import push


@shared_task(name="products.refresh")
def refresh_products(state_pk: int) -> None:
    sync.run(state_pk, refresh)


@shared_task(name="products.stock")
def push_stock(state_pk: int) -> None:
    sync.run(state_pk, push)


@shared_task(name=creating.TASK)
def create(integration_pk: int) -> None:
    creating.work(integration_pk)


@shared_task(name="products.tick")
def tick() -> None:
    creating.tick(doorbell.send)
