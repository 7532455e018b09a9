"""The state of the stand-in: shops with stores and plugins, products with stock, orders with shipments and returns."""

from sandbox.models.fault import Call, Fault
from sandbox.models.line import OrderLine, Wanted
from sandbox.models.order import Order, Status
from sandbox.models.plugin import BundleLayout, Direction, PluginMethod, StockMode
from sandbox.models.product import BundlePart, Product, Size, Variant
from sandbox.models.refund import Return, ReturnLine
from sandbox.models.shipment import Shipment, ShipmentLine
from sandbox.models.shop import Counter, Market, Shop, Store

__all__ = [
    "BundleLayout",
    "BundlePart",
    "Call",
    "Counter",
    "Direction",
    "Fault",
    "Market",
    "Order",
    "OrderLine",
    "PluginMethod",
    "Product",
    "Return",
    "ReturnLine",
    "Shipment",
    "ShipmentLine",
    "Shop",
    "Size",
    "Status",
    "StockMode",
    "Store",
    "Variant",
    "Wanted",
]
