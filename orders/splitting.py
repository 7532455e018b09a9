"""What of an order can be sent now, and what must wait: the preset of *Split*, and splitting PENDING orders by itself.

Pieces on hand that are promised to orders before this one are not its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from orders import faults, moves
from orders.models import Order, OrderLine, OrderQuerySet, Status
from products.models import Reservation, Stock

Pieces = dict[int, int]  # id of a line → pieces


def deliverable(order: Order) -> Pieces:
    """Of each line, how many pieces lie there and are promised to nobody before this order."""
    lines = list(order.lines.all())
    return share(lines, free_for(order, lines))


def share(lines: Iterable[OrderLine], free: dict[int, int]) -> Pieces:
    """Free pieces (by product) given to the lines in their order. Pure."""
    left = dict(free)
    found: Pieces = {}
    for line in lines:
        there = max(0, left.get(line.product_id, 0)) if line.product_id else 0
        found[line.pk] = min(line.pieces, there)
        if line.product_id:
            left[line.product_id] = there - found[line.pk]
    return found


def free_for(order: Order, lines: Iterable[OrderLine]) -> dict[int, int]:
    """Pieces per product of this order's warehouse that no earlier promise needs."""
    products = {line.product_id for line in lines if line.product_id}
    promised = Reservation.objects.filter(stock=OuterRef("pk"), promised_at__isnull=False)
    promised = promised.exclude(reference=order.reservation_key)
    if order.promised_at:
        promised = promised.filter(_is_before(order))
    ahead = promised.order_by().values("stock").annotate(pieces=Sum("held")).values("pieces")
    stocks = Stock.objects.filter(warehouse=order.warehouse_id, product__in=products)
    rows = stocks.annotate(ahead=Coalesce(Subquery(ahead), 0)).values_list("product_id", "on_hand", "ahead")
    return {product: on_hand - taken for product, on_hand, taken in rows}


def _is_before(order: Order) -> Q:
    own = Reservation.objects.filter(stock=OuterRef("stock"), reference=order.reservation_key, pk__lt=OuterRef("pk"))
    return Q(promised_at__lt=order.promised_at) | Q(~Exists(own), promised_at=order.promised_at)


def rest(order: Order) -> Pieces:
    """Of each line, what cannot be sent now; empty where splitting makes no sense."""
    now = deliverable(order)
    waits = {line.pk: line.pieces - now[line.pk] for line in order.lines.all()}
    return waits if sum(now.values()) and sum(waits.values()) else {}


def split_pending() -> int:
    """Split the PENDING orders of merchants who want that, those promised first first; returns how many were."""
    count = 0
    for pk in list(_candidates().order_by("promised_at", "pk").values_list("pk", flat=True)):
        with faults.alone(f"Splitting order {pk}"):
            count += _split(pk)
    return count


def _candidates() -> OrderQuerySet:
    """PENDING, several pieces, and of at least one product something lies there."""
    there = Reservation.objects.filter(reference=Cast(OuterRef("pk"), CharField()), stock__on_hand__gt=0, held__gt=0)
    pending = Order.objects.filter(status=Status.PENDING, merchant__order_processing__splits_pending=True)
    return pending.filter(Exists(there))


def _split(pk: int) -> bool:
    """One order, in its own transaction; what changed meanwhile is left alone."""
    with transaction.atomic():
        order = Order.objects.filter(pk=pk, status=Status.PENDING).lock().first()
        waits = rest(order) if order else {}
        if order is None or not waits:
            return False
        moves.split(order, waits, _("Order processing"))
    return True
