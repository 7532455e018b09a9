"""What orders hold of the stock: the one writer of reservations.

    order changes ──claims──▶ write()   stock rows locked in the order of their keys; `reserved` follows `held`
    order is collected ─────▶ take()    held pieces leave the shelf, with a line in the ledger
    pieces come back ───────▶ put_back()

Call within the transaction that changes the order, the order's row locked before. Products and warehouses as ids.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q, Sum

from integrations.models import Integration
from products.models.stock import Key, Movement, Reservation, Stock


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds: the order's key and number, and the shop it came from (none for one made by hand).

    `is_new`: nothing is held by it yet, so that nothing need be looked for.
    """

    reference: str
    label: str
    integration: Integration | None = None
    shop: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """What one order wants of one product in one warehouse, in pieces."""

    product: int
    warehouse: int
    held: int = 0
    deducted: int = 0
    open_in_shop: int = 0

    @property
    def key(self) -> Key:
        return (self.product, self.warehouse)

    def plus(self, other: Claim) -> Claim:
        return replace(
            self,
            held=self.held + other.held,
            deducted=self.deducted + other.deducted,
            open_in_shop=self.open_in_shop + other.open_in_shop,
        )


def write(holder: Holder, claims: Iterable[Claim], promised_at: datetime | None) -> bool:
    """Make the reservations of this order be exactly these claims; says whether all are covered.

    Covered: on hand is enough for every earlier promise and this one. Without `promised_at` nothing is promised.
    """
    return _write(holder, _summed(claims), promised_at)


def _write(
    holder: Holder, wanted: dict[Key, Claim], promised_at: datetime | None, *, taken_by: str | None = None
) -> bool:
    """Lock all stocks that it is about, at once; where somebody takes it, `deducted` leaves the shelf first."""
    held = Reservation.objects.none() if holder.is_new else Reservation.objects.filter(reference=holder.reference)
    before = {row.stock_id: row for row in held}
    stocks = Stock.objects.lock({*wanted, *_keys_of(before)})
    for key, claim in wanted.items():
        if taken_by is not None and claim.deducted:
            stocks[key].move(-claim.deducted, Movement.Why.COLLECTED, document=holder.label, who=taken_by)
    kept = {stocks[key].pk: claim for key, claim in wanted.items()}
    rows = [
        row
        for stock in stocks.values()
        if (row := _write_one(holder, stock, before.get(stock.pk), kept.get(stock.pk), promised_at))
    ]
    _cover(row for row in rows if row.promised_at is not None)
    for row in rows:
        if row.pk:
            row.save()
    Reservation.objects.bulk_create(row for row in rows if not row.pk)
    return promised_at is not None and all(row.is_covered or row.promised_at is None for row in rows)


def take(holder: Holder, claims: Iterable[Claim], who: str = "") -> None:
    """The pieces of these claims leave the shelf: `deducted` of each, taken from what was held.

    Raises `NotEnough` where fewer lie there; then nothing is changed, if the caller's transaction is undone.
    """
    _write(holder, _summed(claims), None, taken_by=who)


def put_back(holder: Holder, claims: Iterable[Claim], why: str, who: str = "") -> None:
    """`deducted` of each claim comes back to the shelf; the order holds nothing any more, but what the shop has open
    of it stays known."""
    summed = _summed(claims)
    before = Reservation.objects.filter(reference=holder.reference).order_by().values_list("stock", flat=True)
    stocks = Stock.objects.lock({*summed, *_keys_of(before)})
    for key, claim in summed.items():
        if claim.deducted:
            stocks[key].move(claim.deducted, why, document=holder.label, who=who)
    write(holder, [replace(one, held=0, deducted=0) for one in summed.values() if one.open_in_shop], None)


def rename_shop(merchant: int, old: str, new: str) -> None:
    """A shop of this merchant is at another host now. The orders are locked, and nobody writes their reservations."""
    Reservation.objects.filter(stock__product__merchant=merchant, shop=old).update(shop=new)


def _summed(claims: Iterable[Claim]) -> dict[Key, Claim]:
    """One claim per product and warehouse: two lines of an order may name the same product."""
    summed: dict[Key, Claim] = {}
    for claim in claims:
        summed[claim.key] = summed[claim.key].plus(claim) if claim.key in summed else claim
    return summed


def _keys_of(before: Collection[int]) -> list[Key]:
    return list(Stock.objects.filter(pk__in=before).values_list("product_id", "warehouse_id")) if before else []


def _write_one(
    holder: Holder, stock: Stock, before: Reservation | None, claim: Claim | None, promised_at: datetime | None
) -> Reservation | None:
    """The reservation as it shall be, not saved yet; none where nothing is claimed. Its stock follows."""
    row = before or Reservation(stock=stock, reference=holder.reference)
    held_before = row.held
    queued_before = row.promised_at
    if claim is None:
        if before:
            before.delete()
        _shift(stock, -held_before, is_moved=queued_before is not None)
        return None
    row.stock = stock
    row.integration, row.shop, row.label = holder.integration, holder.shop, holder.label[:100]
    row.held, row.deducted, row.open_in_shop = claim.held, claim.deducted, claim.open_in_shop
    row.promised_at = promised_at if claim.held else None
    if row.promised_at is None:
        row.is_covered = False
    _shift(stock, claim.held - held_before, is_moved=queued_before != row.promised_at)
    return row


def _shift(stock: Stock, pieces: int, *, is_moved: bool) -> None:
    """`reserved` follows; where the queue changed, the promises behind are looked at again."""
    if pieces or is_moved:
        stock.reserved += pieces
        stock.is_unsettled = True
        stock.save(update_fields=["reserved", "is_unsettled", "changed_at"])


def _cover(rows: Iterable[Reservation]) -> None:
    """Whether each promise, of another stock each, is covered now; one that is new stands behind all of its moment."""
    queued = {row.stock_id: row for row in rows}
    ahead = Q(pk__in=[])
    for stock, row in queued.items():
        same = Q(promised_at=row.promised_at, pk__lt=row.pk) if row.pk else Q(promised_at=row.promised_at)
        ahead |= Q(stock=stock) & (Q(promised_at__lt=row.promised_at) | same) & ~Q(reference=row.reference)
    if not queued:
        return
    promised = Reservation.objects.filter(ahead).order_by().values("stock").annotate(pieces=Sum("held"))
    pieces = dict(promised.values_list("stock", "pieces"))
    for stock, row in queued.items():
        row.is_covered = pieces.get(stock, 0) + row.held <= row.stock.on_hand


def recover(stock: Stock) -> set[str]:
    """Which promises on this stock change: references whose `is_covered` is not what the queue says. Writes nothing."""
    promised, changed = 0, set()
    queue = stock.reservations.filter(promised_at__isnull=False).order_by("promised_at", "pk")
    for reference, held, is_covered in queue.values_list("reference", "held", "is_covered"):
        promised += held
        if (promised <= stock.on_hand) != is_covered:
            changed.add(reference)
    return changed
