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
    paid_with_it = _paid_with_it(order, others)
    ours = order.shipment.external_id if order.shipment and not order.shipment.withdrawn_at else ""
    compared = shown_to(order, found)
    return Case(
        found=found,
        pieces=pieces,
        together=tuple(
            handing.total([pieces, *(there[pk] for pk in with_it), *more])
            for with_it, more in ((living, []), (sharing, []), (sharing, paid_with_it))
            if with_it or more
        ),
        under_way=handing.total(there[pk] for pk in busy),
        ours=ours,
        theirs=theirs(order, found),
        lowering=frozenset(_lowering(order)),
        shown_as=ours if is_read_as_shipment(order) else "",
        is_changed=compared is not None and differences.differs(order, compared),
        takes_pending=order.integration.takes_pending,
        wants_cancelling=order.is_cancellation_open,
    )


def _paid_with_it(order: Order, others: Iterable[Order]) -> list[handing.Pieces]:
    """Pieces of cancelled parts in the same paid shipment: the shop changes that no more, so it goes as it is."""
    if order.shipment is None or not order.shipment.is_paid:
        return []
    gone = (part for part in others if part.shipment_id == order.shipment_id and part.status == Status.CANCELLED)
    return [handing.pieces_of(part.lines.all()) for part in gone]


def theirs(order: Order, found: OrderData | None) -> frozenset[str]:
    """The shop's ids of shipments that are other parts': not of one that is cancelled and was not paid."""
    pieces, shown = handing.pieces_of(order.lines.all()), found.shipments if found else ()
    others = parts_of(order).exclude(pk=order.pk).select_related("shipment")
    rows = {
        part.shipment
        for part in others
        if part.shipment
        and part.shipment_id != order.shipment_id
        and (part.status != Status.CANCELLED or part.shipment.is_paid)
    }
    return frozenset(row.external_id for row in rows if row.external_id and not is_gone(row, pieces, shown))


def is_gone(row: Shipment, pieces: handing.Pieces, shown: Iterable[ShipmentData]) -> bool:
    """Whether the shop has it no more, or has given its id to one with just these other pieces."""
    same = next((one for one in shown if one.external_id == row.external_id), None)
    is_another = same is not None and dict(same.pieces) == pieces and pieces not in (row.pieces, row.wanted)
    return bool(row.withdrawn_at) or is_another


def _lowering(order: Order) -> Iterable[str]:
    rows = Shipment.objects.living(order).filter(wanted__isnull=False)
    return rows.values_list("external_id", flat=True)


def shown_to(order: Order, found: OrderData | None) -> OrderData | None:
    """What the shop shows of this order: of one that was read as a shipment, just that shipment."""
    if found is None or not is_read_as_shipment(order):
        return found
    ours = order.shipment.external_id if order.shipment else ""
    return next((one.order for one in found.shipments if one.external_id == ours), None)


def legible(found: OrderData | None, of: Order | Shipment) -> OrderData | None:
    """The order with what is in its shipments, also where the plugin shows these as bundles only.

    Of the shipments that we know, made by us or read before, we know the pieces.
    """
    if found is None or not any(reading.is_riddle(one) for one in found.shipments):
        return found
    known = {row.external_id: row.pieces for row in Shipment.objects.living(of) if row.pieces}
    return replace(found, shipments=tuple(_solved(one, known) for one in found.shipments))


def is_clear(found: OrderData | None) -> bool:
    """The shop shows the order and what is in each of its shipments: what is not there was not made."""
    return found is not None and not any(reading.is_riddle(one) for one in found.shipments)


def _solved(shipment: ShipmentData, known: dict[str, dict[str, int]]) -> ShipmentData:
    if not reading.is_riddle(shipment) or shipment.external_id not in known:
        return shipment
    order = replace(shipment.order, has_only_bundles=False) if shipment.order else None
    return replace(shipment, pieces=tuple(known[shipment.external_id].items()), order=order)
