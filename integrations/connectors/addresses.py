"""Which addresses we may call: a Base URL is a stranger's input.

Two looks, and both are needed. `check_address` reads the text, when a form is saved and before every call. `is_public`
judges the numbers a name leads to, just before the socket is opened (see `transport.py`), because a name may lead
elsewhere a second later.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# A browser takes a host whose last label is a number for an IPv4 address: 127.1, 2130706433, 0x7f.1, 0177.0.0.1.
_NUMERIC = re.compile(r"\d+|0x[0-9a-f]*")
_INNER_ENDINGS = (
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "home.arpa",
    "onion",
)

# What `ipaddress` calls global in one Python or another, although it leads back inside or carries another address.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "100.64.0.0/10",  # shared by carriers; Alibaba's machines ask 100.100.100.200 for their keys
        "161.26.0.0/16",  # IBM's own services, for its machines alone
        "166.8.0.0/14",  # the same
        "168.63.129.16/32",  # Azure's host below each of its machines, which hands out certificates and settings
        "192.0.0.0/24",  # protocol assignments; Oracle's machines ask 192.0.0.192 for their keys
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "199.36.153.4/30",  # Google's own services, for its machines alone
        "199.36.153.8/30",  # the same
        "240.0.0.0/4",  # reserved
        "64:ff9b::/96",  # NAT64, carries an IPv4 address
        "64:ff9b:1::/48",  # NAT64 of one network
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, carries an IPv4 address
        "3fff::/20",  # documentation
    )
)
# Behind these clouds serve a machine's own keys, besides link-local addresses.
_KEYS = tuple(
    ipaddress.ip_address(address)
    for address in ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")


def check_address(url: str, *, allow_private: bool | None = None) -> None:
    """Raise `ValueError` with a sentence where the text of a Base URL is not one we may call.

    `allow_private` (default: the setting `ALLOW_PRIVATE_SHOP_ADDRESSES`) lets http and inner hosts pass, for the demo
    and the tests. Opens no connection and asks no name server.
    """
    if allow_private is None:
        allow_private = settings.ALLOW_PRIVATE_SHOP_ADDRESSES
    parts = _split(url)
    _refuse_extras(url, parts.netloc)
    _refuse_scheme(parts.scheme, allow_private)
    host = _host(parts)
    if not allow_private:
        _refuse_inner(host)


def is_public(address: str) -> bool:
    """Whether an IP address (as text, of a resolver) lies in the open internet, and carries no other address in it."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if ip.version == 6 and ip not in _GLOBAL_IPV6:
        return False
    if not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_unspecified:
        return False
    return not any(ip in network for network in _NOT_PUBLIC if network.version == ip.version)


def serves_keys(address: str) -> bool:
    """Whether an IP address (as text, of a resolver) is one behind which clouds serve a machine's own keys."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_link_local or ip in _KEYS


def _split(url: str) -> SplitResult:
    if not url:
        raise ValueError(_("The address is empty."))
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\<>"'):
        raise ValueError(_("The address contains a character that does not belong there."))
    try:
        return urlsplit(url)
    except ValueError:
        raise ValueError(_("This is not a web address.")) from None


def _refuse_extras(url: str, place: str) -> None:
    if "@" in place:
        raise ValueError(_("The address contains a user name or password. Leave out everything up to the @."))
    if "?" in url:
        raise ValueError(_("Leave out the question mark and everything after it."))
    if "#" in url:
        raise ValueError(_("Leave out the # and everything after it."))


def _refuse_scheme(scheme: str, allow_private: bool) -> None:
    if scheme not in ("https", "http"):
        raise ValueError(_("The address must begin with https://."))
    if scheme == "http" and not allow_private:
        raise ValueError(_("The address must begin with https://, so that the key travels encrypted."))


def _host(parts: SplitResult) -> str:
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(_("The number after the colon is not a port.")) from None
    if not host:
        raise ValueError(_("The address names no host."))
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(_("The number after the colon is not a port."))
    return host


def _refuse_inner(host: str) -> None:
    if host.endswith("."):
        raise ValueError(_("Leave out the dot at the end of the host name."))
    if ":" in host or _NUMERIC.fullmatch(host.rpartition(".")[2]):
        raise ValueError(_("The address must name its host; a number (IP address) is not accepted."))
    if len(host) > 253 or not _HOST_NAME.fullmatch(host):
        raise ValueError(_("The host name of the address is not a valid one."))
    if "." not in host or host.endswith(tuple(f".{ending}" for ending in _INNER_ENDINGS)):
        raise ValueError(_("The address leads into a private network, and those are not called from here."))
