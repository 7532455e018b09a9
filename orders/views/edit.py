"""An order made by hand, and an order corrected."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from orders import deciding, moves, overruling, promise
from orders.forms import NewOrderForm, OrderForm, version
from orders.lines import Lines
from orders.models import Order, Status
from orders.views.order import order_of, say_status

EDITABLE = (Status.DRAFT, Status.RESERVED)


# --- New order -------------------------------------------------------------------------------


@merchant_view(reads=Permission.EDITS_ORDERS)
def new(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """New order: saved as NEW, or as a DRAFT to go on with."""
    blank = Order(merchant=merchant, status=Status.DRAFT)
    if request.method != "POST":
        return _new_page(request, NewOrderForm(instance=blank), Lines.blank(merchant))
    lines = Lines.posted(merchant, request.POST)
    if "more" in request.POST:
        lines.add_rows()
        return _new_page(request, NewOrderForm(initial=request.POST.dict(), instance=blank), lines)
    form = NewOrderForm(request.POST, instance=blank)
    order = _store_new(request, form, lines)
    if order is None:
        return _new_page(request, form, lines)
    return redirect(order)


@transaction.atomic
def _store_new(request: MerchantRequest, form: NewOrderForm, lines: Lines) -> Order | None:
    if not _both_valid(form, lines):
        return None
    order = form.store(lines, request.user.name)
    if order is None:
        return None
    wanted = Status.DRAFT if request.POST.get("act") == "draft" else Status.NEW
    if wanted == Status.NEW:
        moves.save_as_new(order, request.user.name)
    say_status(request, order, wanted)
    return order


def _new_page(request: MerchantRequest, form: NewOrderForm, lines: Lines) -> HttpResponse:
    return render(request, "orders/new.html", {"form": form, "lines": lines})


# --- Edit ------------------------------------------------------------------------------------


@merchant_view(reads=Permission.EDITS_ORDERS)
def edit(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """Correct a DRAFT or a RESERVED order. One that is NEW or PENDING is moved to DRAFT first."""
    if request.method == "POST":
        return _answer(request, merchant, pk)
    order = order_of(merchant, pk)
    return _page(request, order, OrderForm(instance=order), Lines.of(order))


def _answer(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """Save, or the same page again with what was typed."""
    order_of(merchant, pk)
    with transaction.atomic():
        order = Order.objects.select_related("merchant", "integration", "warehouse").lock().get(pk=pk)
        shown, subjects = version(order), overruling.subjects(order)
        lines = Lines.posted(merchant, request.POST, order)
        if "more" in request.POST:
            lines.add_rows()
            form = OrderForm(initial=request.POST.dict(), instance=order)
            return _page(request, order, form, lines, request.POST.get("version", ""))
        form = OrderForm(request.POST, instance=order)
        is_valid = _both_valid(form, lines)
        if order.status not in EDITABLE:
            form.add_error(None, _("Nothing was saved: meanwhile the order became %s.") % order.status.upper())
        elif request.POST.get("version", shown) != shown:
            form.add_error(None, _changed_meanwhile(order))
        elif is_valid:
            _store(request, order, form, lines, subjects)
            return redirect(order)
        # What the page shows around the form is what is stored, not what was typed.
        return _page(request, order_of(merchant, pk), form, lines, shown)


def _changed_meanwhile(order: Order) -> str:
    last = order.events.exclude(who="").order_by("-at", "-pk").first()
    words = {"who": last.who if last else _("Somebody"), "what": last.text if last else ""}
    return (
        _(
            "Nothing was saved: %(who)s changed this order while you typed (%(what)s). "
            "What you typed stands below; look it over and save again, and yours counts."
        )
        % words
    )


def _store(
    request: MerchantRequest, order: Order, form: OrderForm, lines: Lines, subjects: Mapping[str, list[str]]
) -> None:
    """Within the lock: write, tell what changed, and decide anew what waits for a reason. `subjects`: of what was
    overruled before."""
    was_held = order.holds.exists()
    form.save()
    of_head, of_lines = form.said(), lines.store(order)
    order.add_up()
    overruling.drop_changed(order, subjects)
    order.save(update_fields=["total", "overruled"])
    if of_head or of_lines:
        text = _("Edited: %(what)s.")
        kept = text % {"what": "; ".join([*form.names(), *of_lines])}
        order.tell(text % {"what": "; ".join([*of_head, *of_lines])}, who=request.user.name, kept=kept)
    if order.status == Status.RESERVED:
        if was_held:
            deciding.decide(order)
        else:
            promise.reserve_for(order)  # on purpose: it holds what it has now, and stays
    if request.POST.get("act") == "new" and order.status in EDITABLE:
        moves.save_as_new(order, request.user.name)
        say_status(request, order, Status.NEW)
        return
    messages.success(request, _("Saved. The order is %(status)s.") % {"status": order.status.upper()})


def _page(
    request: MerchantRequest, order: Order, form: OrderForm, lines: Lines, shown: str | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        "order": order,
        "form": form,
        "lines": lines,
        "version": version(order) if shown is None else shown,
        "may_be_edited": order.status in EDITABLE,
        "may_become_draft": Status.DRAFT in moves.may_become(order),
        "holds": order.sorted_holds(),
    }
    return render(request, "orders/edit.html", context)


def _both_valid(form: OrderForm, lines: Lines) -> bool:
    """Both are looked at, so that all errors show at once."""
    verdicts = [form.is_valid(), lines.is_valid()]
    return all(verdicts)
