"""Promises: NEW where the stock covers every earlier order and this one, else PENDING.

    something on a stock changed ──is_unsettled──▶ settle()   the orders behind it change between NEW and PENDING

Orders are locked before stock, both in the order of their keys, so that nobody waits in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.models import Tone
from orders import faults
from orders.models import PROMISED, Order, Status
from products import reserve
from products.models import Reservation, Stock
from products.reserve import Claim, Holder

BATCH = 200  # stocks looked at in one call
UNMARKED = gettext_lazy("It is no longer marked as collecting; mark it again when it is NEW.")


def holder(order: Order, *, is_new: bool = False) -> Holder:
    return Holder(order.reservation_key, order.label, order.integration, order.shop, is_new)


def claims(order: Order) -> list[Claim]:
    """What this order wants of the stock in its status: held, or taken and not completed in the shop, or nothing."""
    is_held = order.status in (*PROMISED, Status.RESERVED, Status.LOCKED)
    is_taken = order.status == Status.COLLECTING or (order.status == Status.SHIPPED and order.told_at is None)
    if order.status in (Status.CANCELLED, Status.DRAFT):
        return _open_there(order)
    if not (is_held or is_taken):
        return []
    return [
        Claim(
            line.product_id,
            order.warehouse_id,
            held=line.pieces if is_held else 0,
            deducted=line.pieces if is_taken else 0,
            open_in_shop=line.open_in_shop,
        )
        for line in order.lines.all()
        if line.product_id and (line.pieces or line.open_in_shop)
    ]


def _open_there(order: Order) -> list[Claim]:
    """Nothing is held for it here, but what the shop still has open keeps its own figure up until it closes it."""
    lines = [line for line in order.lines.all() if line.product_id and line.open_in_shop]
    return [
        Claim(line.product_id, order.warehouse_id, open_in_shop=line.open_in_shop) for line in lines if line.product_id
    ]


def reserve_for(order: Order, *, is_new: bool = False) -> bool:
    """Write what the order holds now, in its transaction; says whether its promise is covered.

    `is_new`: it was stored in this transaction and holds nothing yet.
    """
    return reserve.write(holder(order, is_new=is_new), claims(order), order.promised_at if order.is_promised else None)


def lock_stock(orders: Iterable[Order]) -> None:
    """All that these orders hold or want, at once, whatever is reserved of them one after the other: else two who do
    that wait for each other. Within a transaction.
    """
    orders = list(orders)
    held = Reservation.objects.filter(reference__in=[order.reservation_key for order in orders]).order_by()
    wanted = {
        (line.product_id, order.warehouse_id) for order in orders for line in order.lines.all() if line.product_id
    }
    Stock.objects.lock({*wanted, *held.values_list("stock__product", "stock__warehouse")})


def settle() -> int:
    """Look at every stock on which something changed; returns how many orders changed between NEW and PENDING."""
    pks = list(Stock.objects.filter(is_unsettled=True).order_by("pk").values_list("pk", flat=True)[:BATCH])
    moved = 0
    for pk in pks:
        with faults.alone(f"Settling stock {pk}"):
            moved += _settle_stock(pk)
    return moved


def _settle_stock(pk: int) -> int:
    stock = Stock.objects.get(pk=pk)
    wanted = reserve.recover(stock)
    with transaction.atomic():
        found = Order.objects.filter(pk__in=[int(reference) for reference in wanted]).select_related("integration")
        orders = {order.reservation_key: order for order in found.lock()}
        stock = Stock.objects.select_for_update().get(pk=pk)
        changing = reserve.recover(stock)
        for reference in changing & orders.keys():
            _flip(stock, reference)
        moved = sum(_follow(orders[reference]) for reference in sorted(changing & orders.keys()))
        # Who came in between was not locked; the next look takes them.
        stock.is_unsettled = bool(changing - orders.keys() - _orphans(changing - orders.keys()))
        stock.save(update_fields=["is_unsettled"])
    return moved


def _orphans(references: set[str]) -> set[str]:
    """Reservations without an order: none should be; they must not keep a stock unsettled for ever."""
    there = Order.objects.filter(pk__in=[int(reference) for reference in references]).values_list("pk", flat=True)
    return references - {str(pk) for pk in there}


def _flip(stock: Stock, reference: str) -> None:
    row = stock.reservations.get(reference=reference)
    row.is_covered = not row.is_covered
    row.save(update_fields=["is_covered"])


def _follow(order: Order) -> bool:
    """The order's status after one of its promises changed.

    One whose shipment is being made stays NEW, and so does one that the hand-over is about to cancel.
    """
    is_the_job_s = order.is_being_handed_over and (order.shipment_id or order.is_cancellation_open)
    if not order.is_promised or is_the_job_s:
        return False
    lacks = Reservation.objects.filter(reference=order.reservation_key, promised_at__isnull=False, is_covered=False)
    status = Status.PENDING if lacks.exists() else Status.NEW
    if status == order.status:
        return False
    was_asked = order.is_being_handed_over
    order.set_status(status)
    if status == Status.PENDING:
        order.handover_asked_at, order.handover_error = None, ""
        order.tell(_("Back to PENDING: the stock no longer covers it."), Tone.WAIT)
        if was_asked:
            order.tell(str(UNMARKED), Tone.WAIT)
    else:
        order.tell(_("NEW: the stock covers it now."), Tone.GOOD)
    order.save(update_fields=["status", "status_changed_at", "handover_asked_at", "handover_error", "changed_at"])
    return True
