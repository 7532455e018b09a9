"""What the shop changes while the warehouse has the order: told in its story, once per change.

Where it must not go any more (held, suspect, sent by hand) the warehouse is asked to stop; who asked asks no more when
all such causes are gone. What was told is kept with the moment of the hand-over, so that a part split off begins anew.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from integrations.connectors.base import OrderData, OrderStatus, ShipmentStatus
from integrations.models import Tone
from orders import differences, handing, moves
from orders.models import Order, Status
from orders.restoring import UNDER_WAY


def meet(order: Order, data: OrderData) -> None:
    """An order as the shop shows it now, not cancelled there. Locked and saved by the caller; may save it again."""
    if order.status != Status.COLLECTING:
        return
    before, stops = _told(order), stopping(order, data)
    changes = _changes(order, data)
    now: dict[str, Any] = {
        "since": _since(order),
        "stops": sorted(stops),
        "waits": data.waits_for_payment,
        "changes": _fingerprint(order, data) if changes else "",
    }
    order.facts = {**order.facts, UNDER_WAY: now}
    _tell(order, before, now, changes)
    if not stops:
        moves.withdraw_request(order, moves.SHOP)
    order.save()
    for cause in now["stops"]:
        if cause not in before["stops"]:
            _ask_to_stop(order, stops[cause])


def _since(order: Order) -> str:
    return order.collected_at.isoformat() if order.collected_at else ""


def _told(order: Order) -> dict[str, Any]:
    told: dict[str, Any] = order.facts.get(UNDER_WAY) or {}
    nothing = {"stops": [], "waits": False, "changes": ""}
    return told if told.get("since") == _since(order) else nothing


def _tell(order: Order, before: dict[str, Any], now: dict[str, Any], changes: list[str]) -> None:
    if now["changes"] != before["changes"]:
        if changes:
            what = "; ".join(changes)
            order.tell(_("Changed in the shop while it is collected: %(what)s.") % {"what": what}, Tone.WAIT)
        else:
            order.tell(_("The shop took its change back."), Tone.GOOD)
    if now["waits"] != before["waits"]:
        if now["waits"]:
            order.tell(_("The shop waits for the payment."), Tone.WAIT)
        else:
            order.tell(_("The shop does not wait for the payment any more."), Tone.GOOD)


def _ask_to_stop(order: Order, why: str) -> None:
    if order.cancel_answer or order.is_cancellation_open:
        order.tell(why, Tone.BAD)
    else:
        moves.ask_to_cancel(order, moves.SHOP, why)


def stopping(order: Order, data: OrderData) -> dict[str, str]:
    """Why it must not go, by cause."""
    found = {
        "hold": (data.is_on_hold, _("The shop put it on hold.")),
        "suspect": (data.is_suspect, _("The shop suspects fraud.")),
        "sent": (_is_sent_by_hand(order, data), _("The shop shows it as sent already, and not by us.")),
    }
    return {cause: why for cause, (is_so, why) in found.items() if is_so}


def _is_sent_by_hand(order: Order, data: OrderData) -> bool:
    """Sent or closed there, and we did not ask for it: a shipment that parts share is completed by us as well."""
    shipment = order.shipment
    if shipment is not None and (shipment.complete_asked_at or shipment.completed_at):
        return False
    ours = shipment.external_id if shipment is not None and not shipment.withdrawn_at else ""
    if not handing.pieces_of(order.lines.all()):
        return False
    sent = {one.external_id for one in data.shipments if one.status is ShipmentStatus.SENT}
    is_closed = data.status in (OrderStatus.COMPLETED, OrderStatus.ARCHIVED)
    return is_closed or ours in sent


def _changes(order: Order, data: OrderData) -> list[str]:
    """What is other than what was taken over, without values that are personal data: those would outlive the order.

    Of a part only the head of the order: what is in its shipment changes also by what we ask for.
    """
    if not order.taken:
        return []
    found = differences.between(order, order.taken, differences.shown(order, data))
    words = {differences.label(key) for key in (*differences.ADDRESS, *differences.SHIPPING)}
    lines = [] if order.part else [f"{what}: {old} → {new}" for what, old, new in found if what not in words]
    return [*(what for what, _old, _new in found if what in words), *lines]


def _fingerprint(order: Order, data: OrderData) -> str:
    said = differences.shown(order, data)
    if order.part:
        said.pop("lines")
    return hashlib.sha256(msgspec.json.encode(said, order="sorted", enc_hook=str)).hexdigest()[:32]
