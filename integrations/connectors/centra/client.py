"""Centra's Order API, one method per endpoint. Reference: https://centra.dev/legacy/order-api/api-reference

Answers come with HTTP 200 whether Centra did as asked or not; `status` tells, and every method here looks at it. Lists
are generators of pages of raw rows. Two kinds of paging exist: products and stock hand out the query string of the next
page, all else counts by offset (or page) until a page is empty, for nobody knows the caps on `limit`.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, ParamSpec
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from django.utils.translation import gettext as _

from integrations.connectors.base import IsKnown
from integrations.connectors.centra.wire import Rows, rows
from integrations.connectors.errors import BadCredentials, NotAllowed, Rejected, Unavailable, Unreadable
from integrations.connectors.http import KEY_REFUSED, Answer, Session

HEADER = "API-Authorization"
ITEMS_PER_PAGE = 500
ORDERS_PER_PAGE = 100
SHIPMENTS_PER_PAGE = 100  # the documented most for `inprogress` and `completed`
RETURNS_PER_PAGE = 100
STOCK_ROWS_PER_CALL = 500

P = ParamSpec("P")
Params = Mapping[str, str | int]

_LONGEST_WORD = 300
_DEEPEST_WORD = 20  # lists in lists of which a reason may consist; what lies deeper is no word of the shop's
_NOT_THERE = re.compile(r"not exist|not found|no such|unknown|no orders", re.I)


class RawPage(NamedTuple):
    """One page as it came; `cursor` is where the next one begins, `""` after the last."""

    rows: list[msgspec.Raw]
    cursor: str
    number: int
    digest: str = ""
    is_known: bool = False


class Client:
    """The endpoints we use, over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- products and stock ----------------------------------------------------------------

    def products(
        self, filters: Params | None = None, cursor: str = "", is_known: IsKnown | None = None
    ) -> Iterator[RawPage]:
        """`GET /products`: one row per size, inactive ones included. Filter `modified`: changed after."""
        return self._linked_pages("/products", {"limit": ITEMS_PER_PAGE, **(filters or {})}, cursor, is_known)

    def stock(self, filters: Params | None = None, cursor: str = "") -> Iterator[RawPage]:
        """`GET /stock`: one row per size; physical, allocated and available of the plugin's warehouses together."""
        return self._linked_pages("/stock", {"limit": ITEMS_PER_PAGE, **(filters or {})}, cursor)

    def first_product(self) -> None:
        """`GET /products?limit=1`, only to see whether we may."""
        self._read_rows("/products", "products", {"limit": 1})

    def set_stock(self, figures: Mapping[str, int]) -> dict[str, list[str]]:
        """`POST /stock`: absolute figures by EAN, UPC or joined SKU, at most `STOCK_ROWS_PER_CALL` of them.

        Answers with what was refused: the kind of refusal (`productsNotFound`, `productsAreBundles`, or Centra's whole
        message where it names no rows) → the identifiers. The rows not named are set.
        """
        products = [{"product": identifier, "quantity": pieces} for identifier, pieces in figures.items()]
        try:
            self._write("POST", "/stock", {"products": products})
        except _Refused as refused:
            named = refused.rows_by_kind()
            return named or {refused.reason: list(figures)}
        return {}

    # --- orders ----------------------------------------------------------------------------

    def orders(self, filters: Params | None = None, cursor: str = "") -> Iterator[RawPage]:
        """`GET /orders`, in the plugin's own order. Filter `newer_than`: *created* after; there is no "modified"."""
        return self._offset_pages("/orders", "orders", filters, ORDERS_PER_PAGE, cursor)

    def first_order(self) -> None:
        """`GET /orders?limit=1`, only to see whether we may."""
        self._read_rows("/orders", "orders", {"limit": 1})

    def order(self, number: str) -> list[msgspec.Raw]:
        """`GET /orders?order=N`: a list all the same, empty where the order is unknown or filtered out."""
        try:
            return self._read_rows("/orders", "orders", {"order": number, "limit": 1})
        except Rejected as rejected:
            if _NOT_THERE.search(rejected.reason):
                return []
            raise

    # --- shipments -------------------------------------------------------------------------

    def shipments(self, status: str, order: str = "") -> Iterator[RawPage]:
        """`GET /shipments`, oldest first; `status` is goodtogo, inprogress or completed. Not a queue: always all."""
        filters: dict[str, str | int] = {"status": status, **({"order": order} if order else {})}
        return self._offset_pages("/shipments", "shipments", filters, SHIPMENTS_PER_PAGE, "")

    def create_shipment(self, body: Mapping[str, Any]) -> Answer:
        """`POST /shipments`. Captures unless told not to; an identical open shipment may be handed back instead."""
        return self._write("POST", "/shipments", body)

    def change_shipment(self, shipment: str, body: Mapping[str, Any]) -> Answer:
        """`PUT /shipments/{id}`: pieces of an unsent, unpaid shipment; the answer has the whole shipment."""
        return self._write("PUT", f"/shipments/{_segment(shipment)}", body)

    def complete_shipment(self, body: Mapping[str, Any]) -> Answer:
        """`PUT /shipment`: sent, with tracking. Captures unless told not to; stock falls in the shop."""
        return self._write("PUT", "/shipment", body)

    def capture(self, shipment: str) -> Answer:
        """`PUT /capture`: take the money of a shipment."""
        return self._write("PUT", "/capture", {"shipment": shipment})

    def delete_shipment(self, shipment: str) -> Answer:
        """`DELETE /shipments/{id}`: refused where invoices or credit notes hang on it."""
        return self._write("DELETE", f"/shipments/{_segment(shipment)}")

    # --- returns ---------------------------------------------------------------------------

    def returns(self, filters: Params | None = None, cursor: str = "") -> Iterator[RawPage]:
        """`GET /returns`, newest first, by page. Filter `newer_than`: at or after."""
        first = int(cursor or 1)
        repeats = _Repeats("/returns", allowed=2)
        for page in range(first, 1_000_000):
            params = {**(filters or {}), "limit": RETURNS_PER_PAGE, "page": page}
            found = self._read_rows("/returns", "returns", params)
            repeats.look([bytes(row) for row in found])
            yield RawPage(found, str(page + 1) if found else "", page - first + 1)
            if not found:
                return

    # --- pages -----------------------------------------------------------------------------

    def _linked_pages(
        self, path: str, params: Params, cursor: str, is_known: IsKnown | None = None
    ) -> Iterator[RawPage]:
        """Follow `next` until there is none. It may or may not repeat the filters, so ours are merged in.

        The rows of a page that is known are not taken apart.
        """
        seen = {cursor}
        repeats = _Repeats(path, allowed=1)
        for number in range(1, 1_000_000):
            answer = self._read(path, {**params, **_query(cursor)})
            digest = hashlib.sha256(answer.get("products", b"")).hexdigest()
            known = is_known is not None and is_known(cursor, digest)
            found = [] if known else self._rows_of(path, answer, "products")
            cursor = self._next(path, answer)
            repeats.look(digest)
            yield RawPage(found, cursor, number, digest, known)
            if not cursor:
                return
            if cursor in seen:
                raise Unreadable(
                    _("The shop's list at %(path)s leads back to a page already read.") % {"path": path}, what=path
                )
            seen.add(cursor)

    def _offset_pages(self, path: str, key: str, filters: Params | None, limit: int, cursor: str) -> Iterator[RawPage]:
        """Advance by the rows received, until a page is empty: a short page may only mean a lower cap."""
        offset = int(cursor or 0)
        repeats = _Repeats(path, allowed=2)
        for number in range(1, 1_000_000):
            found = self._read_rows(path, key, {**(filters or {}), "limit": limit, "offset": offset})
            repeats.look([bytes(row) for row in found])
            offset += len(found)
            yield RawPage(found, str(offset) if found else "", number)
            if not found:
                return

    def _next(self, path: str, answer: Answer) -> str:
        """The query string of the next page in one spelling, whatever stands before its question mark."""
        try:
            link = msgspec.json.decode(answer.get("next", b"null"), type=str | bool | None)
        except (msgspec.MsgspecError, ValueError):
            raise Unreadable(_("The link to the next page is not what it should be."), what=path) from None
        return urlencode(sorted(_query(link.rpartition("?")[2]).items())) if isinstance(link, str) else ""

    # --- one call --------------------------------------------------------------------------

    def _read_rows(self, path: str, key: str, params: Params) -> list[msgspec.Raw]:
        return self._rows_of(path, self._read(path, params), key)

    def _rows_of(self, path: str, answer: Answer, key: str) -> list[msgspec.Raw]:
        try:
            return rows(msgspec.json.decode(answer[key], type=Rows))
        except (KeyError, msgspec.MsgspecError, ValueError, RecursionError):
            raise Unreadable(
                _("The shop's answer to GET %(path)s has no list of %(key)s.") % {"path": path, "key": key},
                what=f"GET {path}",
            ) from None

    def _read(self, path: str, params: Params) -> Answer:
        answer = _asked(self._session.read, path, params)
        # No status at all is let pass here: whether it is the right thing shows when its rows are taken out.
        self._look_at_status(answer, f"GET {path}", default="ok")
        return answer

    def _write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        answer = _asked(self._session.write, method, path, body)
        self._look_at_status(answer, f"{method} /{path.split('/')[1]}", default="")
        return answer

    def _look_at_status(self, answer: Answer, endpoint: str, default: str) -> None:
        status = str(_plain(answer.get("status"), default) or "").lower()
        if status == "ok":
            return
        if status == "not allowed":
            raise _not_allowed(endpoint)
        if status != "no":
            raise self._makes_no_sense(endpoint)
        reason = self._session.redact(_reason(answer))[:_LONGEST_WORD]
        if KEY_REFUSED.search(reason):
            raise BadCredentials(_("%(host)s refused the key.") % {"host": self._session.host})
        raise _Refused(_("The shop said no: “%(reason)s”.") % {"reason": reason}, reason=reason, answer=answer)

    def _makes_no_sense(self, endpoint: str) -> Unreadable | Unavailable:
        text = _("The shop's answer to %(endpoint)s does not say whether it was done.") % {"endpoint": endpoint}
        if endpoint.startswith("GET "):
            return Unreadable(text, what=endpoint)
        return Unavailable(text, lost_answer=True)


class _Refused(Rejected):
    """`status: no`, with the answer that said so, for the one endpoint that does part of what it was asked."""

    def __init__(self, text: str, *, reason: str, answer: Answer) -> None:
        super().__init__(text, reason=reason)
        self._answer = answer

    def rows_by_kind(self) -> dict[str, list[str]]:
        """`errors` of the answer: kind → identifiers; empty where it names none."""
        errors = _plain(self._answer.get("errors"), {})
        if not isinstance(errors, dict):
            return {}
        listed = {kind: list(found.values()) if isinstance(found, dict) else found for kind, found in errors.items()}
        return {
            kind: [str(identifier) for identifier in found]
            for kind, found in listed.items()
            if isinstance(found, list) and found
        }


class _Repeats:
    """Sees a list that hands out a page again instead of the next one, which then would never be read.

    `allowed` identical pages in a row are borne: rows counted by offset shift while one reads.
    """

    def __init__(self, path: str, allowed: int) -> None:
        self._path = path
        self._allowed = allowed
        self._last: list[bytes] | str | None = None
        self._times = 0

    def look(self, contents: list[bytes] | str) -> None:
        """Raise `Unreadable` where the page, given as its rows or their digest, is one identical page too many."""
        self._times = self._times + 1 if contents == self._last else 1
        self._last = contents
        if self._times > self._allowed:
            raise Unreadable(
                _("The shop's list at %(path)s hands out the same page again.") % {"path": self._path},
                what=self._path,
            )


def _asked(call: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs) -> Answer:
    """One call; where an endpoint is refused, the sentence says where in Centra that is mended."""
    try:
        return call(*args, **kwargs)
    except NotAllowed as refused:
        raise _not_allowed(refused.endpoint) from None


def _not_allowed(endpoint: str) -> NotAllowed:
    text = _(
        "The key may not use %(endpoint)s. Tick it in Centra, in the settings of the Order API plugin, "
        "under “Allow access to the following endpoints”."
    )
    return NotAllowed(text % {"endpoint": endpoint}, endpoint=endpoint)


def _query(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True))


def _segment(shipment: str) -> str:
    """A shipment's id as part of a path; the shop makes the ids, so what would lead to another path is refused."""
    if not shipment.strip("."):
        raise Rejected(_("The shop's id of this shipment cannot be used."))
    return quote(shipment, safe="")


def _plain(raw: msgspec.Raw | None, default: Any) -> Any:
    """A member of an answer as plain Python; the default where it is missing or not readable."""
    try:
        return default if raw is None else msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return default


def _reason(answer: Answer) -> str:
    """The shop's own word: `msg` as text, or its fields in a row; where it gives none, that."""
    for key in ("msg", "message", "errorMessages"):
        if (said := _plain(answer.get(key), None)) and (word := _in_one_line(said)):
            return word
    return _("no reason given")


def _in_one_line(said: Any, depth: int = 0) -> str:
    """Bounded in depth, for a shop may nest so deeply that Python's stack would end."""
    if depth > _DEEPEST_WORD:
        return "…"
    if isinstance(said, dict):
        return "; ".join(f"{field}: {_in_one_line(word, depth + 1)}" for field, word in said.items())
    if isinstance(said, list):
        return "; ".join(_in_one_line(word, depth + 1) for word in said)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(said)).split())
