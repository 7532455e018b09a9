"""Where good-to-go shipments are read: each is an order of its own, its part the number of the shipment.

The list is no queue and shows only what may be sent. One that left it is looked up by its order's number: sent by
hand, taken back or no longer good to go, it is held, not lost.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.connectors.base import OrderData, OrderStatus, ShipmentData, ShipmentStatus
from orders import differences, handing, reading, unread
from orders.models import OPEN, SPLIT_PARTS, Order, Shipment, Status
from orders.reading import Skip
from orders.taking import Taking


def take_page(into: Taking, shipments: Sequence[ShipmentData]) -> None:
    """Store what is new, bring up to date what changed; what is as it was is only marked as seen."""
    known = _known(into, shipments)
    same: list[int] = []
    for shipment in shipments:
        rows = known.get(shipment.external_id, [])
        digest = reading.digest(shipment.order, into.settings) if shipment.order else ""
        if rows and all(found == digest for _pk, found in rows):
            same += [pk for pk, _found in rows]
        else:
            _take_one(into, shipment)
    with transaction.atomic():
        into.note_page([one.order for one in shipments if one.order], are_whole=False)
        Order.objects.filter(pk__in=same).update(seen_in=into.this_pass, shown_at=timezone.now())


def _known(into: Taking, shipments: Sequence[ShipmentData]) -> dict[str, list[tuple[int, str]]]:
    """Key and digest of what is here, by the shop's shipment."""
    ours = into.ours([one.order_number for one in shipments]).filter(integration=into.integration, is_shown=True)
    found: dict[str, list[tuple[int, str]]] = {}
    for pk, external_id, digest in ours.order_by().values_list("pk", "shipment__external_id", "facts__digest"):
        found.setdefault(external_id or "", []).append((pk, digest))
    return found


def _take_one(into: Taking, shipment: ShipmentData) -> None:
    """In a transaction of its own."""
    data, number = shipment.order, part_number(shipment.external_id)
    if data is None:
        into.hold(shipment.order_number, _("the shipment does not say what is in it."), number)
        return
    into.meet_warehouses(data)
    into.safely(data.number, lambda: _take(into, shipment, data), number)


def _take(into: Taking, shipment: ShipmentData, data: OrderData) -> None:
    parts = into.parts(data.number)
    found = _of(parts, shipment.external_id)
    if _is_another(found, shipment):
        gone = Shipment.objects.filter(orders__in=found, withdrawn_at=None)
        gone.update(withdrawn_at=timezone.now(), withdraw_asked_at=None)
        found = []
    found = found or _rests(parts, shipment)[:1]
    digest = reading.digest(data, into.settings)
    if parts and parts[0].integration_id not in (into.integration.pk, None):
        into.skip(data, into.taken_by(parts[0]), digest)
    elif any(order.part == 0 for order in parts):
        into.skip(data, Skip.WHOLE.value, digest)
    elif found:
        _update(into, shipment, data, found, digest)
    elif not _is_awaited(parts, shipment):
        _take_new(into, shipment, data, _free_part(parts, shipment.external_id), digest)


def _of(parts: list[Order], external_id: str) -> list[Order]:
    """Those that were read as this shipment, or split off from such an order; else what keeps its place unread."""
    linked = [order for order in parts if order.shipment is not None and order.shipment.external_id == external_id]
    living = [order for order in linked if order.shipment and order.shipment.withdrawn_at is None]
    kept = [order for order in parts if not order.taken and order.part == part_number(external_id)]
    return living or linked or kept


def _is_another(found: list[Order], shipment: ShipmentData) -> bool:
    """Whether the shop used the id of a cancelled one anew: none of its lines was in that."""
    was = {line for order in found if order.shipment for line in order.shipment.pieces}
    is_over = all(order.status == Status.CANCELLED and order.taken for order in found)
    return bool(found) and is_over and bool(shipment.pieces) and not was & dict(shipment.pieces).keys()


def _has_none(order: Order) -> bool:
    """Read once, and without a shipment in the shop: what a short pick left over, or others use it now."""
    return bool(order.taken) and not (order.shipment and order.shipment.external_id)


def _rests(parts: list[Order], shipment: ShipmentData) -> list[Order]:
    """Of those without a shipment the ones that this one was made for in the shop."""
    rests = [order for order in parts if order.shipment is None and _has_none(order) and order.status in OPEN]
    return [order for order in rests if handing.pieces_of(order.lines.all()) == dict(shipment.pieces)]


def _is_awaited(parts: list[Order], shipment: ShipmentData) -> bool:
    """Made for one of these, and the answer to that was lost: the hand-over finds it, it is no order of its own."""
    asked = [order.shipment for order in parts if order.shipment and not order.shipment.external_id]
    return any(one.asked_at and one.pieces == dict(shipment.pieces) for one in asked)


def _free_part(parts: list[Order], external_id: str) -> int:
    """The shipment's own number; the next one where another shipment has it."""
    taken, number = {order.part for order in parts}, part_number(external_id)
    while number in taken:
        number = 1 + number % (SPLIT_PARTS - 1)
    return number


def _take_new(into: Taking, shipment: ShipmentData, data: OrderData, part: int, digest: str) -> None:
    if why := reading.skip(data, into.settings):
        into.skip(data, why.value, digest)
        return
    order = into.store(data, part, digest)
    _connect(into, order, shipment)
    into.begin(order)


def _connect(into: Taking, order: Order, shipment: ShipmentData) -> None:
    """Remember which of the shop's shipments it is."""
    order.shipment, _made = Shipment.objects.get_or_create(
        integration=into.integration,
        shop=into.integration.shop,
        external_id=shipment.external_id,
        withdrawn_at=None,
        defaults={
            "number": order.number,
            "pieces": dict(shipment.pieces),
            "is_adopted": True,
            "made_at": timezone.now(),
            "is_paid": shipment.is_paid,
        },
    )
    order.save(update_fields=["shipment", "taken"])


def _update(into: Taking, shipment: ShipmentData, data: OrderData, orders: list[Order], digest: str) -> None:
    for order in orders:
        if order.shipment is None:
            differences.take_pieces(order, dict(shipment.pieces))
            _connect(into, order, shipment)
    into.update(data, orders, digest)


# --- those that left the list --------------------------------------------------------------


def follow(into: Taking, data: OrderData) -> None:
    """The order of shipments that are no longer listed, looked up: what became of each."""
    into.meet_warehouses(data)
    into.safely(data.number, lambda: _follow(into, data))


def _follow(into: Taking, data: OrderData) -> None:
    parts = into.parts(data.number)
    own = [order for order in parts if order.integration_id == into.integration.pk]
    for order in own:
        if order.seen_in in into.passes:
            continue  # also of what it was brought up to date together with
        shipment = next((one for one in data.shipments if order in _of(parts, one.external_id)), None)
        if data.status is OrderStatus.CANCELLED:
            into.update(replace(data, shipments=()), [order], "")
        elif _has_none(order):
            into.update(_left_over(data, parts), [one for one in own if _has_none(one)], "")
        elif shipment is None or shipment.order is None:
            unread.miss_one(into, order)
        else:
            sharing = [one for one in _of(parts, shipment.external_id) if one in own]
            into.update(_as_it_stands(shipment, shipment.order, data), sharing, "", _not_ready(shipment))


def _left_over(data: OrderData, parts: list[Order]) -> OrderData:
    """The order without what is in shipments that are sent, or that other parts have."""
    theirs = {order.shipment.external_id for order in parts if order.shipment}
    sent = ShipmentStatus.SENT
    taken = (one for one in data.shipments if one.status is sent or one.external_id in theirs)
    return replace(data, shipments=tuple(replace(one, status=sent) for one in taken))


def _as_it_stands(shipment: ShipmentData, around: OrderData, data: OrderData) -> OrderData:
    """The shipment's own picture of the order; one that is sent has nothing open."""
    status = OrderStatus.COMPLETED if shipment.status is ShipmentStatus.SENT else data.status
    return replace(around, status=status, waits_for_payment=data.waits_for_payment)


def _not_ready(shipment: ShipmentData) -> dict[str, str]:
    """It exists and is not sent, but the shop took *good to go* back."""
    if shipment.status is not ShipmentStatus.IN_PROGRESS:
        return {}
    return {"not_ready": _("The shop took “good to go” back from this shipment.")}


def part_number(external_id: str) -> int:
    """The n of “70412-n”; a shipment that is named otherwise gets a number made of its name."""
    tail = external_id.rpartition("-")[2]
    if tail.isdecimal() and 0 < int(tail) < SPLIT_PARTS:
        return int(tail)
    return 1 + zlib.crc32(external_id.encode()) % (SPLIT_PARTS - 2)
