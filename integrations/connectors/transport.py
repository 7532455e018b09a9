"""The wire under `http.py`: every connection goes to an address that was looked up, judged and then dialled, once.

    name ──look up──▶ addresses ──all public?──▶ dial that very address ──TLS checked against the name──▶ call

A name server that answers differently the second time gains nothing, for there is no second time. Every send and
receive asks the call's `Budget` how much time is left, so that a shop that drips bytes ends like a silent one.
"""

import logging
import socket
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

from integrations.connectors.addresses import is_public, serves_keys
from integrations.connectors.errors import WrongAddress

# It logs answers whose head it cannot parse, word for word, and a shop may repeat the key there.
logging.getLogger("urllib3.connection").addFilter(lambda record: False)


def look_up(host: str, port: int) -> list[str]:
    """The addresses a name leads to, as text, in the resolver's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_rest, address in found))


def dial(address: str, port: int, seconds: float) -> socket.socket:
    """A socket connected to one numeric address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    line = _TimedSocket(family, socket.SOCK_STREAM)
    try:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.settimeout(seconds)
        line.connect((address, port))
    except BaseException:
        line.close()
        raise
    return line


class Budget:
    """The time one call may take, connecting, sending and reading together, and whether anything of it was sent."""

    def __init__(self) -> None:
        self._ends_at = 0.0
        self._patience = 0.0
        self.has_sent = False

    def start(self, total: float, patience: float) -> None:
        """Begin a call of at most `total` seconds, in which no single silence lasts longer than `patience` seconds."""
        self._ends_at = time.monotonic() + total
        self._patience = patience

    def left(self) -> float:
        """Seconds until the call must be over, never below zero."""
        return max(0.0, self._ends_at - time.monotonic())

    def next_wait(self) -> float:
        """How long the next send or receive may block; raises `TimeoutError` when the time is used up."""
        left = self.left()
        if not left:
            raise TimeoutError("the call took too long")
        return min(left, self._patience)


class _TimedSocket(socket.socket):
    """A plain socket that asks the budget before it blocks."""

    budget: Budget | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if self.budget:
            self.settimeout(self.budget.next_wait())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        if self.budget:
            self.settimeout(self.budget.next_wait())
            self.budget.has_sent = True
        super().sendall(*args, **kwargs)


class _TimedTLSSocket(ssl.SSLSocket):
    """The same for TLS, where `sendall` is a loop of `send`."""

    budget: Budget | None = None

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if self.budget:
            self.settimeout(self.budget.next_wait())
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        if self.budget:
            self.settimeout(self.budget.next_wait())
            self.budget.has_sent = True
        return super().send(*args, **kwargs)


@dataclass(frozen=True)
class Network:
    """How names are looked up and addresses dialled, and whether private ones are allowed."""

    allow_private: bool = False
    look_up: Callable[[str, int], Sequence[str]] = look_up
    dial: Callable[[str, int, float], socket.socket] = dial

    def reach(self, host: str, port: int, seconds: float, budget: Budget) -> socket.socket:
        """A socket to the first address that answers, each tried for `seconds`; all of them must be allowed.

        Raises `WrongAddress`, or `OSError` where nothing answers.
        """
        addresses = self.look_up(host, port)
        # Where a cloud machine's own keys are handed out is never a shop, whatever the setting.
        if any(map(serves_keys, addresses)) or (not self.allow_private and not all(map(is_public, addresses))):
            raise WrongAddress(
                _("%(host)s leads into a private network, and those are not called from here.") % {"host": host}
            )
        failure = OSError("the name leads to no address")
        for address in addresses:
            try:
                return self.dial(address, port, min(seconds, budget.next_wait()))
            except OSError as error:
                failure = error
        raise failure


class GuardedAdapter(HTTPAdapter):
    """The `requests` adapter whose every connection is made by `Network.reach` and timed by one `Budget`."""

    def __init__(self, network: Network, budget: Budget) -> None:
        self._pools = _pools(network, budget)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        context = create_urllib3_context()
        context.sslsocket_class = _TimedTLSSocket
        super().init_poolmanager(connections, maxsize, block, ssl_context=context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def close(self) -> None:
        """Close the connections now; the library leaves it to the garbage collector, which is in no hurry."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 (no mapping: iterating it is an error)
            if pool := self.poolmanager.pools.get(key):
                pool.close()
        super().close()


def _pools(network: Network, budget: Budget) -> dict[str, type[HTTPConnectionPool]]:
    """The connection pools of one session; classes, for urllib3 offers no other way to hand a connection its maker."""

    def open_line(connection: HTTPConnection) -> socket.socket:
        seconds = float(connection.timeout or 0)
        try:
            line = network.reach(connection.host, connection.port, seconds, budget)
        except socket.gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(connection, "no answer to the attempt to connect") from error
        except OSError as error:
            raise NewConnectionError(connection, "could not connect") from error
        sys.audit("http.client.connect", connection, connection.host, connection.port)
        return line

    def put_under_budget(connection: HTTPConnection) -> None:
        if isinstance(connection.sock, _TimedSocket | _TimedTLSSocket):
            connection.sock.budget = budget

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return open_line(self)

        def connect(self) -> None:
            super().connect()
            put_under_budget(self)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return open_line(self)

        def connect(self) -> None:
            super().connect()
            put_under_budget(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}
