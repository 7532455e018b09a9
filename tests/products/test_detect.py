"""Problems that show when items are held beside each other."""

import pytest

from integrations.models import Integration
from products import create
from products.detect import detect
from products.models import Tab, WebshopProduct
from products.problems import Code
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Integration:
    return factories.integration()


def codes(item: WebshopProduct) -> list[Code]:
    item.refresh_from_db()
    return [problem.code for problem in item.problems]


def sentence(item: WebshopProduct) -> str:
    item.refresh_from_db()
    return item.problems[0].sentence


def test_items_with_skus_of_their_own_have_no_problem(shop: Integration) -> None:
    items = [factories.webshop_product(shop) for _number in range(3)]
    detect(shop)
    assert [codes(item) for item in items] == [[], [], []]
    assert shop.webshop_products.on_tab(Tab.NEW).count() == 3


def test_the_same_sku_twice_names_the_other(shop: Integration) -> None:
    one = factories.webshop_product(shop, ("FG1", "-A", "-M"), name="Tote")
    other = factories.webshop_product(shop, ("FG1", "-A", "-M"), name="Bag")
    detect(shop)
    assert codes(one) == codes(other) == [Code.SAME_SKU]
    assert "Bag" in sentence(one)
    assert "Tote" in sentence(other)


def test_different_parts_that_join_alike_are_called_a_join_ambiguity(shop: Integration) -> None:
    one = factories.webshop_product(shop, ("FG33", "10", "0"), name="Skerry tote")
    other = factories.webshop_product(shop, ("FG331", "0", "0"), name="Skerry bag")
    detect(shop)
    assert codes(one) == codes(other) == [Code.JOIN]
    assert "FG33+10+0" in sentence(one)
    assert "FG331+0+0" in sentence(one)
    assert "FG33100" in sentence(one)


@pytest.mark.parametrize("twin", ["fg1-a", "FG1 -A"])
def test_twins_by_capitals_or_blanks_are_both_named(shop: Integration, twin: str) -> None:
    one = factories.webshop_product(shop, ("FG1-A", "", ""))
    other = factories.webshop_product(shop, (twin, "", ""))
    detect(shop)
    assert codes(one) == codes(other) == [Code.TWIN]


def test_a_twin_of_a_product_is_seen_and_an_equal_product_is_a_link(shop: Integration) -> None:
    factories.product(shop.merchant, "fg1-a")
    factories.product(shop.merchant, "FG2-A")
    twin = factories.webshop_product(shop, ("FG1-A", "", ""))
    equal = factories.webshop_product(shop, ("FG2-A", "", ""))
    detect(shop)
    assert codes(twin) == [Code.TWIN]
    assert codes(equal) == []


def test_the_same_ean_on_two_skus(shop: Integration) -> None:
    one = factories.webshop_product(shop, ean="7300000010423")
    other = factories.webshop_product(shop, ean="7300000010423")
    detect(shop)
    assert codes(one) == codes(other) == [Code.EAN_TWICE]


def test_an_ean_is_asked_for_only_where_it_identifies(shop: Integration) -> None:
    item = factories.webshop_product(shop)
    detect(shop)
    assert codes(item) == []
    shop.identifies_by = Integration.Identify.EAN
    detect(shop)
    assert codes(item) == [Code.EAN_MISSING]


def test_other_shops_and_gone_items_do_not_count(shop: Integration) -> None:
    one = factories.webshop_product(shop, ("FG1", "", ""))
    factories.webshop_product(factories.integration(shop.merchant), ("FG1", "", ""))
    factories.webshop_product(shop, ("FG1", "", ""), gone_at=one.first_seen_at)
    detect(shop)
    assert codes(one) == []


def test_a_mended_problem_is_cleared_and_nothing_else_is_touched(shop: Integration) -> None:
    wrong_ean = [{"code": "ean_wrong", "ean": "123"}]
    one = factories.webshop_product(shop, ("FG1", "", ""), own_problems=wrong_ean)
    other = factories.webshop_product(shop, ("FG1", "", ""))
    detect(shop)
    assert codes(one) == [Code.EAN_WRONG, Code.SAME_SKU]
    WebshopProduct.objects.filter(pk=other.pk).update(sku="FG2", sku_folded="fg2", sku_product="FG2")
    detect(shop)
    detect(shop)
    assert codes(one) == [Code.EAN_WRONG]
    assert codes(other) == []
    assert (one.tab, other.tab) == (Tab.PROBLEMS, Tab.PROBLEMS) or other.tab == Tab.NEW


def test_a_changed_sku_is_shown_with_old_and_new(shop: Integration) -> None:
    product = factories.product(shop.merchant, "FG1-OLD")
    item = factories.webshop_product(shop, ("FG1", "", "-NEW"), product=product)
    detect(shop)
    assert codes(item) == [Code.SKU_CHANGED]
    assert "FG1-OLD → FG1-NEW" in sentence(item)


def test_relinking_makes_the_new_product_and_leaves_the_old(shop: Integration) -> None:
    old = factories.product(shop.merchant, "FG1-OLD")
    item = factories.webshop_product(shop, ("FG1", "", "-NEW"), product=old)
    detect(shop)
    new = create.relink(item)
    assert new is not None
    assert new.sku == "FG1-NEW"
    assert codes(item) == []
    assert item.product == new
    old.refresh_from_db()
    assert old.sku == "FG1-OLD"


def test_keeping_the_link_is_remembered_until_the_sku_changes_again(shop: Integration) -> None:
    item = factories.webshop_product(shop, ("FG1", "", "-NEW"), product=factories.product(shop.merchant, "FG1-OLD"))
    detect(shop)
    create.keep_link(item)
    assert codes(item) == []
    WebshopProduct.objects.filter(pk=item.pk).update(sku="FG1-NEWER")
    detect(shop)
    assert codes(item) == [Code.SKU_CHANGED]


def test_three_of_a_kind_say_how_many_more(shop: Integration) -> None:
    items = [factories.webshop_product(shop, ("FG1", "", "")) for _number in range(3)]
    detect(shop)
    assert "1 more" in sentence(items[0])


def test_counts_add_up(shop: Integration) -> None:
    now = factories.webshop_product(shop).first_seen_at
    factories.webshop_product(shop, product=factories.product(shop.merchant))
    factories.webshop_product(shop, ignored_at=now)
    factories.webshop_product(shop, gone_at=now, ignored_at=now)
    factories.webshop_product(shop, ("", "", ""), own_problems=[{"code": "no_sku"}])
    counts = shop.webshop_products.counts()
    assert list(counts.values()) == [1, 1, 1, 1, 1]
    assert sum(counts.values()) == shop.webshop_products.count()
