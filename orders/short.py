"""Fewer pieces on the shelf than ordered: what then becomes of the order.

    found()   staff enter the pieces they found
                unpaid  the shop's shipment is lowered, and the rest is a part of its own, promised new pieces
                paid    the merchant decides: wait() until staff find the rest, or send() what is there

The pieces that were not found are off the shelf since the order was collected, and they stay so: they are not there.
Each is one transaction on the locked order; what is not possible raises `NotPossible`. The caller rings the shop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from integrations.models import Tone
from orders import deciding, intent, moves, promise, restoring
from orders.handing import pieces_of
from orders.models import Order, OrderLine, Shipment, Status
from orders.moves import NotPossible


def found(order: Order, pieces: Mapping[int, int], who: str) -> None:
    """What was found, by the key of the line; a line that is not named was found whole."""
    with transaction.atomic():
        fresh, lines = _collecting(order)
        if any(not 0 <= pieces.get(line.pk, line.pieces) <= line.pieces for line in lines):
            raise NotPossible(_("%(order)s: no more pieces can be found than are ordered.") % {"order": fresh.label})
        was_short = _write_found(lines, pieces)
        fresh.facts = {key: fact for key, fact in fresh.facts.items() if key != "short"}
        missing = {line.pk: line.pieces - (line.found or 0) for line in lines if line.found != line.pieces}
        if not missing:
            fresh.save()
            if was_short:
                fresh.tell(_("All pieces are found."), Tone.GOOD, who)
        elif intent.is_paid(fresh):
            _ask_merchant(fresh, lines, who)
        elif sum(missing.values()) == sum(line.pieces for line in lines):
            _back(fresh, who)
        else:
            _part(fresh, lines, missing, who)
    order.refresh_from_db()


def wait(order: Order, who: str) -> None:
    """The merchant waits: nothing is sent before staff have found the rest."""
    with transaction.atomic():
        fresh, lines = _short(order)
        fresh.facts = {key: fact for key, fact in fresh.facts.items() if key != "short"}
        fresh.save()
        fresh.tell(_("It waits for the missing pieces: %(what)s.") % {"what": _missing(lines)}, Tone.WAIT, who)
    order.refresh_from_db()


def send(order: Order, who: str) -> None:
    """The merchant has sent what is there. It was all paid, so what is missing is to be refunded in the shop."""
    with transaction.atomic():
        fresh, lines = _short(order)
        if not any(line.found for line in lines):
            raise NotPossible(_("%(order)s: nothing was found, so nothing can be sent.") % {"order": fresh.label})
        what, ordered = _missing(lines), pieces_of(lines)
        for line in lines:
            if line.found is not None:
                line.pieces = line.found
                line.save(update_fields=["pieces"])
        fresh.facts = {key: fact for key, fact in fresh.facts.items() if key != "short"}
        was_paid = intent.is_paid(fresh) and pieces_of(lines) != ordered  # what was added here nobody has paid for
        fresh.needs_refund = fresh.needs_refund or was_paid
        fresh.save()
        promise.reserve_for(fresh)
        text = _("It is sent without %(what)s.")
        if was_paid:
            text += " " + _("That was paid: refund it in the shop.")
        fresh.tell(text % {"what": what}, Tone.BAD, who)
    order.refresh_from_db()


# --- reading -------------------------------------------------------------------------------


def _collecting(order: Order) -> tuple[Order, list[OrderLine]]:
    related = Order.objects.select_related("merchant", "integration", "warehouse", "shipment")
    fresh = related.lock().get(pk=order.pk)
    if fresh.status != Status.COLLECTING:
        raise NotPossible(
            _("%(order)s is %(status)s, not COLLECTING.") % {"order": fresh.label, "status": fresh.status.upper()}
        )
    if fresh.is_cancellation_open:
        raise NotPossible(_("%(order)s: answer the request to cancel it first.") % {"order": fresh.label})
    return fresh, list(fresh.lines.all())


def _short(order: Order) -> tuple[Order, list[OrderLine]]:
    fresh, lines = _collecting(order)
    if not any(line.found is not None and line.found < line.pieces for line in lines):
        raise NotPossible(_("%(order)s: no pieces are missing.") % {"order": fresh.label})
    return fresh, lines


def _missing(lines: Sequence[OrderLine]) -> str:
    """“1 × FG1-NVY-M, 2 × FG2-NVY-M”."""
    lacking = [(line.pieces - line.found, line) for line in lines if line.found is not None]
    return ", ".join(f"{pieces} × {line.sku or line.name}" for pieces, line in lacking if pieces)


# --- writing -------------------------------------------------------------------------------


def _write_found(lines: Sequence[OrderLine], pieces: Mapping[int, int]) -> bool:
    """Says whether some were missing before."""
    was_short = any(line.found is not None and line.found < line.pieces for line in lines)
    for line in lines:
        line.found = pieces.get(line.pk, line.pieces)
        line.save(update_fields=["found"])
    return was_short


def _ask_merchant(order: Order, lines: Sequence[OrderLine], who: str) -> None:
    text = _("Not found in the warehouse: %(what)s. It is paid: wait for them, or send what is there.")
    order.facts = {**order.facts, "short": text % {"what": _missing(lines)}}
    order.save()
    order.tell(order.facts["short"], Tone.WAIT, who)


def _back(order: Order, who: str) -> None:
    """Nothing was found and nothing is paid: the whole order is promised new pieces; its shipment is kept for later."""
    order.lines.update(found=None)
    order.__dict__.pop("_prefetched_objects_cache", None)
    restoring.forget_hand_over(order)
    order.save()
    order.tell(_("Nothing of it was found in the warehouse."), Tone.WAIT, who)
    deciding.enter(order, who)


def _part(order: Order, lines: Sequence[OrderLine], missing: Mapping[int, int], who: str) -> None:
    """The rest goes into a part of its own; what the shop's shipment holds too many is owed to it."""
    text = _("Not found in the warehouse: %(what)s.") % {"what": _missing(lines)}
    part = moves.part_of(order, who)
    for line in lines:
        moves.move_pieces(line, missing.get(line.pk, 0), part)
    part.lines.update(found=None)
    restoring.forget_hand_over(part)
    shipment, part.shipment = order.shipment, None
    part.save()
    if not pieces_of(lines):
        order.shipment = None  # nothing of the shop's is left in it
    order.save()
    promise.reserve_for(order)
    order.tell(f"{text} {_('They are sent later, as %(part)s.') % {'part': part.label}}", Tone.WAIT, who)
    if shipment is not None and shipment.external_id and not shipment.completed_at:
        _owe_lowering(part, shipment)
    deciding.enter(part, who)


def _owe_lowering(part: Order, shipment: Shipment) -> None:
    """What the shipment holds too many of; where nobody else is left that shares it, it is that of the rest."""
    wanted = intent.needed(shipment)
    if not wanted:
        part.shipment = shipment
    elif wanted != shipment.pieces:
        shipment.wanted, shipment.error = wanted, ""
        shipment.save(update_fields=["wanted", "error"])
