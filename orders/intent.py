"""A write to the shop whose answer may be lost, and what must be true around it.

    locked()     the order locked, under a lease that is still ours
    ask()        committed before the call: from now on nobody asks for this number until the wait is over
    answered()   around the call: an answer, or the certainty that nothing was sent, ends the wait
    saw()        what the shop shows once the wait is over: a shipment that is unpaid then was never paid

A worker that dies between asking and answer leaves the wait standing: the shop may still be at it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from integrations.connectors.base import OrderData
from integrations.connectors.errors import ShopError, Unavailable
from integrations.sync import LostLease, Run
from orders.handing import pieces_of, total
from orders.models import OPEN, Order, OrderQuerySet, Shipment, Status

RELATED = ("merchant", "integration", "warehouse", "shipment")


@contextmanager
def locked(run: Run, pk: int) -> Iterator[Order]:
    """One order, locked with its other parts, in a transaction that only the holder of the lease can commit."""
    with transaction.atomic():
        named = Order.objects.values("merchant_id", "shop", "number").get(pk=pk)
        parts = Order.objects.filter(**named).select_related(*RELATED).lock()
        order = next((part for part in parts if part.pk == pk), None)
        if order is None:
            raise LostLease  # while we waited for it its shop got another host, see `new_address.py`
        run.keep(run.place)
        yield order


def parts_of(order: Order) -> OrderQuerySet:
    """The order and everything that was split off it, or that it was split off from."""
    return Order.objects.filter(merchant=order.merchant_id, shop=order.shop, number=order.number)


def is_alive(order: Order) -> bool:
    """Whether the shop's shipment still waits for its pieces."""
    is_untold = order.status == Status.SHIPPED and order.told_at is None
    return is_untold or order.status in (*OPEN, Status.COLLECTING)


def alive(orders: OrderQuerySet) -> OrderQuerySet:
    """Whose pieces the shop's shipment still waits for."""
    untold = Q(status=Status.SHIPPED, told_at__isnull=True)
    return orders.filter(Q(status__in=[*OPEN, Status.COLLECTING]) | untold)


def wait(order: Order, until: datetime | None) -> None:
    """All parts wait together: they may share a shipment."""
    parts_of(order).update(wait_until=until)


def ask(shipment: Shipment, order: Order, **asked: Any) -> None:
    """Write down what is about to be asked of the shop, and how long nobody asks again. Within a transaction."""
    for name, value in asked.items():
        setattr(shipment, name, value)
    shipment.save(update_fields=[*asked] if shipment.pk else None)
    wait(order, timezone.now() + timedelta(seconds=settings.LOST_ANSWER_SECONDS))


def is_waiting(order: Order) -> bool:
    """Whether what the shop shows now may be older than what was asked of it."""
    return order.wait_until is not None and order.wait_until > timezone.now()


@contextmanager
def answered(order: Order, *, is_seen_later: bool = False) -> Iterator[None]:
    """Around one write: the wait ends, but where the answer was lost, or does not say all (`is_seen_later`)."""
    try:
        yield
    except Unavailable as error:
        if not error.lost_answer:
            wait(order, None)
        raise
    except ShopError:
        wait(order, None)
        raise
    if not is_seen_later:
        wait(order, None)


def saw(order: Order, found: OrderData | None) -> None:
    """No money was taken where the shop, asked for it and given its time, shows the shipment unpaid, or has it not."""
    shipment = order.shipment
    if found is None or shipment is None or not shipment.external_id or not shipment.capture_asked_at:
        return
    if is_waiting(order):
        return
    if not any(one.external_id == shipment.external_id and one.is_paid for one in found.shipments):
        shipment.capture_asked_at = None
        shipment.save(update_fields=["capture_asked_at"])


def is_paid(order: Order) -> bool:
    """Whether money was taken in the shop for what is not sent yet."""
    shipment = order.shipment
    return shipment is not None and shipment.is_paid and shipment.completed_at is None


def may_be_paid(order: Order) -> bool:
    """Whether the money was asked for, and neither an answer nor a later look has said what became of it."""
    shipment = order.shipment
    if shipment is None or shipment.is_paid or shipment.completed_at or shipment.withdrawn_at:
        return False
    return shipment.capture_asked_at is not None


def let_go(order: Order) -> None:
    """An order that is no more to be sent leaves its shipment, which is to be lowered, or taken back.

    Within the transaction that cancels the order. What was paid or sent stays as it is; what the shop made itself is
    not taken back, but looked at, for it may have been paid meanwhile.
    """
    shipment = order.shipment
    if shipment is None or not shipment.external_id or shipment.is_paid:
        return
    if shipment.completed_at or shipment.withdrawn_at:
        return
    wanted = needed(shipment)
    if wanted:
        shipment.wanted, shipment.error = wanted, ""
    else:
        asked_at, lost = shipment.capture_asked_at, timedelta(seconds=settings.LOST_ANSWER_SECONDS)
        shipment.withdraw_asked_at = max(timezone.now(), asked_at + lost) if asked_at else timezone.now()
    shipment.save(update_fields=["wanted", "error", "withdraw_asked_at"])


def needed(shipment: Shipment) -> dict[str, int]:
    """The pieces that it must hold for those that still wait for it; some may have none of the shop's by now."""
    return total(pieces_of(part.lines.all()) for part in alive(Order.objects.filter(shipment=shipment)))


def take_up(order: Order) -> None:
    """The opposite of `let_go`: what is to be sent after all. Saved by the caller.

    A shipment that was lowered to what others send is theirs, and one that was taken back is gone: it gets its own.
    """
    shipment = order.shipment
    if shipment is None or not shipment.external_id:
        return
    others = list(alive(parts_of(order).filter(shipment=shipment).exclude(pk=order.pk)))
    is_theirs = others and (not shipment.is_paid or _holds_just(shipment, others))
    if shipment.completed_at or shipment.withdrawn_at or is_theirs:
        order.shipment = None
    elif not shipment.is_paid and parts_of(order).exclude(pk=order.pk).exists():
        _take_alone(order, shipment)


def _take_alone(order: Order, shipment: Shipment) -> None:
    """No other part needs it any more: it is lowered to this one's pieces, or left where it has too few of them."""
    pieces = pieces_of(order.lines.all())
    if not pieces or any(count > shipment.pieces.get(line, 0) for line, count in pieces.items()):
        order.shipment = None
        return
    shipment.wanted, shipment.error = (None if pieces == shipment.pieces else pieces), ""
    shipment.save(update_fields=["wanted", "error"])


def _holds_just(shipment: Shipment, parts: list[Order]) -> bool:
    return dict(shipment.pieces) == total(pieces_of(part.lines.all()) for part in parts)
