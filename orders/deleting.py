"""What a shop is still owed when its integration is to be deleted, and the deletion itself.

Orders, products and stock stay. What could only be told through the integration is owed no more afterwards, and each
order's story says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_stubs_ext import StrPromise

from integrations.models import Integration, Tone
from orders import moves, promise
from orders.models import OPEN, Cause, Event, Hold, Order, OrderQuerySet, Shipment, Status
from products import stock
from products.batches import batched
from products.models import Stock

BATCH = 500


def owed(integration: Integration) -> list[str]:
    """What the shop has yet to hear, in sentences; empty where nothing is owed."""
    orders = Order.objects.filter(integration=integration).aggregate(
        untold=Count("pk", filter=Q(status=Status.SHIPPED, told_at__isnull=True)),
        handing=Count("pk", filter=Q(status=Status.NEW, handover_asked_at__isnull=False)),
        collecting=Count("pk", filter=Q(status=Status.COLLECTING)),
        waiting=Count("pk", filter=Q(status__in=(Status.NEW, Status.PENDING, Status.RESERVED))),
        refunds=Count("pk", filter=Q(needs_refund=True)),
    )
    withdrawals = Shipment.objects.filter(
        integration=integration, withdraw_asked_at__isnull=False, withdrawn_at__isnull=True
    ).count()
    figures = stock.due(integration, timezone.now()).count() if integration.sends_stock else 0
    said = [(number, phrase) for number, phrase in zip(_numbers(orders, withdrawals, figures), _PHRASES, strict=True)]
    return [phrase(number) % {"n": number} for number, phrase in said if number]


def _numbers(orders: dict[str, int], withdrawals: int, figures: int) -> Iterable[int]:
    waiting = orders["waiting"] - orders["handing"]
    first = (orders["untold"], orders["handing"], orders["collecting"], waiting)
    return (*first, withdrawals, orders["refunds"], figures)


_PHRASES: tuple[Callable[[int], str | StrPromise], ...] = (
    lambda n: ngettext(
        "%(n)d shipped order is not told to the shop yet.", "%(n)d shipped orders are not told to the shop yet.", n
    ),
    lambda n: ngettext("%(n)d order is being handed over.", "%(n)d orders are being handed over.", n),
    lambda n: ngettext(
        "%(n)d order is being collected; the shop will not hear when it is sent.",
        "%(n)d orders are being collected; the shop will not hear when they are sent.",
        n,
    ),
    lambda n: ngettext(
        "%(n)d order waits here and will not be handed over through the shop.",
        "%(n)d orders wait here and will not be handed over through the shop.",
        n,
    ),
    lambda n: ngettext(
        "%(n)d shipment is not taken back in the shop yet.", "%(n)d shipments are not taken back in the shop yet.", n
    ),
    lambda n: ngettext("%(n)d paid order must be refunded there.", "%(n)d paid orders must be refunded there.", n),
    lambda n: ngettext(
        "%(n)d stock figure is not told to the shop yet.", "%(n)d stock figures are not told to the shop yet.", n
    ),
)


def delete(integration: Integration, who: str) -> None:
    """Delete it; orders, products and stock stay, and nothing is owed to its shop any more.

    What was shipped keeps `told_at` empty, for nobody told the shop; without an integration it is owed to nobody. What
    was marked as collecting is NEW again, or cancelled where somebody asked for that. What waited for the shop, unpaid
    or on hold there, stays RESERVED on purpose: nobody would tell us any more that it may go.
    """
    text = _("The integration %(shop)s was deleted; its shop is told nothing more.") % {"shop": integration.label}
    with transaction.atomic():
        orders = Order.objects.filter(integration=integration)
        waiting = Q(status=Status.RESERVED, holds__cause__in=SHOPS_CAUSES)
        held = list(orders.filter(waiting).order_by("pk").values_list("pk", flat=True).distinct())
        touched = orders.filter(Q(status=Status.SHIPPED, told_at__isnull=True) | Q(status__in=_UNDER_WAY))
        pks = list(touched.lock().values_list("pk", flat=True))
        called_off = list(orders.being_handed_over().asked_to_cancel().select_related("shipment").order_by("pk"))
        for some in batched(pks, BATCH):
            _let_go(Order.objects.filter(pk__in=some), text, who)
        _cancel(called_off)
        for some in batched(held, BATCH):
            _keep_reserved(Order.objects.filter(pk__in=some), who)
        integration.delete()
        _settle_returns(pks)


_UNDER_WAY = (*OPEN, Status.COLLECTING)
# What the shop said or must say, as against what can be mended here without it.
SHOPS_CAUSES = frozenset(Cause) - {
    Cause.UNKNOWN_SKU,
    Cause.AMBIGUOUS_ITEM,
    Cause.METHOD,
    Cause.PICKUP_POINT,
    Cause.ADDRESS,
    Cause.PHONE,
    Cause.CUSTOMS,
    Cause.CUSTOMISATION,
}


def _cancel(orders: list[Order]) -> None:
    """The warehouse does not have them, and nobody hands them over any more."""
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(
        cancel_answer="agreed", cancel_answered_at=timezone.now()
    )
    promise.lock_stock(orders)
    for order in orders:
        moves.cancel(order, order.cancel_asked_by, _("The warehouse had not begun."))


def _settle_returns(pks: list[int]) -> None:
    """What came back whole was SHIPPED for the shop's sake alone, and is RETURNED now that nobody is to be told."""
    found = [Order.objects.filter(pk__in=some, returned_at__isnull=False) for some in batched(pks, BATCH)]
    orders = [order for some in found for order in some.prefetch_related("lines").order_by("pk")]
    lines = ((line, order) for order in orders for line in order.lines.all())
    Stock.objects.lock({(line.product_id, order.warehouse_id) for line, order in lines if line.product_id})
    for order in orders:
        moves.settle_return(order)


def _let_go(orders: OrderQuerySet, text: str, who: str) -> None:
    """Nothing is asked of the shop for these any more, and their story says why."""
    _tell(orders, text, who)
    orders.update(
        handover_asked_at=None,
        handover_error="",
        wait_until=None,
        tell_error="",
        offered=None,
        changed_at=timezone.now(),
    )


def _keep_reserved(orders: OrderQuerySet, who: str) -> None:
    """Without a reason it is RESERVED on purpose, and never freed by itself."""
    Hold.objects.filter(order__in=orders.values("pk")).delete()
    _tell(orders, _("It waited for the shop, so it stays RESERVED. Look at it before you save it as NEW."), who)


def _tell(orders: OrderQuerySet, text: str, who: str) -> None:
    pks = orders.order_by("pk").values_list("pk", flat=True)
    Event.objects.bulk_create(Event(order_id=pk, text=text, tone=Tone.WAIT, who=who[:120]) for pk in pks)
