"""Edit Merchant → Order processing."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from orders.forms import ProcessingForm
from orders.models import OrderProcessing


@merchant_view(changes=Permission.EDITS_ORDERS)
def processing(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """How the merchant wants orders to be handled; it counts for orders decided from now on."""
    wishes = OrderProcessing.of(merchant)
    form = ProcessingForm(request.POST if request.method == "POST" else None, instance=wishes)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("orders:processing", merchant.pk)
    context = {"form": form, "wishes": wishes, "may_edit": request.membership.may(Permission.EDITS_ORDERS)}
    return render(request, "orders/processing.html", context)
