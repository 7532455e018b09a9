"""The products, one row per size, and what can be changed about one."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sandbox import catalogue
from sandbox.forms import SizeForm, StockForm
from sandbox.models import Shop, Size
from sandbox.views.session import said, shop_page

STATES = {
    "active": Q(is_active=True),
    "inactive": Q(is_active=False),
    "sold-out": Q(physical=0, variant__product__is_bundle=False),
    "bundles": Q(variant__product__is_bundle=True),
}


@shop_page
def products(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Newest first, as the shop's own list is."""
    brands = shop.products.exclude(brand="").order_by("brand").values_list("brand", flat=True).distinct()
    found = _found(request, shop.sizes.select_related("variant__product"))
    page = Paginator(found, 50).get_page(request.GET.get("page"))
    context = {"shop": shop, "page": page, "brands": brands, "has_products": shop.sizes.exists(), "here": "products"}
    return render(request, "sandbox/products.html", context)


def _found(request: HttpRequest, sizes: QuerySet[Size]) -> QuerySet[Size]:
    """The sizes that match the search, the brand and the state asked for."""
    for word in said(request.GET, "q").split():
        sizes = sizes.filter(
            Q(full_sku__icontains=word)
            | Q(ean__icontains=word)
            | Q(variant__product__name__icontains=word)
            | Q(variant__name__icontains=word)
        )
    if brand := said(request.GET, "brand"):
        sizes = sizes.filter(variant__product__brand=brand)
    sizes = sizes.filter(STATES.get(request.GET.get("state", ""), Q()))
    return sizes.order_by("-variant__product__created_at", "pk")


@shop_page
def size(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """One size: SKU parts, EAN, whether it is active."""
    found = get_object_or_404(shop.sizes.select_related("variant__product"), pk=pk)
    form = SizeForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved. The Order API shows it from now on."))
        return redirect(found)
    return _size_page(request, shop, found, form, StockForm(initial={"pieces": found.physical}))


@require_POST
@shop_page
def stock(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """Write the physical stock by hand."""
    found = get_object_or_404(shop.sizes.select_related("variant__product"), pk=pk)
    form = StockForm(request.POST)
    if not form.is_valid():
        return _size_page(request, shop, found, SizeForm(instance=found), form)
    written = found.set_stock(form.cleaned_data["pieces"])
    if written != form.cleaned_data["pieces"]:
        messages.warning(request, _("%(count)d pieces are allocated, so the stock stays at that.") % {"count": written})
    else:
        messages.success(request, _("The physical stock is %(count)d.") % {"count": written})
    return redirect(found)


def _size_page(request: HttpRequest, shop: Shop, found: Size, form: SizeForm, stock_form: StockForm) -> HttpResponse:
    parts = found.parts.select_related("part__variant__product")
    shown = Size.objects.select_related("variant__product").get(pk=found.pk)  # as it is, not as it was typed
    context = {"shop": shop, "size": shown, "form": form, "stock_form": stock_form, "parts": parts, "here": "products"}
    return render(request, "sandbox/size.html", context, status=400 if form.errors or stock_form.errors else 200)


@require_POST
@shop_page
def remove_size(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    found = get_object_or_404(shop.sizes.select_related("variant__product"), pk=pk)
    name = str(found)
    found.delete()
    messages.success(request, _("“%(name)s” is removed. Orders keep what they say about it.") % {"name": name})
    return redirect("sandbox:products", shop.slug)


@require_POST
@shop_page
def fill(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Add what is missing of the catalogue."""
    added = catalogue.fill(shop)
    if added:
        messages.success(request, _("%(count)d items of the catalogue were added.") % {"count": added})
    else:
        messages.info(request, _("Nothing of the catalogue was missing."))
    return redirect("sandbox:products", shop.slug)
