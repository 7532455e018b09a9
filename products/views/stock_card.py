"""What the product's page and the product list show of stock: figures per warehouse, each shop's formula, the sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.db.models import F, Min, Sum
from django.http import QueryDict

from merchants.models import Warehouse
from products.formula import Formula, figures
from products.models import Movement, Product, ShopFigure, Stock, StockUpdateLine, WebshopProduct

MOVEMENTS_PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Pieces:
    """Of one product, in one warehouse or in all."""

    on_hand: int = 0
    reserved: int = 0
    coming: int = 0

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    @property
    def owed(self) -> int:
        return max(0, -self.available)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One warehouse's line on the product's page; `coming_on` is the first day on which more is expected."""

    warehouse: Warehouse
    pieces: Pieces
    coming_on: date | None


@dataclass(frozen=True, slots=True)
class Told:
    """What one shop should show of an item, why, and what it was told."""

    item: WebshopProduct
    formula: Formula
    figure: ShopFigure | None

    @property
    def is_below_zero(self) -> bool:
        """Whether the numbers alone would end below zero, which no shop is told."""
        terms = self.formula.on_hand - self.formula.reserved + self.formula.counted_twice - self.formula.buffer
        return terms < 0

    @property
    def is_due(self) -> bool:
        """Whether the shop has yet to hear of it."""
        return self.figure is None or self.figure.told != self.formula.figure

    @property
    def is_braked(self) -> bool:
        return bool(self.figure and self.figure.braked_at and not self.figure.approved_at)


def stock_context(product: Product, links: Sequence[WebshopProduct], words: QueryDict) -> dict[str, Any]:
    """The card *Stock* of one product; `links` with their integrations and figures."""
    movements = Movement.objects.filter(stock__product=product).select_related("stock__warehouse")
    return {
        "shelves": shelves_of(product),
        "told": told_of(links),
        "ledger": Paginator(movements, MOVEMENTS_PER_PAGE).get_page(words.get("ledger")),
    }


def shelves_of(product: Product) -> list[Shelf]:
    """Every warehouse that has, had or expects this product, by code."""
    there = {row.warehouse_id: row for row in product.stocks.all()}
    lines = StockUpdateLine.objects.filter(product=product).outstanding().order_by()
    coming = {
        row["update__warehouse"]: row
        for row in lines.values("update__warehouse").annotate(
            pieces=Sum(F("expected") - F("received")), first=Min("update__expected_on")
        )
    }
    houses = Warehouse.objects.filter(pk__in={*there, *coming}).order_by("code")
    return [_shelf(house, there.get(house.pk), coming.get(house.pk, {})) for house in houses]


def _shelf(house: Warehouse, stock: Stock | None, coming: Mapping[str, Any]) -> Shelf:
    on_hand, reserved = (stock.on_hand, stock.reserved) if stock else (0, 0)
    return Shelf(house, Pieces(on_hand, reserved, coming.get("pieces", 0)), coming.get("first"))


def told_of(links: Iterable[WebshopProduct]) -> list[Told]:
    """One per linked item, in the order given; one query per integration."""
    by_shop: dict[int, list[WebshopProduct]] = {}
    for item in links:
        by_shop.setdefault(item.integration_id, []).append(item)
    formulas: dict[int, Formula] = {}
    for items in by_shop.values():
        formulas |= figures(items[0].integration, items)
    return [Told(item, formulas[item.pk], _figure(item)) for item in links if item.pk in formulas]


def _figure(item: WebshopProduct) -> ShopFigure | None:
    return getattr(item, "figure", None)  # a row comes with the first push


def with_pieces(products: Sequence[Product]) -> list[tuple[Product, Pieces]]:
    """Each product with its pieces over all warehouses; two queries, however many products."""
    keys = [product.pk for product in products]
    stocks = Stock.objects.filter(product__in=keys).order_by().values("product")
    there = {row["product"]: row for row in stocks.annotate(on=Sum("on_hand"), held=Sum("reserved"))}
    lines = StockUpdateLine.objects.filter(product__in=keys).outstanding().order_by().values("product")
    coming = dict(lines.annotate(pieces=Sum(F("expected") - F("received"))).values_list("product", "pieces"))
    return [(one, Pieces(*_summed(there.get(one.pk)), coming.get(one.pk, 0))) for one in products]


def _summed(row: Mapping[str, Any] | None) -> tuple[int, int]:
    return (row["on"], row["held"]) if row else (0, 0)
