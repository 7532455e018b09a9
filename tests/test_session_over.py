"""After the session has ended: what was sent is not done, that is said, and the sign-in leads back to where it was."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from merchants.models import Merchant
from tests import factories
from tests.addresses import Address, World, make_world, of, url_of
from tests.security.test_content_policy import POLICY, inline_parts, policy_of

pytestmark = pytest.mark.django_db
NOT_DONE = "You were no longer signed in, so what you sent just now was not done."
OURS = of("merchant") + of("signed in")


@pytest.fixture
def world() -> World:
    return make_world()


def sent(url: str, came_from: str = "", **headers: str) -> tuple[Client, str]:
    """Press a button whose page stands open since the session ended; returns the browser and where it is sent."""
    browser = Client()
    if came_from:
        headers["Referer"] = came_from
    answer = browser.post(url, headers=headers)
    return browser, answer.get("Location") or answer.get("HX-Redirect", "")


def sign_in(browser: Client, world: World, address: str) -> str:
    """Sign in at this address; returns the page it leads to."""
    assert urlsplit(address).path == reverse("account_login")
    assert NOT_DONE in browser.get(address).content.decode()
    typed = {"login": world.owner.email, "password": factories.PASSWORD, **parse_qs(urlsplit(address).query)}
    return str(browser.post(address, typed)["Location"])


def only_sent_to() -> list[Address]:
    """Addresses that only take what a button sends; their GET is 405."""
    world = make_world()
    browser = Client()
    return [one for one in OURS if browser.get(url_of(one, world)).status_code == 405]


def test_every_button_leads_by_the_sign_in_back_to_its_page(world: World) -> None:
    page = reverse("orders:list", args=[world.merchant.pk]) + "?q=anna&tab=NEW"
    buttons = only_sent_to()
    assert len(buttons) >= 9
    for one in buttons:
        browser, address = sent(url_of(one, world), f"http://testserver{page}")
        assert sign_in(browser, world, address) == page, one.name
        assert browser.get(page).status_code == 200, one.name


@pytest.mark.parametrize("came_from", ["", "https://evil.example/orders/", "http://testserver:99/x/", "javascript:x"])
def test_without_a_page_of_ours_it_leads_to_the_front_page_of_the_merchant(world: World, came_from: str) -> None:
    for one in only_sent_to():
        browser, address = sent(url_of(one, world), came_from)
        assert sign_in(browser, world, address) == reverse("orders:front_page", args=[world.merchant.pk]), one.name


def test_a_page_that_stands_at_the_address_of_a_button_is_not_gone_back_to(world: World) -> None:
    """“Cancel orders” asks first, at the address that it then sends to."""
    url = reverse("orders:cancel_many", args=[world.merchant.pk])
    browser, address = sent(url, f"http://testserver{url}")
    assert sign_in(browser, world, address) == reverse("orders:front_page", args=[world.merchant.pk])


def test_a_form_leads_back_to_itself_and_nothing_is_saved(world: World) -> None:
    url = reverse("merchants:company", args=[world.merchant.pk])
    browser, address = sent(url, f"http://testserver{url}")
    assert sign_in(browser, world, address) == url
    new = reverse("merchants:create")
    browser, address = sent(new, f"http://testserver{new}")
    assert sign_in(browser, world, address) == new
    assert Merchant.objects.count() == 1


def test_a_part_of_a_page_takes_the_whole_page_to_the_sign_in(world: World) -> None:
    """htmx would put the sign-in into the middle of what stands there."""
    page = reverse("products:sync", args=[world.merchant.pk])
    part = reverse("products:progress", args=[world.merchant.pk])
    headers = {"HX-Request": "true", "Referer": f"http://testserver{page}"}
    answer = Client().get(part, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert parse_qs(urlsplit(answer["HX-Redirect"]).query) == {"next": [page]}
    form = reverse("products:new_stock_update", args=[world.merchant.pk])
    browser, address = sent(form, f"http://testserver{form}", **{"HX-Request": "true"})
    assert sign_in(browser, world, address) == form


def test_who_only_looks_goes_on_to_the_very_page(world: World) -> None:
    url = reverse("orders:list", args=[world.merchant.pk]) + "?q=anna"
    answer = Client().get(url, headers={"Referer": "http://testserver/"}, follow=True)
    assert NOT_DONE not in answer.content.decode()
    assert parse_qs(urlsplit(answer.redirect_chain[-1][0]).query) == {"next": [url]}


# --- an address that does not take this method --------------------------------------------------------


@pytest.mark.parametrize("who", ["nobody", "owner", "stranger", "staff"])
def test_an_address_that_only_takes_what_a_button_sends_says_so_on_a_page(world: World, who: str) -> None:
    asked = [("get", url_of(one, world)) for one in only_sent_to()]
    asked.append(("put", reverse("orders:list", args=[world.merchant.pk])))
    browser = Client()
    if who == "staff":
        asked.append(("get", reverse("admin:logout")))
    if who != "nobody":
        of_no_merchant = factories.user(is_staff=who == "staff", is_superuser=who == "staff")
        browser.force_login(world.owner if who == "owner" else of_no_merchant)
    for method, url in asked:
        answer = getattr(browser, method)(url)
        text = answer.content.decode()
        assert (answer.status_code, "Allow" in answer) == (405, True), url
        assert "<h1>There is nothing to see at this address</h1>" in text, url
        assert answer["Content-Length"] == str(len(answer.content))
        assert (policy_of(answer), inline_parts(text)) == (POLICY, [])
