"""Handing over, against the sandbox: what stands on both sides afterwards; run twice, cut off, killed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.connectors.centra.connector import CentraConnector
from integrations.models import Integration, SyncRun
from integrations.sparing import BORNE
from orders import agreeing, moves
from orders.models import Cause, Order, Status
from products.models.stock import Stock
from tests.orders.desk import Desk, Killed, captures, collected_once, die, fresh, only
from tests.orders.shop import sweep

pytestmark = pytest.mark.django_db(transaction=True)


# --- the good ways ---------------------------------------------------------------------------


def test_the_shop_makes_one_shipment_takes_the_money_once_and_the_order_is_collecting(desk: Desk) -> None:
    there, order = desk.order()
    desk.mark(order)
    desk.run_twice()
    collected_once(desk, there, order)


def test_with_nothing_owed_the_shop_is_not_called(desk: Desk) -> None:
    desk.order()
    before = desk.calls()
    record = desk.run()
    assert record is not None
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    assert desk.calls() == before


@pytest.mark.parametrize("how", [Integration.Captures.SENT, Integration.Captures.NEVER])
def test_no_money_is_taken_where_it_is_to_be_taken_later_or_by_the_shop(desk: Desk, how: str) -> None:
    captures(desk, how)
    there, order = desk.order()
    desk.mark(order)
    desk.run_twice()
    collected_once(desk, there, order, paid=False)


@pytest.mark.parametrize("is_paid", [False, True])
def test_an_open_shipment_with_just_our_pieces_is_adopted_and_paid_once(desk: Desk, is_paid: bool) -> None:
    there, order = desk.order()
    there.create_shipment(good_to_go=True, capture=is_paid)
    desk.mark(order)
    desk.run_twice()
    collected_once(desk, there, order)
    shipment = fresh(order).shipment
    assert shipment is not None
    assert shipment.is_adopted


def test_several_open_shipments_hold_the_order_and_nothing_is_written(desk: Desk) -> None:
    there, order = desk.order()
    line = there.lines.get()
    there.create_shipment({line.pk: 1}, capture=False)
    there.create_shipment({line.pk: 2}, capture=False)
    desk.mark(order)
    desk.run_twice()
    assert desk.held(fresh(order)) == {Cause.SEVERAL}
    assert there.shipments.count() == 2
    assert desk.shelf() == (10, 3)


def test_a_shipment_with_other_pieces_holds_the_order(desk: Desk) -> None:
    there, order = desk.order()
    there.create_shipment({there.lines.get().pk: 1}, capture=False)
    desk.mark(order)
    desk.run_twice()
    assert desk.held(fresh(order)) == {Cause.SEVERAL}
    assert there.shipments.count() == 1


def test_other_shipments_are_looked_at_again_with_patience_and_by_no_wait_behind_it(desk: Desk) -> None:
    there, order = desk.order()
    made = there.create_shipment({there.lines.get().pk: 1}, capture=False)
    desk.mark(order)
    desk.run_twice()
    asked = desk.calls()
    desk.run_twice()
    assert (desk.calls(), fresh(order).wait_until is None) == (asked, False), "not before its time"
    made.remove()
    sweep(desk.centra)
    assert (fresh(order).status, fresh(order).wait_until) == (Status.NEW, None)
    desk.mark(order)
    desk.run_twice()
    collected_once(desk, there, order)


def test_many_orders_are_handed_over_in_one_run(desk: Desk) -> None:
    pairs = [desk.order(1) for _n in range(3)]
    desk.mark(*(order for _there, order in pairs))
    desk.run_twice()
    assert {fresh(order).status for _there, order in pairs} == {Status.COLLECTING}
    assert [only(there).captures for there, _order in pairs] == [1, 1, 1]


# --- answers that are lost, calls that fail --------------------------------------------------


@pytest.mark.parametrize("kind", ["lost_answer", "truncated", "cut_off", "empty"])
def test_a_lost_answer_to_making_the_shipment_is_waited_for_then_read(desk: Desk, kind: str) -> None:
    there, order = desk.order()
    desk.mark(order)
    if kind == "empty":
        desk.centra.shop.break_endpoint("POST shipments", "lost_answer")
    else:
        desk.centra.shop.break_endpoint("POST shipments", kind)
    desk.run()
    here = fresh(order)
    assert here.status == Status.NEW
    assert here.handover_error
    assert here.wait_until is not None
    assert here.wait_until > timezone.now() + timedelta(seconds=200)
    before = desk.calls()
    desk.run()
    assert desk.calls() == before, "nothing is asked before the wait is over"
    desk.later()
    desk.run_twice()
    collected_once(desk, there, order)


def test_a_shipment_that_was_not_made_after_a_lost_answer_is_asked_for_again(desk: Desk) -> None:
    there, order = desk.order()
    desk.mark(order)
    desk.centra.shop.break_endpoint("POST shipments", "empty")
    desk.run()
    assert there.shipments.count() == 0
    assert fresh(order).wait_until is not None
    desk.later()
    desk.run_twice()
    collected_once(desk, there, order)


@pytest.mark.parametrize("kind", ["lost_answer", "empty", "reset"])
def test_a_lost_answer_to_the_capture_takes_the_money_once(desk: Desk, kind: str) -> None:
    there, order = desk.order()
    there.create_shipment(good_to_go=True, capture=False)
    desk.mark(order)
    desk.centra.shop.break_endpoint("PUT capture", kind)
    desk.run()
    assert fresh(order).status == Status.NEW
    desk.later()
    desk.run_twice()
    collected_once(desk, there, order)


def test_while_the_shop_is_down_the_order_stays_new_with_the_reason(desk: Desk) -> None:
    there, order = desk.order()
    desk.mark(order)
    fault = desk.centra.shop.break_endpoint("", "status", times=None, code=503)
    desk.run_twice()
    here = fresh(order)
    assert here.status == Status.NEW
    assert here.is_being_handed_over
    assert "503" in here.handover_error
    assert desk.shelf() == (10, 3)
    state = desk.state()
    assert state.failed_attempts == 2
    fault.delete()
    desk.run_twice()
    collected_once(desk, there, order)


def test_one_order_that_cannot_be_read_stops_no_other(desk: Desk) -> None:
    _bad_there, bad = desk.order(1)
    there, good = desk.order(1)
    desk.mark(bad, good)
    desk.centra.shop.break_endpoint("GET orders", "unreadable_row")
    desk.run()
    assert fresh(good).status == Status.COLLECTING
    here = fresh(bad)
    assert here.status == Status.NEW
    assert str(here.number) in here.handover_error
    desk.later()
    desk.run()
    assert fresh(bad).status == Status.COLLECTING


def test_a_key_that_may_not_write_stops_the_pipe_and_says_so(desk: Desk) -> None:
    _there, order = desk.order()
    desk.centra.plugin.forbid("POST shipments")
    desk.mark(order)
    desk.run()
    here = fresh(order)
    assert here.status == Status.NEW
    assert "/shipments" in here.handover_error
    assert (here.wait_until is None) or here.wait_until <= timezone.now(), "it was answered, so nothing is waited for"
    assert desk.state().attention == "not allowed"


# --- many ------------------------------------------------------------------------------------


def test_an_order_on_which_the_shop_breaks_down_does_not_stand_in_the_way(desk: Desk) -> None:
    there, first = desk.order(1)
    _there, second = desk.order(1)
    desk.mark(first, second)
    desk.centra.shop.break_endpoint("GET orders", "status", times=3, code=500)
    desk.run()
    assert "500" in fresh(first).handover_error
    assert (fresh(first).status, fresh(second).status) == (Status.NEW, Status.COLLECTING)
    assert desk.state().failed_attempts == 0, "the shop answers, so its other pipes need not wait"
    desk.run()
    assert fresh(first).status == Status.NEW, "not before its time"
    desk.later()
    desk.run_twice()
    assert (fresh(first).status, there.shipments.count()) == (Status.COLLECTING, 1)


def one_sent_and_one_marked(desk: Desk) -> tuple[Order, Order]:
    """The shop is to be told of one, and to be asked for the other's shipment."""
    _there, sent = desk.order(1)
    desk.mark(sent)
    desk.run()
    desk.ship(sent)
    _there, marked = desk.order(1)
    desk.mark(marked)
    return sent, marked


def test_a_parcel_that_the_shop_breaks_down_on_for_good_stops_neither_the_others_nor_itself(desk: Desk) -> None:
    sent, marked = one_sent_and_one_marked(desk)
    breaks = desk.centra.shop.break_endpoint("PUT shipment", "status", times=None, code=500)
    for _n in range(2):
        desk.later()
        desk.run()
    assert "500" in fresh(sent).tell_error
    assert fresh(marked).status == Status.COLLECTING
    assert desk.state().failed_attempts == 0
    breaks.delete()
    desk.later()
    desk.run_twice()
    assert fresh(sent).told_at is not None


def test_what_failed_last_time_comes_behind_all_others(desk: Desk, settings: Any) -> None:
    _there, failed = desk.order(1)
    _there, marked = desk.order(1)
    desk.mark(failed)
    desk.centra.shop.break_endpoint("", "status", times=6, code=500)
    desk.run()
    assert fresh(failed).handover_error
    assert desk.state().failed_attempts == 1
    desk.mark(marked)
    desk.later()
    settings.TURN_SECONDS = 0
    desk.run()
    assert (fresh(failed).status, fresh(marked).status) == (Status.NEW, Status.COLLECTING)


def test_a_shop_that_breaks_down_on_order_after_order_is_spared(desk: Desk) -> None:
    orders = [desk.order(1)[1] for _n in range(BORNE + 2)]
    desk.mark(*orders)
    breaks = desk.centra.shop.break_endpoint("POST shipments", "status", times=None, code=500)
    desk.run()
    breaks.refresh_from_db()
    assert (desk.state().failed_attempts, breaks.hits) == (1, BORNE + 1)
    assert {fresh(order).status for order in orders} == {Status.NEW}


def test_what_the_key_may_not_do_stops_nothing_else(desk: Desk) -> None:
    sent, marked = one_sent_and_one_marked(desk)
    desk.centra.plugin.forbid("PUT shipment")
    desk.run()
    assert (fresh(sent).told_at, fresh(marked).status) == (None, Status.COLLECTING)
    assert desk.state().attention == "not allowed"


def test_a_turn_that_is_over_is_gone_on_with(desk: Desk, settings: Any) -> None:
    settings.TURN_SECONDS = 0
    orders = [desk.order(1)[1] for _n in range(3)]
    desk.mark(*orders)
    record = desk.run()
    assert record is not None
    assert record.outcome == SyncRun.Outcome.RUNNING
    for _turn in range(3):
        desk.run()
    assert {fresh(order).status for order in orders} == {Status.COLLECTING}
    record.refresh_from_db()
    assert record.counts["handed_over"] == 3


# --- parts -----------------------------------------------------------------------------------


def test_parts_get_shipments_of_their_own_and_the_freight_is_paid_once(desk: Desk) -> None:
    there, order = desk.order(3)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order)
    desk.run_twice()
    desk.mark(part)
    desk.run_twice()
    assert {fresh(order).status, fresh(part).status} == {Status.COLLECTING}
    shipments = list(there.shipments.order_by("n"))
    assert [shipment.captures for shipment in shipments] == [1, 1]
    assert [shipment.leaves_out_costs for shipment in shipments] == [False, True]
    there.refresh_from_db()
    assert there.captured == there.grand_total
    assert desk.shelf() == (7, 0)


def test_parts_with_the_same_pieces_go_one_after_the_other(desk: Desk) -> None:
    """The shop would hand back the first one's shipment."""
    there, order = desk.order(2)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order, part)
    desk.run_twice()
    assert there.shipments.count() == 1
    assert {fresh(order).status, fresh(part).status} == {Status.COLLECTING, Status.NEW}
    waiting = order if fresh(order).status == Status.NEW else part
    sent = part if waiting == order else order
    assert fresh(waiting).handover_error
    desk.ship(sent)
    desk.later()
    desk.run()
    desk.later()
    desk.run_twice()
    assert fresh(waiting).status == Status.COLLECTING
    assert there.shipments.count() == 2


def test_parts_share_the_one_open_shipment_of_all_their_lines(desk: Desk) -> None:
    there, order = desk.order(3)
    there.create_shipment(good_to_go=True, capture=False)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order, part)
    desk.run_twice()
    assert {fresh(order).status, fresh(part).status} == {Status.COLLECTING}
    assert only(there).captures == 1
    assert fresh(order).shipment == fresh(part).shipment
    assert desk.shelf() == (7, 0)


# --- death between any two steps -------------------------------------------------------------

STEPS: list[tuple[object, str]] = [
    (CentraConnector, "order"),
    (agreeing, "_intend"),
    (CentraConnector, "create_shipment"),
    (agreeing, "_link"),
    (CentraConnector, "capture"),
    (agreeing, "collect"),
    (Stock, "move"),
    (moves, "collect"),
]


@pytest.mark.parametrize("is_adopted", [False, True])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_killed_between_two_steps_it_ends_with_one_shipment_and_one_capture(
    desk: Desk, step: int, after: bool, is_adopted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, order = desk.order()
    if is_adopted:
        there.create_shipment(good_to_go=True, capture=False)
    desk.mark(order)
    owner, name = STEPS[step]
    die(monkeypatch, owner, name, after=after)
    try:
        desk.run()
    except Killed:
        here = fresh(order)
        if name in ("create_shipment", "capture") and here.status == Status.NEW:
            assert here.wait_until is not None
            assert here.wait_until > timezone.now(), "the shop may still be at it"
    monkeypatch.undo()
    desk.later()
    desk.run_twice()
    collected_once(desk, there, order)
