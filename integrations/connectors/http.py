"""One HTTP session with one shop: time-outs, quick retry of reads, redaction, and errors translated once.

    read   before_call ─▶ GET ─▶ answer          nothing, or "busy": pause a moment, at most twice more
    write  before_call ─▶ POST, PUT, DELETE ─▶ answer       never again by itself: its answer may only have got lost

The shop's answer is a JSON object, handed back as its raw members: one bad row does not spoil the others. What the
platform itself says in it (Centra's `status`) is read one floor up. Addresses are guarded in `transport.py`.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3
from django.conf import settings
from django.utils.translation import gettext as _
from requests.auth import AuthBase

from integrations.connectors import gate
from integrations.connectors.addresses import check_address
from integrations.connectors.errors import (
    BadCredentials,
    NotAllowed,
    Rejected,
    ShopError,
    Unavailable,
    Unreadable,
    WrongAddress,
)
from integrations.connectors.transport import Budget, GuardedAdapter, Network

__all__ = ["Answer", "Network", "Session", "check_address", "wait_asked_for"]

log = logging.getLogger(__name__)

Answer = dict[str, msgspec.Raw]

CONNECT_SECONDS = 5.0
MAX_BYTES = 64 * 1024 * 1024
LONGEST_PAUSE = 5.0  # what the shop may ask for and still be waited for here; longer waits are rows
# How shops put it that the key itself is no good, in the text of an answer.
KEY_REFUSED = re.compile(r"unauthori[sz]ed|not authori[sz]ed|(wrong|invalid|bad) (api[ -]?)?(key|secret|token)", re.I)
_DAY = 86_400.0
_LONE_SURROGATE = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..")


class Session:
    """Calls to one shop, one at a time; use it as a context manager.

    `header` and `secret` sign every call. `before_call` runs before every network call and may raise to stop it.
    `total_seconds` bounds a read with its repetitions, or a write, from connecting to the last byte (asking the name
    server comes on top, bounded by the system's resolver), `read_seconds` one silence; left out, the settings do.
    `max_bytes` bounds an answer, unpacked. `certificates` is a file of trusted certificates instead of the public ones;
    the rest is for tests.

    Raises `ShopError` and nothing else, but for what `before_call` raises; `Closed` already here, or before a write,
    where this installation may not (`gate.py`). No error, log or `repr` holds the secret.
    """

    def __init__(
        self,
        base_url: str,
        header: str,
        secret: str,
        *,
        before_call: Callable[[], None] | None = None,
        total_seconds: float | None = None,
        read_seconds: float | None = None,
        max_bytes: int = MAX_BYTES,
        certificates: str | None = None,
        network: Network | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        gate.ask(is_write=False)
        self.host = _place(base_url)
        self._base_url = base_url.rstrip("/")
        self._signature = _Signature(header, secret)
        self._before_call = before_call
        self._total_seconds = total_seconds or settings.SHOP_TOTAL_SECONDS
        self._read_seconds = read_seconds or settings.SHOP_READ_SECONDS
        self._max_bytes = max_bytes
        self._network = network or Network(allow_private=settings.ALLOW_PRIVATE_SHOP_ADDRESSES)
        self._sleep = sleep
        self._budget = Budget()
        self._session = self._new_session(certificates)

    def __repr__(self) -> str:
        return f"<Session with {self.host}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the session may be used again and opens a new one then."""
        self._session.close()

    def read(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """The members of the JSON object at `path`; repeated within seconds where the shop does not answer."""
        self._start()
        for pause in settings.QUICK_RETRY_SECONDS:
            self._ask_caller()
            try:
                return self._call("GET", path, params=params)
            except Unavailable as error:
                wait = max(pause, error.retry_after or 0.0)
                if wait > LONGEST_PAUSE or wait >= self._budget.left():
                    raise
            self._sleep(wait)
        self._ask_caller()
        return self._call("GET", path, params=params)

    def write(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Send `body` as JSON, once. `Unavailable.lost_answer` tells whether it may have happened nevertheless."""
        self._start()
        self._ask_caller()
        gate.ask(is_write=True)
        return self._call(method, path, body=body)

    def redact(self, text: str) -> str:
        """The text without the secret, should the shop have sent it back to us."""
        return self._signature.redact(text)

    # --- one call --------------------------------------------------------------------------

    def _start(self) -> None:
        self._refuse_bad_configuration()
        self._budget.start(self._total_seconds, self._read_seconds)

    def _ask_caller(self) -> None:
        if self._before_call:
            self._before_call()

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        endpoint = _endpoint(method, path)
        status, headers, content = self._exchange(method, path, params, body)
        if 200 <= status < 300:
            return self._members(endpoint, content)
        if status == 403 and KEY_REFUSED.search(content[:1000].decode(errors="replace")):
            status = 401  # some say "forbidden" to a key they do not know; their words tell the difference
        if _speaks_for_itself(endpoint, status) and (own_words := _members_or_none(content)):
            return own_words
        self._fail(endpoint, status, headers)

    def _refuse_bad_configuration(self) -> None:
        try:
            check_address(self._base_url, allow_private=self._network.allow_private)
        except ValueError as error:
            raise WrongAddress(str(error)) from None
        if not self._signature.is_sendable:
            raise BadCredentials(_("The key is empty or contains characters that no key has, such as a line break."))

    def _exchange(
        self, method: str, path: str, params: Mapping[str, str | int] | None, body: Mapping[str, Any] | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and content of one answer.

        The translated error is raised outside of the `except`: the library's own has the request, and so the secret, in
        reach of whoever prints tracebacks with their variables.
        """
        started = time.monotonic()
        self._budget.has_sent = False
        failure: ShopError
        try:
            with self._send(method, path, params, body) as response:
                log.debug("%s %s %s", _endpoint(method, path), response.status_code, self.host)
                return response.status_code, response.headers, self._content(response)
        except ShopError as error:
            failure = error.with_traceback(None)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            failure = self._translated(error, is_write=method != "GET")
            log.info(
                "%s of %s failed after %.1f s: %s",
                _endpoint(method, path),
                self.host,
                time.monotonic() - started,
                type(error).__name__,
            )
        failure.__context__ = None
        raise failure

    def _send(
        self, method: str, path: str, params: Mapping[str, str | int] | None, body: Mapping[str, Any] | None
    ) -> requests.Response:
        return self._session.request(
            method,
            self._base_url + path,
            params=dict(params or {}),
            data=None if body is None else msgspec.json.encode(body),
            headers={} if body is None else {"Content-Type": "application/json"},
            auth=self._signature,
            timeout=(CONNECT_SECONDS, self._read_seconds),
            allow_redirects=False,
            stream=True,
        )

    def _content(self, response: requests.Response) -> bytes:
        content = bytearray()
        if 300 <= response.status_code < 400:
            return b""  # nothing in it counts
        for chunk in response.iter_content(65_536):
            content += chunk
            if len(content) > self._max_bytes:
                raise self._unreadable(
                    response.request.method or "",
                    _("The answer of %(host)s is too large (more than %(limit)d MiB).")
                    % {"host": self.host, "limit": self._max_bytes // 1024 // 1024},
                    "size",
                )
        return bytes(content)

    def _members(self, endpoint: str, content: bytes) -> Answer:
        if (members := _members_or_none(content)) is not None:
            return members
        method = endpoint.partition(" ")[0]
        words = {"host": self.host, "endpoint": endpoint}
        if content.lstrip()[:1] == b"<":
            raise self._unreadable(
                method, _("%(host)s answered %(endpoint)s with a web page instead of data.") % words, endpoint
            )
        if not content.strip():
            raise self._unreadable(method, _("%(host)s answered %(endpoint)s with nothing.") % words, endpoint)
        raise self._unreadable(
            method, _("The answer of %(host)s to %(endpoint)s is cut off or not what it should be.") % words, endpoint
        )

    # --- what went wrong -------------------------------------------------------------------

    def _unreadable(self, method: str, text: str, what: str) -> ShopError:
        """A read that makes no sense is unreadable; a write that was answered so may have happened."""
        if method == "GET":
            return Unreadable(text, what=what)
        return Unavailable(text, lost_answer=True)

    def _translated(self, error: Exception, *, is_write: bool) -> Unavailable:
        return Unavailable(_network_words(error) % {"host": self.host}, lost_answer=is_write and self._budget.has_sent)

    def _fail(self, endpoint: str, status: int, headers: Mapping[str, str]) -> NoReturn:
        words = {"host": self.host, "endpoint": endpoint, "status": status}
        is_write = not endpoint.startswith("GET ")
        if status == 401:
            raise BadCredentials(_("%(host)s refused the key.") % words)
        if status == 403:
            raise NotAllowed(_("The key may not use %(endpoint)s.") % words, endpoint=endpoint)
        if 300 <= status < 400:
            raise WrongAddress(
                _("%(host)s sends us on to another address, which we do not follow. Check the address.") % words
            )
        if status in (404, 410):
            raise WrongAddress(_("%(host)s knows no %(endpoint)s at this address. Check the address.") % words)
        if status >= 500 or status in (408, 425, 429):
            raise self._busy(status, headers, is_write)
        if is_write:
            raise Rejected(_("%(host)s refused %(endpoint)s (HTTP %(status)d).") % words, reason=f"HTTP {status}")
        raise Unreadable(_("%(host)s answered %(endpoint)s with HTTP %(status)d.") % words, what=endpoint)

    def _busy(self, status: int, headers: Mapping[str, str], is_write: bool) -> Unavailable:
        text = (
            _("%(host)s asks us to slow down.") if status == 429 else _("%(host)s has a fault of its own (%(status)d).")
        )
        return Unavailable(
            text % {"host": self.host, "status": status},
            retry_after=wait_asked_for(headers.get("Retry-After", ""), time.time()),
            lost_answer=is_write and status not in (425, 429),
        )

    # --- set-up ----------------------------------------------------------------------------

    def _new_session(self, certificates: str | None) -> requests.Session:
        session = _StraightSession()
        session.trust_env = False  # neither proxies nor .netrc of this machine
        session.verify = certificates or True
        session.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "myOGO"})
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = GuardedAdapter(self._network, self._budget)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session


class _StraightSession(requests.Session):
    """Takes no answer for a redirect: the library reads the whole of one before it asks whether to follow."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Signature(AuthBase):
    """Puts the secret into the one header where it belongs, at the last moment, and nowhere else."""

    def __init__(self, header: str, secret: str) -> None:
        self._header = header
        self._secret = secret.strip()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers[self._header] = self._secret
        return request

    def __repr__(self) -> str:
        return "<signature>"

    @property
    def is_sendable(self) -> bool:
        """Whether it can be a header's value at all: visible ASCII, no blank inside."""
        return bool(re.fullmatch(r"[!-~]+", self._secret))

    def redact(self, text: str) -> str:
        return text.replace(self._secret, "•••") if self._secret else text


def wait_asked_for(header: str, now: float) -> float | None:
    """Seconds to wait, read from `Retry-After` as seconds, HTTP date or Unix timestamp; `now` is a Unix timestamp.

    `None` where there is no such header or it makes no sense; never less than 0 nor more than a day.
    """
    header = header.strip()
    if re.fullmatch(r"\d{1,15}(\.\d*)?", header):
        seconds = float(header)
        if seconds > 1e9:  # a moment, not a duration; in milliseconds where it would lie 30 000 years ahead
            seconds = (seconds / 1000 if seconds > 1e12 else seconds) - now
    else:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(0.0, seconds), _DAY)


def _place(base_url: str) -> str:
    """Host and, where it is not the usual one, port, as a person would name it; never a user or a password."""
    parts = urlsplit(base_url)
    usual = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return parts.netloc.rpartition("@")[2].lower().removesuffix(usual)


def _speaks_for_itself(endpoint: str, status: int) -> bool:
    """Whether an error code may come with the platform's own refusal, which then counts for more than the code.

    A list that is not found is no such refusal: the address is wrong. A thing that is not found, to be written to, is.
    """
    if status in (404, 410):
        return not endpoint.startswith("GET ")
    return 400 <= status < 500 and status not in (401, 403, 408, 425, 429)


def _endpoint(method: str, path: str) -> str:
    """Method and first segment: what a platform ticks or unticks, without ids."""
    return f"{method} /{path.strip('/').partition('/')[0]}"


def _members_or_none(content: bytes) -> Answer | None:
    content = content.removeprefix(b"\xef\xbb\xbf")
    found = _members(content)
    return found if found is not None else _members(_LONE_SURROGATE.sub(rb"\\ufffd", content))


def _members(content: bytes) -> Answer | None:
    try:
        return msgspec.json.decode(content, type=Answer)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _network_words(error: Exception) -> str:
    """A sentence with a place for `%(host)s`, by what kind of failure stands at the end of the chain."""
    kinds = tuple(_causes(error))
    if any(isinstance(kind, urllib3.exceptions.NameResolutionError) for kind in kinds):
        return _("There is no host %(host)s, or its name could not be looked up.")
    if any(isinstance(kind, requests.exceptions.SSLError | urllib3.exceptions.SSLError) for kind in kinds):
        return _("The encrypted connection to %(host)s failed: its certificate is not valid for this address.")
    if any(isinstance(kind, urllib3.exceptions.NewConnectionError) for kind in kinds):
        return _("%(host)s does not accept connections.")
    if any(isinstance(kind, TimeoutError | urllib3.exceptions.TimeoutError) for kind in kinds):
        return _("%(host)s did not answer in time.")
    return _("%(host)s broke off the connection.")


def _causes(error: BaseException | None) -> "list[BaseException]":
    """The error, what it wraps as argument or `reason`, and so on to the first cause."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        wrapped = next(
            (inner for inner in (*error.args, getattr(error, "reason", None)) if isinstance(inner, BaseException)), None
        )
        error = wrapped or error.__cause__ or error.__context__
    return found
