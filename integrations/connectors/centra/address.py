"""What people paste as Base URL, tidied up, or refused with a sentence that says what they pasted instead."""

import re
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext as _

EXAMPLE = "https://nordlys.centra.com/api/order-api"

_WRAPPING = " \t\r\n\u00a0\u200b\ufeff\"'`“”„‘’«»<>"
# What stands behind a Base URL when it was copied out of a log or a guide.
_ENDPOINTS = frozenset(
    {"order", "orders", "shipment", "shipments", "capture", "product", "products", "stock", "return", "returns"}
    | {"customers", "supplier-orders", "supplier-deliveries", "voucher", "vouchers", "check-first"}
    | {"allocation-request", "allocation-requests"}
)
_LOGIN_PAGES = frozenset({"ams", "admin", "login", "signin", "auth"})
_SHOP_APIS = re.compile(r"(checkout|shop|storefront)(-?api)?|(checkout|shop|storefront)-?v\d+")
_INTEGRATION_APIS = frozenset({"integration", "integration-api", "integrations", "webhook", "webhooks"})
_OTHER_SYSTEMS = {"/admin/api/": "Shopify", "/wp-json/": "WooCommerce", "/rest/": "Magento"}
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")


def tidy_base_url(text: str) -> str:
    """The Base URL of an Order API without blanks, quotes, slashes or an endpoint at its end, host in small letters.

    Raises `ValueError` with a sentence where it is no such address. Looks at the text only.
    """
    pasted = text.strip(_WRAPPING)
    if not pasted:
        raise ValueError(_("Paste the Base URL of the Order API; it looks like %(example)s.") % {"example": EXAMPLE})
    parts = _split(pasted)
    _refuse_extras(pasted, parts.netloc)
    segments = [segment for segment in parts.path.split("/") if segment]
    _refuse_other_pages(segments)
    return f"{parts.scheme}://{_place(parts)}/{'/'.join(_without_endpoint(segments))}"


def _split(pasted: str) -> SplitResult:
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", pasted):
        guess = f"https://{pasted.lstrip('/')}"
        if not re.fullmatch(r"https://[^\s/]+\.[^\s/]+(/\S*)?", guess):
            raise ValueError(_is_no_address())
        raise ValueError(_("The address must begin with https://. Do you mean %(guess)s?") % {"guess": guess})
    if not pasted.isprintable() or re.search(r"[\s\\]", pasted):
        raise ValueError(_("The address contains a blank or a backslash. Copy it from Centra once more."))
    try:
        parts = urlsplit(pasted)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        has_host = False
    if not has_host or parts.scheme not in ("https", "http"):
        raise ValueError(_is_no_address())
    return parts


def _is_no_address() -> str:
    return _("This is not a web address. It should look like %(example)s.") % {"example": EXAMPLE}


def _refuse_extras(pasted: str, place: str) -> None:
    if "@" in place:
        raise ValueError(_("The address contains a user name or password. Leave out everything up to the @."))
    if "?" in pasted:
        raise ValueError(_("Leave out the question mark and everything after it."))
    if "#" in pasted:
        raise ValueError(_("Leave out the # and everything after it."))


def _refuse_other_pages(segments: list[str]) -> None:
    words = [segment.lower() for segment in segments]
    if "graphql" in words:
        raise ValueError(_is_other_api(_("Centra's GraphQL API")))
    for path, system in _OTHER_SYSTEMS.items():
        if f"/{'/'.join(words)}/".startswith(path):
            raise ValueError(_is_other_api(system))
    if not words or ("api" not in words and _LOGIN_PAGES & set(words)):
        raise ValueError(
            _(
                "This is Centra's login page, not the Order API. Copy the Base URL of the plugin; "
                "it looks like %(example)s."
            )
            % {"example": EXAMPLE}
        )
    after_api = words[words.index("api") + 1 :] if "api" in words else []
    if not after_api or not all(map(_SEGMENT.fullmatch, segments)) or {".", ".."} & set(segments):
        raise ValueError(
            _("This is not the Base URL of an Order API; it looks like %(example)s.") % {"example": EXAMPLE}
        )
    if after_api[0] in _INTEGRATION_APIS:
        raise ValueError(_is_other_api(_("Centra's Integration API")))
    if _SHOP_APIS.fullmatch(after_api[0]):
        raise ValueError(_is_other_api(_("Centra's Checkout API")))


def _is_other_api(name: str) -> str:
    return _("This is the address of %(api)s, not of the Order API. The right one looks like %(example)s.") % {
        "api": name,
        "example": EXAMPLE,
    }


def _without_endpoint(segments: list[str]) -> list[str]:
    """The path up to the plugin: `…/api/{uri}` or `…/api/{uri}/{plugin}`. The URI may itself be called "orders"."""
    start = [segment.lower() for segment in segments].index("api") + 2
    end = next((i for i in range(start, len(segments)) if segments[i].lower() in _ENDPOINTS), len(segments))
    if end - start > 1:
        raise ValueError(
            _("The address goes on too long behind /api/. It should look like %(example)s.") % {"example": EXAMPLE}
        )
    return segments[:end]


def _place(parts: SplitResult) -> str:
    """Host and, where it is not the usual one, port: one shop has one spelling."""
    usual = {"https": 443, "http": 80}[parts.scheme]
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"
