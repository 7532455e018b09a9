"""Signing in and out, and choosing a shop. The login is for show: a flag in the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from sandbox import catalogue
from sandbox.forms import DEMO_PASSWORD, DEMO_USER, ShopForm, SignInForm
from sandbox.models import Shop

FLAG = "sandbox_is_signed_in"
P = ParamSpec("P")


def own_404(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """What the view does not find is said in the stand-in's own look, not in the portal's."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Http404:
            return nowhere(request, shop=kwargs.get("shop"))

    return guarded


def nowhere(request: HttpRequest, shop: str | None = None) -> HttpResponse:
    """There is no such page; the menu is that of the shop, where there is one."""
    found = Shop.objects.filter(slug=shop or "").first()
    return render(request, "sandbox/nowhere.html", {"shop": found}, status=404)


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Leads everybody else to the sign-in page, and back afterwards."""

    @wraps(view)
    @own_404
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.session.get(FLAG):
            return redirect(f"{reverse('sandbox:sign_in')}?{urlencode({'next': request.get_full_path()})}")
        return view(request, *args, **kwargs)

    return guarded


def shop_page(view: Callable[Concatenate[HttpRequest, Shop, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """A page within a shop: signed in, and the shop itself in place of its address."""

    @wraps(view)
    def guarded(request: HttpRequest, shop: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return view(request, get_object_or_404(Shop, slug=shop), *args, **kwargs)

    return signed_in(guarded)


def said(sent: Mapping[str, Any], name: str) -> str:
    """What an address or a form says by this name, without zero bytes: PostgreSQL takes none."""
    return str(sent.get(name, "")).replace("\x00", "")


def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        request.session[FLAG] = True
        return redirect(_safe(request, request.GET.get("next", "")))
    context = {"form": form, "demo_user": DEMO_USER, "demo_password": DEMO_PASSWORD}
    return render(request, "sandbox/sign_in.html", context, status=400 if form.errors else 200)


def _safe(request: HttpRequest, wish: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(wish, {request.get_host()}, require_https=request.is_secure())
    return wish if wish and is_ours else reverse("sandbox:home")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    request.session.pop(FLAG, None)
    return redirect("sandbox:sign_in")


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """The shops, and a form for another one; it comes with the catalogue."""
    form = ShopForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        shop = form.instance
        shop = Shop.open(shop.slug, shop.name, time_zone=shop.time_zone, currency=shop.currency)
        added = catalogue.fill(shop)
        messages.success(request, _("The shop is open, with %(count)d items.") % {"count": added})
        return redirect(shop)
    shops = Shop.objects.annotate(
        sizes_count=Count("sizes", distinct=True), orders_count=Count("orders", distinct=True)
    )
    return render(request, "sandbox/home.html", {"form": form, "shops": shops}, status=400 if form.errors else 200)
