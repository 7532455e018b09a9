"""One function per page: the way in, the first merchant, Company information."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from merchants.access import MerchantRequest, merchant_view
from merchants.forms import CompanyForm, NewMerchantForm
from merchants.models import Merchant, Permission


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Where the logo and signing in lead: the user's merchant; the second step of signing up where there is none."""
    merchants = Merchant.objects.for_user(request.user)
    last = merchants.filter(pk=request.session.get("last_merchant", 0)).first()
    merchant = last or merchants.first()
    if merchant is None:
        return redirect("admin:index" if request.user.is_staff else "merchants:create")
    return redirect("orders:front_page", merchant.pk)


@login_required
def create(request: HttpRequest) -> HttpResponse:
    """The second step of signing up, and *Add new* in the merchant selector."""
    form = NewMerchantForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        merchant = form.save_for(request.user)
        messages.success(request, _("%(merchant)s is ready.") % {"merchant": merchant})
        return redirect("orders:front_page", merchant.pk)
    is_first = not Merchant.objects.for_user(request.user).exists()
    return render(request, "merchants/create.html", {"form": form, "is_first": is_first})


@merchant_view(changes=Permission.EDITS_SETTINGS)
def company(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Edit Merchant → Company information."""
    form = CompanyForm(request.POST or None, instance=merchant)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("merchants:company", merchant.pk)
    if form.errors:
        merchant.refresh_from_db()  # the page around the form shows what is stored
    return render(request, "merchants/company.html", {"form": form})
