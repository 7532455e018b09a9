"""One order: its page, the acts on it, its packing list, and splitting it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from orders import differences, handover, moves, short, splitting
from orders.forms import version
from orders.models import Cause, Order, Status
from orders.orderpage import look

MAY_BE_SPLIT = (Status.NEW, Status.PENDING, Status.RESERVED, Status.DRAFT)


def order_of(merchant: Merchant, pk: int) -> Order:
    """This merchant's order; everybody else's is a 404."""
    related = ("merchant", "integration", "warehouse", "channel", "method__carrier", "shipment", "split_from")
    return get_object_or_404(Order.objects.for_merchant(merchant).select_related(*related), pk=pk)


@require_safe
@merchant_view()
def show(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """Its whole story, and what may be done with it now."""
    order = order_of(merchant, pk)
    may = {permission.value: request.membership.may(permission) for permission in Permission}
    return render(request, "orders/order.html", {"order": order, "may": may, **look(order)})


@require_safe
@merchant_view()
def packing_list(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """What is in the parcel and where it goes, on one sheet."""
    order = order_of(merchant, pk)
    lines = [line for line in order.lines.select_related("product") if line.pieces]
    return render(request, "orders/packing_list.html", {"order": order, "lines": lines})


@require_POST
@merchant_view(changes=Permission.EDITS_ORDERS)
def set_status(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """What the status bar says, after **Save**; only from the status that the page showed."""
    order = order_of(merchant, pk)
    wanted, seen = request.POST.get("status", ""), request.POST.get("seen", "")
    if seen and seen != order.status:
        words = {"status": order.status.upper()}
        messages.error(request, _("Nothing was changed: meanwhile the order became %(status)s.") % words)
    elif wanted == order.status or wanted not in Status.values:
        messages.info(request, _("Choose another status first; then save."))
    else:
        _move(request, order, Status(wanted))
    return redirect(order)


def _move(request: MerchantRequest, order: Order, to: Status) -> None:
    if to not in moves.may_become(order):
        words = {"before": order.status.upper(), "after": to.label}
        messages.error(request, _("An order that is %(before)s cannot become %(after)s.") % words)
        return
    try:
        moves.move(order, to, request.user.name)
    except moves.NotPossible as reason:
        messages.error(request, str(reason))
        return
    say_status(request, order, to)


def say_status(request: MerchantRequest, order: Order, wanted: Status) -> None:
    """What it became, which need not be what was wanted; its reasons stand on the page."""
    if order.status == wanted:
        messages.success(request, _("The order is %(status)s.") % {"status": order.status.upper()})
    elif order.status == Status.PENDING:
        messages.info(request, _("The order is PENDING: it becomes NEW by itself when the stock covers it."))
    elif order.status == Status.RESERVED:
        messages.warning(request, _("The order is RESERVED: see the reasons below. It goes on when they are mended."))
    else:
        messages.info(request, _("The order is %(status)s.") % {"status": order.status.upper()})


# --- the acts: each says what it did ---------------------------------------------------------


@require_POST
@merchant_view(changes=Permission.EDITS_ORDERS)
def act(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """One of the page's buttons."""
    order = order_of(merchant, pk)
    wanted = request.POST.get("act", "")
    name, _colon, cause = wanted.partition(":")
    try:
        if name == "overrule" and cause in Cause.values:
            moves.overrule(order, [Cause(cause)], request.user.name)
            said = _("Done. The order is %(status)s.") % {"status": order.status.upper()}
        elif name in ANSWERS:
            said = ANSWERS[name](order, request.user.name, request.POST.get("seen", ""))
        elif name in ACTS:
            said = ACTS[name](order, request.user.name)
        else:
            messages.info(request, _("Nothing was done."))
            return redirect(order)
        messages.success(request, said)
    except moves.NotPossible as reason:
        messages.error(request, str(reason))
    return redirect(order)


def _ask_to_cancel(order: Order, who: str) -> str:
    moves.ask_to_cancel(order, who)
    return _("The cancellation is requested; the warehouse answers here.")


def _accept(order: Order, who: str, seen: str) -> str:
    differences.accept(order, who, seen)
    return _("The shop’s change is taken over.")


def _refuse(order: Order, who: str, seen: str) -> str:
    differences.refuse(order, who, seen)
    return _("The order goes as it was first read.")


def _refunded(order: Order, who: str) -> str:
    moves.refunded(order, who)
    return _("Ticked off.")


def _capture(order: Order, who: str) -> str:
    handover.try_capture_again(order, who)
    if order.integration is not None:
        handover.ring(order.integration, who)
    return _("It is tried again; what the shop says stands here in a moment.")


def _wait(order: Order, who: str) -> str:
    short.wait(order, who)
    return _("The order waits for the missing pieces.")


def _send(order: Order, who: str) -> str:
    short.send(order, who)
    if order.integration is not None:
        handover.ring(order.integration, who)
    return _("What is there is sent.")


def _leave(order: Order, who: str) -> str:
    moves.leave_untold(order, who)
    return _("Left; the shop is not told any more.")


ACTS: dict[str, Callable[[Order, str], str]] = {
    "leave": _leave,
    "ask": _ask_to_cancel,
    "refunded": _refunded,
    "capture": _capture,
    "wait": _wait,
    "send": _send,
}
# To what the shop changed: only as the page showed it.
ANSWERS: dict[str, Callable[[Order, str, str], str]] = {"accept": _accept, "refuse": _refuse}


# --- splitting -------------------------------------------------------------------------------


@merchant_view(reads=Permission.EDITS_ORDERS)
def split(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """Pieces per line that go into a part of their own."""
    order = order_of(merchant, pk)
    lines = [line for line in order.lines.select_related("product") if line.pieces]
    typed = {line.pk: request.POST.get(f"pieces-{line.pk}", "").strip() for line in lines}
    error = ""
    if request.method == "POST":
        error = _faulty(typed)
        if not error:
            try:
                wanted = {pk: int(text or 0) for pk, text in typed.items()}
                part = _split(order, wanted, request.user.name, request.POST.get("seen", ""))
            except moves.NotPossible as reason:
                error = str(reason)
            else:
                messages.success(request, _("Split. This is the new part, %(part)s.") % {"part": part.label})
                return redirect(part)
    return render(request, "orders/split.html", _split_page(request, order, lines, typed, error))


@transaction.atomic
def _split(order: Order, wanted: dict[int, int], who: str, seen: str) -> Order:
    """Of the pieces that the page showed: pressed twice, or split by somebody else meanwhile, it is split once."""
    if seen and seen != version(Order.objects.lock().get(pk=order.pk)):
        raise moves.NotPossible(
            _("Nothing was split: the order was changed meanwhile. See its pieces as they are now.")
        )
    return moves.split(order, wanted, who)


def _faulty(typed: dict[int, str]) -> str:
    is_fine = all(not text or (text.isascii() and text.isdigit() and len(text) < 10) for text in typed.values())
    return "" if is_fine else _("Pieces are whole numbers.")


def _split_page(
    request: MerchantRequest, order: Order, lines: list[Any], typed: dict[int, str], error: str
) -> dict[str, Any]:
    now = splitting.deliverable(order)
    is_preset = request.method != "POST" and "rest" in request.GET
    rows = []
    for line in lines:
        waits = str(line.pieces - now[line.pk])
        rows.append({"line": line, "now": now[line.pk], "typed": waits if is_preset else typed[line.pk] or "0"})
    return {
        "order": order,
        "seen": version(order),
        "rows": rows,
        "error": error,
        "may_be_split": order.status in MAY_BE_SPLIT
        and not order.is_being_handed_over
        and sum(line.pieces for line in lines) > 1,
        "has_rest": bool(splitting.rest(order)),
    }
