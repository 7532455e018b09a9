"""Who may see what, for every address there is: found by walking the URL configuration, so that none is forgotten."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.urls import reverse

from merchants.models import User, Warehouse
from tests import factories
from tests.addresses import (
    ADDRESSES,
    Address,
    World,
    account_url,
    desk_url,
    make_world,
    of,
    one_of_each,
    sandbox_urls,
    url_of,
)

pytestmark = pytest.mark.django_db

STOP_POLLING = 286
NAMES_A_SHOP = {"products:sync", "products:refresh", "products:progress", "products:apply"}
OF_MERCHANTS = of("merchant")
OURS = OF_MERCHANTS + of("signed in")
ONES_OWN = {"merchants:notifications"}  # what somebody sets for themselves, whatever else they may do
EVERYBODY = ["anonymous", "owner", "viewer", "stranger"]


def names(addresses: list[Address]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("address", addresses, ids=lambda address: address.name or address.route)


@pytest.fixture
def world() -> World:
    return make_world()


def ask(client: Client, address: Address, world: World, shop: int | None = None) -> dict[str, int]:
    """The status of each method; `shop` is the id that a filter or a field of the form names."""
    url, words = url_of(address, world), {"shop": shop or world.integration.pk}
    return {"get": client.get(url, words).status_code, "post": client.post(url, words).status_code}


def browser(user: User | None = None) -> Client:
    client = Client(raise_request_exception=True)
    if user:
        client.force_login(user)
    return client


@names(OF_MERCHANTS)
def test_every_page_of_a_merchant_stands_behind_the_one_door(address: Address) -> None:
    assert getattr(address.view, "is_merchant_view", False), f"{address.name} is not a @merchant_view"


@names(OURS)
def test_anonymous_is_asked_to_sign_in(address: Address, world: World) -> None:
    for response in (browser().get(url_of(address, world)), browser().post(url_of(address, world))):
        assert response.status_code in (302, 405)
        assert response.status_code == 405 or response["Location"].startswith(reverse("account_login"))


@names(OF_MERCHANTS)
def test_a_stranger_finds_nothing(address: Address, world: World) -> None:
    stranger = factories.user()
    factories.merchant(stranger)
    statuses = ask(browser(stranger), address, world)
    assert 404 in statuses.values()
    assert set(statuses.values()) <= {404, 405}


@names(OF_MERCHANTS)
def test_who_may_only_look_changes_nothing(address: Address, world: World) -> None:
    statuses = ask(browser(world.viewer), address, world)
    assert statuses["post"] in ((302,) if address.name in ONES_OWN else (403, 405))
    assert statuses["get"] in (200, STOP_POLLING, 403, 405)


@names(OF_MERCHANTS)
def test_the_owner_gets_every_page(address: Address, world: World) -> None:
    assert ask(browser(world.owner), address, world)["get"] in (200, STOP_POLLING, 405)


@names([address for address in OF_MERCHANTS if set(address.arguments) - {"merchant_pk", "platform", "key", "pipe"}])
def test_another_merchants_things_are_not_reached_through_ones_own(address: Address, world: World) -> None:
    other = make_world()
    mixed = world._replace(arguments={**other.arguments, "merchant_pk": world.merchant.pk})
    statuses = ask(browser(world.owner), address, mixed)
    assert 404 in statuses.values()
    assert set(statuses.values()) <= {404, 405}


@names([address for address in OF_MERCHANTS if address.name in NAMES_A_SHOP])
def test_another_merchants_shop_is_not_reached_through_a_field(address: Address, world: World) -> None:
    statuses = ask(browser(world.owner), address, world, shop=make_world().integration.pk)
    assert 404 in statuses.values()
    assert set(statuses.values()) <= {404, 405}


def test_every_address_is_in_a_group_whose_tests_try_it() -> None:
    assert [f"{one.name} {one.route}" for one in ADDRESSES if not one.group] == []
    assert {one.group for one in ADDRESSES} == {"merchant", "signed in", "desk", "account", "sandbox"}


@names(of("signed in"))
@pytest.mark.parametrize("who", ["owner", "viewer", "stranger"])
def test_whoever_is_signed_in_gets_what_belongs_to_no_merchant(address: Address, world: World, who: str) -> None:
    answer = browser(person(who, world)).get(url_of(address, world), follow=True)
    assert answer.status_code == 200
    stays_out = who == "stranger" and str(world.merchant) in answer.content.decode()
    assert not stays_out


def person(who: str, world: World) -> User | None:
    """One of EVERYBODY, or of the staff; the stranger is linked to a merchant of their own."""
    if who == "stranger":
        stranger = factories.user()
        factories.merchant(stranger)
        return stranger
    if who in ("staff", "colleague"):
        return factories.user(is_staff=True, is_superuser=who == "staff")
    return {"owner": world.owner, "viewer": world.viewer}.get(who)


# --- the staff's desk: each address of each model, a model added later too -------------------------


def tries(client: Client, url: str) -> dict[str, Any]:
    """What comes of looking and of sending, at the end of all redirects."""
    return {"get": client.get(url, follow=True), "post": client.post(url, {"post": "yes"}, follow=True)}


def counts() -> dict[str, int]:
    """How many rows each table holds; sessions come and go by themselves."""
    own = set(connection.introspection.table_names()) - {"django_session"}
    tables = [model for model in apps.get_models() if model._meta.db_table in own]
    return {model._meta.label: model._base_manager.count() for model in tables}


@pytest.mark.parametrize("who", EVERYBODY)
def test_the_staff_s_desk_is_shut_to_everybody_else(world: World, who: str) -> None:
    rows, client = one_of_each(), browser(person(who, world))
    before = counts()
    for address in of("desk"):
        for method, answer in tries(client, desk_url(address, rows)).items():
            what = f"{method} {address.route}"
            if who == "anonymous":
                assert answer.status_code == 200, what
                assert answer.request["PATH_INFO"] == reverse("account_login"), what
            else:
                assert answer.status_code == 403, what
    assert counts() == before
    assert not LogEntry.objects.exists()


def test_staff_get_every_page_of_the_desk(world: World) -> None:
    rows, staff = one_of_each(), person("staff", world)
    for address in of("desk"):
        answer = browser(staff).get(desk_url(address, rows), follow=True)
        allowed = {200}
        if not address.model:
            allowed |= {403, 404, 405}  # autocomplete without a question, an address that is none, signing out by GET
        elif address.name.endswith(("_add", "_delete")):
            allowed |= {403}  # what is made or taken away elsewhere
        assert answer.status_code in allowed, f"{address.route}: {answer.status_code}"


def test_staff_without_a_permission_get_no_page_of_any_model(world: World) -> None:
    """Also of a page that is our own and could forget to ask."""
    rows, colleague = one_of_each(), person("colleague", world)
    assert colleague
    client, before = browser(colleague), counts()
    assert client.get(reverse("admin:index")).status_code == 200
    for address in (one for one in of("desk") if one.model):
        for method, answer in tries(client, desk_url(address, rows)).items():
            assert answer.status_code in ({403} if method == "get" else {403, 405}), f"{method} {address.route}"
    assert counts() == before


HOUSEWORK = {"order", "orderline", "hold", "shipment", "seenorder", "stock", "stockupdate", "movement", "reservation"}
HOUSEWORK |= {"merchantmethod", "shippingmethod"}


def test_staff_of_a_warehouse_get_its_work_and_nothing_else(world: World) -> None:
    rows, colleague = one_of_each(), person("colleague", world)
    assert colleague
    colleague.warehouses.set(Warehouse.objects.all())
    client = browser(colleague)
    for address in (one for one in of("desk") if one.name.endswith("_changelist")):
        model = address.name.removesuffix("_changelist").rpartition("_")[2]
        expected = 200 if model in HOUSEWORK else 403
        assert client.get(desk_url(address, rows)).status_code == expected, address.route


def choosers() -> list[dict[str, str]]:
    """What each field with autocompletion asks, in the forms of the models and in their inlines."""
    desks = list(admin.site._registry.values())
    inlines = [inline(desk.model, admin.site) for desk in desks for inline in desk.inlines]
    asked = [(desk.model._meta, field) for desk in [*desks, *inlines] for field in desk.autocomplete_fields]
    return [{"app_label": meta.app_label, "model_name": meta.model_name, "field_name": field} for meta, field in asked]


@pytest.mark.parametrize("who", [*EVERYBODY, "colleague", "staff"])
def test_only_staff_are_told_what_the_fields_with_autocompletion_find(world: World, who: str) -> None:
    client = browser(person(who, world))
    assert choosers()
    for question in choosers():
        answer = client.get(reverse("admin:autocomplete"), question, follow=True)
        assert answer["Content-Type"].startswith("application/json") == (who == "staff"), question
        assert answer.status_code == (200 if who in ("staff", "anonymous") else 403), question


# --- accounts --------------------------------------------------------------------------------------

# What looking says to who is not signed in, and to who is.
ACCOUNT_PAGES = {
    "account_login": (200, 302),
    "account_logout": (302, 200),
    "account_signup": (200, 302),
    "account_inactive": (200, 200),
    "account_email_verification_sent": (200, 200),
    "account_confirm_email": (200, 200),
    "account_change_password": (302, 200),
    "account_set_password": (302, 302),
    "account_reset_password": (200, 200),
    "account_reset_password_done": (200, 200),
    "account_reset_password_from_key": (302, 302),
    "account_reset_password_from_key_done": (200, 200),
}


def test_every_account_page_is_known() -> None:
    assert {address.name for address in of("account")} == set(ACCOUNT_PAGES)


@names(of("account"))
@pytest.mark.parametrize("who", [*EVERYBODY, "staff"])
def test_an_account_page_says_the_same_to_everybody_who_is_signed_in(address: Address, world: World, who: str) -> None:
    someone = factories.user()
    answer = browser(person(who, world)).get(account_url(address, someone))
    assert answer.status_code == ACCOUNT_PAGES[address.name][who != "anonymous"]
    assert answer.status_code != 302 or answer["Location"].startswith("/")


@names(of("account"))
@pytest.mark.parametrize("who", ["anonymous", "stranger"])
def test_an_empty_form_changes_no_account(address: Address, world: World, who: str) -> None:
    someone = factories.user()
    url = account_url(address, someone)
    before = list(User.objects.order_by("pk").values("pk", "email", "password", "is_active", "is_staff"))
    client = browser(person(who, world))
    before += list(User.objects.filter(pk__gt=before[-1]["pk"]).values(*before[0]))
    assert client.post(url).status_code in (200, 302, 405)
    assert list(User.objects.order_by("pk").values(*before[0])) == before


# --- the stand-in: a door of its own, and papers for whoever has their address -----------------------

NEEDS_NO_SIGN_IN = {"sandbox:sign_in", "sandbox:sign_out", "sandbox:picture", "sandbox:paper"}
ITS_API = [address for address in of("sandbox") if "/api/" in address.route]
NO_PAGE = [address for address in of("sandbox") if address.route.endswith(".+/$")]  # answers whatever is none
ITS_PAGES = [one for one in of("sandbox") if one not in ITS_API + NO_PAGE and one.name not in NEEDS_NO_SIGN_IN]


@pytest.mark.parametrize("who", [*EVERYBODY, "staff"])
def test_the_stand_in_has_a_door_of_its_own(world: World, who: str) -> None:
    urls, client = sandbox_urls(), browser(person(who, world))
    before = counts()
    for address in ITS_PAGES:
        for method, answer in (("get", client.get(urls[address.route])), ("post", client.post(urls[address.route]))):
            assert answer.status_code in (302, 405), f"{method} {address.route}"
            sent_away = answer.status_code == 405 or answer["Location"].startswith(reverse("sandbox:sign_in"))
            assert sent_away, f"{method} {address.route}"
    assert counts() == before


def test_who_is_signed_in_at_the_stand_in_gets_its_pages(db: None) -> None:
    urls, client = sandbox_urls(), Client()
    client.post(reverse("sandbox:sign_in"), {"user": "demo", "password": "demo"})
    for address in ITS_PAGES:
        assert client.get(urls[address.route]).status_code in (200, 405), address.route


def test_what_the_stand_in_shows_without_signing_in(db: None) -> None:
    urls = sandbox_urls()
    shown = {
        one.name: Client().get(urls[one.route]).status_code for one in of("sandbox") if one.name in NEEDS_NO_SIGN_IN
    }
    assert shown == {"sandbox:sign_in": 200, "sandbox:sign_out": 405, "sandbox:picture": 200, "sandbox:paper": 200}


@names(NO_PAGE)
def test_an_address_that_the_stand_in_has_not_is_told_so(address: Address, db: None) -> None:
    url = sandbox_urls()[address.route]
    assert (Client().get(url).status_code, Client().post(url).status_code) == (404, 404)


@names(ITS_API)
def test_the_stand_in_s_api_opens_only_with_its_key(address: Address, world: World) -> None:
    url = sandbox_urls()[address.route]
    staff = person("staff", world)
    for client in (browser(), browser(world.owner), browser(staff)):
        assert client.get(url).status_code == 401
        assert client.get(url, headers={"API-Authorization": "another"}).status_code == 401
    assert Client().get(url, headers={"API-Authorization": "a-secret-api-key"}).status_code in (200, 404)


# --- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("digits", [19, 31])
def test_a_number_that_no_key_can_have_is_no_page(world: World, digits: int) -> None:
    client, number = browser(world.owner), "9" * digits
    mine = f"/m/{world.merchant.pk}"
    for address in (
        f"/m/{number}/company/",
        f"{mine}/integrations/{number}/",
        f"{mine}/integrations/{world.integration.pk}/runs/{number}/",
        f"{mine}/integrations/{number}/delete/",
        f"{mine}/products/{number}/",
    ):
        assert client.get(address).status_code == 404, address
