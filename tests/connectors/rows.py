"""Rows of the shop from `tests/data/centra`, changed here and there."""

import json
from pathlib import Path
from typing import Any

import msgspec

DATA = Path(__file__).parent.parent / "data" / "centra"


def row(name: str, /, **changes: Any) -> dict[str, Any]:
    """One row of that kind (product, stock, order, shipment, return) with these members changed."""
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return found | changes


def line(**changes: Any) -> dict[str, Any]:
    """One line of an order, with these members changed."""
    found: dict[str, Any] = row("order")["products"][0]
    return found | changes


def raw(what: Any) -> msgspec.Raw:
    """As it lies on the wire."""
    return msgspec.Raw(json.dumps(what).encode())
