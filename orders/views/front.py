"""The front page."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from merchants import last
from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from orders import front


@require_safe
@merchant_view()
def front_page(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Where the merchant stands, at a glance."""
    may = {permission.value: request.membership.may(permission) for permission in Permission}
    context = {"front": front.look(merchant), "runs": front.last_runs(merchant), "may": may}
    return last.remember(render(request, "orders/front_page.html", context), merchant)
