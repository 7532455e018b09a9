"""Who may call, at which address, and what happens to those who may not (sections 1, 2 and 16.4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from sandbox.models import PluginMethod, Shop, Size
from sandbox.switches import SWITCHES
from tests.sandbox.conftest import SECRET, Api


def test_the_pinned_address_and_a_slash_at_the_end_reach_the_same_endpoint(api: Api, sweater: Size) -> None:
    plain = api("GET", "products")
    assert api("GET", "products/?limit=5")["products"] == plain["products"]
    assert api("GET", f"{api.plugin.pk}/products") == plain
    assert api("GET", f"{api.plugin.pk}/products/") == plain


def test_another_plugins_number_opens_nothing(api: Api) -> None:
    assert api.send("GET", f"{api.plugin.pk + 1}/products").status_code == 404


def test_the_key_may_come_as_a_bearer_token_unless_switched_off(api: Api, shop: Shop) -> None:
    assert api.send("GET", "products", Authorization=f"Bearer {SECRET}").status_code == 200
    shop.set_switch("bearer", False)
    assert api.send("GET", "products", Authorization=f"Bearer {SECRET}").status_code == 401


@pytest.mark.parametrize("headers", [{"API-Authorization": "wrong"}, {"API-Authorization": ""}, {"X-Other": "x"}])
def test_a_wrong_or_missing_key_is_401(api: Api, headers: dict[str, str]) -> None:
    assert api("GET", "products", **headers) == {"status": "no", "msg": "unauthorized"}
    assert api.raw.status_code == 401


@pytest.mark.parametrize(("form", "code", "begins"), [("403", 403, b"{"), ("200", 200, b"{"), ("html", 401, b"<!do")])
def test_a_wrong_key_may_be_answered_otherwise(api: Api, shop: Shop, form: str, code: int, begins: bytes) -> None:
    shop.set_switch("bad_secret", form)
    response = api.send("GET", "products", **{"API-Authorization": "wrong"})
    assert (response.status_code, response.content[:4].startswith(begins)) == (code, True)


def test_an_endpoint_without_permission_is_403(api: Api, plugin: PluginMethod) -> None:
    plugin.forbid("GET orders")
    assert api("GET", "orders") == {"status": "Not Allowed"}
    assert api.raw.status_code == 403
    assert api.send("GET", "products").status_code == 200


def test_an_inactive_plugin_answers_nobody(api: Api, plugin: PluginMethod) -> None:
    plugin.is_active = False
    plugin.save()
    assert api.send("GET", "products").status_code == 404


@pytest.mark.parametrize("path", ["", "product", "order/70412/lines", "shipment/1-1", "stocks", "api/v1"])
def test_an_unknown_path_is_404_or_status_no(api: Api, shop: Shop, path: str) -> None:
    assert api.send("GET", path).status_code == 404
    shop.set_switch("unknown_path", "200")
    assert api("GET", path)["status"] == "no"
    assert api.raw.status_code == 200


def test_singular_and_plural_are_not_the_same(api: Api) -> None:
    assert api.send("PUT", "stock", {}).status_code == 404
    assert api.send("GET", "order").status_code == 404
    assert api.send("PUT", "shipments", {}).status_code == 404


@pytest.mark.parametrize("body", ["{", "[]", "7", "\x00", "[" * 100_000])
def test_malformed_json_is_status_no_or_400(api: Api, shop: Shop, body: str) -> None:
    assert api("POST", "stock", body)["status"] == "no"
    assert api.raw.status_code == 200
    shop.set_switch("malformed_json", "400")
    assert api.send("POST", "stock", body).status_code == 400


def test_no_cross_site_token_is_asked_for(api: Api) -> None:
    response = Client(enforce_csrf_checks=True).post(
        f"{api.plugin.base_path}/stock",
        {"products": []},
        content_type="application/json",
        headers={"API-Authorization": SECRET},
    )
    assert response.json() == {"status": "ok"}


def test_an_empty_object_can_be_written_as_a_list(api: Api, shop: Shop) -> None:
    shop.set_switch("empty_object_as_list", True)
    assert api("POST", "orders", {}) == []


def test_debug_logging_keeps_calls_without_the_key(api: Api, plugin: PluginMethod) -> None:
    plugin.logs_calls = True
    plugin.save()
    api("POST", "stock", {"products": []})
    [call] = plugin.calls.all()
    assert (call.endpoint, call.status, call.body) == ("POST stock", 200, '{"products": []}')
    assert SECRET not in f"{call.path}{call.body}{call.answer}"


def test_every_switch_takes_its_choices_and_nothing_else(shop: Shop) -> None:
    for switch in SWITCHES:
        for value, _label in switch.choices:
            shop.set_switch(switch.name, value)
            assert Shop.objects.get().switch(switch.name) == value
        with pytest.raises(ValueError, match="no choice"):
            shop.set_switch(switch.name, "something else")


def test_shops_do_not_see_each_other(api: Api, shop: Shop, sweater: Size) -> None:
    other = Shop.open("fjord")
    there = Api(other.add_plugin(secret=SECRET))
    order = shop.place_order({sweater: 1})
    assert there("GET", "products")["products"] == []
    assert there("GET", f"orders?order={order.number}")["orders"] == []
    assert there("PUT", "orders", {"order": order.number, "comment": "x"})["msg"] == "order does not exist"
    answer: Any = there("POST", "stock", {"products": [{"product": "FG1042-NVY-M", "quantity": 1}]})
    assert answer["errors"] == {"productsNotFound": ["FG1042-NVY-M"]}
