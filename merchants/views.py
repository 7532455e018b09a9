"""One function per page: the way in, the first merchant, Company information, Channels, Linked Users, mail."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import RestrictedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from merchants import last, linking, notify
from merchants.access import MerchantRequest, merchant_view, signed_in
from merchants.forms import ChannelForm, CompanyForm, LinkUserForm, MembershipForm, NewMerchantForm, NotificationsForm
from merchants.models import Channel, Membership, Merchant, Permission


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """Where the logo and signing in lead: the user's merchant; the second step of signing up where there is none."""
    merchants = Merchant.objects.for_user(request.user)
    merchant = merchants.filter(pk=last.looked_at(request)).first() or merchants.first()
    if merchant is None:
        return redirect("admin:index" if request.user.is_staff else "merchants:create")
    return redirect("orders:front_page", merchant.pk)


@signed_in
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


# --- Channels ------------------------------------------------------------------------------


@require_safe
@merchant_view()
def channels(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Edit Merchant → Channels: the further sales names, and who is the sender of each."""
    context = {"channels": merchant.channels.all(), "may_edit": request.membership.may(Permission.EDITS_SETTINGS)}
    return render(request, "merchants/channels.html", context)


@merchant_view(reads=Permission.EDITS_SETTINGS)
def new_channel(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    return _channel(request, merchant, Channel(merchant=merchant))


@merchant_view(reads=Permission.EDITS_SETTINGS)
def channel(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """One channel, with Save and Delete."""
    return _channel(request, merchant, get_object_or_404(merchant.channels, pk=pk))


def _channel(request: MerchantRequest, merchant: Merchant, one: Channel) -> HttpResponse:
    if request.method == "POST" and request.POST.get("act") == "delete" and one.pk:
        return _delete_channel(request, merchant, one)
    form = ChannelForm(request.POST if request.method == "POST" else None, instance=one)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("merchants:channels", merchant.pk)
    stored = merchant.channels.filter(pk=one.pk).first() if one.pk else None
    return render(request, "merchants/channel.html", {"form": form, "stored": stored})


def _delete_channel(request: MerchantRequest, merchant: Merchant, one: Channel) -> HttpResponse:
    """One that an order or an integration names stays: an order says for ever in whose name it was sent."""
    try:
        one.delete()
    except RestrictedError:
        messages.error(request, _("Orders or integrations name this channel, so it cannot be deleted. Rename it."))
        return redirect("merchants:channel", merchant.pk, one.pk)
    messages.success(request, _("%(channel)s is deleted.") % {"channel": one.name})
    return redirect("merchants:channels", merchant.pk)


# --- Linked Users --------------------------------------------------------------------------


@merchant_view(changes=Permission.EDITS_SETTINGS)
def users(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Edit Merchant → Linked Users: who works here, what they may do, and one more."""
    is_link = request.method == "POST" and request.POST.get("act") == "link"
    is_save = request.method == "POST" and not is_link
    form = LinkUserForm(merchant, request.POST if is_link else None)
    members = merchant.memberships.select_related("user").order_by("user__name", "pk")
    typed = request.POST if is_save else None
    rows = [MembershipForm(typed, instance=member, prefix=f"user{member.pk}") for member in members]
    done = (is_link and _linked(request, merchant, form)) or (is_save and _saved(request, merchant, rows))
    if done:
        return redirect("merchants:users", merchant.pk)
    context = {"form": form, "rows": rows, "may_edit": request.membership.may(Permission.EDITS_SETTINGS)}
    return render(request, "merchants/users.html", context)


def _linked(request: MerchantRequest, merchant: Merchant, form: LinkUserForm) -> bool:
    if not form.is_valid():
        return False
    if why := linking.why_not_now(request, request.user):
        form.add_error(None, why)
        return False
    member, is_new = linking.link(merchant, form.cleaned_data["email"], form.cleaned_data["name"])
    words = {"user": member.user.email}
    if is_new and not linking.tell(request, member):
        said = _("%(user)s is linked, but the mail could not be sent. “Forgot your password?” at the sign-in helps.")
        messages.warning(request, said % words)
    else:
        messages.success(request, _("%(user)s is linked, and may only look. Tick what more, then save.") % words)
    return True


def _saved(request: MerchantRequest, merchant: Merchant, rows: list[MembershipForm]) -> bool:
    """Whether it was written. A row whose user was linked after the page was shown is not meant."""
    meant = [row for row in rows if row.is_meant]
    if not all([row.is_valid() for row in meant]):
        return False
    if why := linking.save(merchant, [row.chosen() for row in meant]):
        messages.error(request, why)
        return False
    messages.success(request, _("Saved."))
    return True


@merchant_view()
def unlink_user(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """Unlink a user, asked first; everybody may leave."""
    member = get_object_or_404(merchant.memberships.select_related("user"), pk=pk)
    is_me = member.user_id == request.user.pk
    if not is_me and not request.membership.may(Permission.EDITS_SETTINGS):
        raise PermissionDenied(_("Only a colleague who may edit the merchant can unlink others."))
    if request.method == "POST":
        return _unlinked(request, merchant, member, is_me=is_me)
    return render(request, "merchants/unlink_user.html", {"member": member, "is_me": is_me})


def _unlinked(request: MerchantRequest, merchant: Merchant, member: Membership, *, is_me: bool) -> HttpResponse:
    if why := linking.unlink(merchant, member):
        messages.error(request, why)
        return redirect("merchants:users", merchant.pk)
    words = {"user": member.user.email, "merchant": merchant.name}
    messages.success(request, _("%(user)s is no longer linked to %(merchant)s.") % words)
    return redirect("merchants:home") if is_me else redirect("merchants:users", merchant.pk)


# --- MISC ----------------------------------------------------------------------------------


@merchant_view()
def notifications(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """MISC → Email notifications: one's own, so that whoever may only look can set them too."""
    member = request.membership
    wanted = [key for key in notify.KINDS if key not in member.muted]
    form = NotificationsForm(request.POST if request.method == "POST" else None, initial={"wanted": wanted})
    if request.method == "POST" and form.is_valid():
        notify.mute(member, form.muted())
        messages.success(request, _("Saved."))
        return redirect("merchants:notifications", merchant.pk)
    return render(request, "merchants/notifications.html", {"form": form})
