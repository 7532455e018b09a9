"""Shipments: list, create, change, complete, capture, delete."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from sandbox.api.answer import Answer, money, no
from sandbox.api.call import ApiCall, as_flag, as_integer, as_pieces, as_quantity
from sandbox.api.orders import between
from sandbox.api.writing import Row, Shown, documents, head, lay_out, line_basics, totals, warehouses
from sandbox.models import Order, Shipment
from sandbox.refused import Refused

STATES: dict[str, dict[str, Any]] = {
    "goodtogo": {"is_good_to_go": True, "shipped_at": None},
    "inprogress": {"is_good_to_go": False, "shipped_at": None},
    "completed": {"shipped_at__isnull": False},
}


# --- reading -----------------------------------------------------------------------------------
def get_shipments(call: ApiCall) -> Answer:
    """GET shipments (5.1): oldest first; no queue, so the same ones come again until they are sent."""
    return _listing(call, call.by_offset(_listed(call), _limit(call)))


def get_shipment(call: ApiCall, key: str) -> Answer:
    """GET shipments/{shipmentId} (5.2): still within the state that is asked for."""
    if not call.shop.switch("single_shipment"):
        return Answer({"status": "no", "msg": "not found"}, 404)
    found = _find(call, key)
    return _listing(call, _listed(call).filter(pk=found.pk if found else 0))


def _listing(call: ApiCall, shipments: QuerySet[Shipment]) -> Answer:
    return Answer({"status": "ok", "shipments": [_row(shipment, call) for shipment in shipments]})


def _limit(call: ApiCall) -> int | None:
    limit = call.limit()
    if limit is None:
        default = call.shop.switch("shipments_default")
        return default if isinstance(default, int) else None
    return limit if _state(call) == "goodtogo" else min(limit, 100)


def _state(call: ApiCall) -> str:
    state = call.text("status") or "goodtogo"
    return state if state in STATES else "goodtogo"


def _listed(call: ApiCall) -> QuerySet[Shipment]:
    orders = Order.objects.filter(call.plugin.visible, shop=call.shop)
    shipments = Shipment.objects.filter(order__in=orders, **STATES[_state(call)])
    if (number := call.integer("order")) is not None:
        shipments = shipments.filter(order__number=number)
    if (customer := call.integer("customer_id")) is not None:
        shipments = shipments.filter(order__customer=customer)
    return with_contents(between(call, shipments, "created_at").order_by("created_at", "pk"))


def with_contents(shipments: QuerySet[Shipment]) -> QuerySet[Shipment]:
    """All that a row shows, in a number of queries that does not grow."""
    return shipments.select_related("order__store").prefetch_related("lines__line", "order__lines")


def _row(shipment: Shipment, call: ApiCall) -> Row:
    order = shipment.order
    order.shop = call.shop
    papers = documents(shipment, call.shop, call.request)
    row = {
        **head(order),
        "shipmentId": shipment.display_id,
        "accountId": str(order.account or 0),
        "shippingTerms": {"id": 5, "name": "DAP", "description": "Delivered at place"},
        "paymentTerms": {"id": 10, "name": "Prepaid", "description": "Paid with the order"},
        "proforma": papers["proforma"],
        "deliveryNote": papers["deliveryNote"],
        "deliveryService": "",
        "shipmentDate": call.shop.write_time(shipment.shipped_at),
        "trackingNumber": shipment.tracking,
        "trackingUrl": "",
        "returnSlipTracking": shipment.return_tracking,
        "invoices": [papers["invoice"]] if shipment.has_invoice else [],
        "gtg": int(shipment.is_good_to_go),
        "paid": int(shipment.is_paid),
        "shouldCapture": int(not shipment.is_paid and not order.is_paid_externally),
        "shippingValue": 0 if shipment.leaves_out_costs else money(order.shipping_value),
        "voucherValue": 0 if shipment.leaves_out_costs else money(order.voucher_value),
        **totals(shipment.total),
        "products": _lines(shipment, call),
    }
    if call.shop.switch("ingrid_on_shipments"):
        row |= {name: value for name, value in order.attributes.items() if value not in ("", None)}
    return row


def _lines(shipment: Shipment, call: ApiCall) -> list[Row]:
    lines = list(shipment.order.lines.all())
    shown = {line.line_id: Shown(line.line, line.qty, line.allocations) for line in shipment.lines.all()}
    for bundle in lines:
        parts = [part for part in lines if part.parent_id == bundle.pk and part.pk in shown]
        if parts:
            whole = min(shown[part.pk].qty // part.per_bundle for part in parts)
            shown[bundle.pk] = Shown(bundle, whole, {})
    return lay_out(lines, shown, call.plugin.shipment_bundles, _line)


def _line(shown: Shown) -> Row:
    return line_basics(shown) | {"warehouses": warehouses(shown, as_text=True)}


# --- finding -----------------------------------------------------------------------------------
def _find(call: ApiCall, key: Any) -> Shipment | None:
    """By display id, or by the internal number where the shop takes that."""
    shipments = Shipment.objects.filter(order__shop=call.shop).select_related("order__shop", "order__store")
    number, dash, n = str(key).partition("-")
    if dash:
        return shipments.filter(order__number=as_integer(number) or 0, n=as_integer(n) or 0).first()
    if call.shop.switch("numeric_shipment_ids"):
        return shipments.filter(pk=as_integer(number) or 0).first()
    return None


# --- writing -----------------------------------------------------------------------------------
def post_shipments(call: ApiCall) -> Answer:
    """POST shipments (5.3): captures unless told not to; a failed capture makes nothing."""
    given = call.body.get("order")
    order = call.shop.orders.filter(call.plugin.in_markets, number=as_integer(given) or 0).first()
    if order is None:
        return Answer(no("order does not exist", order=given))
    try:
        shipment = _create(order, call.body)
    except Refused as refusal:
        return Answer(no(refusal.text, order=str(given)))
    papers = documents(shipment, call.shop, call.request)
    return Answer({"status": "ok", "order": order.number, "shipment": shipment.display_id, **papers})


def _create(order: Order, body: Row) -> Shipment:
    ships = as_flag(body.get("shipped"), False)
    with order.locked():
        shipment = order.create_shipment(
            as_pieces(body.get("products")),
            good_to_go=as_flag(body.get("gtg"), False),
            capture=as_flag(body.get("capture"), True),
            deduct_previous_costs=as_flag(body.get("deductPreviousCosts"), False),
            always=as_flag(body.get("createAlways"), False),
        )
        if ships and not shipment.is_sent:
            shipment.complete(capture=False, send_email=_send_email(body), **_parcel(body))
    return shipment


def put_shipments(call: ApiCall, key: str) -> Answer:
    """PUT shipments/{shipmentId} (5.4): quantities before pay and send only; the flag and serial numbers always."""
    shipment = _find(call, key)
    if shipment is None:
        return Answer(no("shipment does not exist", shipment=key))
    rows = call.body.get("products")
    pieces, serials = _changes(rows if isinstance(rows, dict) else {})
    flag = call.body.get("gtg")
    try:
        shipment.change(pieces or None, good_to_go=None if flag is None else as_flag(flag, False), serials=serials)
    except Refused as refusal:
        return Answer(no(refusal.text, shipment=key))
    fresh = with_contents(Shipment.objects.filter(pk=shipment.pk)).get()
    return Answer({"status": "ok", "shipment": _row(fresh, call)})


def _changes(rows: Row) -> tuple[dict[int, int], dict[int, str]]:
    """Quantities and serial numbers, from both ways to write a line."""
    quantities = {key: row.get("qty") if isinstance(row, dict) else row for key, row in rows.items()}
    serials = {
        line: str(row["serialNumber"])[:100]
        for key, row in rows.items()
        if isinstance(row, dict) and "serialNumber" in row and (line := as_integer(key)) is not None
    }
    return as_pieces(quantities), serials


def put_shipment(call: ApiCall) -> Answer:
    """PUT shipment (5.5): send it. Captures unless told not to."""
    body, shop = call.body, call.shop
    echo = {"order": body.get("order"), "shipment": body.get("shipment")}
    order = shop.orders.filter(number=as_integer(body.get("order")) or 0).first()
    if order is None:
        return Answer(no("order does not exist", **echo))
    shipment = _find(call, body.get("shipment"))
    if shipment is None or shipment.order_id != order.pk:
        return Answer(no("shipment does not exist", **echo))
    echo = {"order": order.number, "shipment": shipment.display_id}
    gtg = body.get("gtg")
    try:
        shipment.complete(
            capture=as_flag(body.get("capture"), True),
            good_to_go=None if gtg is None else as_flag(gtg, False),
            shipped=as_flag(body.get("shipped"), bool(shop.switch("missing_shipped"))),
            send_email=_send_email(body),
            **_parcel(body),
        )
    except Refused as refusal:
        return Answer(no(refusal.text, **echo))
    if body.get("internalComment"):
        shipment.order.append_internal_comment(str(body["internalComment"]))
    return Answer({"status": "ok", **echo})


def _parcel(body: Row) -> Row:
    """The parcel's fields that were given; what is left out stays as it is."""
    named = {
        "carrier": "carrier",
        "service": "service",
        "tracking": "tracking",
        "returnSlipTracking": "return_tracking",
    }
    parcel: Row = {ours: str(body[theirs])[:100] for theirs, ours in named.items() if body.get(theirs) is not None}
    if (packages := as_quantity(body.get("packages"))) is not None:
        parcel["packages"] = max(0, packages)
    return parcel


def _send_email(body: Row) -> bool | None:
    return None if body.get("sendEmail") is None else as_flag(body["sendEmail"], True)


def put_capture(call: ApiCall) -> Answer:
    """PUT capture (5.6): take the money of one shipment."""
    given = call.body.get("shipment")
    shipment = _find(call, given)
    if shipment is None:
        return Answer(no("shipment does not exist", shipment=given))
    echo = {"order": shipment.order.number, "shipment": shipment.display_id}
    try:
        shipment.capture()
    except Refused as refusal:
        return Answer(no(refusal.text, **echo))
    return Answer({"status": "ok", **echo})


def delete_shipment(call: ApiCall, key: str) -> Answer:
    """DELETE shipments/{shipmentId} (5.7)."""
    shipment = _find(call, key)
    if shipment is None:
        return Answer(no("shipment does not exist", shipment=key))
    shown = shipment.display_id
    try:
        shipment.remove()
    except Refused as refusal:
        return Answer(no(refusal.text, shipment=key))
    return Answer({"status": "ok", "msg": "shipment removed", "order": shipment.order.number, "shipment": shown})
