"""The one door of the Order API: who asks, may they, and which handler answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from sandbox.api import buying, orders, products, returns, shipments
from sandbox.api.answer import Answer, no, write
from sandbox.api.call import ApiCall
from sandbox.faults import strike
from sandbox.models import Call, Fault, PluginMethod, Shop
from sandbox.refused import Refused

Handler = Callable[..., Answer]
# Method, path below the Base URL, name of the endpoint, handler. The path is exact: plurals are not regular.
ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", r"products", "GET products", products.get_products),
    ("GET", r"stock", "GET stock", products.get_stock),
    ("POST", r"stock", "POST stock", products.post_stock),
    ("GET", r"orders", "GET orders", orders.get_orders),
    ("PUT", r"orders", "PUT orders", orders.put_orders),
    ("POST", r"order", "POST order", buying.post_order),
    ("POST", r"orders", "POST orders", buying.post_orders),
    ("POST", r"order/(?P<number>\d{1,18})", "POST order", buying.finish_order),
    ("GET", r"shipments", "GET shipments", shipments.get_shipments),
    ("GET", r"shipments/(?P<key>[\d-]{1,40})", "GET shipments", shipments.get_shipment),
    ("POST", r"shipments", "POST shipments", shipments.post_shipments),
    ("PUT", r"shipments/(?P<key>[\d-]{1,40})", "PUT shipments", shipments.put_shipments),
    ("PUT", r"shipment", "PUT shipment", shipments.put_shipment),
    ("PUT", r"capture", "PUT capture", shipments.put_capture),
    ("DELETE", r"shipments/(?P<key>[\d-]{1,40})", "DELETE shipments", shipments.delete_shipment),
    ("POST", r"return", "POST return", returns.post_return),
    ("GET", r"returns", "GET returns", returns.get_returns),
    ("PUT", r"returns/(?P<key>\d{1,18})", "PUT returns", returns.put_returns),
)


@csrf_exempt
def entrance(request: HttpRequest, shop: str, uri: str, rest: str = "") -> HttpResponseBase:
    """Every call of the Order API, with or without the plugin's number and a slash at the end."""
    pinned, path = _split(rest)
    plugins = PluginMethod.objects.filter(shop__slug=shop, uri=uri).select_related("shop", "store")
    plugin = plugins.filter(pk=pinned).first() if pinned else plugins.first()
    if plugin is None:
        return write(Answer(no("not found"), 404), Shop())
    endpoint, handler, keys = _route(request.method or "", path)
    call = ApiCall(request, plugin)
    refusal = _refusal(call, endpoint)
    faults = Fault.ready(plugin, endpoint)
    response, fault = strike(faults, call, lambda: refusal or answer(call, handler, keys), refusal)
    if plugin.logs_calls:
        _log(call, endpoint or f"{request.method} {path}"[:30], response, fault)
    return response


def _split(rest: str) -> tuple[int | None, str]:
    """The plugin's number where the permanent form of the address is used, and the endpoint's path."""
    first, _slash, path = rest.strip("/").partition("/")
    return (int(first), path) if re.fullmatch(r"\d{1,18}", first) else (None, rest.strip("/"))


def _route(method: str, path: str) -> tuple[str, Handler | None, dict[str, Any]]:
    for verb, pattern, name, handler in ROUTES:
        if verb == method and (match := re.fullmatch(pattern, path)):
            return name, handler, match.groupdict()
    return "", None, {}


def _refusal(call: ApiCall, endpoint: str) -> Answer | None:
    """What whoever may not come in is told."""
    shop = call.shop
    if not call.plugin.is_active:
        return Answer(no("not found"), 404)
    if not call.plugin.opens_with(_key(call)):
        return _bad_key(shop)
    if endpoint and not call.plugin.may_use(endpoint):
        return Answer({"status": "Not Allowed"}, 403)
    return None


def answer(call: ApiCall, handler: Handler | None, keys: dict[str, Any]) -> Answer:
    """The answer to a call that may come in and that no lever spoils."""
    if handler is None:
        return Answer(no("not found"), 404 if call.shop.switch("unknown_path") == "404" else 200)
    try:
        call.read_body()
    except (ValueError, RecursionError):
        return Answer(no("malformed JSON"), 400 if call.shop.switch("malformed_json") == "400" else 200)
    try:
        return handler(call, **keys)
    except Refused as refusal:
        return Answer(no(refusal.text))


def _key(call: ApiCall) -> str:
    headers = call.request.headers
    if key := headers.get("API-Authorization"):
        return key.strip()
    scheme, _space, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and call.shop.switch("bearer") else ""


def _bad_key(shop: Shop) -> Answer:
    form = shop.switch("bad_secret")
    if form == "html":
        return Answer("<!doctype html><title>Unauthorized</title><h1>Unauthorized</h1>", 401)
    return Answer(no("unauthorized"), int(str(form)))


def _log(call: ApiCall, endpoint: str, response: HttpResponseBase, fault: Fault | None) -> None:
    said = "" if response.streaming else getattr(response, "content", b"")[:2_000].decode(errors="replace")
    Call.objects.create(
        plugin=call.plugin,
        endpoint=endpoint,
        path=call.request.get_full_path()[:500],
        body=call.request.body[:20_000].decode(errors="replace"),
        status=response.status_code,
        answer=said,
        fault=fault.kind if fault else "",
    )
