"""A person's browser: fetches pages, presses buttons of their forms, and writes down what a person would have seen.

    an answer of 400 or more, a trace, more than ten seconds, a way that leads nowhere,      an error: `Seen`
    a button whose answer says nothing, or says that something failed on our side
    the web process was just killed, or the database's connections just cut                  reloaded: `Reload`

It knows HTTP and HTML; what the portal is for it does not know.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import requests

from integrations import sync
from orders import faults
from tests.fire.reading import Form, NotOffered, Page

PATIENCE = 10.0  # seconds that an answer may take
LONGEST = 30.0  # seconds after which no answer is waited for any more
GIVES_UP = 90.0  # seconds after which nobody reloads any more
PAUSE = 0.5  # seconds until somebody reloads
SIGN_IN = "/accounts/login/"
FAILED = (str(faults.TEXT), str(sync.OUR_FAULT))


class Reload(Exception):
    """Nothing to complain of, for it was done to us on purpose; the words say what."""


class Seen(Exception):
    """What a person would have seen, and should not have."""


@dataclass
class Ledger:
    """What all browsers of a storm met, counted by the names of pages and buttons."""

    fetched: Counter[str] = field(default_factory=Counter)
    pressed: Counter[str] = field(default_factory=Counter)
    reloaded: Counter[str] = field(default_factory=Counter)
    not_offered: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, seconds: float, name: str) -> None:
        with self.lock:
            self.slowest = max(self.slowest, (seconds, name))

    def count(self, counter: Counter[str], name: str) -> None:
        with self.lock:
            counter[name] += 1

    def safely(self, what: str, do: Callable[[], None]) -> None:
        """What somebody wants, from its first page on again where it was reloaded; an error is kept."""
        end = time.monotonic() + GIVES_UP
        while True:
            try:
                do()
            except Reload as why:
                self.count(self.reloaded, str(why))
                if time.monotonic() > end:
                    self.errors.append(f"{what}: {why}, and still after {GIVES_UP:.0f} s")
                    return
                time.sleep(PAUSE)
                continue
            except Seen as error:
                self.errors.append(f"{what}: {error}")
            except NotOffered:
                self.count(self.not_offered, what.split(" in shop ")[0])
            return


@dataclass
class Browser:
    """One person's. `was_away(what, begin, end)`: was the "web" killed or the "database" cut between the two?"""

    origin: str
    ledger: Ledger
    was_away: Callable[[str, float, float], bool]
    email: str = ""
    password: str = ""
    is_signed_in: bool = False
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        """A connection for each request: one kept open may be closed by the server just as we send on it."""
        self.session.headers["Connection"] = "close"
        self.session.hooks["response"].append(lambda *_answer, **_how: self.session.close())

    def sign_in(self) -> None:
        """As everybody does: the form of the page, with its token."""
        page = self._ask("sign in", "GET", SIGN_IN)
        try:
            form = page.form(SIGN_IN)
            sent = form.filled(None, {"login": [self.email], "password": [self.password]})
        except NotOffered as error:
            raise Seen(f"sign in: {error}") from error
        if self._ask("sign in", "POST", form.address, sent).address.startswith(SIGN_IN):
            raise Seen(f"{self.email} was not signed in")
        self.is_signed_in = True

    def get(self, name: str, address: str) -> Page:
        if self.email and not self.is_signed_in:
            self.sign_in()
        page = self._ask(name, "GET", address)
        if self.email and page.address.startswith(SIGN_IN):
            raise Seen(f"{name}: {self.email} was signed out")
        return page

    def press(
        self,
        name: str,
        form: Form,
        button: tuple[str, str] | None,
        chosen: Mapping[str, list[str]] | None = None,
        *,
        is_silent: bool = False,
    ) -> Page:
        """The page that answers; raises `NotOffered` where the form has no such button, field or choice.

        Every button answers with a sentence, but one that only leads on (`is_silent`).
        """
        page = self._ask(name, form.method.upper(), form.address, form.filled(button, chosen or {}))
        if not page.said and not is_silent:
            raise Seen(f"{name}: pressed, and the answer says nothing")
        for sentence in page.said:
            if any(failed in sentence for failed in FAILED):
                raise Seen(f"{name}: {sentence}")
        return page

    # --- one request, and the redirects behind it --------------------------------------------

    def _ask(self, name: str, method: str, address: str, sent: dict[str, list[str]] | None = None) -> Page:
        began = time.monotonic()
        try:
            where = urljoin(self.origin, address)
            answer = self.session.request(method, where, data=sent, timeout=LONGEST)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            self._excuse("web", "the web process was being restarted", began)
            raise Seen(f"{name}: {type(error).__name__}: {error}") from error
        except requests.RequestException as error:  # no answer within LONGEST, or a way that leads round in a circle
            self._excuse("web", "the web process was being restarted", began)
            raise Seen(f"{name}: {type(error).__name__}") from error
        self._judge(name, answer, began)
        self.ledger.count(self.ledger.pressed if method == "POST" else self.ledger.fetched, name)
        return Page(urlsplit(answer.url)._replace(scheme="", netloc="").geturl(), answer.text)

    def _excuse(self, what: str, words: str, began: float) -> None:
        if self.was_away(what, began, time.monotonic()):
            raise Reload(words)

    def _judge(self, name: str, answer: requests.Response, began: float) -> None:
        if answer.status_code == 503 and "database" in answer.text:
            self._excuse("database", "the page said that the database was away", began)
        if answer.status_code >= 400:
            raise Seen(f"{name}: HTTP {answer.status_code} at {urlsplit(answer.url).path}")
        if "Traceback (most recent call last)" in answer.text:
            raise Seen(f"{name}: a trace at {urlsplit(answer.url).path}")
        if not answer.url.startswith(self.origin):
            raise Seen(f"{name}: led away to {answer.url}")
        took = max(one.elapsed.total_seconds() for one in [*answer.history, answer])
        if self.was_away("web", began, time.monotonic()):
            return  # it waited for the process to start
        self.ledger.took(took, name)
        if took > PATIENCE:
            raise Seen(f"{name}: an answer took {took:.1f} s")
