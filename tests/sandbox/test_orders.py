"""Orders, against sections 3, 4 and 16 of the document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from sandbox.models import Order, PluginMethod, Shop, Size, Status, Variant, Wanted
from sandbox.refused import Refused
from tests.sandbox.conftest import Api, add

NOON = datetime(2026, 3, 14, 11, 0, tzinfo=UTC)  # noon in Stockholm


def numbers(answer: dict[str, Any]) -> list[int]:
    return [int(row["orderId"]) for row in answer["orders"]]


@pytest.fixture
def order(shop: Shop, sweater: Size) -> Order:
    return shop.place_order({sweater: 2})


def test_an_order_row_has_the_documented_keys_and_types(api: Api, order: Order, sweater: Size) -> None:
    order.attributes = {"shipwallet_method": "parcel-shop", "shipwallet_pickup": "23871", "shipwallet_doorcode": ""}
    order.save()
    [row] = api("GET", "orders")["orders"]
    assert row["orderId"] == str(order.number)
    assert row["orderStatus"] == "1"
    assert row["cancelDate"] == "0000-00-00 00:00:00"
    assert (row["hold"], row["suspect"], row["waitingForPayment"], row["internalOrder"]) == (0, 0, 0, 0)
    assert (row["shippingValue"], row["grandTotalValue"], row["grandTotalTaxValue"]) == (49, 1649, 329.8)
    assert (row["totalItemsPrice"], row["totalItemsPriceTax"], row["totalItemsWithoutTax"]) == (1600, -320, 1280)
    assert (row["orderStore"], row["orderCurrency"], row["shippingList"]) == ("retail", "SEK", "standard")
    assert (row["deliveryName"], row["deliveryCountry"], row["deliveryCell"]) == ("Kim Berg", "SE", "+46700000001")
    assert "billingCell" not in row
    assert (row["accountId"], row["shipments"]) == ("", [])
    assert (row["shipwallet_method"], row["shipwallet_pickup"]) == ("parcel-shop", "23871")
    assert "shipwallet_doorcode" not in row  # attributes without a value are left out
    [line] = row["products"]
    assert line["lineId"] == str(order.lines.get().pk)
    assert (line["sku"], line["variantSku"], line["sizeSku"], line["ean"]) == ("FG1042", "-NVY", "-M", "7300000010428")
    assert (line["qty"], line["price"], line["taxPercent"], line["taxValue"]) == (2, 800, 25, 160)
    assert (line["totalPriceWithTax"], line["totalPriceWithoutTax"]) == (1600, 1280)
    assert line["warehouses"] == [{"name": "Main", "itemQty": 2}]
    assert line["isBundle"] is False
    assert {"discounts", "taxBreakdown", "paymentMethod", "marketId", "selectionId"} <= row.keys()


@pytest.mark.parametrize(("form", "value"), [("numeric string", "1"), ("number", 1), ("name", "Pending")])
def test_the_status_is_written_as_the_switch_says(api: Api, shop: Shop, order: Order, form: str, value: Any) -> None:
    shop.set_switch("order_status", form)
    assert api("GET", "orders")["orders"][0]["orderStatus"] == value


def test_numbers_are_unique_across_all_shops(shop: Shop, order: Order) -> None:
    other = Shop.open("fjord")
    assert other.place_order({add(other, "A", stock=1): 1}).number == order.number + 1


def test_orders_are_shown_with_the_ticked_statuses_only(api: Api, plugin: PluginMethod, order: Order) -> None:
    order.confirm()
    assert numbers(api("GET", "orders")) == [order.number]
    order.cancel()
    assert numbers(api("GET", "orders")) == []
    plugin.order_statuses = [1, 6]
    plugin.save()
    assert numbers(api("GET", "orders")) == [order.number]


def test_held_and_waiting_orders_are_shown_only_where_so_set(api: Api, plugin: PluginMethod, order: Order) -> None:
    order.hold()
    assert numbers(api("GET", f"orders?order={order.number}")) == []
    plugin.shows_held = True
    plugin.save()
    assert api("GET", "orders")["orders"][0]["hold"] == 1
    order.resume()
    Order.objects.update(waits_for_payment=True)
    assert numbers(api("GET", "orders")) == []
    plugin.shows_waiting = True
    plugin.save()
    assert api("GET", "orders")["orders"][0]["waitingForPayment"] == 1


def test_orders_of_other_stores_and_markets_are_invisible(
    api: Api, shop: Shop, plugin: PluginMethod, sweater: Size
) -> None:
    wholesale = shop.stores.get(kind="wholesale")
    company = shop.place_order({sweater: 1}, store=wholesale)
    world = shop.place_order({sweater: 1}, country="JP")
    assert numbers(api("GET", "orders")) == [world.number]
    plugin.additional_stores.add(wholesale)
    assert set(numbers(api("GET", "orders"))) == {company.number, world.number}
    plugin.markets.set([shop.markets.get(name="Nordic"), company.market])
    assert numbers(api("GET", "orders")) == [company.number]
    assert api("PUT", "orders", {"order": world.number, "comment": "x"}) == {
        "status": "no",
        "msg": "order in wrong market",
        "order": world.number,
    }


def test_an_unknown_order_is_an_empty_list_or_status_no(api: Api, shop: Shop) -> None:
    assert api("GET", "orders?order=999") == {"status": "ok", "orders": []}
    shop.set_switch("unknown_order", "no")
    assert api("GET", "orders?order=999") == {"status": "no", "msg": "order does not exist", "order": "999"}


def place_many(shop: Shop, size: Size, count: int) -> list[int]:
    size.set_stock(1000)
    with time_machine.travel(NOON, tick=False) as clock:
        placed = []
        for _turn in range(count):
            placed.append(shop.place_order({size: 1}).number)
            clock.shift(timedelta(minutes=1))
    return placed


def test_pages_by_limit_and_offset_end_with_an_empty_one(api: Api, shop: Shop, sweater: Size) -> None:
    placed = place_many(shop, sweater, 25)
    shop.set_switch("order_direction", "oldest")
    assert numbers(api("GET", "orders")) == placed[:20]
    assert numbers(api("GET", "orders?limit=10&offset=20")) == placed[20:]
    assert numbers(api("GET", "orders?offset=25")) == []


def test_the_plugin_says_where_the_list_begins(api: Api, shop: Shop, plugin: PluginMethod, sweater: Size) -> None:
    placed = place_many(shop, sweater, 3)
    assert numbers(api("GET", "orders")) == placed[::-1]
    plugin.direction = "oldest"
    plugin.save()
    assert numbers(api("GET", "orders")) == placed
    shop.set_switch("order_direction", "newest")
    assert numbers(api("GET", "orders")) == placed[::-1]


def test_a_hidden_cap_shortens_pages(api: Api, shop: Shop, sweater: Size) -> None:
    place_many(shop, sweater, 102)
    assert len(api("GET", "orders?limit=5000")["orders"]) == 102
    shop.set_switch("orders_cap", 100)
    assert len(api("GET", "orders?limit=5000")["orders"]) == 100


def test_newer_than_includes_and_older_than_excludes_in_shop_time(api: Api, shop: Shop, sweater: Size) -> None:
    first, second, _third = place_many(shop, sweater, 3)
    assert numbers(api("GET", "orders?newer_than=2026-03-14+12:01:00&older_than=2026-03-14+12:02:00")) == [second]
    assert numbers(api("GET", "orders?older_than=2026-03-14+12:01:00")) == [first]
    assert numbers(api("GET", "orders?newer_than=2026-03-15")) == []


@time_machine.travel(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), tick=False)
def test_both_sides_of_a_clock_change_are_written_alike(api: Api, shop: Shop, sweater: Size) -> None:
    with time_machine.travel(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), tick=False) as clock:
        early = shop.place_order({sweater: 1})
        clock.shift(timedelta(hours=1))
        late = shop.place_order({sweater: 1})
    shown = {row["orderId"]: row["orderDate"] for row in api("GET", "orders")["orders"]}
    assert shown == {str(early.number): "2026-10-25 02:30:00", str(late.number): "2026-10-25 02:30:00"}
    assert len(numbers(api("GET", "orders?newer_than=2026-10-25+02:30:00"))) == 2


def test_a_page_costs_the_same_queries_however_long(
    api: Api, shop: Shop, sweater: Size, bundle: Size, django_assert_max_num_queries: Any
) -> None:
    sweater.set_stock(100)
    for _turn in range(12):
        order = shop.place_order({sweater: 2})
        order.confirm()
        order.create_shipment()
    for limit in (1, 12):
        with django_assert_max_num_queries(9):
            api("GET", f"orders?limit={limit}")


# --- placing -----------------------------------------------------------------------------------
def test_placing_allocates_and_leaves_physical_alone(shop: Shop, sweater: Size, order: Order) -> None:
    sweater.refresh_from_db()
    assert (sweater.physical, sweater.allocated, sweater.available) == (10, 2, 8)


def test_what_is_not_there_can_only_be_bought_by_force(shop: Shop, sweater: Size) -> None:
    with pytest.raises(Refused, match="stock missing"):
        shop.place_order({sweater: 11})
    assert Order.objects.count() == 0
    order = shop.place_order({sweater: 11}, forces=True)
    assert order.lines.get().missing == 1
    sweater.refresh_from_db()
    assert sweater.available == 0


def test_pieces_may_be_allocated_in_another_warehouse(api: Api, shop: Shop, sweater: Size) -> None:
    shop.place_order([Wanted(sweater, 3, warehouses={"Main": 1, "Store Oslo": 2})])
    [row] = api("GET", "orders")["orders"]
    assert row["products"][0]["warehouses"] == [{"name": "Main", "itemQty": 1}, {"name": "Store Oslo", "itemQty": 2}]
    sweater.refresh_from_db()
    assert sweater.allocated == 1


def test_the_store_may_confirm_ship_and_capture_by_itself(shop: Shop, sweater: Size) -> None:
    shop.stores.filter(kind="retail").update(ships_directly=True, captures_directly=True)
    order = shop.place_order({sweater: 1})
    shipment = order.shipments.get()
    assert (order.status, shipment.is_good_to_go, shipment.is_paid) == (Status.PROCESSING, True, True)


# --- moving ------------------------------------------------------------------------------------
def test_an_order_is_confirmed_held_resumed_cancelled_and_restored(shop: Shop, sweater: Size, order: Order) -> None:
    order.confirm()
    order.hold()
    order.resume()
    order.cancel()
    sweater.refresh_from_db()
    assert (order.status, sweater.allocated) == (Status.CANCELLED, 0)
    order.restore()
    sweater.refresh_from_db()
    assert (order.status, sweater.allocated) == (Status.CONFIRMED, 2)


@pytest.mark.parametrize("act", ["confirm", "archive", "reactivate", "restore", "unconfirm"])
def test_what_does_not_fit_the_status_is_refused(order: Order, act: str) -> None:
    Order.objects.update(status=Status.PROCESSING)
    with pytest.raises(Refused, match="processing"):
        getattr(order, act)()


def test_cancelling_takes_open_shipments_away_but_not_paid_ones(order: Order, sweater: Size) -> None:
    order.confirm()
    order.create_shipment(capture=False)
    order.cancel()
    assert not order.shipments.exists()
    order.restore()
    order.create_shipment(capture=True)
    with pytest.raises(Refused, match="paid"):
        order.cancel()
    assert Order.objects.get().status == Status.PROCESSING


def test_cancelled_pieces_lower_the_quantity_and_the_stock_they_held(
    api: Api, shop: Shop, sweater: Size, order: Order
) -> None:
    order.cancel_pieces(order.lines.get(), 1)
    sweater.refresh_from_db()
    assert sweater.allocated == 1
    assert api("GET", "orders")["orders"][0]["products"][0]["qty"] == 1
    shop.set_switch("cancelled_lowers_qty", False)
    assert api("GET", "orders")["orders"][0]["products"][0]["qty"] == 2


def test_a_line_can_be_added_and_keeps_what_was_bought(api: Api, shop: Shop, sweater: Size, order: Order) -> None:
    order.add_line(Wanted(sweater, 1, price=Decimal("700.50")))
    sweater.change_sku(size="-XL")
    lines = api("GET", "orders")["orders"][0]["products"]
    assert [(line["sizeSku"], line["qty"], line["price"]) for line in lines] == [("-M", 2, 800), ("-M", 1, 700.5)]
    assert lines[1]["anyDiscount"] is True


# --- bundles -----------------------------------------------------------------------------------
def shape(rows: list[dict[str, Any]]) -> list[Any]:
    """Name and price of each row, with what is inside."""
    return [
        (row["name"], row["qty"], row["price"], *([shape(row["bundle"])] if "bundle" in row else [])) for row in rows
    ]


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("parts", [("Hat", 1, 180), ("Mitten", 2, 60)]),
        ("nested", [("Hat and mittens", 1, 300, [("Hat", 1, 180), ("Mitten", 2, 60)])]),
        ("bundles", [("Hat and mittens", 1, 0)]),
        ("both", [("Hat and mittens", 1, 0), ("Hat", 1, 180), ("Mitten", 2, 60)]),
    ],
)
def test_bundles_are_laid_out_as_the_plugin_says(
    api: Api, shop: Shop, plugin: PluginMethod, bundle: Size, layout: str, expected: list[Any]
) -> None:
    plugin.order_bundles = plugin.shipment_bundles = layout
    plugin.save()
    order = shop.place_order({bundle: 1})
    rows = api("GET", "orders")["orders"][0]["products"]
    assert shape(rows) == expected
    if layout in ("bundles", "both"):
        assert (rows[0]["isBundle"], rows[0]["originalPrice"], rows[0]["warehouses"]) == (True, 300, [])
    order.confirm()
    order.create_shipment(good_to_go=True)
    assert shape(api("GET", "shipments")["shipments"][0]["products"]) == expected


def test_parts_name_their_bundle_and_hold_the_stock(api: Api, shop: Shop, plugin: PluginMethod, bundle: Size) -> None:
    order = shop.place_order({bundle: 2})
    [row] = api("GET", "orders")["orders"][0]["products"]
    assert {part["isPartOfBundle"] for part in row["bundle"]} == {row["lineId"]}
    assert [part["isBundle"] for part in row["bundle"]] == [False, False]
    assert list(shop.sizes.order_by("pk").values_list("allocated", flat=True)) == [2, 4, 0]
    order.confirm()
    order.create_shipment({int(row["lineId"]): 1}, capture=False)
    assert sorted(order.open_pieces().values()) == [1, 2]


# --- through the API ---------------------------------------------------------------------------
ADDRESS = {"email": "kim.berg@example.com", "firstName": "Kim", "lastName": "Berg", "country": "SE", "cell": "+4670"}


def buy(api: Api, products: Any, **fields: Any) -> Any:
    return api("POST", "order", {"address": ADDRESS, "products": products, **fields})


@pytest.mark.parametrize("key", ["id", "ean", "sku", "half"])
def test_an_order_is_bought_by_id_ean_or_sku(api: Api, sweater: Size, key: str) -> None:
    names: dict[str, Any] = {"id": sweater.pk, "ean": sweater.ean, "sku": "FG1042-NVY-M", "half": "-M"}
    field = "sku" if key == "half" else key
    answer = buy(api, [{"qty": "2", field: names[key], "unitPrice": 720.0}], shippingList="express")
    order = Order.objects.get()
    assert answer == {"status": "ok", "orders": [order.number]}
    assert (order.shipping_list, order.delivery["name"]) == ("express", "Kim Berg")
    assert (order.lines.get().qty, order.lines.get().price) == (2, Decimal("720.00"))


@pytest.mark.parametrize(
    ("products", "fields", "code"),
    [
        ([{"qty": 1, "sku": "NOTHING"}], {}, -1),
        ([{"qty": 99, "sku": "FG1042-NVY-M"}], {}, -2),
        ([], {}, -3),
        ([{"qty": 1, "sku": "FG1042-NVY-M"}], {"address": {"firstName": "Kim"}}, -4),
        ([{"sku": "FG1042-NVY-M"}], {}, -4),
        ([{"qty": 1, "sku": "FG1042-NVY-M"}], {"orderNumber": 70001}, -5),
        ([{"qty": 1, "sku": "FG1042-NVY-M"}], {"marketId": 10**9}, -7),
    ],
)
def test_what_cannot_be_bought_is_refused_with_the_documented_code(
    api: Api, order: Order, products: Any, fields: dict[str, Any], code: int
) -> None:
    assert order.number == 70001
    answer = buy(api, products, **fields)
    assert (answer["status"], answer["code"]) == ("no", code)
    assert Order.objects.count() == 1


def test_several_orders_stand_each_for_itself(api: Api, sweater: Size) -> None:
    good = {"address": ADDRESS, "products": [{"qty": 1, "ean": sweater.ean}]}
    answer = api("POST", "orders", {"a": good, "b": {**good, "products": []}})
    assert (answer["a"]["status"], answer["b"]["code"]) == ("ok", -3)
    assert "status" not in answer


def test_a_prepared_order_is_finished_later(api: Api, sweater: Size) -> None:
    answer = buy(api, [{"qty": 1, "ean": sweater.ean}], createOnly=1)
    number = answer["order"]
    assert numbers(api("GET", "orders")) == []
    assert api("POST", f"order/{number}", {}) == {"orders": [str(number)], "status": "ok"}
    assert numbers(api("GET", "orders")) == [number]


def test_buying_needs_the_plugins_leave(api: Api, plugin: PluginMethod, sweater: Size) -> None:
    plugin.creates_orders = False
    plugin.save()
    assert buy(api, [{"qty": 1, "ean": sweater.ean}]) == {"status": "Not Allowed"}
    assert api.raw.status_code == 403


def test_comments_are_appended_or_replaced(api: Api, order: Order) -> None:
    assert api("PUT", "orders", {"order": order.number, "comment": "one"}) == {"status": "ok", "order": order.number}
    api("PUT", "orders", {"order": str(order.number), "comment": "two", "internalComment": "staff"})
    order.refresh_from_db()
    assert (order.comment, order.internal_comment) == ("one\ntwo", "staff")
    api("PUT", "orders", {"order": order.number, "comment": "three", "replaceComment": 1})
    order.refresh_from_db()
    assert order.comment == "three"


@pytest.mark.parametrize("pieces", [(1, 2), (2, 2), (3, 3)])
@pytest.mark.parametrize("price", ["200.00", "299.99", "0.05", "0.01", "0.00"])
def test_a_bundle_s_parts_cost_to_the_cent_what_the_bundle_costs(
    shop: Shop, bundle: Size, pieces: tuple[int, int], price: str
) -> None:
    for part, count in zip(bundle.parts.order_by("pk"), pieces, strict=True):
        bundle.parts.filter(pk=part.pk).update(pieces=count)
    Variant.objects.filter(sizes=bundle).update(price=Decimal(price))
    order = shop.place_order({Size.objects.get(pk=bundle.pk): 1}, shipping_value=0)
    order.confirm()
    shipment = order.create_shipment(capture=True)
    assert shipment.is_paid
    assert shipment.amount == order.grand_total == Decimal(price)
    parts = list(order.lines.filter(parent__isnull=False))
    assert sum(part.qty for part in parts) == sum(pieces)
    assert all(part.price >= 0 for part in parts)


def test_many_cheap_parts_cost_no_less_than_nothing(shop: Shop, bundle: Size) -> None:
    """Three shares of 0.006 each are 0.01 when rounded up: together more than the bundle."""
    for number in range(3):
        extra = shop.add_size(f"FG-PIN{number}", stock=9)
        Variant.objects.filter(sizes=extra).update(price=Decimal("80.00"))
        bundle.parts.create(part=Size.objects.get(pk=extra.pk), pieces=2)
    Variant.objects.filter(sizes=bundle).update(price=Decimal("0.03"))
    order = shop.place_order({Size.objects.get(pk=bundle.pk): 2}, shipping_value=0)
    order.confirm()
    assert order.create_shipment(capture=True).amount == Decimal("0.06")
    assert all(line.price >= 0 for line in order.lines.all())
