"""From one status to another, by whom and with what for the stock. The rules of who may what stand here.

    DRAFT ──save as new──▶ enter()   NEW · PENDING · RESERVED with reasons
    NEW, PENDING, RESERVED ──to_draft()──▶ DRAFT ──▶ …
    DRAFT, NEW, PENDING, RESERVED ──cancel()──▶ CANCELLED ──save as new──▶ restoring.py ──▶ enter()
    NEW ──ask_to_hand_over()──▶ the hand-over job ──collect()──▶ COLLECTING ──ship()──▶ SHIPPED
    COLLECTING ──ask_to_cancel()──▶ the warehouse answers ──agree()──▶ CANCELLED
    SHIPPED ──returning.py──▶ all came back, and nothing is owed to the shop ──settle_return()──▶ RETURNED

Each is one transaction on one order, which is locked first. What is not possible raises `NotPossible` with a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.connectors.base import ParcelData
from integrations.models import SyncState, Tone
from orders import deciding, intent, promise, restoring
from orders.handing import pieces_of
from orders.models import OPEN, SPLIT_PARTS, Order, OrderLine, Status
from orders.models.hold import MAY_BE_OVERRULED, Cause
from products import reserve
from products.models import Movement

P = ParamSpec("P")
R = TypeVar("R")

HAND_OVER = "hand-over"  # the pipe of handing over and tracking
SHOP = restoring.SHOP


class NotPossible(Exception):
    """The order cannot do that now; the sentence says why. Nothing was changed."""


def _on_locked(move: Callable[Concatenate[Order, P], R]) -> Callable[Concatenate[Order, P], R]:
    """Run on the order as it is now, locked; the caller's instance is brought up to date afterwards."""

    @wraps(move)
    def locked(order: Order, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic():
            fresh = Order.objects.select_related("merchant", "integration", "warehouse").lock().get(pk=order.pk)
            answer = move(fresh, *args, **kwargs)
        order.refresh_from_db()
        return answer

    return locked


def may_become(order: Order) -> list[Status]:
    """The statuses to which a merchant's user may move this order by the status bar."""
    if order.is_being_handed_over:
        return []
    return {
        Status.DRAFT: [Status.NEW, Status.RESERVED, Status.CANCELLED],
        Status.NEW: [Status.DRAFT, Status.CANCELLED],
        Status.PENDING: [Status.DRAFT, Status.CANCELLED],
        Status.RESERVED: [Status.NEW, Status.DRAFT, Status.CANCELLED],
        Status.CANCELLED: [] if restoring.why_not(order) else [Status.NEW],
    }.get(Status(order.status), [])


def move(order: Order, to: Status, who: str) -> None:
    """What the status bar does."""
    if to == Status.NEW:
        save_as_new(order, who)
    elif to == Status.DRAFT:
        to_draft(order, who)
    elif to == Status.RESERVED:
        reserve_on_purpose(order, who)
    elif to == Status.CANCELLED:
        cancel(order, who)
    else:
        raise NotPossible(_("Nobody can move an order to %(status)s by hand.") % {"status": to.label})


@_on_locked
def save_as_new(order: Order, who: str) -> None:
    """From DRAFT, RESERVED or CANCELLED to the warehouse, if nothing stands against it."""
    if order.status == Status.CANCELLED:
        if why := restoring.why_not(order):
            raise NotPossible(why)
        restoring.restore(order)
    elif order.status not in (Status.DRAFT, Status.RESERVED):
        raise NotPossible(_("An order that is %(status)s cannot be saved as NEW.") % {"status": order.status.upper()})
    deciding.enter(order, who)


@_on_locked
def to_draft(order: Order, who: str) -> None:
    """Open it for editing: it holds nothing until it is saved as NEW."""
    if order.status not in (Status.NEW, Status.PENDING, Status.RESERVED):
        raise NotPossible(_("An order that is %(status)s cannot be edited.") % {"status": order.status.upper()})
    _check_not_being_handed_over(order)
    _leave(order, Status.DRAFT)
    order.tell(_("Opened for editing: DRAFT. Its pieces are free."), Tone.NONE, who)


@_on_locked
def reserve_on_purpose(order: Order, who: str) -> None:
    """Hold the pieces until somebody saves it as NEW."""
    if order.status != Status.DRAFT:
        raise NotPossible(_("Only a DRAFT can be reserved."))
    order.holds.all().delete()
    order.set_status(Status.RESERVED)
    promise.reserve_for(order)
    order.save()
    order.tell(_("RESERVED on purpose."), Tone.NONE, who)


@_on_locked
def cancel(order: Order, who: str, why: str = "") -> bool:
    """Cancel; while it is being handed over this becomes a request. Says whether it is cancelled now."""
    if order.status == Status.CANCELLED:
        return True
    if order.is_being_handed_over or order.status == Status.COLLECTING:
        _ask_to_cancel(order, who, why)
        return False
    if order.status not in OPEN:
        raise NotPossible(_("An order that is %(status)s cannot be cancelled.") % {"status": order.status.upper()})
    order.offered = None
    is_unsure = intent.may_be_paid(order)
    order.needs_refund = is_unsure or intent.is_paid(order)
    _leave(order, Status.CANCELLED)
    intent.let_go(order)
    order.tell(_("Cancelled. %(why)s") % {"why": why} if why else _("Cancelled."), Tone.NONE, who)
    if is_unsure:
        order.tell(_("It may have been paid: look in the shop whether it took the money, and refund it."), Tone.BAD)
    elif order.needs_refund:
        order.tell(_("It was paid: refund it in the shop."), Tone.BAD)
    return True


@_on_locked
def ask_to_cancel(order: Order, who: str, why: str = "") -> None:
    """*Request a cancellation*: the warehouse answers."""
    if order.status != Status.COLLECTING and not order.is_being_handed_over:
        raise NotPossible(_("Only an order in COLLECTING needs a request; others are cancelled at once."))
    _ask_to_cancel(order, who, why)


def withdraw_request(order: Order, who: str) -> None:
    """Who asked to cancel asks no more, as long as nobody has answered. Locked and saved by the caller."""
    if order.status == Status.COLLECTING and order.is_cancellation_open and order.cancel_asked_by == who:
        order.cancel_asked_at, order.cancel_asked_by = None, ""
        order.tell(_("The request to cancel is withdrawn."), Tone.GOOD, who)


@_on_locked
def leave_untold(order: Order, who: str) -> None:
    """*Leave it*: the shop hides the order or has closed it, so nobody tells it that it was sent."""
    if order.status != Status.SHIPPED or order.told_at or not order.is_over_in_shop:
        raise NotPossible(_("Only what was sent, and what the shop has closed or no longer shows, can be left untold."))
    order.told_at, order.tell_error, order.wait_until = timezone.now(), "", None
    order.save()
    promise.reserve_for(order)
    order.tell(_("The shop is not told any more that it was sent."), Tone.NONE, who)
    settle_return(order)


def _ask_to_cancel(order: Order, who: str, why: str) -> None:
    if order.is_cancellation_open:
        return
    if order.cancel_answer == "too late" and who != SHOP:
        raise NotPossible(_("The warehouse has answered that it is too late to cancel."))
    order.cancel_asked_at, order.cancel_asked_by = timezone.now(), who[:120]
    order.cancel_answer, order.cancel_answered_at = "", None
    order.save()
    text = _("Cancellation requested. The warehouse answers.")
    order.tell(f"{text} {why}".strip(), Tone.WAIT, who)


def _leave(order: Order, status: Status) -> None:
    """To a status that holds nothing."""
    order.holds.all().delete()
    order.set_status(status)
    order.handover_asked_at = None
    order.save()
    promise.reserve_for(order)


def _check_not_being_handed_over(order: Order) -> None:
    if order.is_being_handed_over:
        raise NotPossible(_("It is being handed over to the warehouse. Request a cancellation instead."))


@_on_locked
def overrule(order: Order, causes: Iterable[Cause], who: str) -> None:
    """*Send it all the same*: of address, phone, customs and customisation only."""
    wanted = {cause.value for cause in causes if cause in MAY_BE_OVERRULED}
    if not wanted:
        raise NotPossible(_("This reason cannot be overruled; it must be mended."))
    if order.status != Status.RESERVED:
        raise NotPossible(_("Only an order that waits can be sent all the same."))
    order.overruled = sorted({*order.overruled, *wanted})
    labels = ", ".join(str(Cause(cause).label) for cause in sorted(wanted))
    order.tell(_("Overruled: %(what)s.") % {"what": labels}, Tone.NONE, who)
    deciding.decide(order)


# --- the warehouse -------------------------------------------------------------------------


@_on_locked
def ask_to_hand_over(order: Order, who: str) -> None:
    """*Mark as collecting*: committed at once, done by the hand-over job. Orders made by hand are collected at once."""
    if order.status != Status.NEW:
        raise NotPossible(
            _("%(order)s is %(status)s, not NEW.") % {"order": order.label, "status": order.status.upper()}
        )
    if order.handover_asked_at:
        return
    if order.integration is not None and _is_paused(order):
        raise NotPossible(
            _("%(order)s: hand-over and tracking of %(shop)s is paused, so nothing may be collected.")
            % {"order": order.label, "shop": order.integration.label}
        )
    order.handover_asked_at, order.handover_asked_by, order.handover_error = timezone.now(), who[:120], ""
    order.save()
    order.tell(_("Marked as collecting; being handed over."), Tone.NONE, who)
    if order.integration is None:
        collect(order, who)


def _is_paused(order: Order) -> bool:
    return SyncState.objects.filter(integration=order.integration_id, pipe=HAND_OVER, is_paused=True).exists()


def collect(order: Order, who: str) -> None:
    """The shop agreed: the pieces leave the shelf and the order is COLLECTING. Raises `NotEnough`.

    Locked by the caller, as the only move that the hand-over makes among writes of its own.
    """
    if order.status != Status.NEW:
        raise NotPossible(
            _("%(order)s is %(status)s, not NEW.") % {"order": order.label, "status": order.status.upper()}
        )
    order.set_status(Status.COLLECTING)
    order.collected_at, order.handover_error, order.offered = timezone.now(), "", None
    order.save()
    order.holds.all().delete()
    reserve.take(promise.holder(order), promise.claims(order), who)
    order.tell(_("Handed over to %(house)s: COLLECTING.") % {"house": order.warehouse.code}, Tone.GOOD, who)


@_on_locked
def ship(order: Order, parcel: ParcelData, who: str) -> None:
    """*Mark as shipped*: carrier, tracking code, parcels. The shop is told by the job."""
    if order.status == Status.SHIPPED:
        return
    if order.status != Status.COLLECTING:
        raise NotPossible(
            _("%(order)s is %(status)s, not COLLECTING.") % {"order": order.label, "status": order.status.upper()}
        )
    if order.is_cancellation_open:
        raise NotPossible(_("%(order)s: answer the request to cancel it first.") % {"order": order.label})
    if any(line.found is not None and line.found < line.pieces for line in order.lines.all()):
        raise NotPossible(_("%(order)s: fewer pieces were found; the merchant decides first.") % {"order": order.label})
    method = order.method
    order.carrier = parcel.carrier or (method.carrier.name if method else "")
    order.service = parcel.service or (method.service if method else "")
    order.tracking_code, order.parcels = parcel.tracking_code.strip()[:120], max(1, parcel.parcels)
    order.shipped_at = timezone.now()
    order.set_status(Status.SHIPPED)
    if order.integration is None:
        order.told_at = order.shipped_at  # nobody is to be told
    order.save()
    promise.reserve_for(order)
    order.tell(_("SHIPPED. %(parcel)s") % {"parcel": _parcel(order)}, Tone.GOOD, who)


def _parcel(order: Order) -> str:
    what = " ".join(word for word in (order.carrier, order.service) if word)
    code = order.tracking_code or _("no tracking code")
    return f"{what}, {code}" if what else code


@_on_locked
def answer_cancellation(order: Order, who: str, *, is_agreed: bool) -> None:
    """The warehouse's answer: agreed puts the pieces back, refused says that it is too late."""
    if not order.is_cancellation_open:
        raise NotPossible(_("%(order)s: nobody asks for a cancellation.") % {"order": order.label})
    if order.status != Status.COLLECTING:
        raise NotPossible(_("%(order)s is being handed over; answer when that is done.") % {"order": order.label})
    order.cancel_answer, order.cancel_answered_at = ("agreed" if is_agreed else "too late"), timezone.now()
    if not is_agreed:
        order.save()
        order.tell(_("Too late to cancel: the warehouse goes on."), Tone.BAD, who)
        return
    lost = sum(line.pieces - line.found for line in order.lines.all() if line.found is not None)
    back = [
        replace(claim, deducted=max(0, claim.deducted - _lost(order, claim.product))) for claim in promise.claims(order)
    ]
    order.needs_refund = bool(order.shipment and order.shipment.is_paid) and not restoring.is_sent_by_hand(order)
    order.set_status(Status.CANCELLED)
    order.save()
    reserve.put_back(promise.holder(order), back, Movement.Why.PUT_BACK, who)
    intent.let_go(order)
    n = sum(claim.deducted for claim in back)
    text = ngettext("%(n)d piece is back on the shelf.", "%(n)d pieces are back on the shelf.", n) % {"n": n}
    order.tell(f"{_('Cancelled by the warehouse.')} {text if n else ''}".strip(), Tone.GOOD, who)
    if lost:
        text = ngettext(
            "%(n)d piece that was not found is not put back.",
            "%(n)d pieces that were not found are not put back.",
            lost,
        )
        order.tell(text % {"n": lost}, Tone.WAIT, who, lost=lost)
    if order.needs_refund:
        order.tell(_("It was paid: refund it in the shop."), Tone.BAD)


def _lost(order: Order, product: int) -> int:
    """Pieces of a product that were not found at picking: they are not there to be put back."""
    lines = [line for line in order.lines.all() if line.product_id == product and line.found is not None]
    return sum(line.pieces - (line.found or 0) for line in lines)


@_on_locked
def refunded(order: Order, who: str) -> None:
    """*Refund it in Centra* is ticked off."""
    if not order.needs_refund:
        raise NotPossible(_("Nothing is to be refunded, or it was ticked off meanwhile."))
    order.needs_refund = False
    if order.status == Status.CANCELLED:
        order.facts = {**order.facts, restoring.REFUNDED: True}
    order.save()
    order.tell(_("Refunded in the shop."), Tone.GOOD, who)


def settle_return(order: Order, who: str = "") -> None:
    """RETURNED where everything came back, and the shop need not be told any more that it was sent.

    Until then it stays SHIPPED: what the shop does not know to be sent, it cannot take back. Locked by the caller.
    """
    is_owed = order.integration_id is not None and order.told_at is None
    if order.status != Status.SHIPPED or is_owed or not order.returned or order.returned < order.pieces:
        return
    order.set_status(Status.RETURNED)
    order.save()
    promise.reserve_for(order)
    order.tell(_("RETURNED: everything that was sent has come back."), Tone.NONE, who)


# --- splitting -----------------------------------------------------------------------------


@_on_locked
def split(order: Order, pieces: dict[int, int], who: str) -> Order:
    """Move these pieces (line id → pieces) into a part of their own, which is decided by itself.

    Only of an order that is not handed over; something must stay in both.
    """
    if order.status not in (Status.NEW, Status.PENDING, Status.RESERVED, Status.DRAFT) or order.is_being_handed_over:
        raise NotPossible(_("An order that is %(status)s cannot be split.") % {"status": order.status.upper()})
    lines = list(order.lines.all())
    moved = {line.pk: pieces.get(line.pk, 0) for line in lines}
    if any(not 0 <= moved[line.pk] <= line.pieces for line in lines):
        raise NotPossible(_("A part cannot have more pieces than the order."))
    if not sum(moved.values()) or sum(moved.values()) == sum(line.pieces for line in lines):
        raise NotPossible(_("Some pieces must go and some must stay."))
    part = part_of(order, who)
    for line in lines:
        move_pieces(line, moved[line.pk], part)
    order.__dict__.pop("_prefetched_objects_cache", None)
    for one in (order, part):
        one.add_up()
        if one.shipment and one.shipment.external_id and not pieces_of(one.lines.all()):
            one.shipment = None  # it holds nothing of this part
        one.save(update_fields=["total", "shipment"])
    n = sum(moved.values())
    text = ngettext("Split: %(n)d piece went to %(part)s.", "Split: %(n)d pieces went to %(part)s.", n)
    order.tell(text % {"n": n, "part": part.label}, Tone.NONE, who)
    _settle_both(order, part, who)
    return part


def _settle_both(order: Order, part: Order, who: str) -> None:
    """Both parts decided anew; of one that is RESERVED on purpose the part is so too, until somebody saves it."""
    if order.status == Status.DRAFT:
        return
    is_on_purpose = order.status == Status.RESERVED and not order.holds.exists()
    deciding.decide(order)
    if not is_on_purpose:
        deciding.enter(part, who)
        return
    part.set_status(Status.RESERVED)
    part.save()
    promise.reserve_for(part)


def part_of(order: Order, who: str) -> Order:
    """A further part of the same order, without lines yet."""
    same = Order.objects.filter(merchant=order.merchant, shop=order.shop, number=order.number)
    parts = same.order_by().values_list("part", flat=True)
    # Beside the shop's own shipments it is named as the next one: no two have one label.
    last = max(SPLIT_PARTS, *(part if part >= SPLIT_PARTS else SPLIT_PARTS + part - 1 for part in parts))
    part = Order.objects.get(pk=order.pk)
    part.pk, part._state.adding = None, True
    part.part, part.split_from = last + 1, order
    part.status = Status.DRAFT
    # An intent without an id made nothing in the shop that two parts could share.
    part.shipment = order.shipment if order.shipment and order.shipment.external_id else None
    restoring.forget_cancellation(part)
    part.save()
    part.tell(_("Split off from %(order)s.") % {"order": order.label}, Tone.NONE, who)
    return part


def move_pieces(line: OrderLine, pieces: int, part: Order) -> None:
    """The shop's open pieces go with the pieces, so that both parts together count them once."""
    if not pieces:
        return
    open_there = min(line.open_in_shop, pieces)
    copy = OrderLine.objects.get(pk=line.pk)
    copy.pk, copy._state.adding = None, True
    copy.order, copy.pieces, copy.open_in_shop = part, pieces, open_there
    copy.save()
    line.pieces -= pieces
    line.open_in_shop -= open_there
    line.save(update_fields=["pieces", "open_in_shop"])
