"""SYSTEM → STORES → a store → + PLUGIN METHOD: where the Order API's address and key come from."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sandbox.forms import PluginForm, StoreForm
from sandbox.models import PluginMethod, Shop
from sandbox.views.session import shop_page


@shop_page
def stores(request: HttpRequest, shop: Shop) -> HttpResponse:
    found = shop.stores.prefetch_related("plugins", "markets")
    return render(request, "sandbox/stores.html", {"shop": shop, "stores": found, "here": "system"})


@shop_page
def store(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """A store: its plugin methods, and what it does by itself."""
    found = get_object_or_404(shop.stores, pk=pk)
    form = StoreForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect(found)
    plugins = found.plugins.all()
    return render(
        request,
        "sandbox/store.html",
        {"shop": shop, "store": found, "plugins": plugins, "form": form, "here": "system"},
    )


@shop_page
def new_plugin(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """+ PLUGIN METHOD."""
    plugin = PluginMethod(shop=shop, store=get_object_or_404(shop.stores, pk=pk))
    plugin.uri = _free_uri(shop)
    return _plugin_form(request, shop, plugin)


@shop_page
def edit_plugin(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    return _plugin_form(request, shop, get_object_or_404(shop.plugins, pk=pk))


def _free_uri(shop: Shop) -> str:
    """order-api, or the first order-api-2, -3 … that is free."""
    taken = set(shop.plugins.values_list("uri", flat=True))
    names = ["order-api", *(f"order-api-{n}" for n in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _plugin_form(request: HttpRequest, shop: Shop, plugin: PluginMethod) -> HttpResponse:
    """The form. *Generate* is a second submit button: the form comes again with a new key and all that was typed."""
    context = {"shop": shop, "store": plugin.store, "plugin": plugin, "here": "system"}
    if "generate" in request.POST:
        data = request.POST.copy()
        data["secret"] = PluginMethod.new_secret()
        return render(request, "sandbox/plugin_form.html", context | {"form": _unjudged(data, plugin)})
    form = PluginForm(request.POST or None, instance=plugin)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, _("Saved. Copy the Base URL and the Secret API key from here."))
        return redirect("sandbox:plugin", shop.slug, saved.pk)
    return render(request, "sandbox/plugin_form.html", context | {"form": form}, status=400 if form.errors else 200)


def _unjudged(data: QueryDict, plugin: PluginMethod) -> PluginForm:
    """The form with what was typed, and without a word about what is still missing."""
    form = PluginForm(data, instance=plugin)
    form.full_clean()
    form.errors.clear()
    return form


@shop_page
def plugin(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """Base URL and Secret API key, to copy."""
    found = get_object_or_404(shop.plugins.select_related("store"), pk=pk)
    base_url = found.base_url(request.build_absolute_uri("/"))
    return render(
        request,
        "sandbox/plugin.html",
        {"shop": shop, "store": found.store, "plugin": found, "base_url": base_url, "here": "system"},
    )


@require_POST
@shop_page
def delete_plugin(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    found = get_object_or_404(shop.plugins, pk=pk)
    found.delete()
    messages.success(request, _("The plugin “%(name)s” is deleted.") % {"name": found.name})
    return redirect(found.store)


@shop_page
def plugin_log(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """The calls that came, where debug logging is on."""
    found = get_object_or_404(shop.plugins.select_related("store"), pk=pk)
    page = Paginator(found.calls.all(), 50).get_page(request.GET.get("page"))
    return render(
        request,
        "sandbox/plugin_log.html",
        {"shop": shop, "store": found.store, "plugin": found, "page": page, "here": "system"},
    )
