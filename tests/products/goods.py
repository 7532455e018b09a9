"""Goods to test with: announced, on the shelf, and the one rule that always holds."""

from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Sum

from merchants.models import Merchant, Warehouse
from products.models import Movement, Product, Stock, StockUpdate, StockUpdateLine


def announce(merchant: Merchant, pieces: dict[Product, int], **fields: Any) -> StockUpdate:
    """A stock update with these lines."""
    update = StockUpdate.objects.create(
        **{
            "merchant": merchant,
            "warehouse": merchant.warehouses.first(),
            "reference": "PO-77",
            "supplier": "Skerry Mills",
            "expected_on": date(2026, 12, 1),
            **fields,
        }
    )
    StockUpdateLine.objects.bulk_create(
        [StockUpdateLine(update=update, product=product, expected=number) for product, number in pieces.items()]
    )
    return update


def line_of(update: StockUpdate, product: Product) -> StockUpdateLine:
    return update.lines.get(product=product)


@transaction.atomic
def put(product: Product, warehouse: Warehouse, pieces: int) -> Stock:
    """Pieces on the shelf, with their line in the ledger; the stock as stored."""
    stock = Stock.objects.lock([(product.pk, warehouse.pk)])[product.pk, warehouse.pk]
    stock.move(pieces, Movement.Why.RECEIVED)
    return stock


def on_hand(product: Product, warehouse: Warehouse) -> int:
    """As stored; 0 where there is no row."""
    return sum(Stock.objects.filter(product=product, warehouse=warehouse).values_list("on_hand", flat=True))


def assert_ledger_adds_up() -> None:
    """On hand is the sum of the ledger, and every line says what was on hand after it."""
    for stock in Stock.objects.all():
        assert (stock.movements.aggregate(sum=Sum("pieces"))["sum"] or 0) == stock.on_hand
        so_far = 0
        for movement in stock.movements.order_by("pk"):
            so_far += movement.pieces
            assert movement.on_hand == so_far
