"""Lines of an order: what was bought, and from where its pieces come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from django.db import models

from sandbox.models.product import Size
from sandbox.refused import Refused

if TYPE_CHECKING:
    from sandbox.models.order import Order

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Wanted:
    """One line to be bought. Prices are per piece with tax; `warehouses` (name to pieces) allocates elsewhere.

    `size` is None for an item that the shop does not keep; `text` overrides what the line says about it.
    """

    size: Size | None
    pieces: int
    price: Decimal | None = None
    original_price: Decimal | None = None
    comment: str = ""
    warehouses: Mapping[str, int] = field(default_factory=dict)
    text: Mapping[str, str] = field(default_factory=dict)


def spread(price: Decimal, parts: Sequence[tuple[int, Decimal]]) -> Iterator[tuple[int, int, Decimal]]:
    """A bundle's price over its parts (pieces, own price of one), in proportion: row of the part, pieces, price of one.

    They add up to the cent, or the last shipment of an order could not be paid. What rounding leaves is put on a part
    of one piece; where there is none, the pieces of one part differ by a cent, and it comes as two rows.
    """
    whole = sum((pieces * own for pieces, own in parts), Decimal()) or Decimal(1)
    each = [(price * own / whole).quantize(CENT, ROUND_DOWN) for _pieces, own in parts]
    left = price - sum((pieces * one for (pieces, _own), one in zip(parts, each, strict=True)), Decimal())
    taker = min(range(len(parts)), key=lambda row: parts[row][0], default=0)
    for row, (pieces, _own) in enumerate(parts):
        cents, odd = divmod(int(left / CENT), pieces) if row == taker else (0, 0)
        for count, one in ((pieces - odd, each[row] + cents * CENT), (odd, each[row] + (cents + 1) * CENT)):
            if count:
                yield row, count, one


class OrderLine(models.Model):
    """A line, with a snapshot of what was bought. A bundle is a line with `is_bundle`; its parts name it as `parent`.

    `allocations` maps a warehouse's name to pieces; what is missing there is owed. It stays as it is when pieces are
    sent. `qty` is what is still wanted, `cancelled` what was wanted once.
    """

    order: models.ForeignKey[Order, Order] = models.ForeignKey("sandbox.Order", models.CASCADE, related_name="lines")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    size = models.ForeignKey(Size, models.SET_NULL, null=True, blank=True, related_name="lines")
    is_bundle = models.BooleanField(default=False)
    sku = models.CharField(max_length=120, blank=True)
    variant_sku = models.CharField(max_length=100, blank=True)
    size_sku = models.CharField(max_length=100, blank=True)
    ean = models.CharField(max_length=20, blank=True)
    upc = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=100, blank=True)
    brand = models.CharField(max_length=100, blank=True)
    size_name = models.CharField(max_length=50, blank=True)
    product_id_then = models.PositiveBigIntegerField(default=0)
    variant_id_then = models.PositiveBigIntegerField(default=0)
    qty = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField(default=0)
    per_bundle = models.PositiveIntegerField(default=1)
    price = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    original_price = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    vat_percent = models.DecimalField(max_digits=5, decimal_places=2, default=25)
    weight = models.DecimalField(max_digits=8, decimal_places=3, default=0)
    weight_unit = models.CharField(max_length=2, default="kg")
    country = models.CharField(max_length=2, blank=True)
    hs_code = models.CharField(max_length=20, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    allocations = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.qty} × {self.full_sku or self.name}"

    @property
    def full_sku(self) -> str:
        return self.sku + self.variant_sku + self.size_sku

    @property
    def total(self) -> Decimal:
        return Decimal(self.price * self.qty)

    @classmethod
    def add(
        cls, order: Order, want: Wanted, sizes: Mapping[int, Size], *, allocates: bool = True, forces: bool = False
    ) -> OrderLine:
        """Write one line (and the parts of a bundle) and allocate its pieces on the locked `sizes`."""
        if want.pieces < 1:
            raise Refused("quantity must be at least 1", -4)
        line = cls(order=order, size=want.size, qty=want.pieces, comment=want.comment)
        line._write_down(want)
        line.save()
        if line.is_bundle:
            line._add_parts(sizes, allocates=allocates, forces=forces)
        elif want.warehouses:
            line._allocate_as(want.warehouses, sizes)
        elif allocates and want.size is not None:
            line.allocate_rest(sizes[want.size.pk], forces=forces)
        return line

    def _write_down(self, want: Wanted) -> None:
        """The snapshot: what the shop says now, then what the caller wants said instead."""
        if want.size is not None:
            self._copy(want.size)
        named = {"sku": "sku", "brand": "brand", "product": "name", "variant": "variant", "size": "size_name"}
        for theirs, ours in named.items():
            if theirs in want.text:
                setattr(self, ours, want.text[theirs])
        if "sku" in want.text:
            self.variant_sku = self.size_sku = ""
        self.price = self.original_price if want.price is None else want.price
        if want.original_price is not None:
            self.original_price = want.original_price
        elif want.size is None:
            self.original_price = self.price

    def _copy(self, size: Size) -> None:
        variant, product = size.variant, size.variant.product
        self.is_bundle = product.is_bundle
        self.sku, self.variant_sku, self.size_sku = product.sku, variant.sku, size.sku
        self.ean, self.upc = size.ean, size.upc
        self.name, self.variant, self.size_name, self.brand = product.name, variant.name, size.name, product.brand
        self.product_id_then, self.variant_id_then = product.pk, variant.pk
        self.weight, self.weight_unit = product.weight, product.weight_unit
        self.country, self.hs_code = product.country, product.hs_code
        self.original_price = variant.price

    def _add_parts(self, sizes: Mapping[int, Size], *, allocates: bool, forces: bool) -> None:
        assert self.size is not None
        parts = list(self.size.parts.select_related("part__variant__product"))
        for row, pieces, price in spread(self.price, [(part.pieces, part.part.variant.price) for part in parts]):
            part = parts[row].part
            line = OrderLine(order=self.order, parent=self, size=part, per_bundle=pieces)
            line.qty = self.qty * pieces
            line._write_down(Wanted(part, line.qty, price=price))
            line.save()
            if allocates:
                line.allocate_rest(sizes[part.pk], forces=forces)

    def physical(self, lines: Iterable[OrderLine]) -> list[tuple[OrderLine, int]]:
        """The physical lines behind this one among `lines`, with pieces per piece: itself, or a bundle's parts."""
        if not self.is_bundle:
            return [(self, 1)]
        return [(line, line.per_bundle) for line in lines if line.parent_id == self.pk]

    # --- allocation ------------------------------------------------------------------------
    @property
    def missing(self) -> int:
        """Pieces that are allocated nowhere."""
        allocated: int = sum(self.allocations.values())
        return self.qty - allocated

    def allocate_rest(self, size: Size | None, *, forces: bool = False) -> None:
        """Reserve what is missing on the locked size; `forces` takes what there is and owes the rest."""
        if size is None or self.missing <= 0:
            return
        pieces = min(self.missing, size.available) if forces else self.missing
        size.allocate(pieces)
        self._book(self.order.shop.warehouse, pieces)

    def _allocate_as(self, warehouses: Mapping[str, int], sizes: Mapping[int, Size]) -> None:
        primary = self.order.shop.warehouse
        if self.size_id and primary in warehouses:
            sizes[self.size_id].allocate(warehouses[primary])
        for name, pieces in warehouses.items():
            self._book(name, pieces)

    def _book(self, warehouse: str, pieces: int) -> None:
        if pieces:
            self.allocations[warehouse] = self.allocations.get(warehouse, 0) + pieces
            self.allocations = {name: count for name, count in self.allocations.items() if count}
            self.save(update_fields=["allocations"])

    def release_all(self, size: Size | None) -> None:
        """Give free whatever is allocated; only for lines of which nothing was sent."""
        if size is not None:
            size.release(self.allocations.get(self.order.shop.warehouse, 0))
        self.allocations = {}
        self.save(update_fields=["allocations"])

    def drop(self, pieces: int, size: Size | None) -> None:
        """Cancel pieces: those that were owed first, then allocated ones, other warehouses before the primary."""
        self.qty -= pieces
        self.cancelled += pieces
        primary = self.order.shop.warehouse
        for name in sorted(self.allocations, key=lambda name: name == primary):
            surplus = min(max(0, -self.missing), self.allocations[name])
            if name == primary and size is not None:
                size.release(surplus)
            self._book(name, -surplus)
        self.save(update_fields=["qty", "cancelled"])
