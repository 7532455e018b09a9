"""Nobody fills our memory: neither who sends a form nor a shop that answers without end."""

import gzip
import io
import json
import re
import socket
import threading
import time
import tracemalloc
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.urls import reverse

from integrations.connectors.errors import ShopError
from integrations.connectors.http import MAX_BYTES, Network, Session
from merchants.models import Merchant
from sandbox.models import OrderLine, Size
from tests.addresses import make_world, of, sandbox_urls, url_of
from tests.connectors.hostile import Behaviour, Hostile, drip, says
from tests.security.planted import TOKEN

MEBI = 1024 * 1024
LIMIT = 2 * MEBI


def endless(prefix: bytes, block: bytes, headers: str) -> Behaviour:
    """As fast as the line takes it, until the client hangs up."""

    def behave(line: socket.socket, over: threading.Event) -> bool:
        line.sendall(f"HTTP/1.1 200 OK\r\n{headers}\r\n".encode() + prefix)
        while not over.is_set():
            line.sendall(block)
        return False

    return behave


def chunked(size: int) -> bytes:
    return f"{size:x}\r\n".encode() + b"x" * size + b"\r\n"


ENDLESS = {
    "no end": endless(b"", b"x" * 65_536, "Connection: close\r\n"),
    "a gigabyte promised": endless(b"{", b" " * 65_536, "Content-Length: 1073741824\r\n"),
    "chunks": endless(b"", chunked(65_536), "Transfer-Encoding: chunked\r\n"),
    "small chunks": endless(b"", chunked(1) * 4096, "Transfer-Encoding: chunked\r\n"),
    "headers": endless(b"", b"X-More: y\r\n" * 1000, ""),
    "one long header": endless(b"X-Long: ", b"y" * 65_536, ""),
    "one long status": endless(b"", b"y" * 65_536, "HTTP/1.1 100 "),
    "go on, go on": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, "X: y\r\n"),
    "zeroes, packed": endless(gzip.compress(b" " * (8 * MEBI)), b"", "Content-Encoding: gzip\r\nConnection: close\r\n"),
}


@pytest.mark.parametrize("shape", list(ENDLESS))
def test_an_answer_without_end_takes_neither_memory_nor_time(shape: str) -> None:
    with Hostile(ENDLESS[shape]) as shop:
        session = Session(
            shop.url,
            "Key",
            TOKEN,
            network=Network(allow_private=True),
            total_seconds=2.0,
            read_seconds=0.5,
            max_bytes=LIMIT,
            sleep=lambda seconds: None,
        )
        tracemalloc.start()
        began = time.monotonic()
        try:
            with session, pytest.raises(ShopError):
                session.read("/orders")
            taken = time.monotonic() - began
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert taken < 5
    assert peak < 6 * LIMIT, f"{peak / MEBI:.1f} MiB for a limit of {LIMIT / MEBI:.0f}"


def test_a_drip_that_never_ends_is_ended_by_the_clock() -> None:
    with Hostile(drip(0.01)) as shop:
        began = time.monotonic()
        session = Session(shop.url, "Key", TOKEN, network=Network(allow_private=True), total_seconds=1.0)
        with session, pytest.raises(ShopError):
            session.read("/orders")
    assert time.monotonic() - began < 3


def test_deeply_nested_rows_are_refused_and_break_nothing() -> None:
    deep = b'{"status": "ok", "orders": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"

    def behave(line: socket.socket, over: threading.Event) -> bool:
        line.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(deep)}\r\n\r\n".encode() + deep)
        return True

    with Hostile(behave) as shop:
        session = Session(shop.url, "Key", TOKEN, network=Network(allow_private=True))
        with session, pytest.raises(ShopError):
            session.read("/orders")


def test_the_limits_of_a_call_in_use_are_sober(settings: LazySettings) -> None:
    assert MAX_BYTES <= 64 * MEBI
    assert settings.SHOP_TOTAL_SECONDS <= settings.LEASE_SECONDS / 2


def test_an_answer_within_the_limit_is_read() -> None:
    """Else the refusals above would show nothing."""
    rows = [{"sku": "x" * 1000} for _number in range(1000)]
    with Hostile(says({"status": "ok", "products": rows})) as shop:
        session = Session(shop.url, "Key", TOKEN, network=Network(allow_private=True), max_bytes=LIMIT)
        with session:
            assert len(json.loads(bytes(session.read("/products")["products"]))) == 1000


# --- what people send --------------------------------------------------------------------------------


def test_what_a_request_may_hold_is_bounded(settings: LazySettings) -> None:
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE <= 5 * MEBI
    assert settings.DATA_UPLOAD_MAX_NUMBER_FIELDS <= 5000
    assert settings.DATA_UPLOAD_MAX_NUMBER_FILES <= 10
    assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE <= 5 * MEBI


@pytest.mark.django_db
def test_a_body_that_is_too_large_and_too_many_fields_get_a_sentence(page: Client, merchant: Merchant) -> None:
    page.raise_request_exception = False
    url = reverse("merchants:company", args=[merchant.pk])
    for sent in ({"name": "x" * 6_000_000}, {f"f{number}": "x" for number in range(6000)}):
        answer = page.post(url, "&".join(f"{key}={value}" for key, value in sent.items()), FORM)
        assert answer.status_code == 400
        assert "Traceback" not in answer.content.decode()
    before = merchant.name
    merchant.refresh_from_db()
    assert merchant.name == before


FORM = "application/x-www-form-urlencoded"


def refuse_zero_bytes(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """As PostgreSQL does, whichever database this is."""
    assert not re.search(r"\\x00|\\\\u0000", repr(params)), sql
    return execute(sql, params, many, context)


@pytest.mark.django_db
@pytest.mark.parametrize("address", [one for one in of("merchant")], ids=lambda one: one.name)
def test_odd_bodies_are_no_fault_of_ours(address: Any) -> None:
    """Neither 500 nor a change: files, JSON, bytes that are no text, zero bytes, a body of another kind."""
    world = make_world()
    client = Client(raise_request_exception=False)
    client.force_login(world.owner)
    url = url_of(address, world)
    shop = world.integration.pk
    bodies = [
        (b"\xff\xfe\x00" * 10, FORM),
        (b'{"a": [1]}', "application/json"),
        (f"shop={shop}&q=%00&name=%00&act=%00&chosen=%00&status=%00&number=%00".encode(), FORM),
        (b"sku=%00&pieces=1&line=&price=&value=%00&answer=%00&cause=%00&act=save&pasted=%00%091", FORM),
        (f"shop={shop}&name=%ff%fe&sku=%ed%a0%80&act=save&value=%ff".encode(), FORM),
        (b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\ndata\r\n--x--\r\n",
         "multipart/form-data; boundary=x"),
        (b"no parts at all", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
    ]  # fmt: skip
    with connection.execute_wrapper(refuse_zero_bytes):
        for body, kind in bodies:
            answer = client.post(url, body, content_type=kind)
            assert answer.status_code < 500, (kind, body[:60])


ODD_WORDS = (
    "%00",
    "%ff",
    "99999999999999999999999",
    "-1",
    "%C2%B2",  # a digit to Python, and no number
    "%F0%9F%A6%84",
    "'\"><script>",
    "%ed%a0%80",
    "1e9",
    "9999-12-31",
    "0001-01-01",
    "x" * 5000,
)


@pytest.mark.django_db
@pytest.mark.parametrize("address", [one for one in of("merchant")], ids=lambda one: one.name)
def test_odd_words_in_an_address_are_no_fault_of_ours(address: Any) -> None:
    world = make_world()
    client = Client(raise_request_exception=False)
    client.force_login(world.owner)
    names = ("q", "page", "sort", "tab", "status", "since", "until", "cause", "show", "value", "warehouse", "origin")
    for odd in ODD_WORDS:
        words = "&".join(f"{name}={odd}" for name in names)
        for query in (words, f"{words}&shop={world.integration.pk}", f"{words}&shop={odd}&answer={odd}&ledger={odd}"):
            with connection.execute_wrapper(refuse_zero_bytes):
                answer = client.get(f"{url_of(address, world)}?{query}")
            assert answer.status_code < 500, query[:80]
            assert b"'\"><script>" not in answer.content


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ["%00", "9" * 23, "-1", "%C2%B2", "'\"><script>"])
def test_odd_words_are_no_fault_of_the_stand_in(odd: str) -> None:
    """In its addresses and in its forms, at every address of it."""
    addresses = sandbox_urls()
    client = Client(raise_request_exception=False)
    client.post(reverse("sandbox:sign_in"), {"user": "demo", "password": "demo"})
    size, line = Size.objects.get().pk, OrderLine.objects.get().pk
    reads = "&".join(f"{name}={odd}" for name in ("q", "page", "status", "state", "brand", "next", "limit", "created"))
    names = ("pieces", f"pieces-{size}", "name", "kind", "params", "times", "uri", "bearer", "stock", "shipment")
    form = "&".join(f"{name}={odd}" for name in names) + f"&size={size}&line={line}&act=cancel-pieces"
    with connection.execute_wrapper(refuse_zero_bytes):
        for route, address in addresses.items():
            shown = client.get(f"{address}?{reads}")
            assert shown.status_code < 500, route
            assert b"'\"><script>" not in shown.content, route
            assert "sign-in" not in shown.headers.get("Location", ""), route
            if not re.search("delete|remove|sign-out", route):
                assert client.post(address, form, FORM).status_code < 500, route


# --- files -------------------------------------------------------------------------------------------


class Pretended(io.RawIOBase):
    """A file of this size that takes no memory; counts what was read of it."""

    def __init__(self, size: int) -> None:
        self.left, self.taken = size, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = min(self.left, 65_536 if size < 0 else size)
        self.left, self.taken = self.left - size, self.taken + size
        return b"x" * size


@pytest.mark.parametrize("path", ["/accounts/login/", "/merchants/new/"])
@pytest.mark.django_db
def test_a_file_too_large_is_refused_before_it_is_read(path: str) -> None:
    """By anybody, anywhere: reading it to see the form's token would fill the disk."""
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.get("/accounts/login/")  # with its cookie the form is read, to find the token in it
    size = 1024 * MEBI
    body = Pretended(size)
    sent: dict[str, Any] = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": str(size)}
    answer = client.request(**{"PATH_INFO": path, "REQUEST_METHOD": "POST", "wsgi.input": body, **sent})
    assert answer.status_code == 400
    assert body.taken <= 2 * 65_536


@pytest.mark.django_db
def test_a_file_of_a_usual_size_passes_and_one_beyond_the_limit_does_not(settings: LazySettings, page: Client) -> None:
    settings.FILE_UPLOAD_MAX_SIZE = 100_000
    page.raise_request_exception = False
    for size, expected in ((90_000, 200), (100_001, 400)):
        file = io.BytesIO(b"x" * size)
        file.name = "products.csv"
        assert page.post("/merchants/new/", {"name": "", "file": file}).status_code == expected
