"""A zero byte in an address, a cookie or a form is answered in words, at every address; PostgreSQL takes none."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django import forms
from django.conf import LazySettings
from django.contrib.admin.views import main as lists
from django.test import Client
from django.urls import reverse

from merchants.models import Merchant
from tests import factories
from tests.addresses import World, account_url, desk_url, make_world, of, one_of_each, sandbox_urls, url_of
from tests.security.test_tenant_walls import files_that_read, form_classes, read_by_hand
from tests.security.walk import browser

pytestmark = pytest.mark.django_db
REFUSED = "We could not read this request"
# What a page may answer before it reads a form: no such way of asking, no permission, no such page.
NOT_READ = {403, 404, 405}
NOWHERE = {"/nowhere/", "/m/x/"}  # no view reads anything


@cache
def names() -> set[str]:
    """What any page reads by name: by hand, in a form, in the lists and the autocompletion of Django's desk."""
    by_hand = {key for path in files_that_read() for key in read_by_hand(path) if key.isidentifier()}
    of_forms = {name for form in form_classes() if issubclass(form, forms.BaseForm) for name in form.base_fields}
    of_lists = {value for name, value in vars(lists).items() if name.endswith("_VAR")}
    return by_hand | of_forms | of_lists | {"next", "app_label", "model_name", "field_name", "term", "_selected_action"}


def everywhere(world: World) -> Iterator[tuple[Client, str]]:
    """Each address, with who may go there."""
    owner, nobody, rows = browser(world.owner), browser(), one_of_each()
    staff, someone = browser(factories.user(is_staff=True, is_superuser=True)), factories.user()
    yield from ((owner, url_of(one, world)) for one in of("merchant") + of("signed in"))
    yield from ((staff, desk_url(one, rows)) for one in of("desk") if "logout" not in one.name)
    yield from ((nobody, account_url(one, someone)) for one in of("account"))
    shopkeeper = browser()
    shopkeeper.post(reverse("sandbox:sign_in"), {"user": "demo", "password": "demo"})
    yield from ((shopkeeper, url) for url in sandbox_urls().values())
    yield from ((who, url) for who in (owner, nobody) for url in ("/", *NOWHERE))


def is_machines(url: str) -> bool:
    """What such an address reads it cleans itself; see tests/sandbox/test_hostile.py."""
    return "/api/" in url


@pytest.fixture
def asked() -> Iterator[tuple[Client, str]]:
    found = list(everywhere(make_world()))
    assert len(found) > 180
    return iter(found)


def test_the_names_that_pages_read_are_found() -> None:
    assert {"q", "shop", "answer", "sku", "warehouse", "o", "p", "chosen"} <= names()


def test_in_the_words_of_an_address(asked: Iterator[tuple[Client, str]]) -> None:
    for client, url in asked:
        for query in ("&".join(f"{name}=a%00b" for name in names()), "q=a&shop=1&q=%00"):
            answer = client.get(f"{url}?{query}")
            if is_machines(url):
                assert answer.status_code < 500, url
            elif url in NOWHERE:
                assert answer.status_code == 404, url
            else:
                assert (answer.status_code, REFUSED in answer.content.decode()) == (400, True), url


def test_in_each_single_word(page: Client, merchant: Merchant) -> None:
    for name in names():
        for url in (reverse("products:list", args=[merchant.pk]), reverse("admin:orders_order_changelist")):
            assert page.get(f"{url}?{name}=a%00b").status_code == 400, f"{url} {name}"


def test_in_the_name_of_a_word_and_in_the_address_itself(asked: Iterator[tuple[Client, str]]) -> None:
    for client, url in asked:
        for poisoned in (f"{url}?a%00b=1", f"{url}?a%00b"):
            answer = client.get(poisoned)
            assert answer.status_code == 400 or is_machines(url) or url in NOWHERE, poisoned
            assert answer.status_code < 500, poisoned
        for poisoned in (f"{url}%00", f"/%00{url}"):
            assert client.get(poisoned).status_code == 400, poisoned


def test_in_the_fields_of_a_form(asked: Iterator[tuple[Client, str]]) -> None:
    for client, url in asked:
        sent: list[dict[str, Any]] = [dict.fromkeys(names(), "a\x00b"), {"a\x00b": "1"}, {"chosen": ["1", "\x00"]}]
        for typed in sent:
            answer = client.post(url, typed)
            if is_machines(url):
                assert answer.status_code < 500, url
            else:
                assert answer.status_code in {400, *NOT_READ}, url
                assert answer.status_code in NOT_READ or REFUSED in answer.content.decode()


@pytest.mark.parametrize("cookie", ["session", "csrf", "messages", "another"])
def test_in_a_cookie(asked: Iterator[tuple[Client, str]], cookie: str, settings: LazySettings) -> None:
    """In quotation marks a browser's cookie may hold any byte."""
    known = {"session": settings.SESSION_COOKIE_NAME, "csrf": settings.CSRF_COOKIE_NAME}
    for _client, url in asked:
        for method in ("get", "post"):
            client = browser()
            client.cookies[known.get(cookie, cookie)] = "a\x00b"
            assert "\\000" in client.cookies.output()
            assert getattr(client, method)(url).status_code == 400, url


def test_the_same_without_a_zero_byte_is_read(page: Client) -> None:
    """Else the refusals would show nothing."""
    assert page.get("/merchants/new/?q=a%2500b").status_code == 200
    assert page.post("/merchants/new/", {"name": "a%00b", "q": "b"}).status_code == 200
