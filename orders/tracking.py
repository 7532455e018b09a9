"""What was sent, and what is no more to be sent → shop.

    tell()      SHIPPED: the shop's shipment is completed with carrier, service, tracking code, parcels; then it is told
    lower()     fewer pieces than the shop's shipment holds are sent: it is lowered to them, as long as it is unpaid
    withdraw()  cancelled after hand-over and unpaid: the shipment that we made is deleted

Each reads first where it may have been asked before. Parts that share a shipment are told when the last one is shipped.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.connectors.base import Connector, OrderData, ParcelData, ShipmentData, ShipmentStatus
from integrations.connectors.errors import Rejected
from integrations.models import Integration, Tone
from integrations.sync import Run
from orders import cases, differences, handing, moves, promise, restoring
from orders.intent import alive, answered, ask, locked, needed, parts_of
from orders.models import OPEN, Order, OrderLine, OrderQuerySet, Shipment, Status
from products import stock

ASKED_FOR = timedelta(days=30)  # so long a shipment to be taken back is asked for, while the shop hides its order


class NotYet(Exception):
    """The shop cannot be told now; the sentence says why."""


# --- shipped -------------------------------------------------------------------------------


def tell(run: Run, shop: Connector, pk: int) -> None:
    """Complete the shop's shipment of this order, unless other parts of it are still to be sent."""
    order = Order.objects.select_related("integration", "shipment").get(pk=pk)
    shipment = order.shipment
    if order.status != Status.SHIPPED or order.told_at is not None:
        return
    if shipment is not None and shipment.withdrawn_at and not handing.pieces_of(order.lines.all()):
        Order.objects.filter(pk=pk).update(shipment=None)  # it held nothing of it
        shipment = None
    if shipment is None or not shipment.external_id:
        return told(run, pk, _("The shop knows nothing of these lines, so it is not told."))
    if _is_incomplete(order, shipment):
        return
    try:
        _complete(run, shop, order, shipment)
    except NotYet as error:
        again_at = handing.patience(order.shipped_at, timezone.now())
        Order.objects.filter(pk=pk).update(tell_error=str(error), wait_until=again_at)
        run.counts["left"] += 1


def _complete(run: Run, shop: Connector, order: Order, shipment: Shipment) -> None:
    """Read where that is needed, then complete; raises `NotYet`."""
    if _must_read(order, shipment):
        shown = look(shop, shipment)
        if shown.status is ShipmentStatus.SENT:
            return told(run, order.pk, _("The shop shows it as sent."), is_paid=shown.is_paid)
    if shipment.wanted is not None:
        lower(run, shop, shipment.pk)
        shipment.refresh_from_db()
        if _is_incomplete(order, shipment):
            return
    must_capture = _must_capture(order, shipment)
    with locked(run, order.pk) as fresh:
        ask(shipment, fresh, complete_asked_at=timezone.now())
    parcel = _parcel(order, shipment)
    sends = order.integration is not None and order.integration.sends_tracking
    try:
        with answered(order):
            shop.complete(_named(shipment), parcel, capture=must_capture, send_email=None if sends else False)
    except Rejected as error:
        return _refused(run, shop, order, shipment, error, asked_for_money=must_capture)
    what = " ".join(word for word in (parcel.carrier, parcel.service, parcel.tracking_code) if word)
    text = _("The shop knows: sent with %(parcel)s.") % {"parcel": what} if what else _("The shop knows: sent.")
    text += " " + _("The payment is taken.") if must_capture else ""
    told(run, order.pk, text, is_paid=shipment.is_paid or must_capture)


def _must_read(order: Order, shipment: Shipment) -> bool:
    """Whether it may be sent already, or be another part's by now; unpaid its pieces may have been changed there."""
    return bool(
        shipment.complete_asked_at
        or shipment.withdrawn_at
        or shipment.capture_error
        or order.tell_error
        or not shipment.is_paid
        or parts_of(order).exclude(pk=order.pk).exists()
    )


def _must_capture(order: Order, shipment: Shipment) -> bool:
    """Whether completing takes the payment; raises `NotYet` where it must not be completed before it is paid."""
    integration = order.integration
    if shipment.is_paid or integration is None or integration.is_paid_elsewhere:
        return False
    if integration.captures == Integration.Captures.NEVER:
        raise NotYet(_("The shop’s shipment is not paid yet. It is completed when the shop shows it paid."))
    if shipment.capture_error:
        raise NotYet(shipment.capture_error)
    return True


def look(shop: Connector, shipment: Shipment) -> ShipmentData:
    """The shop's shipment as it stands now; raises `NotYet` where the shop has none of these pieces.

    One of its id with other pieces is no longer what was sent: changed there, or another part's that has its number.
    """
    order = cases.legible(shop.order(shipment.number), shipment)
    if order is None:
        text = _("The shop no longer shows order %(number)s: it is cancelled or on hold there.")
        raise NotYet(text % {"number": shipment.number})
    shown = _shown(order, shipment)
    if shown is None:
        text = _(
            "The shop no longer has shipment %(id)s. Make one with these pieces there; it is then completed from here."
        )
        raise NotYet(text % {"id": shipment.external_id})
    is_open = shown.status is not ShipmentStatus.SENT and not shipment.withdrawn_at
    if is_open and shown.pieces and dict(shown.pieces) not in (shipment.pieces, shipment.wanted):
        raise NotYet(handing.other_pieces(shown))
    shipment.external_id, shipment.is_paid, shipment.withdrawn_at = shown.external_id, shown.is_paid, None
    if shown.is_paid:
        shipment.capture_error = ""
    if shown.pieces:
        shipment.pieces = dict(shown.pieces)
    with transaction.atomic():
        _of_nobody(shipment).filter(external_id=shown.external_id).update(withdrawn_at=timezone.now())
        shipment.save(update_fields=["external_id", "is_paid", "capture_error", "pieces", "withdrawn_at"])
    return shown


def _shown(order: OrderData, shipment: Shipment) -> ShipmentData | None:
    """The one of its id; where that is gone, an open one with the same pieces that is no other part's."""
    rows = Shipment.objects.living(shipment).exclude(pk=shipment.pk).exclude(pk__in=_of_nobody(shipment))
    theirs = set(rows.values_list("external_id", flat=True))
    free = tuple(one for one in order.shipments if one.external_id not in theirs)
    shown = replace(order, shipments=free)
    if not shipment.withdrawn_at:
        return handing.find(shown, shipment.external_id, shipment.wanted or shipment.pieces)
    # One of the parts that shared it has its own by now.
    left = alive(shipment.orders.all()).prefetch_related("lines")
    return handing.find(shown, "", handing.total(handing.pieces_of(part.lines.all()) for part in left))


def _of_nobody(shipment: Shipment) -> QuerySet[Shipment]:
    """Others of the order that no part waits for, and that nobody paid or sent: the shop may use their ids anew."""
    rows = Shipment.objects.living(shipment).filter(is_paid=False, completed_at=None).exclude(pk=shipment.pk)
    needed = Order.objects.exclude(status=Status.CANCELLED).filter(shipment__in=rows)
    return rows.exclude(pk__in=needed.values("shipment"))


def _refused(
    run: Run, shop: Connector, order: Order, shipment: Shipment, error: Rejected, *, asked_for_money: bool
) -> None:
    """The shop said no: because it is sent already, because of the payment, or for a reason that may pass."""
    if look(shop, shipment).status is ShipmentStatus.SENT:
        return told(run, order.pk, _("The shop shows it as sent."), is_paid=shipment.is_paid)
    fact = handing.payment_fact(error.reason) if asked_for_money else None
    if fact is None:
        raise NotYet(str(error)) from error
    key, text = fact
    if key == "capture":
        text = _("It is sent, but the shop refused the payment: “%(why)s”.") % {"why": error.reason}
        Shipment.objects.filter(pk=shipment.pk).update(capture_error=text)
        order.tell(text, Tone.BAD)
    raise NotYet(text) from error


def told(run: Run, pk: int, text: str, *, is_paid: bool = False) -> None:
    """The shop knows: this order, and the parts that share its shipment, are told; what they counted twice is gone."""
    now = timezone.now()
    with locked(run, pk) as order:
        shipment = order.shipment
        parts = _sharing(order, shipment) if shipment and shipment.external_id else Order.objects.filter(pk=pk)
        untold = list(parts.filter(status=Status.SHIPPED, told_at__isnull=True).order_by("pk"))
        promise.lock_stock(untold)
        for part in untold:
            part.told_at, part.tell_error, part.wait_until = now, "", None
            part.save()
            promise.reserve_for(part)
            part.tell(text, Tone.GOOD)
            moves.settle_return(part)
            run.counts["completed"] += 1
        if shipment and shipment.external_id:
            shipment.completed_at, shipment.is_paid = now, is_paid
            shipment.capture_error = shipment.error = ""
            shipment.save(update_fields=["completed_at", "is_paid", "capture_error", "error"])
        if order.integration:
            lines = OrderLine.objects.filter(order__in=parts, product__isnull=False)
            stock.forget(order.integration, set(lines.values_list("product", flat=True)))


def _sharing(order: Order, shipment: Shipment) -> OrderQuerySet:
    return parts_of(order).filter(shipment=shipment)


def _is_incomplete(order: Order, shipment: Shipment) -> bool:
    """Whether parts that share the shipment are still to be sent."""
    return _sharing(order, shipment).filter(status__in=[*OPEN, Status.COLLECTING]).exists()


def _parcel(order: Order, shipment: Shipment) -> ParcelData:
    """As it travelled; of parts that share a shipment the last one's code, and all their parcels."""
    parts = list(_sharing(order, shipment).filter(status=Status.SHIPPED).order_by("shipped_at", "pk"))
    parcels = sum(part.parcels for part in parts)
    if order.integration is not None and not order.integration.sends_tracking:
        return ParcelData(parcels=parcels)
    last = next((part for part in reversed(parts) if part.tracking_code), parts[-1])
    return ParcelData(last.carrier, last.service, last.tracking_code, parcels=parcels)


def _named(shipment: Shipment) -> ShipmentData:
    """What a call needs of it: its ids and pieces."""
    return ShipmentData(
        external_id=shipment.external_id,
        order_number=shipment.number,
        status=ShipmentStatus.GOOD_TO_GO,
        pieces=tuple(shipment.pieces.items()),
        is_paid=shipment.is_paid,
    )


# --- fewer, or none ------------------------------------------------------------------------


def lower(run: Run, shop: Connector, pk: int) -> None:
    """Make the shop's shipment hold only what is `wanted`. Absolute figures: told twice, nothing happens twice."""
    shipment = Shipment.objects.get(pk=pk)
    if shipment.wanted is None or not shipment.external_id or shipment.completed_at:
        return
    wanted = {line: shipment.wanted.get(line, 0) for line in shipment.pieces}
    if wanted != shipment.pieces:  # else a person in the shop has lowered it
        try:
            shop.change_shipment(_named(shipment), tuple(wanted.items()))
        except Rejected as error:
            return _kept(run, shop, shipment, error)
        _ask_for_no_refund(shipment)  # of a paid one it would have been refused
    shipment.pieces, shipment.error = handing.total([wanted]), ""
    with transaction.atomic():
        _lock_orders(shipment)
        run.keep(run.place)
        now_wanted = Shipment.objects.values_list("wanted", flat=True).get(pk=pk)
        shipment.wanted = None if now_wanted == shipment.wanted else now_wanted
        shipment.save(update_fields=["pieces", "wanted", "error"])
        for order in shipment.orders.all():
            differences.take_pieces(order, shipment.pieces)
            order.save(update_fields=["taken", "changed_at"])
        text = _("The shop’s shipment %(id)s was lowered to what is sent.") % {"id": shipment}
        _tell_all(shipment, text, Tone.GOOD)
    run.counts["lowered"] += 1


def _kept(run: Run, shop: Connector, shipment: Shipment, error: Rejected) -> None:
    """The shop will not lower it. Where it was paid or sent meanwhile, what is missing belongs to the same shipment.

    Else it must not be completed, for then the customer pays for pieces that nobody sends: raises `NotYet`.
    """
    shown = look(shop, shipment)
    if not shown.is_paid and shown.status is not ShipmentStatus.SENT:
        text = _("The shop did not lower shipment %(id)s to what is sent, so it is not completed: %(why)s")
        shipment.error = text % {"id": shipment, "why": error}
        shipment.save(update_fields=["error"])
        raise NotYet(shipment.error) from error
    shipment.wanted, shipment.error = None, str(error)
    shipment.save(update_fields=["wanted", "error"])
    text = _("The shop did not lower shipment %(id)s: %(why)s") % {"id": shipment, "why": error}
    _tell_all(shipment, text, Tone.BAD)
    if shown.is_paid:
        _ask_to_refund(shipment)
    if shown.status is not ShipmentStatus.SENT:
        rest = Order.objects.filter(split_from__shipment=shipment, shipment=None, collected_at=None, status__in=OPEN)
        rest.update(shipment=shipment)  # completed when the last part is shipped
    run.counts["left"] += 1


def withdraw(run: Run, shop: Connector, pk: int) -> None:
    """Delete the shipment of an order that was cancelled, if we made it; not where it was paid or sent meanwhile."""
    shipment = Shipment.objects.get(pk=pk)
    if needed(shipment):
        Shipment.objects.filter(pk=pk).update(withdraw_asked_at=None)
        return
    found = cases.legible(shop.order(shipment.number), shipment)
    is_needed = not shipment.is_adopted or shipment.capture_asked_at is not None
    if found is None and is_needed and _is_recent(shipment):
        raise NotYet(_("The shop does not show this order now; its shipment cannot be taken back."))
    shown = next((one for one in found.shipments if one.external_id == shipment.external_id), None) if found else None
    if shown is not None and (shown.is_paid or shown.status is ShipmentStatus.SENT):
        return _stays(shipment, shown)
    if found is None:
        Shipment.objects.filter(pk=pk).update(withdraw_asked_at=None)
        return
    if shipment.is_adopted:
        Shipment.objects.filter(pk=pk).update(withdraw_asked_at=None, capture_asked_at=None)
        return _ask_for_no_refund(shipment)
    if shown is not None and shown.pieces and dict(shown.pieces) not in (shipment.pieces, shipment.wanted):
        Shipment.objects.filter(pk=pk).update(withdrawn_at=timezone.now(), withdraw_asked_at=None, error="")
        text = _("The shop’s shipment %(id)s has other pieces by now, so it is left there.")
        _tell_all(shipment, text % {"id": shipment}, Tone.WAIT)
        return _ask_for_no_refund(shipment)
    if shown is not None:
        try:
            shop.withdraw(shown)
        except Rejected as error:
            return _stays(shipment, shown, str(error))
    Shipment.objects.filter(pk=pk).update(withdrawn_at=timezone.now(), withdraw_asked_at=None, error="")
    run.counts["withdrawn"] += 1
    _tell_all(shipment, _("The shop’s shipment %(id)s was taken back.") % {"id": shipment}, Tone.GOOD)
    _ask_for_no_refund(shipment)


def _is_recent(shipment: Shipment) -> bool:
    """Whether it is worth asking again for what the shop hides: what it cancelled it never shows again."""
    return shipment.orders.filter(status_changed_at__gt=timezone.now() - ASKED_FOR).exists()


def _stays(shipment: Shipment, shown: ShipmentData, why: str = "") -> None:
    """It cannot be taken back; a person must look after it in the shop."""
    Shipment.objects.filter(pk=shipment.pk).update(withdraw_asked_at=None, is_paid=shown.is_paid, error=why)
    is_sent = shown.status is ShipmentStatus.SENT  # then the customer has it, and the money is due
    if is_sent:
        _ask_for_no_refund(shipment)
    elif shown.is_paid:
        _ask_to_refund(shipment)
    reason = why or (_("The shop has sent it.") if is_sent else _("It was paid: refund it in the shop."))
    text = _("The shop’s shipment %(id)s stays. %(why)s") % {"id": shown.external_id, "why": reason}
    _tell_all(shipment, text, Tone.BAD)


def _ask_to_refund(shipment: Shipment) -> None:
    """It was paid, also for what was cancelled of it; unless somebody has looked, and refunded it, before us."""
    cancelled = shipment.orders.filter(status=Status.CANCELLED)
    cancelled.exclude(facts__has_key=restoring.REFUNDED).update(needs_refund=True)


def _ask_for_no_refund(shipment: Shipment) -> None:
    """It may have been paid when it was cancelled, and it was not, or the money is due."""
    for order in shipment.orders.filter(status=Status.CANCELLED, needs_refund=True):
        Order.objects.filter(pk=order.pk).update(needs_refund=False)
        order.tell(_("There is nothing to refund in the shop."), Tone.GOOD)


def _lock_orders(shipment: Shipment) -> None:
    """Whoever changes what a shipment should hold has locked its order."""
    list(Order.objects.filter(shipment=shipment).lock())


def _tell_all(shipment: Shipment, text: str, tone: str) -> None:
    for order in shipment.orders.all():
        order.tell(text, tone)


def note_shipment(pk: int, why: str, again_at: datetime) -> None:
    """Why it is not lowered or taken back yet; the longer it lasts, the rarer it is tried."""
    shipment = Shipment.objects.get(pk=pk)
    shipment.error = why
    if shipment.withdraw_asked_at:
        shipment.withdraw_asked_at = max(again_at, handing.patience(shipment.made_at, timezone.now()))
    shipment.save(update_fields=["error", "withdraw_asked_at"])
