"""The catalogue and the stock."""

from products.models.catalogue import Product, ProductQuerySet, Tab, WebshopProduct, WebshopProductQuerySet
from products.models.stock import Movement, Reservation, ShopFigure, Stock, StockQuerySet, StockUpdate, StockUpdateLine

__all__ = [
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
