"""A Base URL is a stranger's input: every spelling of an inner address, at the form and at the call.

The spellings alone are judged in tests/connectors/test_addresses.py; here they go through the doors that people have.
"""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import sync
from integrations.connectors.errors import WrongAddress
from integrations.connectors.http import Network, Session
from integrations.models import Integration, SyncState
from merchants.models import Merchant
from products import refresh
from tests import factories
from tests.connectors.hostile import Hostile, redirect, says
from tests.integrations import filled
from tests.security.planted import TOKEN

ROOT = Path(__file__).resolve().parents[2]
HOSTS = [
    # IPv4, written in all the ways that some resolver or browser understands
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0X7F.1", "0177.0.0.1", "017700000001",
    "0177.0x0.0.1", "127.0.0.1.", "0", "0.0.0.0", "00000000", "0x0", "127.000.000.001", "127.0.0.01",
    "10.0.0.5", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "2852039166", "0xa9fea9fe",
    "0251.0376.0251.0376",
    "8.8.8.8", "224.0.0.1", "255.255.255.255",
    # IPv6, plain, mapped, carrying, with a zone
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25eth0]", "[fd00::1]", "[fec0::1]",
    "[2606:4700::1111]", "[::ffff:169.254.169.254]",
    # names that lead inside by themselves
    "localhost", "LOCALHOST", "localhost.", "shop.localhost", "localhost.localdomain", "intranet", "redis.internal",
    "metadata.google.internal", "printer.local", "router.home.arpa", "db.lan", "nas.home", "ad.corp", "x.onion",
    # letters that become others
    "%31%32%37.0.0.1", "１２７.0.0.1", "127。0。0。1", "ⓛocalhost", "loc\u00adalhost", "127.0.0.1%00.centra.com",
    # a login, a second host, a fragment, a backslash
    "nordlys.centra.com@127.0.0.1", "me:pass@nordlys.centra.com", "@127.0.0.1", "127.0.0.1#@nordlys.centra.com",
    "127.0.0.1?@nordlys.centra.com", "nordlys.centra.com\\@127.0.0.1", "127.0.0.1:80\\@nordlys.centra.com",
    "nordlys.centra.com:80@127.0.0.1:443", "127.0.0.1\t.centra.com", "127.0.0.1 .centra.com", "127.0.0.1\r\nHost: x",
    # what is no port
    "nordlys.centra.com:0", "nordlys.centra.com:99999", "nordlys.centra.com:-1", "nordlys.centra.com:https",
]  # fmt: skip
SCHEMES = [
    "http://nordlys.centra.com",
    "ftp://x.com",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "dict://x:11",
]
SCHEMES += [
    "unix:///var/run/redis.sock",
    "javascript:alert(1)",
    "//nordlys.centra.com",
    "https:/127.0.0.1",
    "https:127.1",
]
URLS = [f"https://{host}/api/order-api" for host in HOSTS] + [f"{start}/api/order-api" for start in SCHEMES]
REDIRECTS = (301, 302, 303, 307, 308)
_watched: list[list[tuple[str, Any]]] = []


def _watch(event: str, args: Any) -> None:
    if _watched and event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        _watched[-1].append((event, args[1:] if event == "socket.connect" else args))


sys.addaudithook(_watch)  # stays for the process; it counts only while somebody watches


@contextmanager
def watching() -> Iterator[list[tuple[str, Any]]]:
    """Every look-up of a name and every connection of this process, but to its database."""
    seen: list[tuple[str, Any]] = []
    _watched.append(seen)
    try:
        yield seen
    finally:
        _watched.pop()
        seen[:] = [(event, args) for event, args in seen if "5432" not in str(args)]


def open_session(shop: Hostile) -> Session:
    return Session(shop.url, "Key", TOKEN, network=Network(allow_private=True), sleep=lambda seconds: None)


def test_there_are_spellings_enough() -> None:
    assert len(set(URLS)) >= 80


def test_watching_sees_a_connection() -> None:
    with watching() as seen, Hostile(says({})) as shop, open_session(shop) as session:
        session.read("/orders")
    assert {event for event, _args in seen} == {"socket.connect", "socket.getaddrinfo"}


@pytest.mark.django_db
@pytest.mark.parametrize("act", ["save", "test"])
def test_no_spelling_passes_the_form_and_nobody_is_asked(
    page: Client, merchant: Merchant, settings: LazySettings, act: str
) -> None:
    """Neither saved nor tested; the sentence stands at the field; no name is looked up, no connection tried."""
    settings.ALLOW_PRIVATE_SHOP_ADDRESSES = False
    url = reverse("integrations:new", args=[merchant.pk, "centra"])
    for typed in URLS:
        with watching() as seen:
            answer = page.post(url, filled.form(merchant, base_url=typed, act=act))
        assert answer.status_code == 200, typed
        assert answer.context["form"].errors.get("base_url"), typed
        assert seen == [], typed
    assert not Integration.objects.exists()


@pytest.mark.django_db
def test_an_address_that_came_into_the_row_past_the_form_is_not_called_either(settings: LazySettings) -> None:
    """By a restored backup, or saved before a rule came."""
    settings.ALLOW_PRIVATE_SHOP_ADDRESSES = False
    integration = factories.integration()
    for typed in URLS:
        Integration.objects.filter(pk=integration.pk).update(base_url=typed.replace("\x00", ""))
        state = integration.state("refresh")
        state.ask(timezone.now(), "Kim")
        with watching() as seen:
            run = sync.run(state.pk, refresh.refresh)
        assert seen == [], typed
        assert run is not None
        assert run.outcome == "failed", typed
        assert SyncState.objects.get(pk=state.pk).attention == "wrong address", typed


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_redirect_leads_nowhere_and_the_key_is_sent_once(status: int, method: str) -> None:
    with Hostile(says({"status": "ok"})) as inner, Hostile(redirect(inner.url, status)) as shop:
        session = Session(shop.url, "Key", TOKEN, network=Network(allow_private=True), sleep=lambda seconds: None)
        with session, watching() as seen, pytest.raises(WrongAddress, match="another address"):
            session.read("/orders") if method == "GET" else session.write(method, "/orders", {"a": 1})
    assert inner.seen == []
    assert len(shop.seen) == 1
    assert len([event for event, _args in seen if event == "socket.connect"]) == 1


@pytest.mark.parametrize("headers", [{"Refresh": "0; url=http://169.254.169.254/"}, {"Content-Location": "http://x/"}])
def test_other_words_that_browsers_follow_are_not_followed(headers: dict[str, str]) -> None:
    with Hostile(says({"status": "ok"}, 200, headers)) as shop, open_session(shop) as session, watching() as seen:
        session.read("/orders")
    assert len([event for event, _args in seen if event == "socket.connect"]) == 1


@pytest.mark.parametrize(
    "answers",
    [
        [["93.184.216.34"], ["127.0.0.1"]],
        [["93.184.216.34", "10.0.0.1"]],
        [["10.0.0.1", "93.184.216.34"]],
        [["2606:4700::1111", "::1"]],
        [["::ffff:127.0.0.1"]],
        [["64:ff9b::7f00:1"]],
        [[]],
    ],
)
def test_a_name_server_that_changes_its_mind_never_leads_inside(answers: list[list[str]]) -> None:
    """Each dial goes to an address of the very answer that was judged."""
    judged, dialled = [], []

    def look_up(host: str, port: int) -> list[str]:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        judged.append(answer)
        return answer

    def dial(address: str, port: int, seconds: float) -> Any:
        dialled.append(address)
        raise ConnectionRefusedError

    network = Network(allow_private=False, look_up=look_up, dial=dial)
    session = Session("https://nordlys.example/api/x", "Key", TOKEN, network=network, sleep=lambda seconds: None)
    for _call in range(3):
        with session, pytest.raises(Exception, match="private network|does not accept|broke off|host"):
            session.read("/orders")
    assert set(dialled) <= {"93.184.216.34"}
    assert not dialled or judged[0] == ["93.184.216.34"]


# --- one door outwards -----------------------------------------------------------------------------

OUTWARD = {"requests", "urllib3", "http.client", "socket", "ftplib", "smtplib", "urllib.request", "httpx", "aiohttp"}
DOORS = {"integrations/connectors/http.py", "integrations/connectors/transport.py"}
MAIL = {"merchants/accounts.py", "merchants/mailing.py"}  # they name an error of the mail server's; Django sends


def test_nothing_else_of_ours_opens_a_connection() -> None:
    """Who wants to call a shop goes through the guard; a second door would have none."""
    others = []
    for app in ("merchants", "integrations", "products", "shipping", "orders"):
        for path in (ROOT / app).rglob("*.py"):
            names = {
                alias.name if isinstance(node, ast.Import) else str(node.module)
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            }
            where = str(path.relative_to(ROOT))
            if {
                name for name in names if name in OUTWARD or name.split(".")[0] in OUTWARD
            } and where not in DOORS | MAIL:
                others.append(where)
    assert others == []
