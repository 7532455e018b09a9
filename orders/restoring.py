"""A cancelled order goes on after all: because somebody saves it as NEW, or the shop restores it or lets it go on.

It begins anew, also where the warehouse had it: its pieces are on the shelf. What was paid stays paid, and is to be
refunded no more. A shipment that the shop deleted is made again at the hand-over, one that others use is left to them.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from integrations.models import Tone
from orders import intent
from orders.models import Order

SHOP = "the shop"  # who did what follows from reading the shop
UNDER_WAY = "under_way"  # what was told of the shop's changes while it is collected: see `orders/under_way.py`
REFUNDED = "refunded"  # the fact of a cancelled order whose money was given back: sent after all, it would go unpaid


def why_not(order: Order) -> str:
    """Why a cancelled order cannot go on, and what to do instead; `""` where it can."""
    if REFUNDED in order.facts:
        return _("It was refunded in the shop, so it cannot be brought back: place a new order there instead.")
    if order.needs_refund and order.shipment and order.shipment.completed_at:
        return _(
            "The shop has completed the shipment in which it was paid: refund it there, and place a new order instead."
        )
    if order.shop_status == "cancelled":
        return _("The shop cancelled it. Restore it in the shop first.")
    return ""


def is_for_shop(order: Order) -> bool:
    """Whether it was cancelled only because of what the shop said, and nobody here has said so since."""
    if order.collected_at:
        return order.cancel_asked_by == SHOP and order.cancel_answer == "agreed"
    return order.events.filter(who=SHOP, at__gte=order.status_changed_at).exists()


def is_sent_by_hand(order: Order) -> bool:
    """Whether the shop's own people sent what the warehouse has of it, as last read: that money is due."""
    if order.shop_status in ("completed", "archived"):
        return True
    told = order.facts.get(UNDER_WAY) or {}
    since = order.collected_at.isoformat() if order.collected_at else ""
    return told.get("since") == since and "sent" in told.get("stops", [])


def restore(order: Order) -> None:
    """Nothing of its cancellation counts any more. The caller has locked it and asked `why_not`, then decides it."""
    if order.needs_refund:
        order.tell(_("It goes on: what was paid in the shop is not to be refunded."), Tone.WAIT)
    forget_cancellation(order)
    forget_hand_over(order)
    order.facts.pop("short", None)
    order.lines.update(found=None)
    order.__dict__.pop("_prefetched_objects_cache", None)
    intent.take_up(order)


def forget_cancellation(order: Order) -> None:
    """What was asked and answered before counts no more. Saved by the caller."""
    order.cancel_asked_at, order.cancel_asked_by = None, ""
    order.cancel_answer, order.cancel_answered_at = "", None
    order.needs_refund = False
    order.facts = {**order.facts, "digest": ""}  # its open pieces are read anew


def forget_hand_over(order: Order) -> None:
    """The warehouse does not have it any more. Saved by the caller."""
    order.handover_asked_at = order.collected_at = None
    order.handover_asked_by = order.handover_error = ""
