"""What cannot be read, and what the shop no longer shows: held with the reason, never passed over, never cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.models import Tone
from orders import deciding, filling, moves, promise, seen_rows
from orders.models import Order, Status

if TYPE_CHECKING:
    from orders.taking import Taking


@transaction.atomic
def hold(into: Taking, number: str, why: str, part: int = 0) -> None:
    """An order of which only the number could be read is held with the reason until it can be read.

    `part` is the number of the shop's shipment, where shipments are read.
    """
    parts = into.parts(number)
    whole, of_shipments = (parts, []) if parts and not parts[0].part else ([], parts)
    meant = [order for order in of_shipments if order.part == part] if part else whole
    bars_the_way = whole if part else of_shipments  # taken the other way: nothing is taken twice
    if not (meant or bars_the_way or seen_rows.is_left(into.integration, number)):
        _place(into, number, why, part)
    for order in meant:
        if order.integration_id == into.integration.pk:
            _hold(into, order, why)
    seen_rows.note_unreadable(into.integration, into.this_pass, number, why)


def _place(into: Taking, number: str, why: str, part: int) -> None:
    """Keep its place: an order without lines, which is filled when it can be read."""
    order = into.new(number, part)
    order.facts, order.shown_at = {"unreadable": why}, order.read_at
    order.save(force_insert=True)
    order.tell(_("Met in %(shop)s.") % {"shop": into.integration.label})
    deciding.enter(order)


def _hold(into: Taking, order: Order, why: str) -> None:
    before = filling.standing(order)
    order.facts = {**order.facts, "unreadable": why, "digest": ""}
    order.is_shown, order.seen_in, order.shown_at = True, into.this_pass, timezone.now()
    order.save()
    deciding.decide(order, into.books)
    into.changed += filling.standing(order) != before


@transaction.atomic
def miss(into: Taking, number: str) -> None:
    """The shop no longer shows it: held, the pieces stay reserved. Nothing is cancelled by silence."""
    for order in into.parts(number):
        if order.integration_id == into.integration.pk:
            miss_one(into, order)


def miss_one(into: Taking, order: Order) -> None:
    """One locked part; within a transaction."""
    order.seen_in = into.this_pass
    if order.is_shown:
        order.is_shown = False
        order.facts = {**order.facts, "digest": ""}
        into.changed += 1
        if order.status in (Status.COLLECTING, Status.SHIPPED):
            return _miss_handed_over(order)
    order.save()
    deciding.decide(order, into.books)


def _miss_handed_over(order: Order) -> None:
    """It cannot be held any more: the warehouse is asked to stop, and nothing of it counts as open in the shop.

    Silence may mean cancelled or on hold. Telling the shop too little sells nothing twice; telling too much does.
    """
    order.save()
    order.lines.exclude(external_id="").update(open_in_shop=0)
    promise.reserve_for(order)
    why = _("The shop no longer shows this order: it is cancelled or on hold there.")
    if order.status == Status.COLLECTING and not order.cancel_answer:
        moves.ask_to_cancel(order, moves.SHOP, why)
    else:
        order.tell(why, Tone.BAD)
