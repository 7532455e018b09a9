"""Rivals at the same stock, for real: threads with connections of their own, on both databases."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from merchants.models import Warehouse
from products import offers, receiving
from products.adjusting import NotAdjusted, adjust
from products.models import Movement, Product, Stock
from products.models.stock import NotEnough
from tests import factories
from tests.integrations.test_race import at_once
from tests.products.goods import announce, assert_ledger_adds_up, line_of, on_hand, put

pytestmark = pytest.mark.django_db(transaction=True)


def failures(results: list[Any], *, besides: tuple[type[Exception], ...] = ()) -> list[Exception]:
    return [one for one in results if isinstance(one, Exception) and not isinstance(one, besides)]


def collect(products: list[Product], house: Warehouse, pieces: int) -> None:
    """As an order does it: several stocks in one transaction, whatever the order of its lines; below 0 put back."""
    with transaction.atomic():
        stocks = Stock.objects.lock((product.pk, house.pk) for product in products)
        for stock in stocks.values():
            stock.move(-pieces, Movement.Why.COLLECTED)


def test_of_one_form_sent_many_times_at_once_one_counts() -> None:
    merchant = factories.merchant()
    product, house = factories.product(merchant), merchant.warehouses.get()
    update = announce(merchant, {product: 10})
    line = line_of(update, product)
    results = at_once([lambda: receiving.receive(update.pk, {line.pk: 10}, "Robin", shown={line.pk: 0})] * 6)
    assert failures(results, besides=(receiving.Meanwhile,)) == []
    assert results.count(10) == 1
    assert on_hand(product, house) == 10
    assert_ledger_adds_up()


def test_the_first_receipts_of_crossing_products_make_each_row_once_and_lose_nothing() -> None:
    """Nobody has a row yet: all of them are made by rivals, in crossing orders."""
    merchant = factories.merchant()
    house = merchant.warehouses.get()
    products = [factories.product(merchant) for _number in range(12)]
    dice = random.Random(7)
    acts: list[Callable[[], Any]] = []
    for _number in range(8):
        some = dice.sample(products, 8)
        update = announce(merchant, dict.fromkeys(some, 3))
        counts = {line.pk: 3 for line in update.lines.all()}
        acts.append(lambda pk=update.pk, counts=counts: receiving.receive(pk, counts, "Robin"))  # type: ignore[misc]
    assert failures(at_once(acts)) == []
    assert Stock.objects.count() == Stock.objects.values("product").distinct().count()
    assert sum(Stock.objects.values_list("on_hand", flat=True)) == 8 * 8 * 3
    assert sum(on_hand(product, house) for product in products) == 8 * 8 * 3
    assert_ledger_adds_up()


def test_rows_that_are_made_while_others_are_locked_never_end_in_a_deadlock() -> None:
    """Rounds of rivals over few products, some of which have a row already and some of which have none."""
    house, dice = factories.warehouse(), random.Random(5)
    for _number in range(12):
        merchant = factories.merchant()
        products = [factories.product(merchant) for _number in range(6)]
        baskets = [dice.sample(products, dice.choice([1, 2, 3, 4])) for _number in range(12)]
        assert failures(at_once([lambda some=some: collect(some, house, -1) for some in baskets])) == []  # type: ignore[misc]
        assert sum(on_hand(product, house) for product in products) == sum(map(len, baskets))
    assert_ledger_adds_up()


def test_receiving_adjusting_and_collecting_at_once_lose_no_piece_and_never_go_below_zero() -> None:
    merchant = factories.merchant()
    house = merchant.warehouses.get()
    products = [factories.product(merchant) for _number in range(4)]
    for product in products:
        put(product, house, 5)
    update = announce(merchant, dict.fromkeys(products, 40))
    lines = [line_of(update, product).pk for product in products]
    acts: list[Callable[[], Any]] = []
    for number in range(4):
        crossed = products if number % 2 else products[::-1]
        acts += [
            lambda: receiving.receive(update.pk, dict.fromkeys(lines, 2), "Robin"),
            lambda crossed=crossed: collect(crossed, house, 4),  # type: ignore[misc]
            lambda product=products[number]: adjust(product, house, by=-1, reason="Broken", who="Robin"),  # type: ignore[misc]
        ]
    results = at_once(acts)
    assert failures(results, besides=(NotEnough, NotAdjusted)) == []
    assert_ledger_adds_up()
    for product, stored in zip(products, Stock.objects.order_by("product"), strict=True):
        taken = Movement.objects.filter(stock=stored, why="collected").count()
        broken = Movement.objects.filter(stock=stored, why="adjusted").count()
        assert stored.on_hand == 5 + 8 - 4 * taken - broken >= 0
        assert line_of(update, product).received == 8
    assert Movement.objects.filter(why="collected").count() % len(products) == 0  # an order takes all or nothing


def test_a_cancel_and_a_receipt_at_once_never_both_hold() -> None:
    merchant = factories.merchant()
    product, house = factories.product(merchant), merchant.warehouses.get()
    for _number in range(5):
        update = announce(merchant, {product: 1})
        line, before = line_of(update, product).pk, on_hand(product, house)
        results = at_once(
            [
                lambda pk=update.pk, line=line: receiving.receive(pk, {line: 1}, "Robin"),  # type: ignore[misc]
                lambda pk=update.pk: receiving.cancel(pk),  # type: ignore[misc]
            ]
        )
        assert failures(results, besides=(receiving.NotReceived,)) == []
        update.refresh_from_db()
        assert (update.status, on_hand(product, house) - before) in [("received", 1), ("cancelled", 0)]


def test_of_integrations_of_one_shop_switched_on_at_once_one_tells() -> None:
    merchant = factories.merchant()
    rivals = [factories.integration(merchant, name=f"Nordlys {number}") for number in range(4)]
    results = at_once([lambda one=one: offers.switch_on(one) for one in rivals])  # type: ignore[misc]
    assert failures(results, besides=(offers.Taken,)) == []
    assert results.count(True) == 1
    assert merchant.integrations.filter(sends_stock=True).count() == 1
