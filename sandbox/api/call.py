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

LARGEST = 10**15
MOST_ROWS = 1_000_000
MOST_PIECES = 1_000_000_000
MOST_MONEY = 10**7


@dataclass
class ApiCall:
    """The request with its plugin. `repeats_page` and `halves_rows` are levers: the page before is served once more;
    of the rows that came only the first half is written."""

    request: HttpRequest
    plugin: PluginMethod
    body: dict[str, Any] = field(default_factory=dict)
    repeats_page: bool = False
    halves_rows: bool = False

    @property
    def shop(self) -> Shop:
        return self.plugin.shop

    def read_body(self) -> None:
        """Read the JSON body; `ValueError` where it is none, or no object."""
        # PostgreSQL keeps no NUL in a text.
        raw = self.request.body.decode().replace("\\u0000", "")
        body = json.loads(raw) if raw.strip() else {}
        if not isinstance(body, dict):
            raise ValueError("The body is no JSON object.")
        if self.halves_rows and isinstance(rows := body.get("products"), list):
            body["products"] = rows[: len(rows) // 2]
        self.body = body

    # --- the query string ------------------------------------------------------------------
    def text(self, name: str) -> str | None:
        given = self.request.GET.get(name)
        return None if given is None else given.replace("\0", "")

    def integer(self, name: str, default: int | None = None) -> int | None:
        """A whole number; text that is none counts as 0, as in PHP."""
        given = self.text(name)
        return default if given in (None, "") else as_integer(given) or 0

    def limit(self) -> int | None:
        """The `limit` given, from 1 to a million; None where there is none."""
        limit = self.integer("limit")
        return None if limit is None or limit < 1 else min(limit, MOST_ROWS)

    def moment(self, name: str) -> datetime | None:
        return self.shop.read_time(self.text(name) or "")

    # --- pages -----------------------------------------------------------------------------
    @property
    def has_page_before(self) -> bool:
        """Whether a later page than the first is asked for."""
        return self.request.method == "GET" and ((self.integer("page") or 1) > 1 or (self.integer("offset") or 0) > 0)

    def by_offset(self, rows: QuerySet[Any], limit: int | None) -> QuerySet[Any]:
        """The slice that `limit` and `offset` ask for."""
        offset = max(0, self.integer("offset") or 0)  # no more than `as_integer` lets through
        if self.repeats_page and limit:
            offset = max(0, offset - limit)
        return rows[offset : offset + limit] if limit else rows[offset:]

    def by_page(self, rows: QuerySet[Any]) -> tuple[list[Any], dict[str, str]]:
        """The rows of the page, and the links to its neighbours: query strings, only where there is a `limit`."""
        limit = self.limit()
        if limit is None:
            return list(rows), {}
        page = min(MOST_ROWS, max(1, self.integer("page") or 1))
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
    """A whole number from a number or a numeric text, no longer than 15 digits; None where it is neither."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return max(-LARGEST, min(LARGEST, number))


def as_quantity(value: Any) -> int | None:
    """A number of pieces that a column can hold; None where it is none."""
    pieces = as_integer(value)
    return None if pieces is None else max(-MOST_PIECES, min(MOST_PIECES, pieces))


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
    return round(amount, 2) if amount.is_finite() and abs(amount) < MOST_MONEY else None


def as_pieces(value: Any) -> dict[int, int]:
    """`{"<lineId>": qty}`, leaving out what cannot be read; PHP writes an empty one as `[]`."""
    if not isinstance(value, dict):
        return {}
    read = {as_integer(key): as_quantity(count) for key, count in value.items()}
    return {key: max(0, count) for key, count in read.items() if key is not None and count is not None}
