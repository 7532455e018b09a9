"""Telling the shop what was sent, and taking back what is not: what stands on both sides afterwards, run twice."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from integrations.connectors.base import ParcelData
from integrations.connectors.centra.connector import CentraConnector
from integrations.models import Integration
from orders import handover, intent, moves, promise, tracking
from orders.models import Order, Status
from products.models import Reservation, ShopFigure, WebshopProduct
from sandbox.models import Order as ShopOrder
from tests.orders.desk import PARCEL, Desk, Killed, die, fresh, only

pytestmark = pytest.mark.django_db(transaction=True)


def set_(desk: Desk, **fields: object) -> None:
    Integration.objects.filter(pk=desk.centra.integration.pk).update(**fields)


def collecting(desk: Desk, pieces: int = 3, **fields: Any) -> tuple[ShopOrder, Order]:
    """Handed over."""
    there, order = desk.order(pieces, **fields)
    desk.mark(order)
    desk.run()
    assert fresh(order).status == Status.COLLECTING
    return there, order


def told_once(desk: Desk, there: ShopOrder, order: Order, *, captures: int = 1) -> None:
    """The one good end: sent, completed and paid once, nothing counted twice any more."""
    here, shipment = fresh(order), only(there)
    there.refresh_from_db()
    assert (here.status, here.tell_error, here.wait_until) == (Status.SHIPPED, "", None)
    assert here.told_at is not None
    assert here.shipment is not None
    assert here.shipment.completed_at is not None
    assert shipment.is_sent
    assert shipment.completed_at
    assert shipment.captures == captures
    assert there.status == ShopOrder.Status.COMPLETED
    assert desk.shelf() == desk.in_shop() == (7, 0)
    assert not Reservation.objects.filter(reference=order.reservation_key).exists()
    assert order.events.filter(text__startswith="The shop knows").count() <= 1


# --- the good ways ---------------------------------------------------------------------------


def test_shipped_the_shop_knows_carrier_service_code_and_parcels(desk: Desk) -> None:
    there, order = collecting(desk)
    desk.ship(order)
    assert desk.taken(order) == 3
    desk.run_twice()
    told_once(desk, there, order)
    shipment = only(there)
    assert (shipment.carrier, shipment.service, shipment.tracking, shipment.packages) == (
        PARCEL.carrier,
        PARCEL.service,
        PARCEL.tracking_code,
        2,
    )
    assert shipment.email_sent
    assert "SE-0042" in order.events.get(text__startswith="The shop knows").text
    assert desk.calls("PUT shipment") == 1


def test_with_tracking_off_it_is_completed_without_code_and_email(desk: Desk) -> None:
    set_(desk, sends_tracking=False)
    there, order = collecting(desk)
    desk.ship(order)
    desk.run_twice()
    told_once(desk, there, order)
    shipment = only(there)
    assert (shipment.carrier, shipment.tracking, shipment.email_sent, shipment.packages) == ("", "", False, 2)


def test_paid_when_sent_the_money_is_taken_at_completion_once(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    assert only(there).captures == 0
    desk.ship(order)
    desk.run_twice()
    told_once(desk, there, order)


def test_never_capturing_it_waits_until_the_shop_shows_it_paid(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.NEVER)
    there, order = collecting(desk)
    desk.ship(order)
    desk.run()
    here = fresh(order)
    assert here.told_at is None
    assert "not paid yet" in here.tell_error
    assert here.wait_until is not None
    assert here.wait_until > timezone.now()
    before = desk.calls()
    desk.run()
    assert desk.calls() == before, "it is looked at rarely"
    assert not only(there).is_sent
    only(there).mark_paid()
    desk.later()
    desk.run_twice()
    told_once(desk, there, order, captures=0)


def test_paid_outside_centra_it_is_sent_without_asking_for_money(desk: Desk) -> None:
    set_(desk, is_paid_elsewhere=True)
    there, order = collecting(desk, is_paid_externally=True)
    desk.ship(order)
    desk.run_twice()
    assert fresh(order).told_at is not None
    assert (only(there).is_sent, only(there).captures) == (True, 0)


def test_what_the_shop_shows_as_stock_is_not_known_any_more(desk: Desk) -> None:
    _there, order = collecting(desk)
    ShopFigure.objects.create(item=WebshopProduct.objects.get(), told=10)
    desk.ship(order)
    desk.run()
    assert ShopFigure.objects.get().told is None


def test_lines_that_the_shop_does_not_know_are_sent_without_telling_it(desk: Desk) -> None:
    there, order = desk.order()
    order.lines.update(external_id="")
    desk.mark(order)
    desk.run_twice()
    assert (fresh(order).status, fresh(order).shipment) == (Status.COLLECTING, None)
    desk.ship(order)
    desk.run_twice()
    assert fresh(order).told_at is not None
    assert there.shipments.count() == 0
    assert desk.shelf() == (7, 0)


# --- answers that are lost, calls that fail --------------------------------------------------


@pytest.mark.parametrize("kind", ["lost_answer", "truncated", "empty", "reset"])
def test_a_lost_answer_is_waited_for_then_read_and_nothing_happens_twice(desk: Desk, kind: str) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    desk.ship(order)
    desk.centra.shop.break_endpoint("PUT shipment", kind)
    desk.run()
    here = fresh(order)
    assert here.told_at is None
    assert here.tell_error
    before = desk.calls()
    desk.run()
    assert desk.calls() == before
    desk.later()
    desk.run_twice()
    told_once(desk, there, order)


def test_while_the_shop_is_down_it_is_owed_with_the_reason(desk: Desk) -> None:
    there, order = collecting(desk)
    desk.ship(order)
    fault = desk.centra.shop.break_endpoint("", "status", times=None, code=503)
    desk.run_twice()
    here = fresh(order)
    assert here.told_at is None
    assert "503" in here.tell_error
    assert desk.taken(order) == 3, "counted twice until it is completed"
    fault.delete()
    desk.later()
    desk.run_twice()
    told_once(desk, there, order)


def test_a_payment_refused_at_completion_is_not_asked_for_again_by_itself(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    there.change_flags(capture_fails=True)
    desk.ship(order)
    desk.run()
    here = fresh(order)
    assert here.told_at is None
    assert "refused the payment" in here.tell_error
    assert here.shipment is not None
    assert here.shipment.capture_error
    writes = desk.calls("PUT shipment")
    there.change_flags(capture_fails=False)
    desk.later()
    desk.run()
    assert desk.calls("PUT shipment") == writes
    handover.try_capture_again(fresh(order), "Kim Berg")
    desk.run_twice()
    told_once(desk, there, order)


def test_a_payment_refused_at_completion_is_free_when_the_shop_shows_it_paid(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    there.change_flags(capture_fails=True)
    desk.ship(order)
    desk.run()
    only(there).mark_paid()
    desk.later()
    desk.run_twice()
    told_once(desk, there, order, captures=0)


def test_an_external_payment_at_completion_names_the_setting(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    there.change_flags(is_paid_externally=True)
    desk.ship(order)
    desk.run()
    assert "payment is taken outside Centra" in fresh(order).tell_error
    set_(desk, is_paid_elsewhere=True)
    desk.later()
    desk.run_twice()
    assert fresh(order).told_at is not None
    assert (only(there).is_sent, only(there).captures) == (True, 0)


# --- the shop changes its mind ---------------------------------------------------------------


@pytest.mark.parametrize("answer", ["no", "ok"])
def test_sent_by_hand_in_the_shop_before_we_tell_it(desk: Desk, answer: str) -> None:
    desk.centra.shop.set_switch("complete_again", answer)
    there, order = collecting(desk)
    only(there).complete(capture=False)
    desk.ship(order)
    desk.run_twice()
    told_once(desk, there, order)


def test_on_hold_in_the_shop_it_is_told_when_the_shop_resumes(desk: Desk) -> None:
    there, order = collecting(desk)
    there.hold()
    desk.ship(order)
    desk.run()
    assert fresh(order).told_at is None
    assert fresh(order).tell_error
    there.resume()
    desk.later()
    desk.run_twice()
    told_once(desk, there, order)


def test_the_shipment_deleted_in_the_shop_is_said_and_one_made_there_is_completed(desk: Desk) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = collecting(desk)
    only(there).remove()
    desk.ship(order)
    desk.run()
    here = fresh(order)
    assert here.told_at is None
    assert "no longer has shipment" in here.tell_error
    there.refresh_from_db()
    there.create_shipment(capture=False)
    desk.later()
    desk.run_twice()
    told_once(desk, there, order)


# --- parts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_made_anew", [False, True])
def test_with_other_pieces_in_the_shop_it_is_neither_completed_nor_paid(desk: Desk, is_made_anew: bool) -> None:
    set_(desk, captures=Integration.Captures.SENT)
    there, order = desk.order()
    desk.mark(order)
    desk.run_twice()
    line = there.lines.get()
    if is_made_anew:
        only(there).remove()
        there.refresh_from_db()
        there.create_shipment({line.pk: 1}, good_to_go=True, capture=False)
    else:
        only(there).change({line.pk: 1})
    desk.ship(order)
    desk.run_twice()
    here, shown = fresh(order), only(there)
    assert (here.told_at, shown.shipped_at, shown.captures) == (None, None, 0)
    assert "70001-1" in here.tell_error
    assert "other pieces" in here.tell_error
    shown.change({line.pk: 3})
    desk.later()
    desk.run_twice()
    assert (fresh(order).told_at is not None, fresh(order).tell_error) == (True, "")
    shown = only(there)
    assert (shown.tracking, shown.captures, shown.lines.get().qty) == ("SE-0042", 1, 3)


def test_parts_that_share_a_shipment_are_told_when_the_last_one_is_shipped(desk: Desk) -> None:
    there, order = desk.order(3)
    there.create_shipment(good_to_go=True, capture=False)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order, part)
    desk.run()
    desk.ship(order)
    before = desk.calls()
    desk.run_twice()
    assert fresh(order).told_at is None
    assert not only(there).is_sent
    assert desk.calls() == before
    desk.ship(part)
    desk.run_twice()
    told_once(desk, there, order)
    told_once(desk, there, part)
    assert only(there).packages == 4


def test_parts_with_shipments_of_their_own_are_told_one_by_one(desk: Desk) -> None:
    there, order = desk.order(3)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order, part)
    desk.run()
    desk.ship(order)
    desk.run_twice()
    assert (fresh(order).told_at is not None, fresh(part).told_at) == (True, None)
    desk.ship(part)
    desk.run_twice()
    there.refresh_from_db()
    assert there.status == ShopOrder.Status.COMPLETED
    assert (there.captured, [one.captures for one in there.shipments.all()]) == (there.grand_total, [1, 1])
    assert desk.shelf() == desk.in_shop() == (7, 0)


def without_the_first_s_shipment(desk: Desk) -> tuple[ShopOrder, Order, Order]:
    """Two pieces that are being collected, whose shipment the shop has deleted, and one that is not begun."""
    set_(desk, captures=Integration.Captures.SENT)
    there, order = desk.order(3)
    part = moves.split(order, {order.lines.get().pk: 1}, "Kim Berg")
    desk.mark(order)
    desk.run_twice()
    only(there).remove()
    return there, order, part


def test_a_number_that_the_shop_gives_out_again_belongs_to_the_part_that_has_it_now(desk: Desk) -> None:
    """The shop deletes the first part's shipment; the second's gets its number, with other pieces."""
    there, order, part = without_the_first_s_shipment(desk)
    desk.ship(order)
    desk.mark(part)
    desk.run_twice()
    assert (fresh(order).told_at, fresh(part).status) == (None, Status.COLLECTING)
    assert "no longer has shipment" in fresh(order).tell_error
    assert [str(one) for one in there.shipments.all()] == [f"{there.number}-1"]
    desk.ship(part)
    desk.run_twice()
    assert (fresh(part).told_at is None, fresh(order).told_at) == (False, None)
    there.refresh_from_db()
    there.create_shipment(capture=False, deduct_previous_costs=True)
    desk.later()
    desk.run_twice()
    assert fresh(order).told_at is not None
    there.refresh_from_db()
    assert (there.status, there.captured) == (ShopOrder.Status.COMPLETED, there.grand_total)
    assert [(one.lines.get().qty, one.captures) for one in there.shipments.order_by("n")] == [(1, 1), (2, 1)]
    assert desk.shelf() == desk.in_shop() == (7, 0)


@pytest.mark.parametrize("is_collected", [True, False])
def test_a_number_that_the_shops_people_use_again_is_the_part_s_whose_pieces_it_has(
    desk: Desk, is_collected: bool
) -> None:
    """They delete the first part's shipment and make one of the second part's pieces."""
    there, order, part = without_the_first_s_shipment(desk)
    there.create_shipment({there.lines.get().pk: 1}, good_to_go=True, capture=False)
    if is_collected:
        desk.ship(order)
    desk.mark(part)
    desk.run_twice()
    assert fresh(part).status == Status.COLLECTING
    desk.ship(part, ParcelData("PostNord", "MyPack", "SE-0043"))
    desk.run_twice()
    assert fresh(part).told_at is not None
    assert fresh(order).told_at is None
    assert [one.tracking for one in there.shipments.filter(shipped_at__isnull=False)] == ["SE-0043"]


# --- death between any two steps -------------------------------------------------------------

STEPS: list[tuple[object, str]] = [
    (CentraConnector, "order"),
    (tracking, "ask"),
    (CentraConnector, "complete"),
    (tracking, "told"),
    (intent, "wait"),
    (promise, "reserve_for"),
]


@pytest.mark.parametrize("how", [Integration.Captures.HAND_OVER, Integration.Captures.SENT])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(len(STEPS)))
def test_killed_between_two_steps_it_is_sent_and_paid_once(
    desk: Desk, step: int, after: bool, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_(desk, captures=how)
    there, order = collecting(desk)
    desk.ship(order)
    owner, name = STEPS[step]
    die(monkeypatch, owner, name, after=after)
    try:
        desk.run()
    except Killed:
        here = fresh(order)
        if name == "complete":
            assert here.wait_until is not None
            assert here.wait_until > timezone.now()
    monkeypatch.undo()
    desk.later()
    desk.run_twice()
    told_once(desk, there, order)
