"""Levers, on a real wire: what the other side gets is what the lever says."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from pytest_django.live_server_helper import LiveServer

from sandbox.models import Fault, PluginMethod, Shop, Size
from tests.sandbox.conftest import SECRET, add

pytestmark = pytest.mark.django_db(transaction=True)


class Line:
    """A session at the live server."""

    def __init__(self, plugin: PluginMethod, origin: str) -> None:
        self.base = plugin.base_url(origin)
        self.session = requests.Session()
        self.session.headers["API-Authorization"] = SECRET

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(f"{self.base}/{path}", timeout=20, allow_redirects=False, **options)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.session.post(f"{self.base}/{path}", json=body, timeout=20)


@pytest.fixture
def shop(transactional_db: None) -> Shop:
    return Shop.open("nordlys")


@pytest.fixture
def sizes(shop: Shop) -> list[Size]:
    return [add(shop, f"A{number}", stock=5) for number in range(4)]


@pytest.fixture
def line(shop: Shop, sizes: list[Size], live_server: LiveServer) -> Iterator[Line]:
    line = Line(shop.add_plugin(secret=SECRET), live_server.url)
    yield line
    line.session.close()


def skus(response: requests.Response) -> list[str]:
    return [row["sku"] for row in response.json()["products"]]


def test_a_lever_hits_so_many_after_letting_so_many_pass(shop: Shop, line: Line) -> None:
    fault = shop.break_endpoint("GET products", "status", times=2, skip=1, code=503)
    assert [line.get("products").status_code for _turn in range(5)] == [200, 503, 503, 200, 200]
    assert line.get("stock").status_code == 200
    fault.refresh_from_db()
    assert (fault.hits, fault.times, fault.skip) == (2, 0, 0)


def test_a_lever_without_a_number_stays_until_it_is_taken_away(shop: Shop, line: Line) -> None:
    fault = shop.break_endpoint("", "status", times=None, code=500)
    assert {line.get(path).status_code for path in ("products", "stock", "orders")} == {500}
    fault.delete()
    assert line.get("products").status_code == 200


def test_a_lever_may_hit_one_plugin_only(shop: Shop, line: Line, live_server: LiveServer) -> None:
    other = Line(shop.add_plugin("other", secret=SECRET), live_server.url)
    shop.faults.create(plugin=shop.plugins.get(uri="other"), kind="status", times=None)
    assert (line.get("products").status_code, other.get("products").status_code) == (200, 503)
    other.session.close()


@pytest.mark.parametrize("code", [401, 403, 404, 500, 503])
def test_a_status(shop: Shop, line: Line, code: int) -> None:
    shop.break_endpoint("GET products", "status", code=code)
    assert line.get("products").status_code == code


def test_rate_limits_come_with_the_wait_in_three_spellings(shop: Shop, line: Line) -> None:
    for form in ("seconds", "date", "timestamp"):
        shop.break_endpoint("GET products", "status", code=429, retry_after=30, retry_after_form=form)
    seconds, date, stamp = (line.get("products").headers["Retry-After"] for _turn in range(3))
    assert seconds == "30"
    assert 25 < parsedate_to_datetime(date).timestamp() - time.time() < 35
    assert 25 < int(stamp) - time.time() < 35


def test_refused_html_and_empty(shop: Shop, line: Line) -> None:
    for kind in ("refused", "html", "empty"):
        shop.break_endpoint("GET products", kind)
    refused, html, empty = (line.get("products") for _turn in range(3))
    assert (refused.status_code, refused.json()["status"]) == (200, "no")
    assert html.text.startswith("<!doctype html>")
    assert (empty.status_code, empty.content) == (200, b"")


def test_a_redirect_leads_elsewhere(shop: Shop, line: Line) -> None:
    shop.break_endpoint("GET products", "redirect", to="https://elsewhere.example/x")
    response = line.get("products")
    assert (response.status_code, response.headers["Location"]) == (302, "https://elsewhere.example/x")


def test_truncated_json_arrives_whole_but_is_not(shop: Shop, line: Line) -> None:
    shop.break_endpoint("GET products", "truncated")
    response = line.get("products")
    assert int(response.headers["Content-Length"]) == len(response.content)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(response.content)


def test_a_cut_off_answer_is_shorter_than_it_said(shop: Shop, line: Line) -> None:
    shop.break_endpoint("GET products", "cut_off")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        line.get("products")


def test_a_reset_does_nothing_and_says_nothing(shop: Shop, line: Line, sizes: list[Size]) -> None:
    shop.break_endpoint("POST stock", "reset")
    with pytest.raises(requests.ConnectionError):
        line.post("stock", {"products": [{"product": "A0", "quantity": 9}]})
    sizes[0].refresh_from_db()
    assert sizes[0].physical == 5


def test_not_one_byte_comes_before_a_reset(shop: Shop, line: Line) -> None:
    shop.break_endpoint("GET products", "reset")
    url = urlsplit(line.base)
    assert url.hostname
    with socket.create_connection((url.hostname, url.port or 80), timeout=10) as raw:
        raw.sendall(f"GET {url.path}/products HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
        try:
            received = raw.recv(1000)
        except ConnectionResetError:
            received = b""
    assert received == b""


def test_a_lost_answer_comes_after_the_work_was_done(shop: Shop, line: Line, sizes: list[Size]) -> None:
    shop.break_endpoint("POST stock", "lost_answer")
    with pytest.raises(requests.ConnectionError):
        line.post("stock", {"products": [{"product": "A0", "quantity": 9}]})
    sizes[0].refresh_from_db()
    assert sizes[0].physical == 9


def test_late_work_is_done_when_nobody_listens_any_more(shop: Shop, line: Line, sizes: list[Size]) -> None:
    shop.break_endpoint("POST stock", "late", seconds=1)
    with pytest.raises(requests.ConnectionError):
        line.post("stock", {"products": [{"product": "A0", "quantity": 9}]})
    sizes[0].refresh_from_db()
    assert sizes[0].physical == 5
    end = time.monotonic() + 20
    while sizes[0].physical == 5 and time.monotonic() < end:
        time.sleep(0.05)  # another thread of the server has no event to wait for
        sizes[0].refresh_from_db()
    assert sizes[0].physical == 9


def test_half_done_work_is_the_first_half_of_the_rows(shop: Shop, line: Line, sizes: list[Size]) -> None:
    shop.break_endpoint("POST stock", "half_done")
    with pytest.raises(requests.ConnectionError):
        line.post("stock", {"products": [{"product": f"A{n}", "quantity": 9} for n in range(4)]})
    assert list(Size.objects.order_by("pk").values_list("physical", flat=True)) == [9, 9, 5, 5]


def test_what_is_written_as_one_is_not_half_done(shop: Shop, line: Line, sizes: list[Size]) -> None:
    order = shop.place_order({sizes[0]: 1})
    order.confirm()
    shop.break_endpoint("POST shipments", "half_done")
    with pytest.raises(requests.ConnectionError):
        line.post("shipments", {"order": order.number, "products": {str(order.lines.get().pk): 1}})
    assert not order.shipments.exists()


def test_a_slow_answer_comes_in_drips_and_is_right(shop: Shop, line: Line) -> None:
    shop.break_endpoint("GET products", "slow", seconds=1, drips=4)
    started = time.monotonic()
    response = line.get("products", stream=True)
    arrivals = [time.monotonic() - started for _drip in response.iter_content(1)]
    assert arrivals[0] < 0.9 < arrivals[-1]
    assert len(arrivals) > 1


def test_a_huge_answer_goes_on_and_on(shop: Shop, line: Line) -> None:
    shop.break_endpoint("GET products", "huge", megabytes=100)
    with line.get("products", stream=True) as response:
        read = 0
        for chunk in response.iter_content(1_000_000):
            read += len(chunk)
            if read > 20_000_000:
                break
    assert read > 20_000_000


def test_wrong_types_are_still_legible(shop: Shop, line: Line, sizes: list[Size]) -> None:
    shop.break_endpoint("GET products", "wrong_types", row=1)
    rows = line.get("products").json()["products"]
    assert (rows[0]["stockItemId"], rows[1]["stockItemId"]) == (sizes[0].pk, str(sizes[1].pk))
    assert rows[1]["active"] == "1"
    assert rows[1]["ean"] is None


def test_wrong_types_are_in_the_answer_to_a_write_too(shop: Shop, line: Line, sizes: list[Size]) -> None:
    order = shop.place_order({sizes[0]: 1})
    order.confirm()
    shop.break_endpoint("POST shipments", "wrong_types")
    answer = line.post("shipments", {"order": order.number, "products": {str(order.lines.get().pk): 1}}).json()
    assert (answer["status"], answer["order"], answer["shipment"]) == ("ok", str(order.number), f"{order.number}-1")


def test_one_row_is_unreadable_and_the_others_are_not(shop: Shop, line: Line, sizes: list[Size]) -> None:
    shop.break_endpoint("GET products", "unreadable_row", row=2)
    rows = line.get("products").json()["products"]
    assert isinstance(rows[2]["sku"], dict)
    assert rows[2]["stockItemId"] == sizes[2].pk
    assert [rows[index]["sku"] for index in (0, 1, 3)] == ["A0", "A1", "A3"]


def test_a_page_may_be_repeated_reordered_or_lead_to_itself(shop: Shop, line: Line) -> None:
    shop.break_endpoint("GET products", "repeated_page", skip=1)
    first, again = line.get("products?limit=2"), line.get("products?limit=2&page=2")
    assert skus(first) == skus(again) == ["A0", "A1"]
    assert skus(line.get("products?limit=2&page=2")) == ["A2", "A3"]
    shop.break_endpoint("GET products", "reordered_page")
    assert skus(line.get("products?limit=2")) == ["A1", "A0"]
    shop.break_endpoint("GET products", "looping_page", times=None)
    assert line.get("products?limit=2&page=2").json()["next"] == "?limit=2&page=2"


def test_offset_pages_repeat_too(shop: Shop, line: Line, sizes: list[Size]) -> None:
    placed = [str(shop.place_order({sizes[0]: 1}).number) for _turn in range(3)]
    shop.set_switch("order_direction", "oldest")
    shop.break_endpoint("GET orders", "repeated_page", skip=1)
    shown = [line.get(f"orders?limit=1&offset={n}").json()["orders"][0]["orderId"] for n in (0, 1, 1)]
    assert shown == [placed[0], placed[0], placed[1]]


def left(fault: Fault) -> tuple[int, int | None]:
    fault.refresh_from_db()
    return fault.hits, fault.times


@pytest.mark.parametrize(
    ("kind", "same", "other"),
    [
        ("reordered_page", "products?limit=1", "products?limit=2"),
        ("reordered_page", "products?limit=2&page=9", "products?limit=2"),
        ("repeated_page", "products?limit=2", "products?limit=2&page=2"),
        ("repeated_page", "products?limit=2&page=9", "products?limit=2&page=3"),
        ("unreadable_row", "products?limit=2&page=9", "products?limit=2&page=2"),
        ("wrong_types", "products?sku=NONE", "products?sku=A1"),
    ],
)
def test_a_lever_that_changes_nothing_in_an_answer_waits_for_one_that_it_changes(
    shop: Shop, line: Line, kind: str, same: str, other: str
) -> None:
    wells = {path: line.get(path).content for path in (same, other)}
    fault = shop.break_endpoint("GET products", kind)
    assert [line.get(same).content for _turn in range(2)] == [wells[same]] * 2
    assert left(fault) == (0, 1)
    assert line.get(other).content != wells[other]
    assert left(fault) == (1, 0)
    assert [line.get(path).content for path in (same, other)] == list(wells.values())


def test_a_refusal_that_a_lever_cannot_change_does_not_use_it_up(shop: Shop, line: Line) -> None:
    shop.set_switch("bad_secret", "html")
    looping = shop.break_endpoint("GET products", "looping_page")
    forbidden = shop.break_endpoint("GET stock", "status", code=403)
    plugin = shop.plugins.get()
    plugin.forbid("GET stock")
    assert line.get("stock").status_code == 403
    line.session.headers["API-Authorization"] = "another"
    assert line.get("products").status_code == 401
    assert (left(looping), left(forbidden)) == ((0, 1), (0, 1))
    line.session.headers["API-Authorization"] = SECRET
    PluginMethod.objects.filter(pk=plugin.pk).update(endpoints=[*plugin.endpoints, "GET stock"])
    assert line.get("products").json()["next"] == "?limit=1"
    assert (line.get("stock").status_code, line.get("stock").status_code) == (403, 200)
    assert (left(looping), left(forbidden)) == ((1, 0), (1, 0))


def test_what_is_written_is_written_once_where_a_lever_changes_nothing(
    shop: Shop, line: Line, sizes: list[Size]
) -> None:
    order = shop.place_order({sizes[0]: 1})
    order.confirm()
    kinds = ("wrong_types", "repeated_page", "unreadable_row", "reordered_page")
    faults = [shop.break_endpoint("POST stock", kind) for kind in kinds]
    faults += [shop.break_endpoint("POST shipments", kind) for kind in kinds[1:]]
    assert line.post("stock?page=2", {"products": [{"product": "A1", "quantity": 9}]}).json() == {"status": "ok"}
    body = {"order": order.number, "products": {str(order.lines.get().pk): 1}, "createAlways": True}
    assert line.post("shipments?page=2", body).json()["status"] == "ok"
    sizes[1].refresh_from_db()
    assert (sizes[1].physical, order.shipments.count()) == (9, 1)
    assert {left(fault) for fault in faults} == {(0, 1)}


def test_a_lever_that_waits_for_another_answer_keeps_none_behind_it_waiting(shop: Shop, line: Line) -> None:
    first = shop.break_endpoint("GET products", "reordered_page")
    behind = shop.break_endpoint("GET products", "status", code=503, skip=1)
    last = shop.break_endpoint("GET products", "status", code=500, times=None)
    assert [line.get("products?limit=1").status_code for _turn in range(3)] == [500, 503, 500]
    assert (left(first), left(behind), left(last)) == ((0, 1), (1, 0), (2, None))


def test_after_every_kind_the_next_call_is_well(shop: Shop, line: Line) -> None:
    for kind in Fault.Kind.values:
        shop.break_endpoint("GET products", kind, seconds=0, megabytes=1)
        with contextlib.suppress(requests.RequestException):
            line.get("products")
        assert skus(line.get("products")) == ["A0", "A1", "A2", "A3"], kind
