"""The catalogue and the stock."""

from products.models.catalogue import (
    CataloguePage,
    Product,
    ProductQuerySet,
    Tab,
    WebshopProduct,
    WebshopProductQuerySet,
)
from products.models.stock import Movement, Reservation, ShopFigure, Stock, StockQuerySet, StockUpdate, StockUpdateLine

__all__ = [
    "CataloguePage",
    "Movement",
    "Product",
    "ProductQuerySet",
    "Reservation",
    "ShopFigure",
    "Stock",
    "StockQuerySet",
    "StockUpdate",
    "StockUpdateLine",
    "Tab",
    "WebshopProduct",
    "WebshopProductQuerySet",
]
