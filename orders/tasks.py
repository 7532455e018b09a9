"""What Celery runs for orders: load, call, nothing else."""

from celery import shared_task

from integrations import sync
from orders import deciding, desk_play, erasing, links, promise, splitting
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
    """Promises after the stock changed, then the orders that wait, then parts that can go now."""
    promise.settle()
    deciding.decide_held()
    splitting.split_pending()


@shared_task(name="orders.play")
def play() -> None:
    """The warehouse beside the stand-in; only where SANDBOX is on."""
    desk_play.play()


@shared_task(name="orders.follow_links")
def follow_links() -> None:
    """Orders whose shipping method another link, or a method that became active, has changed; or demands more now."""
    links.catch_up()


@shared_task(name="orders.erase")
def erase() -> None:
    """Personal data of orders that were closed long ago; every night."""
    erasing.erase()
