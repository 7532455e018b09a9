"""What a shop says of an order → the fields of our rows. Saves lines only; the order itself is saved by the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Context, Decimal
from functools import cache

from django.db import models
from django.utils import timezone

from integrations.connectors.base import LineData, OrderData
from orders import differences, reading
from orders.books import Books
from orders.models import Order, OrderLine
from orders.restoring import UNDER_WAY

# What the hand-over found is not forgotten by a reading; it clears these itself, or a person does.
KEPT_FACTS = ("capture", "paid_elsewhere", "short", "left", "refunded", UNDER_WAY)
# These neither, as long as the shop shows what it showed then (`found_in` is its digest): a listing does not tell them.
# Not `sent`: what is open there a reading does tell, and an edit of the lines answers it.
MET_FACTS = ("refused", "several", "found_in")


def fill(order: Order, data: OrderData) -> None:
    """All that the shop says of the head of an order."""
    for key in differences.ADDRESS:
        setattr(order, key, differences.fit(order, key, getattr(data.deliver_to, key)))
    order.shop_method = differences.fit(order, "shop_method", data.shipping_method)
    order.ingrid_method = differences.fit(order, "ingrid_method", data.ingrid_method)
    order.pickup_point = differences.fit(order, "pickup_point", data.pickup_point)
    order.taken = differences.snapshot(data)
    fill_words(order, data)
    fill_money(order, data)


def fill_words(order: Order, data: OrderData) -> None:
    """What is said beside the address, and when it was placed; what a person typed already stays."""
    order.comment = order.comment or data.comment
    order.customisation = order.customisation or "\n".join(line.comment for line in data.lines if line.comment)
    reference = differences.fit(order, "customer_reference", data.customer_reference)
    order.customer_reference = order.customer_reference or reference
    order.placed_at = data.placed_at or order.read_at


def fill_money(order: Order, data: OrderData) -> None:
    """Who pays, and how much: nobody changes that here."""
    order.bill_to = asdict(data.bill_to)
    order.currency, order.total, order.shipping_price = data.currency[:3], data.total, data.shipping_price
    fit_numbers(order)


def fill_shop(order: Order, data: OrderData, found: dict[str, str], digest: str) -> None:
    """How the order stands in the shop now; `found` is what reading has against it."""
    order.shop_status = data.status.value
    order.is_on_hold, order.is_suspect = data.is_on_hold, data.is_suspect
    order.waits_for_payment = data.waits_for_payment
    order.is_shown, order.shown_at = True, timezone.now()
    is_same = bool(digest) and order.facts.get("found_in") == digest
    kept = {key: text for key, text in order.facts.items() if key in KEPT_FACTS or (is_same and key in MET_FACTS)}
    if not is_same and {"several", "found_in"} <= order.facts.keys():
        order.wait_until = None  # it was that of looking at its shipments again
    order.facts = {**kept, **found, "digest": digest}


def make_lines(order: Order, data: OrderData, settings: reading.Settings, books: Books) -> list[OrderLine]:
    """The lines of an order that has none, each with the product that it means."""
    return OrderLine.objects.bulk_create(_lines(order, data, settings, books))


def refill_lines(order: Order, data: OrderData, settings: reading.Settings, books: Books) -> list[OrderLine]:
    """The shop's lines anew, behind them those that a person added, which are returned. A price changed here stays."""
    rows = list(order.lines.all())
    by_hand = [row for row in rows if not row.external_id]
    prices = {(row.external_id, row.sku): row.price for row in rows if row.external_id}
    lines = _lines(order, data, settings, books)
    for line in lines:
        line.price = prices.get((line.external_id, line.sku), line.price)
    order.lines.all().delete()
    order.__dict__.pop("_prefetched_objects_cache", None)
    for row in by_hand:
        row.pk = None
    OrderLine.objects.bulk_create([*lines, *by_hand])
    return by_hand


def _lines(order: Order, data: OrderData, settings: reading.Settings, books: Books) -> list[OrderLine]:
    pieces = reading.pieces_of(data, settings)
    lines = [_line(order, line, pieces[line.external_id]) for line in data.lines]
    for line in lines:
        fit_numbers(line)
    if order.integration is not None:
        shelf = books.catalogue(order.integration, {line.sku for line in lines}, {line.ean for line in lines})
        for line in lines:
            line.product = shelf.match(line.sku, line.ean).product
    return lines


def fit_numbers(row: models.Model) -> None:
    """Its decimals as the columns hold them. Raises `ArithmeticError` where one is too large for its column.

    Not every database says so by itself: SQLite stores it, and cannot read it again.
    """
    for name, step, context in _decimals(type(row)):
        if (value := getattr(row, name)) is not None:
            setattr(row, name, Decimal(value).quantize(step, context=context))


@cache
def _decimals(model: type[models.Model]) -> tuple[tuple[str, Decimal, Context], ...]:
    """The decimal columns of a table: name, least step, digits."""
    fields = [field for field in model._meta.get_fields() if isinstance(field, models.DecimalField)]
    return tuple((one.attname, Decimal(1).scaleb(-(one.decimal_places or 0)), one.context) for one in fields)


def know(order: Order, name: str, rows: Sequence[models.Model]) -> None:
    """These are all its `name`: they were written just now and need not be read, as if prefetched."""
    found = getattr(order, name).all()
    found._result_cache, found._prefetch_done = list(rows), True
    order.__dict__.setdefault("_prefetched_objects_cache", {})[name] = found


def fewer(order: Order, data: OrderData) -> dict[str, int]:
    """By the shop's line, how many pieces it took off the order since it was read; a line that is gone with all."""
    now = {line.external_id: line.pieces for line in data.lines}
    known = [line for line in order.lines.all() if line.external_id]
    lacking = {line.external_id: line.ordered - now.get(line.external_id, 0) for line in known}
    return {key: pieces for key, pieces in lacking.items() if pieces > 0}


def _line(order: Order, line: LineData, pieces: reading.Pieces) -> OrderLine:
    return OrderLine(
        order=order,
        external_id=line.external_id[:64],
        sku=line.sku[:200],
        ean=line.ean[:40],
        name=line.name[:300],
        pieces=pieces.ours,
        ordered=pieces.ordered,
        open_in_shop=pieces.open,
        elsewhere=pieces.elsewhere,
        price=line.price,
        vat_percent=line.vat_percent,
        weight_kg=line.weight_kg,
        country_of_origin=line.country_of_origin,
        hs_code=line.hs_code[:20],
        comment=line.comment,
        bundle=line.bundle[:300],
    )


def standing(order: Order) -> tuple[object, ...]:
    """What of an order is news when it changes."""
    of_shop = (order.shop_status, order.is_on_hold, order.is_suspect, order.waits_for_payment, order.is_shown)
    return (*of_shop, order.status, order.offered, "unreadable" in order.facts, str(order.facts.get(UNDER_WAY)))


def span(seconds: int) -> str:
    """“41 s”, “12 min”, “5 h”, “3 d”."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
