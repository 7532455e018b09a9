"""Levers and switches: what goes wrong, and how the shop answers what the documents leave open."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sandbox.forms import LeverForm, SwitchesForm
from sandbox.models import Shop
from sandbox.views.session import shop_page


@shop_page
def levers(request: HttpRequest, shop: Shop) -> HttpResponse:
    """All levers, and a form to pull another one."""
    form = LeverForm(shop, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The lever is pulled."))
        return redirect("sandbox:levers", shop.slug)
    return _page(request, shop, form, SwitchesForm(shop))


@require_POST
@shop_page
def switches(request: HttpRequest, shop: Shop) -> HttpResponse:
    form = SwitchesForm(shop, request.POST)
    if not form.is_valid():
        return _page(request, shop, LeverForm(shop), form)
    form.save()
    messages.success(request, _("The switches are set."))
    return redirect("sandbox:levers", shop.slug)


def _page(request: HttpRequest, shop: Shop, form: LeverForm, switches_form: SwitchesForm) -> HttpResponse:
    faults = shop.faults.select_related("plugin").order_by("-pk")
    context = {"shop": shop, "faults": faults, "form": form, "switches_form": switches_form, "here": "levers"}
    return render(request, "sandbox/levers.html", context, status=400 if form.errors or switches_form.errors else 200)


@require_POST
@shop_page
def take_away(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    get_object_or_404(shop.faults, pk=pk).delete()
    messages.success(request, _("The lever is taken away."))
    return redirect("sandbox:levers", shop.slug)
