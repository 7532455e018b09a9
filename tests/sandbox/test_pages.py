"""The stand-in's pages, clicked: the guide's way to Base URL and key, products, shop front, orders, levers."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sandbox import catalogue
from sandbox.endpoints import ENDPOINTS
from sandbox.models import Order, PluginMethod, Shipment, Shop, Size, Status
from tests.sandbox.conftest import Api, add


@pytest.fixture
def browser(db: None) -> Client:
    client = Client()
    client.post(reverse("sandbox:sign_in"), {"user": "demo", "password": "demo"})
    return client


def text(response: Any) -> str:
    """What a reader sees, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def at(name: str, *args: Any) -> str:
    return reverse(f"sandbox:{name}", args=args)


# --- signing in --------------------------------------------------------------------------------
def test_everybody_else_is_led_to_the_sign_in_page_and_back(shop: Shop) -> None:
    client = Client()
    wanted = at("products", shop.slug)
    response = client.get(wanted)
    assert response.headers["Location"] == f"{at('sign_in')}?next=%2Fsandbox%2Fnordlys%2Fproducts%2F"
    page = client.get(response.headers["Location"])
    assert "demo" in text(page)
    assert "A stand-in for Centra for trying things out" in text(page)
    wrong = client.post(response.headers["Location"], {"user": "demo", "password": "nope"})
    assert "not the login that stands on this page" in text(wrong)
    right = client.post(response.headers["Location"], {"user": "demo", "password": "demo"})
    assert right.headers["Location"] == wanted
    client.post(at("sign_out"))
    assert client.get(wanted).status_code == 302


def test_signing_in_leads_to_no_other_host(db: None) -> None:
    response = Client().post(f"{at('sign_in')}?next=https://elsewhere.example/", {"user": "demo", "password": "demo"})
    assert response.headers["Location"] == at("home")


@pytest.mark.parametrize("name", ["products", "front", "orders", "stores", "levers", "basket"])
def test_no_page_of_a_shop_is_open_to_strangers_and_unknown_shops_are_404(
    browser: Client, shop: Shop, name: str
) -> None:
    assert Client().get(at(name, shop.slug)).status_code == 302
    assert browser.get(at(name, shop.slug)).status_code == 200
    assert browser.get(at(name, "nowhere")).status_code == 404


def test_a_shop_is_opened_with_the_catalogue(browser: Client) -> None:
    response = browser.post(at("home"), {"name": "Fjord Goods", "time_zone": "Europe/Oslo", "currency": "NOK"})
    shop = Shop.objects.get()
    assert response.headers["Location"] == at("products", "fjord-goods")
    assert (shop.time_zone, shop.currency) == ("Europe/Oslo", "NOK")
    assert shop.sizes.count() > 300
    again = browser.post(at("home"), {"name": "Fjord Goods", "time_zone": "Europe/Oslo", "currency": "NOK"})
    assert "There is a shop with this name already" in text(again)
    assert Shop.objects.count() == 1


@pytest.mark.parametrize("name", ["sign in", "???", ""])
def test_a_shop_needs_a_name_that_makes_an_address(browser: Client, name: str) -> None:
    assert browser.post(at("home"), {"name": name, "time_zone": "UTC"}).status_code == 400
    assert not Shop.objects.exists()


# --- the guide ---------------------------------------------------------------------------------
def plugin_fields(**changes: Any) -> dict[str, Any]:
    return {
        "is_active": "1",
        "name": "myOGO",
        "plugin": "order-api",
        "secret": "a-secret-key-of-mine",
        "uri": "order-api",
        "order_statuses": ["1", "2", "3", "4"],
        "direction": "newest",
        "order_bundles": "nested",
        "shipment_bundles": "parts",
        "stock_mode": "physical",
        "creates_orders": "on",
        "endpoints": list(ENDPOINTS),
    } | changes


def test_the_guide_leads_to_base_url_and_key_that_open_the_order_api(
    browser: Client, shop: Shop, sweater: Size
) -> None:
    store = shop.retail
    assert at("store", shop.slug, store.pk) in browser.get(at("stores", shop.slug)).content.decode()
    page = browser.get(at("store", shop.slug, store.pk))
    assert "+ PLUGIN METHOD" in text(page)
    form = browser.get(at("new_plugin", shop.slug, store.pk))
    for label in (
        *("Status", "Active", "Inactive", "Name", "Plugin", "Order API", "Secret API key", "Generate", "URI"),
        *("Additional stores", "Get Orders with Status", "Pending", "Confirmed", "Processing", "Completed", "Archived"),
        *("Cancelled", "Get orders starting with", "Newest", "Oldest", "More settings", "Save"),
    ):
        assert label in text(form), label
    saved = browser.post(at("new_plugin", shop.slug, store.pk), plugin_fields(), follow=True)
    assert "Base URL" in text(saved)
    values = re.findall(r'readonly value="([^"]*)"', saved.content.decode())
    assert values == ["http://testserver/sandbox/nordlys/api/order-api", "a-secret-key-of-mine"]
    answer = Client().get(f"{values[0]}/products", headers={"API-Authorization": values[1]})
    assert answer.json()["products"][0]["sku"] == "FG1042"
    plugin = PluginMethod.objects.get()
    assert (plugin.order_statuses, plugin.direction, plugin.store) == ([1, 2, 3, 4], "newest", store)
    assert plugin.endpoints == list(ENDPOINTS)


def test_newest_comes_first_in_the_choice_and_the_four_statuses_are_ticked(browser: Client, shop: Shop) -> None:
    html = browser.get(at("new_plugin", shop.slug, shop.retail.pk)).content.decode()
    assert html.index(">Newest<") < html.index(">Oldest<")
    ticked = re.findall(r'name="order_statuses" value="(\d)"[^>]* checked', html)
    assert ticked == ["1", "2", "3", "4"]


def test_generate_writes_a_key_and_keeps_what_was_typed(browser: Client, shop: Shop) -> None:
    url = at("new_plugin", shop.slug, shop.retail.pk)
    fields = plugin_fields(name="Half a form", secret="", uri="", generate="1", order_statuses=["6"])
    html = browser.post(url, fields).content.decode()
    key = re.search(r'name="secret"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="secret"', html)
    assert key
    assert len(key[1] or key[2]) >= 30
    assert 'value="Half a form"' in html
    assert re.findall(r'name="order_statuses" value="(\d)"[^>]* checked', html) == ["6"]
    assert "errorlist" not in html
    assert not PluginMethod.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"secret": "short"}, "at least 8 characters"),
        ({"secret": "with a blank in it"}, "no blanks"),
        ({"secret": "nyckel-åäö-nyckel"}, "no blanks"),
        ({"uri": "order api"}, "Use letters, digits"),
        ({"uri": "123"}, "not digits alone"),
        ({"uri": "taken"}, "Another plugin of this shop has this URI"),
        ({"name": ""}, "required"),
        ({"direction": "sideways"}, "valid choice"),
        ({"stock_mode": "other"}, "valid choice"),
    ],
)
def test_a_wrong_plugin_form_says_what_is_wrong_and_loses_nothing(
    browser: Client, shop: Shop, changes: dict[str, Any], sentence: str
) -> None:
    shop.add_plugin("taken")
    response = browser.post(at("new_plugin", shop.slug, shop.retail.pk), plugin_fields(comment="x", **changes))
    assert response.status_code == 400
    assert sentence in text(response)
    assert shop.plugins.count() == 1
    if "stock_mode" in changes:
        assert re.search(r"<details class=\"sb-more\"\s+open", response.content.decode())


def test_a_second_plugin_is_offered_a_free_uri(browser: Client, shop: Shop, plugin: PluginMethod) -> None:
    html = browser.get(at("new_plugin", shop.slug, shop.retail.pk)).content.decode()
    assert 'value="order-api-2"' in html


def test_a_plugin_is_changed_switched_off_and_deleted(browser: Client, shop: Shop, api: Api) -> None:
    url = at("edit_plugin", shop.slug, api.plugin.pk)
    html = browser.get(url).content.decode()
    assert api.secret in html
    browser.post(url, plugin_fields(is_active="", endpoints=["GET orders"], uri="other"))
    api.plugin.refresh_from_db()
    assert (api.plugin.is_active, api.plugin.endpoints) == (False, ["GET orders"])
    assert api.send("GET", "orders").status_code == 404
    browser.post(at("delete_plugin", shop.slug, api.plugin.pk))
    assert not PluginMethod.objects.exists()


def test_the_call_log_shows_calls_once_it_is_on(browser: Client, shop: Shop, api: Api) -> None:
    url = at("plugin_log", shop.slug, api.plugin.pk)
    assert "Debug logging" in text(browser.get(url))
    PluginMethod.objects.update(logs_calls=True)
    api("POST", "stock", {"products": []})
    assert "POST stock" in text(browser.get(url))


def test_store_settings_are_kept(browser: Client, shop: Shop) -> None:
    browser.post(at("store", shop.slug, shop.retail.pk), {"autoconfirms": "on"})
    store = shop.retail
    assert (store.autoconfirms, store.sends_confirmation) == (True, False)


# --- products ----------------------------------------------------------------------------------
def test_products_are_listed_newest_first_searched_filtered_and_paged(browser: Client, shop: Shop) -> None:
    assert "This shop sells nothing yet" in text(browser.get(at("products", shop.slug)))
    browser.post(at("fill", shop.slug))
    url = at("products", shop.slug)
    first = text(browser.get(url))
    assert "Harbour sweater" in first
    assert "Page 1 of" in first
    assert "Tideline boot" in text(browser.get(f"{url}?q=boot+7700"))
    assert "Harbour sweater" not in text(browser.get(f"{url}?q=boot"))
    assert "2 items" in text(browser.get(f"{url}?state=inactive"))
    assert "Page 2 of" in text(browser.get(f"{url}?brand=Fjord+Goods&page=2"))
    assert "Nothing matches" in text(browser.get(f"{url}?q=zzz"))
    assert browser.get(f"{url}?page=nonsense&state=odd&brand=none").status_code == 200


def test_a_list_costs_the_same_queries_however_long(
    browser: Client, shop: Shop, django_assert_max_num_queries: Any
) -> None:
    catalogue.fill(shop)
    with django_assert_max_num_queries(9):
        browser.get(at("products", shop.slug))
    with django_assert_max_num_queries(9):
        browser.get(at("front", shop.slug))


def size_fields(size: Size, **changes: str) -> dict[str, str]:
    product, variant = size.variant.product, size.variant
    return {
        "product_sku": product.sku,
        "variant_sku": variant.sku,
        "size_sku": size.sku,
        "name": size.name,
        "ean": size.ean,
        "upc": size.upc,
        "is_active": "on",
    } | changes


def test_sku_parts_are_kept_exactly_as_typed(browser: Client, shop: Shop, sweater: Size) -> None:
    browser.post(sweater.get_absolute_url(), size_fields(sweater, product_sku="FG1042 ", size_sku=" -L", ean="1"))
    sweater.refresh_from_db()
    assert (sweater.full_sku, sweater.ean) == ("FG1042 -NVY -L", "1")
    assert "FG1042␣-NVY␣-L" in text(browser.get(sweater.get_absolute_url())).replace(" ", "")


def test_a_size_is_switched_off_stocked_and_removed(browser: Client, shop: Shop, sweater: Size) -> None:
    fields = size_fields(sweater)
    del fields["is_active"]
    browser.post(sweater.get_absolute_url(), fields)
    browser.post(at("stock", shop.slug, sweater.pk), {"pieces": "42"})
    sweater.refresh_from_db()
    assert (sweater.is_active, sweater.physical) == (False, 42)
    order = shop.place_order({sweater: 5})
    response = browser.post(at("stock", shop.slug, sweater.pk), {"pieces": "1"}, follow=True)
    assert "5 pieces are allocated" in text(response)
    browser.post(at("remove_size", shop.slug, sweater.pk))
    assert not Size.objects.exists()
    assert order.lines.get().full_sku == "FG1042-NVY-M"
    order.cancel()


@pytest.mark.parametrize("pieces", ["-1", "many", ""])
def test_wrong_stock_is_refused_in_words(browser: Client, shop: Shop, sweater: Size, pieces: str) -> None:
    response = browser.post(at("stock", shop.slug, sweater.pk), {"pieces": pieces})
    assert response.status_code == 400
    assert "errorlist" in response.content.decode()
    sweater.refresh_from_db()
    assert sweater.physical == 10


def test_a_bundle_shows_its_parts(browser: Client, shop: Shop, bundle: Size) -> None:
    assert "2 × Mitten" in text(browser.get(bundle.get_absolute_url()))


def test_pictures_are_drawn_for_every_variant(browser: Client, shop: Shop, sweater: Size) -> None:
    response = Client().get(at("picture", shop.slug, sweater.variant_id))
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert ">HS</text>" in response.content.decode()


# --- buying ------------------------------------------------------------------------------------
CHECKOUT = {
    "name": "Kim Berg",
    "email": "kim.berg@example.com",
    "country": "SE",
    "shipping": "express",
    "ingrid_method": "parcel-shop",
    "pickup_point": "23871",
}


def test_an_order_is_placed_in_the_shop_front_with_the_chosen_shipping_method(
    browser: Client, shop: Shop, sweater: Size
) -> None:
    assert "Harbour sweater" in text(browser.get(at("front", shop.slug)))
    browser.post(at("put_in", shop.slug), {"size": sweater.pk})
    browser.post(at("put_in", shop.slug), {"size": sweater.pk, "pieces": "2"})
    assert "Basket (3)" in text(browser.get(at("front", shop.slug)))
    browser.post(at("change_basket", shop.slug), {f"pieces-{sweater.pk}": "2"})
    response = browser.post(at("basket", shop.slug), CHECKOUT)
    order = Order.objects.get()
    assert response.headers["Location"] == at("order", shop.slug, order.number)
    assert (order.shipping_list, order.lines.get().qty) == ("express", 2)
    assert order.attributes == {"shipwallet_method": "parcel-shop", "shipwallet_pickup": "23871"}
    assert "The basket is empty" in text(browser.get(at("basket", shop.slug)))


def test_what_cannot_be_bought_is_told_and_the_basket_stays(browser: Client, shop: Shop, sweater: Size) -> None:
    browser.post(at("put_in", shop.slug), {"size": sweater.pk, "pieces": "11"})
    response = browser.post(at("basket", shop.slug), CHECKOUT)
    assert "not enough stock" in text(response)
    response = browser.post(at("basket", shop.slug), CHECKOUT | {"country": "Sweden", "email": "kim"})
    assert "two capital letters" in text(response)
    assert 'value="kim"' in response.content.decode()
    assert not Order.objects.exists()
    assert browser.post(at("put_in", shop.slug), {"size": "x"}).status_code == 404


@pytest.mark.parametrize("typed", ["abc", "-1", "", "1000", "²", "1e2"])
def test_what_is_no_number_of_pieces_is_told_and_the_basket_stays(
    browser: Client, shop: Shop, sweater: Size, typed: str
) -> None:
    other = add(shop, "FG2")
    browser.post(at("put_in", shop.slug), {"size": sweater.pk, "pieces": "3"})
    browser.post(at("put_in", shop.slug), {"size": other.pk})
    sent = {f"pieces-{sweater.pk}": typed, f"pieces-{other.pk}": "7"}
    for answer in (
        browser.post(at("change_basket", shop.slug), sent, follow=True),
        browser.post(at("put_in", shop.slug), {"size": sweater.pk, "pieces": typed}, follow=True),
    ):
        assert f"The basket stays as it was: write the pieces of “{sweater}” as a number" in text(answer)
        assert "Basket (4)" in text(browser.get(at("front", shop.slug)))


def test_pieces_that_would_be_too_many_together_are_told(browser: Client, shop: Shop, sweater: Size) -> None:
    browser.post(at("put_in", shop.slug), {"size": sweater.pk, "pieces": "998"})
    answer = browser.post(at("put_in", shop.slug), {"size": sweater.pk, "pieces": "2"}, follow=True)
    assert "1 to 999 in all" in text(answer)
    assert "Basket (998)" in text(answer)
    browser.post(at("change_basket", shop.slug), {f"pieces-{sweater.pk}": "0"})
    assert "Basket (0)" in text(browser.get(at("front", shop.slug)))


# --- orders ------------------------------------------------------------------------------------
@pytest.fixture
def order(shop: Shop, sweater: Size) -> Order:
    return shop.place_order({sweater: 3}, shipping="express")


def press(browser: Client, order: Order, act: str, **fields: Any) -> str:
    response = browser.post(at("act", order.shop.slug, order.number), {"act": act, **fields}, follow=True)
    order.refresh_from_db()
    return text(response)


def buttons(browser: Client, order: Order) -> list[str]:
    html = browser.get(order.get_absolute_url()).content.decode()
    return re.findall(r'name="act" value="([a-z-]+)"', html)


def test_orders_are_listed_by_status_and_search(browser: Client, shop: Shop, order: Order) -> None:
    url = at("orders", shop.slug)
    assert f"{order.number} " in text(browser.get(url))
    assert f"{order.number} " in text(browser.get(f"{url}?q={order.number}&status=1"))
    assert "No order matches" in text(browser.get(f"{url}?status=4"))
    assert "No order matches" in text(browser.get(f"{url}?q=nothing"))
    for odd in ("x", "%C2%B2", "9" * 30, "-1"):
        assert browser.get(f"{url}?status={odd}&page=-3&q=%C2%B2").status_code == 200


def test_the_buttons_move_the_order_and_only_those_that_fit_are_there(browser: Client, order: Order) -> None:
    assert buttons(browser, order)[:3] == ["confirm", "hold", "cancel"]
    press(browser, order, "confirm")
    press(browser, order, "hold")
    assert "resume" in buttons(browser, order)
    assert "hold" not in buttons(browser, order)
    assert (order.status, order.is_on_hold) == (Status.CONFIRMED, True)
    press(browser, order, "resume")
    press(browser, order, "cancel")
    assert order.status == Status.CANCELLED
    press(browser, order, "restore")
    assert order.status == Status.CONFIRMED


def test_a_button_that_no_longer_fits_says_so(browser: Client, order: Order) -> None:
    assert "Not done: order is pending and can not be archived" in press(browser, order, "archive")
    assert "Not done" in press(browser, order, "explode")


def test_a_shipment_is_made_paid_and_sent_by_hand(browser: Client, order: Order, sweater: Size) -> None:
    press(browser, order, "confirm")
    press(browser, order, "ship", gtg="on")
    shipment = Shipment.objects.get()
    assert (shipment.is_good_to_go, shipment.is_paid) == (True, False)
    press(browser, order, "capture", shipment=shipment.pk)
    shown = press(browser, order, "complete", shipment=shipment.pk, carrier="PostNord", tracking="T-1")
    assert "T-1" in shown
    assert order.status == Status.COMPLETED
    sweater.refresh_from_db()
    assert sweater.physical == 7


def test_a_refused_completion_keeps_what_was_typed(browser: Client, order: Order) -> None:
    press(browser, order, "flags", capture_fails="on")
    press(browser, order, "confirm")
    press(browser, order, "ship", gtg="on")
    sent = {"act": "complete", "shipment": Shipment.objects.get().pk, "carrier": "Post<Nord", "tracking": "T-1"}
    answer = browser.post(at("act", order.shop.slug, order.number), sent)
    assert "Not done" in text(answer)
    assert re.search(r"<details class=\"sb-inline\"\s+open>", answer.content.decode())
    assert 'value="Post&lt;Nord"' in answer.content.decode()
    assert 'value="T-1"' in answer.content.decode()
    assert not Shipment.objects.get().is_sent


@pytest.mark.parametrize("pieces", ["", "abc", "0", "-1", "²", "1.5"])
def test_nonsense_for_pieces_to_cancel_is_told(browser: Client, order: Order, pieces: str) -> None:
    told = press(browser, order, "cancel-pieces", line=order.lines.get().pk, pieces=pieces)
    assert "Not done: write the pieces to cancel as a whole number, 1 or more" in told
    assert order.lines.get().qty == 3


def test_pieces_and_shipments_are_taken_back(browser: Client, order: Order) -> None:
    press(browser, order, "cancel-pieces", line=order.lines.get().pk, pieces=1)
    assert order.lines.get().qty == 2
    press(browser, order, "confirm")
    press(browser, order, "ship")
    press(browser, order, "remove", shipment=Shipment.objects.get().pk)
    assert (order.status, Shipment.objects.count()) == (Status.CONFIRMED, 0)


def test_flags_are_levers_of_one_order(browser: Client, order: Order) -> None:
    press(browser, order, "flags", is_suspect="on", capture_fails="on")
    assert (order.is_suspect, order.capture_fails, order.waits_for_payment) == (True, True, False)
    press(browser, order, "confirm")
    assert "can not capture order" in press(browser, order, "ship", capture="on")


def test_orders_and_sizes_of_another_shop_are_not_found(browser: Client, order: Order) -> None:
    other = Shop.open("fjord")
    theirs = add(other, "A")
    assert browser.get(at("order", other.slug, order.number)).status_code == 404
    assert browser.post(at("act", other.slug, order.number), {"act": "cancel"}).status_code == 404
    assert browser.get(at("size", order.shop.slug, theirs.pk)).status_code == 404
    assert browser.post(at("remove_size", order.shop.slug, theirs.pk)).status_code == 404


@pytest.mark.parametrize("name", ["act", "put_in", "change_basket", "fill", "switches"])
def test_nothing_is_changed_by_looking(browser: Client, order: Order, name: str) -> None:
    args = [order.shop.slug, order.number] if name == "act" else [order.shop.slug]
    assert browser.get(at(name, *args)).status_code == 405


# --- levers ------------------------------------------------------------------------------------
def test_a_lever_is_pulled_and_taken_away(browser: Client, shop: Shop, api: Api) -> None:
    url = at("levers", shop.slug)
    fields = {"kind": "status", "endpoint": "GET products", "times": "1", "params": '{"code": 429, "retry_after": 3}'}
    browser.post(url, fields)
    assert api.send("GET", "products").headers["Retry-After"] == "3"
    browser.post(url, fields | {"times": ""})
    assert "until you take it away" in text(browser.get(url))
    assert api.send("GET", "products").status_code == 429
    browser.post(at("take_away", shop.slug, shop.faults.get(times=None).pk))
    assert api.send("GET", "products").status_code == 200


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"params": "code=1"}, "no JSON object"),
        ({"params": "[1]"}, "no JSON object"),
        ({"params": '{"megabytes": 1000000}'}, "from 0 to 1000"),
        ({"params": '{"seconds": "long"}'}, "has to be a number"),
        ({"params": '{"code": 7}'}, "200 to 599"),
        ({"kind": ""}, "required"),
        ({"times": "-1"}, "greater than or equal to 0"),
        ({"endpoint": "GET everything"}, "valid choice"),
    ],
)
def test_a_wrong_lever_is_refused_in_words(browser: Client, shop: Shop, changes: dict[str, str], sentence: str) -> None:
    fields = {"kind": "status", "endpoint": "", "times": "1", "params": "", **changes}
    response = browser.post(at("levers", shop.slug), fields)
    assert response.status_code == 400
    assert sentence in text(response)
    assert not shop.faults.exists()


def test_switches_are_set_and_set_back(browser: Client, shop: Shop) -> None:
    from sandbox.forms import SwitchesForm

    fields = {name: field.initial for name, field in SwitchesForm(shop).fields.items()}
    browser.post(at("switches", shop.slug), fields | {"orders_cap": "1", "bearer": "1"})
    shop.refresh_from_db()
    assert shop.switches == {"orders_cap": 100, "bearer": False}
    browser.post(at("switches", shop.slug), fields)
    shop.refresh_from_db()
    assert shop.switches == {}
    assert browser.post(at("switches", shop.slug), fields | {"bearer": "7"}).status_code == 400


def test_every_page_keeps_to_the_content_security_policy(browser: Client, shop: Shop, plugin: PluginMethod) -> None:
    response = browser.get(at("products", shop.slug))
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


# --- addresses that do not exist ---------------------------------------------------------------
NOWHERE = ["products/999999/", "orders/1/", "system/stores/999999/", "no-such-page/", "orders/12345678901234567890/"]


@pytest.mark.parametrize("rest", NOWHERE)
def test_an_address_that_does_not_exist_is_said_in_the_sandbox_s_own_look(
    browser: Client, shop: Shop, rest: str
) -> None:
    answer = browser.get(f"/sandbox/{shop.slug}/{rest}")
    assert answer.status_code == 404
    assert "sandbox/sandbox.css" in answer.content.decode()
    assert "There is no such page in the sandbox" in answer.content.decode()
    assert shop.name in answer.content.decode()


def test_a_shop_that_does_not_exist_leads_back_to_the_shops(browser: Client, shop: Shop) -> None:
    for address in ("/sandbox/no-such-shop/orders/", "/sandbox/no/such/page/"):
        answer = browser.get(address)
        assert answer.status_code == 404
        assert f'href="{reverse("sandbox:home")}"' in answer.content.decode()


def test_a_slash_forgotten_at_the_end_is_still_put_there(browser: Client, shop: Shop) -> None:
    assert browser.get(f"/sandbox/{shop.slug}/orders")["Location"] == f"/sandbox/{shop.slug}/orders/"
