"""The session against a shop that misbehaves in every way we could think of, on real sockets."""

import datetime
import gzip
import logging
import socket
import ssl
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import LazySettings

from integrations.connectors.errors import (
    BadCredentials,
    NotAllowed,
    Rejected,
    ShopError,
    Unavailable,
    Unreadable,
    WrongAddress,
)
from integrations.connectors.http import Network, Session, wait_asked_for
from integrations.connectors.transport import dial
from tests.connectors.hostile import (
    Behaviour,
    Hostile,
    answer,
    busy,
    cut_off,
    drip,
    html,
    huge,
    redirect,
    reset,
    retry_after_spellings,
    says,
    silent,
    truncated_json,
)

SECRET = "s3cr3t-Of-Nordlys-0815"
GOOD = says({"status": "ok", "orders": []})


def open_session(url: str, **options: Any) -> Session:
    """A session with private addresses allowed and no patience."""
    patience: dict[str, Any] = {
        "sleep": lambda seconds: None,
        "total_seconds": 5.0,
        "read_seconds": 0.3,
        "network": Network(allow_private=True),
    }
    return Session(url, "API-Authorization", SECRET, **(patience | options))


def read_from(*behaviours: Behaviour, **options: Any) -> Any:
    with Hostile(*behaviours) as shop, open_session(shop.url, **options) as session:
        return session.read("/orders", {"limit": 1})


def write_to(*behaviours: Behaviour, **options: Any) -> Any:
    with Hostile(*behaviours) as shop, open_session(shop.url, **options) as session:
        return session.write("PUT", "/shipment", {"order": 1})


# --- how the shop is named -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://nordlys.centra.com/api/x", "nordlys.centra.com"),
        ("https://nordlys.centra.com:443/api/x", "nordlys.centra.com"),
        ("http://127.0.0.1:80/api/x", "127.0.0.1"),
        ("https://Nordlys.centra.com:8443/api/x", "nordlys.centra.com:8443"),
        ("http://nordlys.centra.com:443/api/x", "nordlys.centra.com:443"),
        ("http://kim:geheim@127.0.0.1:8001/api/x", "127.0.0.1:8001"),
        ("http://[::1]:8001/api/x", "[::1]:8001"),
        ("http://[::80]/api/x", "[::80]"),
    ],
)
def test_a_shop_is_named_with_its_port_where_that_is_not_the_usual_one(address: str, name: str) -> None:
    assert open_session(address).host == name


def test_an_error_names_the_port() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    with open_session(f"http://127.0.0.1:{port}/api/x") as session, pytest.raises(Unavailable) as caught:
        session.read("/orders")
    assert str(caught.value) == f"127.0.0.1:{port} does not accept connections."


# --- what is sent --------------------------------------------------------------------------


def test_a_read_sends_key_and_parameters_and_hands_back_raw_members() -> None:
    with Hostile(GOOD) as shop, open_session(shop.url) as session:
        members = session.read("/orders", {"newer_than": "2026-03-14 09:05:00"})
    assert bytes(members["orders"]) == b"[]"
    (request,) = shop.seen
    assert request.method == "GET"
    assert request.target == "/api/order-api/orders?newer_than=2026-03-14+09%3A05%3A00"
    assert request.headers["api-authorization"] == SECRET


def test_a_write_sends_json() -> None:
    with Hostile(GOOD) as shop, open_session(shop.url) as session:
        session.write("POST", "/stock", {"products": []})
    (request,) = shop.seen
    assert request.headers["content-type"] == "application/json"
    assert request.json() == {"products": []}


def test_one_connection_serves_several_calls() -> None:
    dialled = []

    def remember(address: str, port: int, seconds: float) -> socket.socket:
        dialled.append(address)
        return dial(address, port, seconds)

    with Hostile(GOOD) as shop:
        network = Network(allow_private=True, dial=remember)
        with open_session(shop.url, network=network) as session:
            session.read("/orders")
            session.read("/orders")
    assert dialled == ["127.0.0.1"]
    assert len(shop.seen) == 2


def test_neither_the_proxy_nor_the_passwords_of_this_machine_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with Hostile(GOOD) as shop, open_session(shop.url) as session:
        session.read("/orders")
    assert "authorization" not in shop.seen[0].headers


def test_cookies_of_the_shop_are_not_sent_back() -> None:
    with Hostile(says({}, headers={"Set-Cookie": "track=1"})) as shop, open_session(shop.url) as session:
        session.read("/orders")
        session.read("/orders")
    assert "cookie" not in shop.seen[1].headers


# --- errors, translated --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        (html(), Unreadable, "web page"),
        (truncated_json(), Unreadable, "cut off"),
        (answer(b""), Unreadable, "nothing"),
        (answer(b"[1, 2]"), Unreadable, "not what it should be"),
        (answer(b"[" * 200_000), Unreadable, "not what it should be"),
        (answer(b'{"a": ' * 200_000), Unreadable, "not what it should be"),
        (cut_off(), Unavailable, "broke off"),
        (reset(), Unavailable, "broke off"),
        (silent(), Unavailable, "in time"),
        (answer(b"nonsense", headers={"Content-Encoding": "gzip"}), Unavailable, "broke off"),
        (says({}, 401), BadCredentials, "refused the key"),
        (html(401), BadCredentials, "refused the key"),
        (says({"status": "Not Allowed"}, 403), NotAllowed, "may not use GET /orders"),
        (says({"status": "no", "msg": "unauthorized"}, 403), BadCredentials, "refused the key"),
        (html(404), WrongAddress, "knows no"),
        (says({"status": "no", "msg": "not found"}, 404), WrongAddress, "knows no"),
        (html(400), Unreadable, "HTTP 400"),
        (html(500), Unavailable, "fault of its own"),
        (busy(429), Unavailable, "slow down"),
        (redirect("http://127.0.0.1:1/"), WrongAddress, "sends us on"),
        (redirect("not a place at all :// ["), WrongAddress, "sends us on"),
    ],
)
def test_a_read_that_fails_says_who_must_act(behaviour: Behaviour, error: type[ShopError], words: str) -> None:
    with pytest.raises(ShopError, match=words) as caught:
        read_from(behaviour)
    assert type(caught.value) is error


def test_not_allowed_names_the_endpoint_without_ids() -> None:
    with Hostile(says({}, 403)) as shop, open_session(shop.url) as session, pytest.raises(NotAllowed) as caught:
        session.write("DELETE", "/shipments/70412-1")
    assert caught.value.endpoint == "DELETE /shipments"


def test_a_refusal_in_the_shops_own_words_is_handed_on_whatever_its_http_code() -> None:
    assert bytes(read_from(says({"status": "no"}, 400))["status"]) == b'"no"'
    assert bytes(write_to(says({"status": "no"}, 404))["status"]) == b'"no"'


def test_a_redirect_is_not_followed_and_the_key_stays_here() -> None:
    with (
        Hostile(GOOD) as other,
        Hostile(redirect(other.url)) as shop,
        open_session(shop.url) as session,
        pytest.raises(WrongAddress),
    ):
        session.read("/orders")
    assert other.seen == []


def test_the_body_of_a_redirect_is_not_read() -> None:
    endless = drip()

    def redirect_with_a_drip(line: Any, over: Any) -> bool:
        line.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 1000000\r\n\r\n")
        return endless(line, over)

    with pytest.raises(WrongAddress):
        read_from(redirect_with_a_drip, total_seconds=1.0)


@pytest.mark.parametrize("in_head", [True, False], ids=["in the head", "in the body"])
def test_a_slow_drip_ends_when_the_time_is_used_up(in_head: bool) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="in time"):
        read_from(drip(in_head=in_head), total_seconds=0.6)
    assert time.monotonic() - started < 2


def test_an_answer_larger_than_allowed_is_left_alone() -> None:
    with pytest.raises(Unreadable, match="too large"):
        read_from(huge(megabytes=20), max_bytes=2 * 1024 * 1024, read_seconds=5)


def test_a_small_answer_that_unpacks_to_a_large_one_is_left_alone() -> None:
    packed = gzip.compress(b" " * 30_000_000)
    with pytest.raises(Unreadable, match="too large"):
        read_from(answer(packed, headers={"Content-Encoding": "gzip"}), max_bytes=1_000_000, read_seconds=5)


def test_one_letter_that_no_unicode_knows_does_not_spoil_the_page() -> None:
    broken = b'{"orders": [{"name": "\\ud83d"}, {"name": "\\ud83d\\ude00"}]}'
    members = read_from(answer(broken))
    assert bytes(members["orders"]) == b'[{"name": "\\ufffd"}, {"name": "\\ud83d\\ude00"}]'


def test_a_byte_order_mark_does_no_harm() -> None:
    assert "status" in read_from(answer(b'\xef\xbb\xbf{"status": "ok"}'))


def test_a_host_that_refuses_connections_is_unavailable() -> None:
    with Hostile(GOOD) as shop:
        url = shop.url
    with open_session(url) as session, pytest.raises(Unavailable, match="does not accept connections"):
        session.read("/orders")


def test_a_name_that_leads_nowhere_is_unavailable() -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    network = Network(look_up=nowhere)
    with (
        open_session("https://nordlys.example/api/x", network=network) as session,
        pytest.raises(Unavailable, match="no host nordlys.example"),
    ):
        session.read("/orders")


# --- lost answers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [reset(), silent(), cut_off(), truncated_json(), html(), answer(b""), html(500), says({}, 503), drip()],
    ids=["reset", "silent", "cut off", "truncated", "web page", "empty", "500", "503", "drip"],
)
def test_a_write_whose_answer_is_lost_says_so_and_is_sent_once(behaviour: Behaviour) -> None:
    with (
        Hostile(behaviour) as shop,
        open_session(shop.url, total_seconds=0.6) as session,
        pytest.raises(Unavailable) as caught,
    ):
        session.write("POST", "/shipments", {"order": 1})
    assert caught.value.lost_answer
    assert len(shop.seen) == 1


def test_a_write_that_never_left_is_not_lost() -> None:
    with Hostile(GOOD) as shop:
        url = shop.url
    with open_session(url) as session, pytest.raises(Unavailable) as caught:
        session.write("PUT", "/shipment", {})
    assert not caught.value.lost_answer


def test_a_write_turned_away_for_haste_is_not_lost_and_not_repeated() -> None:
    with Hostile(busy(429, "1"), GOOD) as shop, open_session(shop.url) as session, pytest.raises(Unavailable) as caught:
        session.write("PUT", "/shipment", {})
    assert caught.value.retry_after == 1
    assert not caught.value.lost_answer
    assert len(shop.seen) == 1


def test_a_write_refused_without_words_is_rejected() -> None:
    with pytest.raises(Rejected, match="HTTP 418"):
        write_to(html(418))


def test_a_read_is_never_a_lost_answer() -> None:
    with pytest.raises(Unavailable) as caught:
        read_from(reset())
    assert not caught.value.lost_answer


# --- quick retry ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [busy(429), busy(502), busy(503), busy(504), reset(), cut_off()],
    ids=["429", "502", "503", "504", "reset", "cut off"],
)
def test_a_read_is_tried_again_within_seconds(behaviour: Behaviour, settings: LazySettings) -> None:
    settings.QUICK_RETRY_SECONDS = [0.5, 1.5]
    pauses: list[float] = []
    with Hostile(behaviour, behaviour, GOOD) as shop, open_session(shop.url, sleep=pauses.append) as session:
        session.read("/orders")
    assert len(shop.seen) == 3
    assert pauses == [0.5, 1.5]


def test_a_read_gives_up_after_the_third_try() -> None:
    with Hostile(busy(503)) as shop, open_session(shop.url) as session, pytest.raises(Unavailable):
        session.read("/orders")
    assert len(shop.seen) == 3


def test_a_short_wait_that_the_shop_asks_for_is_waited() -> None:
    pauses: list[float] = []
    read_from(busy(429, "3"), GOOD, sleep=pauses.append)
    assert pauses == [3]


@pytest.mark.parametrize("spelling", range(3), ids=["seconds", "date", "timestamp"])
def test_a_long_wait_that_the_shop_asks_for_goes_up_in_each_of_three_spellings(spelling: int) -> None:
    with (
        Hostile(busy(429, retry_after_spellings(900)[spelling])) as shop,
        open_session(shop.url) as session,
        pytest.raises(Unavailable) as caught,
    ):
        session.read("/orders")
    assert caught.value.retry_after == pytest.approx(900, abs=5)
    assert len(shop.seen) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", 0),
        ("2.5", 2.5),
        ("999999999", 86_400),
        ("1" + "0" * 30, None),
        ("1700000060", 60),
        ("1700000060000", 60),
        ("1600000000", 0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tue, 14 Nov 2023 23:14:20 +0100", 60),
        ("Thu, 14 Nov 2024 22:14:20 GMT", 86_400),
        ("Mon, 14 Nov 2022 22:14:20 GMT", 0),
        ("Tue, 99 Nov 2023 22:14:20 GMT", None),
    ],
)
def test_retry_after_is_read_in_any_spelling(header: str, seconds: float | None) -> None:
    assert wait_asked_for(header, now=1_700_000_000) == seconds


def test_no_pause_outlasts_the_time_of_the_call() -> None:
    pauses: list[float] = []
    with pytest.raises(Unavailable):
        read_from(busy(503, "3"), sleep=pauses.append, total_seconds=2.0)
    assert pauses == []


# --- the caller's own deadline -------------------------------------------------------------


class Over(Exception):
    """What a run raises when its time is over."""


def test_the_caller_is_asked_before_every_network_call() -> None:
    calls = []

    def count() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Over

    with Hostile(busy(503)) as shop, open_session(shop.url, before_call=count) as session, pytest.raises(Over):
        session.read("/orders")
    assert len(shop.seen) == 2


def test_what_the_caller_raises_is_not_tried_again() -> None:
    calls = []

    def stop() -> None:
        calls.append(1)
        raise Unavailable("The turn is over.")

    with (
        Hostile(GOOD) as shop,
        open_session(shop.url, before_call=stop) as session,
        pytest.raises(Unavailable, match="turn"),
    ):
        session.read("/orders")
    assert (len(calls), shop.seen) == (1, [])


# --- secrets -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [
        html(),
        reset(),
        silent(),
        says({}, 401),
        says({}, 403),
        html(500),
        huge(3),
    ],
)
def test_no_error_no_traceback_and_no_log_line_holds_the_secret(
    behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Hostile(behaviour) as shop, open_session(shop.url, max_bytes=1024 * 1024) as session:
        with pytest.raises(ShopError) as caught:
            session.read("/orders")
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        told = "".join(shown.format()) + repr(caught.value) + str(vars(caught.value)) + repr(session)
    assert SECRET not in told.replace(f"SECRET = '{SECRET}'", "")
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "behaviour",
    [
        redirect(f"http://127.0.0.1/?{SECRET}"),
        answer(f"<{SECRET}>".encode()),
        answer(b"", headers={"Content-Length": SECRET}),
        answer(b"", headers={SECRET + " bad": "x"}),
        answer(b"", status=503, headers={"Retry-After": SECRET}),
    ],
)
def test_a_secret_that_the_shop_repeats_is_not_told_on(behaviour: Behaviour, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ShopError) as caught:
        read_from(behaviour)
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert SECRET not in caplog.text


@pytest.mark.parametrize("secret", ["", "  ", "two\nlines", "nör-dlys", "en–dash", "a b"])
def test_a_key_that_no_header_can_carry_is_refused_before_anything_is_sent(secret: str) -> None:
    with Hostile(GOOD) as shop:
        session = Session(shop.url, "API-Authorization", secret, network=Network(allow_private=True))
        with session, pytest.raises(BadCredentials) as caught:
            session.read("/orders")
    assert shop.seen == []
    assert not secret.strip() or secret not in str(caught.value)


def test_blanks_around_the_key_are_not_sent() -> None:
    with (
        Hostile(GOOD) as shop,
        Session(shop.url, "API-Authorization", f" {SECRET}\n", network=Network(allow_private=True)) as session,
    ):
        session.read("/orders")
    assert shop.seen[0].headers["api-authorization"] == SECRET


def test_a_secret_that_comes_back_is_blotted_out() -> None:
    with open_session("http://127.0.0.1/api/x") as session:
        assert session.redact(f"the key {SECRET} is bad") == "the key ••• is bad"


# --- encryption ----------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate for shop.nordlys.example, and the file that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.nordlys.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.nordlys.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    trusted, private = tmp_path / "trusted.pem", tmp_path / "private.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return context, str(trusted)


def encrypted_session(shop: Hostile, host: str, certificates: str | None, **options: Any) -> Session:
    """A session whose name server leads every name to the loopback shop."""
    network = Network(allow_private=True, look_up=lambda host, port: ["127.0.0.1"])
    url = f"https://{host}:{shop.port}/api/order-api"
    return open_session(url, certificates=certificates, network=network, **({"read_seconds": 2.0} | options))


def test_an_encrypted_call_checks_the_certificate_against_the_name(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, trusted = certificate
    with Hostile(GOOD, tls=context) as shop, encrypted_session(shop, "shop.nordlys.example", trusted) as session:
        session.read("/orders")
    assert shop.seen[0].headers["host"] == f"shop.nordlys.example:{shop.port}"


def test_a_certificate_for_another_name_gets_no_key(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, trusted = certificate
    with (
        Hostile(GOOD, tls=context) as shop,
        encrypted_session(shop, "other.nordlys.example", trusted) as session,
        pytest.raises(Unavailable, match="certificate") as caught,
    ):
        session.write("PUT", "/capture", {})
    assert not caught.value.lost_answer
    assert shop.seen == []


def test_a_certificate_that_nobody_trusts_gets_no_key(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, _trusted = certificate
    with (
        Hostile(GOOD, tls=context) as shop,
        encrypted_session(shop, "shop.nordlys.example", None) as session,
        pytest.raises(Unavailable, match="certificate"),
    ):
        session.read("/orders")
    assert shop.seen == []


def test_an_encrypted_drip_ends_too(certificate: tuple[ssl.SSLContext, str]) -> None:
    context, trusted = certificate
    started = time.monotonic()
    with (
        Hostile(drip(), tls=context) as shop,
        encrypted_session(shop, "shop.nordlys.example", trusted, total_seconds=0.8) as session,
        pytest.raises(Unavailable, match="in time") as caught,
    ):
        session.write("PUT", "/capture", {})
    assert caught.value.lost_answer
    assert time.monotonic() - started < 3
