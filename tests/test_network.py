"""That no test talks to the world: what would is refused, told, and fails the test."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests import network


def connect(host: str) -> None:
    with socket.socket() as line:
        line.connect((host, 9))


def send() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as line:
        line.sendto(b"x", ("192.0.2.1", 9))


CALLS: list[tuple[Callable[[], object], str]] = [
    (lambda: connect("192.0.2.1"), "socket.connect '192.0.2.1'"),
    (lambda: connect("10.0.0.5"), "socket.connect '10.0.0.5'"),
    (send, "socket.sendto '192.0.2.1'"),
    (lambda: socket.getaddrinfo("nordlys.example", 443), "socket.getaddrinfo 'nordlys.example'"),
    (lambda: socket.gethostbyname("nordlys.example"), "socket.gethostbyname 'nordlys.example'"),
]


@pytest.mark.parametrize(("call", "words"), CALLS, ids=[words for _call, words in CALLS])
def test_who_is_outside_is_not_reached_but_told(call: Callable[[], object], words: str) -> None:
    with pytest.raises(OSError, match="a test may not reach"):
        call()
    assert network.told() == [words]


def test_a_thread_that_swallows_the_refusal_is_told_of_too() -> None:
    def try_it() -> None:
        with suppress(OSError):
            connect("192.0.2.1")

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    assert network.told() == ["socket.connect '192.0.2.1'"]


def test_this_machine_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    socket.getaddrinfo("localhost", 80)
    socket.getaddrinfo("192.0.2.1", 80)  # a number: nobody is asked
    assert network.is_inside("::1")
    assert network.is_inside("::ffff:127.0.0.1")
    assert not network.is_inside("::ffff:10.0.0.5")
    assert network.told() == []


def test_the_test_fails_in_which_it_happened(request: pytest.FixtureRequest) -> None:
    assert "nobody_outside" in request.fixturenames
    with suppress(OSError):
        connect("192.0.2.1")
    with pytest.raises(AssertionError, match=r"outside of this machine: .*192\.0\.2\.1"):
        network.fail_if_told()
    network.fail_if_told()  # told once
