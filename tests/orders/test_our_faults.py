"""A fault of our own in one order: it is held or says so, is tried again, and all others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from integrations import sync
from integrations.models import SyncRun
from orders import agreeing, deciding, faults, filling, handing, handover, intake, promise, splitting, tracking, unread
from orders.models import Cause, Order, OrderProcessing, SeenOrder, Status, Verdict
from products.models import Stock
from tests.conftest import Centra
from tests.orders.desk import Desk, Killed, fresh, only
from tests.orders.shop import active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)


def fail_where(
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    is_meant: Callable[..., bool],
    error: BaseException | None = None,
) -> None:
    """A fault of ours in this function, for what is meant only."""
    real = getattr(owner, name)

    def faulty(*args: Any, **kwargs: Any) -> Any:
        if is_meant(*args, **kwargs):
            raise error or KeyError("a fault of ours")
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, faulty)


# --- hand-over and tracking ------------------------------------------------------------------


def test_one_order_at_which_we_fail_stops_no_hand_over_and_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    _there, bad = desk.order(1)
    _there, good = desk.order(1)
    desk.mark(bad, good)
    fail_where(monkeypatch, handing, "decide", lambda case: case.found and case.found.number == bad.number)
    record = desk.run()
    assert record is not None
    assert (record.outcome, record.notes) == (SyncRun.Outcome.SUCCEEDED, [str(faults.TEXT)])
    assert fresh(good).status == Status.COLLECTING
    here = fresh(bad)
    assert (here.status, here.is_being_handed_over, here.handover_error) == (Status.NEW, True, str(faults.TEXT))
    assert here.wait_until is not None
    assert len(our_faults) == 1
    monkeypatch.undo()
    desk.later()
    desk.run_twice()
    assert (fresh(bad).status, fresh(bad).handover_error) == (Status.COLLECTING, "")


def test_failing_after_the_shop_was_asked_still_makes_one_shipment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    there, order = desk.order()
    desk.mark(order)
    fail_where(monkeypatch, agreeing, "_link", lambda *_args, **_named: True)
    desk.run()
    assert len(our_faults) == 1
    monkeypatch.undo()
    desk.later()
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert (there.shipments.count(), only(there).captures) == (1, 1)


def test_one_parcel_at_which_we_fail_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    bad_there, bad = desk.order(1)
    good_there, good = desk.order(1)
    desk.mark(bad, good)
    desk.run()
    desk.ship(bad)
    desk.ship(good)
    fail_where(monkeypatch, tracking, "_parcel", lambda order, _shipment: order.pk == bad.pk)
    desk.run()
    assert (only(good_there).is_sent, only(bad_there).is_sent) == (True, False)
    assert (fresh(bad).told_at, fresh(bad).tell_error) == (None, str(faults.TEXT))
    assert len(our_faults) == 1
    monkeypatch.undo()
    desk.later()
    desk.run_twice()
    assert only(bad_there).is_sent
    assert fresh(bad).told_at is not None


@pytest.mark.parametrize("error", [sync.LostLease(), sync.TurnOver(), OperationalError("away")])
def test_what_is_no_fault_of_one_order_ends_the_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    _there, order = desk.order(1)
    desk.mark(order)
    with monkeypatch.context() as patch:
        fail_where(patch, handing, "decide", lambda _case: True, error)
        record = desk.run()
    assert record is not None
    assert record.outcome != SyncRun.Outcome.SUCCEEDED
    assert fresh(order).handover_error == ""
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING


def test_a_death_passes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _there, order = desk.order(1)
    desk.mark(order)
    fail_where(monkeypatch, handing, "decide", lambda _case: True, Killed())
    with pytest.raises(Killed):
        desk.run()


# --- intake ----------------------------------------------------------------------------------


def test_one_order_that_we_fail_to_read_is_held_and_the_rest_come_in(
    centra: Centra, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    active_method(centra)
    sweater = goods(centra)
    bad, good = buy(centra, {sweater.size: 1}), buy(centra, {sweater.size: 1})
    fail_where(monkeypatch, filling, "make_lines", lambda order, *_rest: order.number == str(bad.number))
    assert look(centra).outcome == SyncRun.Outcome.SUCCEEDED
    assert ours(good).status == Status.NEW
    hold = ours(bad).holds.get()
    assert (hold.cause, str(faults.TEXT) in hold.text) == (Cause.UNREADABLE, True)
    assert SeenOrder.objects.filter(number=str(bad.number)).exists()
    assert our_faults
    monkeypatch.undo()
    look(centra)
    assert (ours(bad).status, ours(bad).pieces) == (Status.NEW, 1)


def test_where_even_holding_fails_the_number_is_kept_as_unread(
    centra: Centra, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    active_method(centra)
    sweater = goods(centra)
    bad, good = buy(centra, {sweater.size: 1}), buy(centra, {sweater.size: 1})
    fail_where(monkeypatch, deciding, "enter", lambda order, *_rest, **_named: order.number == str(bad.number))
    assert look(centra).outcome == SyncRun.Outcome.SUCCEEDED
    assert ours(good).status == Status.NEW
    seen = SeenOrder.objects.get(number=str(bad.number))
    assert (seen.verdict, Order.objects.count()) == (Verdict.UNREADABLE, 1)
    assert our_faults
    monkeypatch.undo()
    look(centra)
    assert ours(bad).status == Status.NEW


def test_one_order_that_we_fail_to_miss_stops_no_other(
    centra: Centra, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    active_method(centra)
    sweater = goods(centra)
    bad, good = buy(centra, {sweater.size: 1}), buy(centra, {sweater.size: 1})
    look(centra)
    bad.hold()
    good.hold()
    fail_where(monkeypatch, unread, "miss_one", lambda _into, order: order.number == str(bad.number))
    assert sweep(centra).outcome == SyncRun.Outcome.SUCCEEDED
    assert {hold.cause for hold in ours(good).holds.all()} == {Cause.NOT_SHOWN}
    assert {hold.cause for hold in ours(bad).holds.all()} == {Cause.UNREADABLE}
    assert our_faults


@pytest.mark.parametrize("error", [sync.LostLease(), OperationalError("away")])
def test_the_lease_or_the_database_lost_while_reading_holds_no_order(
    centra: Centra, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    active_method(centra)
    sweater = goods(centra)
    buy(centra, {sweater.size: 1})
    fail_where(monkeypatch, filling, "make_lines", lambda *_args: True, error)
    record = sync.run(centra.integration.state("intake").pk, intake.intake)
    assert record is not None
    assert record.outcome != SyncRun.Outcome.SUCCEEDED
    assert not Order.objects.exists()


# --- what runs for all merchants together ------------------------------------------------------


def test_one_order_that_we_fail_to_decide_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    orders = [desk.order(1)[1] for _one in range(2)]
    for order in orders:
        Order.objects.filter(pk=order.pk).update(facts={"refused": "no"})
        deciding.decide_again([order.pk])
        Order.objects.filter(pk=order.pk).update(facts={})
    with monkeypatch.context() as patch:
        fail_where(patch, deciding, "look_up", lambda order, *_rest: order.pk == orders[0].pk)
        deciding.decide_held()
    assert [fresh(order).status for order in orders] == [Status.RESERVED, Status.NEW]
    assert len(our_faults) == 1
    deciding.decide_held()
    assert fresh(orders[0]).status == Status.NEW


def test_one_order_that_we_fail_to_free_stops_no_hand_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    _there, bad = desk.order(1)
    Order.objects.filter(pk=bad.pk).update(facts={"paid_elsewhere": "choose"})
    deciding.decide_again([bad.pk])
    _there, good = desk.order(1)
    desk.mark(good)
    desk.centra.integration.is_paid_elsewhere = True
    desk.centra.integration.save()
    fail_where(monkeypatch, handover, "free", lambda *_args, **_named: True)
    desk.run()
    assert (fresh(good).status, fresh(bad).status) == (Status.COLLECTING, Status.RESERVED)
    assert len(our_faults) == 1


def test_one_stock_that_we_fail_to_settle_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    _there, order = desk.order(1, lines=2)
    bad, _other = Stock.objects.order_by("pk")
    for product in (desk.items[0][1], desk.items[1][1]):
        desk.put_on_shelf(product, -10)
    fail_where(monkeypatch, promise, "_settle_stock", lambda pk: pk == bad.pk)
    promise.settle()
    assert fresh(order).status == Status.PENDING
    assert list(Stock.objects.order_by("pk").values_list("is_unsettled", flat=True)) == [True, False]
    assert len(our_faults) == 1


def test_one_order_that_we_fail_to_split_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, our_faults: list[BaseException]
) -> None:
    orders = [desk.order(8, lines=2)[1]]
    OrderProcessing.objects.create(merchant=desk.centra.integration.merchant, splits_pending=True)
    desk.put_on_shelf(desk.items[0][1], -5)
    promise.settle()
    third, fourth = desk.item(), desk.item()
    there = desk.centra.shop.place_order({third: 8, fourth: 8})
    there.confirm()
    orders.append(desk.take(there))
    desk.put_on_shelf(desk.items[2][1], -5)
    promise.settle()
    assert [fresh(order).status for order in orders] == [Status.PENDING, Status.PENDING]
    fail_where(monkeypatch, splitting, "_split", lambda pk: pk == orders[0].pk)
    assert splitting.split_pending() == 1
    assert (orders[0].splits.count(), orders[1].splits.count()) == (0, 1)
    assert len(our_faults) == 1
