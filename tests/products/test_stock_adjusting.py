"""Corrections: to a figure or by a difference, with a reason, never below zero."""

from typing import Any

import pytest

from merchants.models import Merchant, Warehouse
from products.adjusting import Meanwhile, NotAdjusted, adjust
from products.models import Movement, Product, Stock
from products.models.stock import NotEnough
from tests import factories
from tests.products.goods import assert_ledger_adds_up, on_hand, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(merchant: Merchant) -> Warehouse:
    return merchant.warehouses.get()


@pytest.fixture
def product(merchant: Merchant, house: Warehouse) -> Product:
    made = factories.product(merchant, "FG1")
    put(made, house, 10)
    return made


@pytest.mark.parametrize(("words", "after", "pieces"), [({"to": 7}, 7, -3), ({"by": -2}, 8, -2), ({"to": 0}, 0, -10)])
def test_on_hand_is_set_or_changed_with_a_line_in_the_ledger(
    product: Product, house: Warehouse, words: dict[str, int], after: int, pieces: int
) -> None:
    adjust(product, house, reason="  Counted again ", who="Robin", **words)
    movement = Movement.objects.latest("pk")
    assert on_hand(product, house) == after
    assert (movement.pieces, movement.why, movement.reason, movement.who) == (
        pieces,
        "adjusted",
        "Counted again",
        "Robin",
    )
    assert Stock.objects.get().is_unsettled
    assert_ledger_adds_up()


@pytest.mark.parametrize(
    ("words", "error", "sentence"),
    [
        ({"by": -11}, NotEnough, "FG1: 11 pieces are wanted, 10 are on hand"),
        ({"to": -1}, NotAdjusted, "never below zero"),
        ({"to": 10}, NotAdjusted, "10 already"),
        ({"by": 0}, NotAdjusted, "nothing to change"),
        ({}, NotAdjusted, "either the new figure or the difference"),
        ({"to": 3, "by": 3}, NotAdjusted, "either the new figure or the difference"),
        ({"to": 3, "reason": "  "}, NotAdjusted, "Say why"),
        ({"to": 2_000_000_000}, NotAdjusted, "At most"),
        ({"to": 7, "shown": 9}, Meanwhile, "10 by now, no longer 9"),
    ],
)
def test_a_refusal_is_a_sentence_and_writes_nothing(
    product: Product, house: Warehouse, words: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        adjust(product, house, **{"reason": "Counted", "who": "Robin", **words})
    assert (on_hand(product, house), Movement.objects.count()) == (10, 1)


def test_a_product_that_never_lay_here_can_be_found(merchant: Merchant, house: Warehouse) -> None:
    product = factories.product(merchant)
    adjust(product, house, by=2, reason="Found in the corner", who="Robin")
    assert on_hand(product, house) == 2


def test_below_what_is_promised_the_rest_is_owed(product: Product, house: Warehouse) -> None:
    Stock.objects.update(reserved=8)
    adjust(product, house, to=5, reason="Counted", who="Robin")
    stock = Stock.objects.get()
    assert (stock.on_hand, stock.reserved, stock.available, stock.owed) == (5, 8, -3, 3)
