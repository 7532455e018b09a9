"""Whole answers changed at random, the envelope too: whatever comes back, a call ends typed or with a sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrations.connectors.base import (
    NewShipment,
    OrderData,
    Page,
    ParcelData,
    Refusal,
    RightFound,
    ShipmentData,
    ShipmentStatus,
    StockFigure,
)
from integrations.connectors.centra.client import HEADER
from integrations.connectors.centra.connector import CentraConnector
from integrations.connectors.errors import ShopError
from integrations.connectors.http import Session
from tests.connectors.rows import row
from tests.fuzz.mutate import Mutation

CASES = 400  # changed answers for each call
PAGES = 3  # of one listing; a mutated one may go on for ever
NOTHING_MORE = json.dumps({"status": "ok", "products": [], "orders": [], "shipments": [], "returns": []}).encode()
RATES = (0.02, 0.05, 0.1, 0.3)
STATUSES = (*(200,) * 12, 201, 400, 404, 409, 422, 500)  # codes that let the shop speak for itself, among others
SINCE = datetime(2026, 7, 1, tzinfo=UTC)
PARCEL = ParcelData(carrier="Posti", service="Express", tracking_code="T1", parcels=2)
OPEN = ShipmentData("81007-1", "81007", ShipmentStatus.GOOD_TO_GO, pieces=(("40011", 2), ("40012", 1)))
NEW = NewShipment("81007", (("40011", 2),), good_to_go=True, capture=False)
NUMBER = str(row("order")["orderId"])
NO = {"status": "no", "msg": {"field": ["because", "of that"]}, "errors": {"productsNotFound": ["FG1", "FG2"]}}

Call = Callable[[CentraConnector], Any]


def listed(key: str, kind: str) -> dict[str, Any]:
    return {"status": "ok", key: [row(kind), row(kind)], "next": "?limit=500&page=2"}


def written(shipment: Any) -> dict[str, Any]:
    return {"status": "ok", "order": "81007", "shipment": shipment}


def some(pages: Any) -> list[Page[Any]]:
    return [page for page, _number in zip(pages, range(PAGES), strict=False)]


# By name: the call, what it may come back with, and the good answers that are changed.
CALLS: dict[str, tuple[Call, tuple[type, ...], tuple[dict[str, Any], ...]]] = {
    "products": (lambda shop: some(shop.products(SINCE)), (list,), (listed("products", "product"),)),
    "stock": (lambda shop: some(shop.stock()), (list,), (listed("products", "stock"),)),
    "orders": (lambda shop: some(shop.orders(SINCE)), (list,), (listed("orders", "order"),)),
    "order": (lambda shop: shop.order(NUMBER), (OrderData, type(None)), (listed("orders", "order"), NO)),
    "open shipments": (lambda shop: some(shop.open_shipments()), (list,), (listed("shipments", "shipment"),)),
    "returns": (lambda shop: some(shop.returns(SINCE)), (list,), (listed("returns", "return"),)),
    "check": (lambda shop: shop.check(), (tuple,), ({"status": "ok", "products": [], "orders": []}, NO)),
    "POST stock": (lambda shop: shop.push_stock([StockFigure("FG1", 3)]), (tuple,), ({"status": "ok"}, NO)),
    "create": (
        lambda shop: shop.create_shipment(NEW),
        (ShipmentData,),
        (written("81007-1"), written(row("shipment")), NO),
    ),
    "update": (
        lambda shop: shop.change_shipment(OPEN, [("40011", 1)]),
        (ShipmentData,),
        (written(row("shipment", shipmentId="81007-1")), NO),
    ),
    "complete": (lambda shop: shop.complete(OPEN, PARCEL, capture=True), (type(None),), (written("81007-1"), NO)),
    "capture": (lambda shop: shop.capture(OPEN), (type(None),), (written("81007-1"), NO)),
    "delete": (lambda shop: shop.withdraw(OPEN), (type(None),), (written("81007-1"), NO)),
}


class Canned(Session):
    """A session that hands out what was put in, the last of it again and again; after the wire it is the real one."""

    answers: list[tuple[int, bytes]]

    def _exchange(self, *_asked: object) -> tuple[int, Mapping[str, str], bytes]:
        status, content = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return status, {}, content


@pytest.mark.parametrize("name", CALLS)
def test_a_mutated_answer_ends_typed_or_with_a_sentence(name: str) -> None:
    call, types, good = CALLS[name]
    originals = {json.dumps(answer).encode() for answer in good}
    session = Canned("https://shop.example/api", HEADER, "s3cr3t-Of-Nordlys", sleep=lambda _seconds: None)
    shop, ends, number = CentraConnector(session, ZoneInfo("Europe/Helsinki")), Counter[str](), 0
    while ends.total() < CASES:
        number += 1
        mutation = Mutation(number, RATES[number % len(RATES)])
        content = mutation.content(mutation.of(mutation.random.choice(good)))
        if content in originals:
            continue
        # Two times of three the list ends as lists do; else the same comes back to every call there is.
        session.answers = [(mutation.random.choice(STATUSES), content), (200, NOTHING_MORE)][: 2 if number % 3 else 1]
        ends[end_of(call, shop, types)] += 1
    assert ends["error"] > CASES / 20, ends
    assert ends["typed"] > CASES / 20, ends


def end_of(call: Call, shop: CentraConnector, types: tuple[type, ...]) -> str:
    """How one call ended; anything but a shop's error goes through and fails the test."""
    sentence = None
    try:
        found = call(shop)
    except ShopError as error:
        sentence = str(error)
    if sentence is not None:
        assert sentence.strip()
        assert sentence.encode()
        return "error"
    assert isinstance(found, types)
    for one in found if isinstance(found, list | tuple) else ():
        assert isinstance(one, Page | Refusal | RightFound)
        assert not isinstance(one, Page) or all(faulty.reason.strip() for faulty in one.faulty)
    return "typed"
