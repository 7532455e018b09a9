"""Products → Stock updates: what is announced, one of them, a new one; and the offer to tell a shop our stock."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Greatest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from integrations import doorbell
from integrations.models import Integration
from integrations.pipes import PIPES
from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from products import offers, receiving
from products.models import StockUpdate
from products.stock_forms import StockUpdateFilter, StockUpdateForm
from products.stock_lines import Lines

PER_PAGE = 50
LINES_PER_PAGE = 100
SAID_APART = 5  # sentences about lines put together; beyond them their number
STOCK = "stock"  # the pipe that tells shops


@require_safe
@merchant_view()
def index(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Products → Stock updates."""
    words = StockUpdateFilter(request.GET, merchant)
    found = words.narrow(_with_sums(merchant.stock_updates.select_related("warehouse")))
    context = {
        "filter": words,
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "has_products": merchant.products.exists(),
        "may_edit": request.membership.may(Permission.EDITS_PRODUCTS),
        **offer_context(request, merchant),
    }
    return render(request, "products/stock_updates.html", context)


@require_safe
@merchant_view()
def show(request: MerchantRequest, merchant: Merchant, update_pk: int) -> HttpResponse:
    """One stock update: what was announced, what came, what the warehouse says."""
    update = get_object_or_404(_with_sums(merchant.stock_updates.select_related("warehouse")), pk=update_pk)
    lines = update.lines.select_related("product").annotate(
        missing=Greatest(Value(0), F("expected") - F("received")),
        surplus=Greatest(Value(0), F("received") - F("expected")),
    )
    context = {
        "update": update,
        "page": Paginator(lines, LINES_PER_PAGE).get_page(request.GET.get("page")),
        "sums": lines.aggregate(all_missing=Coalesce(Sum("missing"), 0), all_surplus=Coalesce(Sum("surplus"), 0)),
        "may_edit": request.membership.may(Permission.EDITS_PRODUCTS),
        **offer_context(request, merchant),
    }
    return render(request, "products/stock_update.html", context)


@merchant_view(reads=Permission.EDITS_PRODUCTS)
def new(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """New stock update."""
    made_by = request.user.get_short_name()[:120]
    blank = StockUpdate(merchant=merchant, warehouse=Integration.objects.usual_warehouse(merchant), made_by=made_by)
    if request.method == "POST":
        return _answer(request, merchant, blank)
    return _form_page(request, StockUpdateForm(instance=blank), Lines(merchant, []))


@merchant_view(reads=Permission.EDITS_PRODUCTS)
def edit(request: MerchantRequest, merchant: Merchant, update_pk: int) -> HttpResponse:
    """Change what is announced, as long as nothing of it has arrived."""
    update = get_object_or_404(merchant.stock_updates, pk=update_pk)
    if update.status != StockUpdate.Status.NEW:
        return _too_late(request, update)
    if request.method == "POST":
        return _answer(request, merchant, update)
    return _form_page(request, StockUpdateForm(instance=update), Lines.of(update))


@require_POST
@merchant_view(changes=Permission.EDITS_PRODUCTS)
def cancel(request: MerchantRequest, merchant: Merchant, update_pk: int) -> HttpResponse:
    """The goods do not come."""
    update = get_object_or_404(merchant.stock_updates, pk=update_pk)
    try:
        receiving.cancel(update.pk)
        messages.success(request, _("%(number)s is cancelled; nothing of it is expected.") % {"number": update})
    except receiving.NotReceived as reason:
        messages.error(request, str(reason))
    return redirect("products:stock_update", merchant.pk, update.pk)


@require_POST
@merchant_view(changes=Permission.EDITS_SETTINGS)
def send_stock(request: MerchantRequest, merchant: Merchant, integration_pk: int) -> HttpResponse:
    """Switch on: the shop is told our stock from now on."""
    integration = get_object_or_404(merchant.integrations.select_related("warehouse"), pk=integration_pk)
    try:
        is_new = offers.switch_on(integration)
    except offers.Taken as reason:
        messages.error(request, str(reason))
        return redirect("products:stock_updates", merchant.pk)
    if is_new and STOCK in PIPES:
        doorbell.ring(integration, STOCK, asked_by=request.user.get_short_name())
    messages.success(request, _("%(shop)s is told our stock from now on.") % {"shop": integration.label})
    return redirect("products:stock_updates", merchant.pk)


def offer_context(request: MerchantRequest, merchant: Merchant) -> dict[str, Any]:
    """The offers for the note *Goods have arrived*."""
    return {"offers": offers.open_offers(merchant), "may_switch": request.membership.may(Permission.EDITS_SETTINGS)}


def _with_sums(updates: QuerySet[StockUpdate]) -> QuerySet[StockUpdate]:
    """Adds `skus`, and the pieces `announced` and `arrived`."""
    return updates.annotate(
        skus=Count("lines"),
        announced=Coalesce(Sum("lines__expected"), 0),
        arrived=Coalesce(Sum("lines__received"), 0),
    )


def _answer(request: MerchantRequest, merchant: Merchant, update: StockUpdate) -> HttpResponse:
    """Save, or the same page again: with more rows, or with what is wrong."""
    lines = Lines.posted(merchant, request.POST)
    if "more" in request.POST:
        form = StockUpdateForm(initial=request.POST.dict(), instance=update)
        return _form_page(request, form, lines, is_more=True)
    form = StockUpdateForm(request.POST, instance=update)
    if not _both_valid(form, lines):
        return _form_page(request, form, lines)
    stored = form.store(lines)
    if stored is None:
        return _too_late(request, update)
    _say_saved(request, stored, lines)
    return redirect("products:stock_update", merchant.pk, stored.pk)


def _both_valid(form: StockUpdateForm, lines: Lines) -> bool:
    """Both are looked at, so that all errors show at once."""
    verdicts = [form.is_valid(), lines.is_valid()]
    return all(verdicts)


def _form_page(request: MerchantRequest, form: StockUpdateForm, lines: Lines, *, is_more: bool = False) -> HttpResponse:
    context = {"form": form, "lines": lines, "update": form.instance, "is_more": is_more}
    return render(request, "products/stock_update_form.html", context)


def _say_saved(request: MerchantRequest, update: StockUpdate, lines: Lines) -> None:
    messages.success(request, _("%(number)s is saved.") % {"number": update.number})
    for sentence in lines.added[:SAID_APART]:
        messages.info(request, sentence)
    if (more := len(lines.added) - SAID_APART) > 0:
        messages.info(request, _("And %(n)d more SKUs that stood there more than once.") % {"n": more})


def _too_late(request: MerchantRequest, update: StockUpdate) -> HttpResponse:
    messages.error(request, _("Only a stock update of which nothing has arrived can be changed."))
    return redirect("products:stock_update", update.merchant_id, update.pk)
