"""Linked users: who works for a merchant besides the one who made it.

    email ─▶ known? link : make a login without password, link ─▶ mail with the way in

Somebody who may edit the settings always remains; every change locks the merchant's row, so that two people who take
the right from each other do not both succeed.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterable

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.core import ratelimit
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from merchants.models import Membership, Merchant, User

log = logging.getLogger(__name__)


def may_link_now(request: HttpRequest) -> bool:
    """Each link is a mail to an address that somebody typed: so many an hour, as `ACCOUNT_RATE_LIMITS` says."""
    return bool(ratelimit.consume(request, action="link_user", user=request.user))


@transaction.atomic
def link(merchant: Merchant, email: str, name: str = "") -> tuple[Membership, bool]:
    """The link of the user with this email, made if need be, and whether it is new. A new one may only look."""
    Merchant.objects.select_for_update().get(pk=merchant.pk)
    user = User.objects.by_email(email).first() or User.objects.create_user(email, name=name or email.partition("@")[0])
    nothing = dict.fromkeys(("edits_settings", "edits_products", "edits_orders"), False)
    return Membership.objects.get_or_create(merchant=merchant, user=user, defaults=nothing)


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
        send_mail(f"myOGO: {subject}", render_to_string("merchants/email/linked.txt", facts), None, [user.email])
    except (smtplib.SMTPException, OSError) as error:
        kind = type(error).__name__  # what the mail server said may quote the recipients
        log.warning("User %s could not be told of the link to merchant %s (%s).", user.pk, merchant.pk, kind)
        return False
    return True


def _way_in(user: User) -> str:
    if user.has_usable_password():
        return reverse("account_login")
    keys = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return reverse("account_reset_password_from_key", kwargs=keys)
