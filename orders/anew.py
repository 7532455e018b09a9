"""An order that was stored before it was known what of it is ours to send: filled again when that is known.

What a person mended meanwhile stays: only what still equals what the shop said when it was read is taken over anew, and
the pieces of the shop's lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.connectors.base import OrderData
from integrations.models import Tone
from orders import differences, filling, moves, overruling, reading, seen_rows
from orders.models import Order
from orders.reading import Skip

if TYPE_CHECKING:
    from orders.taking import Taking

UNASKED = "unasked"  # the fact of an order that was stored as listed: which pieces were sent could not be asked


def is_undecided(order: Order) -> bool:
    """Whether which pieces are ours was not known when it was read last."""
    only_keeps_its_place = "unreadable" in order.facts and not order.lines.exclude(external_id="").exists()
    return "warehouses" in order.facts or UNASKED in order.facts or only_keeps_its_place


def fill(into: Taking, order: Order, data: OrderData) -> bool:
    """Now it is known what the order is; says whether there is anything for us to send."""
    words, is_first = (order.shop_method, order.ingrid_method), not order.taken
    if is_first:
        filling.fill_words(order, data)
    read(into, order, data)
    if is_first or (order.shop_method, order.ingrid_method) != words:
        into.note_words(order, data)  # once for each order
    why = reading.skip(data, into.settings)
    if why is None or why is Skip.CANCELLED:
        return True
    order.facts["left"] = why.value
    order.save()
    seen_rows.let_go(into.integration, order.number)
    reasons = {
        Skip.OLDER: _("It was placed before orders are taken."),
        Skip.SENT: _("The shop has sent it already."),
        Skip.ELSEWHERE: _("All of it is sent from another warehouse of the shop."),
    }
    moves.cancel(order, moves.SHOP, reasons[why])
    return False


def read(into: Taking, order: Order, data: OrderData) -> None:
    """Head and lines, but for what a person changed: of that the shop's other word is offered, not written over."""
    before, had = order.taken, {line.external_id: line.pieces for line in order.lines.all()}
    subjects = overruling.subjects(order)
    told = differences.snapshot(data)
    kept = _keep(order, before.get("address", {}), told["address"], differences.ADDRESS)
    kept += _keep(order, before, told, differences.SHIPPING)
    filling.fill_money(order, data)
    order.taken = told
    by_hand = filling.refill_lines(order, data, into.settings, into.books)
    overruling.drop_changed(order, subjects)
    has = {line.external_id: line.pieces for line in order.lines.all()}
    if has != had:
        _tell(order, [*kept, *(line.sku for line in by_hand)])


def _keep(order: Order, before: dict[str, Any], told: dict[str, Any], keys: Sequence[str]) -> list[str]:
    """Take over what nobody changed here; of the rest `told` says what was said before. Says what was kept."""
    kept = []
    for key in keys:
        if str(getattr(order, key)) == differences.fit(order, key, before.get(key, "")):
            setattr(order, key, differences.fit(order, key, told[key]))
        else:
            told[key] = before.get(key, "")
            kept.append(differences.label(key))
    return kept


def _tell(order: Order, kept: list[str]) -> None:
    pieces = sum(line.pieces for line in order.lines.all())
    text = ngettext("Read anew: %(n)d piece to send.", "Read anew: %(n)d pieces to send.", pieces) % {"n": pieces}
    if kept:
        text += " " + _("What was changed here stays: %(what)s.") % {"what": ", ".join(kept)}
    order.tell(text, Tone.GOOD)
