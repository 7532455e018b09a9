"""Orders made through the API: one, several, or prepared and finished later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.api.answer import Answer, no
from sandbox.api.call import ApiCall, as_flag, as_integer, as_money, as_quantity
from sandbox.models import Market, Order, Size, Status, Wanted
from sandbox.refused import Refused

Body = Mapping[str, Any]


def post_order(call: ApiCall) -> Answer:
    """POST order (4.2)."""
    return _gate(call) or Answer(_create(call, call.body))


def post_orders(call: ApiCall) -> Answer:
    """POST orders (4.3): each order stands for itself."""
    if refusal := _gate(call):
        return refusal
    answers = {
        key: _create(call, body) if isinstance(body, dict) else {"status": "no", "code": -7, "msg": "no order"}
        for key, body in call.body.items()
    }
    return Answer(answers)


def finish_order(call: ApiCall, number: str) -> Answer:
    """POST order/{orderId} (4.4): finishes what `createOnly` began; may come again."""
    order = call.shop.orders.filter(number=int(number)).first()
    if order is None:
        return Answer(no("order does not exist", order=number))
    order.internal_comment = str(call.body.get("internalComment", order.internal_comment))
    order.comment = str(call.body.get("comment", order.comment))
    order.po_number = str(call.body.get("poNumber", order.po_number))[:100]
    order.save(update_fields=["internal_comment", "comment", "po_number"])
    order.check_out()
    return Answer({"orders": [str(order.number)], "status": "ok"})


def _gate(call: ApiCall) -> Answer | None:
    return None if call.plugin.creates_orders else Answer({"status": "Not Allowed"}, 403)


def _create(call: ApiCall, body: Body) -> dict[str, Any]:
    try:
        order = _place(call, body)
    except Refused as refusal:
        return {"status": "no", "code": refusal.code or -7, "msg": refusal.text}
    if order.status == Status.INCOMPLETE:
        return {"status": "ok", "order": order.number}
    return {"status": "ok", "orders": [order.number]}


def _place(call: ApiCall, body: Body) -> Order:
    delivery = _address(body.get("deliveryAddress") or body.get("address"))
    billing = _address(body.get("invoiceAddress") or body.get("address") or body.get("deliveryAddress"))
    extra = body.get("extraAttributes")
    fields: dict[str, Any] = {
        "comment": str(body.get("otherComment") or body.get("comment") or ""),
        "internal_comment": str(body.get("internalComment") or ""),
        "po_number": str(body.get("poNumber") or "")[:100],
        "is_internal": as_flag(body.get("internalOrder"), False),
        "voucher_value": as_money(body.get("voucherValue")) or 0,
        "attributes": extra if isinstance(extra, dict) else {},
        "waits_for_payment": _is_pending(body.get("payment")),
    }
    if placed_at := call.shop.read_time(str(body.get("orderDate") or "")):
        fields["placed_at"] = placed_at
    if as_flag(body.get("createOnly"), False):
        fields["status"] = Status.INCOMPLETE
    market = _market(call, body)
    shipping_value = as_money(body.get("shippingValue"))
    return Order.place(
        call.shop,
        _wanted(call, body.get("products")),
        store=market.store if market else call.plugin.store,
        market=market,
        delivery=delivery,
        billing=billing,
        shipping=str(body.get("shippingList") or "standard")[:200],
        shipping_value=49 if shipping_value is None else shipping_value,
        allocates=as_flag(body.get("adjustStock"), True),
        forces=as_flag(body.get("forceCreate"), False),
        number=as_integer(body.get("orderNumber")),
        **fields,
    )


def _address(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not given.get("email") or not given.get("country"):
        raise Refused("required field missing: email and country of the address", -4)
    name = " ".join(filter(None, (str(given.get(key) or "") for key in ("firstName", "lastName"))))
    kept = {
        key: str(given.get(key) or "") for key in ("email", "tele", "cell", "address", "coaddress", "city", "zipcode")
    }
    kept |= {key: str(given.get(key) or "") for key in ("state", "country", "company")}
    return kept | {"name": name or str(given.get("attn") or "")}


def _market(call: ApiCall, body: Body) -> Market | None:
    if "marketId" in body:
        market = call.shop.markets.filter(pk=as_integer(body["marketId"]) or 0).first()
    elif "market" in body:
        market = call.shop.markets.filter(name=str(body["market"])).first()
    else:
        return None
    if market is None:
        raise Refused("market not found", -7)
    return market


def _is_pending(payment: Any) -> bool:
    authorisation = payment.get("auth") if isinstance(payment, dict) else None
    return isinstance(authorisation, dict) and as_integer(authorisation.get("status")) == 0


def _wanted(call: ApiCall, rows: Any) -> list[Wanted]:
    if not isinstance(rows, list) or not rows:
        raise Refused("order is empty", -3)
    return [_want(call, row) for row in rows]


def _want(call: ApiCall, row: Any) -> Wanted:
    pieces = as_quantity(row.get("qty")) if isinstance(row, dict) else None
    if pieces is None:
        raise Refused("required field missing: qty", -4)
    text = row.get("itemText") if isinstance(row.get("itemText"), dict) else {}
    size = _size(call, row)
    if (size is None and not text) or (size is not None and not size.is_active):
        raise Refused("product can not be added", -1)
    return Wanted(
        size,
        pieces,
        price=as_money(row["unitPrice"]) if "unitPrice" in row else None,
        original_price=as_money(row["originalPrice"]) if "originalPrice" in row else None,
        comment=str(row.get("comment") or "")[:500],
        text={key: str(value)[:50] for key, value in text.items()},
    )


def _size(call: ApiCall, row: Body) -> Size | None:
    """By size id, EAN, UPC, joined SKU or size SKU alone, in this order."""
    sizes = call.shop.sizes.select_related("variant__product").order_by("pk")
    if "id" in row:
        return sizes.filter(pk=as_integer(row["id"]) or 0).first()
    for name in ("ean", "upc"):
        if row.get(name):
            return sizes.filter(**{name: str(row[name])}).first()
    sku = str(row.get("sku") or "")
    if not sku:
        return None
    return sizes.filter(full_sku=sku).first() or sizes.filter(sku=sku).first()
