"""What the levers do to an answer, on the wire.

nothing done:  status, refused, html, empty, redirect, huge, reset
work done:     slow, truncated, cut_off, lost_answer, wrong_types, unreadable_row, repeated/reordered/looping page
between both:  late (done when nobody listens any more), half_done (the first half of the rows)

A lever hits only where the answer is another one for it: a page of one row cannot be reordered.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from sandbox.api.answer import Answer, no, write
from sandbox.api.call import ApiCall
from sandbox.models import Fault

Work = Callable[[], Answer]
Spoiler = Callable[[Fault, ApiCall, Work], HttpResponseBase]
LISTS = ("products", "orders", "shipments", "returns")
KNOWN_ROW_FIELDS = {"products": "sku", "orders": "products", "shipments": "products", "returns": "products"}


def strike(
    faults: list[Fault], call: ApiCall, work: Work, refusal: Answer | None
) -> tuple[HttpResponseBase, Fault | None]:
    """The answer to a call, and the lever that spoilt it: the first that changes it, if any.

    `refusal` is what the call is refused with before any work is done.
    """
    for fault in faults:
        if not fault.take():
            continue
        noted = _Noted(call, work, write(refusal, call.shop) if refusal else None)
        response = SPOILERS[fault.kind](fault, call, noted)
        if not noted.is_same(response):
            fault.count()
            return response, fault
        fault.give_back()
        if call.request.method != "GET":
            return response, None  # what is written is written once
    return write(work(), call.shop), None


@dataclass
class _Noted:
    """The work of a call, which notes the answer as it is before anything is done to it."""

    call: ApiCall
    work: Work
    unspoilt: HttpResponse | None

    def __call__(self) -> Answer:
        answer = self.work()
        if self.unspoilt is None:
            self.unspoilt = write(answer, self.call.shop)
        return answer

    def is_same(self, response: HttpResponseBase) -> bool:
        """Byte for byte. What is streamed differs by its pace, or by where it ends."""
        before = self.unspoilt
        if before is None or not isinstance(response, HttpResponse):
            return False
        said = [(one.status_code, one.content, sorted(one.items())) for one in (before, response)]
        return said[0] == said[1]


# --- before anything is done -------------------------------------------------------------------
def _status(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    code = int(fault.param("code", 503))
    body = fault.param("body", None)
    answer = Answer(no("the shop is not well"), code) if body is None else Answer(str(body), code)
    if code == 403 and body is None:
        answer = Answer({"status": "Not Allowed"}, 403)
    response = write(answer, call.shop)
    if (wait := fault.param("retry_after", None)) is not None:
        response["Retry-After"] = _retry_after(wait, fault.param("retry_after_form", "seconds"))
    return response


def _retry_after(wait: Any, form: str) -> str:
    """The wait (seconds) as such, as an HTTP date, or as a Unix time stamp."""
    if form == "date":
        return http_date(time.time() + float(wait))
    return str(int(time.time() + float(wait))) if form == "timestamp" else str(wait)


def _refused(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    return write(Answer(no(str(fault.param("msg", "something went wrong")))), call.shop)


def _html(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    page = "<!doctype html><html><head><title>Maintenance</title></head><body><h1>We are back soon.</h1></body></html>"
    return HttpResponse(page, status=int(fault.param("code", 200)))


def _empty(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    return HttpResponse(b"", content_type="application/json")


def _redirect(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    response = HttpResponse(status=int(fault.param("code", 302)))
    response["Location"] = str(fault.param("to", "https://elsewhere.example/"))
    return response


def _huge(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    megabytes = int(fault.param("megabytes", 200))

    def body() -> Iterator[bytes]:
        yield b'{"status":"ok","products":[],"padding":"'
        for _megabyte in range(megabytes):
            yield b"x" * 1_048_576
        yield b'"}'

    return StreamingHttpResponse(body(), content_type="application/json")


def _reset(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    return _breaking_off(call.request)


# --- after the work is done --------------------------------------------------------------------
def _lost_answer(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    work()
    return _breaking_off(call.request)


def _late(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    """The line is dead at once; the work is done `seconds` later, as by a server that was only slow."""

    def body() -> Iterator[bytes]:
        try:
            hang_up(call.request)
        finally:
            time.sleep(float(fault.param("seconds", 1)))
            work()
        yield b""

    _ = call.request.body  # read while there is a line to read from
    return StreamingHttpResponse(body())


def _half_done(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    """Where rows are written one by one: the first half of them; else nothing. No answer."""
    call.halves_rows = True
    if call.request.method == "POST" and call.request.path.rstrip("/").endswith("/stock"):
        work()
    return _breaking_off(call.request)


def _slow(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    """The whole answer, in `drips` pieces spread over `seconds`."""
    content = write(work(), call.shop).content
    seconds, drips = float(fault.param("seconds", 5)), max(1, int(fault.param("drips", 10)))
    size = max(1, -(-len(content) // drips))

    def body() -> Iterator[bytes]:
        for start in range(0, len(content), size):
            time.sleep(seconds / drips)
            yield content[start : start + size]

    return _stream(body(), len(content))


def _truncated(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    response = write(work(), call.shop)
    response.content = response.content[: max(1, len(response.content) // 2)]
    return response


def _cut_off(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    content = write(work(), call.shop).content
    return _stream(_half(content, call.request), len(content))


def _half(content: bytes, request: HttpRequest) -> Iterator[bytes]:
    yield content[: max(1, len(content) // 2)]
    hang_up(request)


def _stream(body: Iterator[bytes], length: int) -> StreamingHttpResponse:
    response = StreamingHttpResponse(body, content_type="application/json")
    response["Content-Length"] = str(length)
    return response


def _wrong_types(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    """Still legible for a lenient reader: numbers as texts, ids as numbers, flags as numbers, "" as null.

    Of an answer without rows, all that it says.
    """

    def mangle(rows: list[Any]) -> None:
        chosen = fault.param("row", None)
        for index, row in enumerate(rows):
            if chosen in (None, index):
                rows[index] = _otherwise(row)

    answer = work()
    if isinstance(answer.payload, dict) and not any(isinstance(answer.payload.get(name), list) for name in LISTS):
        answer.payload = _otherwise(answer.payload)
        return write(answer, call.shop)
    return _with_rows(call, lambda: answer, lambda name, rows: mangle(rows))


def _otherwise(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _otherwise(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_otherwise(item, key) for item in value]
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return str(value)
    if key.endswith("Id") and isinstance(value, str) and value.isdigit():
        return int(value)
    return None if value == "" else value


def _unreadable_row(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    """One row whose `field` holds nonsense; the others are as they should be."""

    def spoil(name: str, rows: list[Any]) -> None:
        index = int(fault.param("row", 0))
        if index < len(rows):
            field = str(fault.param("field", KNOWN_ROW_FIELDS[name]))
            rows[index] = rows[index] | {field: fault.param("value", {"nonsense": [None, {}]})}

    return _with_rows(call, work, spoil)


def _reordered_page(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    return _with_rows(call, work, lambda name, rows: rows.reverse())


def _repeated_page(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    answer = work()
    if call.has_page_before:
        call.repeats_page = True
        answer = work()
        call.repeats_page = False
    return write(answer, call.shop)


def _looping_page(fault: Fault, call: ApiCall, work: Work) -> HttpResponseBase:
    answer = work()
    if isinstance(answer.payload, dict):
        answer.payload["next"] = "?" + (call.request.GET.urlencode() or "limit=1")
    return write(answer, call.shop)


def _with_rows(call: ApiCall, work: Work, spoil: Callable[[str, list[Any]], None]) -> HttpResponseBase:
    answer = work()
    if isinstance(answer.payload, dict):
        for name in LISTS:
            if isinstance(answer.payload.get(name), list):
                spoil(name, answer.payload[name])
    return write(answer, call.shop)


# --- the wire ----------------------------------------------------------------------------------
def _breaking_off(request: HttpRequest) -> HttpResponseBase:
    """No answer at all: the line is dead before the first byte."""

    def body() -> Iterator[bytes]:
        hang_up(request)
        yield b""

    return StreamingHttpResponse(body())


def hang_up(request: HttpRequest) -> None:
    """End the connection. Django's server and gunicorn both take this error for a client that went away."""
    connection = _socket(request)
    if connection is not None:
        with contextlib.suppress(OSError):
            # A linger time of nothing: what is still unsent is thrown away.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError(errno.ECONNRESET, "The sandbox hung up, as a lever told it to.")


def _socket(request: HttpRequest) -> socket.socket | None:
    """The connection below a request, where the server lets us have it: gunicorn names it, Django's hides it."""
    if "gunicorn.socket" in request.META:
        connection: socket.socket = request.META["gunicorn.socket"]
        return connection
    stream: Any = request.META.get("wsgi.input")
    for name in ("_read", "__self__", "raw", "_sock"):
        stream = getattr(stream, name, None)
    return stream if isinstance(stream, socket.socket) else None


SPOILERS: dict[str, Spoiler] = {
    Fault.Kind.SLOW: _slow,
    Fault.Kind.STATUS: _status,
    Fault.Kind.REFUSED: _refused,
    Fault.Kind.HTML: _html,
    Fault.Kind.EMPTY: _empty,
    Fault.Kind.TRUNCATED: _truncated,
    Fault.Kind.CUT_OFF: _cut_off,
    Fault.Kind.RESET: _reset,
    Fault.Kind.LOST_ANSWER: _lost_answer,
    Fault.Kind.LATE: _late,
    Fault.Kind.HALF_DONE: _half_done,
    Fault.Kind.WRONG_TYPES: _wrong_types,
    Fault.Kind.UNREADABLE_ROW: _unreadable_row,
    Fault.Kind.REPEATED_PAGE: _repeated_page,
    Fault.Kind.REORDERED_PAGE: _reordered_page,
    Fault.Kind.LOOPING_PAGE: _looping_page,
    Fault.Kind.REDIRECT: _redirect,
    Fault.Kind.HUGE: _huge,
}
