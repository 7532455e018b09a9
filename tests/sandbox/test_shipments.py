"""Shipments and returns, against sections 5, 7 and 16 of the document."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sandbox.models import Order, PluginMethod, Return, Shipment, Shop, Size, Status, Wanted
from sandbox.refused import Refused
from tests.sandbox.conftest import Api, add

EXTERNAL = "Action not supported by external payment plugin. Please do that action in your payment provider."


@pytest.fixture
def order(shop: Shop, sweater: Size) -> Order:
    """Three pieces, confirmed."""
    order = shop.place_order({sweater: 3})
    order.confirm()
    return order


def line_of(order: Order) -> str:
    return str(order.lines.get().pk)


def create(api: Api, order: Order, pieces: Any = 3, **fields: Any) -> Any:
    return api("POST", "shipments", {"order": order.number, "products": {line_of(order): pieces}, **fields})


def complete(api: Api, order: Order, n: int = 1, **fields: Any) -> Any:
    return api("PUT", "shipment", {"order": order.number, "shipment": f"{order.number}-{n}", **fields})


def ids(answer: dict[str, Any]) -> list[str]:
    return [row["shipmentId"] for row in answer["shipments"]]


def figures(size: Size) -> tuple[int, int]:
    size.refresh_from_db()
    return size.physical, size.allocated


# --- the happy path ----------------------------------------------------------------------------
def test_good_to_go_captured_and_completed_empties_the_shelf_and_closes_the_order(
    api: Api, order: Order, sweater: Size
) -> None:
    made = create(api, order, gtg=True, capture=False)
    shown = f"{order.number}-1"
    assert (made["status"], made["order"], made["shipment"]) == ("ok", order.number, shown)
    assert {"deliveryNote", "proforma"} <= made.keys()
    assert "invoice" not in made
    [row] = api("GET", "shipments")["shipments"]
    assert (row["gtg"], row["paid"], row["shouldCapture"], row["shipmentId"]) == (1, 0, 1, shown)
    assert api("PUT", "capture", {"shipment": shown}) == {"status": "ok", "order": order.number, "shipment": shown}
    assert figures(sweater) == (10, 3)
    answer = complete(api, order, gtg=1, shipped=1, capture=1, carrier="PostNord", tracking="T-1", packages="2")
    assert answer == {"status": "ok", "order": order.number, "shipment": shown}
    assert figures(sweater) == (7, 0)
    order.refresh_from_db()
    shipment = order.shipments.get()
    assert (order.status, shipment.captures, shipment.packages) == (Status.COMPLETED, 1, 2)
    assert ids(api("GET", "shipments")) == []
    [row] = api("GET", "shipments?status=completed")["shipments"]
    assert (row["trackingNumber"], row["paid"], row["shouldCapture"]) == ("T-1", 1, 0)
    [sent] = api("GET", "orders")["orders"][0]["shipments"]
    assert (sent["shipmentId"], sent["trackingId"], sent["carrier"]) == (shown, "T-1", "PostNord")


def test_a_shipment_row_differs_from_an_order_row_as_documented(api: Api, order: Order) -> None:
    create(api, order, 2, gtg=1, capture=0)
    [row] = api("GET", "shipments")["shipments"]
    assert not {"orderStatus", "marketId", "pricelistId", "paymentMethod", "discounts"} & row.keys()
    assert (row["accountId"], row["shipmentDate"], row["invoices"]) == ("0", "0000-00-00 00:00:00", [])
    [line] = row["products"]
    assert (line["qty"], line["lineId"], line["warehouses"]) == (2, line_of(order), [{"name": "Main", "itemQty": "2"}])
    assert not {"brand", "taxPercent"} & line.keys()
    [order_line] = api("GET", "orders")["orders"][0]["products"]
    assert order_line["warehouses"] == [{"name": "Main", "itemQty": 3}]


def test_a_shipment_comes_again_until_it_is_sent(api: Api, order: Order) -> None:
    create(api, order, gtg=1)
    assert ids(api("GET", "shipments")) == ids(api("GET", "shipments")) == [f"{order.number}-1"]


# --- lists -------------------------------------------------------------------------------------
def test_lists_go_by_state_order_limit_and_offset_oldest_first(api: Api, shop: Shop, sweater: Size) -> None:
    sweater.set_stock(50)
    shown = []
    for _turn in range(3):
        order = shop.place_order({sweater: 1})
        order.confirm()
        shown.append(order.create_shipment(good_to_go=True).display_id)
    order = shop.place_order({sweater: 1})
    order.confirm()
    waiting = order.create_shipment(capture=False).display_id
    assert ids(api("GET", "shipments")) == shown
    assert ids(api("GET", "shipments?limit=1&offset=1")) == shown[1:2]
    assert ids(api("GET", "shipments?offset=3")) == []
    assert ids(api("GET", f"shipments?order={shown[0].split('-')[0]}")) == shown[:1]
    assert ids(api("GET", "shipments?status=inprogress")) == [waiting]
    assert ids(api("GET", "shipments?newer_than=2000-01-01&older_than=2000-01-02")) == []


def test_sent_and_started_shipments_come_a_hundred_at_most(api: Api, shop: Shop, sweater: Size) -> None:
    order = shop.place_order({sweater: 1})
    Shipment.objects.bulk_create(Shipment(order=order, n=n) for n in range(1, 103))
    assert len(ids(api("GET", "shipments?status=inprogress&limit=5000"))) == 100
    assert len(ids(api("GET", "shipments?status=inprogress"))) == 102
    shop.set_switch("shipments_default", 20)
    assert len(ids(api("GET", "shipments?status=inprogress"))) == 20


def test_held_orders_hide_their_shipments(api: Api, order: Order) -> None:
    create(api, order, gtg=1)
    order.hold()
    assert ids(api("GET", "shipments")) == []


def test_one_shipment_is_read_by_either_id_within_its_state(api: Api, shop: Shop, order: Order) -> None:
    create(api, order, gtg=1)
    key = order.shipments.get().pk
    assert ids(api("GET", f"shipments/{order.number}-1")) == [f"{order.number}-1"]
    assert ids(api("GET", f"shipments/{key}")) == [f"{order.number}-1"]
    assert ids(api("GET", f"shipments/{key}?status=completed")) == []
    shop.set_switch("numeric_shipment_ids", False)
    assert ids(api("GET", f"shipments/{key}")) == []
    shop.set_switch("single_shipment", False)
    assert api.send("GET", f"shipments/{order.number}-1").status_code == 404


def test_a_page_costs_the_same_queries_however_long(
    api: Api, shop: Shop, sweater: Size, django_assert_max_num_queries: Any
) -> None:
    sweater.set_stock(50)
    for _turn in range(8):
        order = shop.place_order({sweater: 1})
        order.confirm()
        order.create_shipment(good_to_go=True)
    for limit in (1, 8):
        with django_assert_max_num_queries(8):
            api("GET", f"shipments?limit={limit}")


# --- creating ----------------------------------------------------------------------------------
def test_creating_captures_by_default_and_a_failed_capture_makes_nothing(api: Api, order: Order) -> None:
    Order.objects.update(capture_fails=True)
    assert create(api, order) == {"status": "no", "msg": "can not capture order", "order": str(order.number)}
    assert Shipment.objects.count() == 0
    assert Order.objects.get().status == Status.CONFIRMED
    Order.objects.update(capture_fails=False)
    create(api, order)
    shipment = Shipment.objects.get()
    assert (shipment.is_paid, shipment.captures, shipment.amount) == (True, 1, Decimal(2449))
    assert Order.objects.get().status == Status.PROCESSING


def test_what_is_not_to_be_sent_gets_no_shipment(api: Api, shop: Shop, sweater: Size, order: Order) -> None:
    pending = shop.place_order({sweater: 1})
    assert create(api, pending, 1)["status"] == "no"
    order.hold()
    assert create(api, order)["status"] == "no"
    order.resume()
    assert create(api, order, 4)["status"] == "no"
    assert create(api, order, 0)["status"] == "no"
    answer = api("POST", "shipments", {"order": order.number, "products": {"999999": 1}})
    assert answer["status"] == "no"
    answer = api("POST", "shipments", {"order": 999, "products": {}})
    assert answer == {"status": "no", "msg": "order does not exist", "order": 999}
    assert Shipment.objects.count() == 0


def test_an_open_shipment_with_the_same_lines_is_returned_instead_of_a_new_one(
    api: Api, shop: Shop, order: Order
) -> None:
    first = create(api, order, 1, capture=0)["shipment"]
    assert create(api, order, 1, capture=0)["shipment"] == first
    assert create(api, order, 1, capture=0, createAlways=1)["shipment"] == f"{order.number}-2"
    shop.set_switch("identical_shipment", False)
    assert create(api, order, 1, capture=0)["shipment"] == f"{order.number}-3"
    assert create(api, order, 1, capture=0)["status"] == "no"  # nothing is left to ship


def test_a_second_capture_must_leave_out_what_the_first_one_took(api: Api, order: Order) -> None:
    assert create(api, order, 1)["status"] == "ok"
    assert create(api, order, 2)["msg"] == "can not capture order"
    assert create(api, order, 2, deductPreviousCosts=True)["status"] == "ok"
    order.refresh_from_db()
    assert order.captured == order.grand_total == Decimal(2449)
    complete(api, order, 1, gtg=1)
    assert Order.objects.get().status == Status.PROCESSING
    complete(api, order, 2, gtg=1)
    assert Order.objects.get().status == Status.COMPLETED


def test_shipped_at_once(api: Api, order: Order, sweater: Size) -> None:
    create(api, order, gtg=True, shipped=True, carrier="PostNord", tracking="T-1")
    assert Order.objects.get().status == Status.COMPLETED
    assert figures(sweater) == (7, 0)


def test_pieces_that_are_owed_are_shipped_only_once_they_are_there(api: Api, shop: Shop, sweater: Size) -> None:
    order = shop.place_order({sweater: 12}, forces=True)
    order.confirm()
    assert create(api, order, 12)["msg"] == "stock missing"
    sweater.set_stock(12)
    assert create(api, order, 12, gtg=1)["status"] == "ok"
    complete(api, order)
    assert figures(sweater) == (0, 0)


def test_pieces_of_another_warehouse_do_not_touch_this_shelf(api: Api, shop: Shop, sweater: Size) -> None:
    order = shop.place_order([Wanted(sweater, 3, warehouses={"Main": 1, "Store Oslo": 2})])
    order.confirm()
    order.create_shipment(good_to_go=True).complete()
    assert figures(sweater) == (9, 0)


# --- changing ----------------------------------------------------------------------------------
def test_a_short_pick_lowers_an_unpaid_shipment_and_the_rest_gets_its_own(api: Api, order: Order) -> None:
    create(api, order, gtg=1, capture=0)
    answer = api("PUT", f"shipments/{order.number}-1", {"products": {line_of(order): {"qty": 2}}})
    assert (answer["status"], answer["shipment"]["shipmentId"]) == ("ok", f"{order.number}-1")
    assert answer["shipment"]["products"][0]["qty"] == 2
    assert create(api, order, 1, capture=0)["shipment"] == f"{order.number}-2"


def test_a_paid_or_sent_shipment_keeps_its_quantities_but_not_its_flag(api: Api, order: Order) -> None:
    create(api, order)
    path = f"shipments/{order.number}-1"
    lower = {"products": {line_of(order): 1}}
    assert api("PUT", path, lower) == {
        "status": "no",
        "msg": "shipment is paid and can not be updated",
        "shipment": f"{order.number}-1",
    }
    assert api("PUT", path, {"gtg": True})["shipment"]["gtg"] == 1
    serial = {"products": {line_of(order): {"qty": 3, "serialNumber": "S-1"}}}
    assert api("PUT", path, serial)["status"] == "ok"
    assert Shipment.objects.get().lines.get().serial_number == "S-1"
    complete(api, order)
    assert api("PUT", path, lower)["msg"] == "shipment is sent and can not be updated"


def test_lines_left_out_are_kept_unless_switched(api: Api, shop: Shop, sweater: Size) -> None:
    other = add(shop, "FG2", stock=5)
    order = shop.place_order({sweater: 2, other: 2})
    order.confirm()
    shipment = order.create_shipment(capture=False)
    first, second = order.lines.order_by("pk")
    path = f"shipments/{shipment.display_id}"
    api("PUT", path, {"products": {str(first.pk): 1}})
    assert dict(shipment.lines.values_list("line", "qty")) == {first.pk: 1, second.pk: 2}
    shop.set_switch("lines_not_sent", "removed")
    api("PUT", path, {"products": {str(first.pk): 2}})
    assert dict(shipment.lines.values_list("line", "qty")) == {first.pk: 2}


def test_more_than_is_left_is_refused_and_nothing_is_lost(api: Api, order: Order) -> None:
    create(api, order, 2, capture=0)
    assert api("PUT", f"shipments/{order.number}-1", {"products": {line_of(order): 4}})["status"] == "no"
    assert Shipment.objects.get().lines.get().qty == 2


# --- completing --------------------------------------------------------------------------------
def test_a_failed_capture_sends_nothing(api: Api, order: Order, sweater: Size) -> None:
    create(api, order, gtg=1, capture=0)
    Order.objects.update(capture_fails=True)
    refused = {"status": "no", "msg": "capture failed", "order": order.number, "shipment": f"{order.number}-1"}
    assert complete(api, order) == refused
    assert api("PUT", "capture", {"shipment": f"{order.number}-1"}) == refused
    assert (Shipment.objects.get().shipped_at, figures(sweater)) == (None, (10, 3))


def test_sent_but_unpaid_is_completed_once_it_is_paid(api: Api, order: Order, sweater: Size) -> None:
    create(api, order, gtg=1, capture=0)
    complete(api, order, capture=False)
    assert ids(api("GET", "shipments?status=completed")) == [f"{order.number}-1"]
    assert (figures(sweater), Order.objects.get().status) == ((10, 3), Status.PROCESSING)
    Shipment.objects.get().mark_paid()
    assert (figures(sweater), Order.objects.get().status) == ((7, 0), Status.COMPLETED)


def test_payments_taken_elsewhere_cannot_be_taken_or_given_back_here(api: Api, order: Order) -> None:
    Order.objects.update(is_paid_externally=True)
    assert create(api, order) == {"status": "no", "msg": EXTERNAL, "order": str(order.number)}
    create(api, order, gtg=1, capture=0)
    assert complete(api, order)["msg"] == EXTERNAL
    assert complete(api, order, capture=0)["status"] == "ok"
    answer = api("POST", "return", {"shipment": f"{order.number}-1", "refund": {"refundPayment": True}})
    assert (answer["refund"], answer["returnCompleted"]) == ({"status": "no", "msg": EXTERNAL}, False)


def test_shipped_may_be_left_out_or_denied(api: Api, shop: Shop, order: Order) -> None:
    create(api, order, gtg=1)
    complete(api, order, shipped=False, tracking="T-0")
    assert Shipment.objects.get().shipped_at is None
    shop.set_switch("missing_shipped", False)
    complete(api, order)
    assert Shipment.objects.get().shipped_at is None
    shop.set_switch("missing_shipped", True)
    complete(api, order)
    assert Shipment.objects.get().completed_at is not None
    assert Shipment.objects.get().tracking == "T-0"


def test_completing_twice_takes_stock_and_money_once(api: Api, shop: Shop, order: Order, sweater: Size) -> None:
    create(api, order, gtg=1, capture=0)
    complete(api, order)
    assert complete(api, order)["msg"] == "shipment is already sent"
    shop.set_switch("complete_again", "ok")
    assert complete(api, order, tracking="T-2")["status"] == "ok"
    shipment = Shipment.objects.get()
    assert (shipment.captures, shipment.tracking, figures(sweater)) == (1, "T-2", (7, 0))


@pytest.mark.parametrize(
    ("body", "echo"),
    [
        ({"order": 0, "shipment": "0-0", "shipped": False, "capture": False}, {"order": 0, "shipment": "0-0"}),
        ({"shipment": "1-1"}, {"shipment": "1-1"}),
    ],
)
def test_an_unknown_shipment_is_refused_with_the_ids_as_they_came(api: Api, body: Any, echo: dict[str, Any]) -> None:
    assert api("PUT", "shipment", body) == {"status": "no", "msg": "order does not exist", **echo}


@pytest.mark.parametrize(("given", "sent"), [(None, True), (0, False), (1, True)])
def test_the_confirmation_goes_out_as_asked_else_as_the_store_says(
    api: Api, order: Order, given: int | None, sent: bool
) -> None:
    create(api, order, gtg=1)
    complete(api, order, **({} if given is None else {"sendEmail": given}))
    assert Shipment.objects.get().email_sent is sent


# --- deleting ----------------------------------------------------------------------------------
def test_a_deleted_shipment_gives_the_order_back(api: Api, order: Order, sweater: Size) -> None:
    create(api, order, capture=0)
    assert api("DELETE", f"shipments/{order.number}-1") == {
        "status": "ok",
        "msg": "shipment removed",
        "order": order.number,
        "shipment": f"{order.number}-1",
    }
    assert Order.objects.get().status == Status.CONFIRMED
    assert figures(sweater) == (10, 3)


def test_an_invoiced_or_sent_shipment_stays(api: Api, shop: Shop, order: Order) -> None:
    create(api, order, gtg=1)
    assert api("DELETE", f"shipments/{order.number}-1") == {
        "status": "no",
        "msg": "shipment has invoices or creditnotes and could not be deleted.",
        "shipment": f"{order.number}-1",
    }
    Shipment.objects.update(has_invoice=False)
    complete(api, order)
    assert api("DELETE", f"shipments/{order.number}-1")["status"] == "no"
    assert Shipment.objects.count() == 1


def test_papers_are_served_at_the_addresses_that_were_given(api: Api, order: Order) -> None:
    from django.test import Client

    made = create(api, order)
    for name in ("deliveryNote", "proforma", "invoice"):
        response = Client().get(made[name])
        assert response.status_code == 200
        assert str(order.number) in response.content.decode()
    assert Client().get(made["invoice"][:-3] + "0-9").status_code == 404


# --- returns -----------------------------------------------------------------------------------
@pytest.fixture
def sent(api: Api, order: Order) -> Shipment:
    create(api, order, gtg=1)
    complete(api, order)
    return Shipment.objects.get()


def send_back(api: Api, sent: Shipment, pieces: Any, **fields: Any) -> Any:
    products = {line_of(sent.order): pieces}
    return api("POST", "return", {"shipment": sent.display_id, "products": products, **fields})


def test_a_return_puts_pieces_back_and_is_pending_until_refunded(api: Api, sent: Shipment, sweater: Size) -> None:
    answer = send_back(api, sent, "1", returnStock=1, comment="too small")
    made = Return.objects.get()
    assert (answer["status"], answer["return"], answer["returnCompleted"]) == ("ok", made.pk, False)
    assert answer["returnedItems"] == [line_of(sent.order)]
    assert "refund" not in answer
    assert figures(sweater) == (8, 0)
    [row] = api("GET", "returns")["returns"]
    assert (row["returnId"], row["completed"], row["shipment"]) == (made.pk, False, sent.display_id)
    assert (row["shipmentId"], row["orderId"], row["returnToStock"]) == (sent.pk, sent.order.number, True)
    [line] = row["products"]
    assert (line["orderLineId"], line["quantity"], line["price"]) == (int(line_of(sent.order)), 1, 800)
    done = api("PUT", f"returns/{made.pk}", {"refundPayment": 1})
    assert (done["returnCompleted"], done["return"]["completed"]) == (True, True)


def test_a_refund_in_the_same_call_may_fail_and_the_return_stays(api: Api, sent: Shipment) -> None:
    Order.objects.update(refund_fails=True)
    answer = send_back(api, sent, 1, refund={"refundPayment": True})
    assert (answer["status"], answer["returnCompleted"], answer["refund"]["status"]) == ("ok", False, "no")
    Order.objects.update(refund_fails=False)
    answer = send_back(api, sent, 1, refund={"refundPayment": True})
    assert (answer["returnCompleted"], answer["refund"]) == (True, {"status": "ok"})


def test_more_than_was_sent_does_not_come_back(api: Api, shop: Shop, sent: Shipment, sweater: Size) -> None:
    send_back(api, sent, 2, returnStock=False)
    assert send_back(api, sent, 2) == {"status": "no", "msg": "return could not be created."}
    assert send_back(api, sent, 1, returnStock=False)["status"] == "ok"
    assert figures(sweater) == (7, 0)


def test_lines_that_cannot_come_back_are_left_out(api: Api, shop: Shop, sweater: Size) -> None:
    other = add(shop, "FG2", stock=5)
    order = shop.place_order({sweater: 1, other: 1})
    order.confirm()
    shipment = order.create_shipment(good_to_go=True)
    shipment.complete()
    first, second = order.lines.order_by("pk")
    products = {str(first.pk): 5, str(second.pk): 1}
    answer = api("POST", "return", {"shipment": shipment.display_id, "products": products})
    assert answer["returnedItems"] == [str(second.pk)]


def test_returns_are_listed_newest_first_by_page_offset_and_filter(api: Api, sent: Shipment) -> None:
    made = [send_back(api, sent, 1)["return"] for _turn in range(3)]

    def found(query: str) -> list[int]:
        return [row["returnId"] for row in api("GET", f"returns?{query}")["returns"]]

    assert found("") == made[::-1]
    assert found("limit=1&page=2") == found("limit=1&offset=1") == made[1:2]
    assert found("limit=1&page=4") == []
    assert found(f"return={made[0]}") == made[:1]
    assert found(f"shipment={sent.display_id}&order={sent.order.number}") == made[::-1]
    assert found("order=1") == found("older_than=2000-01-01") == []


def test_an_unknown_return_or_shipment_is_told(api: Api, order: Order) -> None:
    assert api("PUT", "returns/999", {}) == {"status": "no", "msg": "Return with id=999 does not exist"}
    assert api("POST", "return", {"shipment": "1-1"}) == {"status": "no", "msg": "return could not be created."}


def test_a_returned_shipment_cannot_be_changed_or_deleted(api: Api, shop: Shop, sent: Shipment) -> None:
    send_back(api, sent, 1)
    Shipment.objects.update(has_invoice=False, shipped_at=None, is_paid=False, captures=0)
    answer = api("PUT", f"shipments/{sent.display_id}", {"products": {line_of(sent.order): 1}})
    assert answer["msg"] == "shipment has refunds and can not be updated"
    with pytest.raises(Refused, match="creditnotes"):
        Shipment.objects.get().remove()


def test_shipments_of_another_shop_are_unknown(api: Api, order: Order, plugin: PluginMethod) -> None:
    there = Api(Shop.open("fjord").add_plugin(secret=api.secret))
    create(api, order, gtg=1)
    assert there("PUT", "capture", {"shipment": f"{order.number}-1"})["msg"] == "shipment does not exist"
    assert there("DELETE", f"shipments/{order.shipments.get().pk}")["msg"] == "shipment does not exist"
    assert Shipment.objects.count() == 1
