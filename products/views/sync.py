"""*Sync webshop products*: the shop's items, the refresh that reads them, and what is done with the chosen ones."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from integrations import doorbell
from integrations.models import Integration
from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from merchants.paging import LongList
from products import create, creating
from products.forms import SyncFilter
from products.models import Product, Tab, WebshopProduct, WebshopProductQuerySet
from products.problems import Code
from products.progress import creation as creation_of
from products.progress import progress as progress_of
from products.refresh import KEY
from products.rows import Row, problem_counts, rows_of

PER_PAGE = 50
STOP_POLLING = 286  # htmx: this is the last answer


@require_safe
@merchant_view()
def page(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Products → Sync webshop products."""
    integrations = list(merchant.integrations.all())
    if not integrations:
        return render(request, "products/sync_none.html", {"may_connect": _may(request, Permission.EDITS_SETTINGS)})
    integration = _asked_for(integrations, request.GET)
    words = SyncFilter(request.GET, integration)
    context = {
        "integrations": integrations,
        "integration": integration,
        "filter": words,
        "progress": progress_of(integration),
        "may_edit": _may(request, Permission.EDITS_PRODUCTS),
        **_list(request, words),
        **_creation(request, words),
    }
    return render(request, "products/sync.html", context)


@require_POST
@merchant_view(changes=Permission.EDITS_PRODUCTS)
def refresh(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """*Refresh* and *Try again*: read the whole catalogue now."""
    integration = _integration(merchant, request.POST)
    current = progress_of(integration)
    if current.state.is_paused:
        messages.warning(request, _paused(integration))
    elif not current.is_reading_all:
        doorbell.ring(integration, KEY, asked_by=request.user.name)
    return redirect(SyncFilter(request.POST, integration).address())


@require_safe
@merchant_view()
def progress(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """What moves on the page while a refresh is under way; the last answer says so."""
    current = progress_of(_integration(merchant, request.GET))
    context = {
        "progress": current,
        "integration": current.integration,
        "may_edit": _may(request, Permission.EDITS_PRODUCTS),
        "is_swapped": True,
    }
    if current.is_moving:
        return render(request, "products/includes/progress.html", context)
    answer = render(request, "products/includes/progress.html", context, status=STOP_POLLING)
    answer["HX-Trigger"] = "refreshed"
    return answer


@require_safe
@merchant_view()
def creation(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """What moves on the page while chosen items become products; the last answer says where the page goes on."""
    integration = _integration(merchant, request.GET)
    words = SyncFilter(request.GET, integration)
    context = {"integration": integration, **_creation(request, words)}
    if context["creation"].is_moving:
        return render(request, "products/includes/creation.html", context)
    answer = render(request, "products/includes/creation.html", context, status=STOP_POLLING)
    answer["HX-Trigger"] = json.dumps({"created": {"address": words.address(answer=context["creation"].token)}})
    return answer


@require_POST
@merchant_view(changes=Permission.EDITS_PRODUCTS)
def apply(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """What is done with the chosen items. `act` is the act's name, with an item's id behind it for a button in a row;
    without one the items are those of `chosen`, or with `all` everything that matches the filter."""
    integration = _integration(merchant, request.POST)
    act, _blank, pk = request.POST.get("act", "").partition(" ")
    work = ACTS.get(act) if pk else {**ACTS, **ACTS_ON_MANY}.get(act)
    words = SyncFilter(request.POST, integration)
    items = _chosen(request.POST, words, pk)
    if work is None or items is None:
        messages.warning(
            request, _("Nothing was done: choose at least one item first, then what is to be done with it.")
        )
        return redirect(words.address())
    return redirect(words.address(**work(request, integration, items)))


# --- which shop, which items ---------------------------------------------------------------


def _asked_for(integrations: list[Integration], asked: QueryDict) -> Integration:
    """The integration that the address names; where it names none, the first that has items."""
    if "shop" not in asked:
        return next((one for one in integrations if one.webshop_products.exists()), integrations[0])
    found = next((one for one in integrations if str(one.pk) == asked["shop"]), None)
    if found is None:
        raise Http404
    return found


def _integration(merchant: Merchant, asked: QueryDict) -> Integration:
    return get_object_or_404(merchant.integrations, pk=_number(asked.get("shop", "")))


def _chosen(posted: QueryDict, words: SyncFilter, pk: str) -> WebshopProductQuerySet | None:
    """The items that the form means; nothing where it means none. A filter that cannot be read never means all."""
    if not pk and posted.get("all"):
        return words.items() if words.is_valid() else None
    pks = [number for number in map(_number, [pk] if pk else posted.getlist("chosen")) if number]
    return words.integration.webshop_products.filter(pk__in=pks) if pks else None


def _number(text: str) -> int:
    """A key out of an address or a form; 0, which is nobody's, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


# --- the acts: each says what it did and how the address goes on ----------------------------

Changes = dict[str, str]
Act = Callable[[MerchantRequest, Integration, WebshopProductQuerySet], Changes]


def _create(request: MerchantRequest, integration: Integration, items: WebshopProductQuerySet) -> Changes:
    """Marks them and rings; the page that follows shows how the background work gets on."""
    record = creating.want(integration, items, request.user.name)
    if record is None:
        messages.info(request, _("Nothing was created: nothing matches any more."))
        return {}
    transaction.on_commit(lambda: doorbell.send(creating.TASK, integration.pk))
    return {"answer": str(record.pk)}


def _ignore(request: MerchantRequest, integration: Integration, items: WebshopProductQuerySet) -> Changes:
    chosen = items.count()
    done = items.ignore(timezone.now())
    _say(request, ngettext("%(n)d item is ignored.", "%(n)d items are ignored.", done), done, chosen - done)
    return {}


def _stop_ignoring(request: MerchantRequest, integration: Integration, items: WebshopProductQuerySet) -> Changes:
    chosen = items.count()
    done = items.stop_ignoring()
    sentence = ngettext("%(n)d item is no longer ignored.", "%(n)d items are no longer ignored.", done)
    _say(request, sentence, done, chosen - done)
    return {}


def _say(request: MerchantRequest, sentence: str, done: int, left: int) -> None:
    """How many were done, and how many were not; together they are the chosen ones."""
    if done:
        messages.success(request, sentence % {"n": done})
    if left:
        sentence = ngettext("%(n)d item is left as it was.", "%(n)d items are left as they were.", left)
        messages.info(request, sentence % {"n": left})


def _relink(request: MerchantRequest, integration: Integration, items: WebshopProductQuerySet) -> Changes:
    item = _with_changed_sku(items)
    if item is None or not Row(item).may_relink:
        messages.info(request, _("Nothing was relinked: the SKU is no longer changed, or the new one has a problem."))
        return {}
    if twin := _twin_of(item):
        sentence = _(
            "Not relinked: %(sku)s reads like %(other)s, which you have already. "
            "Keep the link, or change the SKU in the shop."
        )
        messages.error(request, sentence % {"sku": item.sku, "other": twin.sku})
        return {}
    product = create.relink(item)
    if product is None:
        messages.info(request, _("Nothing was relinked: the shop changed the item this very moment. Look at it again."))
        return {}
    messages.success(request, _("“%(item)s” is linked to %(sku)s.") % {"item": item.title, "sku": product.sku})
    return {}


def _twin_of(item: WebshopProduct) -> Product | None:
    """The product that the one to be made for this item's new SKU would be mixed up with."""
    products = Product.objects.for_merchant(item.integration.merchant)
    return None if products.filter(sku=item.sku).exists() else products.reading_like(item.sku).first()


def _keep(request: MerchantRequest, integration: Integration, items: WebshopProductQuerySet) -> Changes:
    item = _with_changed_sku(items)
    if item is None or item.product is None:
        messages.info(request, _("Nothing was changed: the SKU is no longer another one."))
        return {}
    if not create.keep_link(item):
        messages.info(request, _("Nothing was changed: the shop changed the item this very moment. Look at it again."))
        return {}
    messages.success(request, _("“%(item)s” stays linked to %(sku)s.") % {"item": item.title, "sku": item.product.sku})
    return {}


def _with_changed_sku(items: WebshopProductQuerySet) -> WebshopProduct | None:
    return items.with_changed_sku().select_related("product", "integration__merchant").first()


def _relink_all(request: MerchantRequest, integration: Integration, items: WebshopProductQuerySet) -> Changes:
    chosen = items.count()
    done = create.relink_all(integration, items)
    sentence = ngettext("%(n)d item is linked to its new SKU.", "%(n)d items are linked to their new SKUs.", done)
    _say(request, sentence, done, chosen - done)
    return {}


def _keep_all(request: MerchantRequest, integration: Integration, items: WebshopProductQuerySet) -> Changes:
    chosen = items.count()
    done = create.keep_all(integration, items)
    _say(request, ngettext("%(n)d item stays linked.", "%(n)d items stay linked.", done), done, chosen - done)
    return {}


ACTS: dict[str, Act] = {
    "create": _create,
    "ignore": _ignore,
    "unignore": _stop_ignoring,
    "relink": _relink,
    "keep": _keep,
}
ACTS_ON_MANY: dict[str, Act] = {"relink": _relink_all, "keep": _keep_all}


# --- what the page shows -------------------------------------------------------------------


def _list(request: MerchantRequest, words: SyncFilter) -> dict[str, Any]:
    """Tabs, filters and one page of rows."""
    integration, tab = words.integration, words.chosen_tab
    counts = integration.webshop_products.counts()
    problems = problem_counts(integration) if tab == Tab.PROBLEMS else {}
    words.offer_choices(problems)
    filled = WebshopProduct.objects.select_related("product").defer("description", "product__description")
    known = None if words.is_narrow else counts[tab]
    items = LongList(words.items().order_by(*words.order), PER_PAGE, filled=filled, known=known)
    shown = items.get_page(request.GET.get("page"))
    return {
        "tab": tab,
        "tabs": [(one, counts[one], words.address(tab=one, problem="")) for one in Tab],
        "total": sum(counts.values()),
        "page": shown,
        "rows": rows_of(integration, shown),
        "acts": _acts(words) if _may(request, Permission.EDITS_PRODUCTS) else [],
        "everything": words.address(q="", brand="", collection="", active="", problem=""),
    }


def _acts(words: SyncFilter) -> list[dict[str, Any]]:
    """The buttons of the bar, the main one last, as they stand."""
    tab = words.chosen_tab
    ignore = {"value": "ignore", "label": _("Ignore")}
    if tab == Tab.PROBLEMS and words.word("problem") == Code.SKU_CHANGED:
        keep, relink = {"value": "keep", "label": _("Keep")}, {"value": "relink", "label": _("Relink"), "is_main": True}
        return [ignore, keep, relink]
    acts: dict[Tab, list[dict[str, Any]]] = {
        Tab.NEW: [ignore, {"value": "create", "label": _("Create product"), "is_main": True}],
        Tab.PROBLEMS: [ignore],
        Tab.IGNORED: [{"value": "unignore", "label": _("Stop ignoring"), "is_main": True}],
    }
    return acts.get(tab, [])


def _creation(request: MerchantRequest, words: SyncFilter) -> dict[str, Any]:
    """*Create product* under way, and what came of it on the page that follows, also when that is loaded again."""
    current = creation_of(words.integration, request.GET.get("answer", ""))
    shown = {
        "creation": current,
        "creation_url": words.address("products:creation", answer=current.token),
        "here": words.address(answer=current.token),
    }
    outcome = None if "page" in request.GET else current.outcome
    if outcome is None:
        return shown
    linked = words.address(tab=Tab.LINKED, problem="")
    return {**shown, "outcome": outcome, "reasons": outcome.reasons(words), "linked_address": linked}


def _paused(integration: Integration) -> str:
    address = reverse("integrations:edit", args=[integration.merchant_id, integration.pk])
    return format_html(
        '{} <a href="{}">{}</a>',
        _("Reading products from the shop is paused."),
        address,
        _("Resume it at the integration"),
    )


def _may(request: MerchantRequest, permission: Permission) -> bool:
    return request.membership.may(permission)
