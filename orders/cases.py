"""One order with its other parts, beside what the shop shows of it: what `handing.py` decides from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from integrations.connectors.base import OrderData, ShipmentData
from orders import differences, handing, reading
from orders.handing import Case
from orders.intent import is_alive, parts_of
from orders.models import Order, Shipment, Status
from orders.parts import is_read_as_shipment


def case_of(order: Order, found: OrderData | None) -> Case:
    """The order with its other parts, beside what the shop shows."""
    assert order.integration is not None
    pieces = handing.pieces_of(order.lines.all())
    others = list(parts_of(order).exclude(pk=order.pk).select_related("shipment").prefetch_related("lines"))
    living = {part.pk for part in others if is_alive(part)}
    there = {part.pk: handing.pieces_of(part.lines.all()) for part in others if part.pk in living}
    busy = {part.pk for part in others if part.status in (Status.COLLECTING, Status.SHIPPED)} & living
    sharing = {part.pk for part in others if order.shipment_id and part.shipment_id == order.shipment_id} & living
    shown = found.shipments if found else ()
    rows = {part.shipment for part in others if part.shipment and part.shipment_id != order.shipment_id}
    theirs = {row.external_id for row in rows if row.external_id and not is_gone(row, pieces, shown)}
    ours = order.shipment.external_id if order.shipment and not order.shipment.withdrawn_at else ""
    compared = shown_to(order, found)
    return Case(
        found=found,
        pieces=pieces,
        together=tuple(
            handing.total([pieces, *(there[pk] for pk in with_it)]) for with_it in (living, sharing) if with_it
        ),
        under_way=handing.total(there[pk] for pk in busy),
        ours=ours,
        theirs=frozenset(theirs),
        lowering=frozenset(_lowering(order)),
        shown_as=ours if is_read_as_shipment(order) else "",
        is_changed=compared is not None and differences.differs(order, compared),
        takes_pending=order.integration.takes_pending,
        wants_cancelling=order.is_cancellation_open,
    )


def is_gone(row: Shipment, pieces: handing.Pieces, shown: Iterable[ShipmentData]) -> bool:
    """Whether the shop has it no more, or has given its id to one with just these other pieces."""
    same = next((one for one in shown if one.external_id == row.external_id), None)
    is_another = same is not None and dict(same.pieces) == pieces and pieces not in (row.pieces, row.wanted)
    return bool(row.withdrawn_at) or is_another


def _lowering(order: Order) -> Iterable[str]:
    rows = Shipment.objects.filter(integration=order.integration_id, number=order.number, wanted__isnull=False)
    return rows.exclude(external_id="").values_list("external_id", flat=True)


def shown_to(order: Order, found: OrderData | None) -> OrderData | None:
    """What the shop shows of this order: of one that was read as a shipment, just that shipment."""
    if found is None or not is_read_as_shipment(order):
        return found
    ours = order.shipment.external_id if order.shipment else ""
    return next((one.order for one in found.shipments if one.external_id == ours), None)


def legible(found: OrderData | None, integration: int | None) -> OrderData | None:
    """The order with what is in its shipments, also where the plugin shows these as bundles only.

    Of the shipments that we know, made by us or read before, we know the pieces.
    """
    if found is None or not any(reading.is_riddle(one) for one in found.shipments):
        return found
    rows = Shipment.objects.filter(integration=integration, number=found.number).exclude(external_id="")
    known = {row.external_id: row.pieces for row in rows if row.pieces}
    return replace(found, shipments=tuple(_solved(one, known) for one in found.shipments))


def is_clear(found: OrderData | None) -> bool:
    """The shop shows the order and what is in each of its shipments: what is not there was not made."""
    return found is not None and not any(reading.is_riddle(one) for one in found.shipments)


def _solved(shipment: ShipmentData, known: dict[str, dict[str, int]]) -> ShipmentData:
    if not reading.is_riddle(shipment) or shipment.external_id not in known:
        return shipment
    order = replace(shipment.order, has_only_bundles=False) if shipment.order else None
    return replace(shipment, pieces=tuple(known[shipment.external_id].items()), order=order)
