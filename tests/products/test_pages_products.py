"""The product list, a product made by hand, one product: read, edited, and kept by the shop."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from merchants.models import Merchant, User
from products.forms import ProductForm
from products.models import Product
from products.problems import Code, Problem
from tests import factories

pytestmark = pytest.mark.django_db

EVERYTHING = {
    "sku": "FG-SWEATER-1",
    "name": "Harbour sweater",
    "description": "Wool.\nWarm.",
    "ean": "7300000010423",
    "group": "Knitwear",
    "supplier": "Skerry Mills",
    "supplier_code": "SM-77",
    "purchase_price": "120.50",
    "purchase_currency": "sek",
    "sales_price": "399",
    "sales_currency": "SEK",
    "vat_percent": "25",
    "product_url": "https://nordlys.example/harbour",
    "picture_url": "https://nordlys.example/harbour.jpg",
    "weight_kg": "0.620",
    "height_cm": "4",
    "width_cm": "30",
    "depth_cm": "40.5",
    "country_of_origin": "SE",
    "customs_description": "Sweater, wool, clothing",
    "hs_code": "61101190",
    "alarm_level": "5",
    "language": "sv",
}


def list_url(merchant: Merchant) -> str:
    return reverse("products:list", args=[merchant.pk])


def new_url(merchant: Merchant) -> str:
    return reverse("products:new", args=[merchant.pk])


def edit_url(product: Product) -> str:
    return reverse("products:edit", args=[product.merchant_id, product.pk])


def text_of(client: Client, address: str, **words: str) -> str:
    answer = client.get(address, words)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def listed(client: Client, merchant: Merchant, **words: str) -> list[str]:
    return [product.sku for product in client.get(list_url(merchant), words).context["page"]]


def errors(answer: Any) -> dict[str, list[str]]:
    return dict(answer.context["form"].errors)


# --- who -----------------------------------------------------------------------------------------


def test_each_page_is_for_linked_users_only(
    merchant: Merchant, client: Client, signed_in: Callable[[User], Client]
) -> None:
    stranger = signed_in(factories.user())
    for address in (list_url(merchant), new_url(merchant), edit_url(factories.product(merchant))):
        assert stranger.get(address).status_code == 404
        assert client.get(address)["Location"].startswith(reverse("account_login"))


def test_another_merchant_s_product_is_a_404(page: Client, merchant: Merchant) -> None:
    theirs = factories.product(factories.merchant(), name="Theirs")
    address = reverse("products:edit", args=[merchant.pk, theirs.pk])
    assert page.get(address).status_code == 404
    assert page.post(address, EVERYTHING).status_code == 404
    assert "Theirs" not in text_of(page, list_url(merchant))


def test_a_viewer_reads_everything_and_changes_nothing(merchant: Merchant, signed_in: Callable[[User], Client]) -> None:
    product = factories.product(merchant, "FG1", hs_code="61101190", sales_price=Decimal("399"))
    viewer = signed_in(factories.viewer(merchant))
    text = text_of(viewer, edit_url(product))
    assert "61101190" in text
    assert "399" in text
    assert "Save</button>" not in text
    assert 'name="sku"' not in text
    assert "New product" not in text_of(viewer, list_url(merchant))
    assert viewer.get(new_url(merchant)).status_code == 403
    assert viewer.post(new_url(merchant), EVERYTHING).status_code == 403
    assert viewer.post(edit_url(product), EVERYTHING).status_code == 403
    assert list(Product.objects.values_list("sku", "name")) == [("FG1", "Harbour sweater")]


# --- the list ---------------------------------------------------------------------------------------


def test_without_products_the_list_says_how_to_get_some(page: Client, merchant: Merchant) -> None:
    text = text_of(page, list_url(merchant))
    assert "No products yet" in text
    assert reverse("products:sync", args=[merchant.pk]) in text


@pytest.fixture
def wardrobe(merchant: Merchant) -> None:
    shop = factories.integration(merchant, name="Nordlys")
    second = factories.integration(merchant, name="Fjord Goods")
    sweater = factories.product(merchant, "FG-2", name="Harbour sweater", group="Knitwear", sales_price=Decimal(399))
    jacket = factories.product(merchant, "FG-1", name="Pier rain jacket", ean="7300000010423", sales_price=Decimal(900))
    factories.product(merchant, "FG-3", name="Anchor cap", group="Hats", sales_price=Decimal(99))
    factories.webshop_product(shop, product=sweater)
    factories.webshop_product(second, product=jacket)
    factories.webshop_product(second, product=sweater)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({}, ["FG-1", "FG-2", "FG-3"]),
        ({"q": "rain"}, ["FG-1"]),
        ({"q": "fg-3"}, ["FG-3"]),
        ({"q": "7300000010"}, ["FG-1"]),
        ({"group": "Hats"}, ["FG-3"]),
        ({"origin": "hand"}, ["FG-3"]),
        ({"origin": "shop"}, ["FG-1", "FG-2"]),
        ({"sort": "name"}, ["FG-3", "FG-2", "FG-1"]),
        ({"sort": "price"}, ["FG-3", "FG-2", "FG-1"]),
        ({"sort": "changed"}, ["FG-3", "FG-1", "FG-2"]),
        ({"sort": "x", "origin": "99999", "page": "no"}, ["FG-1", "FG-2", "FG-3"]),
        ({"group": "No such group"}, []),
    ],
    ids=str,
)
def test_search_filters_and_order(
    page: Client, merchant: Merchant, wardrobe: None, words: dict[str, str], found: list[str]
) -> None:
    assert listed(page, merchant, **words) == found


def test_one_shop_s_products_can_be_picked_out(page: Client, merchant: Merchant, wardrobe: None) -> None:
    shop = merchant.integrations.get(name="Nordlys")
    assert listed(page, merchant, origin=str(shop.pk)) == ["FG-2"]
    text = text_of(page, list_url(merchant), origin=str(shop.pk))
    assert f'<option value="{shop.pk}" selected>Linked to Nordlys (Centra)</option>' in text


def test_the_list_names_the_linked_shops(page: Client, merchant: Merchant, wardrobe: None) -> None:
    text = text_of(page, list_url(merchant), q="FG-2")
    assert "Fjord Goods (Centra)" in text
    assert "Nordlys (Centra)" in text
    assert "not linked" in text_of(page, list_url(merchant), q="FG-3")


def test_nothing_found_offers_the_way_back(page: Client, merchant: Merchant, wardrobe: None) -> None:
    text = text_of(page, list_url(merchant), q="unheard of")
    assert "Nothing matches" in text
    assert f'href="{list_url(merchant)}">Show all</a>' in text


def test_the_queries_do_not_grow_with_the_products(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    counted = []
    for upto in (10, 500):
        while Product.objects.count() < upto:
            factories.webshop_product(shop, product=factories.product(merchant))
        page.get(list_url(merchant))
        with CaptureQueriesContext(connection) as queries:
            assert len(listed(page, merchant)) == min(upto, 50)
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert "1–50 of 500" in text_of(page, list_url(merchant))


# --- by hand ------------------------------------------------------------------------------------------


def test_a_product_is_made_by_hand_with_every_field(page: Client, merchant: Merchant) -> None:
    answer = page.post(new_url(merchant), EVERYTHING, follow=True)
    product = Product.objects.for_merchant(merchant).get()
    stored = {name: str(getattr(product, name)) for name in EVERYTHING}
    expected = {**EVERYTHING, "purchase_currency": "SEK", "sales_price": "399", "height_cm": "4"}
    for name, value in expected.items():
        same = Decimal(stored[name]) == Decimal(value) if name.endswith(("price", "percent", "_cm", "_kg")) else None
        assert same or stored[name].replace("\r\n", "\n") == value, name
    assert "is made." in answer.content.decode()
    assert edit_url(product) in answer.content.decode()


def test_what_is_typed_stays_when_something_is_wrong(page: Client, merchant: Merchant) -> None:
    answer = page.post(new_url(merchant), {**EVERYTHING, "ean": "7300000010429"})
    assert list(errors(answer)) == ["ean"]
    text = answer.content.decode()
    assert "is no EAN" in text
    for typed in ("FG-SWEATER-1", "Skerry Mills", "61101190", "7300000010429"):
        assert typed in text
    assert Product.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("sku", "", "required"),
        ("sku", "   ", "required"),
        ("sku", "FG/1", "no slash"),
        ("sku", "FG\\1", "no slash"),
        ("sku", "FG\u200b1", "invisible"),
        ("sku", "X" * 201, "200"),
        ("name", "", "required"),
        ("ean", "123", "is no EAN"),
        ("ean", "7" * 15, "14"),
        ("sales_price", "-1", "greater than or equal to 0"),
        ("sales_price", "much", "number"),
        ("sales_currency", "KRONA", "at most 3"),
        ("sales_currency", "S1K", "three letters"),
        ("sales_currency", "", "in which currency"),
        ("purchase_currency", "", "in which currency"),
        ("weight_kg", "-0.1", "greater than or equal to 0"),
        ("customs_description", "x" * 51, "50"),
        ("country_of_origin", "XX", "valid choice"),
        ("product_url", "not a page", "valid URL"),
        ("picture_url", "javascript:alert(1)", "valid URL"),
        ("alarm_level", "-3", "greater than or equal to 0"),
    ],
)
def test_wrong_input_is_an_error_on_its_field(
    page: Client, merchant: Merchant, field: str, value: str, words: str
) -> None:
    answer = page.post(new_url(merchant), {**EVERYTHING, field: value})
    assert list(errors(answer)) == [field]
    assert words in str(errors(answer)[field])
    assert Product.objects.count() == 0


def test_a_taken_sku_names_the_other_product_with_a_link(page: Client, merchant: Merchant) -> None:
    other = factories.product(merchant, "FG-SWEATER-1", name="Old sweater")
    answer = page.post(new_url(merchant), EVERYTHING)
    assert list(errors(answer)) == ["sku"]
    text = answer.content.decode()
    assert "Another product has this SKU:" in text
    assert f'<a href="{edit_url(other)}">FG-SWEATER-1 Old sweater</a>' in text


@pytest.mark.parametrize("sku", ["fg-sweater-1", "FG-SWEATER- 1", "ＦＧ-SWEATER-1"])
def test_a_sku_that_reads_like_another_is_refused_in_words(page: Client, merchant: Merchant, sku: str) -> None:
    other = factories.product(merchant, "FG-SWEATER-1")
    answer = page.post(new_url(merchant), {**EVERYTHING, "sku": sku})
    assert list(errors(answer)) == ["sku"]
    assert "only in capitals or blanks" in str(errors(answer)["sku"])
    assert edit_url(other) in answer.content.decode()
    assert Product.objects.count() == 1


def test_another_merchant_s_sku_is_free(page: Client, merchant: Merchant) -> None:
    factories.product(factories.merchant(), "FG-SWEATER-1")
    page.post(new_url(merchant), EVERYTHING)
    assert Product.objects.for_merchant(merchant).count() == 1


def test_an_sku_taken_this_very_moment_ends_at_the_field_too(
    page: Client, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rival is faster than our look: only the database can say so."""
    look = ProductForm.clean_sku

    def rival_first(form: ProductForm) -> str:
        sku = look(form)
        factories.product(merchant, sku, name="The rival's")
        return sku

    monkeypatch.setattr(ProductForm, "clean_sku", rival_first)
    answer = page.post(new_url(merchant), EVERYTHING)
    assert answer.status_code == 200
    assert list(errors(answer)) == ["sku"]
    assert Product.objects.get().name == "The rival's"


def test_another_refusal_of_the_database_is_not_called_a_taken_sku(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = ProductForm(EVERYTHING, instance=Product(merchant=merchant))
    assert form.is_valid()

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError("something else")

    monkeypatch.setattr(Product, "save", refuse)
    with pytest.raises(IntegrityError, match="something else"):
        form.store()


def test_names_are_never_markup(page: Client, merchant: Merchant) -> None:
    other = factories.product(merchant, "FG-SWEATER-1", name="<img src=x>")
    texts = [
        page.post(new_url(merchant), EVERYTHING).content.decode(),
        text_of(page, list_url(merchant)),
        text_of(page, edit_url(other)),
    ]
    for text in texts:
        assert "<img src=x>" not in text
        assert "&lt;img src=x&gt;" in text


def test_save_and_make_another_stays_at_the_form(page: Client, merchant: Merchant) -> None:
    answer = page.post(new_url(merchant), {**EVERYTHING, "another": "1"})
    assert answer["Location"] == new_url(merchant)
    assert Product.objects.count() == 1


# --- one product ---------------------------------------------------------------------------------------


def test_a_product_by_hand_is_edited_freely(page: Client, merchant: Merchant) -> None:
    product = factories.product(merchant, "FG1")
    answer = page.post(edit_url(product), EVERYTHING, follow=True)
    assert "Saved." in answer.content.decode()
    product.refresh_from_db()
    assert (product.sku, product.sku_folded, product.hs_code) == ("FG-SWEATER-1", "fg-sweater-1", "61101190")


def test_saving_what_is_there_is_no_clash_with_itself(page: Client, merchant: Merchant) -> None:
    product = factories.product(merchant, "FG1")
    page.post(edit_url(product), {**EVERYTHING, "sku": "FG1", "name": "Harbour sweater II"})
    product.refresh_from_db()
    assert product.name == "Harbour sweater II"


def test_a_twin_from_before_does_not_keep_the_rest_from_being_edited(page: Client, merchant: Merchant) -> None:
    factories.product(merchant, "fg1")
    product = factories.product(merchant, "FG1")
    page.post(edit_url(product), {**EVERYTHING, "sku": "FG1"})
    product.refresh_from_db()
    assert product.supplier == "Skerry Mills"


def test_what_the_shop_keeps_is_read_here_and_cannot_be_posted(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant, name="Nordlys")
    product = factories.product(
        merchant, "FG1", name="Harbour sweater", sales_price=Decimal("399"), sales_currency="SEK", hs_code="61101190"
    )
    factories.webshop_product(shop, ("FG", "1", ""), product=product)
    text = text_of(page, edit_url(product))
    assert text.count("Kept by the shop; mend it in Centra.") == len(Product.SHOP_OWNS)
    for name in ("sku", *Product.SHOP_OWNS):
        assert f'name="{name}"' not in text
    page.post(edit_url(product), EVERYTHING)
    product.refresh_from_db()
    assert (product.sku, product.name, product.sales_price, product.hs_code) == (
        "FG1",
        "Harbour sweater",
        Decimal("399"),
        "61101190",
    )
    assert (product.ean, product.supplier, product.alarm_level) == ("7300000010423", "Skerry Mills", 5)


def test_once_gone_from_the_shop_a_product_is_edited_here_but_for_its_sku(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    product = factories.product(merchant, "FG1")
    factories.webshop_product(shop, product=product, gone_at=timezone.now())
    assert "Kept by the shop" not in text_of(page, edit_url(product))
    page.post(edit_url(product), {**EVERYTHING, "name": "Renamed here"})
    product.refresh_from_db()
    assert (product.sku, product.name) == ("FG1", "Renamed here")


def test_a_faulty_address_of_the_shop_s_picture_does_not_lock_the_rest(page: Client, merchant: Merchant) -> None:
    product = factories.product(merchant, "FG1", picture_url="no address at all")
    factories.webshop_product(factories.integration(merchant), product=product)
    page.post(edit_url(product), {"supplier": "Skerry Mills"})
    product.refresh_from_db()
    assert product.supplier == "Skerry Mills"


def test_the_page_shows_each_linked_item_with_its_shop_and_problems(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant, name="Nordlys")
    second = factories.integration(merchant, name="Fjord Goods")
    product = factories.product(merchant, "FG1042-NVY-M")
    factories.webshop_product(shop, ("FG1042", "-NVY", "-M"), product=product)
    factories.webshop_product(
        second,
        ("FG1042", "", ""),
        product=product,
        own_problems=[Problem(Code.EAN_WRONG, {"ean": "7300000010429"}).dump()],
    )
    text = text_of(page, edit_url(product))
    assert "Nordlys (Centra)" in text
    assert "Fjord Goods (Centra)" in text
    assert '<span class="a">FG1042</span><span class="b">-NVY</span><span class="c">-M</span>' in text
    assert "The EAN 7300000010429 is wrong" in text
    assert "Last changed in the shop" in text
    assert f"?shop={second.pk}&amp;tab=problems&amp;q=FG1042" in text


def test_a_product_without_shop_says_how_one_is_linked(page: Client, merchant: Merchant) -> None:
    assert "No shop’s item is linked" in text_of(page, edit_url(factories.product(merchant)))


def test_around_a_faulty_form_the_page_shows_what_is_stored(page: Client, merchant: Merchant) -> None:
    product = factories.product(merchant, "FG1", name="Harbour sweater")
    text = page.post(edit_url(product), {**EVERYTHING, "name": "Other", "ean": "1"}).content.decode()
    assert "<h1>Harbour sweater</h1>" in text
    assert 'value="Other"' in text
