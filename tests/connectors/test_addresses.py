"""Which addresses are called: every spelling we know of one that must not be."""

import socket
from collections.abc import Sequence

import pytest

from integrations.connectors.addresses import check_address, is_public, serves_keys
from integrations.connectors.errors import WrongAddress
from integrations.connectors.http import Network, Session
from integrations.connectors.transport import dial
from tests.connectors.hostile import Hostile, says

GOOD = says({"status": "ok", "orders": []})


@pytest.mark.parametrize(
    "url",
    [
        "https://nordlys.centra.com/api/order-api",
        "https://nordlys.centra.com:8443/api/order-api/12",
        "https://NORDLYS.centra.com/api/x",
        "https://3fjord.example/api/x",
        "https://xn--fjrd-5qa.example/api/x",
    ],
)
def test_an_ordinary_address_passes(url: str) -> None:
    check_address(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nordlys.centra.com/api/x",
        "http://nordlys.centra.com/api/x",
        "ftp://nordlys.centra.com/api/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///api/x",
        "https:nordlys.centra.com/api/x",
        "https://nordlys.centra.com:0/api/x",
        "https://nordlys.centra.com:99999/api/x",
        "https://nordlys.centra.com:/api/x",
        "https://nordlys.centra.com:https/api/x",
        "https://me@nordlys.centra.com/api/x",
        "https://me:pass@nordlys.centra.com/api/x",
        "https://@nordlys.centra.com/api/x",
        "https://nordlys.centra.com\\@127.0.0.1/api/x",
        "https://nordlys.centra.com/api/x?limit=1",
        "https://nordlys.centra.com/api/x?",
        "https://nordlys.centra.com/api/x#top",
        "https://nordlys.centra.com/api/x#",
        "https://nordlys.centra.com./api/x",
        "https://nordlys centra.com/api/x",
        "https://nordlys.cen\ttra.com/api/x",
        "https://nordlys.centra.com\r\nHost: inner/api/x",
        "https://nordlys.centra.com\0.evil.example/api/x",
        "https://127.0.0.1/api/x",
        "https://127.0.0.1./api/x",
        "https://127.1/api/x",
        "https://2130706433/api/x",
        "https://0x7f000001/api/x",
        "https://0x7f.0.0.1/api/x",
        "https://0X7F.1/api/x",
        "https://0177.0.0.1/api/x",
        "https://017700000001/api/x",
        "https://8.8.8.8/api/x",
        "https://10.0.0.5/api/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/api/x",
        "https://[::ffff:127.0.0.1]/api/x",
        "https://[::ffff:7f00:1]/api/x",
        "https://[fe80::1%25eth0]/api/x",
        "https://[2606:4700::1111]/api/x",
        "https://[::1/api/x",
        "https://[not-an-address]/api/x",
        "https://%31%32%37.0.0.1/api/x",
        "https://１２７.0.0.1/api/x",
        "https://127。0。0。1/api/x",
        "https://ⓛocalhost/api/x",
        "https://localhost/api/x",
        "https://LOCALHOST/api/x",
        "https://localhost./api/x",
        "https://shop.localhost/api/x",
        "https://localhost.localdomain/api/x",
        "https://intranet/api/x",
        "https://redis.internal/api/x",
        "https://printer.local/api/x",
        "https://router.home.arpa/api/x",
        "https://-nordlys.centra.com/api/x",
        "https://nordlys..centra.com/api/x",
        "https://.centra.com/api/x",
        "https://nord_lys.centra.com/api/x",
        f"https://{'a' * 64}.centra.com/api/x",
        f"https://{'a.' * 140}centra.com/api/x",
    ],
)
def test_an_address_that_must_not_be_called_is_refused_in_words(url: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        check_address(url, allow_private=False)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/sandbox/nordlys/api/order-api", "http://localhost:8000/api/x", "https://[::1]/api/x"]
)
def test_the_setting_lets_inner_addresses_pass(url: str) -> None:
    check_address(url, allow_private=True)


@pytest.mark.parametrize(
    "url",
    ["http://me:pass@127.0.0.1/api/x", "http://127.0.0.1/api/x?a=1", "http://127.0.0.1/api/x#a", "ftp://127.0.0.1/x"],
)
def test_the_setting_lets_nothing_else_pass(url: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        check_address(url, allow_private=True)


INNER = [
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.1",
    "161.26.0.10",
    "166.8.0.1",
    "166.11.255.254",
    "168.63.129.16",
    "199.36.153.4",
    "199.36.153.11",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:93.184.216.34",
    "64:ff9b::7f00:1",
    "64:ff9b::5db8:d822",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:5db8:d822::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2130706433",
    "not an address",
]


@pytest.mark.parametrize("address", INNER)
def test_an_address_inside_or_carrying_another_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "93.184.216.34",
        "1.1.1.1",
        "100.128.0.1",
        "172.32.0.1",
        "161.27.0.1",
        "166.12.0.1",
        "168.63.129.15",
        "168.63.129.17",
        "199.36.153.12",
        "2606:4700::1111",
    ],
)
def test_an_address_in_the_open_is_public(address: str) -> None:
    assert is_public(address)


class NameServer:
    """Answers from a list, one answer each time it is asked; the last is repeated."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Exchange:
    """Dials the loopback shop whatever number is asked for, and remembers which was."""

    def __init__(self, shop: Hostile) -> None:
        self.shop = shop
        self.dialled: list[str] = []

    def __call__(self, address: str, port: int, seconds: float) -> socket.socket:
        self.dialled.append(address)
        return dial("127.0.0.1", self.shop.port, seconds)


def call(names: NameServer, exchange: Exchange) -> None:
    """One call to a public name; plain text, for here it is the address that counts."""
    network = Network(allow_private=False, look_up=names, dial=exchange)
    with Session("https://nordlys.example/api/x", "Key", "secret", network=network, sleep=lambda s: None) as session:
        session.read("/orders")


@pytest.mark.parametrize("address", INNER)
def test_a_name_that_leads_inside_is_never_dialled(address: str) -> None:
    with Hostile(GOOD) as shop:
        exchange = Exchange(shop)
        with pytest.raises(WrongAddress, match="private network"):
            call(NameServer([address]), exchange)
    assert exchange.dialled == []


def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    with Hostile(GOOD) as shop:
        exchange = Exchange(shop)
        with pytest.raises(WrongAddress):
            call(NameServer(["93.184.216.34", "127.0.0.1"]), exchange)
    assert exchange.dialled == []


def test_the_refusal_does_not_tell_which_inner_address_it_was() -> None:
    with Hostile(GOOD) as shop, pytest.raises(WrongAddress) as caught:
        call(NameServer(["10.1.2.3"]), Exchange(shop))
    assert "10.1.2.3" not in str(caught.value)


def test_the_address_dialled_is_the_one_that_was_judged_though_the_name_server_changes_its_mind() -> None:
    """The first answer is public, every later one is loopback: who asks twice is led inside."""
    names = NameServer(["93.184.216.34"], ["127.0.0.1"])
    with Hostile(GOOD) as shop:
        exchange = Exchange(shop)
        network = Network(allow_private=False, look_up=names, dial=exchange)
        session = Session("https://nordlys.example/api/x", "Key", "secret", network=network, sleep=lambda s: None)
        # The shop speaks no TLS: the connection is made, the handshake fails, the next try asks anew.
        with session, pytest.raises(WrongAddress, match="private network"):
            session.read("/orders")
    assert exchange.dialled == ["93.184.216.34"]
    assert names.asked == 2
    assert shop.seen == []


def test_the_next_address_is_tried_where_the_first_does_not_answer() -> None:
    with Hostile(GOOD) as shop:
        names = NameServer(["::1", "127.0.0.1"])
        url = shop.url.replace("127.0.0.1", "nordlys.example")
        with Session(url, "Key", "secret", network=Network(allow_private=True, look_up=names)) as session:
            session.read("/orders")
    assert len(shop.seen) == 1


def test_an_address_saved_before_the_rules_is_not_called_either() -> None:
    session = Session("http://127.0.0.1:1/api/x", "Key", "secret", network=Network(allow_private=False))
    with session, pytest.raises(WrongAddress):
        session.read("/orders")


# Of Amazon, Google and most others, of Azure, Alibaba, Oracle; by IPv6 of Amazon, of Google.
KEYS = ["169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"]


@pytest.mark.parametrize("address", [*KEYS, "fe80::1", "fe80::a9fe:a9fe", *(f"::ffff:{one}" for one in KEYS[:4])])
def test_where_clouds_serve_keys_is_known_in_every_spelling(address: str) -> None:
    assert not is_public(address)
    assert serves_keys(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "192.0.2.1", "168.63.129.17"])
def test_other_addresses_serve_none(address: str) -> None:
    assert not serves_keys(address)


@pytest.mark.parametrize("address", KEYS)
def test_where_clouds_serve_keys_is_not_called_even_where_private_ones_are(address: str) -> None:
    network = Network(allow_private=True, look_up=lambda host, port: [address])
    session = Session("http://metadata.example/api/x", "Key", "secret", network=network)
    with session, pytest.raises(WrongAddress):
        session.read("/products")
