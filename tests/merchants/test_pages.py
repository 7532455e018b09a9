"""From signing up to the first merchant, further merchants, and Company information."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from merchants.models import Membership, Merchant, User, Warehouse
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def testing_house(db: None) -> Warehouse:
    return factories.warehouse(code="TST", name="Public testing warehouse", is_public_testing=True)


def text_of(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


# --- the first merchant --------------------------------------------------------------------


def test_signing_up_leads_to_the_first_merchant(client: Client, testing_house: Warehouse) -> None:
    sent = {"name": "Kim Berg", "email": "kim@fjordgoods.example", "password1": factories.PASSWORD}
    answer = client.post(reverse("account_signup"), sent)
    assert answer["Location"] == reverse("merchants:create")
    text = text_of(client, answer["Location"])
    for word in ("Merchant name", "Warehouse", "Public testing warehouse", "Create merchant"):
        assert word in text
    made = client.post(reverse("merchants:create"), {"name": "Fjord Goods", "warehouse": testing_house.pk})
    merchant = Merchant.objects.get()
    assert made["Location"] == reverse("orders:front_page", args=[merchant.pk])
    assert merchant.name == "Fjord Goods"
    assert list(merchant.warehouses.all()) == [testing_house]
    linked = Membership.objects.get()
    assert linked.user.email == "kim@fjordgoods.example"
    assert linked.edits_settings
    assert linked.edits_products


def test_a_user_without_merchant_is_led_to_make_one(client: Client, testing_house: Warehouse) -> None:
    client.force_login(factories.user())
    assert client.get(reverse("merchants:home"))["Location"] == reverse("merchants:create")


def test_only_the_warehouse_for_testing_is_offered(client: Client, testing_house: Warehouse) -> None:
    real = factories.warehouse(name="Gothenburg")
    client.force_login(factories.user())
    assert "Gothenburg" not in text_of(client, reverse("merchants:create"))
    answer = client.post(reverse("merchants:create"), {"name": "Fjord Goods", "warehouse": real.pk})
    assert "warehouse" in answer.context["form"].errors
    assert not Merchant.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_merchant_needs_a_name(client: Client, testing_house: Warehouse, name: str) -> None:
    client.force_login(factories.user())
    answer = client.post(reverse("merchants:create"), {"name": name, "warehouse": testing_house.pk})
    assert "name" in answer.context["form"].errors
    assert not Merchant.objects.exists()


def test_without_an_open_warehouse_the_page_says_whom_to_ask(client: Client) -> None:
    client.force_login(factories.user())
    assert "No warehouse is open" in text_of(client, reverse("merchants:create"))


def test_add_new_makes_a_further_merchant(page: Client, merchant: Merchant, testing_house: Warehouse) -> None:
    assert "New merchant" in text_of(page, reverse("merchants:create"))
    page.post(reverse("merchants:create"), {"name": "Fjord Goods", "warehouse": testing_house.pk})
    assert set(Merchant.objects.values_list("name", flat=True)) == {"Nordlys Store", "Fjord Goods"}


def test_making_a_merchant_needs_a_sign_in(client: Client) -> None:
    assert client.get(reverse("merchants:create"))["Location"].startswith(reverse("account_login"))


# --- Company information -------------------------------------------------------------------


def company_url(merchant: Merchant) -> str:
    return reverse("merchants:company", args=[merchant.pk])


def company(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Nordlys Store",
        "company_name": "Nordlys Handel AB",
        "company_id": "556000-0001",
        "vat_code": "SE556677889901",
        "address": "Hamngatan 1",
        "zip_code": "411 06",
        "city": "Göteborg",
        "country": "SE",
        "contact_name": "Kim Berg",
        "contact_email": "kim@nordlys.example",
        "contact_phone": "+46 31 000 00 00",
        "time_zone": "Europe/Stockholm",
        **changes,
    }


def test_company_information_is_saved(page: Client, merchant: Merchant) -> None:
    answer = page.post(company_url(merchant), company(), follow=True)
    assert "Saved." in answer.content.decode()
    merchant.refresh_from_db()
    for name, value in company().items():
        assert getattr(merchant, name) == value


def test_what_is_not_chosen_says_so_in_words(page: Client, merchant: Merchant) -> None:
    for name in ("merchants:company", "products:new", "orders:new"):
        text = text_of(page, reverse(name, args=[merchant.pk]))
        assert '<option value="" selected>Not chosen</option>' in text, name
        assert "-----" not in text, name


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "  "), ("contact_email", "kim at nordlys"), ("country", "XX"), ("time_zone", "Mars/Base")],
)
def test_wrong_input_is_refused_on_its_field_and_nothing_typed_is_lost(
    page: Client, merchant: Merchant, field: str, value: str
) -> None:
    form = page.post(company_url(merchant), company(**{field: value, "city": "Mölndal"})).context["form"]
    assert list(form.errors) == [field]
    assert form["city"].value() == "Mölndal"
    merchant.refresh_from_db()
    assert merchant.city == ""


def test_the_page_around_a_refused_form_shows_the_stored_name(page: Client, merchant: Merchant) -> None:
    sent = company(name="Fjord Goods", contact_email="nobody")
    text = page.post(company_url(merchant), sent).content.decode()
    assert '<span class="where">Nordlys Store</span>' in text


def test_what_is_typed_is_escaped(page: Client, merchant: Merchant) -> None:
    text = page.post(company_url(merchant), company(name="<script>x</script>"), follow=True).content.decode()
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text


def test_a_view_only_user_sees_company_information_without_a_form(
    merchant: Merchant, signed_in: Callable[[User], Client]
) -> None:
    Merchant.objects.filter(pk=merchant.pk).update(company_name="Nordlys Handel AB", country="SE")
    browser = signed_in(factories.viewer(merchant))
    text = text_of(browser, company_url(merchant))
    assert "Nordlys Handel AB" in text
    assert "Sweden" in text
    assert 'name="company_name"' not in text
    assert ">Save<" not in text
    assert browser.post(company_url(merchant), company(company_name="Mine")).status_code == 403
    merchant.refresh_from_db()
    assert merchant.company_name == "Nordlys Handel AB"


def test_a_stranger_finds_no_company(merchant: Merchant, signed_in: Callable[[User], Client]) -> None:
    browser = signed_in(factories.user())
    assert browser.get(company_url(merchant)).status_code == 404
    assert browser.post(company_url(merchant), company()).status_code == 404


def test_somebody_not_signed_in_is_led_to_the_sign_in(client: Client, merchant: Merchant) -> None:
    assert client.get(company_url(merchant))["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize(
    ("typed", "stored"), [("se 5566 778899 01", "SE556677889901"), ("NO 995 525 828 MVA", "NO995525828MVA"), ("", "")]
)
def test_a_vat_code_is_tidied(page: Client, merchant: Merchant, typed: str, stored: str) -> None:
    page.post(
        reverse("merchants:company", args=[merchant.pk]), {"name": "N", "time_zone": "Europe/Oslo", "vat_code": typed}
    )
    merchant.refresh_from_db()
    assert merchant.vat_code == stored


@pytest.mark.parametrize("typed", ["garbage", "SE1", "SE556677889902x", "12345678"])
def test_what_is_no_vat_code_is_refused_and_kept(page: Client, merchant: Merchant, typed: str) -> None:
    form = {"name": "N", "time_zone": "Europe/Oslo", "vat_code": typed}
    text = page.post(reverse("merchants:company", args=[merchant.pk]), form).content.decode()
    assert "This is no VAT code" in text
    assert f'value="{typed}"' in text
    merchant.refresh_from_db()
    assert merchant.vat_code == ""
