"""Handing over, against the sandbox: what stands on both sides afterwards; run twice, cut off, refused, killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.connectors.centra.connector import CentraConnector
from integrations.models import Integration, SyncRun
from orders import agreeing, handover, moves
from orders.models import Cause, Order, Shipment, Status
from products.models import Movement
from products.models.stock import Stock
from sandbox.models import Order as ShopOrder
from sandbox.models import Wanted
from tests.conftest import Centra
from tests.orders.desk import Desk, Killed, fresh, only

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(centra: Centra) -> Desk:
    centra.plugin.logs_calls = True
    centra.plugin.save()
    return Desk(centra)


def captures(desk: Desk, how: str) -> None:
    Integration.objects.filter(pk=desk.centra.integration.pk).update(captures=how)


def collected_once(desk: Desk, there: ShopOrder, order: Order, *, paid: bool = True) -> None:
    """The one good end: one shipment, one capture, the pieces off the shelf once."""
    there.refresh_from_db()
    shipment = only(there)
    here = fresh(order)
    assert here.status == Status.COLLECTING
    assert (shipment.captures, shipment.is_paid) == ((1, True) if paid else (0, False))
    assert shipment.is_good_to_go
    assert here.shipment is not None
    assert (here.shipment.external_id, here.shipment.is_paid) == (shipment.display_id, paid)
    assert Shipment.objects.count() == 1
    assert desk.shelf() == (7, 0)
    assert desk.in_shop() == (10, 3), "the shop counts it until it is completed"
    assert desk.taken(order) == 3
    assert Movement.objects.filter(why=Movement.Why.COLLECTED).count() == 1
    assert (here.handover_error, here.wait_until) == ("", None)


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


# --- payment ---------------------------------------------------------------------------------


def test_a_refused_payment_holds_the_order_and_is_not_tried_again_by_itself(desk: Desk) -> None:
    there, order = desk.order(capture_fails=True)
    desk.mark(order)
    desk.run_twice()
    here = fresh(order)
    assert (here.status, desk.held(here)) == (Status.RESERVED, {Cause.CAPTURE})
    assert there.shipments.count() == 0
    assert desk.shelf() == (10, 3)
    there.change_flags(capture_fails=False)
    desk.later()
    desk.run_twice()
    assert fresh(order).status == Status.RESERVED, "only a person tries again"
    handover.try_capture_again(here, "Kim Berg")
    desk.run_twice()
    collected_once(desk, there, order)


def test_a_refused_payment_is_freed_when_the_shop_shows_it_paid(desk: Desk) -> None:
    there, order = desk.order(capture_fails=True)
    made = there.create_shipment(good_to_go=True, capture=False)
    desk.mark(order)
    desk.run_twice()
    here = fresh(order)
    assert desk.held(here) == {Cause.CAPTURE}
    assert here.shipment is not None
    assert here.shipment.capture_error
    made.mark_paid()
    desk.later()
    desk.run_twice()
    assert fresh(order).status == Status.NEW
    desk.mark(order)
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert only(there).captures == 0


def test_an_external_payment_is_no_refusal_and_names_the_setting(desk: Desk) -> None:
    there, order = desk.order(is_paid_externally=True)
    desk.mark(order)
    desk.run_twice()
    assert desk.held(fresh(order)) == {Cause.PAID_ELSEWHERE}
    Integration.objects.filter(pk=desk.centra.integration.pk).update(is_paid_elsewhere=True)
    desk.run()
    assert fresh(order).status == Status.NEW, "freed by the setting"
    desk.mark(order)
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert (only(there).captures, only(there).is_paid) == (0, False)


def test_nothing_refused_is_nothing_to_try_again(desk: Desk) -> None:
    _there, order = desk.order()
    with pytest.raises(moves.NotPossible):
        handover.try_capture_again(order, "Kim Berg")


# --- the shop changes its mind ---------------------------------------------------------------

CHANGES: dict[str, tuple[Callable[[Desk, ShopOrder], object], str]] = {
    "hold": (lambda desk, there: there.hold(), Cause.NOT_SHOWN),
    "suspect": (lambda desk, there: there.change_flags(is_suspect=True), Cause.SUSPECT),
    "cancel": (lambda desk, there: there.cancel(), Cause.CHANGED),
    "edit": (lambda desk, there: there.add_line(Wanted(desk.item(), 1)), Cause.CHANGED),
    "send": (lambda desk, there: there.create_shipment(good_to_go=True).complete(), Cause.SENT),
}


def shows_everything(desk: Desk) -> None:
    desk.centra.plugin.order_statuses = [0, 1, 2, 3, 4, 5, 6]
    desk.centra.plugin.save()


@pytest.mark.parametrize("change", CHANGES)
def test_changed_between_asking_and_handing_over_it_is_held_and_nothing_is_written(desk: Desk, change: str) -> None:
    shows_everything(desk)
    there, order = desk.order()
    desk.mark(order)
    act, cause = CHANGES[change]
    act(desk, there)
    shipments = there.shipments.count()
    writes = desk.calls("POST shipments") + desk.calls("PUT capture")
    desk.run_twice()
    here = fresh(order)
    assert here.status == Status.RESERVED
    assert str(cause) in {str(hold) for hold in desk.held(here)}
    assert there.shipments.count() == shipments
    assert desk.calls("POST shipments") + desk.calls("PUT capture") == writes
    assert desk.shelf() == (10, 3)


@pytest.mark.parametrize("change", CHANGES)
def test_changed_between_making_the_shipment_and_beginning_it_is_held(
    desk: Desk, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: the shop has agreed, and thinks again before the pieces leave the shelf."""
    shows_everything(desk)
    captures(desk, Integration.Captures.HAND_OVER)
    there, order = desk.order()
    desk.mark(order)
    act, _cause = CHANGES[change]
    real = CentraConnector.create_shipment

    def made_then_changed(self: CentraConnector, wish: object) -> object:
        made = real(self, wish)  # type: ignore[arg-type]
        there.refresh_from_db()
        if change == "cancel":
            there.shipments.all().delete()
            there.recount_status()
            there.cancel()
        elif change == "send":
            there.shipments.get().complete()
        else:
            act(desk, there)
        return made

    monkeypatch.setattr(CentraConnector, "create_shipment", made_then_changed)
    desk.run_twice()
    here = fresh(order)
    assert here.status == Status.RESERVED
    assert desk.held(here)
    assert there.shipments.count() <= 1
    assert desk.shelf() == (10, 3)


def test_put_on_hold_just_before_the_call_it_is_held_for_that(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop refuses, and the order read again tells why."""
    there, order = desk.order()
    desk.mark(order)
    real = CentraConnector.create_shipment

    def held_then_asked(self: CentraConnector, wish: object) -> object:
        there.hold()
        return real(self, wish)  # type: ignore[arg-type]

    monkeypatch.setattr(CentraConnector, "create_shipment", held_then_asked)
    desk.run_twice()
    here = fresh(order)
    assert here.status == Status.RESERVED
    assert desk.held(here) == {Cause.NOT_SHOWN}, "what the shop said is not kept beside the true reason"
    assert there.shipments.count() == 0


# --- we change our mind ----------------------------------------------------------------------


def test_cancelled_before_the_shop_was_asked_it_is_cancelled_at_once(desk: Desk) -> None:
    there, order = desk.order()
    desk.mark(order)
    assert moves.cancel(fresh(order), "Kim Berg") is False, "a request"
    before = desk.calls()
    desk.run_twice()
    here = fresh(order)
    assert (here.status, here.cancel_answer) == (Status.CANCELLED, "agreed")
    assert desk.calls() == before
    assert there.shipments.count() == 0
    assert desk.shelf() == (10, 0)


def test_cancelled_after_a_lost_answer_the_shipment_that_was_made_is_taken_back(desk: Desk) -> None:
    captures(desk, Integration.Captures.SENT)
    there, order = desk.order()
    desk.mark(order)
    desk.centra.shop.break_endpoint("POST shipments", "lost_answer")
    desk.run()
    assert there.shipments.count() == 1
    moves.cancel(fresh(order), "Kim Berg")
    desk.later()
    desk.run_twice()
    here = fresh(order)
    assert (here.status, here.needs_refund) == (Status.CANCELLED, False)
    assert there.shipments.count() == 0
    assert desk.shelf() == (10, 0)


def test_cancelled_after_the_money_was_taken_it_goes_on_as_a_request(desk: Desk) -> None:
    there, order = desk.order()
    desk.mark(order)
    desk.centra.shop.break_endpoint("POST shipments", "lost_answer")
    desk.run()
    moves.cancel(fresh(order), "Kim Berg")
    desk.later()
    desk.run_twice()
    here = fresh(order)
    assert (here.status, here.is_cancellation_open) == (Status.COLLECTING, True)
    assert only(there).captures == 1


def test_paused_nothing_is_handed_over_and_nothing_may_be_marked(desk: Desk) -> None:
    there, order = desk.order()
    other = desk.order(1)[1]
    desk.mark(order)
    desk.state().pause()
    assert desk.run() is None
    assert there.shipments.count() == 0
    with pytest.raises(moves.NotPossible):
        desk.mark(other)
    desk.state().resume()
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING


def test_too_few_pieces_at_the_last_moment_make_it_pending_and_keep_the_shipment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, order = desk.order()
    desk.mark(order)
    real = CentraConnector.create_shipment

    def made_then_lost(self: CentraConnector, wish: object) -> object:
        made = real(self, wish)  # type: ignore[arg-type]
        desk.put_on_shelf(desk.items[0][1], -9)
        return made

    monkeypatch.setattr(CentraConnector, "create_shipment", made_then_lost)
    desk.run_twice()
    here = fresh(order)
    assert (here.status, here.is_being_handed_over) == (Status.PENDING, False)
    assert only(there).captures == 1
    monkeypatch.undo()
    desk.put_on_shelf(desk.items[0][1], 9)
    from orders import promise

    promise.settle()
    desk.mark(order)
    desk.run_twice()
    collected_once(desk, there, order)


def test_orders_of_another_shop_are_not_told_to_this_one(desk: Desk) -> None:
    there, order = desk.order()
    desk.mark(order)
    Order.objects.filter(pk=order.pk).update(shop="another.example")
    desk.run_twice()
    assert there.shipments.count() == 0
    assert fresh(order).handover_error


def test_marking_rings_the_doorbell(desk: Desk) -> None:
    _there, order = desk.order()
    state = desk.state()
    state.next_run_at = timezone.now() + timedelta(hours=1)
    state.save()
    desk.mark(order)
    handover.ring(desk.centra.integration, "Staff")
    assert desk.state().next_run_at <= timezone.now()


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


def die(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, *, after: bool, turn: int = 1) -> None:
    """The process ends right before, or right after, the `turn`th call of this."""
    real, counted = getattr(owner, name), [0]

    def deadly(*args: object, **kwargs: object) -> object:
        counted[0] += 1
        if counted[0] == turn and not after:
            raise Killed
        answer = real(*args, **kwargs)
        if counted[0] == turn:
            raise Killed
        return answer

    monkeypatch.setattr(owner, name, deadly)


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
