"""What must be sent: orders and their lines, why they wait, what the shop was told, what happened, what was seen."""

from orders.models.hold import Cause, Hold
from orders.models.order import (
    ASKED_OF_MERCHANT,
    CLOSED,
    OPEN,
    PROMISED,
    RESERVING,
    SPLIT_PARTS,
    Order,
    OrderLine,
    OrderQuerySet,
    Status,
)
from orders.models.processing import OrderProcessing
from orders.models.seen import SeenOrder, Verdict
from orders.models.shipment import Shipment
from orders.models.story import Event, told_together

__all__ = [
    "ASKED_OF_MERCHANT",
    "CLOSED",
    "OPEN",
    "PROMISED",
    "RESERVING",
    "SPLIT_PARTS",
    "Cause",
    "Event",
    "Hold",
    "Order",
    "OrderLine",
    "OrderProcessing",
    "OrderQuerySet",
    "SeenOrder",
    "Shipment",
    "Status",
    "Verdict",
    "told_together",
]
