"""What is written when an order is handed over: to the shop, and here.

create()   intent committed ─▶ the call ─▶ its id        refused: the order waits with the reason
adopt()    the shop's shipment is this order's; where it must be paid and is not, its payment is taken
collect()  the pieces leave the shelf, COLLECTING        too few pieces: PENDING, the shipment is kept for later
stop()     back to RESERVED · cancel() ─▶ CANCELLED

Whatever takes an order back to PENDING or RESERVED cancels it where somebody asked for that: the warehouse does not
have it, so nobody else would answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.connectors.base import Connector, NewShipment, OrderData, ShipmentData
from integrations.connectors.errors import Rejected, ShopError, Unavailable
from integrations.models import Integration, Tone
from integrations.sync import Run
from orders import cases, deciding, differences, handing, moves, promise, reading
from orders.handing import Step, pieces_of, total
from orders.intent import alive, answered, ask, is_waiting, locked, parts_of, wait
from orders.models import OPEN, Order, Shipment, Status
from products.models.stock import NotEnough

# Not `wanted`: another part that shares the shipment may have been found short this very moment.
LINKED = (
    "external_id", "pieces", "is_adopted", "is_paid", "made_at", "capture_asked_at", "withdraw_asked_at",
    "withdrawn_at",
)  # fmt: skip
FACTS = ("capture", "paid_elsewhere", "refused", "several", "sent")  # what handing over finds against an order


def captures_now(integration: Integration | None) -> bool:
    """Whether the payment is taken at hand-over."""
    return bool(
        integration and integration.captures == Integration.Captures.HAND_OVER and not integration.is_paid_elsewhere
    )


# --- to the shop ---------------------------------------------------------------------------


def create(run: Run, shop: Connector, order: Order, found: OrderData | None, *, is_later: bool) -> bool:
    """Have the shipment made; says whether to read the shop again: it may have thought again during the call.

    A new one is paid, where so asked; an open one with the same pieces may be handed back as it is. The next look
    tells, and while it may be older than the answer, the money is not asked for again.
    """
    must_capture = captures_now(order.integration)
    there = {one.external_id for one in found.shipments} if found else set()
    shipment = _intend(run, order.pk, must_capture=must_capture)
    if shipment is None:
        return False
    wish = NewShipment(
        order.number, tuple(shipment.pieces.items()), capture=must_capture, deduct_previous_costs=is_later
    )
    try:
        with answered(order, is_seen_later=must_capture):
            made = shop.create_shipment(wish)
    except ShopError as error:
        _not_done(shipment, error, "asked_at", "capture_asked_at")
        if not isinstance(error, Rejected):
            raise
        _refused(run, shop, order.pk, error, asked_for_money=must_capture)
        return False
    with locked(run, order.pk) as fresh:
        is_asked = must_capture and made.external_id not in there
        if made.external_id not in there:
            _leave_to_the_new_one(fresh, made.external_id)
        _link(fresh, made, is_paid=False, capture_asked_at=shipment.capture_asked_at if is_asked else None)
        if must_capture and not is_asked:
            wait(fresh, None)
        run.counts["made"] += 1
    return True


def _not_done(shipment: Shipment, error: ShopError, *asked: str) -> None:
    """What the shop surely did not do was not asked for."""
    if not (isinstance(error, Unavailable) and error.lost_answer):
        Shipment.objects.filter(pk=shipment.pk).update(**dict.fromkeys(asked))


def _intend(run: Run, pk: int, *, must_capture: bool) -> Shipment | None:
    """The row that says what is about to be asked; nothing where the order was called off meanwhile."""
    with locked(run, pk) as order:
        if not order.is_being_handed_over or order.is_cancellation_open:
            return None
        now = timezone.now()
        shipment = order.shipment
        if shipment is not None and shipment.external_id:
            # The shop has it no more: it was deleted there.
            Shipment.objects.filter(pk=shipment.pk, withdrawn_at=None).update(withdrawn_at=now, withdraw_asked_at=None)
            shipment = None
        shipment = shipment or Shipment(integration=order.integration, shop=order.shop, number=order.number)
        money = {"capture_asked_at": now} if must_capture else {}
        ask(shipment, order, asked_at=now, pieces=handing.pieces_of(order.lines.all()), **money)
        Order.objects.filter(pk=pk).update(shipment=shipment)
    return shipment


def adopt(run: Run, shop: Connector, pk: int, shown: ShipmentData) -> bool:
    """The shop has it: take its payment where so set and read again, else begin. Says whether to read again."""
    with locked(run, pk) as order:
        if not order.is_being_handed_over:
            return False
        # Taken and acknowledged is paid, also while the shop does not show it yet: never two captures.
        is_paid = shown.is_paid or _was_taken(order, shown)
        if order.is_cancellation_open and not is_paid:
            return True
        must_capture = captures_now(order.integration) and not is_paid
        if must_capture and is_waiting(order):
            text = _("The payment was asked for, and the shop does not show it yet.")
            Order.objects.filter(pk=pk).update(handover_error=text)
            run.counts["left"] += 1
            return False
        shipment = _link(order, shown, is_paid=is_paid)
        _share(order, shipment)
        if not must_capture:
            wait(order, None)
            _begin(run, order)
            return False
        ask(shipment, order, capture_asked_at=timezone.now())
    try:
        with answered(order):
            shop.capture(shown)
    except ShopError as error:
        _not_done(shipment, error, "capture_asked_at")
        if not isinstance(error, Rejected):
            raise
        _refused(run, shop, pk, error, asked_for_money=True)
        return False
    Shipment.objects.filter(pk=shipment.pk).update(is_paid=True, capture_error="")
    order.tell(_("The payment is taken."), Tone.GOOD)
    return True


def _was_taken(order: Order, shown: ShipmentData) -> bool:
    shipment = order.shipment
    return shipment is not None and shipment.is_paid and shipment.external_id == shown.external_id


def _link(order: Order, shown: ShipmentData, *, is_paid: bool, capture_asked_at: datetime | None = None) -> Shipment:
    """The row of the shop's shipment: the one there is, else the intent that made it, else one the shop made itself."""
    before = order.shipment
    intent = before if before is not None and not before.external_id else None
    there = before if before is not None and before.external_id == shown.external_id else None
    if there is None or there.withdrawn_at:
        there = _one_of_this_id(order, shown) or there
    shipment = there or intent or Shipment(integration=order.integration, shop=order.shop, number=order.number)
    if there is None:
        shipment.is_adopted = intent is None or intent.asked_at is None
    shipment.external_id, shipment.pieces = shown.external_id, dict(shown.pieces)
    shipment.is_paid, shipment.made_at = is_paid, shipment.made_at or timezone.now()
    shipment.capture_asked_at = capture_asked_at
    shipment.withdraw_asked_at = shipment.withdrawn_at = None  # it is wanted again
    shipment.save(update_fields=LINKED if shipment.pk else None)
    if shipment != before or intent is not None:
        order.shipment = shipment
        differences.take_pieces(order, shipment.pieces)
        order.save(update_fields=["shipment", "taken", "changed_at"])
    if there is not None and intent is not None:
        intent.delete()
    if shipment != before or intent is not None:
        word = _("Shipment %(id)s of the shop is used.") if shipment.is_adopted else _("The shop made shipment %(id)s.")
        text = word % {"id": shipment.external_id}
        order.tell(f"{text} {_('It is paid.')}" if is_paid else text, shipment=shipment.external_id)
    return shipment


def _one_of_this_id(order: Order, shown: ShipmentData) -> Shipment | None:
    """The other row that has this id; not where it was another part's and is gone, for the shop used its id anew.

    One that a cancelled part has left unpaid is this order's alone from now on.
    """
    other = _living(order, shown.external_id)
    if other is None:
        return None
    if cases.is_gone(other, pieces_of(order.lines.all()), (shown,)):
        _leave(order, other)
        return None
    if not other.is_paid:
        other.orders.filter(status=Status.CANCELLED).update(shipment=None)
    return other


def _leave_to_the_new_one(order: Order, external_id: str) -> None:
    """The shop made it just now: what had its id before is gone, whatever was in it."""
    if other := _living(order, external_id):
        _leave(order, other)


def _living(order: Order, external_id: str) -> Shipment | None:
    return Shipment.objects.living(order).filter(external_id=external_id).exclude(orders=order).first()


def _leave(order: Order, other: Shipment) -> None:
    text = _("The shop’s shipment %(id)s was deleted there; another one has its number now.")
    for part in alive(parts_of(order).filter(shipment=other)):
        part.tell(text % {"id": other.external_id}, Tone.BAD)
    other.withdrawn_at, other.withdraw_asked_at, other.wanted = timezone.now(), None, None
    other.save(update_fields=["withdrawn_at", "withdraw_asked_at", "wanted"])


def _share(order: Order, shipment: Shipment) -> None:
    """The shop has one shipment for several parts: it is the others' too from now on, whatever becomes of them.

    Then it is completed with the last of them, and lowered where one is cancelled. Where it holds just this order's,
    an open one that shared it, as the part it was split off from, gets its own. Locked by the caller.
    """
    if pieces_of(order.lines.all()) == shipment.pieces:
        return _keep_alone(order, shipment)
    free = Q(shipment=None) | Q(shipment__external_id="", shipment__asked_at=None) | Q(shipment=shipment)
    others = list(alive(parts_of(order).exclude(pk=order.pk).filter(free)).prefetch_related("lines"))
    others = [one for one in others if pieces_of(one.lines.all())]
    if total(pieces_of(one.lines.all()) for one in (order, *others)) != shipment.pieces:
        return
    for one in others:
        if one.shipment_id != shipment.pk:
            Order.objects.filter(pk=one.pk).update(shipment=shipment)
            text = _("Shipment %(id)s of the shop is for %(part)s as well.")
            one.tell(text % {"id": shipment.external_id, "part": order.label}, shipment=shipment.external_id)


def _keep_alone(order: Order, shipment: Shipment) -> None:
    """It holds this part's pieces only: the others that shared it have none there, and each waits for its own."""
    text = _("Shipment %(id)s of the shop holds only the pieces of %(part)s.")
    for one in alive(parts_of(order).filter(shipment=shipment).exclude(pk=order.pk)).prefetch_related("lines"):
        gone = _gone(one, shipment) if one.status not in OPEN and pieces_of(one.lines.all()) else None
        Order.objects.filter(pk=one.pk).update(shipment=gone)
        one.tell(text % {"id": shipment.external_id, "part": order.label}, Tone.WAIT if gone is None else Tone.BAD)


def _gone(part: Order, shipment: Shipment) -> Shipment:
    """What the warehouse has of it is told when the shop has a shipment of these pieces again."""
    return Shipment.objects.create(
        integration=shipment.integration,
        shop=shipment.shop,
        number=shipment.number,
        external_id=shipment.external_id,
        pieces=pieces_of(part.lines.all()),
        is_adopted=shipment.is_adopted,
        made_at=shipment.made_at,
        withdrawn_at=timezone.now(),
    )


def _settle_intent(order: Order, shown: ShipmentData | None) -> None:
    """What was asked for and never answered: the shop made it, or it did not."""
    intent = order.shipment
    if intent is None or intent.external_id:
        return
    if shown is not None and intent.asked_at:
        _link(order, shown, is_paid=shown.is_paid)
    else:
        order.shipment = None
        order.save(update_fields=["shipment"])
        intent.delete()


def _refused(run: Run, shop: Connector, pk: int, error: Rejected, *, asked_for_money: bool) -> None:
    """The shop said no. About the payment: do not ship. Else what the order looks like now tells why, if anything."""
    fact, found = handing.payment_fact(error.reason) if asked_for_money else None, None
    if fact is None:
        order = Order.objects.select_related("integration", "shipment").get(pk=pk)
        found = cases.legible(shop.order(order.number), order)
        decision = handing.decide(cases.case_of(order, found))
        if decision.step is Step.STOP:
            return stop(run, pk, found, decision.facts)
    with locked(run, pk) as order:
        if order.shipment:
            order.shipment.capture_error = fact[1] if fact and fact[0] == "capture" else ""
            order.shipment.error = str(error)
            order.shipment.save(update_fields=["capture_error", "error"])
        key, text = fact or ("refused", str(error))
        again_at = handing.patience(None, timezone.now()) if key == "capture" else None
        _put_back(run, order, {key: text, **_found_in(order, found)}, again_at)


# --- here ----------------------------------------------------------------------------------


def collect(run: Run, pk: int) -> None:
    """Everything is agreed: the pieces leave the shelf and the order is COLLECTING, or it is PENDING again."""
    with locked(run, pk) as order:
        if order.shipment and order.shipment.external_id:
            order.shipment = None  # its lines are none of the shop's by now, and the shop has it no more
        _begin(run, order)


def _begin(run: Run, order: Order) -> None:
    """See `collect`. Locked by the caller, whose other writes stay where the pieces are too few."""
    if not order.is_being_handed_over:
        return
    try:
        with transaction.atomic():
            order.wait_until = None
            moves.collect(order, order.handover_asked_by)
    except NotEnough as error:
        order.refresh_from_db()
        return _back_to_pending(run, order, str(error))
    run.counts["handed_over"] += 1


def _back_to_pending(run: Run, order: Order, why: str) -> None:
    if order.is_cancellation_open:
        return _cancel(run, order)
    order.set_status(Status.PENDING)
    order.handover_asked_at, order.handover_error, order.wait_until = None, "", None
    order.save()
    promise.reserve_for(order)
    text = _("Back to PENDING: %(why)s The shop’s shipment is kept until the pieces are there.")
    order.tell(text % {"why": why}, Tone.WAIT)
    run.counts["stopped"] += 1


def stop(run: Run, pk: int, found: OrderData | None, facts: Mapping[str, str]) -> None:
    """Back to RESERVED with what the shop shows now as the reason. Nothing is written to the shop."""
    with locked(run, pk) as order:
        if not order.is_being_handed_over:
            return
        _take_over(order, found)
        if cases.is_clear(found):
            _settle_intent(order, handing.find(found, "", handing.pieces_of(order.lines.all())))
        _put_back(run, order, {**facts, **_found_in(order, found)} if facts else {})


def _take_over(order: Order, found: OrderData | None) -> None:
    """The order's picture of the shop becomes what the shop shows now."""
    order.is_shown = found is not None
    order.facts = {**order.facts, "digest": ""}  # the next reading looks at it, whatever it shows
    if found is None:
        return
    order.is_on_hold, order.is_suspect = found.is_on_hold, found.is_suspect
    order.waits_for_payment, order.shop_status = found.waits_for_payment, found.status.value
    order.shown_at = timezone.now()
    shown = cases.shown_to(order, found)
    if shown is not None:
        order.offered = differences.offer(order, shown)


def _found_in(order: Order, found: OrderData | None) -> dict[str, str]:
    """Which picture of the shop the facts belong to: while it shows the same, they stand."""
    shown = cases.shown_to(order, found)
    if shown is None or order.integration is None:
        return {}
    return {"found_in": reading.digest(shown, reading.settings_of(order.integration))}


def _put_back(run: Run, order: Order, facts: Mapping[str, str], again_at: datetime | None = None) -> None:
    """The order waits again, with these facts added; decided anew. Locked by the caller."""
    if order.is_cancellation_open:
        return _cancel(run, order)
    run.counts["stopped"] += 1
    order.facts = {**order.facts, **facts}
    order.handover_asked_at, order.handover_error, order.wait_until = None, "", again_at
    order.save()
    order.tell(_("Not handed over to the warehouse."), Tone.BAD)
    deciding.decide(order)


def cancel(
    run: Run, pk: int, shown: ShipmentData | None = None, *, is_paid: bool = False, is_shown: bool = True
) -> None:
    """Somebody asked to cancel before the warehouse had it: there is nothing to answer.

    `shown` is the shop's open shipment of it; where we had it made, it is taken back. `is_shown`: the shop shows the
    order and what is in its shipments, so that what it does not have was not made.
    """
    with locked(run, pk) as order:
        if not order.is_being_handed_over or not order.is_cancellation_open:
            return
        if is_shown:
            _settle_intent(order, shown)
        if is_paid and order.shipment:
            order.shipment.is_paid = True
            order.shipment.save(update_fields=["is_paid"])
        _cancel(run, order)


def _cancel(run: Run, order: Order) -> None:
    """As was asked for. Locked by the caller."""
    order.cancel_answer, order.cancel_answered_at = "agreed", timezone.now()
    order.handover_asked_at, order.handover_error, order.wait_until = None, "", None
    order.save()
    moves.cancel(order, order.cancel_asked_by, _("The warehouse had not begun."))
    run.counts["cancelled"] += 1
