"""A correction of what lies on the shelf, with a reason: a recount, a broken piece, a find."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from merchants.models import Warehouse
from products.models import Movement, Product, Stock

MOST_PIECES = 1_000_000_000  # what every database can keep, and no shelf


class NotAdjusted(Exception):
    """Why nothing was written, in words for whoever pressed."""


class Meanwhile(NotAdjusted):
    """Somebody was faster; what the form showed is no longer so."""


@transaction.atomic
def adjust(
    product: Product,
    warehouse: Warehouse,
    *,
    reason: str,
    who: str,
    to: int | None = None,
    by: int | None = None,
    shown: int | None = None,
) -> Movement:
    """Set on hand `to` a figure, or change it `by` a difference; one of the two. Returns the ledger's line.

    `shown` is the figure that the form showed: where it is another by now, somebody was faster and nothing is written.
    Raises `NotAdjusted`, and `NotEnough` where on hand would fall below zero.
    """
    reason = reason.strip()
    if not reason:
        raise NotAdjusted(_("Say why: the reason stays in the ledger."))
    if (to is None) == (by is None):
        raise NotAdjusted(_("Give either the new figure or the difference."))
    stock = Stock.objects.lock([(product.pk, warehouse.pk)])[product.pk, warehouse.pk]
    if shown is not None and shown != stock.on_hand:
        raise Meanwhile(
            _("On hand is %(now)d by now, no longer %(shown)d. Nothing was written; count again.")
            % {"now": stock.on_hand, "shown": shown}
        )
    return stock.move(_difference(stock, to, by), Movement.Why.ADJUSTED, reason=reason, who=who)


def _difference(stock: Stock, to: int | None, by: int | None) -> int:
    if to is not None and to < 0:
        raise NotAdjusted(_("On hand is never below zero."))
    pieces = to - stock.on_hand if to is not None else by or 0
    if not pieces:
        raise NotAdjusted(_("On hand is %(now)d already; there is nothing to change.") % {"now": stock.on_hand})
    if stock.on_hand + pieces > MOST_PIECES:
        raise NotAdjusted(_("At most %(most)d pieces of one product.") % {"most": MOST_PIECES})
    return pieces
