"""The shop's address changes over and over while orders come in, are handed over and are shipped, each in a thread."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import limits, sync
from integrations.models import Integration, SyncState
from merchants.models import User
from orders import moves, promise
from orders.models import Order, Shipment, Status
from products.models import Reservation
from sandbox.models import Order as ShopOrder
from tests import factories
from tests.conftest import Centra
from tests.integrations import filled
from tests.orders.desk import PARCEL
from tests.orders.shop import JOBS, Goods, active_method, buy, goods
from tests.orders.test_stock_race import Crowd

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

SECONDS = 6.0
SECRET = "a-secret-api-key"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody who asks often has to wait, and lost leases are no news."""
    monkeypatch.setattr(limits, "QUESTIONS", 10_000)
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def sweater(centra: Centra) -> Goods:
    active_method(centra)
    return goods(centra, 1000, stock=100_000)


def turn(centra: Centra, pipe: str) -> None:
    """One turn of a pipe, if it is free."""
    state = centra.integration.state(pipe)
    SyncState.objects.filter(pk=state.pk).update(next_run_at=timezone.now())
    sync.run(state.pk, JOBS[pipe])


def warehouse(centra: Centra, dice: random.Random) -> None:
    new = Order.objects.filter(status=Status.NEW, handover_asked_at__isnull=True).order_by("?").first()
    begun = Order.objects.filter(status=Status.COLLECTING).order_by("?").first()
    for order, act in ((new, mark), (begun, ship)):
        try:
            if order is not None:
                act(order)
        except moves.NotPossible:
            continue
    turn(centra, "hand-over")


def mark(order: Order) -> None:
    moves.ask_to_hand_over(order, "Staff")


def ship(order: Order) -> None:
    moves.ship(order, PARCEL, "Staff")


def move(browser: Client, centra: Centra) -> None:
    """Save with the other of the two hosts: the same shop."""
    integration = Integration.objects.get(pk=centra.integration.pk)
    here, there = ("localhost", "127.0.0.1") if "localhost" in integration.base_url else ("127.0.0.1", "localhost")
    sent: dict[str, Any] = filled.form(
        integration.merchant,
        secret=SECRET,
        base_url=integration.base_url.replace(here, there),
        which_shop="same",
    )
    answer = browser.post(reverse("integrations:edit", args=[integration.merchant_id, integration.pk]), sent)
    assert answer.status_code == 302, answer.context["form"].errors


def test_nothing_is_taken_or_sent_twice_while_the_address_changes(
    centra: Centra, sweater: Goods, signed_in: Callable[[User], Client]
) -> None:
    kim = factories.user()
    centra.integration.merchant.link(kim)
    browser, crowd = signed_in(kim), Crowd()

    def shop(dice: random.Random) -> None:
        buy(centra, {sweater.size: dice.randint(1, 2)})
        turn(centra, "intake")

    def admin(dice: random.Random) -> None:
        crowd.over.wait(dice.random() / 2)  # else no run would ever come to its end
        move(browser, centra)

    acts: dict[str, Callable[[random.Random], None]] = {
        "shop": shop,
        "warehouse": lambda dice: warehouse(centra, dice),
        "admin": admin,
        "promises": lambda dice: settle_promises(),
    }
    crowd.run_for(SECONDS, acts)
    assert crowd.done.keys() == acts.keys(), f"somebody never came through: {crowd.done}"

    centra.integration.refresh_from_db()
    finish(centra)
    here = sorted(Order.objects.values_list("number", flat=True))
    assert here == sorted(str(order.number) for order in ShopOrder.objects.all())
    for order in ShopOrder.objects.all():
        assert [(one.is_sent, one.captures) for one in order.shipments.all()] == [(True, 1)]
    assert not Order.objects.exclude(status=Status.SHIPPED, told_at__isnull=False).exists()
    for model in (Order, Shipment, Reservation):
        assert set(model._default_manager.values_list("shop", flat=True)) <= {centra.integration.shop}


def settle_promises() -> None:
    promise.settle()


def finish(centra: Centra) -> None:
    """Everything comes in, is handed over and sent; each pipe once more than it must."""
    centra.integration.state("intake").ask(timezone.now(), "Kim")
    for _time in range(4):
        for order in Order.objects.filter(status=Status.COLLECTING):
            ship(order)
        for order in Order.objects.to_collect():
            mark(order)
        Order.objects.update(wait_until=None)  # the wait for lost answers is over
        turn(centra, "intake")
        turn(centra, "hand-over")
