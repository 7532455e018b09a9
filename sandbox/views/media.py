"""Pictures of variants and papers of shipments, made on the spot: what a shop's own server would hold."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.html import escape
from django.views.decorators.cache import cache_control

from sandbox.models import Shipment, Variant
from sandbox.views.session import own_404

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="400" height="480" viewBox="0 0 400 480" role="img">
<title>{title}</title>
<defs><linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="{tint}"/>
<stop offset="1" stop-color="{tint}" stop-opacity=".62"/></linearGradient></defs>
<rect width="400" height="480" fill="#fff"/><rect width="400" height="480" fill="url(#g)"/>
<circle cx="{x}" cy="{y}" r="150" fill="#fff" opacity=".16"/>
<circle cx="{y}" cy="{x}" r="90" fill="#000" opacity=".07"/>
<text x="200" y="268" font-family="system-ui,sans-serif" font-size="96" font-weight="700" text-anchor="middle"
 fill="#fff" opacity=".92">{letters}</text></svg>"""


@cache_control(public=True, max_age=86_400)
def picture(request: HttpRequest, shop: str, pk: int) -> HttpResponse:
    """A tinted picture with the product's initials."""
    variant = get_object_or_404(Variant.objects.select_related("product"), pk=pk, product__shop__slug=shop)
    name = variant.product.name
    svg = PICTURE.format(
        title=escape(f"{name}, {variant.name}"),
        tint=escape(variant.tint or "#2b4a78"),
        letters=escape("".join(word[0] for word in name.split()[:2]).upper()),
        x=90 + pk * 53 % 230,
        y=100 + pk * 37 % 280,
    )
    return HttpResponse(svg, content_type="image/svg+xml")


@own_404
def paper(request: HttpRequest, shop: str, kind: str, pk: int, token: str) -> HttpResponse:
    """A delivery note, proforma or invoice, readable by whoever has its address."""
    shipments = Shipment.objects.select_related("order__shop").prefetch_related("lines__line")
    shipment = get_object_or_404(shipments, pk=pk, order__shop__slug=shop)
    if token != shipment.document_token or (kind == "invoice" and not shipment.has_invoice):
        raise Http404
    return render(request, "sandbox/paper.html", {"shipment": shipment, "order": shipment.order, "kind": kind})
