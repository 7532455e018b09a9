"""What deleting an integration would mean."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from orders import deleting


@merchant_view(reads=Permission.EDITS_SETTINGS)
def delete_integration(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """Says first what goes and what stays; deletes only when its name was typed."""
    integration = get_object_or_404(merchant.integrations, pk=pk)
    error = ""
    if request.method == "POST":
        if request.POST.get("name", "").strip() == integration.name:
            deleting.delete(integration, request.user.get_short_name())
            messages.success(
                request,
                _("%(name)s is deleted. Your orders, products and stock are untouched.") % {"name": integration.name},
            )
            return redirect("integrations:list", merchant.pk)
        error = _("Type the name exactly as it stands above: %(name)s") % {"name": integration.name}
    context = {
        "integration": integration,
        "links": integration.webshop_products.filter(product__isnull=False).count(),
        "owed": deleting.owed(integration),
        "error": error,
        "typed": request.POST.get("name", ""),
    }
    return render(request, "orders/delete_integration.html", context)
