"""Linked users: who works for a merchant besides the one who made it.

    email ─▶ known and confirmed? link : a login without password, link ─▶ mail with the way in

Anybody can sign up with anybody's address. So a login counts as its owner's once the address is confirmed; one that is
not loses its password and its sessions when it is linked, and only the mail leads to another.

Somebody who may edit the settings always remains; every change locks the merchant's row, so that two people who take
the right from each other do not both succeed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.core import ratelimit
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from merchants import accounts, mailing
from merchants.models import Membership, Merchant, User

log = logging.getLogger(__name__)


def why_not_now(request: HttpRequest, user: User) -> str:
    """Why this user may link nobody now; `""` where they may.

    Each link is a mail to an address that somebody typed: none from a login whose own is not confirmed (it is mailed
    the link to do so), and so many an hour, as `ACCOUNT_RATE_LIMITS` says.
    """
    if not ratelimit.consume(request, action="link_user", user=user):
        return _("You linked very many users just now. Wait an hour, then link the next.")
    if accounts.is_confirmed(user):
        return ""
    if not accounts.send_confirmation(request):
        return _("Before you link others, confirm your own address. But that mail could not be sent: try again later.")
    return _("Before you link others, confirm your own address: the link is in your mailbox.")


@transaction.atomic
def link(merchant: Merchant, email: str, name: str = "") -> tuple[Membership, bool]:
    """The link of the user with this email, made if need be, and whether it is new. A new one may only look."""
    Merchant.objects.select_for_update().get(pk=merchant.pk)
    user = User.objects.by_email(email).first() or User.objects.create_user(email, name=name or email.partition("@")[0])
    nothing = dict.fromkeys(("edits_settings", "edits_products", "edits_orders"), False)
    member, is_new = Membership.objects.get_or_create(merchant=merchant, user=user, defaults=nothing)
    if is_new:
        distrust(user)
    return member, is_new


def distrust(user: User) -> bool:
    """End password and sessions of a login whose address nobody has confirmed; returns whether there was one to end."""
    if not user.has_usable_password() or accounts.is_confirmed(user):
        return False
    user.set_unusable_password()
    user.save(update_fields=["password"])  # each session holds a hash of it
    return True


@transaction.atomic
def save(merchant: Merchant, changed: Iterable[Membership]) -> str:
    """Write permissions and roles; returns why not, and writes nothing, where nobody would be left to edit settings."""
    Merchant.objects.select_for_update().get(pk=merchant.pk)
    rows = {member.pk: member for member in changed}
    stay = merchant.memberships.filter(edits_settings=True, user__is_active=True).exclude(pk__in=rows)
    gain = [member for member in rows.values() if member.edits_settings and member.user.is_active]
    if not gain and not stay.exists():
        return nobody_left()
    Membership.objects.bulk_update(rows.values(), ["edits_settings", "edits_products", "edits_orders", "roles"])
    return ""


@transaction.atomic
def unlink(merchant: Merchant, member: Membership) -> str:
    """Take the link away; returns why not where nobody would be left to edit settings. The login stays."""
    Merchant.objects.select_for_update().get(pk=merchant.pk)
    others = merchant.memberships.filter(edits_settings=True, user__is_active=True).exclude(pk=member.pk)
    if not others.exists():
        return nobody_left()
    member.delete()
    return ""


def nobody_left() -> str:
    return _(
        "Nobody would be left who may edit the merchant and its integrations. Give somebody else that permission first."
    )


def tell(request: HttpRequest, member: Membership) -> bool:
    """Mail the linked person the way in; a login without a password gets the address to choose one.

    Returns whether the mail went out: the link stands all the same.
    """
    user, merchant = member.user, member.merchant
    facts: dict[str, object] = {"merchant": merchant, "by": request.user, "is_new": not user.has_usable_password()}
    facts["address"] = request.build_absolute_uri(_way_in(user))
    subject = _("You are linked to %(merchant)s") % {"merchant": " ".join(merchant.name.split())}
    try:
        mailing.send(f"myOGO: {subject}", render_to_string("merchants/email/linked.txt", facts), [user.email])
    except mailing.Unsent as why:
        log.warning("User %s could not be told of the link to merchant %s (%s).", user.pk, merchant.pk, why.kind)
        return False
    return True


def _way_in(user: User) -> str:
    if user.has_usable_password():
        return reverse("account_login")
    keys = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return reverse("account_reset_password_from_key", kwargs=keys)
