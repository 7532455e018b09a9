"""Which merchant a browser looked at last: where signing in leads somebody who has several.

A cookie and no value of the session, which would cost three statements whenever somebody goes from one to another. It
opens nothing: who may see what is asked of the membership.
"""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from merchants.models import Merchant

NAME = "last_merchant"
KEPT = timedelta(days=400)  # longer than that browsers keep no cookie


def remember(response: HttpResponse, merchant: Merchant) -> HttpResponse:
    """On the way out."""
    response.set_cookie(
        NAME,
        str(merchant.pk),
        max_age=KEPT,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def looked_at(request: HttpRequest) -> int:
    """Its key, or 0; whatever stands in the cookie."""
    said = request.COOKIES.get(NAME, "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 19 else 0
