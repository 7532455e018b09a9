"""Paging, refusals and writes against a shop that says what we tell it to."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.connectors.base import (
    Allowed,
    Connector,
    Credentials,
    NewShipment,
    ParcelData,
    Refusal,
    Right,
    ShipmentData,
    ShipmentStatus,
    StockFigure,
)
from integrations.connectors.centra.connector import CentraConnector, connect
from integrations.connectors.errors import (
    BadCredentials,
    NotAllowed,
    Rejected,
    ShopError,
    Unavailable,
    Unreadable,
    WrongAddress,
)
from tests.connectors.hostile import Behaviour, Hostile, answer, html, reset, says
from tests.connectors.rows import row

SECRET = "s3cr3t-Of-Nordlys-0815"
SINCE = datetime(2026, 7, 1, tzinfo=UTC)
PARCEL = ParcelData(carrier="Posti", service="Express", tracking_code="T1", parcels=2)
SHIPMENT = ShipmentData("81007-1", "81007", ShipmentStatus.GOOD_TO_GO, pieces=(("40011", 2), ("40012", 1)))


def open_shop(shop: Hostile) -> CentraConnector:
    return connect(Credentials(shop.url, SECRET, "Europe/Helsinki"))


def ok(**members: Any) -> Behaviour:
    return says({"status": "ok", **members})


def no(msg: Any = "because", **members: Any) -> Behaviour:
    return says({"status": "no", "msg": msg, **members})


def query(shop: Hostile, call: int) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(shop.seen[call].target).query).items()}


def test_the_connector_keeps_the_protocol() -> None:
    connector: Connector = connect(Credentials("http://127.0.0.1:1/api/x", SECRET))
    assert SECRET not in repr(connector) + repr(Credentials("http://127.0.0.1:1/api/x", SECRET))


# --- pages that are linked -----------------------------------------------------------------


def test_products_follow_next_and_keep_their_filter_where_the_link_drops_it() -> None:
    pages = (
        ok(products=[row("product", stockItemId=1)], next="?limit=500&page=2"),
        ok(products=[row("product", stockItemId=2)], next="https://elsewhere.example/x?limit=500&page=3"),
        ok(products=[row("product", stockItemId=3)]),
    )
    with Hostile(*pages) as shop, open_shop(shop) as connector:
        found = list(connector.products(changed_since=SINCE))
    assert [page.items[0].external_id for page in found] == ["1", "2", "3"]
    assert [page.number for page in found] == [1, 2, 3]
    assert [bool(page.cursor) for page in found] == [True, True, False]
    assert [query(shop, call).get("page") for call in range(3)] == [None, "2", "3"]
    assert {query(shop, call)["modified"] for call in range(3)} == {"2026-07-01 02:00:00"}
    assert {query(shop, call)["limit"] for call in range(3)} == {"500"}


def test_a_listing_goes_on_where_one_stopped() -> None:
    first = ok(products=[row("product")], next="?limit=500&page=2")
    with Hostile(first) as shop, open_shop(shop) as connector:
        cursor = next(connector.products()).cursor
    with Hostile(ok(products=[row("product")])) as shop, open_shop(shop) as connector:
        (page,) = connector.products(cursor=cursor)
    assert query(shop, 0)["page"] == "2"
    assert page.cursor == ""


@pytest.mark.parametrize("link", ["?limit=500&page=2", "?page=2&limit=500"])
def test_a_link_back_to_a_page_already_read_ends_in_words(link: str) -> None:
    pages = (
        ok(products=[row("product", stockItemId=1)], next="?limit=500&page=2"),
        ok(products=[row("product", stockItemId=2)], next=link),
    )
    with Hostile(*pages) as shop, open_shop(shop) as connector, pytest.raises(Unreadable, match="already read"):
        list(connector.products())
    assert len(shop.seen) == 2


@pytest.mark.parametrize("rows", [[row("product")], []], ids=["the same page", "empty pages"])
def test_new_links_to_the_same_page_end_in_words(rows: list[Any]) -> None:
    pages = [ok(products=rows, next=f"?limit=500&page={number}") for number in range(2, 99)]
    with Hostile(*pages) as shop, open_shop(shop) as connector, pytest.raises(Unreadable, match="same page again"):
        list(connector.products())
    assert len(shop.seen) == 2


@pytest.mark.parametrize("nothing", ["", None, False])
def test_a_link_of_nothing_is_the_end(nothing: Any) -> None:
    with Hostile(ok(products=[], next=nothing)) as shop, open_shop(shop) as connector:
        assert len(list(connector.products())) == 1


# --- pages by offset -----------------------------------------------------------------------


def test_orders_advance_by_what_came_and_end_on_an_empty_page() -> None:
    """Three and one: the shop's own cap is lower than what we ask for, so a short page means nothing."""
    pages = (
        ok(orders=[row("order", orderId=number) for number in (1, 2, 3)]),
        ok(orders=[row("order", orderId=3)]),
        ok(orders=[]),
    )
    with Hostile(*pages) as shop, open_shop(shop) as connector:
        found = list(connector.orders(SINCE))
    assert [[order.number for order in page.items] for page in found] == [["1", "2", "3"], ["3"], []]
    assert [query(shop, call)["offset"] for call in range(3)] == ["0", "3", "4"]
    assert [page.cursor for page in found] == ["3", "4", ""]
    assert query(shop, 0)["newer_than"] == "2026-07-01 02:00:00"


def test_orders_go_on_where_one_stopped() -> None:
    with Hostile(ok(orders=[])) as shop, open_shop(shop) as connector:
        list(connector.orders(SINCE, cursor="40"))
    assert query(shop, 0)["offset"] == "40"


def test_a_shop_that_knows_no_offset_ends_in_words() -> None:
    with (
        Hostile(ok(orders=[row("order")])) as shop,
        open_shop(shop) as connector,
        pytest.raises(Unreadable, match="same page again"),
    ):
        list(connector.orders(SINCE))
    assert len(shop.seen) == 3


def test_returns_are_counted_by_page() -> None:
    with Hostile(ok(returns=[row("return")]), ok(returns=[])) as shop, open_shop(shop) as connector:
        first, last = connector.returns(SINCE)
    assert (first.items[0].external_id, first.cursor, last.cursor) == ("615", "2", "")
    assert [query(shop, call)["page"] for call in range(2)] == ["1", "2"]


def test_one_bad_row_is_set_aside_and_the_page_goes_on() -> None:
    rows = [row("order", orderId=1), row("order", orderId=2, products=7), row("order", orderId=3)]
    with Hostile(ok(orders=rows), ok(orders=[])) as shop, open_shop(shop) as connector:
        page = next(connector.orders(SINCE))
    assert [order.number for order in page.items] == ["1", "3"]
    assert [faulty.external_id for faulty in page.faulty] == ["2"]


# --- what is no listing --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (says({"status": "ok"}), Unreadable),
        (ok(products="none"), Unreadable),
        (ok(products=5), Unreadable),
        (says({"detail": "Authentication missing"}), Unreadable),
        (says({"status": "maybe", "products": []}), Unreadable),
        (no(), Rejected),
        (no("unauthorized"), BadCredentials),
        (no("Invalid API key"), BadCredentials),
        (says({"status": "Not Allowed"}), NotAllowed),
        (says({"status": "Not Allowed"}, 403), NotAllowed),
        (ok(products=[], next=["?page=2"]), Unreadable),
        (html(), Unreadable),
    ],
)
def test_an_answer_that_is_no_list_says_who_must_act(behaviour: Behaviour, error: type[ShopError]) -> None:
    with Hostile(behaviour) as shop, open_shop(shop) as connector, pytest.raises(ShopError) as caught:
        list(connector.products())
    assert type(caught.value) is error or (error is Rejected and isinstance(caught.value, Rejected))


@pytest.mark.parametrize(
    ("msg", "reason"),
    [
        ("order in wrong market", "order in wrong market"),
        ({"warehouse": "required", "order": "invalid value"}, "warehouse: required; order: invalid value"),
        (["one", "two"], "one; two"),
        (f"key {SECRET}\n is odd", "key ••• is odd"),
        ("", "no reason given"),
        (None, "no reason given"),
        ("x" * 5000, "x" * 300),
    ],
)
def test_the_shops_own_word_is_handed_on_in_one_line(msg: Any, reason: str) -> None:
    with Hostile(no(msg)) as shop, open_shop(shop) as connector, pytest.raises(Rejected) as caught:
        connector.capture(SHIPMENT)
    assert caught.value.reason == reason
    assert reason in str(caught.value)


@pytest.mark.parametrize("depth", [50, 400, 900])
@pytest.mark.parametrize("signs", [("[", "]"), ('{"a":', "}")])
def test_a_reason_nested_very_deeply_is_a_reason_all_the_same(depth: int, signs: tuple[str, str]) -> None:
    """Deep enough to end Python's stack, and not so deep that the decoder gives up first."""
    opens, closes = signs
    body = f'{{"status": "no", "msg": {opens * depth}1{closes * depth}}}'.encode()
    with Hostile(answer(body)) as shop, open_shop(shop) as connector, pytest.raises(Rejected) as caught:
        connector.capture(SHIPMENT)
    assert caught.value.reason.strip()


# --- stock ---------------------------------------------------------------------------------


def test_stock_goes_out_in_chunks_of_five_hundred() -> None:
    figures = [StockFigure(f"NL-{number}", number) for number in range(1201)]
    with Hostile(ok()) as shop, open_shop(shop) as connector:
        assert connector.push_stock(figures) == ()
    sent = [request.json()["products"] for request in shop.seen]
    assert [len(chunk) for chunk in sent] == [500, 500, 201]
    assert sent[2][-1] == {"product": "NL-1200", "quantity": 1200}


def test_nothing_to_push_is_no_call() -> None:
    with Hostile(ok()) as shop, open_shop(shop) as connector:
        assert connector.push_stock([]) == ()
    assert shop.seen == []


@pytest.mark.parametrize("named", [["NL-1"], {"3": "NL-1"}], ids=["list", "object with gaps"])
def test_refused_figures_come_back_in_words(named: Any) -> None:
    partly = no(
        "Some of the products were not updated", errors={"productsNotFound": named, "productsAreBundles": ["S"]}
    )
    with Hostile(partly) as shop, open_shop(shop) as connector:
        refused = connector.push_stock([StockFigure("NL-1", 1), StockFigure("NL-2", 1), StockFigure("S", 1)])
    assert {refusal.identifier for refusal in refused} == {"NL-1", "S"}
    assert all(refusal.reason.endswith(".") for refusal in refused)


@pytest.mark.parametrize("errors", [[], {}, None, "x", {"productsNotFound": []}])
def test_a_refusal_that_names_no_rows_is_a_refusal_of_all(errors: Any) -> None:
    with Hostile(no("warehouse is locked", errors=errors)) as shop, open_shop(shop) as connector:
        refused = connector.push_stock([StockFigure("NL-1", 1), StockFigure("NL-2", 1)])
    assert [refusal.identifier for refusal in refused] == ["NL-1", "NL-2"]
    assert "warehouse is locked" in refused[0].reason
    assert isinstance(refused[0], Refusal)


def test_few_items_are_looked_up_one_by_one_and_many_in_one_pass() -> None:
    with Hostile(ok(products=[row("stock", stockItemId=7)])) as shop, open_shop(shop) as connector:
        few = [level for page in connector.stock_of(["7", "8"]) for level in page.items]
        assert [query(shop, call)["stockItemId"] for call in range(2)] == ["7", "8"]
        many = [level for page in connector.stock_of([str(number) for number in range(60)]) for level in page.items]
    assert {level.external_id for level in few} == {"7"}
    assert [level.external_id for level in many] == ["7"]
    assert len(shop.seen) == 3


# --- one order -----------------------------------------------------------------------------


def test_one_order_is_read_with_its_shipments_in_all_three_statuses() -> None:
    def of(number: int, **changes: Any) -> dict[str, Any]:
        return row("shipment", shipmentId=f"81007-{number}", **changes)

    answers = (
        ok(orders=[row("order", orderId=999), row("order")]),
        ok(shipments=[of(2)]),
        ok(shipments=[]),
        ok(shipments=[of(1), of(9, orderId="999")]),
        ok(shipments=[]),
        ok(shipments=[of(3, paid=1)]),
        ok(shipments=[]),
    )
    with Hostile(*answers) as shop, open_shop(shop) as connector:
        order = connector.order("81007")
    assert order is not None
    assert {shipment.external_id: shipment.status for shipment in order.shipments} == {
        "81007-1": ShipmentStatus.GOOD_TO_GO,
        "81007-2": ShipmentStatus.IN_PROGRESS,
        "81007-3": ShipmentStatus.SENT,
    }
    assert [query(shop, call)["status"] for call in (1, 3, 5)] == ["inprogress", "goodtogo", "completed"]


@pytest.mark.parametrize("answer", [ok(orders=[]), ok(orders={}), no("order does not exist", order="5")])
def test_an_order_that_the_shop_does_not_show_is_nothing(answer: Behaviour) -> None:
    with Hostile(answer) as shop, open_shop(shop) as connector:
        assert connector.order("5") is None


def test_an_order_that_the_shop_will_not_show_for_another_reason_is_an_error() -> None:
    with Hostile(no("database is being moved")) as shop, open_shop(shop) as connector, pytest.raises(Rejected):
        connector.order("5")


def test_an_order_that_cannot_be_read_is_unreadable() -> None:
    with (
        Hostile(ok(orders=[row("order", products=7)])) as shop,
        open_shop(shop) as connector,
        pytest.raises(Unreadable, match="81007"),
    ):
        connector.order("81007")


def test_an_order_whose_shipment_cannot_be_read_is_unreadable() -> None:
    """Silence about a shipment could mean sending the goods twice."""
    with (
        Hostile(ok(orders=[row("order")]), ok(shipments=[row("shipment", products=7)])) as shop,
        open_shop(shop) as connector,
        pytest.raises(Unreadable, match="shipment"),
    ):
        connector.order("81007")


# --- writes --------------------------------------------------------------------------------


def test_a_shipment_is_made_with_capture_always_spelled_out() -> None:
    new = NewShipment("81007", (("40011", 2),), capture=False)
    with Hostile(ok(order=81007, shipment="81007-1")) as shop, open_shop(shop) as connector:
        made = connector.create_shipment(new)
    body = {"order": 81007, "products": {"40011": 2}, "gtg": True, "capture": False}
    assert (shop.seen[0].method, shop.seen[0].target, shop.seen[0].json()) == ("POST", "/api/order-api/shipments", body)
    assert (made.external_id, made.pieces, made.is_paid, made.needs_capture) == ("81007-1", new.pieces, False, True)


def test_costs_taken_before_are_left_out_where_asked() -> None:
    new = NewShipment("81007", (("40011", 2),), capture=True, deduct_previous_costs=True)
    with Hostile(ok(shipment={"shipmentId": "81007-2"})) as shop, open_shop(shop) as connector:
        made = connector.create_shipment(new)
    assert shop.seen[0].json()["deductPreviousCosts"] is True
    assert (made.external_id, made.is_paid) == ("81007-2", True)


@pytest.mark.parametrize("answer", [ok(order=81007), ok(shipment=""), ok(shipment={}), says({}), html(), reset()])
def test_a_shipment_without_an_id_in_the_answer_may_have_been_made(answer: Behaviour) -> None:
    with Hostile(answer) as shop, open_shop(shop) as connector, pytest.raises(Unavailable) as caught:
        connector.create_shipment(NewShipment("81007", (("40011", 2),), capture=True))
    assert caught.value.lost_answer
    assert len(shop.seen) == 1


def test_completing_says_good_to_go_shipped_and_capture_and_leaves_out_what_is_empty() -> None:
    with Hostile(ok()) as shop, open_shop(shop) as connector:
        connector.complete(SHIPMENT, PARCEL, capture=True)
        connector.complete(SHIPMENT, ParcelData(), capture=False, send_email=False)
    always = {"order": 81007, "shipment": "81007-1", "gtg": True, "shipped": True}
    assert shop.seen[0].json() == {
        **always,
        "capture": True,
        "packages": 2,
        "carrier": "Posti",
        "service": "Express",
        "tracking": "T1",
    }
    assert shop.seen[1].json() == {**always, "capture": False, "packages": 1, "sendEmail": False}
    assert {(request.method, request.target) for request in shop.seen} == {("PUT", "/api/order-api/shipment")}


def test_capture_and_withdrawal_name_the_shipment() -> None:
    with Hostile(ok()) as shop, open_shop(shop) as connector:
        connector.capture(SHIPMENT)
        connector.withdraw(SHIPMENT)
    assert shop.seen[0].json() == {"shipment": "81007-1"}
    assert (shop.seen[1].method, shop.seen[1].target) == ("DELETE", "/api/order-api/shipments/81007-1")


@pytest.mark.parametrize(("shipment", "target"), [("a/b?c#d", "a%2Fb%3Fc%23d"), ("../x", "..%2Fx")])
def test_an_odd_id_leads_to_no_other_path(shipment: str, target: str) -> None:
    with Hostile(ok()) as shop, open_shop(shop) as connector:
        connector.withdraw(ShipmentData(shipment, "1", ShipmentStatus.IN_PROGRESS))
    assert shop.seen[0].target == f"/api/order-api/shipments/{target}"


@pytest.mark.parametrize("shipment", ["", ".", ".."])
def test_an_id_that_is_a_step_in_a_path_is_refused(shipment: str) -> None:
    with Hostile(ok()) as shop, open_shop(shop) as connector, pytest.raises(Rejected):
        connector.withdraw(ShipmentData(shipment, "1", ShipmentStatus.IN_PROGRESS))
    assert shop.seen == []


@pytest.mark.parametrize("answer", [ok(shipment="81007-1"), ok(shipment=row("shipment", products=7)), ok()])
def test_a_short_pick_names_every_line_and_copes_with_a_curt_answer(answer: Behaviour) -> None:
    with Hostile(answer) as shop, open_shop(shop) as connector:
        changed = connector.change_shipment(SHIPMENT, [("40011", 1)])
    assert shop.seen[0].json() == {"products": {"40011": 1, "40012": 1}}
    assert changed.pieces == (("40011", 1), ("40012", 1))


def test_what_the_shop_shows_after_a_short_pick_counts() -> None:
    with Hostile(ok(shipment=row("shipment"))) as shop, open_shop(shop) as connector:
        assert connector.change_shipment(SHIPMENT, [("40011", 1)]).pieces == (("40011", 1),)


# --- rights --------------------------------------------------------------------------------

LISTS = says({"status": "ok", "products": [], "orders": []})
FORBIDDEN = says({"status": "Not Allowed"}, 403)


def rights(*behaviours: Behaviour) -> dict[Right, Allowed]:
    """Products, orders, stock, shipments: asked in this order, a read up to three times."""
    with Hostile(*behaviours) as shop, open_shop(shop) as connector:
        found = connector.check()
    assert all(right.detail.endswith(".") for right in found)
    return {right.right: right.allowed for right in found}


def test_the_test_changes_nothing_and_reads_refusals_as_leave_to_write() -> None:
    with Hostile(LISTS, LISTS, ok(), no("order does not exist")) as shop, open_shop(shop) as connector:
        found = connector.check()
    assert [right.allowed for right in found] == [Allowed.YES] * 4
    assert "Cancelled" in found[1].detail
    assert [(request.method, request.target.partition("?")[0]) for request in shop.seen] == [
        ("GET", "/api/order-api/products"),
        ("GET", "/api/order-api/orders"),
        ("POST", "/api/order-api/stock"),
        ("PUT", "/api/order-api/shipment"),
    ]
    assert shop.seen[2].json() == {"products": []}
    assert shop.seen[3].json() == {"order": 0, "shipment": "0-0", "shipped": False, "capture": False}


def test_a_right_that_is_missing_names_its_endpoint() -> None:
    with Hostile(LISTS, LISTS, ok(), FORBIDDEN) as shop, open_shop(shop) as connector:
        found = connector.check()
    assert found[3].allowed is Allowed.NO
    assert "PUT /shipment" in found[3].detail


def test_each_right_stands_for_itself() -> None:
    assert rights(FORBIDDEN, LISTS, no("empty"), html()) == {
        Right.PRODUCTS: Allowed.NO,
        Right.ORDERS: Allowed.YES,
        Right.STOCK: Allowed.YES,
        Right.SHIPMENTS: Allowed.UNKNOWN,
    }
    assert rights(LISTS, html(), FORBIDDEN, ok()) == {
        Right.PRODUCTS: Allowed.YES,
        Right.ORDERS: Allowed.UNKNOWN,
        Right.STOCK: Allowed.NO,
        Right.SHIPMENTS: Allowed.UNKNOWN,
    }


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (says({"status": "no", "msg": "unauthorized"}, 401), BadCredentials),
        (says({"status": "no", "msg": "unauthorized"}, 403), BadCredentials),
        (no("unauthorized"), BadCredentials),
        (FORBIDDEN, BadCredentials),
        (html(404), WrongAddress),
        (html(), WrongAddress),
        (html(503), Unavailable),
    ],
)
def test_a_test_that_finds_no_shop_at_all_raises(behaviour: Behaviour, error: type[ShopError]) -> None:
    with Hostile(behaviour) as shop, open_shop(shop) as connector, pytest.raises(ShopError) as caught:
        connector.check()
    assert type(caught.value) is error


# --- the caller's deadline -----------------------------------------------------------------


def test_the_deadline_reaches_every_page() -> None:
    class Over(Exception):
        pass

    calls = []

    def count() -> None:
        calls.append(1)
        if len(calls) > 2:
            raise Over

    pages = [ok(orders=[row("order", orderId=number)]) for number in range(9)]
    with (
        Hostile(*pages) as shop,
        connect(Credentials(shop.url, SECRET), before_call=count) as connector,
        pytest.raises(Over),
    ):
        list(connector.orders(SINCE))
    assert len(shop.seen) == 2
