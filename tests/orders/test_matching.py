"""Which item, and so which product, a line of a shop's order means."""

import pytest
from django.utils import timezone

from integrations.models import Integration
from orders.matching import Catalogue, Match
from products.models import WebshopProduct
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Integration:
    return factories.integration()


def item(shop: Integration, sku: str, ean: str = "", **fields: object) -> WebshopProduct:
    return factories.webshop_product(shop, (sku, "", ""), ean=ean, **fields)


def match(shop: Integration, sku: str, ean: str = "") -> Match:
    return Catalogue.of(shop, frozenset({sku}), frozenset({ean})).match(sku, ean)


def test_the_joined_sku_exactly_as_given_goes_first(shop: Integration) -> None:
    right, _other = item(shop, "FG1"), item(shop, "fg1")
    assert match(shop, "FG1").item == right
    assert match(shop, "FG1 ").item is None


def test_an_ean_that_exactly_one_item_has_stands_in_for_an_unknown_sku(shop: Integration) -> None:
    only = item(shop, "FG1", "7300000010015")
    assert match(shop, "other", "7300000010015").item == only
    assert match(shop, "", "7300000010015").item == only
    item(shop, "FG2", "7300000010015")
    assert match(shop, "other", "7300000010015") == Match()


def test_sku_and_ean_of_different_items_are_nobodys_guess(shop: Integration) -> None:
    item(shop, "FG1", "7300000010015")
    item(shop, "FG2", "7300000010022")
    assert match(shop, "FG1", "7300000010022").is_ambiguous
    assert match(shop, "FG1", "7300000010015").item is not None
    assert match(shop, "FG1", "not known").item is not None


def test_twins_by_their_sku_are_told_apart_by_the_ean_or_not_at_all(shop: Integration) -> None:
    one = item(shop, "FG1", "7300000010015")
    item(shop, "FG1", "7300000010022")
    assert match(shop, "FG1").is_ambiguous
    assert match(shop, "FG1", "7300000010015").item == one


def test_twins_whose_ean_names_a_third_item_are_nobodys_guess(shop: Integration) -> None:
    item(shop, "FG1", "7300000010015")
    item(shop, "FG1", "7300000010022")
    item(shop, "FG2", "7300000010039")
    assert match(shop, "FG1", "7300000010039").is_ambiguous


def test_twins_of_one_product_are_no_riddle(shop: Integration) -> None:
    product = factories.product(shop.merchant, "FG1")
    item(shop, "FG1", product=product)
    item(shop, "FG1", product=product)
    assert match(shop, "FG1").product == product


def test_an_item_that_is_gone_counts_only_where_no_other_is_there(shop: Integration) -> None:
    gone = item(shop, "FG1", gone_at=timezone.now())
    assert match(shop, "FG1").item == gone
    there = item(shop, "FG1")
    assert match(shop, "FG1").item == there


def test_nothing_matches_empty_texts(shop: Integration) -> None:
    item(shop, "", "")
    assert match(shop, "", "") == Match()
