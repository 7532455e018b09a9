"""How orders and shipments are written down; both show lines, laid out by the plugin's bundle setting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from sandbox.api.answer import money, number
from sandbox.models import BundleLayout, Order, OrderLine, Shipment, Shop

Row = dict[str, Any]
VAT = Decimal(25)


@dataclass(frozen=True)
class Shown:
    """A line as it is to be shown: all of it in an order, some pieces of it in a shipment."""

    line: OrderLine
    qty: int
    allocations: Mapping[str, int]


def tax_in(gross: Decimal, percent: Decimal = VAT) -> Decimal:
    """The tax that a price with tax contains."""
    return gross - gross / (1 + percent / 100)


# --- lines -----------------------------------------------------------------------------------
def lay_out(
    lines: Iterable[OrderLine], shown: Mapping[int, Shown], layout: str, write: Callable[[Shown], Row]
) -> list[Row]:
    """The lines in one of the four bundle layouts (11.2); `shown` says which of them, by id."""
    rows = []
    lines = list(lines)
    for line in lines:
        if line.pk not in shown or line.parent_id is not None:
            continue
        if not line.is_bundle:
            rows.append(write(shown[line.pk]) | {"isBundle": False})
            continue
        parts = [_part(write(shown[part.pk]), line) for part in lines if part.parent_id == line.pk and part.pk in shown]
        rows += _bundle(write(shown[line.pk]), parts, layout)
    return rows


def _part(row: Row, bundle: OrderLine) -> Row:
    return row | {"isBundle": False, "isPartOfBundle": str(bundle.pk)}


def _bundle(row: Row, parts: list[Row], layout: str) -> list[Row]:
    row = row | {"isBundle": True, "warehouses": []}
    if layout == BundleLayout.PARTS:
        return parts
    if layout == BundleLayout.NESTED:
        return [row | {"bundle": parts}]
    row = row | {"price": 0, "originalPrice": row["price"]}
    return [row] if layout == BundleLayout.BUNDLES else [row, *parts]


def line_basics(shown: Shown) -> Row:
    """What orders and shipments both say about a line."""
    line = shown.line
    return {
        "lineId": str(line.pk),
        "sku": line.sku,
        "variantSku": line.variant_sku,
        "sizeSku": line.size_sku,
        "ean": line.ean,
        "upc": line.upc,
        "name": line.name,
        "variant": line.variant,
        "size": line.size_name,
        "qty": shown.qty,
        "originalPrice": money(line.original_price),
        "price": money(line.price),
        "weight": number(line.weight),
        "weightUnit": line.weight_unit,
        "countryOfOrigin": line.country,
        "harmCode": line.hs_code,
        "comment": line.comment,
    }


def warehouses(shown: Shown, *, as_text: bool) -> list[Row]:
    return [{"name": name, "itemQty": str(pieces) if as_text else pieces} for name, pieces in shown.allocations.items()]


# --- addresses and heads -----------------------------------------------------------------------
def address(kind: str, kept: Mapping[str, str], extra: str) -> Row:
    """The flat address fields: `extra` is Cell for delivery, VAT for billing."""
    names = ("Name", "Company", "Email", "Tele", "Address", "Coaddress", "Zipcode", "City", "State", "Country", extra)
    return {f"{kind}{name}": kept.get(name.lower(), "") for name in names}


def head(order: Order) -> Row:
    """What order and shipment rows both begin with."""
    write_time = order.shop.write_time
    return {
        "orderId": str(order.number),
        "selectionId": order.selection_id,
        "orderDate": write_time(order.placed_at),
        "cancelDate": write_time(order.cancel_at),
        "preferredDeliveryDate": write_time(order.delivery_at),
        "estimatedDeliveryDate": write_time(order.delivery_at),
        "orderStore": order.store.kind,
        "orderCurrency": order.currency,
        "customerId": "" if order.account else str(order.customer),
        **address("delivery", order.delivery, "Cell"),
        **address("billing", order.billing, "VAT"),
        "poNumber": order.po_number,
        "shippingList": order.shipping_list,
        "defaultCarrier": order.default_carrier,
        "suspect": int(order.is_suspect),
        "hold": int(order.is_on_hold),
        "internalComment": order.internal_comment,
        "otherComment": order.comment,
        "taxAdded": 0,
        "taxDeducted": 0,
    }


def totals(gross: Decimal) -> Row:
    tax = tax_in(gross)
    return {
        "grandTotalValue": money(gross),
        "grandTotalTaxValue": money(tax),
        "taxBreakdown": [{"description": "VAT", "taxPercent": number(VAT), "value": money(tax)}],
    }


def status_word(order: Order) -> str | int:
    form = order.shop.switch("order_status")
    if form == "name":
        return str(Order.Status(order.status).label)
    return order.status if form == "number" else str(order.status)


def documents(shipment: Shipment, shop: Shop, request: HttpRequest) -> dict[str, str]:
    """Addresses of a shipment's papers, which the stand-in serves itself."""

    def paper(kind: str) -> str:
        return request.build_absolute_uri(
            reverse("sandbox:paper", args=[shop.slug, kind, shipment.pk, shipment.document_token])
        )

    papers = {"deliveryNote": paper("delivery-note"), "proforma": paper("proforma")}
    return papers | ({"invoice": paper("invoice")} if shipment.has_invoice else {})
