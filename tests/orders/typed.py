"""What a browser sends of an order that is made by hand, or corrected."""

from typing import Any

from django.test import Client
from django.urls import reverse

from merchants.models import Merchant
from orders.models import Order
from shipping.models import ShippingMethod

ADDRESS = {
    "name": "Anna Åberg",
    "company": "",
    "address": "Drottninggatan 1",
    "address2": "",
    "zip_code": "111 51",
    "city": "Stockholm",
    "state": "",
    "country": "SE",
    "phone": "+46701234567",
    "email": "anna@example.com",
    "pickup_point": "",
    "comment": "",
    "customisation": "",
}


def new_url(merchant: Merchant) -> str:
    return reverse("orders:new", args=[merchant.pk])


def typed(merchant: Merchant, method: ShippingMethod | None, rows: list[tuple[str, str, str]], **words: str) -> Any:
    """What a browser sends."""
    lines = {name: [row[place] for row in rows] for place, name in enumerate(("sku", "pieces", "price"))}
    head = {"number": "S-1", "warehouse": str(merchant.warehouses.get().pk), "currency": "sek"}
    chosen = {"method": str(method.pk) if method else ""}
    return {**ADDRESS, **head, **chosen, **lines, "line": [""] * len(rows), "act": "new", **words}


def edit_url(order: Order) -> str:
    return reverse("orders:edit", args=[order.merchant_id, order.pk])


def opened(client: Client, order: Order, **words: Any) -> dict[str, Any]:
    """The page as it is now, with some words typed over; what the browser would send."""
    context = client.get(edit_url(order)).context
    form, rows = context["form"], context["lines"].rows
    sent: dict[str, Any] = {name: form[name].value() or "" for name in form.fields}
    sent |= {"version": context["version"], "act": "save"}
    sent["line"] = [str(row.line.pk) if row.line else "" for row in rows]
    for name in ("sku", "pieces", "price"):
        sent[name] = [getattr(row, name) for row in rows]
    return sent | words
