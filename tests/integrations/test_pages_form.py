"""New Integration and its form: what it says, what it refuses, what it never gives away. No shop is asked here."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from integrations.connectors import PLATFORMS
from integrations.models import Integration
from merchants.models import Merchant, User
from tests import factories
from tests.integrations import filled

pytestmark = pytest.mark.django_db


@pytest.fixture
def new_url(merchant: Merchant, settings: LazySettings) -> str:
    settings.ALLOW_PRIVATE_SHOP_ADDRESSES = False
    return reverse("integrations:new", args=[merchant.pk, "centra"])


def test_new_integration_offers_every_platform(page: Client, merchant: Merchant) -> None:
    text = page.get(reverse("integrations:choose", args=[merchant.pk])).content.decode()
    for key, platform in PLATFORMS.items():
        address = reverse("integrations:new", args=[merchant.pk, key])
        assert f'href="{address}">{platform.label}</a>' in text


def test_the_form_has_the_guide_s_labels_and_names_centra_s_fields(page: Client, new_url: str) -> None:
    response = page.get(new_url)
    form = response.context["form"]
    labels = [field.label for field in form][:5]
    assert labels == ["Name", "API token", "Store Hash", "Warehouse", "Time zone"]
    text = response.content.decode()
    assert "Centra calls it <b>Secret API key</b>." in text
    assert "Centra calls it <b>Base URL</b>." in text


@pytest.mark.parametrize(
    "words", ["SYSTEM → STORES", "+ PLUGIN METHOD", "Order API", "Get Orders with Status", "Newest"]
)
def test_the_guide_stands_beside_the_form(page: Client, new_url: str, words: str) -> None:
    assert words in page.get(new_url).content.decode()


def test_the_guide_leads_to_the_sandbox_where_there_is_one(page: Client, new_url: str, settings: LazySettings) -> None:
    link = f'href="{reverse("sandbox:home")}"'
    assert link in page.get(new_url).content.decode()
    settings.SANDBOX = False
    assert link not in page.get(new_url).content.decode()


def test_the_merchant_s_zone_and_only_warehouse_are_chosen_already(page: Client, merchant: Merchant) -> None:
    merchant.time_zone = "Europe/Helsinki"
    merchant.save()
    form = page.get(reverse("integrations:new", args=[merchant.pk, "centra"])).context["form"]
    assert form["time_zone"].value() == "Europe/Helsinki"
    assert list(form.fields["warehouse"].choices)[0][0] == merchant.warehouses.get().pk


def test_of_several_warehouses_none_is_chosen_unasked(page: Client, merchant: Merchant, new_url: str) -> None:
    merchant.warehouses.add(factories.warehouse())
    answer = page.post(new_url, filled.form(merchant, warehouse=""))
    assert answer.context["form"].errors["warehouse"] == ["This field is required."]


def test_a_stranger_s_warehouse_is_refused(page: Client, merchant: Merchant, new_url: str) -> None:
    other = factories.warehouse()
    form = page.post(new_url, filled.form(merchant, warehouse=other.pk)).context["form"]
    assert "warehouse" in form.errors


def test_an_unknown_platform_is_no_page(page: Client, merchant: Merchant) -> None:
    assert page.get(reverse("integrations:new", args=[merchant.pk, "carrier-pigeon"])).status_code == 404


REFUSED = [
    ("", "This field is required."),
    ("nordlys.centra.com/api/order-api", "https://"),
    ("http://nordlys.centra.com/api/order-api", "must begin with https://"),
    ("ftp://nordlys.centra.com/api/order-api", "https://"),
    ("https://127.0.0.1/api/order-api", "IP address"),
    ("https://127.1/api/order-api", "IP address"),
    ("https://2130706433/api/order-api", "IP address"),
    ("https://0x7f000001/api/order-api", "IP address"),
    ("https://0177.0.0.1/api/order-api", "IP address"),
    ("https://10.0.0.5/api/order-api", "IP address"),
    ("https://192.168.1.20/api/order-api", "IP address"),
    ("https://169.254.169.254/api/order-api", "IP address"),
    ("https://[::1]/api/order-api", "IP address"),
    ("https://[::ffff:127.0.0.1]/api/order-api", "IP address"),
    ("https://[fe80::1]/api/order-api", "IP address"),
    ("https://localhost/api/order-api", "private network"),
    ("https://shop.localhost/api/order-api", "private network"),
    ("https://intranet/api/order-api", "private network"),
    ("https://db.internal/api/order-api", "private network"),
    ("https://localhost./api/order-api", "dot at the end"),
    ("https://kim:geheim@nordlys.centra.com/api/order-api", "password"),
    ("https://nordlys.centra.com/api/order-api?limit=1", "question mark"),
    ("https://nordlys.centra.com/api/order-api#top", "#"),
    ("https://nordlys.centra.com/graphql", "GraphQL"),
    ("https://nordlys.centra.com/api/shop", "Checkout API"),
    ("https://nordlys.centra.com/login", "login page"),
    ("https://nordlys.centra.com/", "login page"),
    ("https://nordlys.centra.com/shop/order-api", "Base URL of an Order API"),
    ("https://nordlys.centra.com:abc/api/order-api", "not a web address"),
    ("not an address", "https://"),
]


@pytest.mark.parametrize(("address", "word"), REFUSED)
def test_a_wrong_store_hash_is_refused_on_its_field(
    page: Client, merchant: Merchant, new_url: str, address: str, word: str
) -> None:
    answer = page.post(new_url, filled.form(merchant, name="Fjord Goods", base_url=address, time_zone="Europe/Oslo"))
    form = answer.context["form"]
    assert list(form.errors) == ["base_url"]
    assert word in form.errors["base_url"][0]
    assert not Integration.objects.exists()
    assert form["base_url"].value() == address
    assert form["name"].value() == "Fjord Goods"
    assert form["time_zone"].value() == "Europe/Oslo"


@pytest.mark.parametrize(
    "inner",
    ["127.0.0.1", "10.0.0.8", "192.168.4.4", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1", "fd00::8"]
    + ["::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
)
def test_a_name_that_leads_inside_is_refused_on_its_field(
    page: Client, merchant: Merchant, new_url: str, monkeypatch: pytest.MonkeyPatch, inner: str
) -> None:
    def leads_inside(host: str, port: int, **_wishes: Any) -> list[Any]:
        return [(None, None, 0, "", (inner, port))]

    monkeypatch.setattr("integrations.connectors.transport.socket.getaddrinfo", leads_inside)
    form = page.post(new_url, filled.form(merchant)).context["form"]
    assert list(form.errors) == ["base_url"]
    assert "private network" in form.errors["base_url"][0]
    assert not Integration.objects.exists()


def test_an_error_is_tied_to_its_field_for_screen_readers(page: Client, merchant: Merchant, new_url: str) -> None:
    text = page.post(new_url, filled.form(merchant, base_url="https://nordlys.centra.com/login")).content.decode()
    field = text.partition('name="base_url"')[2].partition(">")[0]
    assert 'aria-invalid="true"' in field
    assert "id_base_url_error" in field


def test_a_typed_api_token_is_not_sent_back_and_the_page_says_so(
    page: Client, merchant: Merchant, new_url: str
) -> None:
    text = page.post(new_url, filled.form(merchant, base_url="https://nordlys.centra.com/login")).content.decode()
    assert filled.SECRET not in text
    assert "enter it again" in text


def test_without_a_typed_api_token_nobody_is_asked_to_enter_it_again(
    page: Client, merchant: Merchant, new_url: str
) -> None:
    answer = page.post(new_url, filled.form(merchant, secret=""))
    assert "secret" in answer.context["form"].errors
    assert "enter it again" not in answer.content.decode()


@pytest.mark.parametrize("field", ["name", "secret", "base_url", "warehouse", "time_zone", "identifies_by"])
def test_every_field_is_needed(page: Client, merchant: Merchant, new_url: str, field: str) -> None:
    answer = page.post(new_url, filled.form(merchant, **{field: ""}))
    assert list(answer.context["form"].errors) == [field]
    assert not Integration.objects.exists()


def test_a_zone_out_of_the_air_is_refused(page: Client, merchant: Merchant, new_url: str) -> None:
    form = page.post(new_url, filled.form(merchant, time_zone="Mars/Olympus")).context["form"]
    assert "time_zone" in form.errors


def test_an_empty_post_is_answered_with_the_form(page: Client, new_url: str) -> None:
    form = page.post(new_url, {}).context["form"]
    assert {"name", "secret", "base_url"} <= set(form.errors)


def test_what_is_typed_is_escaped(page: Client, merchant: Merchant, new_url: str) -> None:
    sent = filled.form(merchant, name="<script>alert(1)</script>", base_url='https://"><b>x')
    text = page.post(new_url, sent).content.decode()
    assert "<script>alert(1)" not in text
    assert '"><b>x' not in text


# --- a stored one --------------------------------------------------------------------------


@pytest.fixture
def stored(merchant: Merchant, settings: LazySettings) -> Integration:
    settings.ALLOW_PRIVATE_SHOP_ADDRESSES = False
    return factories.integration(merchant, secret=filled.SECRET)


def edit_url(integration: Integration) -> str:
    return reverse("integrations:edit", args=[integration.merchant_id, integration.pk])


def test_the_stored_api_token_shows_only_its_fingerprint(page: Client, stored: Integration) -> None:
    text = page.get(edit_url(stored)).content.decode()
    assert filled.SECRET not in text
    assert stored.secret.cipher not in text
    assert f"fingerprint {stored.secret_print}" in text
    assert "Leave it empty to keep it." in text


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0"])
def test_a_stored_api_token_is_not_sent_to_another_host(
    page: Client, merchant: Merchant, stored: Integration, blank: str
) -> None:
    """Blanks are no API token: what is typed is stripped before it counts, and so the stored one would be sent."""
    moved = filled.form(merchant, secret=blank, base_url="https://elsewhere.example.com/api/order-api")
    for act in ("save", "test"):
        form = page.post(edit_url(stored), {**moved, "act": act}).context["form"]
        assert list(form.errors) == ["secret"]
        assert "another host" in form.errors["secret"][0]
    stored.refresh_from_db()
    assert stored.shop == "nordlys.centra.com"


def test_the_page_around_a_refused_form_shows_what_is_stored(
    page: Client, merchant: Merchant, stored: Integration
) -> None:
    text = page.post(edit_url(stored), filled.form(merchant, name="Fjord Goods", base_url="x")).content.decode()
    assert "<h1>Nordlys</h1>" in text
    assert 'value="Fjord Goods"' in text


def test_an_api_token_that_no_key_opens_must_be_entered_again(
    page: Client, merchant: Merchant, stored: Integration, settings: LazySettings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["YW5vdGhlciBrZXkgdGhhdCBvcGVucyBub3RoaW5nISE="]
    assert page.get(edit_url(stored)).status_code == 200
    form = page.post(edit_url(stored), filled.form(merchant, secret="")).context["form"]
    assert "cannot be opened" in form.errors["secret"][0]


def test_a_warehouse_that_is_no_longer_the_merchant_s_stays_chosen(
    page: Client, merchant: Merchant, stored: Integration
) -> None:
    merchant.warehouses.set([factories.warehouse()])
    form = page.get(edit_url(stored)).context["form"]
    assert stored.warehouse in form.fields["warehouse"].queryset
    assert form["warehouse"].value() == stored.warehouse_id


def test_an_old_name_of_a_zone_stays_chosen(page: Client, stored: Integration) -> None:
    Integration.objects.filter(pk=stored.pk).update(time_zone="Asia/Calcutta")
    form = page.get(edit_url(stored)).context["form"]
    assert ("Asia/Calcutta", "Asia/Calcutta") in form.fields["time_zone"].choices


# --- who may -------------------------------------------------------------------------------


def test_a_view_only_user_may_not_make_an_integration(
    merchant: Merchant, signed_in: Callable[[User], Client], new_url: str
) -> None:
    browser = signed_in(factories.viewer(merchant))
    assert browser.get(new_url).status_code == 403
    assert browser.get(reverse("integrations:choose", args=[merchant.pk])).status_code == 403
    assert browser.post(new_url, filled.form(merchant)).status_code == 403
    assert not Integration.objects.exists()


def test_a_view_only_user_sees_the_facts_and_no_form(stored: Integration, signed_in: Callable[[User], Client]) -> None:
    browser = signed_in(factories.viewer(stored.merchant))
    text = browser.get(edit_url(stored)).content.decode()
    assert stored.base_url in text
    assert stored.secret_print in text
    for control in ('name="base_url"', ">Save<", "Pause", "Delete", "+ PLUGIN METHOD"):
        assert control not in text
    assert browser.post(edit_url(stored), filled.form(stored.merchant, name="Mine")).status_code == 403
    stored.refresh_from_db()
    assert stored.name == "Nordlys"


def test_a_stranger_finds_nothing(stored: Integration, signed_in: Callable[[User], Client]) -> None:
    stranger = factories.user()
    factories.merchant(stranger)
    browser = signed_in(stranger)
    assert browser.get(edit_url(stored)).status_code == 404
    assert browser.post(edit_url(stored), filled.form(stored.merchant)).status_code == 404


def test_an_integration_is_found_through_its_own_merchant_only(
    page: Client, merchant: Merchant, settings: LazySettings
) -> None:
    other = factories.integration()
    assert page.get(reverse("integrations:edit", args=[merchant.pk, other.pk])).status_code == 404


def test_somebody_not_signed_in_is_led_to_the_sign_in(client: Client, stored: Integration) -> None:
    answer = client.get(edit_url(stored))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


# --- one name, one integration -------------------------------------------------------------


TAKEN = "You have an integration of this name already. Choose another."


@pytest.mark.parametrize("typed", ["Åland Goods", "åland goods", "  ÅLAND GOODS "])
def test_a_name_that_the_merchant_has_already_is_refused_on_its_field(
    page: Client, merchant: Merchant, new_url: str, typed: str
) -> None:
    factories.integration(merchant, name="Åland Goods")
    form = page.post(new_url, filled.form(merchant, name=typed)).context["form"]
    assert dict(form.errors) == {"name": [TAKEN]}
    assert merchant.integrations.count() == 1


def test_a_rename_to_a_sister_s_name_is_refused_and_its_own_name_is_not(page: Client, stored: Integration) -> None:
    factories.integration(stored.merchant, name="Fjord Goods")
    address = reverse("integrations:edit", args=[stored.merchant_id, stored.pk])
    blank = {"base_url": "", "secret": ""}
    refused = page.post(address, filled.form(stored.merchant, name="fjord goods", **blank)).context["form"]
    assert refused.errors["name"] == [TAKEN]
    kept = page.post(address, filled.form(stored.merchant, name=stored.name.upper(), **blank)).context["form"]
    assert "name" not in kept.errors


def test_the_name_of_another_merchant_s_integration_is_free(page: Client, merchant: Merchant, new_url: str) -> None:
    factories.integration(name="Fjord Goods")
    form = page.post(new_url, filled.form(merchant, name="Fjord Goods", base_url="")).context["form"]
    assert list(form.errors) == ["base_url"]


def test_the_database_keeps_names_apart_too(merchant: Merchant) -> None:
    factories.integration(merchant, name="Fjord Goods")
    with pytest.raises(IntegrityError, match="integration_name_once"), transaction.atomic():
        factories.integration(merchant, name="FJORD goods")
