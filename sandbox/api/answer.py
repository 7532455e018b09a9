"""Writing answers the way a PHP shop does: ASCII only, slashes escaped, money as plain numbers."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpResponse

from sandbox.models import Shop


@dataclass
class Answer:
    """What is to be said: `payload` as JSON, unless it is a text, which is sent as HTML."""

    payload: dict[str, Any] | str
    status: int = 200


def no(msg: str, **echo: Any) -> dict[str, Any]:
    """A refusal; ids are echoed as they came."""
    return {"status": "no", "msg": msg, **{name: value for name, value in echo.items() if value is not None}}


def write(answer: Answer, shop: Shop) -> HttpResponse:
    """The answer as an HTTP response, with the shop's habits."""
    if isinstance(answer.payload, str):
        return HttpResponse(answer.payload, status=answer.status)
    payload = _lists_for_nothing(answer.payload) if shop.switch("empty_object_as_list") else answer.payload
    text = json.dumps(payload)
    if shop.switch("escapes_slashes"):
        text = text.replace("/", "\\/")
    return HttpResponse(text, content_type="application/json", status=answer.status)


def _lists_for_nothing(value: Any) -> Any:
    """PHP does not know an empty object from an empty list."""
    if isinstance(value, dict):
        return {key: _lists_for_nothing(item) for key, item in value.items()} or []
    if isinstance(value, list):
        return [_lists_for_nothing(item) for item in value]
    return value


def money(amount: Decimal) -> int | float:
    """A JSON number with at most two decimals; 800 rather than 800.0."""
    rounded = float(round(amount, 2))
    return int(rounded) if rounded.is_integer() else rounded


def number(amount: Decimal) -> int | float:
    """A JSON number with whatever decimals there are."""
    return int(amount) if amount == int(amount) else float(amount)
