"""The same few products, and everybody at once: two shops, the warehouse and the merchant, in threads of their own.

Nothing negative, no update lost, no deadlock; afterwards the same must be true as in any small world.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from django.db import connection
from django.db.models import Sum

from orders import promise
from orders.models import Order, Status
from products.models import Movement, Stock
from tests.orders import machine_truths as truths
from tests.orders.machine_ground import Wishes
from tests.orders.machine_hosts import listening_everywhere
from tests.orders.machine_world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

SECONDS = 10.0
ITEMS = 2
ON_HAND = 30


@dataclass
class Crowd:
    """Threads that each do one thing over and over until the time is over."""

    over: threading.Event = field(default_factory=threading.Event)
    errors: list[BaseException] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=dict)

    def again_and_again(self, name: str, act: Callable[[random.Random], None]) -> None:
        dice = random.Random(name)
        try:
            while not self.over.is_set():
                act(dice)
                self.done[name] = self.done.get(name, 0) + 1
        except BaseException as error:
            self.errors.append(error)
            self.over.set()
        finally:
            connection.close()

    def run_for(self, seconds: float, acts: dict[str, Callable[[random.Random], None]]) -> None:
        threads = [
            threading.Thread(target=self.again_and_again, args=[name, act], name=name, daemon=True)
            for name, act in acts.items()
        ]
        for thread in threads:
            thread.start()
        self.over.wait(seconds)
        self.over.set()
        for thread in threads:
            thread.join(timeout=60)
            assert not thread.is_alive(), f"{thread.name} hangs: a deadlock"
        if self.errors:
            raise self.errors[0]


@pytest.fixture
def worlds() -> Iterator[tuple[World, World]]:
    """Two shops of one merchant, each on a host of its own, that sell the same pieces."""
    logging.disable(logging.WARNING)
    with listening_everywhere() as port:
        wishes = Wishes(items=ITEMS, on_hand=ON_HAND)
        first = World(f"http://127.0.1.1:{port}", wishes)
        yield first, World(f"http://127.0.1.2:{port}", wishes, beside=first)
    logging.disable(logging.NOTSET)


def lines(dice: random.Random) -> list[tuple[int, int]]:
    """Several lines, the items in any order: whoever locks as they come will wait in a circle."""
    items = [dice.randrange(ITEMS) for _line in range(dice.randint(1, 3))]
    return [(item, dice.randint(1, 3)) for item in items]


def shop_life(world: World, dice: random.Random) -> None:
    """Somebody buys, and the shop's pipes run one after the other, as they always do."""
    world.buy(lines(dice), "standard", owes=True)
    world.run("intake")
    world.run(dice.choice(["hand-over", "stock"]))


def merchant_life(world: World, dice: random.Random) -> None:
    """Orders by hand, and every button at random."""
    world.order_by_hand(dice.randrange(ITEMS), dice.randint(1, 3))
    what = dice.choice(["cancel", "cancel", "draft", "save", "split one off", "ask to cancel"])
    world.at_merchant(dice.randrange(1000), what)


def warehouse_life(world: World, dice: random.Random) -> None:
    """Collected, shipped, taken back."""
    world.mark(dice.randrange(1000))
    act = dice.choice([world.ship, world.mark])
    act(dice.randrange(1000))
    world.answer(is_agreed=dice.random() < 0.7)


def shelf_life(world: World, dice: random.Random) -> None:
    """Counted in, counted again."""
    world.receive(dice.randrange(ITEMS), dice.randint(1, 3))
    world.adjust(dice.randrange(ITEMS), dice.choice([-3, -2, -1, 1, 2]))


def test_everybody_at_once_leaves_no_piece_lost_doubled_or_owed_twice(worlds: tuple[World, World]) -> None:
    first, second = worlds
    crowd = Crowd()
    acts: dict[str, Callable[[random.Random], None]] = {
        "first shop": lambda dice: shop_life(first, dice),
        "second shop": lambda dice: shop_life(second, dice),
        "merchant": lambda dice: merchant_life(first, dice),
        "warehouse": lambda dice: warehouse_life(first, dice),
        "shelf": lambda dice: shelf_life(first, dice),
        "promises": lambda dice: first.decide(),
        "promises again": lambda dice: settle_alone(),
    }
    crowd.run_for(SECONDS, acts)
    assert crowd.done.keys() == acts.keys(), f"somebody never came through: {crowd.done}"
    assert Order.objects.filter(status__in=[Status.COLLECTING, Status.SHIPPED]).exists(), "nothing was collected"

    truths.always(first)
    truths.always(second)
    for world in (first, second, first, second):
        world.settle()
    for world in worlds:
        truths.at_rest(world)
    assert Stock.objects.count() == ITEMS
    assert Movement.objects.aggregate(n=Sum("pieces"))["n"] == Stock.objects.aggregate(n=Sum("on_hand"))["n"]


def settle_alone() -> None:
    promise.settle()


def test_one_order_collected_cancelled_and_sent_back_to_draft_at_once_does_one_of_them(
    worlds: tuple[World, World],
) -> None:
    """Over and over: three people press three buttons for the same order at the same moment."""
    world = worlds[0]
    for _round in range(8):
        world.order_by_hand(0, 2)
        order = world.orders().latest("pk")
        gate = threading.Barrier(3)
        errors: list[BaseException] = []

        def press(act: Callable[[], None], gate: threading.Barrier, errors: list[BaseException]) -> None:
            try:
                gate.wait(timeout=20)
                act()
            except BaseException as error:
                errors.append(error)
            finally:
                connection.close()

        place = list(world.orders()).index(order)
        new = list(world.orders(Status.NEW)).index(order)
        acts: list[Callable[[], None]] = [
            lambda new=new: world.mark(new),  # type: ignore[misc]
            lambda place=place: world.at_merchant(place, "cancel"),  # type: ignore[misc]
            lambda place=place: world.at_merchant(place, "draft"),  # type: ignore[misc]
        ]
        threads = [threading.Thread(target=press, args=[act, gate, errors]) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert errors == []
        truths.always(world)
        order.refresh_from_db()
        assert order.status in (Status.COLLECTING, Status.CANCELLED, Status.DRAFT)
