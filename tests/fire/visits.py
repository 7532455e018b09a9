"""People at browsers, in the midst of the storm: merchants' people and staff, and machines that watch the portal.

Each follows the plan: a way over pages (`ways.py`), a button of an order's page, or a round at the staff's desk. What
is sent is read from the page that was fetched before; what is not offered there is not pressed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urljoin

from merchants.models import User
from orders.models import Status
from tests import factories
from tests.fire.browser import Browser, Ledger
from tests.fire.plan import Act
from tests.fire.reading import NotOffered, Page
from tests.fire.town import AT_ONCE, Town, merchants
from tests.fire.ways import MACHINES, ORDER, REFRESH, STAFF, TOKEN, WAYS, leads

STATUSES = {"draft": Status.DRAFT, "save": Status.NEW, "cancel": Status.CANCELLED}
ACTS = {"ask to cancel": "ask", "accept": "accept", "refuse": "refuse", "try again": "capture"}
SPLIT = "split one off"
EARLY = ("status=reserved", "status=new", "status=pending")
OPENED = 2  # orders of one list, at most
LISTS = {
    "draft": EARLY,
    "save": ("status=draft",),
    "cancel": EARLY,
    "ask to cancel": ("status=collecting",),
    "accept": ("asks=changed",),
    "refuse": ("asks=changed",),
    "try again": ("status=waiting&cause=capture", "status=waiting&cause=refused", "asks=unpaid"),
    SPLIT: EARLY,
}
ORDER_BUTTONS = frozenset(f"order: {what}" for what in (*STATUSES, *ACTS, SPLIT))
DESK_BUTTONS = frozenset({"desk: collect", "desk: answer", "desk: ship", "desk: parcels"})
DONE = re.compile(r"(\d+) (?:orders? (?:is|are)|requests? (?:is|are)) (marked as collecting|answered|shipped)")
LOOKS = (("act", "look"), ("act", "try"))  # what is there depends on how the last run ended
DESK_LIST = "/admin/orders/order/?state={state}&merchant={m}"
TICKED, GO = "_selected_action", ("index", "0")


def never_away(what: str, begin: float, end: float) -> bool:
    return False


@dataclass
class Visits:
    """All of them. Each cast of the storm is one thread with browsers of its own."""

    towns: list[Town]
    origin: str
    was_away: Callable[[str, float, float], bool] = never_away
    ledger: Ledger = field(default_factory=Ledger)
    browsers: dict[tuple[str, str], Browser] = field(default_factory=dict)

    @cached_property
    def kims(self) -> dict[int, User]:
        """By merchant, somebody who may do everything there."""
        made = {}
        for town in merchants(self.towns):
            made[town.merchant.pk] = factories.user(name="Kim Berg")
            town.merchant.link(made[town.merchant.pk])
        return made

    @cached_property
    def robin(self) -> User:
        """Of the staff of all these warehouses."""
        made = factories.user(name="Robin Ek", is_staff=True)
        for town in merchants(self.towns):
            town.house.staff.add(made)
        return made

    def move_in(self) -> None:
        """Everybody has an account, before anybody signs in."""
        assert self.kims
        assert self.robin

    def _browser(self, cast: str, user: User | None) -> Browser:
        email = user.email if user else ""
        if (cast, email) not in self.browsers:
            browser = Browser(self.origin, self.ledger, self.was_away, email, factories.PASSWORD)
            if user is None:
                browser.session.headers["Authorization"] = f"Bearer {TOKEN}"
            self.browsers[cast, email] = browser
        return self.browsers[cast, email]

    # --- looking ---------------------------------------------------------------------------

    def visit(self, act: Act) -> None:
        """A way over pages; or one of the buttons that no order has."""
        town, pick = self.towns[act.shop], act.more["pick"]
        do = (lambda: self._go(town, act.what, pick)) if act.what in WAYS else lambda: self._button(town, act.what)
        self.ledger.safely(f"{act.what} in shop {act.shop}", do)

    def _go(self, town: Town, what: str, pick: int) -> None:
        user = None if what in MACHINES else self.robin if what in STAFF else self.kims[town.merchant.pk]
        browser = self._browser("visitor", user)
        page: Page | None = None
        for name, way in WAYS[what]:
            if page is None or what in MACHINES:
                address = way.format(m=town.merchant.pk, i=town.integration.pk, q=self._number(town, pick))
            else:
                found = [href for href, _words in page.links if leads(way, href)]
                if not found:
                    return
                address = urljoin(page.address, found[pick % len(found)])
            page = browser.get(name, address)

    @staticmethod
    def _number(town: Town, pick: int) -> str:
        """Of an order that was bought there, if any was."""
        bought = list(town.orders_of)
        there = town.shop_order(bought[pick % len(bought)]) if bought else None
        return str(there.number) if there else ""

    def _button(self, town: Town, what: str) -> None:
        browser, m, i = self._browser("visitor", self.kims[town.merchant.pk]), town.merchant.pk, town.integration.pk
        if what == REFRESH:
            page = browser.get("Sync webshop products", f"/m/{m}/products/sync/?shop={i}")
            browser.press(what, page.form("/products/sync/refresh/"), None, is_silent=True)
            return
        page = browser.get("an integration", f"/m/{m}/integrations/{i}/")
        form = page.form("/pipes/intake/")
        browser.press(what, form, next((one for one in form.buttons if one in LOOKS), LOOKS[0]))

    # --- the merchant's people, about one order ----------------------------------------------

    def change_mind(self, act: Act) -> None:
        """*Save* in the status bar, or one of the buttons of an order's page; of an order found in a list."""
        town = self.towns[act.shop]
        self.ledger.safely(f"{act.what} in shop {act.shop}", lambda: self._change(town, act.what, act.order))

    def _change(self, town: Town, what: str, pick: int) -> None:
        """Whoever does not find the button on one order's page opens another order."""
        browser = self._browser("merchant", self.kims[town.merchant.pk])
        for page in self._candidates(browser, town, what, pick):
            with suppress(NotOffered):
                self._press(browser, page, what)
                return
        raise NotOffered("no such order just now")

    def _press(self, browser: Browser, page: Page, what: str) -> None:
        if what in STATUSES:
            browser.press(f"order: {what}", page.form("/status/"), None, {"status": [STATUSES[what].value]})
        elif what in ACTS:
            button = ("act", ACTS[what])
            browser.press(f"order: {what}", page.form("/act/", button), button)
        else:
            self._split_one_off(browser, page)

    @staticmethod
    def _candidates(browser: Browser, town: Town, what: str, pick: int) -> Iterator[Page]:
        """Orders of the lists in which those stand with which this can be done; few of each list."""
        for asked in LISTS[what]:
            page = browser.get("orders, narrowed", f"/m/{town.merchant.pk}/orders/?{asked}")
            found = [href for href, _words in page.links if leads(ORDER, href)]
            for place in range(min(len(found), OPENED)):
                yield browser.get("an order", found[(pick + place) % len(found)])

    @staticmethod
    def _split_one_off(browser: Browser, page: Page) -> None:
        href = next((href for href, _words in page.links if leads(r"/split/", href)), "")
        if not href:
            raise NotOffered("no link to split it")
        split = browser.get("split an order", href)
        form = split.form("/split/")
        line = next((name for name in form.sent if name.startswith("pieces-")), "")
        if not line:
            raise NotOffered("no pieces of it can go any more")
        browser.press(f"order: {SPLIT}", form, None, {line: ["1"]})

    # --- the staff, at the desk for orders -----------------------------------------------------

    def work(self, act: Act) -> None:
        """One round: the boxes of a list are ticked, an action is chosen, *Go* is pressed."""
        town = self.towns[act.shop]
        rounds = {"collect": self._collect, "answer": self._answer, "ship": self._ship}
        what = f"desk: {act.what} in shop {act.shop}"
        self.ledger.safely(what, lambda: rounds[act.what](town, act.more["pick"]))

    def _list(self, town: Town, state: str) -> Page:
        browser = self._browser("staff", self.robin)
        return browser.get("desk: orders, narrowed", DESK_LIST.format(state=state, m=town.merchant.pk))

    def _act(self, town: Town, page: Page, what: str, action: str, ticked: list[str]) -> None:
        form = next(one for one in page.forms if TICKED in one.offered)
        answer = self._browser("staff", self.robin).press(
            f"desk: {what}", form, GO, {"action": [action], TICKED: ticked}
        )
        self._note(town, answer)

    @staticmethod
    def _note(town: Town, page: Page) -> None:
        """Into the people's own books, as the page says it."""
        for sentence in page.said:
            for done, what in DONE.findall(sentence):
                town.books.acts[what] += int(done)

    def _collect(self, town: Town, pick: int) -> None:
        page = self._list(town, "to-collect")
        if ticked := _boxes(page)[:AT_ONCE]:
            self._act(town, page, "collect", "mark_as_collecting", ticked)

    def _answer(self, town: Town, pick: int) -> None:
        page = self._list(town, "cancel")
        if ticked := _boxes(page)[:AT_ONCE]:
            self._act(town, page, "answer", "agree_to_cancel" if pick % 3 else "too_late_to_cancel", ticked)

    def _ship(self, town: Town, pick: int) -> None:
        """Those that are left to the desk's pages, each with the code of its label."""
        page = self._list(town, "collecting")
        ticked = [key for key in _boxes(page) if town.is_for_page(int(key))][:AT_ONCE]
        if not ticked:
            return
        form = next(one for one in page.forms if TICKED in one.offered)
        browser = self._browser("staff", self.robin)
        sheet = browser.press("desk: ship", form, GO, {"action": ["mark_as_shipped"], TICKED: ticked}, is_silent=True)
        if not leads(r"/orders/order/ship/", sheet.address):
            return  # none of them is COLLECTING any more, and the list says so
        parcels = sheet.form("/orders/order/ship/")
        rows = [name.removesuffix("-tracking_code") for name in parcels.sent if name.endswith("-tracking_code")]
        codes = {f"{key}-tracking_code": [f"T-{key}"] for key in rows}
        self._note(town, browser.press("desk: parcels", parcels, None, codes))


def _boxes(page: Page) -> list[str]:
    """The keys of the rows that can be ticked."""
    return next((form.offered[TICKED] for form in page.forms if TICKED in form.offered), [])
