"""Orders: listing them, and changing their comments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Prefetch, QuerySet

from sandbox.api.answer import Answer, money, no, number
from sandbox.api.call import ApiCall, as_flag, as_integer
from sandbox.api.writing import (
    Row,
    Shown,
    head,
    lay_out,
    line_basics,
    status_word,
    tax_in,
    totals,
    warehouses,
)
from sandbox.models import Direction, Order, OrderLine, Shipment


def get_orders(call: ApiCall) -> Answer:
    """GET orders (4.1): what the plugin's markets, statuses and flags let through."""
    orders = list(call.by_offset(_listed(call), _limit(call)))
    if not orders and call.text("order") and call.shop.switch("unknown_order") == "no":
        return Answer(no("order does not exist", order=call.text("order")))
    for order in orders:
        order.shop = call.shop
    return Answer({"status": "ok", "orders": [_order_row(order, call) for order in orders]})


def _limit(call: ApiCall) -> int:
    limit = call.limit() or 20
    cap = call.shop.switch("orders_cap")
    return min(limit, cap) if isinstance(cap, int) else limit


def _listed(call: ApiCall) -> QuerySet[Order]:
    orders = call.shop.orders.filter(call.plugin.visible, status__in=call.plugin.order_statuses)
    for name, column in (("order", "number"), ("customer_id", "customer")):
        if (key := call.integer(name)) is not None:
            orders = orders.filter(**{column: key})
    orders = between(call, orders, "placed_at")
    minus = "-" if _newest_first(call) else ""
    orders = orders.order_by(f"{minus}placed_at", f"{minus}pk")
    return orders.select_related("store").prefetch_related("lines", Prefetch("shipments"))


def _newest_first(call: ApiCall) -> bool:
    switch = call.shop.switch("order_direction")
    return (call.plugin.direction if switch == "plugin" else switch) == Direction.NEWEST


def between(call: ApiCall, rows: QuerySet[Any], column: str) -> QuerySet[Any]:
    """Rows from `newer_than` (inclusive) until `older_than` (exclusive)."""
    if since := call.moment("newer_than"):
        rows = rows.filter(**{f"{column}__gte": since})
    if until := call.moment("older_than"):
        rows = rows.filter(**{f"{column}__lt": until})
    return rows


def _order_row(order: Order, call: ApiCall) -> Row:
    lines = list(order.lines.all())
    return {
        **head(order),
        "orderStatus": status_word(order),
        "accountId": str(order.account or ""),
        "internalOrder": int(order.is_internal),
        "waitingForPayment": int(order.waits_for_payment),
        "shippingValue": money(order.shipping_value),
        "voucherValue": money(order.voucher_value),
        **totals(order.grand_total),
        "marketId": order.market_id,
        "pricelistId": 19,
        "ipAddress": "192.0.2.10",
        **_payment(order),
        **{name: value for name, value in order.attributes.items() if value not in ("", None)},
        "shipments": [_shipment_summary(shipment, order) for shipment in order.shipments.all()],
        **_item_totals(order),
        "products": _lines(lines, call),
        "discounts": _discounts(order),
    }


def _payment(order: Order) -> Row:
    plugin = "external_payment" if order.is_paid_externally else "card_payment"
    return {
        "paymentPlugin": plugin,
        "paymentType": "3rd" if order.is_paid_externally else "cc",
        "paymentDescription": order.payment_method.title(),
        "paymentReference": f"P-{order.number}",
        "paymentMethod": order.payment_method or None,
    }


def _shipment_summary(shipment: Shipment, order: Order) -> Row:
    return {
        "shipmentId": f"{order.number}-{shipment.n}",
        "shippedDate": order.shop.write_time(shipment.shipped_at),
        "carrier": shipment.carrier,
        "service": shipment.service,
        "trackingId": shipment.tracking,
        "trackingUrl": "",
        "returnSlipTracking": shipment.return_tracking,
        "additionalMessage": "",
    }


def _item_totals(order: Order) -> Row:
    gross = order.items_total
    tax = tax_in(gross)
    return {
        "totalItemsPriceTax": money(-tax),
        "totalItemsPrice": money(gross),
        "totalItemsWithoutTax": money(gross - tax),
        "totalItemsDiscount": 0,
    }


def _discounts(order: Order) -> Row:
    vouchers = []
    if order.voucher_value:
        off = f"-{order.voucher_value:.2f} {order.currency}"
        vouchers.append(
            {
                "voucher": "gift",
                "name": "Gift",
                "priceOff": off,
                "priceOffAsANumber": money(-order.voucher_value),
                "description": "Gift",
                "isCredit": False,
                "originalPriceOff": off,
                "originalPriceOffAsNumber": money(-order.voucher_value),
            }
        )
    return {
        "anyDiscount": bool(vouchers),
        "discount": f"0.00 {order.currency}",
        "discountAsNumber": 0,
        "vouchers": vouchers,
        "automaticDiscounts": [],
    }


def _lines(lines: list[OrderLine], call: ApiCall) -> list[Row]:
    lowers = call.shop.switch("cancelled_lowers_qty")
    shown = {
        line.pk: Shown(line, line.qty if lowers else line.qty + line.cancelled, line.allocations) for line in lines
    }
    as_text = call.shop.switch("item_qty") == "string"
    present = {key: line for key, line in shown.items() if line.qty}
    return lay_out(lines, present, call.plugin.order_bundles, lambda line: _line(line, as_text=as_text))


def _line(shown: Shown, *, as_text: bool) -> Row:
    line = shown.line
    gross = line.price * shown.qty
    each_tax = tax_in(line.price, line.vat_percent)
    off = line.original_price - line.price
    return {
        **line_basics(shown),
        "productId": str(line.product_id_then),
        "stockItemId": str(line.size_id or 0),
        "brand": line.brand,
        "otherComment": "",
        "taxPercent": number(line.vat_percent),
        "priceDiscount": money(off),
        "priceDiscountAsPercent": money(100 * off / line.original_price) if line.original_price else 0,
        "taxValue": money(each_tax),
        "totalTaxValue": money(each_tax * shown.qty),
        "totalPrice": money(gross),
        "totalPriceWithoutTax": money(gross - each_tax * shown.qty),
        "totalPriceWithTax": money(gross),
        "anyDiscount": off > Decimal(0),
        "priceEachWithoutTax": money(line.price - each_tax),
        "priceEachReduction": money(off),
        "warehouses": warehouses(shown, as_text=as_text),
    }


def put_orders(call: ApiCall) -> Answer:
    """PUT orders (4.5): comments are appended unless told to replace."""
    given = call.body.get("order")
    order = call.shop.orders.filter(number=as_integer(given) or 0).first()
    if order is None:
        return Answer(no("order does not exist", order=given))
    with order.locked():
        if not call.shop.orders.filter(call.plugin.in_markets, pk=order.pk).exists():
            return Answer(no("order in wrong market", order=order.number))
        order.refresh_from_db(fields=["comment", "internal_comment", "attributes"])
        order.internal_comment = _comment(order.internal_comment, call, "internalComment", "replaceInternalComment")
        order.comment = _comment(order.comment, call, "comment", "replaceComment")
        extra = call.body.get("extraAttributes")
        order.attributes |= extra if isinstance(extra, dict) else {}
        order.save(update_fields=["comment", "internal_comment", "attributes"])
    return Answer({"status": "ok", "order": order.number})


def _comment(now: str, call: ApiCall, name: str, replaces: str) -> str:
    new = str(call.body.get(name) or "")
    if as_flag(call.body.get(replaces), False) and name in call.body:
        return new
    return "\n".join(filter(None, (now, new)))
