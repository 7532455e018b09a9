"""Handing over when the shop, the payment or somebody here says no: what stands on both sides afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.connectors.base import ShipmentData
from integrations.connectors.centra.connector import CentraConnector
from integrations.models import Integration
from orders import deleting, differences, handover, moves
from orders.models import Cause, Order, Shipment, Status
from sandbox.models import Order as ShopOrder
from sandbox.models import Wanted
from tests.orders.desk import Desk, captures, collected_once, fresh, only, shows_everything

pytestmark = pytest.mark.django_db(transaction=True)


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


Captures = Integration.Captures
# The call after which the shop thinks again, and whether it made the shipment itself.
LAST_CALLS = {
    "made and paid": ("create_shipment", False, Captures.HAND_OVER),
    "made, paid when sent": ("create_shipment", False, Captures.SENT),
    "made, never paid": ("create_shipment", False, Captures.NEVER),
    "adopted and paid": ("capture", True, Captures.HAND_OVER),
}


@pytest.mark.parametrize("last", LAST_CALLS)
@pytest.mark.parametrize("change", CHANGES)
def test_changed_between_the_last_call_and_beginning_it_is_held(
    desk: Desk, change: str, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: the shop has agreed, and thinks again before the pieces leave the shelf."""
    shows_everything(desk)
    call, is_the_shops, money = LAST_CALLS[last]
    captures(desk, money)
    there, order = desk.order()
    if is_the_shops:
        there.create_shipment(good_to_go=True, capture=False)
    desk.mark(order)
    act, _cause = CHANGES[change]
    real = getattr(CentraConnector, call)

    def called_then_changed(self: CentraConnector, what: object) -> object:
        answer = real(self, what)
        there.refresh_from_db()
        if change == "cancel":
            there.shipments.all().delete()
            there.recount_status()
            there.cancel()
        elif change == "send":
            there.shipments.get().complete()
        else:
            act(desk, there)
        return answer

    monkeypatch.setattr(CentraConnector, call, called_then_changed)
    desk.run_twice()
    here = fresh(order)
    assert here.status == Status.RESERVED
    assert desk.held(here)
    assert there.shipments.count() <= 1
    assert desk.shelf() == (10, 3)


def test_a_payment_that_the_shop_acknowledged_is_not_taken_twice_while_it_still_shows_it_unpaid(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, order = desk.order()
    made = there.create_shipment(good_to_go=True, capture=False)
    desk.mark(order)
    real = CentraConnector.capture

    def taken_and_shown_late(self: CentraConnector, what: ShipmentData) -> None:
        real(self, what)
        type(made).objects.filter(pk=made.pk).update(is_paid=False)

    monkeypatch.setattr(CentraConnector, "capture", taken_and_shown_late)
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert desk.calls("PUT capture") == 1


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
    assert (fresh(order).status, desk.held(order)) == (Status.RESERVED, {Cause.NOT_SHOWN})


def test_asked_to_cancel_and_of_another_shop_before_it_was_begun_it_is_cancelled(desk: Desk) -> None:
    """Nobody asks that shop any more, so nobody else would answer."""
    there, order = desk.order()
    desk.mark(order)
    moves.cancel(order, "Kim")
    Order.objects.filter(pk=order.pk).update(shop="another.example")
    desk.run_twice()
    here = fresh(order)
    assert (here.status, here.cancel_answer, here.handover_asked_at) == (Status.CANCELLED, "agreed", None)
    assert (desk.shelf(), there.shipments.count()) == ((10, 0), 0)


@pytest.mark.parametrize("is_paid", [False, True])
def test_asked_to_cancel_when_its_integration_is_deleted_it_is_cancelled(desk: Desk, is_paid: bool) -> None:
    """The warehouse does not have it, and nobody hands it over any more."""
    there, order = desk.order()
    desk.mark(order)
    if is_paid:
        desk.centra.shop.break_endpoint("POST shipments", "lost_answer")
        desk.run()
    moves.cancel(order, "Kim")
    deleting.delete(desk.centra.integration, "Robin")
    here = fresh(order)
    assert (here.status, here.cancel_answer, here.handover_asked_at) == (Status.CANCELLED, "agreed", None)
    assert (desk.shelf(), here.needs_refund) == ((10, 0), is_paid)
    assert there.shipments.count() == is_paid


def test_of_another_shop_and_its_shipment_asked_for_it_stays_marked_and_says_so(desk: Desk) -> None:
    there, order = desk.order()
    desk.mark(order)
    intent = Shipment.objects.create(integration=order.integration, shop="another.example", number=order.number)
    Order.objects.filter(pk=order.pk).update(shop="another.example", shipment=intent)
    desk.run_twice()
    assert there.shipments.count() == 0
    here = fresh(order)
    assert (here.status, here.handover_error) == (Status.NEW, "The integration points at another shop now.")


def test_marking_rings_the_doorbell(desk: Desk) -> None:
    _there, order = desk.order()
    state = desk.state()
    state.next_run_at = timezone.now() + timedelta(hours=1)
    state.save()
    desk.mark(order)
    handover.ring(desk.centra.integration, "Staff")
    assert desk.state().next_run_at <= timezone.now()


def test_sent_by_hand_and_read_so_while_it_is_being_handed_over_it_is_not_sent_again(desk: Desk) -> None:
    """The intake has written that nothing is open; nothing to ship is not the same as nothing to ask for."""
    there, order = desk.order()
    desk.mark(order)
    there.create_shipment(good_to_go=True).complete()
    order.lines.update(open_in_shop=0)
    shows_everything(desk)
    desk.run_twice()
    assert (fresh(order).status, desk.held(order)) == (Status.RESERVED, {Cause.SENT})
    assert desk.shelf() == (10, 3)


def test_an_order_that_was_read_as_a_shipment_is_just_that_shipment(desk: Desk) -> None:
    there, order = desk.order(3, lines=2)
    first, second = there.lines.all()
    made = there.create_shipment({first.pk: 3}, good_to_go=True, capture=False)
    there.create_shipment({second.pk: 3}, good_to_go=True, capture=False)
    order.lines.filter(external_id=str(second.pk)).delete()
    with desk.centra.integration.connect() as shop:
        data = shop.order(order.number)
    assert data is not None
    shown = next(one for one in data.shipments if one.external_id == made.display_id)
    assert shown.order is not None
    order.shipment = Shipment.objects.create(
        integration=desk.centra.integration,
        shop=order.shop,
        number=order.number,
        external_id=made.display_id,
        pieces=dict(shown.pieces),
        is_adopted=True,
    )
    order.part, order.taken = 1, differences.snapshot(shown.order)
    order.save()
    desk.mark(order)
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert [one.captures for one in there.shipments.order_by("n")] == [1, 0]
