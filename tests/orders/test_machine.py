"""Proof by machine: whatever happens, in whatever order, nothing is lost, doubled or miscounted.

Each example is a world of its own (`machine_world.py`); what must be true is in `machine_truths.py`. A failure prints
the shortest sequence of steps that was found. The suite plays the same worlds each time; `MACHINE_HUNT=100` plays that
many others, new ones each time, `MACHINE_STEPS` longer ones.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pytest_django.live_server_helper import LiveServer

from orders import faults
from sandbox.models import Fault
from tests.orders import machine_truths as truths
from tests.orders.machine_ground import Wishes
from tests.orders.machine_world import World

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(0)]

HUNT = os.environ.get("MACHINE_HUNT", "")
EXAMPLES = int(HUNT or "7")
STEPS = int(os.environ.get("MACHINE_STEPS", "20"))

PICK = st.integers(0, 9)
PIECES = st.integers(1, 4)
ITEMS = st.sampled_from([0, 1, 2] * 4 + [3, 4])  # the last two are no products here at the beginning
LINES = st.lists(st.tuples(ITEMS, PIECES), min_size=1, max_size=3)
KNOWN = st.lists(st.tuples(st.integers(0, 2), PIECES), min_size=1, max_size=3)
WORDS = st.sampled_from([*["standard"] * 4, *["express"] * 2, "pick-up", "PostNord MyPack"])
LACKS = st.sampled_from([*[""] * 4, "phone", "city"])
COUNTRIES = st.sampled_from([*["SE"] * 5, "US"])
ODD = [  # what waits for a person: an item, the shop's word, the country, what is missing
    (0, "express", "SE", "phone"),
    (0, "standard", "SE", "city"),
    (0, "standard", "US", ""),
    (0, "pick-up", "SE", ""),
    (0, "PostNord MyPack", "SE", ""),
    (3, "standard", "SE", ""),
    (4, "standard", "SE", ""),
]
PIPES = st.sampled_from(["intake", "hand-over", "stock", "refresh"])
IN_SHOP = [
    "confirm", "hold", "resume", "cancel", "restore", "edit_more", "edit_less", "edit_address", "payment_fails",
    "payment_works", "mark_paid", "make_shipment", "make_part", "ready", "not_ready", "send", "delete_shipment",
    "fill_in", "unconfirm", "archive", "reactivate", "edit_away", "edit_word", "suspect", "await_payment",
]  # fmt: skip
AT_MERCHANT = [
    "draft", "save", "reserve", "cancel", "ask to cancel", "accept", "refuse", "try again", "wait for the rest",
    "send what is there", "refunded", "leave it", "split", "split one off", "fill in", "choose method", "overrule",
    "add a line", "take a line out",
]  # fmt: skip
SETTINGS: list[dict[str, Any]] = [
    *({"captures": word} for word in ("hand-over", "sent", "never")),
    *({name: value} for name in ("takes_pending", "cancels_with_shop", "is_paid_elsewhere") for value in (True, False)),
    *({"stock_as": word} for word in ("physical", "available")),
    {"safety_buffer": 0},
    {"safety_buffer": 2},
    {"sends_tracking": False},
]
READS = ["GET orders", "GET shipments", "GET stock"]
WRITES = ["POST shipments", "PUT shipments", "PUT shipment", "PUT capture", "DELETE shipments", "POST stock"]
KIND = Fault.Kind
FAULTS: list[tuple[str, dict[str, Any]]] = [
    *((KIND.STATUS, {"code": code}) for code in (503, 500, 403, 401, 404)),
    (KIND.STATUS, {"code": 429, "retry_after": 1}),
    (KIND.LOST_ANSWER, {}),
    (KIND.SLOW, {"seconds": 0.05}),
    *((kind, {}) for kind in (KIND.REFUSED, KIND.HTML, KIND.EMPTY, KIND.TRUNCATED, KIND.CUT_OFF, KIND.RESET)),
    *((kind, {}) for kind in (KIND.WRONG_TYPES, KIND.UNREADABLE_ROW, KIND.REPEATED_PAGE, KIND.REORDERED_PAGE)),
    (KIND.UNREADABLE_ROW, {"row": 1}),
    (KIND.LOOPING_PAGE, {}),
    (KIND.REDIRECT, {}),
    (KIND.HUGE, {"megabytes": 65}),
]
WISHES = st.builds(
    Wishes,
    captures=st.sampled_from(["hand-over", "sent", "never"]),
    takes_pending=st.booleans(),
    cancels_with_shop=st.booleans(),
    shows_cancelled=st.booleans(),
    splits_pending=st.booleans(),
    is_paid_elsewhere=st.sampled_from([False, False, True]),
    stock_as=st.sampled_from(["physical", "available"]),
    safety_buffer=st.integers(0, 2),
    reads=st.sampled_from(["orders", "orders", "shipments"]),
    is_varied=st.just(True),
    sends_without_phone=st.booleans(),
    fills_customs=st.booleans(),
)


class Machine(RuleBasedStateMachine):
    """People in the shop, at the merchant's and in the warehouse, workers that run, faults and deaths."""

    origin = ""

    @initialize(
        wishes=WISHES,
        bought=st.lists(KNOWN, min_size=2, max_size=4),
        odd=st.sampled_from(ODD),
        is_begun=st.booleans(),
    )
    def begin(
        self, wishes: Wishes, bought: list[list[tuple[int, int]]], odd: tuple[int, str, str, str], is_begun: bool
    ) -> None:
        """A shop in which something was bought already, so that examples get far; half of them are with the staff."""
        self.world = World(self.origin, wishes)
        for lines in bought:
            self.world.buy(lines, "standard", owes=True)
        item, word, country, lacks = odd
        self.world.buy([(item, 1)], word, owes=True, country=country, lacks=lacks)
        self.world.run("intake")
        if is_begun:
            self.take_in_and_hand_over()

    # --- the shop --------------------------------------------------------------------------

    @rule(lines=LINES, word=WORDS, confirm=st.booleans(), country=COUNTRIES, lacks=LACKS)
    def buy(self, lines: list[tuple[int, int]], word: str, confirm: bool, country: str, lacks: str) -> None:
        self.world.buy(lines, word, confirm=confirm, country=country, lacks=lacks)

    @rule(lines=LINES)
    def buy_beyond_stock(self, lines: list[tuple[int, int]]) -> None:
        self.world.buy([(item, pieces + 3) for item, pieces in lines], "standard", owes=True)

    @rule(pick=PICK, what=st.sampled_from(IN_SHOP))
    def in_shop(self, pick: int, what: str) -> None:
        self.world.in_shop(pick, what)

    # --- the warehouse ---------------------------------------------------------------------

    @rule(item=PICK, pieces=PIECES)
    def receive(self, item: int, pieces: int) -> None:
        self.world.receive(item, pieces)

    @rule(item=PICK, by=st.integers(-4, 4).filter(bool))
    def adjust(self, item: int, by: int) -> None:
        self.world.adjust(item, by)

    @rule(pick=st.none() | PICK)
    def mark_as_collecting(self, pick: int | None) -> None:
        self.world.mark(pick)

    @rule(pick=st.none() | PICK)
    def ship(self, pick: int | None) -> None:
        self.world.ship(pick)

    @rule(pick=PICK, less=st.integers(0, 3))
    def find_fewer(self, pick: int, less: int) -> None:
        self.world.find_fewer(pick, less)

    @rule(pick=PICK, pieces=PIECES, shelved=st.integers(0, 4))
    def come_back(self, pick: int, pieces: int, shelved: int) -> None:
        self.world.come_back(pick, pieces, shelved)

    @rule(is_agreed=st.booleans())
    def answer(self, is_agreed: bool) -> None:
        self.world.answer(is_agreed=is_agreed)

    # --- the merchant ----------------------------------------------------------------------

    @rule(pick=PICK, what=st.sampled_from(AT_MERCHANT))
    def at_merchant(self, pick: int, what: str) -> None:
        self.world.at_merchant(pick, what)

    @rule(item=PICK, pieces=PIECES)
    def order_by_hand(self, item: int, pieces: int) -> None:
        self.world.order_by_hand(item, pieces)

    @rule(word=WORDS, method=st.none() | st.integers(0, 2))
    def link(self, word: str, method: int | None) -> None:
        if method is None:
            self.world.unlink(word)
        else:
            self.world.link(word, self.world.methods[method])

    @rule(method=st.integers(0, 2))
    def take_back(self, method: int) -> None:
        self.world.take_back(self.world.methods[method])

    @rule()
    def create_products(self) -> None:
        self.world.create_products()

    @rule(pick=PICK, pieces=st.integers(0, 4), extra=st.none() | st.integers(0, 2), saves=st.booleans())
    def edit_lines(self, pick: int, pieces: int, extra: int | None, saves: bool) -> None:
        self.world.edit_as_draft(pick, pieces, extra, saves=saves)

    @rule(changed=st.sampled_from(SETTINGS))
    def set_up(self, changed: dict[str, Any]) -> None:
        self.world.set_up(**changed)

    @rule(item=PICK)
    def rename(self, item: int) -> None:
        self.world.rename(item)

    @rule(relinks=st.booleans())
    def answer_rename(self, relinks: bool) -> None:
        self.world.answer_rename(relinks=relinks)

    @rule()
    def move_host(self) -> None:
        self.world.move_host()

    @rule()
    def reconnect(self) -> None:
        self.world.reconnect()

    # --- the workers -----------------------------------------------------------------------

    @rule(pipe=PIPES)
    def run(self, pipe: str) -> None:
        self.world.run(pipe)

    @rule()
    def take_in_and_hand_over(self) -> None:
        """The usual course."""
        self.world.run("intake")
        self.world.decide()
        self.world.mark()
        self.world.run("hand-over")

    @rule(asked=st.booleans())
    def sweep(self, asked: bool) -> None:
        if asked:
            self.world.run("intake", asked=True)
        else:
            self.world.sweep()

    @rule()
    def decide(self) -> None:
        self.world.decide()

    @rule(pipe=PIPES, where=st.sampled_from(["call", "answer", "keep"]), after=st.integers(1, 6))
    def die(self, pipe: str, where: str, after: int) -> None:
        self.world.killed(pipe, where, after)

    @rule()
    def later(self) -> None:
        self.world.later()

    # --- faults ----------------------------------------------------------------------------

    @rule(
        endpoint=st.sampled_from([*READS, *WRITES, ""]),
        fault=st.sampled_from(FAULTS),
        times=st.integers(1, 3),
        skip=st.integers(0, 2),
    )
    def pull_a_lever(self, endpoint: str, fault: tuple[str, dict[str, Any]], times: int, skip: int) -> None:
        self.world.shop.break_endpoint(endpoint, fault[0], times=times, skip=skip, **fault[1])

    @rule(endpoint=st.sampled_from(WRITES))
    def lose_an_answer(self, endpoint: str) -> None:
        self.world.shop.break_endpoint(endpoint, KIND.LOST_ANSWER)

    # --- what must be true -----------------------------------------------------------------

    @invariant()
    def always(self) -> None:
        if hasattr(self, "world"):
            truths.always(self.world)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.world.night()
            self.world.settle()
            truths.at_rest(self.world)
            self.world.drain()
            truths.at_rest(self.world)
            truths.all_is_sent(self.world)
        finally:
            self.world.retire()


@pytest.fixture
def without_faults_in_the_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shop's faults are not shown. Faults of our own, which they would survive, are raised."""

    def fail(text: str, *about: object) -> None:
        raise AssertionError(text % about) from sys.exception()

    monkeypatch.setattr(faults.log, "exception", fail)
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def test_nothing_is_lost_doubled_or_miscounted_whatever_happens(
    live_server: LiveServer, without_faults_in_the_log: None
) -> None:
    bound = type("Bound", (Machine,), {"origin": live_server.url})
    run_state_machine_as_test(
        bound,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            derandomize=not HUNT,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
        ),
    )
