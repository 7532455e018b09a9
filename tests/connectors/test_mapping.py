"""Reading Centra's rows: pure, so every oddity of the wire gets a line here."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.connectors.base import (
    AddressData,
    AllocationData,
    OrderData,
    OrderStatus,
    ProductData,
    ShipmentData,
    ShipmentStatus,
)
from integrations.connectors.centra import mapping
from integrations.connectors.centra.wire import Odd
from tests.connectors.rows import line, raw, row

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def product(**changes: Any) -> ProductData:
    return mapping.product(raw(row("product", **changes)))


def order(**changes: Any) -> OrderData:
    return mapping.order(raw(row("order", **changes)), STOCKHOLM)


def shipment(status: ShipmentStatus = ShipmentStatus.GOOD_TO_GO, **changes: Any) -> ShipmentData:
    return mapping.shipment(raw(row("shipment", **changes)), STOCKHOLM, status)


# --- products ------------------------------------------------------------------------------


def test_a_product_is_read_whole() -> None:
    assert product() == ProductData(
        external_id="12001",
        sku_product="NL-200",
        sku_variant="-ASH",
        sku_size="-L",
        ean="4006381333931",
        name="Rain jacket",
        variant="Ash",
        size="L",
        brand="Nordlys",
        collection="",
        description="Keeps the rain outside.",
        price=Decimal("129.90"),
        currency="EUR",
        weight_kg=Decimal("0.84"),
        country_of_origin="EE",
        hs_code="62019300",
        customs_description="Rain jacket, polyester",
        picture_url="https://nordlys.example/media/520_front.jpg",
        is_active=True,
    )


@pytest.mark.parametrize(
    ("parts", "sku"),
    [
        (("NL-200", "-ASH", "-L"), "NL-200-ASH-L"),
        (("NL-200", "", ""), "NL-200"),
        (("", "", "L"), "L"),
        (("AB", "C", ""), "ABC"),
        (("A", "BC", ""), "ABC"),
        (("NL-200 ", " -ASH", "-l"), "NL-200  -ASH-l"),
        ((100, 20, None), "10020"),
        ((100.0, False, ""), "100"),
        (("0012", "3", ""), "00123"),
        ((None, None, None), ""),
    ],
)
def test_a_sku_is_its_parts_joined_with_nothing_between_and_nothing_trimmed(parts: tuple[Any, ...], sku: str) -> None:
    read = product(sku=parts[0], variantSku=parts[1], sizeSku=parts[2])
    assert read.sku == sku
    assert mapping.stock_level(raw(row("stock", sku=parts[0], variantSku=parts[1], sizeSku=parts[2]))).identifier == sku
    ordered = order(products=[line(sku=parts[0], variantSku=parts[1], sizeSku=parts[2])])
    assert ordered.lines[0].sku == sku


@pytest.mark.parametrize("weight", [2, "2", 2.0, "2.0"])
def test_pounds_become_kilograms_to_the_gram(weight: Any) -> None:
    assert product(weight=weight, weightUnit="lb").weight_kg == Decimal("0.907")


@pytest.mark.parametrize("weight", [None, "", 0, "0", -1])
def test_a_weight_of_nothing_is_not_known(weight: Any) -> None:
    assert product(weight=weight).weight_kg is None


@pytest.mark.parametrize(
    ("prices", "price"),
    [
        ([], None),
        ({}, None),
        (None, None),
        ([{"price": 10, "currency": "SEK"}], Decimal(10)),
        ([{"price": "10.50", "currency": "SEK"}], Decimal("10.50")),
        ([{"price": 239.79999999999998, "currency": "SEK"}], Decimal("239.8000")),
        ({"4": {"price": 7, "currency": "SEK"}}, Decimal(7)),
        ([{"price": None}], None),
    ],
)
def test_the_price_is_that_of_the_first_pricelist_in_any_spelling(prices: Any, price: Decimal | None) -> None:
    assert product(prices=prices).price == price


@pytest.mark.parametrize(
    ("images", "picture"),
    [
        ([], ""),
        ({}, ""),
        (None, ""),
        ("", ""),
        ({"3": "https://nordlys.example/3.jpg"}, "https://nordlys.example/3.jpg"),
        (["//nordlys.example/4.jpg"], "https://nordlys.example/4.jpg"),
        (["javascript:alert(1)"], ""),
    ],
)
def test_only_a_web_address_is_a_picture(images: Any, picture: str) -> None:
    assert product(images=images).picture_url == picture


@pytest.mark.parametrize(("active", "is_active"), [(1, True), ("1", True), (True, True), (0, False), ("0", False)])
def test_active_is_read_in_any_spelling(active: Any, is_active: bool) -> None:
    assert product(active=active).is_active is is_active


def test_a_product_without_display_name_goes_by_its_internal_one() -> None:
    assert product(name="").name == "Rain jacket (internal name)"


def test_a_character_that_no_database_keeps_is_dropped_from_a_name_but_not_from_a_sku() -> None:
    assert product(name="Rain\0 jacket").name == "Rain jacket"
    with pytest.raises(Odd, match="sku"):
        product(sku="NL\0")


def test_stock_is_read_as_numbers_and_missing_figures_stay_unknown() -> None:
    level = mapping.stock_level(raw(row("stock")))
    assert (level.physical, level.allocated, level.available) == (31, 4, 27)
    without = {key: value for key, value in row("stock").items() if key != "physicalStock"}
    assert mapping.stock_level(raw(without)).physical is None


def test_available_may_be_negative() -> None:
    assert mapping.stock_level(raw(row("stock", availableStock="-3"))).available == -3


# --- faulty rows ---------------------------------------------------------------------------


def test_a_faulty_row_is_set_aside_with_its_id_and_the_rest_goes_on() -> None:
    rows = [raw(row("product")), raw(row("product", stockItemId=12002, prices="cheap")), raw(row("product"))]
    items, faulty = mapping.read_rows(rows, mapping.product, "stockItemId")
    assert len(items) == 2
    assert faulty[0].external_id == "12002"
    assert "prices" in faulty[0].reason


@pytest.mark.parametrize(
    "content",
    [b"null", b"[]", b'"text"', b"{}", b'{"stockItemId": null}', b'{"stockItemId": {}}', b'{"sku": "\xff"}', b"7"],
)
def test_a_row_that_is_no_item_is_faulty_without_id(content: bytes) -> None:
    items, faulty = mapping.read_rows([msgspec.Raw(content)], mapping.product, "stockItemId")
    assert items == ()
    assert faulty[0].external_id == ""
    assert faulty[0].reason.endswith(".")


def test_a_reason_never_holds_what_the_row_said() -> None:
    private = "Kim Berg, Strandgatan 9"
    for changes in ({"orderDate": private}, {"grandTotalValue": private}, {"hold": private}, {"products": private}):
        _items, faulty = mapping.read_rows(
            [raw(row("order", **changes))], lambda it: mapping.order(it, STOCKHOLM), "orderId"
        )
        assert faulty[0].external_id == "81007"
        assert private not in faulty[0].reason


@pytest.mark.parametrize("qty", [None, "", "some", -1, 1.5, True, [], 10**12, "1e5"])
def test_pieces_that_are_not_a_count_make_the_order_faulty(qty: Any) -> None:
    with pytest.raises(ValueError, match="qty"):
        order(products=[line(qty=qty)])


@pytest.mark.parametrize("qty", [3, "3", 3.0, "3.0"])
def test_pieces_are_read_in_any_spelling(qty: Any) -> None:
    assert order(products=[line(qty=qty)]).lines[0].pieces == 3


# --- orders --------------------------------------------------------------------------------


def test_an_order_is_read_whole() -> None:
    read = order()
    assert read.number == "81007"
    assert read.status is OrderStatus.CONFIRMED
    assert read.placed_at == datetime(2026, 7, 3, 12, 20, 9, tzinfo=UTC)
    assert read.deliver_to == AddressData(
        name="Aino Salo",
        address="Rantatie 4 B 12",
        address2="c/o Virta",
        zip_code="00100",
        city="Helsinki",
        country="FI",
        phone="+358 40 000 0001",
        email="aino.salo@example.com",
    )
    assert read.bill_to.company == "Virta Oy"
    assert read.shipping_method == "home-delivery"
    assert (read.ingrid_method, read.pickup_point) == ("nl-parcel-shop", "00412")
    assert (read.currency, read.total, read.shipping_price) == ("EUR", Decimal("265.7"), Decimal("5.9"))
    assert (read.comment, read.customer_reference) == ("Ring twice", "PO-17")
    flags = (read.is_on_hold, read.is_suspect, read.waits_for_payment, read.has_only_bundles)
    assert flags == (False, False, False, False)


def test_a_line_is_read_whole() -> None:
    (read,) = order().lines
    assert (read.external_id, read.sku, read.ean, read.pieces) == ("40011", "NL-200-ASH-L", "4006381333931", 2)
    assert read.name == "Rain jacket, Ash, L"
    assert (read.price, read.vat_percent) == (Decimal("129.9"), Decimal(24))
    assert read.weight_kg == Decimal("0.839")
    assert read.allocations == (AllocationData("Main", 1), AllocationData("Outlet", 1))


def test_the_merchants_own_attributes_are_kept_and_documented_keys_are_not_among_them() -> None:
    assert order().attributes == (("gift_card_text", "Happy birthday"),)


@pytest.mark.parametrize(
    ("spelling", "status"),
    [
        (1, OrderStatus.PENDING),
        ("2", OrderStatus.CONFIRMED),
        (3.0, OrderStatus.PROCESSING),
        ("Completed", OrderStatus.COMPLETED),
        ("ARCHIVED", OrderStatus.ARCHIVED),
        ("cancelled", OrderStatus.CANCELLED),
        ("Canceled", OrderStatus.CANCELLED),
        (6, OrderStatus.CANCELLED),
        (0, OrderStatus.UNKNOWN),
        ("on its way", OrderStatus.UNKNOWN),
        (None, OrderStatus.UNKNOWN),
    ],
)
def test_a_status_is_read_as_number_text_or_name(spelling: Any, status: OrderStatus) -> None:
    read = order(orderStatus=spelling)
    assert read.status is status


def test_a_status_that_is_not_known_is_kept_as_it_came() -> None:
    assert order(orderStatus="On its way").raw_status == "On its way"


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-01-15 12:00:00", datetime(2026, 1, 15, 11, 0, tzinfo=UTC)),
        ("2026-07-15 12:00:00", datetime(2026, 7, 15, 10, 0, tzinfo=UTC)),
        ("2026-07-15 12:00", datetime(2026, 7, 15, 10, 0, tzinfo=UTC)),
        ("2026-07-15", datetime(2026, 7, 14, 22, 0, tzinfo=UTC)),
        ("2026-07-15T12:00:00+02:00", datetime(2026, 7, 15, 10, 0, tzinfo=UTC)),
        ("2026-07-15T12:00:00Z", datetime(2026, 7, 15, 12, 0, tzinfo=UTC)),
        ("2026-10-25 01:59:59", datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC)),
        ("2026-10-25 02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice that day: the earlier
        ("2026-10-25 03:00:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        ("2026-03-29 02:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # never that day: an hour on
        ("2026-03-29 03:00:00", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("0000-00-00 00:00:00", None),
        ("0000-00-00", None),
        ("", None),
        (None, None),
    ],
)
def test_shop_time_becomes_utc_over_both_clock_changes(written: Any, moment: datetime | None) -> None:
    assert order(orderDate=written).placed_at == moment


@pytest.mark.parametrize(
    "written", ["yesterday", "2026-13-01 00:00:00", "2026-02-30", "0001-01-01 12:00:00", "9999-12-31 23:59:59"]
)
def test_a_date_that_is_none_makes_the_order_faulty(written: str) -> None:
    """Nor one that a page in another zone could not show."""
    with pytest.raises(Odd, match="orderDate"):
        order(orderDate=written)


@pytest.mark.parametrize(
    ("since", "written"),
    [
        (datetime(2026, 7, 15, 10, 0, tzinfo=UTC), "2026-07-15 11:00:00"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25 01:30:00"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25 01:30:00"),
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "2026-03-29 02:30:00"),
    ],
)
def test_our_moments_are_written_an_hour_early_in_shop_time(since: datetime, written: str) -> None:
    assert mapping.since_in_shop_time(since, STOCKHOLM) == written


@given(
    st.datetimes(datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2027-01-01"), timezones=st.just(UTC)),
    st.timedeltas(timedelta(), timedelta(days=2)),
)
def test_no_later_order_is_written_earlier_than_the_filter(since: datetime, later: timedelta) -> None:
    placed = since + later
    assert placed.astimezone(STOCKHOLM).strftime("%Y-%m-%d %H:%M:%S") >= mapping.since_in_shop_time(since, STOCKHOLM)


@pytest.mark.parametrize("empty", [[], {}, None])
def test_an_empty_list_may_come_as_an_object_or_nothing(empty: Any) -> None:
    assert order(shipments=empty).shipments == ()
    assert order(products=empty).lines == ()


def test_an_order_lists_its_shipments_as_sent_or_not() -> None:
    sent = {"shipmentId": "81007-2", "shippedDate": "2026-07-05 10:00:00", "trackingId": "T1", "carrier": "Posti"}
    waiting, gone = order(shipments=[*row("order")["shipments"], sent]).shipments
    assert waiting.status is ShipmentStatus.IN_PROGRESS
    assert gone.status is ShipmentStatus.SENT
    assert gone.shipped_at == datetime(2026, 7, 5, 8, 0, tzinfo=UTC)
    assert (gone.parcel.carrier, gone.parcel.tracking_code) == ("Posti", "T1")
    assert gone.order_number == "81007"


# --- bundles, in the four layouts ----------------------------------------------------------

HAT = line(lineId="2", sku="HAT", variantSku="", sizeSku="", name="Hat", qty=1)
MITTENS = line(lineId="3", sku="MIT", variantSku="", sizeSku="", name="Mittens", qty=2)
SET = line(lineId="1", sku="SET", variantSku="", sizeSku="", name="Winter set", isBundle=True)


def picked(*lines: dict[str, Any]) -> tuple[list[tuple[str, int, str]], bool]:
    read = order(products=list(lines))
    return [(it.sku, it.pieces, it.bundle) for it in read.lines], read.has_only_bundles


def test_only_containing_items() -> None:
    lines = picked(HAT | {"isPartOfBundle": "1"}, MITTENS | {"isPartOfBundle": 1})
    assert lines == ([("HAT", 1, "1"), ("MIT", 2, "1")], False)


def test_containing_items_in_bundles() -> None:
    lines = picked(SET | {"bundle": [HAT, MITTENS]}, line(lineId="9"))
    assert lines == ([("HAT", 1, "Winter set"), ("MIT", 2, "Winter set"), ("NL-200-ASH-L", 2, "")], False)


def test_only_bundles_leaves_nothing_to_pick_and_says_so() -> None:
    assert picked(SET) == ([], True)
    assert picked(SET | {"bundle": []}, line(lineId="9")) == ([("NL-200-ASH-L", 2, "")], True)


@pytest.mark.parametrize("reference", ["1", 1, "77", 77])
def test_bundles_and_containing_items(reference: Any) -> None:
    """Whether parts name the bundle by its line or by another id is not documented; both are read."""
    lines, is_closed = picked(SET, HAT | {"isPartOfBundle": reference}, MITTENS | {"isPartOfBundle": reference})
    assert [(sku, count) for sku, count, _bundle in lines] == [("HAT", 1), ("MIT", 2)]
    assert not is_closed


def test_one_opened_bundle_beside_a_closed_one_is_still_closed() -> None:
    other = SET | {"lineId": "8", "name": "Summer set"}
    assert picked(SET, HAT | {"isPartOfBundle": "1"}, other)[1]
    assert picked(SET, HAT | {"isPartOfBundle": "77"}, other)[1]


@pytest.mark.parametrize("nothing", [0, "0", False, "", None])
def test_no_reference_is_no_bundle(nothing: Any) -> None:
    assert picked(HAT | {"isPartOfBundle": nothing}) == ([("HAT", 1, "")], False)


# --- shipments and returns -----------------------------------------------------------------


def test_a_shipment_is_read_with_its_order_around_it() -> None:
    read = shipment()
    assert (read.external_id, read.order_number) == ("81007-1", "81007")
    assert read.status is ShipmentStatus.GOOD_TO_GO
    assert read.pieces == (("40011", 1),)
    assert (read.is_paid, read.needs_capture) == (False, True)
    assert read.parcel.service == "Evening"
    assert read.order is not None
    assert read.order.deliver_to.city == "Helsinki"
    assert read.order.status is OrderStatus.PROCESSING


def test_the_date_of_an_unsent_shipment_is_only_planned() -> None:
    assert shipment().shipped_at is None
    assert shipment(ShipmentStatus.SENT).shipped_at == datetime(2026, 7, 4, 8, 0, tzinfo=UTC)


def test_a_return_is_read_though_its_ids_are_numbers_and_completed_is_missing() -> None:
    read = mapping.return_(raw(row("return")), STOCKHOLM)
    assert (read.external_id, read.order_number, read.shipment) == ("615", "81007", "81007-1")
    assert read.is_complete is None
    assert read.puts_back_stock
    assert read.pieces == (("40011", 1),)
    assert read.made_at == datetime(2026, 7, 20, 7, 0, tzinfo=UTC)


# --- whatever comes ------------------------------------------------------------------------

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["0", "1", "0000-00-00", "2026-10-25 02:30:00", "1e9", "-5", "\0", "İ", " x "]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
READERS = {
    "product": (mapping.product, "stockItemId"),
    "stock": (mapping.stock_level, "stockItemId"),
    "order": (lambda it: mapping.order(it, STOCKHOLM), "orderId"),
    "shipment": (lambda it: mapping.shipment(it, STOCKHOLM, ShipmentStatus.SENT), "shipmentId"),
    "return": (lambda it: mapping.return_(it, STOCKHOLM), "returnId"),
}


def mutate(what: Any, data: st.DataObject) -> Any:
    """The row with a few of its values, at any depth, replaced by anything, left out, or followed by something new."""
    if isinstance(what, dict):
        kept = {key: mutate(value, data) for key, value in what.items() if data.draw(st.integers(0, 30))}
        return kept | (data.draw(st.dictionaries(st.text(max_size=5), ANYTHING, max_size=2)))
    if isinstance(what, list):
        return [mutate(value, data) for value in what]
    return what if data.draw(st.integers(0, 12)) else data.draw(ANYTHING)


def texts(what: Any) -> list[str]:
    """Every text in what was read."""
    return [json.loads(text) for text in _quoted(json.dumps(msgspec.to_builtins(what)))]


def _quoted(text: str) -> list[str]:
    decoder, found, at = json.JSONDecoder(), [], text.find('"')
    while at != -1:
        _value, end = decoder.raw_decode(text, at)
        found.append(text[at:end])
        at = text.find('"', end)
    return found


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_mutated_row_is_read_or_set_aside_and_never_raises(kind: str, data: st.DataObject) -> None:
    read, id_field = READERS[kind]
    mutated = mutate(row(kind), data)
    items, faulty = mapping.read_rows([raw(mutated)], read, id_field)
    assert len(items) + len(faulty) == 1
    for text in texts([items, faulty]):
        assert "\0" not in text
        text.encode()


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=60) | ANYTHING.map(lambda it: json.dumps(it).encode()))
def test_any_bytes_at_all_are_set_aside(content: bytes) -> None:
    for read, id_field in READERS.values():
        items, faulty = mapping.read_rows([msgspec.Raw(content)], read, id_field)
        assert len(items) + len(faulty) == 1
