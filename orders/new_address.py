"""What is here of a shop whose integration gets a Store Hash on another host; see `integrations/moving.py`.

The same shop: its orders, shipments and reservations are known by the new host from one transaction on, so that nothing
is taken twice and what is owed is told there. All of the merchant, whichever integration took them, for an order is
(merchant, shop, number, part). Another shop: only where nothing of the old one is with the warehouse, or owed to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_stubs_ext import StrPromise

from integrations.models import Tone
from integrations.moving import Move, Which
from orders.models import OPEN, Event, Order, OrderQuerySet, Shipment, Status
from products import reserve
from products.batches import batched
from products.models import WebshopProduct

BATCH = 1000
NAMED = 3  # numbers in a sentence
UNTOLD = Q(status=Status.SHIPPED, told_at__isnull=True)
UNFINISHED = Q(status__in=(*OPEN, Status.COLLECTING)) | UNTOLD


def of(move: Move) -> OrderQuerySet:
    """Every order of the old host."""
    return Order.objects.filter(merchant=move.merchant, shop=move.old)


# --- what is here --------------------------------------------------------------------------


def facts(move: Move) -> list[str]:
    """What is here of the old host, in sentences; empty where nothing is."""
    counts = of(move).aggregate(
        all=Count("pk"),
        unfinished=Count("pk", filter=UNFINISHED),
        collecting=Count("pk", filter=Q(status=Status.COLLECTING)),
        untold=Count("pk", filter=UNTOLD),
    )
    items = WebshopProduct.objects.filter(integration=move.pk, product__isnull=False).count()
    return [*_of_orders(move, counts), *_of_items(items)]


def _of_orders(move: Move, counts: dict[str, int]) -> Iterator[str]:
    words = {"n": counts["unfinished"], "k": counts["collecting"], "shop": move.old}
    if counts["unfinished"]:
        text = ngettext(
            "%(n)d order of %(shop)s is not finished, of them %(k)d with the warehouse.",
            "%(n)d orders of %(shop)s are not finished, of them %(k)d with the warehouse.",
            counts["unfinished"],
        )
        yield text % words
    elif counts["all"]:
        text = ngettext(
            "%(n)d order of %(shop)s is here, finished.",
            "%(n)d orders of %(shop)s are here, all finished.",
            counts["all"],
        )
        yield text % {**words, "n": counts["all"]}
    if untold := counts["untold"]:
        yield ngettext("%(n)d is shipped and not told yet.", "%(n)d are shipped and not told yet.", untold) % {
            "n": untold
        }


def _of_items(linked: int) -> Iterator[str]:
    if linked:
        text = ngettext("%(n)d item of it is linked to a product.", "%(n)d items of it are linked to products.", linked)
        yield text % {"n": linked}


# --- what it may not be --------------------------------------------------------------------


def lock(move: Move, which: Which) -> None:
    """Who has one of these now finishes first; whoever comes later finds that its lease is lost."""
    orders = of(move) if which == Which.SAME else of(move).filter(UNFINISHED, integration=move.pk)
    for _pk in orders.lock().values_list("pk", flat=True).iterator(chunk_size=BATCH):
        pass


def refusal(move: Move, which: Which) -> str:
    """Why it may not be this; nothing where it may."""
    return _same_numbers(move) if which == Which.SAME else _not_done(move)


def _same_numbers(move: Move) -> str:
    """Two orders cannot become one."""
    there = Order.objects.filter(merchant=move.merchant, shop=move.new)
    found = there.filter(number__in=of(move).order_by().values("number")).order_by("number")
    numbers = list(found.values_list("number", flat=True).distinct())
    if not numbers:
        return ""
    text = ngettext(
        "It cannot become the same shop: of %(new)s there is an order %(some)s here already, and of %(old)s as well.",
        "It cannot become the same shop: of %(new)s there are %(n)d orders here already with numbers that orders of "
        "%(old)s have as well: %(some)s.",
        len(numbers),
    )
    some = ", ".join(numbers[:NAMED]) + (" …" if len(numbers) > NAMED else "")
    return text % {"n": len(numbers), "new": move.new, "old": move.old, "some": some}


def _not_done(move: Move) -> str:
    """What could never be told any more, or would be sent a second time."""
    found = [phrase(n) % {"n": n} for n, phrase in zip(_numbers(move), _PHRASES, strict=True) if n]
    if not found:
        return ""
    text = _(
        "Not another shop yet. Of %(old)s: %(what)s. Finish this first, or connect the other shop as a new integration."
    )
    return text % {"old": move.old, "what": ", ".join(found)}


def _numbers(move: Move) -> tuple[int, ...]:
    asked = Q(shipment__asked_at__isnull=False) | ~Q(shipment__external_id="")
    begun = Q(status__in=OPEN, shipment__isnull=False, shipment__withdrawn_at__isnull=True) & asked
    orders = of(move).filter(integration=move.pk)
    counts = orders.aggregate(
        collecting=Count("pk", filter=Q(status=Status.COLLECTING)),
        untold=Count("pk", filter=UNTOLD),
        begun=Count("pk", filter=begun),
    )
    shipments = Shipment.objects.filter(integration=move.pk, shop=move.old, completed_at=None, withdrawn_at=None)
    mended = shipments.filter(Q(withdraw_asked_at__isnull=False) | Q(wanted__isnull=False)).count()
    return (counts["collecting"], counts["begun"], counts["untold"], mended)


_PHRASES: tuple[Callable[[int], str | StrPromise], ...] = (
    lambda n: ngettext("%(n)d order is with the warehouse", "%(n)d orders are with the warehouse", n),
    lambda n: ngettext(
        "the shipment of %(n)d order that waits is asked for",
        "the shipments of %(n)d orders that wait are asked for",
        n,
    ),
    lambda n: ngettext("%(n)d shipped order is not told yet", "%(n)d shipped orders are not told yet", n),
    lambda n: ngettext(
        "%(n)d shipment is to be taken back or lowered", "%(n)d shipments are to be taken back or lowered", n
    ),
)


# --- the same shop -------------------------------------------------------------------------


def take_along(move: Move, who: str) -> int:
    """Give everything of the old host the new one; returns how many orders. Within a transaction, after `lock`."""
    shipments = Shipment.objects.filter(shop=move.old)
    theirs = Q(integration__merchant=move.merchant) | Q(orders__merchant=move.merchant)
    pks = list(shipments.filter(theirs).order_by("pk").values_list("pk", flat=True).distinct())
    _tell(move, who)
    number = of(move).update(shop=move.new)
    for some in batched(pks, BATCH):
        Shipment.objects.filter(pk__in=some).update(shop=move.new)
    reserve.rename_shop(move.merchant, move.old, move.new)
    return number


def _tell(move: Move, who: str) -> None:
    text = _("Its shop is at %(new)s now, and was at %(old)s: the same shop at a new address.")
    said = text % {"new": move.new, "old": move.old}
    pks = of(move).filter(UNFINISHED).order_by("pk").values_list("pk", flat=True)
    events = (Event(order_id=pk, text=said, tone=Tone.NONE, who=who[:120]) for pk in pks)
    Event.objects.bulk_create(events, batch_size=BATCH)
