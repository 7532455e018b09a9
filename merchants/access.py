"""The only door to a merchant's pages, and the navigation that leads to them.

The merchant is in the URL. A view behind `@merchant_view` gets the merchant itself and reaches every object through it
(`get_object_or_404(merchant.integrations, pk=pk)`), so that a stranger's id is a 404 by construction.
"""

import copy
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect

from merchants.models import Membership, Merchant, Permission, User

P = ParamSpec("P")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class MerchantRequest(HttpRequest):
    """A request behind `@merchant_view`: the user is signed in and linked to the merchant."""

    user: User
    merchant: Merchant
    membership: Membership


View = Callable[Concatenate[MerchantRequest, Merchant, P], HttpResponseBase]


def merchant_view(
    *, changes: Permission | None = None, reads: Permission | None = None
) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """Sign-in, membership and permission, in this order: login page, 404, 403.

    `changes` is needed for every method that changes something, `reads` also for looking. The view is called with the
    merchant in place of its id, and in the merchant's time zone.
    """

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, merchant_pk: int, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request, otherwise=reverse("orders:front_page", args=[merchant_pk]))
            member = _membership(request, merchant_pk)
            _check(request, member, changes, reads)
            request.merchant, request.membership = member.merchant, member  # type: ignore[attr-defined]
            with in_zone(member.merchant.time_zone):
                response = view(request, member.merchant, *args, **kwargs)  # type: ignore[arg-type]
                return _rendered(response)

        guarded.is_merchant_view = True  # type: ignore[attr-defined]
        return guarded

    return decorate


def signed_in(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For pages of no merchant: sign-in alone."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_sign_in(request, otherwise=reverse("merchants:home"))
        return view(request, *args, **kwargs)

    return guarded


def _to_sign_in(request: HttpRequest, *, otherwise: str) -> HttpResponseBase:
    """To the sign-in, and from there on to the page that was asked for.

    What was sent is not done, and that is said. Then on to the page it was sent from, or to `otherwise`, for the
    address of a button, or of a part of a page, is no page to look at.
    """
    is_look, is_part = request.method in SAFE_METHODS, bool(request.htmx)  # type: ignore[attr-defined]
    if not is_look:
        said = _("You were no longer signed in, so what you sent just now was not done. Sign in, then do it once more.")
        messages.warning(request, said)
    page = request.get_full_path() if is_look and not is_part else _came_from(request) or otherwise
    answer = redirect_to_login(page)
    return HttpResponseClientRedirect(answer.url) if is_part else answer


def _came_from(request: HttpRequest) -> str:
    """The page of ours that this was sent from, where the browser says which, and where it can be looked at."""
    said = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(said, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(said)
    if parts.path == request.path and not _can_be_looked_at(request):
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _can_be_looked_at(request: HttpRequest) -> bool:
    """Whether the address takes GET. Nobody is signed in, so that asking goes no further than the sign-in."""
    look, here = copy.copy(request), request.resolver_match
    look.method, look.htmx = "GET", None  # type: ignore[attr-defined]
    return here is not None and here.func(look, *here.args, **here.kwargs).status_code != 405


def _membership(request: HttpRequest, merchant_pk: int) -> Membership:
    """The user's link to this merchant. The others are kept for the switcher, which then asks nothing more."""
    mine = Membership.objects.select_related("merchant").filter(user__pk=request.user.pk or 0)
    found = {member.merchant_id: member for member in mine.order_by("merchant__name", "merchant")}
    request.merchants = [member.merchant for member in found.values()]  # type: ignore[attr-defined]
    if merchant_pk not in found:
        raise Http404
    return found[merchant_pk]


def _check(request: HttpRequest, member: Membership, changes: Permission | None, reads: Permission | None) -> None:
    for permission, is_needed in ((reads, True), (changes, request.method not in SAFE_METHODS)):
        if permission and is_needed and not member.may(permission):
            raise PermissionDenied(
                _("You may look at this, but not change it. A colleague who may “%(what)s” can do it for you.")
                % {"what": permission.label}
            )


def _rendered(response: HttpResponseBase) -> HttpResponseBase:
    """A lazy response is written while the merchant's zone still holds."""
    render = getattr(response, "render", None)
    return render() if callable(render) else response


@contextmanager
def in_zone(name: str) -> Iterator[None]:
    with timezone.override(zoneinfo.ZoneInfo(name)):
        yield


@dataclass
class Item:
    """One line of the navigation. `view` is its page; its children's pages belong to it too."""

    label: Any
    view: str
    icon: str = ""
    children: list["Item"] = field(default_factory=list)
    also: tuple[str, ...] = ()  # further pages that light this line

    def describe(self, request: HttpRequest, merchant: Merchant) -> dict[str, Any]:
        here = request.resolver_match.view_name if request.resolver_match else ""
        children = [child.describe(request, merchant) for child in self.children]
        is_current = here == self.view or here in self.also
        return {
            "label": self.label,
            "url": reverse(self.view, args=[merchant.pk]),
            "icon": self.icon,
            "is_current": is_current and not any(child["is_current"] for child in children),
            "is_open": is_current or any(child["is_current"] for child in children),
            "children": children,
        }


# Filled by the apps in AppConfig.ready(), lowest floor first; shown in the order of `place`.
_sections: dict[int, Item] = {}


def add_section(place: int, item: Item) -> None:
    """Put a section into the side bar; the same place again replaces it."""
    _sections[place] = item


def add_page(place: int, item: Item) -> None:
    """Put a page under a section that a lower floor made."""
    section = _sections[place]
    section.children = [child for child in section.children if child.view != item.view] + [item]


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `nav` with the merchant, the user's merchants and the sections of the side bar."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": {"merchant": None, "merchants": [], "sections": []}}
    merchant = getattr(request, "merchant", None)
    sections = [_sections[place].describe(request, merchant) for place in sorted(_sections)] if merchant else []
    merchants = getattr(request, "merchants", None)
    if merchants is None:
        merchants = list(Merchant.objects.for_user(user))
    return {"nav": {"merchant": merchant, "merchants": merchants, "sections": sections}}
