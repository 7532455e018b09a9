"""How allauth behaves here: an email address is the login, a new user goes on to the first merchant."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth carries no types
    """Two steps: the account, then the merchant."""

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        user.name = form.cleaned_data["name"]
        return super().save_user(request, user, form, commit)

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return reverse("merchants:create")

    def format_email_subject(self, subject: str) -> str:
        return f"myOGO: {subject}"

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """There are no user names here."""
