"""What a shop says, made by one call each, for tests that need no shop."""

from datetime import UTC, datetime
from typing import Any

from integrations.connectors.base import (
    AddressData,
    AllocationData,
    LineData,
    OrderData,
    OrderStatus,
    ShipmentData,
    ShipmentStatus,
)

PLACED = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
SOMEBODY = AddressData(
    name="Kim Berg", address="Strandgatan 9", zip_code="41101", city="Göteborg", country="SE", phone="+46700000001"
)


def line(external_id: str = "1", pieces: int = 3, sku: str = "FG1-NVY-M", **fields: Any) -> LineData:
    """`at`: pieces by the name of the shop's warehouse."""
    places = fields.pop("at", {})
    allocations = tuple(AllocationData(name, count) for name, count in places.items())
    return LineData(external_id=external_id, sku=sku, pieces=pieces, allocations=allocations, **fields)


def shipment(number: str = "70001-1", *, sent: bool = False, **pieces: int) -> ShipmentData:
    """`_1=2` are two pieces of the line “1”."""
    status = ShipmentStatus.SENT if sent else ShipmentStatus.GOOD_TO_GO
    contents = tuple((key.strip("_"), count) for key, count in pieces.items())
    return ShipmentData(external_id=number, order_number=number.partition("-")[0], status=status, pieces=contents)


def order(*lines: LineData, **fields: Any) -> OrderData:
    given: dict[str, Any] = {
        "number": "70001",
        "status": OrderStatus.CONFIRMED,
        "placed_at": PLACED,
        "deliver_to": SOMEBODY,
        "bill_to": SOMEBODY,
        "shipping_method": "standard",
        "lines": lines or (line(),),
    }
    return OrderData(**{**given, **fields})
