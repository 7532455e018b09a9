"""A parcel came back: which pieces of it, and which of these lie on the shelf again.

    staff's form ──per line: came, on the shelf──▶ record()   order locked, then its stock, then the ledger
                                                              what the shop was told of these products is unknown

Pieces may come back in several goes, and never more than were sent. What is not put back is damaged; the story says so.
What an order holds stays as it is: pieces that are back are free pieces, while the shop counts those it does not know
to be sent until it is told (`formula.py`). When everything is back the order is RETURNED, see `moves.settle_return`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.models import Tone
from orders import moves
from orders.models import Order, OrderLine, Status
from orders.moves import NotPossible
from products import stock
from products.models import Movement, Stock


@dataclass(frozen=True, slots=True)
class Back:
    """Pieces of one line that came back now, and how many of these go on the shelf."""

    came: int
    shelved: int


Told = Sequence[tuple[OrderLine, Back]]


def record(
    order: Order, back: Mapping[int, Back], who: str, *, comment: str = "", shown: Mapping[int, int] | None = None
) -> None:
    """Write down what came back, by the key of the line; a line that is not named did not come back.

    `shown` maps lines to the pieces that had come back when the form was shown, so that a form sent twice, or by two
    people, counts once. One transaction; raises `NotPossible`, and then nothing is changed.
    """
    with transaction.atomic():
        fresh, lines = _shipped(order)
        _check(fresh, lines, back, shown or {})
        told = [(line, back[line.pk]) for line in lines if line.pk in back and back[line.pk].came]
        if not told:
            raise NotPossible(_("%(order)s: enter the pieces that came back.") % {"order": fresh.label})
        _put_on_shelf(fresh, lines, told, who)
        for line, one in told:
            line.returned += one.came
            line.save(update_fields=["returned"])
        fresh.returned_at = timezone.now()
        fresh.save()
        fresh.tell(_sentence(told, comment), Tone.WAIT, who)
        moves.settle_return(fresh, who)
    order.refresh_from_db()


# --- reading -------------------------------------------------------------------------------


def _shipped(order: Order) -> tuple[Order, list[OrderLine]]:
    fresh = Order.objects.select_related("merchant", "integration", "warehouse").lock().get(pk=order.pk)
    if fresh.status != Status.SHIPPED:
        raise NotPossible(
            _("%(order)s is %(status)s, not SHIPPED.") % {"order": fresh.label, "status": fresh.status.upper()}
        )
    return fresh, list(fresh.lines.all())


def _check(order: Order, lines: Sequence[OrderLine], back: Mapping[int, Back], shown: Mapping[int, int]) -> None:
    now = {line.pk: line.returned for line in lines}
    if back.keys() - now.keys() or any(now.get(pk) != returned for pk, returned in shown.items()):
        raise NotPossible(
            _("%(order)s: pieces were noted meanwhile. Nothing more was written; look at the figures as they are now.")
            % {"order": order.label}
        )
    for line in lines:
        if line.pk in back:
            _check_one(line, back[line.pk])


def _check_one(line: OrderLine, back: Back) -> None:
    left = line.pieces - line.returned
    words = {"sku": line.sku or line.name, "left": left, "came": back.came}
    if not 0 <= back.came <= left:
        raise NotPossible(_("%(sku)s: %(left)d pieces can still come back, not more.") % words)
    if not 0 <= back.shelved <= back.came:
        raise NotPossible(_("%(sku)s: of %(came)d pieces no more can go on the shelf.") % words)
    if back.shelved and line.product_id is None:
        raise NotPossible(_("%(sku)s is no product here, so it has no shelf.") % words)


# --- writing -------------------------------------------------------------------------------


def _put_on_shelf(order: Order, lines: Iterable[OrderLine], told: Told, who: str) -> None:
    """All stocks of the order are locked at once, whatever is touched of them later in this transaction."""
    house = order.warehouse_id
    stocks = Stock.objects.lock((line.product_id, house) for line in lines if line.product_id)
    pieces: dict[int, int] = {}
    for line, one in told:
        if line.product_id and one.shelved:
            pieces[line.product_id] = pieces.get(line.product_id, 0) + one.shelved
    for product, n in pieces.items():
        stocks[product, house].move(n, Movement.Why.RETURNED, document=order.label, who=who)
    if order.integration is not None:
        stock.forget(order.integration, pieces)


def _sentence(told: Told, comment: str) -> str:
    """“Came back: 2 × FG1. On the shelf again: 1 × FG1. Damaged: 1 × FG1. “Box crushed””; a comment is quoted."""
    came = _listed((one.came, line) for line, one in told)
    shelved = _listed((one.shelved, line) for line, one in told)
    damaged = _listed((one.came - one.shelved, line) for line, one in told)
    said = [
        _("Came back: %(what)s.") % {"what": came},
        _("On the shelf again: %(what)s.") % {"what": shelved}
        if shelved
        else _("Nothing of it is on the shelf again."),
    ]
    if damaged and shelved:
        said.append(_("Damaged: %(what)s.") % {"what": damaged})
    if comment := comment.strip():
        said.append(f"“{comment}”")
    return " ".join(said)


def _listed(pieces: Iterable[tuple[int, OrderLine]]) -> str:
    return ", ".join(f"{n} × {line.sku or line.name}" for n, line in pieces if n)
