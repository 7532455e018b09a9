"""The product list, a product made by hand, one product."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from merchants.paging import LongList
from products.forms import SECTIONS, ProductFilter, ProductForm, link_to
from products.models import Product, WebshopProduct
from products.views.stock_card import stock_context, with_pieces
from products.views.stock_updates import offer_context

PER_PAGE = 50
LINKS_SHOWN = 50


@require_safe
@merchant_view()
def index(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Products → Product list."""
    words = ProductFilter(request.GET, merchant.integrations.all())
    products = Product.objects.for_merchant(merchant)
    links = WebshopProduct.objects.select_related("integration").order_by("integration__name", "pk")
    linked = Prefetch(
        "webshop_products", queryset=links.only("product", "gone_at", "integration__name", "integration__platform")
    )
    found = words.narrow(products).order_by(*words.order)
    words.offer_groups(products)
    known = None if words.is_narrow else products.count()
    filled = Product.objects.prefetch_related(linked)
    page = LongList(found, PER_PAGE, filled=filled, known=known).get_page(request.GET.get("page"))
    context = {
        "filter": words,
        "page": page,
        "rows": with_pieces(list(page)),
        "may_edit": _may_edit(request),
        **offer_context(request, merchant),
    }
    return render(request, "products/list.html", context)


@merchant_view(reads=Permission.EDITS_PRODUCTS)
def new(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """A product made by hand."""
    form = ProductForm(_posted(request), instance=Product(merchant=merchant))
    if request.method == "POST" and form.is_valid() and (product := form.store()):
        messages.success(request, format_html("{} {}", link_to(product), _("is made.")))
        return redirect("products:new" if "another" in request.POST else "products:list", merchant.pk)
    return render(request, "products/new.html", {"form": form})


@merchant_view(changes=Permission.EDITS_PRODUCTS)
def edit(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """One product: what it is, what lies where, what the shops are told, and the items that it is linked to."""
    products = Product.objects.for_merchant(merchant)
    product = get_object_or_404(products, pk=pk)  # the page around the form shows what is stored
    links = list(
        product.webshop_products.select_related("integration__warehouse", "figure").order_by("pk")[:LINKS_SHOWN]
    )
    locked = _locked(links) if _may_edit(request) else {name: "" for _title, names in SECTIONS for name in names}
    form = ProductForm(_posted(request), instance=get_object_or_404(products, pk=pk), locked=locked)
    if request.method == "POST" and form.is_valid() and form.store():
        messages.success(request, _("Saved."))
        return redirect("products:edit", merchant.pk, pk)
    context: dict[str, Any] = {"form": form, "product": product, "links": links, "may_edit": _may_edit(request)}
    context |= stock_context(product, links, request.GET)
    return render(request, "products/edit.html", context)


def _locked(links: list[WebshopProduct]) -> Mapping[str, str]:
    """What is not edited here: what a shop owns that still shows the item, and the SKU of whatever is linked."""
    if not links:
        return {}
    locked = {"sku": _("Linked by this SKU; it stays as it is.")}
    shops = [link.integration.platform_label for link in links if link.gone_at is None]
    if not shops:
        return locked
    note = _("Kept by the shop; mend it in %(platform)s.") % {"platform": shops[0]}
    return {**locked, **dict.fromkeys(Product.SHOP_OWNS, note)}


def _may_edit(request: MerchantRequest) -> bool:
    return request.membership.may(Permission.EDITS_PRODUCTS)


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None
