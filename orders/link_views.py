"""*The shop's methods*: the words that a shop uses for shipping, what each means, and linking them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from integrations.models import Integration
from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from orders import links
from orders.link_forms import LinkForm
from shipping.models import MerchantMethod, MethodLink, ShopMethod, fold
from shipping.resolve import Meaning, Resolver, named

PER_PAGE = 50
WORDS_READ = 200  # characters of a search


@dataclass(frozen=True, slots=True)
class Row:
    """One word, what it means, and how many orders wait for it."""

    word: ShopMethod
    meanings: list[Meaning]
    waiting: int

    @property
    def is_known(self) -> bool:
        return self.meanings[0].resolved.method is not None

    @property
    def is_of_ingrid(self) -> bool:
        return self.word.kind == ShopMethod.Kind.INGRID

    @property
    def elsewhere(self) -> list[tuple[str, Meaning]]:
        """Countries by name, with what it means there."""
        return [(named(one.countries), one) for one in self.meanings[1:]]


@require_safe
@merchant_view()
def shop_methods(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Every word met, the unlinked first; and the links that there are."""
    shops = list(merchant.integrations.select_related("warehouse"))
    integration = _chosen(shops, request.GET.get("shop"))
    if integration is None:
        return render(request, "orders/links.html", {"integration": None})
    resolver = Resolver.for_integration(integration)
    asked = request.GET.get("q", "")[:WORDS_READ].strip()
    context = {
        "integrations": shops,
        "integration": integration,
        "page": Paginator(_rows(integration, resolver, asked), PER_PAGE).get_page(request.GET.get("page")),
        "asked": asked,
        "links": _described(resolver),
        "has_methods": bool(resolver.active),
        "may_edit": request.membership.may(Permission.EDITS_SETTINGS),
    }
    return render(request, "orders/links.html", context)


def _chosen(shops: list[Integration], asked: str | None) -> Integration | None:
    if asked is None:
        return shops[0] if shops else None
    found = next((one for one in shops if str(one.pk) == asked), None)
    if found is None:
        raise Http404
    return found


def _rows(integration: Integration, resolver: Resolver, asked: str) -> list[Row]:
    waits = links.waiting(integration)
    words = integration.shop_methods.filter(value_folded__contains=fold(asked)).order_by("-last_seen_at", "pk")
    rows = [Row(word, resolver.meanings(word), waits.get(word.value_folded, 0)) for word in words]
    # Ingrid's words come after the shop's own: without a link the shop's own word decides.
    return sorted(rows, key=lambda row: (not row.waiting, row.is_known, row.is_of_ingrid))


def _described(resolver: Resolver) -> list[tuple[MethodLink, str, bool]]:
    """Each link with its countries by name, and whether it counts: its method must be active."""
    active = {row.pk for row in resolver.active}
    return [(link, named(link.countries), link.method_id in active) for link in resolver.links]


@merchant_view(reads=Permission.EDITS_SETTINGS)
def link(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """One link: what would change is shown before Save."""
    integration = get_object_or_404(merchant.integrations.select_related("warehouse"), pk=pk)
    resolver = Resolver.for_integration(integration)
    is_first = request.method != "POST"
    given = _beginning(integration, resolver, request.GET.get("value", "")) if is_first else request.POST
    form = LinkForm(integration, given) if not is_first or "method" in given else LinkForm(integration, initial=given)
    preview, seal = None, ""
    if form.is_bound and form.is_valid():
        new, seal = form.link(_who(request)), form.seal
        if request.POST.get("act") == "save" and request.POST.get("seen") == seal:
            links.save(new)
            _say(request, _saved(new), links.apply(integration, _who(request)))
            return _back(integration)
        preview = links.preview(integration, resolver, resolver.with_link(new))
    context = {
        "integration": integration,
        "form": form,
        "preview": preview,
        "seal": seal,
        "has_methods": bool(resolver.active),
        "days": links.DAYS,
        "is_changed": request.POST.get("act") == "save" and preview is not None,
    }
    return render(request, "orders/links_form.html", context)


def _beginning(integration: Integration, resolver: Resolver, value: str) -> dict[str, str | int]:
    """What the form begins with; with a word and only one method to choose, the preview is shown at once."""
    value = value[:WORDS_READ].strip()
    same = [one for one in resolver.links if one.value_folded == fold(value) and not one.countries]
    methods = [row.pk for row in resolver.active]
    if value and same and same[0].method_id in methods:
        return {"value": value, "method": same[0].method_id}
    if value and len(methods) == 1:
        return {"value": value, "method": methods[0]}
    return {"value": value} if value else {}


@merchant_view(reads=Permission.EDITS_SETTINGS)
def unlink(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """Says first which orders would change; then forgets the link."""
    found = MethodLink.objects.filter(integration__merchant=merchant)
    old = get_object_or_404(found.select_related("integration__warehouse", "method__method__carrier"), pk=pk)
    integration = old.integration
    if request.method == "POST":
        old.delete()
        said = _("“%(word)s” is not linked any more.") % {"word": old.value}
        _say(request, said, links.apply(integration, _who(request)))
        return _back(integration)
    resolver = Resolver.for_integration(integration)
    context = {
        "integration": integration,
        "link": old,
        "where": named(old.countries),
        "preview": links.preview(integration, resolver, resolver.without(old)),
        "days": links.DAYS,
    }
    return render(request, "orders/links_unlink.html", context)


def _who(request: MerchantRequest) -> str:
    return request.user.name or request.user.email


def _back(integration: Integration) -> HttpResponse:
    return redirect(reverse("orders:shop_methods", args=[integration.merchant_id]) + f"?shop={integration.pk}")


def _saved(link: MethodLink) -> str:
    method = MerchantMethod.objects.with_methods().get(pk=link.method_id).method
    return _("“%(word)s” means %(method)s now.") % {"word": link.value, "method": method.label}


def _say(request: MerchantRequest, first: str, done: links.Applied) -> None:
    """What was saved, and what it did to orders."""
    said = [first]
    if done.changed:
        said.append(ngettext("%(n)d order changed.", "%(n)d orders changed.", done.changed) % {"n": done.changed})
    if done.freed:
        said.append(
            ngettext("%(n)d waiting order is freed.", "%(n)d waiting orders are freed.", done.freed) % {"n": done.freed}
        )
    if done.left:
        said.append(ngettext("%(n)d more follows shortly.", "%(n)d more follow shortly.", done.left) % {"n": done.left})
    messages.success(request, " ".join(said))


LINK_URLS = [
    path("shipping/words/", shop_methods, name="shop_methods"),
    path("shipping/shops/<key:pk>/link/", link, name="link"),
    path("shipping/links/<key:pk>/unlink/", unlink, name="unlink"),
]
