"""The formula: the worked figures of the contract; then from the database, in a constant number of queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Integration
from merchants.models import Merchant
from products.formula import Formula, explain, figures
from products.models import Reservation, Stock, WebshopProduct
from tests import factories


@pytest.mark.parametrize(
    ("on_hand", "reserved", "counted_twice", "buffer", "figure"),
    [
        pytest.param(10, 0, 0, 0, 10, id="nothing else"),
        pytest.param(10, 3, 3, 0, 10, id="own order, NEW"),
        pytest.param(7, 0, 3, 0, 10, id="own order, COLLECTING"),
        pytest.param(7, 0, 0, 0, 7, id="completed in the shop"),
        pytest.param(10, 3, 0, 0, 7, id="of another shop, or by hand"),
        pytest.param(10, 5, 3, 0, 8, id="own order, edited here from 3 to 5"),
        pytest.param(7, 0, 0, 0, 7, id="cancelled in the shop but shipped"),
        pytest.param(10, 3, 0, 0, 7, id="completed by hand in the shop while NEW here"),
        pytest.param(10, 0, 0, 2, 8, id="with a buffer"),
        pytest.param(1, 0, 0, 2, 0, id="never below zero"),
        pytest.param(2, 9, 3, 0, 0, id="owed"),
    ],
)
def test_the_figure_is_as_worked_out(on_hand: int, reserved: int, counted_twice: int, buffer: int, figure: int) -> None:
    assert Formula(on_hand, reserved, counted_twice, buffer).figure == figure


@pytest.fixture
def integration(merchant: Merchant) -> Integration:
    return factories.integration(merchant, safety_buffer=1)


def item_with_stock(integration: Integration, on_hand: int, reserved: int = 0) -> tuple[WebshopProduct, Stock]:
    product = factories.product(integration.merchant)
    item = factories.webshop_product(integration, product=product)
    return item, Stock.objects.create(
        product=product, warehouse=integration.warehouse, on_hand=on_hand, reserved=reserved
    )


def hold(stock: Stock, label: str, shop: str, **pieces: int) -> None:
    Reservation.objects.create(stock=stock, reference=label, label=label, shop=shop, **pieces)


def test_only_orders_of_the_same_shop_are_counted_twice_each_for_itself(integration: Integration) -> None:
    item, stock = item_with_stock(integration, 20, reserved=9)
    hold(stock, "1", integration.shop, held=3, open_in_shop=2)
    hold(stock, "2", integration.shop, deducted=2, open_in_shop=5)
    hold(stock, "3", "another.centra.com", held=4, open_in_shop=4)
    hold(stock, "4", "", held=2)
    assert explain(item) == Formula(on_hand=20, reserved=9, counted_twice=4, buffer=1)


def test_only_the_warehouse_of_the_integration_counts(integration: Integration) -> None:
    item, stock = item_with_stock(integration, 5)
    Stock.objects.create(product=stock.product, warehouse=factories.warehouse(), on_hand=90, reserved=1)
    assert explain(item) == Formula(5, 0, 0, 1)


def test_an_item_that_is_not_linked_has_no_figure(integration: Integration) -> None:
    assert explain(factories.webshop_product(integration)) is None


def test_a_product_that_never_had_stock_is_told_as_nothing(integration: Integration) -> None:
    item = factories.webshop_product(integration, product=factories.product(integration.merchant))
    found = explain(item)
    assert found == Formula(0, 0, 0, 1)
    assert found.figure == 0


def test_two_items_of_one_product_have_the_whole_figure_each(integration: Integration) -> None:
    item, stock = item_with_stock(integration, 8)
    twin = factories.webshop_product(integration, product=stock.product)
    assert [formula.figure for formula in figures(integration, [item, twin]).values()] == [7, 7]


def test_items_of_another_integration_are_left_out(integration: Integration) -> None:
    other = factories.integration(integration.merchant)
    item, _stock = item_with_stock(other, 8)
    assert figures(integration, [item]) == {}


def test_many_figures_take_one_query(integration: Integration) -> None:
    items = [item_with_stock(integration, number)[0] for number in range(30)]
    with CaptureQueriesContext(
        connection,
    ) as captured:
        found = figures(integration, items)
    assert len(captured) == 1
    assert [found[item.pk].figure for item in items] == [max(0, number - 1) for number in range(30)]
