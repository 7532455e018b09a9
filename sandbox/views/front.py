"""The shop front: choose, put into the basket, place the order with a shipping method. The basket is in the session."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sandbox.forms import CheckoutForm
from sandbox.models import Shop, Size, Variant
from sandbox.refused import Refused
from sandbox.views.session import said, shop_page

SHIPPING_METHODS = ("standard", "express", "pickup-point", "home-delivery", "letter")
MOST_PIECES = 999


@shop_page
def front(request: HttpRequest, shop: Shop) -> HttpResponse:
    """What can be bought, a card per variant, newest first."""
    active = Size.objects.filter(is_active=True)
    variants = Variant.objects.filter(product__shop=shop, sizes__in=active).distinct().select_related("product")
    for word in said(request.GET, "q").split():
        variants = variants.filter(
            Q(product__name__icontains=word) | Q(name__icontains=word) | Q(product__sku__icontains=word)
        )
    variants = variants.order_by("-product__created_at", "pk").prefetch_related(Prefetch("sizes", active))
    page = Paginator(variants, 24).get_page(request.GET.get("page"))
    context = {"shop": shop, "page": page, "pieces": sum(_basket(request, shop).values()), "here": "front"}
    return render(request, "sandbox/front.html", context)


def _basket(request: HttpRequest, shop: Shop) -> dict[str, int]:
    """Pieces by size id (a text, as sessions keep it)."""
    kept: dict[str, int] = request.session.get(f"sandbox_basket_{shop.pk}", {})
    return kept


def _keep(request: HttpRequest, shop: Shop, basket: dict[str, int]) -> None:
    request.session[f"sandbox_basket_{shop.pk}"] = {key: count for key, count in basket.items() if count > 0}


@require_POST
@shop_page
def put_in(request: HttpRequest, shop: Shop) -> HttpResponse:
    """One piece more, or as many as are said; what is no number of pieces is told and leaves the basket alone."""
    size = get_object_or_404(shop.sizes.select_related("variant__product"), pk=_number(request.POST.get("size")) or 0)
    basket, key = _basket(request, shop), str(size.pk)
    pieces = _number(request.POST.get("pieces", "1"))
    if not pieces or basket.get(key, 0) + pieces > MOST_PIECES:
        messages.error(request, _wrong_pieces(size, 1))
    else:
        _keep(request, shop, {**basket, key: basket.get(key, 0) + pieces})
        messages.success(request, _("“%(name)s” is in the basket.") % {"name": size})
    return redirect("sandbox:front", shop.slug)


def _number(text: str | None) -> int | None:
    """What was typed as a number of pieces or a key; nothing where it is none."""
    typed = (text or "").strip()
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None


def _wrong_pieces(size: Size, least: int) -> str:
    says = _("The basket stays as it was: write the pieces of “%(name)s” as a number, %(least)d to %(most)d in all.")
    return says % {"name": size, "least": least, "most": MOST_PIECES}


@require_POST
@shop_page
def change(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Write the pieces of every line; 0 takes one out. All or nothing: each wrong one is told."""
    lines = _lines(request, shop)
    pieces = {
        line["size"]: _number(request.POST.get(f"pieces-{line['size'].pk}", str(line["pieces"]))) for line in lines
    }
    wrong = [size for size, count in pieces.items() if count is None or count > MOST_PIECES]
    for size in wrong:
        messages.error(request, _wrong_pieces(size, 0))
    if not wrong:
        _keep(request, shop, {str(size.pk): count for size, count in pieces.items() if count})
    return redirect("sandbox:basket", shop.slug)


@shop_page
def basket(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The basket and the checkout; placing the order leads to its page."""
    form = CheckoutForm(request.POST or None)
    lines = _lines(request, shop)
    if request.method == "POST" and form.is_valid():
        try:
            order = shop.place_order({line["size"]: line["pieces"] for line in lines}, **form.order_fields_for_model())
        except Refused as refusal:
            form.add_error(None, _sentence(refusal))
        else:
            _keep(request, shop, {})
            messages.success(request, _("Order %(number)s is placed.") % {"number": order})
            return redirect(order)
    context = {
        "shop": shop,
        "form": form,
        "lines": lines,
        "total": sum(line["total"] for line in lines),
        "shipping_methods": SHIPPING_METHODS,
        "here": "front",
    }
    return render(request, "sandbox/basket.html", context, status=400 if form.errors else 200)


def _lines(request: HttpRequest, shop: Shop) -> list[dict[str, Any]]:
    kept = _basket(request, shop)
    sizes = shop.sizes.filter(pk__in=kept).select_related("variant__product")
    return [
        {"size": size, "pieces": kept[str(size.pk)], "total": size.variant.price * kept[str(size.pk)]} for size in sizes
    ]


def _sentence(refusal: Refused) -> str:
    if refusal.code == -2:
        return _("There is not enough stock for this basket. Take fewer pieces, or raise the stock of the item first.")
    if refusal.code == -3:
        return _("The basket is empty. Put something into it first.")
    return refusal.text
