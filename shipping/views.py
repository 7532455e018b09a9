"""Edit Merchant → Shipping methods: what a merchant may use, and asking for more."""

from itertools import groupby

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission, Warehouse
from shipping.forms import RequestForm, WarehouseForm
from shipping.models import MerchantMethod, ShippingMethod


@require_safe
@merchant_view()
def index(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """The merchant's methods by warehouse, with their state."""
    rows = merchant.shipping_methods.with_methods().in_order()
    houses = [(house, list(group)) for house, group in groupby(rows, key=lambda row: row.method.warehouse)]
    context = {
        "houses": houses,
        "may_edit": request.membership.may(Permission.EDITS_SETTINGS),
        "has_shop": merchant.integrations.exists(),
    }
    return render(request, "shipping/list.html", context)


@merchant_view(reads=Permission.EDITS_SETTINGS)
def new(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """New Shipping Method: warehouse, the methods that it offers, Request activation on each, Save."""
    house = _warehouse(request, merchant)
    if house is None:
        return render(request, "shipping/new.html", {"house": None})
    form = RequestForm(house, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        _say(request, MerchantMethod.objects.request(merchant, list(form.cleaned_data["methods"]), _who(request)))
        return redirect("shipping:list", merchant.pk)
    context = {
        "house": house,
        "choice": WarehouseForm(merchant, {"warehouse": house.pk}) if merchant.warehouses.count() > 1 else None,
        "rows": _offers(merchant, house, request.POST.getlist("methods")),
        "form": form,
    }
    return render(request, "shipping/new.html", context)


def _warehouse(request: MerchantRequest, merchant: Merchant) -> Warehouse | None:
    """The one that the address names, else the first; None where the merchant has none. Others' do not exist."""
    asked = request.GET.get("warehouse")
    if not asked:
        return merchant.warehouses.order_by("code").first()
    form = WarehouseForm(merchant, request.GET)
    if not form.is_valid():
        raise Http404
    found: Warehouse = form.cleaned_data["warehouse"]
    return found


def _offers(
    merchant: Merchant, house: Warehouse, ticked: list[str]
) -> list[tuple[ShippingMethod, MerchantMethod | None, bool]]:
    """What the warehouse offers, with what the merchant has of it, and whether it is ticked."""
    had = {row.method_id: row for row in merchant.shipping_methods.filter(method__warehouse=house)}
    methods = ShippingMethod.objects.of_warehouse(house)
    return [(method, had.get(method.pk), str(method.pk) in ticked) for method in methods]


def _who(request: MerchantRequest) -> str:
    return request.user.name or request.user.email


def _say(request: MerchantRequest, news: list[MerchantMethod]) -> None:
    """What became of the ticks, each method by its name."""
    at_once = [row.method.label for row in news if row.is_active]
    asked = [row.method.label for row in news if not row.is_active]
    if at_once:
        said = ngettext("Active now: %(names)s.", "Active now: %(names)s.", len(at_once))
        messages.success(request, said % {"names": ", ".join(at_once)})
    if asked:
        said = _("Activation is requested: %(names)s. We tell you by email when it is answered.")
        messages.success(request, said % {"names": ", ".join(asked)})
    if not news:
        messages.info(request, _("Nothing is new: all of it was asked for before."))
