"""The staff's desk for products and shops' items: what is shown, searched, and kept from being written."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from merchants.models import Merchant
from products.models import Product, WebshopProduct
from products.problems import Code, Problem
from tests import factories

pytestmark = pytest.mark.django_db
PRODUCTS = "admin:products_product_changelist"
ITEMS = "admin:products_webshopproduct_changelist"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(factories.user(name="Robin Desk", is_staff=True, is_superuser=True))
    return client


def text_of(staff: Client, name: str, *args: object, **words: str | int) -> str:
    answer = staff.get(reverse(name, args=args), words)
    assert answer.status_code == 200
    return answer.content.decode()


def test_products_are_found_by_sku_name_ean_and_merchant(staff: Client, merchant: Merchant) -> None:
    factories.product(merchant, "FG1", name="Harbour sweater", ean="7300000010423")
    factories.product(factories.merchant(name="Fjord Goods"), "XX2", name="Pier rain jacket")
    for word in ("FG1", "harbour", "73000000", "Nordlys Store"):
        text = text_of(staff, PRODUCTS, q=word)
        assert "FG1" in text
        assert "XX2" not in text
    assert "FG1" not in text_of(staff, PRODUCTS, merchant__id__exact=Merchant.objects.get(name="Fjord Goods").pk)


def test_items_are_found_and_filtered_by_tab_merchant_and_integration(staff: Client, merchant: Merchant) -> None:
    shop, other = factories.integration(merchant, name="Nordlys"), factories.integration(name="Fjord Goods")
    factories.webshop_product(shop, ("NEW1", "", ""))
    factories.webshop_product(other, ("GONE1", "", ""), gone_at=timezone.now())
    filters: list[dict[str, str | int]] = [
        {"tab": "new"},
        {"integration__id__exact": shop.pk},
        {"integration__merchant__id__exact": merchant.pk},
        {"q": "new1"},
    ]
    for words in filters:
        text = text_of(staff, ITEMS, **words)
        assert "NEW1" in text, words
        assert "GONE1" not in text, words


@pytest.mark.parametrize("name", [PRODUCTS, ITEMS])
def test_the_queries_of_the_lists_do_not_grow(staff: Client, name: str) -> None:
    counted = []
    for number in (3, 40):
        for _n in range(number):
            shop = factories.integration()
            factories.webshop_product(shop, product=factories.product(shop.merchant))
        with CaptureQueriesContext(connection) as queries:
            text_of(staff, name)
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_the_staff_edit_a_product_by_hand(staff: Client, merchant: Merchant) -> None:
    product = factories.product(merchant, "FG1")
    text = text_of(staff, "admin:products_product_change", product.pk)
    assert 'name="sku"' in text
    assert 'name="name"' in text
    assert 'name="merchant"' not in text


def test_of_a_linked_product_the_shop_s_part_is_read_only(staff: Client, merchant: Merchant) -> None:
    product = factories.product(merchant, "FG1")
    factories.webshop_product(factories.integration(merchant), product=product)
    text = text_of(staff, "admin:products_product_change", product.pk)
    for name in ("sku", *Product.SHOP_OWNS):
        assert f'name="{name}"' not in text
    assert 'name="supplier"' in text


def test_a_second_product_of_one_sku_is_refused_in_words(staff: Client, merchant: Merchant) -> None:
    factories.product(merchant, "FG1")
    fields = {"merchant": merchant.pk, "sku": "FG1", "name": "Another"}
    management = {"webshop_products-TOTAL_FORMS": 0, "webshop_products-INITIAL_FORMS": 0}
    answer = staff.post(reverse("admin:products_product_add"), {**fields, **management})
    assert "Another product has this SKU." in answer.content.decode()
    assert Product.objects.count() == 1


def test_an_item_is_read_with_its_problems_and_not_written(staff: Client) -> None:
    item = factories.webshop_product(
        factories.integration(), own_problems=[Problem(Code.LENGTH, {"length": 214}).dump()]
    )
    text = text_of(staff, "admin:products_webshopproduct_change", item.pk)
    assert "214 characters" in text
    assert 'name="sku"' not in text
    assert 'name="_save"' not in text
    assert staff.get(reverse("admin:products_webshopproduct_add")).status_code == 403
    assert (
        staff.post(reverse("admin:products_webshopproduct_delete", args=[item.pk]), {"post": "yes"}).status_code == 403
    )
    assert WebshopProduct.objects.filter(pk=item.pk).exists()


def test_items_are_ignored_and_brought_back_in_bulk(staff: Client) -> None:
    item = factories.webshop_product(factories.integration())
    for action, tab in (("ignore", "ignored"), ("stop_ignoring", "new")):
        staff.post(reverse(ITEMS), {"action": action, "_selected_action": [item.pk]})
        item.refresh_from_db()
        assert item.tab == tab


def test_a_product_goes_without_its_items(staff: Client, merchant: Merchant) -> None:
    product = factories.product(merchant)
    item = factories.webshop_product(factories.integration(merchant), product=product)
    staff.post(reverse("admin:products_product_delete", args=[product.pk]), {"post": "yes"})
    item.refresh_from_db()
    assert Product.objects.count() == 0
    assert item.tab == "new"
