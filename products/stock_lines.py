"""The lines of a stock update as they are typed: rows of SKU and pieces, and a text pasted from a spreadsheet.

    typed rows + pasted text ──▶ one row each ──▶ product and pieces, or the row's own error ──▶ one line per product

Nothing typed is lost: what is wrong comes back as it was typed, with a sentence beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _

from merchants.models import Merchant
from products import skus
from products.batches import batched
from products.models import Product, StockUpdate
from products.receiving import MOST_PIECES

EMPTY_ROWS = 5
MOST_LINES = 5000
ROWS_SHOWN = 100  # beyond them the lines stand in the text area, where thousands can be edited
HEADINGS = {"sku", "productcode", "code", "productsku"}


@dataclass(slots=True)
class Typed:
    """One row of the form."""

    sku: str = ""
    pieces: str = ""
    error: str = ""
    product: Product | None = None
    count: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.sku or self.pieces)

    @property
    def as_text(self) -> str:
        return f"{self.sku}\t{self.pieces}"


class Lines:
    """What the form holds of lines; read once, from what was posted or from a stored update."""

    def __init__(self, merchant: Merchant, rows: Iterable[Typed]) -> None:
        self.merchant = merchant
        self.rows = [row for row in rows if not row.is_empty]
        self.added: list[str] = []  # sentences about lines that were put together
        self.errors: list[str] = []  # about the lines as a whole

    @classmethod
    def posted(cls, merchant: Merchant, data: QueryDict) -> Lines:
        typed = zip(data.getlist("sku"), data.getlist("pieces"), strict=False)
        rows = [Typed(_tidy(sku)[:600], _tidy(pieces)[:40]) for sku, pieces in typed]
        return cls(merchant, [*rows, *pasted_rows(data.get("pasted", ""))])

    @classmethod
    def of(cls, update: StockUpdate) -> Lines:
        lines = update.lines.select_related("product")
        return cls(update.merchant, [Typed(line.product.sku, str(line.expected)) for line in lines])

    def is_valid(self) -> bool:
        """Finds the products and reads the pieces; each row keeps its own error."""
        if not self.rows:
            self.errors.append(_("Say what comes: at least one SKU with its pieces."))
        if len(self.rows) > MOST_LINES:
            self.errors.append(_("At most %(most)d lines; make two stock updates of it.") % {"most": MOST_LINES})
            return False
        find = _Finder(self.merchant, [row.sku for row in self.rows])
        for row in self.rows:
            _read(row, find)
        totals = self.totals()
        for row in self.rows:
            if row.product and totals[row.product] > MOST_PIECES:
                row.error = _too_many()
        return not self.errors and not any(row.error for row in self.rows)

    def totals(self) -> dict[Product, int]:
        """Pieces per product, in the order typed; `added` says which stood there more than once."""
        found: dict[Product, list[int]] = {}
        for row in self.rows:
            if row.product:
                found.setdefault(row.product, []).append(row.count)
        self.added = [_added(product, counts) for product, counts in found.items() if len(counts) > 1]
        return {product: sum(counts) for product, counts in found.items()}

    # --- for the page ---------------------------------------------------------------------------

    @property
    def is_long(self) -> bool:
        return len(self.rows) > ROWS_SHOWN

    @property
    def shown(self) -> list[Typed]:
        """The rows to fill in: what was typed and some empty ones; only empty ones where the text area holds all."""
        empty = [Typed() for _number in range(EMPTY_ROWS)]
        return empty if self.is_long else [*self.rows, *empty]

    @property
    def text(self) -> str:
        return "\n".join(row.as_text for row in self.rows) if self.is_long else ""

    @property
    def faulty(self) -> list[tuple[int, Typed]]:
        """The rows with an error, with their numbers."""
        return [(number, row) for number, row in enumerate(self.rows, 1) if row.error]


def pasted_rows(text: str) -> Iterator[Typed]:
    """One row per line of a pasted text: SKU and pieces parted by a tab, a semicolon, a comma or the last blank.

    A first line of headings is left out. A line without pieces becomes a row that says so.
    """
    for number, line in enumerate(line for line in text.splitlines() if line.strip()):
        sku, pieces = _parted(line)
        if number == 0 and skus.fold(sku) in HEADINGS and not pieces.isdigit():
            continue
        yield Typed(sku[:600], pieces[:40])


def _parted(line: str) -> tuple[str, str]:
    for sign in "\t;,":
        if sign in line:
            sku, _sign, rest = line.strip(" ").partition(sign)
            found = _tidy(sku), _tidy(rest.rstrip(sign + " \t").split(sign)[0])
            # Where only what stands further on says anything, it is shown as it is, with its error.
            return found if any(found) else (_tidy(line.strip(sign + " \t")), "")
    sku, _blank, pieces = _tidy(line).rpartition(" ")
    return (sku.strip(), pieces) if sku and pieces.isdigit() else (_tidy(line), "")


def _tidy(text: str) -> str:
    return text.replace("\x00", "").strip()


class _Finder:
    """Products by what was typed: exactly, else the only one that reads alike. Two queries per thousand rows."""

    def __init__(self, merchant: Merchant, typed: list[str]) -> None:
        self.exact: dict[str, Product] = {}
        self.alike: dict[str, list[Product]] = {}
        products = Product.objects.for_merchant(merchant).only("sku", "sku_folded", "name", "merchant")
        for some in batched(sorted({skus.fold(sku) for sku in typed if sku}), 1000):
            for product in products.filter(sku_folded__in=some):
                self.exact[product.sku] = product
                self.alike.setdefault(product.sku_folded, []).append(product)

    def __call__(self, sku: str) -> Product | None:
        alike = self.alike.get(skus.fold(sku), [])
        return self.exact.get(sku) or (alike[0] if len(alike) == 1 else None)

    def twins(self, sku: str) -> list[str]:
        return [product.sku for product in self.alike.get(skus.fold(sku), [])]


def _read(row: Typed, find: _Finder) -> None:
    row.product = find(row.sku) if row.sku else None
    row.error = _sku_error(row, find) or _pieces_error(row.pieces)
    if not row.error and row.product:
        row.sku, row.count = row.product.sku, int(_bare(row.pieces))


def _sku_error(row: Typed, find: _Finder) -> str:
    if not row.sku:
        return _("Which SKU are these pieces of?")
    if row.product:
        return ""
    if twins := find.twins(row.sku):
        return _("Several products read like this: %(skus)s. Type the one you mean exactly.") % {
            "skus": ", ".join(twins)
        }
    return _("You have no product with this SKU. Mend it here, or make the product first.")


def _pieces_error(text: str) -> str:
    if not text:
        return _("How many pieces?")
    if not re.fullmatch("[0-9]+", _bare(text)):
        return _("Pieces are a whole number, zero or more, as in 120.")
    return _too_many() if len(_bare(text)) > 7 or int(_bare(text)) > MOST_PIECES else ""


def _bare(text: str) -> str:
    """Without the blanks that spreadsheets put between thousands."""
    return re.sub(r"\s", "", text)


def _too_many() -> str:
    return _("At most 1,000,000 pieces of one SKU.")


def _added(product: Product, counts: list[int]) -> str:
    words = {"sku": product.sku, "sum": " + ".join(map(str, counts)), "total": sum(counts)}
    return _("%(sku)s stood there more than once; its pieces were added up: %(sum)s = %(total)d.") % words
