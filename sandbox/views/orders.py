"""The orders, and one order with its buttons and shipments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from sandbox.models import Order, Shipment, Shop, Status
from sandbox.models.order import OPEN
from sandbox.refused import Refused
from sandbox.views.session import said, shop_page

# Act, label, statuses in which its button is shown, and whether it needs the order to be on hold (or not to be).
ACTS: tuple[tuple[str, Any, tuple[int, ...], bool | None], ...] = (
    ("confirm", gettext_lazy("Confirm"), (Status.PENDING,), False),
    ("unconfirm", gettext_lazy("Unconfirm"), (Status.CONFIRMED,), False),
    ("hold", gettext_lazy("Hold"), OPEN, False),
    ("resume", gettext_lazy("Resume"), OPEN, True),
    ("cancel", gettext_lazy("Cancel"), OPEN, None),
    ("restore", gettext_lazy("Restore"), (Status.CANCELLED,), None),
    ("archive", gettext_lazy("Archive"), (Status.COMPLETED,), None),
    ("reactivate", gettext_lazy("Reactivate"), (Status.ARCHIVED,), None),
)
FLAGS = ("is_suspect", "waits_for_payment", "capture_fails", "refund_fails", "is_paid_externally")


@shop_page
def orders(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Newest first, by status and search."""
    found = shop.orders.select_related("store").prefetch_related("lines")
    status = request.GET.get("status", "")
    if status.isascii() and status.isdigit() and len(status) < 5:
        found = found.filter(status=int(status))
    for word in said(request.GET, "q").split():
        number = Q(number=int(word)) if word.isdecimal() and len(word) < 15 else Q()
        found = found.filter(number | Q(lines__name__icontains=word) | Q(shipping_list__icontains=word)).distinct()
    page = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {"shop": shop, "page": page, "statuses": Status.choices, "has_orders": shop.orders.exists()}
    return render(request, "sandbox/orders.html", context | {"here": "orders"})


@shop_page
def order(request: HttpRequest, shop: Shop, number: int) -> HttpResponse:
    return _page(request, shop, number)


def _page(request: HttpRequest, shop: Shop, number: int, typed: Mapping[str, Any] | None = None) -> HttpResponse:
    """The order; `typed` is the form that was refused, to be shown again as it was."""
    found = get_object_or_404(shop.orders.select_related("store", "market"), number=number)
    open_pieces = found.open_pieces()
    lines = list(found.lines.select_related("size"))
    for line in lines:
        line.open = open_pieces.get(line.pk, 0)  # type: ignore[attr-defined]
    context = {
        "shop": shop,
        "order": found,
        "lines": lines,
        "shipments": found.shipments.prefetch_related("lines__line"),
        "acts": [(act, label) for act, label, statuses, held in ACTS if _fits(found, statuses, held)],
        "steps": [Status(step) for step in range(1, 5)],
        "flags": [(name, _label(name), getattr(found, name)) for name in FLAGS],
        "can_ship": found.status in (Status.CONFIRMED, Status.PROCESSING) and any(open_pieces.values()),
        "typed": typed or {},
        "here": "orders",
    }
    return render(request, "sandbox/order.html", context, status=400 if typed else 200)


def _label(name: str) -> str:
    return str(getattr(Order._meta.get_field(name), "verbose_name", name))


def _fits(order: Order, statuses: tuple[int, ...], held: bool | None) -> bool:
    return order.status in statuses and held in (None, order.is_on_hold)


@require_POST
@shop_page
def act(request: HttpRequest, shop: Shop, number: int) -> HttpResponse:
    """One button of the order's page; what is refused is told, nothing happens, and what was typed stays."""
    found = get_object_or_404(shop.orders, number=number)
    chosen = request.POST.get("act", "")
    try:
        _do(found, chosen, request.POST)
    except Refused as refusal:
        messages.error(request, _("Not done: %(reason)s") % {"reason": refusal.text})
        return _page(request, shop, number, request.POST)
    messages.success(request, _("Done."))
    return redirect(found)


def _do(order: Order, chosen: str, form: Mapping[str, Any]) -> None:
    if chosen in {name for name, *_rest in ACTS}:
        getattr(order, chosen)()
    elif chosen == "ship":
        order.create_shipment(good_to_go="gtg" in form, capture="capture" in form)
    elif chosen == "flags":
        order.change_flags(**{name: name in form for name in FLAGS})
    elif chosen == "cancel-pieces":
        line = get_object_or_404(order.lines.filter(is_bundle=False), pk=_number(form, "line"))
        order.cancel_pieces(line, _pieces(form))
    elif chosen in SHIPMENT_ACTS:
        SHIPMENT_ACTS[chosen](get_object_or_404(order.shipments, pk=_number(form, "shipment")), form)
    else:
        raise Refused("unknown act")


def _number(form: Mapping[str, Any], name: str) -> int:
    text = str(form.get(name, ""))
    return int(text) if text.isdecimal() and len(text) < 15 else 0


def _pieces(form: Mapping[str, Any]) -> int:
    """How many pieces to cancel; `Refused` where no such number was typed."""
    text = str(form.get("pieces", "")).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise Refused(_("write the pieces to cancel as a whole number, 1 or more"))
    return int(text)


def _complete(shipment: Shipment, form: Mapping[str, Any]) -> None:
    parcel: dict[str, Any] = {name: said(form, name)[:100] for name in ("carrier", "service", "tracking")}
    shipment.complete(capture=True, good_to_go=True, packages=1, **parcel)


SHIPMENT_ACTS: dict[str, Callable[[Shipment, Mapping[str, Any]], None]] = {
    "good-to-go": lambda shipment, form: shipment.change(good_to_go=True),
    "capture": lambda shipment, form: shipment.capture(),
    "mark-paid": lambda shipment, form: shipment.mark_paid(),
    "complete": _complete,
    "remove": lambda shipment, form: shipment.remove(),
}
