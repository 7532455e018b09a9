"""The lines of an order as a person types them: an SKU and its pieces in each row.

A line of the shop keeps its SKU and never has more pieces than the shop has open; taken out, it stays with none, so
that the shop's own pieces are still counted. Lines by hand come and go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from merchants.models import Merchant
from orders.models import Order, OrderLine
from products.models import Product

SPARE = 3  # empty rows to begin with
MORE = 5
MOST_PIECES = 999_999
MOST_ROWS = 1200
MOST_PRICE = MOST_TOTAL = Decimal("999999999999")


@dataclass(slots=True)
class Row:
    """One row as typed; `line` where it is stored already."""

    line: OrderLine | None = None
    sku: str = ""
    pieces: str = ""
    price: str = ""
    error: str = ""
    product: Product | None = None

    @classmethod
    def of(cls, line: OrderLine) -> Row:
        """As it is stored."""
        return cls(line, line.sku, str(line.pieces), "" if line.price is None else str(line.price))

    @property
    def is_of_shop(self) -> bool:
        return self.line is not None and bool(self.line.external_id)

    @property
    def is_empty(self) -> bool:
        return self.line is None and not (self.sku or self.pieces or self.price)

    @property
    def number(self) -> int:
        """The pieces; 0 where none are said."""
        return int(self.pieces or 0)

    @property
    def most(self) -> int:
        """A line of the shop has at most the pieces that the shop has open."""
        return max(self.line.pieces, self.line.open_in_shop) if self.line and self.is_of_shop else MOST_PIECES

    @property
    def amount(self) -> Decimal | None:
        return Decimal(self.price.replace(",", ".")) if self.price else None


@dataclass(slots=True)
class Lines:
    """All rows of the form."""

    merchant: Merchant
    rows: list[Row]
    errors: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, order: Order) -> Lines:
        rows = [Row.of(line) for line in order.lines.all()]
        return cls(order.merchant, [*rows, *(Row() for _number in range(SPARE))])

    @classmethod
    def blank(cls, merchant: Merchant) -> Lines:
        return cls(merchant, [Row() for _number in range(SPARE)])

    @classmethod
    def posted(cls, merchant: Merchant, data: QueryDict, order: Order | None = None) -> Lines:
        """What was typed; rows name the stored line that they are about."""
        stored = {str(line.pk): line for line in order.lines.all()} if order else {}
        columns = (data.getlist(name)[:MOST_ROWS] for name in ("line", "sku", "pieces", "price"))
        rows = []
        for pk, sku, pieces, price in zip(*columns, strict=False):
            line = stored.pop(pk, None)
            sku = line.sku if line and line.external_id else sku.strip()[:200]
            row = Row(line, sku, pieces.strip()[:12], price.strip()[:20])
            if pk and line is None:
                row.error = _("This line is no longer part of the order. Empty it, or take it in anew.")
                row = row if not row.is_empty else Row()
            rows.append(row)
        # A stored line that was not sent along is not taken out by that.
        rows = [*(Row.of(line) for line in stored.values()), *rows]
        return cls(merchant, rows or [Row() for _number in range(SPARE)])

    def add_rows(self) -> None:
        self.rows += [Row() for _number in range(MORE)]

    @property
    def filled(self) -> list[Row]:
        return [row for row in self.rows if not row.is_empty]

    def is_valid(self) -> bool:
        """Look at every row, so that all errors show at once."""
        products = _products(self.merchant, [row.sku for row in self.filled])
        for row in self.filled:
            row.product = products.get(row.sku)
            row.error = row.error or _fault(self.merchant, row)
        if any(row.error for row in self.rows):
            return False
        if not any(row.number for row in self.filled):
            self.errors.append(_("The order needs at least one line with pieces."))
        elif (self.total or 0) > MOST_TOTAL:
            self.errors.append(_("The prices add up to more than 999,999,999,999."))
        return not self.errors

    @property
    def total(self) -> Decimal | None:
        """The sum of the prices, where each line has one."""
        rows = [row for row in self.filled if row.number]
        if not rows or any(row.amount is None for row in rows):
            return None
        return sum((row.number * (row.amount or Decimal(0)) for row in rows), Decimal(0))

    def store(self, order: Order) -> list[str]:
        """Write the rows; says in words what changed."""
        said = [sentence for row in self.filled if (sentence := _store(order, row))]
        order.__dict__.pop("_prefetched_objects_cache", None)
        return said


def _products(merchant: Merchant, skus: Iterable[str]) -> dict[str, Product]:
    return {one.sku: one for one in Product.objects.for_merchant(merchant).filter(sku__in=set(skus))}


def _fault(merchant: Merchant, row: Row) -> str:
    """What is wrong with a row, in words; "" for nothing."""
    if row.pieces and not (row.pieces.isascii() and row.pieces.isdigit()):
        return _("Pieces are a whole number.")
    if not row.pieces and row.line is None:
        return _("How many pieces?")
    if row.number > row.most:
        if row.is_of_shop:
            return _("The shop has %(n)d of it open. Add a line of its own for more.") % {"n": row.most}
        return _("That is more than any order has.")
    if row.line is None and not row.number:
        return _("How many pieces?")
    if row.price and not _is_price(row.price):
        return _("A price is a number, as in 399.00.")
    return "" if row.is_of_shop or not row.number or row.product else _unknown(merchant, row.sku)


def _is_price(text: str) -> bool:
    try:
        price = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return False
    return price.is_finite() and 0 <= price < MOST_PRICE


def _unknown(merchant: Merchant, sku: str) -> str:
    if not sku:
        return _("Which SKU?")
    twin = Product.objects.for_merchant(merchant).reading_like(sku).first()
    if twin:
        return _("There is no product with this SKU. Do you mean %(sku)s?") % {"sku": twin.sku}
    return _("There is no product with this SKU.")


def _store(order: Order, row: Row) -> str:
    """One row; says what changed, "" for nothing."""
    line = row.line
    if line is None:
        order.lines.create(
            product=row.product,
            sku=row.sku,
            name=row.product.name if row.product else "",
            ean=row.product.ean if row.product else "",
            pieces=row.number,
            ordered=row.number,
            price=row.amount,
        )
        added = ngettext("%(sku)s added, %(n)d piece", "%(sku)s added, %(n)d pieces", row.number)
        return added % {"sku": row.sku, "n": row.number}
    if row.is_of_shop:
        return _change(line, row)
    if not row.number:
        line.delete()
        return _("%(sku)s taken out") % {"sku": line.sku}
    line.ordered = row.number
    if row.product and (row.sku != line.sku or line.product_id != row.product.pk):
        before, line.sku, line.product = line.sku, row.sku, row.product
        line.name, line.ean = row.product.name, row.product.ean
        line.pieces, line.price = row.number, row.amount
        line.save()
        became = ngettext("%(old)s became %(sku)s, %(n)d piece", "%(old)s became %(sku)s, %(n)d pieces", line.pieces)
        return became % {"old": before, "sku": line.sku, "n": line.pieces}
    return _change(line, row)


def _change(line: OrderLine, row: Row) -> str:
    before, price = line.pieces, line.price
    line.pieces = row.number
    line.price = price if line.external_id else row.amount
    if line.pieces == before and line.price == price:
        return ""
    line.save()
    if line.pieces == before:
        return _("%(sku)s has another price") % {"sku": line.sku}
    words = {"sku": line.sku or line.name, "old": before, "n": line.pieces}
    return ngettext("%(sku)s %(old)d → %(n)d piece", "%(sku)s %(old)d → %(n)d pieces", line.pieces) % words
