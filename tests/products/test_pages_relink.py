"""An SKU was changed in the shop: *Relink* and *Keep*, item by item and for many at once."""

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from merchants.models import Merchant
from products.detect import detect
from products.models import Product, WebshopProduct
from products.problems import Code, Problem
from tests import factories
from tests.products.test_pages_apply import press, said, tab

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant, name="Nordlys")


# --- one ------------------------------------------------------------------------------------------------


@pytest.fixture
def renamed(shop: Integration) -> WebshopProduct:
    """Linked as OLD-1; the shop calls it NEW-1 by now."""
    product = factories.product(shop.merchant, "OLD-1")
    item = factories.webshop_product(shop, ("NEW", "-1", ""), product=product)
    detect(shop)
    assert tab(item) == "problems"
    return item


def test_relink_makes_the_product_of_the_new_sku_and_leaves_the_old_one(
    page: Client, shop: Integration, renamed: WebshopProduct
) -> None:
    words = said(press(page, shop, f"relink {renamed.pk}", tab="problems"))
    renamed.refresh_from_db()
    assert renamed.product is not None
    assert renamed.product.sku == "NEW-1"
    assert renamed.tab == "linked"
    assert Product.objects.filter(sku="OLD-1").exists()
    assert "is linked to NEW-1." in words


def test_keep_stays_with_the_old_product_and_asks_no_more(
    page: Client, shop: Integration, renamed: WebshopProduct
) -> None:
    words = said(press(page, shop, f"keep {renamed.pk}", tab="problems"))
    detect(shop)
    renamed.refresh_from_db()
    assert renamed.product is not None
    assert renamed.product.sku == "OLD-1"
    assert renamed.tab == "linked"
    assert "stays linked to OLD-1." in words


@pytest.mark.parametrize("act", ["relink", "keep"])
def test_pressed_twice_the_second_time_changes_nothing(
    page: Client, shop: Integration, renamed: WebshopProduct, act: str
) -> None:
    press(page, shop, f"{act} {renamed.pk}")
    before = (list(Product.objects.values()), list(WebshopProduct.objects.values()))
    assert "Nothing was" in said(press(page, shop, f"{act} {renamed.pk}"))
    assert (list(Product.objects.values()), list(WebshopProduct.objects.values())) == before


def test_relink_never_makes_a_product_without_sku(page: Client, shop: Integration) -> None:
    product = factories.product(shop.merchant, "OLD-1")
    item = factories.webshop_product(shop, ("", "", ""), product=product, own_problems=[Problem(Code.NO_SKU).dump()])
    detect(shop)
    assert "Nothing was relinked" in said(press(page, shop, f"relink {item.pk}"))
    item.refresh_from_db()
    assert item.product == product
    assert Product.objects.count() == 1


def test_relink_never_makes_a_twin(page: Client, shop: Integration) -> None:
    product = factories.product(shop.merchant, "old-1")
    item = factories.webshop_product(shop, ("OLD-1", "", ""), product=product)
    detect(shop)
    words = said(press(page, shop, f"relink {item.pk}"))
    assert "Not relinked: OLD-1 reads like old-1" in words
    assert Product.objects.count() == 1
    assert tab(item) == "problems"


# --- many -----------------------------------------------------------------------------------------------


@pytest.fixture
def several_renamed(shop: Integration) -> list[WebshopProduct]:
    """Three renamed in the shop; a fourth reads by now like a product that there is, a fifth has a wrong EAN too."""
    factories.product(shop.merchant, "new-3")
    items = []
    for number in range(5):
        product = factories.product(shop.merchant, f"OLD-{number}")
        own = [Problem(Code.EAN_WRONG, {"ean": "1"}).dump()] if number == 4 else []
        parts = ("NEW", f"-{number}", "")
        items.append(factories.webshop_product(shop, parts, product=product, own_problems=own))
    detect(shop)
    return items


def skus(items: list[WebshopProduct]) -> list[str]:
    pks = [item.pk for item in items]
    return list(WebshopProduct.objects.filter(pk__in=pks).order_by("pk").values_list("product__sku", flat=True))


@pytest.mark.parametrize("all_of_them", ["", "1"])
def test_many_changed_skus_are_relinked_at_once_and_what_is_faulty_is_left(
    page: Client, shop: Integration, several_renamed: list[WebshopProduct], all_of_them: str
) -> None:
    other = factories.webshop_product(shop, ("", "", ""), own_problems=[Problem(Code.NO_SKU).dump()])
    more = {"all": all_of_them, "tab": "problems", "problem": "sku_changed" if all_of_them else ""}
    words = said(press(page, shop, "relink", *several_renamed, *([] if all_of_them else [other]), **more))
    assert skus(several_renamed) == ["NEW-0", "NEW-1", "NEW-2", "OLD-3", "OLD-4"]
    assert [tab(item) for item in several_renamed] == ["linked"] * 3 + ["problems"] * 2
    assert "3 items are linked to their new SKUs." in words
    assert f"{2 if all_of_them else 3} items are left as they were." in words
    assert Product.objects.filter(sku__startswith="OLD").count() == 5


def test_many_changed_skus_are_kept_at_once(
    page: Client, shop: Integration, several_renamed: list[WebshopProduct]
) -> None:
    words = said(press(page, shop, "keep", *several_renamed, tab="problems"))
    assert skus(several_renamed) == [f"OLD-{number}" for number in range(5)]
    assert "5 items stay linked." in words
    detect(shop)
    assert [tab(item) for item in several_renamed] == ["linked"] * 4 + ["problems"]


@pytest.mark.parametrize("act", ["relink", "keep"])
def test_many_pressed_twice_the_second_time_changes_nothing(
    page: Client, shop: Integration, several_renamed: list[WebshopProduct], act: str
) -> None:
    press(page, shop, act, *several_renamed[:3], tab="problems")
    before = (list(Product.objects.values()), list(WebshopProduct.objects.values()))
    assert "3 items are left as they were." in said(press(page, shop, act, *several_renamed[:3], tab="problems"))
    assert (list(Product.objects.values()), list(WebshopProduct.objects.values())) == before


def test_the_buttons_for_many_stand_where_only_changed_skus_are_shown(
    page: Client, shop: Integration, several_renamed: list[WebshopProduct]
) -> None:
    address = reverse("products:sync", args=[shop.merchant_id])
    shown = page.get(address, {"tab": "problems", "problem": "sku_changed"}).context["acts"]
    assert [act["value"] for act in shown] == ["ignore", "keep", "relink"]
    assert [act["value"] for act in page.get(address, {"tab": "problems"}).context["acts"]] == ["ignore"]
