"""One call of the Order API: who asks, and what, read as leniently as the document says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest

from sandbox.models import PluginMethod, Shop


@dataclass
class ApiCall:
    """The request with its plugin. `repeats_page` is a lever: the page before is served once more."""

    request: HttpRequest
    plugin: PluginMethod
    body: dict[str, Any] = field(default_factory=dict)
    repeats_page: bool = False

    @property
    def shop(self) -> Shop:
        return self.plugin.shop

    def read_body(self) -> None:
        """Read the JSON body; `ValueError` where it is none, or no object."""
        raw = self.request.body
        body = json.loads(raw) if raw.strip() else {}
        if not isinstance(body, dict):
            raise ValueError("The body is no JSON object.")
        self.body = body

    # --- the query string ------------------------------------------------------------------
    def text(self, name: str) -> str | None:
        return self.request.GET.get(name)

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A whole number; text that is none counts as 0, as in PHP."""
        given = self.text(name)
        return default if given in (None, "") else as_integer(given) or 0

    def moment(self, name: str) -> datetime | None:
        return self.shop.read_time(self.text(name) or "")

    # --- pages -----------------------------------------------------------------------------
    def by_offset(self, rows: QuerySet[Any], limit: int | None) -> QuerySet[Any]:
        """The slice that `limit` and `offset` ask for."""
        offset = max(0, self.integer("offset") or 0)
        if self.repeats_page and limit:
            offset = max(0, offset - limit)
        return rows[offset : offset + limit] if limit else rows[offset:]

    def by_page(self, rows: QuerySet[Any]) -> tuple[list[Any], dict[str, str]]:
        """The rows of the page, and the links to its neighbours: query strings, only where there is a `limit`."""
        limit = self.integer("limit") or 0
        if limit < 1:
            return list(rows), {}
        page = max(1, self.integer("page") or 1)
        shown = page - 1 if self.repeats_page and page > 1 else page
        found = list(rows[(shown - 1) * limit : shown * limit + 1])
        links = {}
        if page > 1:
            links["previous"] = self._link(limit, page - 1)
        if len(found) > limit:
            links["next"] = self._link(limit, page + 1)
        return found[:limit], links

    def _link(self, limit: int, page: int) -> str:
        kept = {}
        if self.shop.switch("next_repeats_filters"):
            kept = {key: value for key, value in self.request.GET.items() if key not in ("limit", "page")}
        return "?" + urlencode(kept | {"limit": limit, "page": page})


def as_integer(value: Any) -> int | None:
    """A whole number from a number or a numeric text; None where it is neither."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        value = value.strip()
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def as_flag(value: Any, default: bool) -> bool:
    """true/false, 1/0 or "1"/"0"; what is missing or null is the default."""
    if value is None or value == "":
        return default
    if isinstance(value, str):
        return value.strip().lower() not in ("0", "false", "no")
    return bool(value)


def as_money(value: Any) -> Decimal | None:
    """An amount from a number or a text, to two decimals; None where it is none."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return round(amount, 2) if amount.is_finite() else None


def as_pieces(value: Any) -> dict[int, int]:
    """`{"<lineId>": qty}`, leaving out what cannot be read; PHP writes an empty one as `[]`."""
    if not isinstance(value, dict):
        return {}
    read = {as_integer(key): as_integer(count) for key, count in value.items()}
    return {key: max(0, count) for key, count in read.items() if key is not None and count is not None}
