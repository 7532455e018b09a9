"""What a shop's order means here. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from integrations.connectors.base import OrderStatus
from orders import reading
from orders.reading import Pieces, Settings, Skip
from tests.orders.said import PLACED, line, order, shipment

ANY = Settings(PLACED - timedelta(days=1))
MAIN = Settings(PLACED - timedelta(days=1), frozenset({"Main"}))


def test_what_is_open_is_ordered_minus_sent() -> None:
    data = order(line(pieces=5), shipments=(shipment(sent=True, _1=2), shipment("70001-2", _1=1)))
    assert reading.pieces_of(data, ANY) == {"1": Pieces(5, 3, 3, 0)}


def test_more_sent_than_ordered_leaves_nothing_open() -> None:
    data = order(line(pieces=1), shipments=(shipment(sent=True, _1=2),))
    assert reading.pieces_of(data, ANY)["1"].open == 0


@pytest.mark.parametrize("status", [OrderStatus.COMPLETED, OrderStatus.ARCHIVED, OrderStatus.CANCELLED])
def test_a_closed_order_has_nothing_open_and_needs_no_details(status: OrderStatus) -> None:
    data = order(line(pieces=5), status=status, shipments=(shipment(sent=True),))
    assert reading.pieces_of(data, ANY)["1"] == Pieces(5, 0, 0, 0)
    assert not reading.needs_details(data)


def test_a_sent_shipment_without_its_pieces_needs_details_and_is_unreadable_where_there_are_none() -> None:
    data = order(shipments=(shipment(sent=True),))
    assert reading.needs_details(data)
    assert "does not show which" in reading.facts(data, ANY, [])["unreadable"]
    assert not reading.needs_details(order(shipments=(shipment(),)))


def test_two_lines_under_one_number_are_unreadable() -> None:
    assert "two lines" in reading.facts(order(line("1"), line("1")), ANY, [])["unreadable"]


def test_pieces_elsewhere_are_not_ours() -> None:
    data = order(line(pieces=5, at={"Main": 3, "Store": 2}))
    assert reading.pieces_of(data, MAIN)["1"] == Pieces(5, 5, 3, 2)
    assert reading.pieces_of(data, ANY)["1"] == Pieces(5, 5, 5, 0)


def test_a_second_name_holds_only_the_orders_that_contain_it() -> None:
    both, main = order(line(pieces=2, at={"Main": 1, "Store": 1})), order(line(pieces=1, at={"Main": 1}))
    met = ["Main", "Store"]
    assert "Store" in reading.facts(both, ANY, met)["warehouses"]
    assert "warehouses" not in reading.facts(main, ANY, met)
    assert "warehouses" not in reading.facts(both, MAIN, met)


@pytest.mark.parametrize(
    ("fields", "settings", "why"),
    [
        ({}, ANY, None),
        ({"placed_at": None}, ANY, None),
        ({"placed_at": PLACED - timedelta(days=2)}, ANY, Skip.OLDER),
        ({"status": OrderStatus.CANCELLED}, ANY, Skip.CANCELLED),
        ({"status": OrderStatus.COMPLETED}, ANY, Skip.SENT),
        ({"shipments": (shipment(sent=True, _1=3),)}, ANY, Skip.SENT),
        ({"lines": (line(at={"Store": 3}),)}, MAIN, Skip.ELSEWHERE),
        ({"lines": (line(pieces=0),)}, ANY, None),
    ],
)
def test_an_order_is_left_only_for_these_reasons(fields: dict[str, object], settings: Settings, why: Skip) -> None:
    assert reading.skip(order(**fields), settings) == why


STOCKHOLM = ZoneInfo("Europe/Stockholm")  # 02:00 to 03:00 came twice there on 25 October 2026, from 00:00 UTC on


@pytest.mark.parametrize(
    ("placed", "since", "is_older"),
    [
        ((25, 0, 20), (25, 0, 50), False),  # 02:20: perhaps that of an hour later
        ((25, 0, 20), (25, 1, 10), False),
        ((25, 0, 20), (25, 1, 20), False),
        ((25, 0, 20), (25, 1, 21), True),  # both have passed
        ((25, 1, 20), (25, 1, 30), True),  # told with its offset: the second
        ((24, 23, 59), (25, 0, 0), True),  # 01:59 came once
        ((25, 2, 0), (25, 2, 1), True),  # and so did 03:00
        ((25, 2, 0), (25, 2, 0), False),
    ],
)
def test_in_the_hour_that_comes_twice_an_order_counts_as_of_the_later(
    placed: tuple[int, int, int], since: tuple[int, int, int], is_older: bool
) -> None:
    data = order(placed_at=datetime(2026, 10, *placed, tzinfo=UTC))
    settings = Settings(datetime(2026, 10, *since, tzinfo=UTC), zone=STOCKHOLM)
    assert reading.is_older(data, settings) is is_older


def test_the_digest_follows_what_the_shop_says_and_what_changes_its_meaning() -> None:
    data = order()
    same, other = reading.digest(data, ANY), reading.digest(order(is_on_hold=True), ANY)
    assert reading.digest(order(), ANY) == same != other
    assert reading.digest(data, MAIN) != same
    assert reading.digest(data, Settings(PLACED + timedelta(days=1))) != same


def test_several_open_shipments_are_said() -> None:
    assert "2 open shipments" in reading.facts(order(shipments=(shipment(), shipment("70001-2"))), ANY, [])["several"]


@pytest.mark.parametrize(
    ("total", "wanted", "shares"),
    [(5, {1: 3, 2: 2}, {1: 3, 2: 2}), (7, {1: 3, 2: 2}, {1: 5, 2: 2}), (4, {1: 3, 2: 2}, {1: 3, 2: 1}), (1, {}, {})],
)
def test_open_pieces_are_shared_out_and_none_is_lost(
    total: int, wanted: dict[int, int], shares: dict[int, int]
) -> None:
    assert reading.share_out(total, wanted) == shares
