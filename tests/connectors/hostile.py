"""A shop that misbehaves, on a loopback socket: the answers no framework would let you give.

    with Hostile(html()) as shop:
        Session(shop.url, "Key", "secret").read("/orders")      # raises Unreadable

Each call takes the next behaviour of the list; the last one is repeated. What arrived is in `shop.seen`.
"""

import contextlib
import email.utils
import json
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; header names in small letters."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        return json.loads(self.body)


# A behaviour answers one request on the socket and says whether the connection may be used again.
Behaviour = Callable[[socket.socket, threading.Event], bool]


class Hostile:
    """A server on 127.0.0.1 with a list of behaviours; speaks TLS where a context is given."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.behaviours = list(behaviours)
        self.seen: list[Seen] = []
        self._over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.shop = self
        self._server.tls = tls
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/order-api"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, line: socket.socket) -> None:
        """Answer requests on one connection until a behaviour or the client ends it."""
        with line.makefile("rb") as reader:
            while (request := _request(reader)) is not None:
                self.seen.append(request)
                behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
                if not behaviour(line, self._over):
                    return


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    block_on_close = True
    allow_reuse_address = True
    shop: Hostile
    tls: ssl.SSLContext | None


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        # A client that hangs up, or refuses our certificate, is what many of these tests are about.
        with contextlib.suppress(OSError):
            if self.server.tls is None:
                self.server.shop.serve(self.request)
                return
            with self.server.tls.wrap_socket(self.request, server_side=True) as line:
                self.server.shop.serve(line)


def _request(reader: Any) -> Seen | None:
    start = reader.readline().decode().split()
    if len(start) != 3:
        return None
    headers: dict[str, str] = {}
    while (header := reader.readline().decode().strip()) != "":
        name, _colon, value = header.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Seen(start[0], start[1], headers, reader.read(int(headers.get("content-length", "0"))))


# --- behaviours ----------------------------------------------------------------------------


def answer(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """A whole answer, well-formed as HTTP."""

    def behave(line: socket.socket, over: threading.Event) -> bool:
        line.sendall(_head(status, {"Content-Length": str(len(content)), **(headers or {})}) + content)
        return True

    return behave


def says(what: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """JSON."""
    return answer(json.dumps(what).encode(), status, {"Content-Type": "application/json", **(headers or {})})


def html(status: int = 200) -> Behaviour:
    """A web page, as a maintenance notice or a log-in form would be."""
    return answer(b"<!doctype html><title>Back soon</title>", status, {"Content-Type": "text/html"})


def truncated_json() -> Behaviour:
    """JSON that ends in the middle, although HTTP is content."""
    return answer(b'{"status": "ok", "orders": [{"orderId": "70')


def cut_off() -> Behaviour:
    """Fewer bytes than promised, then the end."""

    def behave(line: socket.socket, over: threading.Event) -> bool:
        line.sendall(_head(200, {"Content-Length": "5000"}) + b'{"status": "ok"')
        return False

    return behave


def reset() -> Behaviour:
    """The connection is torn down in place of an answer."""

    def behave(line: socket.socket, over: threading.Event) -> bool:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    return behave


def silent() -> Behaviour:
    """No answer at all."""

    def behave(line: socket.socket, over: threading.Event) -> bool:
        over.wait(30)
        return False

    return behave


def drip(seconds: float = 0.02, *, in_head: bool = False) -> Behaviour:
    """One byte at a time, never ending, each within any read time-out."""

    def behave(line: socket.socket, over: threading.Event) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: " if in_head else _head(200, {"Content-Length": "1000000"}))
        while not over.wait(seconds):
            line.sendall(b" ")
        return False

    return behave


def redirect(to: str, status: int = 302) -> Behaviour:
    return answer(b"", status, {"Location": to})


def huge(megabytes: int) -> Behaviour:
    """A JSON text without end, in chunks."""

    def behave(line: socket.socket, over: threading.Event) -> bool:
        line.sendall(_head(200, {"Transfer-Encoding": "chunked"}))
        block = b"x" * (1024 * 1024)
        for _number in range(megabytes):
            line.sendall(f"{len(block):x}\r\n".encode() + block + b"\r\n")
        line.sendall(b"0\r\n\r\n")
        return True

    return behave


def busy(status: int = 429, retry_after: str = "") -> Behaviour:
    return says({"status": "no"}, status, {"Retry-After": retry_after} if retry_after else {})


def retry_after_spellings(seconds: int) -> list[str]:
    """The same wait as seconds, as HTTP date and as Unix timestamp."""
    moment = time.time() + seconds
    return [str(seconds), email.utils.formatdate(moment, usegmt=True), str(round(moment))]


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
