"""How allauth behaves here: an email address is the login, a new user goes on to the first merchant.

An address is confirmed by a click in a mail to it: the link after signing up, or the one to choose a password.
"""

import logging
import smtplib
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.email_verification import send_verification_email_for_user
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from merchants.models import User

log = logging.getLogger(__name__)


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Two steps: the account, then the merchant."""

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user.name = form.cleaned_data["name"]
        return super().save_user(request, user, form, commit)

    @transaction.atomic
    def set_password(self, user: Any, password: str) -> None:
        """Only over the password that the request began with: `linking.distrust` may have taken it away since."""
        found = User.objects.select_for_update().filter(pk=user.pk, password=user.password).first()
        if found is None:
            raise PermissionDenied(_("The password was changed elsewhere in this moment. Sign in anew."))
        user.set_password(password)
        user.save(update_fields=["password"])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Raises allauth's `ImmediateHttpResponse`, with a page that says so, where the mail cannot be sent."""
        try:
            super().send_mail(template_prefix, email, context)
        except (smtplib.SMTPException, OSError) as error:
            kind = type(error).__name__  # what the mail server said may quote the recipients
            log.warning("A mail (%s) could not be sent (%s).", template_prefix, kind)
            raise ImmediateHttpResponse(render(self.request, "503.html", status=503)) from None

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return reverse("merchants:create")

    def format_email_subject(self, subject: str) -> str:
        return f"myOGO: {subject}"

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """There are no user names here."""


def is_confirmed(user: User) -> bool:
    """Whether somebody has shown that the address of this login is theirs."""
    return bool(EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists())


def confirm(user: User) -> None:
    """The address is the user's: they followed a mail to it, or were entered by those who run the portal."""
    email = user.email.lower()
    EmailAddress.objects.filter(email=email).exclude(user=user).delete()  # of a login that had this address before
    EmailAddress.objects.update_or_create(user=user, email=email, defaults={"verified": True, "primary": True})


def confirm_by_mail(user: User, **kwargs: Any) -> None:
    """Receiver of allauth's `password_reset`: its link was in a mail to the address."""
    confirm(user)


def send_confirmation(request: HttpRequest) -> bool:
    """Mail the signed-in user the link that confirms, unless that was just done; returns whether nothing failed."""
    try:
        send_verification_email_for_user(request, request.user)
    except ImmediateHttpResponse:
        return False
    return True
