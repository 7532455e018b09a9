"""An order that was stored before it was known what of it is ours to send: filled again when that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from integrations.connectors.base import OrderData
from orders import filling, moves, reading
from orders.models import Order
from orders.reading import Skip

if TYPE_CHECKING:
    from orders.taking import Taking

UNASKED = "unasked"  # the fact of an order that was stored as listed: which pieces were sent could not be asked


def is_undecided(order: Order) -> bool:
    """Whether which pieces are ours was not known when it was read last."""
    only_keeps_its_place = "unreadable" in order.facts and not order.lines.exists()
    return "warehouses" in order.facts or UNASKED in order.facts or only_keeps_its_place


def fill(into: Taking, order: Order, data: OrderData) -> bool:
    """Now it is known what the order is; says whether there is anything for us to send."""
    filling.fill(order, data)
    filling.fill_lines(order, data, into.settings, into.books)
    into.note_words(order, data)
    why = reading.skip(data, into.settings)
    if why is None or why is Skip.CANCELLED:
        return True
    order.facts["left"] = why.value
    order.save()
    reasons = {
        Skip.OLDER: _("It was placed before orders are taken."),
        Skip.SENT: _("The shop has sent it already."),
        Skip.ELSEWHERE: _("All of it is sent from another warehouse of the shop."),
    }
    moves.cancel(order, moves.SHOP, reasons[why])
    return False
