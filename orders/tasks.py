"""What Celery runs for orders: load, call, nothing else."""

from celery import shared_task

from integrations import sync
from orders import deciding, promise
from orders.handover import hand_over
from orders.intake import intake


@shared_task(name="orders.intake")
def take_in(state_pk: int) -> None:
    sync.run(state_pk, intake)


@shared_task(name="orders.hand_over")
def tell_shops(state_pk: int) -> None:
    sync.run(state_pk, hand_over)


@shared_task(name="orders.decide")
def decide() -> None:
    """Promises after the stock changed, then the orders that wait."""
    promise.settle()
    deciding.decide_held()
