"""Who may see what, for every address there is: found by walking the URL configuration, so that none is forgotten."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from integrations.models import Integration, SyncRun
from merchants.models import Merchant, User
from tests import factories

pytestmark = pytest.mark.django_db

STOP_POLLING = 286
NAMES_A_SHOP = {"products:sync", "products:refresh", "products:progress", "products:apply"}
PUBLIC = {"account", "allauth"}  # signing in and up, resetting a password: allauth's own pages


class Address(NamedTuple):
    """One pattern of the URL configuration: its full name, the kinds of arguments it takes, and its view."""

    name: str
    arguments: tuple[str, ...]
    route: str
    view: Any


def walk(patterns: list[Any], space: str = "", route: str = "") -> Iterator[Address]:
    for pattern in patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from walk(pattern.url_patterns, inner, here)
        elif isinstance(pattern, URLPattern):
            arguments = tuple(word.split(">")[0].split(":")[-1] for word in here.split("<")[1:])
            yield Address(f"{space}{pattern.name or ''}", arguments, here, pattern.callback)


ADDRESSES = list(walk(get_resolver().url_patterns))
OF_MERCHANTS = [address for address in ADDRESSES if address.route.startswith("m/<key:merchant_pk>/")]
OURS = [
    address
    for address in ADDRESSES
    if address.name.split(":")[0] in ("merchants", "integrations", "products", "orders")
]


def names(addresses: list[Address]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("address", addresses, ids=lambda address: address.name)


class World(NamedTuple):
    """One merchant with one of everything that an address may name."""

    merchant: Merchant
    owner: User
    viewer: User
    integration: Integration
    arguments: dict[str, Any]


def make_world() -> World:
    owner = factories.user()
    merchant = factories.merchant(owner)
    integration = factories.integration(merchant)
    run = SyncRun.objects.create(integration=integration, pipe="refresh", started_at=integration.created_at)
    product = factories.product(merchant)
    item = factories.webshop_product(integration)
    by_name = {
        "merchant_pk": merchant.pk,
        "run_pk": run.pk,
        "item_pk": item.pk,
        "platform": "centra",
        "key": "refresh",
        "pipe": "refresh",
    }
    by_space = {"integrations": integration.pk, "orders": integration.pk, "products": product.pk}
    return World(merchant, owner, factories.viewer(merchant), integration, {**by_name, "pk": by_space})


@pytest.fixture
def world() -> World:
    return make_world()


def url_of(address: Address, world: World) -> str:
    space = address.name.split(":")[0]
    values = {
        name: world.arguments["pk"][space] if name == "pk" else world.arguments[name] for name in address.arguments
    }
    return reverse(address.name, kwargs=values)


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
    assert statuses["post"] in (403, 405)
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


@pytest.mark.parametrize("who", ["owner", "anonymous"])
def test_the_staffs_desk_is_for_staff(world: World, who: str) -> None:
    client = browser(world.owner if who == "owner" else None)
    for address in ADDRESSES:
        if (
            address.name.startswith("admin:")
            and not address.arguments
            and address.name not in ("admin:login", "admin:logout", "admin:jsi18n")
        ):
            response = client.get(reverse(address.name))
            assert response.status_code in (302, 404), address.name
            assert response.status_code == 404 or "login" in response["Location"], address.name


def test_every_other_address_is_known_to_be_public() -> None:
    for address in ADDRESSES:
        space = address.name.split(":")[0]
        known = address in OURS or space in ("admin", "sandbox") or address.name.split("_")[0] in PUBLIC
        assert known or address.route.startswith("accounts/") or address.route.startswith("admin/"), address


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
