"""What is to be done at hand-over, decided without network, clock or database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.connectors.base import AddressData, LineData, OrderData, OrderStatus, ShipmentData, ShipmentStatus
from orders import handing
from orders.handing import Case, Step, decide

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
OURS = {"a": 2, "b": 1}


def shipment(number: int = 1, pieces: dict[str, int] | None = None, **fields: Any) -> ShipmentData:
    made = ShipmentData(
        external_id=f"70412-{number}",
        order_number="70412",
        status=ShipmentStatus.GOOD_TO_GO,
        pieces=tuple((OURS if pieces is None else pieces).items()),
    )
    return replace(made, **fields)


def shown(*shipments: ShipmentData, **fields: Any) -> OrderData:
    lines = tuple(LineData(line, sku=line, pieces=pieces) for line, pieces in OURS.items())
    data = OrderData("70412", OrderStatus.CONFIRMED, NOW, AddressData(), AddressData(), lines, shipments=shipments)
    return replace(data, **fields)


def case(found: OrderData | None, **fields: Any) -> Case:
    return Case(found, OURS, **fields)


def test_with_no_shipment_there_one_is_created() -> None:
    decision = decide(case(shown()))
    assert (decision.step, decision.is_later) == (Step.CREATE, False)


def test_a_later_shipment_leaves_out_what_was_paid_before() -> None:
    found = shown(shipment(1, {"c": 1}, status=ShipmentStatus.SENT))
    decision = decide(case(found))
    assert (decision.step, decision.is_later) == (Step.CREATE, True)


@pytest.mark.parametrize("status", [ShipmentStatus.GOOD_TO_GO, ShipmentStatus.IN_PROGRESS])
def test_the_open_shipment_with_our_pieces_is_adopted(status: ShipmentStatus) -> None:
    decision = decide(case(shown(shipment(status=status))))
    assert decision.step is Step.ADOPT
    assert decision.shipment is not None
    assert decision.shipment.external_id == "70412-1"


@pytest.mark.parametrize(
    "found",
    [
        None,
        shown(is_on_hold=True),
        shown(is_suspect=True),
        shown(waits_for_payment=True),
        shown(status=OrderStatus.CANCELLED),
        shown(status=OrderStatus.PENDING),
    ],
)
def test_what_the_shop_says_against_it_stops_it(found: OrderData | None) -> None:
    assert decide(case(found)).step is Step.STOP


def test_a_change_stops_it() -> None:
    assert decide(case(shown(), is_changed=True)).step is Step.STOP


@pytest.mark.parametrize("sent", [{"a": 2, "b": 1}, {"a": 1}])
def test_pieces_that_the_shop_sent_itself_stop_it(sent: dict[str, int]) -> None:
    decision = decide(case(shown(shipment(1, sent, status=ShipmentStatus.SENT))))
    assert (decision.step, set(decision.facts)) == (Step.STOP, {"sent"})


def test_pieces_that_another_part_has_under_way_are_not_ours() -> None:
    assert decide(case(shown(), under_way={"b": 1})).facts.keys() == {"sent"}


@pytest.mark.parametrize(
    "shipments",
    [
        [shipment(1, {"a": 1})],
        [shipment(1, {"a": 2, "b": 1, "c": 1})],
        [shipment(1, {"a": 2}), shipment(2, {"b": 1})],
        [shipment(1), shipment(2, {"c": 1})],
    ],
)
def test_open_shipments_with_other_pieces_stop_it(shipments: list[ShipmentData]) -> None:
    decision = decide(case(shown(*shipments)))
    assert (decision.step, set(decision.facts)) == (Step.STOP, {"several"})


def test_a_shipment_whose_contents_are_not_shown_is_looked_at_later() -> None:
    assert decide(case(shown(shipment(1, {})))).step is Step.WAIT


def test_shipments_of_other_parts_are_theirs() -> None:
    found = shown(shipment(1, {"c": 1}), shipment(2, {"d": 1}))
    decision = decide(case(found, theirs=frozenset({"70412-1", "70412-2"})))
    assert decision.step is Step.CREATE


def test_the_twin_of_another_part_is_waited_for() -> None:
    found = replace(shown(shipment(1)), lines=tuple(LineData(k, sku=k, pieces=2 * n) for k, n in OURS.items()))
    assert decide(case(found, theirs=frozenset({"70412-1"}))).step is Step.WAIT


def test_the_one_shipment_of_all_parts_is_shared() -> None:
    whole = {"a": 2, "b": 1, "c": 1}
    decision = decide(case(shown(shipment(1, whole)), together=(whole,)))
    assert decision.step is Step.ADOPT
    decision = decide(case(shown(shipment(1, whole)), together=(whole,), theirs=frozenset({"70412-1"})))
    assert decision.step is Step.ADOPT


def test_our_own_shipment_with_other_pieces_stops_it() -> None:
    assert decide(case(shown(shipment(1, {"a": 1})), ours="70412-1")).facts.keys() == {"several"}


def test_our_own_shipment_that_was_deleted_there_is_made_again() -> None:
    assert decide(case(shown(), ours="70412-1")).step is Step.CREATE


def test_an_order_read_as_a_shipment_is_just_that_one() -> None:
    one, other = shipment(1), shipment(2, {"c": 1})
    assert decide(case(shown(one, other), shown_as="70412-1")).shipment == one
    assert decide(case(shown(other), shown_as="70412-1")).step is Step.STOP
    sent = replace(one, status=ShipmentStatus.SENT)
    assert decide(case(shown(sent, other), shown_as="70412-1")).facts.keys() == {"sent"}
    fewer = shipment(1, {"a": 1})
    assert decide(case(shown(fewer), shown_as="70412-1")).step is Step.STOP


def test_lines_that_the_shop_does_not_know_need_no_shipment() -> None:
    assert decide(Case(shown(), {})).step is Step.NOTHING


@pytest.mark.parametrize(
    ("found", "step", "is_paid"),
    [
        (None, Step.CANCEL, False),
        (shown(), Step.CANCEL, False),
        (shown(shipment()), Step.CANCEL, False),
        (shown(shipment(is_paid=True)), Step.ADOPT, False),
        (shown(shipment(is_paid=True), is_on_hold=True), Step.CANCEL, True),
    ],
)
def test_a_wish_to_cancel_is_granted_unless_it_is_paid_and_may_go(
    found: OrderData | None, step: Step, is_paid: bool
) -> None:
    decision = decide(case(found, ours="70412-1", wants_cancelling=True))
    assert (decision.step, decision.is_paid) == (step, is_paid)


@pytest.mark.parametrize(
    ("reason", "key"),
    [
        ("can not capture order", "capture"),
        ("capture failed", "capture"),
        ("Payment was declined", "capture"),
        (
            "Action not supported by external payment plugin. Please do that action in your payment provider.",
            "paid_elsewhere",
        ),
        ("order is waiting for payment", None),
        ("order is on hold", None),
    ],
)
def test_what_a_refusal_says_about_the_payment(reason: str, key: str | None) -> None:
    fact = handing.payment_fact(reason)
    assert (fact[0] if fact else None) == key


@pytest.mark.parametrize(
    ("age", "wait"),
    [(0, timedelta(minutes=1)), (3600, timedelta(minutes=15)), (86_400, timedelta(hours=1))],
)
def test_the_longer_it_lasts_the_rarer_it_is_looked_at(age: int, wait: timedelta) -> None:
    assert handing.patience(NOW - timedelta(seconds=age), NOW) == NOW + wait


def test_what_the_shop_has_not_confirmed_waits_for_that_where_pending_orders_are_taken() -> None:
    decision = decide(case(shown(status=OrderStatus.PENDING), takes_pending=True))
    assert decision.step is Step.WAIT
    assert "Not confirmed" in decision.text
