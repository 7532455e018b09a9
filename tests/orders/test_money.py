"""Money that the shop may have taken: it is never taken twice, and nobody forgets to refund it. On both sides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.connectors.base import NewShipment, ShipmentData
from integrations.connectors.centra.connector import CentraConnector
from orders import moves
from orders.models import Order, Shipment, Status
from sandbox.models import Order as ShopOrder
from tests.orders.desk import Desk, fresh, only
from tests.orders.shop import buy, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)


def bought(desk: Desk) -> tuple[ShopOrder, Order]:
    """Bought in the shop, and read by the intake."""
    there = buy(desk.centra, {desk.item(): 3})
    look(desk.centra)
    there.refresh_from_db()
    return there, ours(there)


def hide(desk: Desk, there: ShopOrder, order: Order) -> None:
    """The shop puts it on hold, so the order waits here."""
    desk.centra.shop.faults.all().delete()
    there.refresh_from_db()
    there.hold()
    desk.later()
    desk.run_twice()
    assert fresh(order).status == Status.RESERVED


def asked_later(desk: Desk) -> None:
    """Some time passes, and the shop is asked again."""
    for _n in range(2):
        Shipment.objects.filter(withdraw_asked_at__isnull=False).update(
            withdraw_asked_at=timezone.now() - timedelta(seconds=1)
        )
        desk.later()
        desk.run()


def shown_again(desk: Desk, there: ShopOrder) -> None:
    there.refresh_from_db()
    there.resume()
    sweep(desk.centra)
    asked_later(desk)


def stories(order: Order) -> str:
    return "\n".join(order.events.values_list("text", flat=True))


def made_and_paid(desk: Desk) -> tuple[ShopOrder, Order]:
    """The shop made the shipment and took the money, and broke down on the look afterwards."""
    there, order = bought(desk)
    desk.mark(order)
    desk.centra.shop.break_endpoint("GET orders", "status", code=503, times=None, skip=1)
    desk.run()
    assert only(there).captures == 1
    return there, order


def adopted_and_asked(desk: Desk, kind: str) -> tuple[ShopOrder, Order]:
    """The shop's own shipment; the answer to taking its money was lost."""
    there, order = bought(desk)
    there.create_shipment(good_to_go=True, capture=False)
    desk.centra.shop.break_endpoint("PUT capture", kind)
    desk.mark(order)
    desk.run()
    return there, order


@pytest.mark.parametrize("is_adopted", [False, True])
def test_what_may_have_been_paid_and_is_cancelled_while_hidden_is_asked_to_be_refunded(
    desk: Desk, is_adopted: bool
) -> None:
    there, order = adopted_and_asked(desk, "lost_answer") if is_adopted else made_and_paid(desk)
    hide(desk, there, order)
    moves.cancel(fresh(order), "Kim")
    assert (fresh(order).status, fresh(order).needs_refund) == (Status.CANCELLED, True)
    assert "It may have been paid: look in the shop" in stories(order)
    asked_later(desk)
    assert Shipment.objects.get().withdraw_asked_at is not None, "asked for as long as the shop hides it"
    assert fresh(order).needs_refund
    shown_again(desk, there)
    assert (fresh(order).status, fresh(order).needs_refund) == (Status.CANCELLED, True)
    assert (only(there).is_paid, only(there).captures, only(there).is_sent) == (True, 1, False)
    assert Shipment.objects.get().withdraw_asked_at is None
    assert stories(order).count("It was paid: refund it in the shop") == 1
    assert desk.calls("DELETE shipments") == 0


def test_what_somebody_refunded_before_the_shop_showed_it_is_not_asked_for_again(desk: Desk) -> None:
    there, order = made_and_paid(desk)
    hide(desk, there, order)
    moves.cancel(fresh(order), "Kim")
    moves.refunded(fresh(order), "Kim")
    shown_again(desk, there)
    assert (only(there).is_paid, fresh(order).needs_refund) == (True, False)


def test_after_a_month_it_is_asked_for_no_more_and_the_refund_stands(desk: Desk) -> None:
    there, order = adopted_and_asked(desk, "lost_answer")
    hide(desk, there, order)
    moves.cancel(fresh(order), "Kim")
    Order.objects.update(status_changed_at=timezone.now() - timedelta(days=31))
    asked_later(desk)
    assert Shipment.objects.get().withdraw_asked_at is None
    assert (only(there).is_paid, fresh(order).needs_refund) == (True, True)


def test_what_was_not_taken_after_all_is_not_to_be_refunded_once_the_shop_shows_it(desk: Desk) -> None:
    there, order = adopted_and_asked(desk, "reset")
    hide(desk, there, order)
    moves.cancel(fresh(order), "Kim")
    assert fresh(order).needs_refund
    shown_again(desk, there)
    assert (only(there).is_paid, fresh(order).needs_refund) == (False, False)
    assert stories(order).count("nothing to refund") == 1


def test_what_the_shop_sent_itself_is_not_to_be_refunded(desk: Desk) -> None:
    there, order = made_and_paid(desk)
    hide(desk, there, order)
    moves.cancel(fresh(order), "Kim")
    there.refresh_from_db()
    there.resume()
    only(there).complete()
    asked_later(desk)
    assert (only(there).is_sent, fresh(order).needs_refund) == (True, False)


@pytest.mark.parametrize("answer", ["refused", "shown"])
def test_what_the_shop_refused_or_shows_unpaid_was_not_paid(desk: Desk, answer: str) -> None:
    there, order = bought(desk)
    there.create_shipment(good_to_go=True, capture=False)
    if answer == "refused":
        there.change_flags(capture_fails=True)
    else:
        desk.centra.shop.break_endpoint("PUT capture", "reset")
    desk.mark(order)
    desk.run()
    there.change_flags(is_suspect=True)
    desk.later()
    desk.run_twice()
    assert fresh(order).status == Status.RESERVED
    moves.cancel(fresh(order), "Kim")
    assert (only(there).is_paid, fresh(order).needs_refund) == (False, False)
    asked_later(desk)
    assert not fresh(order).needs_refund


def test_made_and_paid_it_is_not_paid_again_while_the_shop_still_shows_it_unpaid(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, order = bought(desk)
    real = CentraConnector.create_shipment

    def taken_and_shown_late(self: CentraConnector, wish: NewShipment) -> ShipmentData:
        made = real(self, wish)
        there.shipments.update(is_paid=False)
        return made

    monkeypatch.setattr(CentraConnector, "create_shipment", taken_and_shown_late)
    desk.mark(order)
    desk.run_twice()
    assert (desk.calls("POST shipments"), desk.calls("PUT capture")) == (1, 0)
    assert fresh(order).status == Status.NEW
    assert "does not show it yet" in fresh(order).handover_error
    there.shipments.update(is_paid=True)
    desk.later()
    desk.run_twice()
    assert (fresh(order).status, fresh(order).handover_error) == (Status.COLLECTING, "")
    assert (desk.calls("PUT capture"), only(there).captures, only(there).is_paid) == (0, 1, True)


def test_an_open_shipment_handed_back_unpaid_is_paid_when_the_wait_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody in the shop made it between the look and the call."""
    there, order = bought(desk)
    real = CentraConnector.create_shipment

    def overtaken(self: CentraConnector, wish: NewShipment) -> ShipmentData:
        there.create_shipment(good_to_go=True, capture=False)
        return real(self, wish)

    monkeypatch.setattr(CentraConnector, "create_shipment", overtaken)
    desk.mark(order)
    desk.run_twice()
    assert (fresh(order).status, only(there).is_paid) == (Status.NEW, False)
    desk.later()
    desk.run_twice()
    assert fresh(order).status == Status.COLLECTING
    assert (only(there).captures, only(there).is_paid) == (1, True)
