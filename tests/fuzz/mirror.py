"""Stands between the portal and the sandbox, and changes what the shop answers to GET; writes pass as they are."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.fuzz.mutate import Mutation


class Mirror:
    """`with Mirror(address) as mirror:` serves at `mirror.url`; changes nothing where `seed` is None.

    `changed` counts the answers that were changed, by the last part of their path.
    """

    def __init__(self, target: str) -> None:
        self.target, self.seed, self.rate = target, None, 0.05
        self.changed: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    seed: int | None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/order-api"

    def spoil(self, path: str, content: bytes) -> bytes:
        if self.seed is None:
            return content
        mutation = Mutation(self.seed, self.rate)
        self.seed += 1
        self.changed[path.partition("?")[0].rpartition("/")[2]] += 1
        answer: Any = json.loads(content)
        return mutation.content(mutation.of(answer))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            headers = {name: word for name, word in self.headers.items() if name not in ("Host", "Accept-Encoding")}
            address = mirror.target + self.path.removeprefix("/api/order-api")
            asked = urllib.request.Request(address, data=body, headers=headers, method=self.command)
            try:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    status, content = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                status, content = error.code, error.read()
            if self.command == "GET":
                content = mirror.spoil(self.path, content)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
