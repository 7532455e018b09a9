"""Returns: create, list, complete."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from sandbox.api.answer import Answer, money, no
from sandbox.api.call import MOST_ROWS, ApiCall, as_flag, as_integer, as_money, as_pieces
from sandbox.api.orders import between
from sandbox.api.writing import Row, tax_in
from sandbox.models import Order, Return, ReturnLine, Shipment
from sandbox.refused import Refused

COSTS = {"handlingCost": "handling_cost", "shippingCost": "shipping_cost", "voucherValue": "voucher_value"}


def post_return(call: ApiCall) -> Answer:
    """POST return (7.1): made even if some lines cannot come back."""
    number, _dash, n = str(call.body.get("shipment")).partition("-")
    shipments = Shipment.objects.filter(order__shop=call.shop, order__number=as_integer(number) or 0)
    shipment = shipments.filter(n=as_integer(n) or 0).select_related("order__shop", "order__store").first()
    try:
        made = _create(call, shipment)
    except Refused as refusal:
        return Answer(no(refusal.text))
    answer: Row = {
        "status": "ok",
        "return": made.pk,
        "order": made.shipment.order.number,
        "returnCompleted": False,
        "returnedItems": [str(line.shipment_line.line_id) for line in made.lines.select_related("shipment_line")],
    }
    refund = call.body.get("refund")
    if isinstance(refund, dict) and as_flag(refund.get("refundPayment"), False):
        answer["refund"] = _refund(made, as_flag(refund.get("sendEmail"), False))
        answer["returnCompleted"] = made.is_completed
    return Answer(answer)


def _create(call: ApiCall, shipment: Shipment | None) -> Return:
    if shipment is None:
        raise Refused("return could not be created.")
    body = call.body
    for name in COSTS:
        if name in body and as_flag(body.get(f"{name}FromShipment"), False):
            raise Refused("return could not be created.")
    fields: dict[str, Any] = {
        column: as_money(body[name]) or 0
        for name, column in (*COSTS.items(), ("returnCost", "return_cost"))
        if name in body
    }
    if as_flag(body.get("shippingCostFromShipment"), False):
        fields["shipping_cost"] = 0 if shipment.leaves_out_costs else shipment.order.shipping_value
    restocks = body.get("returnStock")
    return Return.create(
        shipment,
        as_pieces(body["products"]) if "products" in body else None,
        restocks=None if restocks is None else as_flag(restocks, True),
        created_at=call.shop.read_time(str(body.get("createdAt") or "")),
        comment=str(body.get("comment") or "")[:500],
        **fields,
    )


def _refund(made: Return, send_email: bool) -> Row:
    try:
        made.refund(send_email=send_email)
    except Refused as refusal:
        return {"status": "no", "msg": refusal.text}
    return {"status": "ok"}


def get_returns(call: ApiCall) -> Answer:
    """GET returns (7.2): newest first, by page or by offset."""
    returns = _listed(call)
    limit, page = call.limit(), call.integer("page")
    if limit and page is not None:
        shown = min(MOST_ROWS, max(1, page - 1 if call.repeats_page else page))
        returns = returns[(shown - 1) * limit : shown * limit]
    else:
        returns = call.by_offset(returns, limit)
    return Answer({"status": "ok", "returns": [_row(made, call) for made in returns]})


def _listed(call: ApiCall) -> QuerySet[Return]:
    returns = Return.objects.filter(shipment__order__in=Order.objects.filter(call.plugin.in_markets, shop=call.shop))
    for name, column in (
        ("return", "pk"),
        ("order", "shipment__order__number"),
        ("customer_id", "shipment__order__customer"),
    ):
        if (key := call.integer(name)) is not None:
            returns = returns.filter(**{column: key})
    if (shipment := call.text("shipment")) is not None:
        number, _dash, n = shipment.partition("-")
        returns = returns.filter(shipment__order__number=as_integer(number) or 0, shipment__n=as_integer(n) or 0)
    if (selection := call.text("selection")) is not None:
        returns = returns.filter(shipment__order__selection_id=selection)
    returns = between(call, returns, "created_at").order_by("-created_at", "-pk")
    return returns.select_related("shipment__order").prefetch_related("lines__shipment_line__line")


def _row(made: Return, call: ApiCall) -> Row:
    shipment, order = made.shipment, made.shipment.order
    return {
        "returnId": made.pk,
        "completed": made.is_completed,
        "shipment": f"{order.number}-{shipment.n}",
        "shipmentId": shipment.pk,
        "orderId": order.number,
        "selectionId": order.selection_id,
        "customerId": order.customer,
        "date": call.shop.write_time(made.created_at),
        "marketId": order.market_id,
        "pricelistId": 19,
        "returnCost": money(made.return_cost),
        "shippingCost": money(made.shipping_cost),
        "handlingCost": money(made.handling_cost),
        "voucherValue": money(made.voucher_value),
        "taxValue": money(tax_in(made.value)),
        "taxDeduction": 0,
        "currency": order.currency,
        "baseCurrency": call.shop.currency,
        "baseCurrencyRate": 1,
        "returnToStock": made.restocks,
        "comment": made.comment or None,
        "createdFrom": "Order API",
        "products": [_line(line) for line in made.lines.all()],
    }


def _line(back: ReturnLine) -> Row:
    line = back.shipment_line.line
    return {
        "returnLineId": back.pk,
        "shipmentLineId": back.shipment_line_id,
        "orderLineId": line.pk,
        "productId": line.product_id_then,
        "variantId": line.variant_id_then,
        "productName": line.name,
        "productBrand": line.brand or None,
        "variantName": line.variant or None,
        "size": line.size_name or None,
        "sku": line.sku,
        "variantSku": line.variant_sku,
        "sizeSku": line.size_sku,
        "ean": line.ean,
        "upc": line.upc,
        "quantity": back.qty,
        "price": money(line.price),
    }


def put_returns(call: ApiCall, key: str) -> Answer:
    """PUT returns/{returnId} (7.3)."""
    made = Return.objects.filter(shipment__order__shop=call.shop, pk=int(key)).first()
    if made is None:
        return Answer(no(f"Return with id={key} does not exist"))
    email = as_flag(call.body.get("sendEmail"), False)
    answer: Row = {"status": "ok"}
    if as_flag(call.body.get("refundPayment"), False):
        answer["refund"] = _refund(made, email)
        answer["returnCompleted"] = made.is_completed
    elif "completed" in call.body:
        made.complete(as_flag(call.body["completed"], True), send_email=email)
    return Answer(answer | {"return": _row(_listed_again(made), call)})


def _listed_again(made: Return) -> Return:
    rows = Return.objects.select_related("shipment__order").prefetch_related("lines__shipment_line__line")
    return rows.get(pk=made.pk)
