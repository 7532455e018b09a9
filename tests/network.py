"""No test talks to anybody outside this machine: the call is refused, whatever makes it of that, and the test fails.

Python itself tells of every connection and every look-up of a name, in every thread. What a database driver in C or a
process of its own does is not seen; their addresses are the tests' own.
"""

import ipaddress
import sys
from collections.abc import Iterator
from typing import Any

import pytest

HOST = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}
_outside: list[str] = []


def is_inside(host: object, *, is_look_up: bool = False) -> bool:
    """Loopback, a socket in the file system, or what is no host at all. To look up a number asks nobody."""
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if not isinstance(host, str) or host.rstrip(".").lower() in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return is_look_up or bool(mapped.is_loopback)


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if event not in HOST:
        return
    where = args[HOST[event]]
    is_look_up = HOST[event] == 0
    if not is_look_up:  # a pair or more for the internet, a path for the file system
        if not isinstance(where, tuple):
            return
        where = where[0]
    if not is_inside(where, is_look_up=is_look_up):
        _outside.append(f"{event} {where!r}")
        raise OSError(f"{event}: a test may not reach {where!r}")


sys.addaudithook(_watch)


def told() -> list[str]:
    """Who was to be reached since this was last asked."""
    found = _outside[:]
    del _outside[: len(found)]
    return found


def fail_if_told() -> None:
    found = told()
    assert not found, f"outside of this machine: {found}"


@pytest.fixture(autouse=True)
def nobody_outside() -> Iterator[None]:
    """Fails the test in which, or before which, somebody outside was to be reached."""
    yield
    fail_if_told()
