"""What the warehouse does with orders, one or many: each by itself, so that one that cannot stops no other.

chosen orders ──one transaction each──▶ done, or refused with its sentence
afterwards the shops of those done are rung once each
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from orders import handover, moves, returning, short
from orders.models import Order, OrderLine, OrderQuerySet, Status
from orders.moves import NotPossible
from orders.returning import Back
from products.models.stock import NotEnough

MOST = 500  # orders that one press takes


@dataclass
class Outcome:
    """What became of each: those done, and a sentence for each that was refused."""

    done: list[Order] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


# --- what is shown -------------------------------------------------------------------------


def is_short() -> Exists:
    """Fewer pieces were found than this order sends."""
    return Exists(OrderLine.objects.filter(order=OuterRef("pk"), found__lt=F("pieces")))


def listed(orders: OrderQuerySet) -> OrderQuerySet:
    """With all that a row of the list shows, in a fixed number of queries."""
    pieces = OrderLine.objects.filter(order=OuterRef("pk")).order_by().values("order").annotate(n=Sum("pieces"))
    related = orders.select_related("merchant", "warehouse", "method__carrier", "integration")
    counted = related.annotate(piece_count=Coalesce(Subquery(pieces.values("n")), 0), is_short=is_short())
    return counted.prefetch_related("holds")


STATES: dict[str, Callable[[], Q]] = {
    "to-collect": lambda: Q(status=Status.NEW, handover_asked_at__isnull=True),
    "handing-over": lambda: Q(status=Status.NEW, handover_asked_at__isnull=False),
    "collecting": lambda: Q(status=Status.COLLECTING),
    "cancel": lambda: Q(cancel_asked_at__isnull=False, cancel_answer="", status__in=[Status.NEW, Status.COLLECTING]),
    "short": lambda: Q(is_short(), status=Status.COLLECTING),
    "untold": lambda: Q(status=Status.SHIPPED, told_at__isnull=True, integration__isnull=False),
    "untold-error": lambda: Q(STATES["untold"]()) & ~Q(tell_error=""),
}


def state(order: Order) -> str:
    """Where it stands, in words: “NEW · being handed over”."""
    words = [order.status.upper()]
    if order.is_being_handed_over:
        words.append(_("being handed over"))
        if order.handover_error:
            words.append(_("hand-over waits: %(why)s") % {"why": order.handover_error})
    elif order.status == Status.RESERVED:
        words += sorted({hold.get_cause_display() for hold in order.holds.all()})
    elif order.status == Status.COLLECTING and any_short(order):
        is_asked = "short" in order.facts
        words.append(_("fewer pieces found; the merchant decides") if is_asked else _("waits for the missing pieces"))
    elif order.status == Status.SHIPPED and order.integration_id and order.told_at is None:
        words.append(_("the shop is not told yet"))
        words += [order.tell_error] if order.tell_error else []
    if order.status == Status.SHIPPED and order.returned_at:
        words.append(_("pieces came back"))
    return " · ".join(words)


def any_short(order: Order) -> bool:
    """From the list's own column where there is one."""
    known = getattr(order, "is_short", None)
    if known is None:
        return any(line.found is not None and line.found < line.pieces for line in order.lines.all())
    return bool(known)


def cancellation(order: Order) -> str:
    """The request to cancel, in words; `""` where nobody asked."""
    if order.cancel_asked_at is None:
        return ""
    if order.is_cancellation_open:
        return _("requested by %(who)s") % {"who": order.cancel_asked_by} if order.cancel_asked_by else _("requested")
    return str(order.get_cancel_answer_display())


# --- what is done --------------------------------------------------------------------------


def mark_collecting(orders: Iterable[Order], who: str) -> Outcome:
    """*Mark as collecting*. One that is being handed over already is said to be so."""

    def mark(order: Order) -> None:
        if order.is_being_handed_over:
            raise NotPossible(_("%(order)s is being handed over already.") % {"order": order.label})
        moves.ask_to_hand_over(order, who)

    return _each(orders, mark, who)


def mark_shipped(parcels: list[tuple[Order, ParcelData]], who: str) -> Outcome:
    """*Mark as shipped*, each with its parcel. What was shipped before keeps its own tracking code, and says so."""
    by_order = {order.pk: parcel for order, parcel in parcels}

    def send(order: Order) -> None:
        if order.status == Status.SHIPPED:
            raise NotPossible(already_shipped(order))
        moves.ship(order, by_order[order.pk], who)
        if order.tracking_code != by_order[order.pk].tracking_code:
            raise NotPossible(already_shipped(order))  # somebody else was quicker

    return _each([order for order, _parcel in parcels], send, who)


def already_shipped(order: Order) -> str:
    code = order.tracking_code or _("no tracking code")
    return _("%(order)s is shipped already, with %(code)s.") % {"order": order.label, "code": code}


def answer(orders: Iterable[Order], who: str, *, is_agreed: bool) -> Outcome:
    """*Agree to cancel* or *Too late*."""
    return _each(orders, lambda order: moves.answer_cancellation(order, who, is_agreed=is_agreed), who)


def found(order: Order, pieces: dict[int, int], who: str) -> Outcome:
    """*Enter pieces found*: line id → pieces."""
    return _each([order], lambda one: short.found(one, pieces, who), who)


def returned(order: Order, back: dict[int, Back], who: str, comment: str, shown: dict[int, int]) -> Outcome:
    """*Parcel came back*: line id → pieces that came and pieces on the shelf; `shown` as the form showed them."""
    return _each([order], lambda one: returning.record(one, back, who, comment=comment, shown=shown), who)


@transaction.atomic
def comment(order: Order, text: str, who: str) -> None:
    """What the warehouse writes to the merchant about an order, however it stands; erased in its turn."""
    Order.objects.filter(pk=order.pk).update(warehouse_comment=text, erased_at=None, changed_at=timezone.now())
    said = _("The warehouse says: “%(text)s”") % {"text": text} if text else _("The warehouse took its comment out.")
    order.tell(said, who=who)


def _each(orders: Iterable[Order], do: Callable[[Order], None], who: str) -> Outcome:
    outcome = Outcome()
    for order in orders:
        try:
            do(order)
            outcome.done.append(order)
        except NotPossible as error:
            outcome.refusals.append(str(error))
        except NotEnough as error:
            outcome.refusals.append(f"{order.label}: {error}")
    _ring(outcome.done, who)
    return outcome


def _ring(orders: Iterable[Order], who: str) -> None:
    """Once for each shop that something may be owed to now."""
    pks = {order.integration_id for order in orders if order.integration_id}
    for integration in Integration.objects.filter(pk__in=pks).order_by("pk"):
        handover.ring(integration, who)


# --- the pick list -------------------------------------------------------------------------


@dataclass
class Pick:
    """One item to fetch: how many for all orders of the list, and for which."""

    warehouse: str
    merchant: str
    sku: str
    ean: str
    name: str
    pieces: int = 0
    orders: list[str] = field(default_factory=list)


def picks(orders: Iterable[Order]) -> list[Pick]:
    """The items of these orders summed up, by warehouse, merchant and SKU.

    Orders come with `lines__product`, `merchant` and `warehouse`.
    """
    found: dict[tuple[str, int, str], Pick] = {}
    for order in orders:
        house = order.warehouse.code
        for line in to_pick(order):
            key = (house, order.merchant_id, sku(line) or line.name)
            pick = found.setdefault(key, Pick(house, order.merchant.name, sku(line), ean(line), line.name))
            pick.pieces += line.pieces
            if order.label not in pick.orders:
                pick.orders.append(order.label)
    return [found[key] for key in sorted(found, key=lambda key: (key[0], found[key].merchant, key))]


def to_pick(order: Order) -> list[OrderLine]:
    return [line for line in order.lines.all() if line.pieces]


def sku(line: OrderLine) -> str:
    """As the label on the shelf has it, which is the product's; the shop may call it otherwise by now."""
    return line.product.sku if line.product else line.sku


def ean(line: OrderLine) -> str:
    """As the warehouse's own product has it; else as the shop said."""
    return (line.product.ean if line.product else "") or line.ean
