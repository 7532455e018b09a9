"""What will happen in a storm, drawn from a seed. Pure: the same seed, length and number of orders give the same plan.

Orders are named by the number of their purchase, shops by theirs, so that a plan means the same in every run. When
exactly workers do what lies between is up to the machine; that is what the storm is for.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.models.fault import Kind
from tests.fire.ways import BUTTONS, DESK, WAYS

SHOPS = 4
ITEMS = 12  # per shop
ADOPTING, LATE_PAYING = 2, 1  # the shop that makes its shipments itself, and the one that is paid when a parcel is sent
ASKED_BACK, PICKED_SHORT = 5, 3  # one order in so many of the shop that is paid late
BUYING = 0.85  # share of the time in which people buy
LOOKING = 1.2  # seconds between two looks at pages, of one to three pages each
ROUNDS = 1.5  # seconds between two rounds at the staff's desk
LEVERS = 0.75  # faults that are pulled per second
PAGES = ("GET products", "GET stock", "GET orders", "GET shipments")
WRITES = ("POST stock", "POST shipments", "PUT shipments", "PUT shipment", "PUT capture", "DELETE shipments")
# Where an endpoint is called in one shop only, its levers are pulled there, early and one after the other.
ONLY_IN = {"PUT capture": ADOPTING, "PUT shipments": LATE_PAYING, "DELETE shipments": LATE_PAYING}
SELDOM = ("GET products", "GET stock")  # read every half minute only, page after page in the first shop
CALLING = {
    "GET products": (0, 0, 0, 1, 2, 3),
    "GET stock": (0, 0, 0, 1, 2, 3),
    "POST shipments": (0, 1, 3),  # the adopting shop makes its shipments itself
}
# Only a later page can be the one before once more, and only the first shop has so many products; only the adopting
# shop lists the shipments of several orders.
NEEDING = {
    (Kind.REPEATED_PAGE, "GET products"): (0,),
    (Kind.REPEATED_PAGE, "GET stock"): (0,),
    (Kind.REORDERED_PAGE, "GET shipments"): (ADOPTING,),
}

EVERYWHERE: tuple[tuple[str, dict[str, Any]], ...] = (
    *((Kind.STATUS.value, {"code": code}) for code in (500, 502, 503, 403, 401, 404)),
    (Kind.STATUS.value, {"code": 429, "retry_after": 1}),
    (Kind.STATUS.value, {"code": 429, "retry_after": 2, "retry_after_form": "date"}),
    (Kind.STATUS.value, {"code": 429, "retry_after": 2, "retry_after_form": "timestamp"}),
    (Kind.SLOW.value, {"seconds": 3, "drips": 12}),
    (Kind.WRONG_TYPES.value, {}),
    (Kind.REDIRECT.value, {}),
    (Kind.HUGE.value, {"megabytes": 65}),
    *((kind.value, {}) for kind in (Kind.REFUSED, Kind.HTML, Kind.EMPTY, Kind.TRUNCATED, Kind.CUT_OFF, Kind.RESET)),
)
ON_PAGES: tuple[tuple[str, dict[str, Any]], ...] = tuple(
    (kind.value, {}) for kind in (Kind.UNREADABLE_ROW, Kind.REPEATED_PAGE, Kind.REORDERED_PAGE, Kind.LOOPING_PAGE)
)
ON_WRITES: tuple[tuple[str, dict[str, Any]], ...] = (
    (Kind.LOST_ANSWER.value, {}),
    (Kind.LATE.value, {"seconds": 2}),
    (Kind.HALF_DONE.value, {}),
)
# Pairs that there cannot be: kinds, endpoints, and why the portal would read nothing else than without the fault.
NEVER: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    (
        (Kind.LOOPING_PAGE,),
        ("GET orders", "GET shipments"),
        "the next page is asked for by the number of rows that were read; the portal reads no link to it",
    ),
    ((Kind.WRONG_TYPES,), ("POST stock",), "the answer holds texts alone, and all of them stay as they are"),
    (
        (Kind.WRONG_TYPES,),
        ("POST shipments", "PUT shipment", "PUT capture", "DELETE shipments"),
        "of the answer the portal reads the status, and the id of a new shipment: texts that stay as they are",
    ),
    (tuple(kind for kind, _more in ON_PAGES), WRITES, "the answer has no pages"),
    (
        tuple(kind for kind, _more in ON_WRITES),
        PAGES,
        "nothing is written that could be done without an answer, later or by half: it would be a reset",
    ),
)
# What becomes of an order after it was bought: what, where, how often (per cent), and what follows it.
MINDS: tuple[tuple[str, str, float, str], ...] = (
    ("shop", "hold", 5, "resume"),
    ("shop", "hold", 1, ""),
    ("shop", "cancel", 5, ""),
    ("shop", "cancel", 2, "restore"),
    ("shop", "edit_more", 2, ""),
    ("shop", "edit_less", 2, ""),
    ("shop", "edit_address", 3, ""),
    ("shop", "payment_fails", 4, "payment_works"),
    ("shop", "mark_paid", 2, ""),
    ("shop", "make_shipment", 2, ""),
    ("shop", "send", 2, ""),
    ("shop", "delete_shipment", 1, ""),
    ("merchant", "draft", 3, "save"),
    ("merchant", "cancel", 2, ""),
    ("merchant", "ask to cancel", 6, ""),
    ("merchant", "accept", 4, ""),
    ("merchant", "refuse", 2, ""),
    ("merchant", "split one off", 3, ""),
    ("merchant", "try again", 3, ""),
)


@dataclass(frozen=True)
class Act:
    """Something that happens `at` so many seconds after the beginning. `who`: shopper, shop, merchant, goods, visitor,
    desk, faults, deaths. `order` is the number of the purchase that is meant. What a merchant does `by` "page" is done
    at a browser, else by a call."""

    at: float
    who: str
    what: str
    shop: int = 0
    order: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def is_by_page(self) -> bool:
        return self.more.get("by") == "page"

    @property
    def is_at_browser(self) -> bool:
        return self.is_by_page or self.who in ("visitor", "desk")


@dataclass(frozen=True)
class Plan:
    """All acts of a storm in the order of their time."""

    seed: int
    seconds: float
    orders: int
    acts: tuple[Act, ...]

    @property
    def is_whole(self) -> bool:
        """Long enough for every fault at every endpoint."""
        return is_whole(self.seconds)

    def of(self, *who: str) -> list[Act]:
        return [act for act in self.acts if act.who in who]

    @property
    def digest(self) -> str:
        """The same for the same plan, on every machine."""
        rows = [[round(act.at, 3), act.who, act.what, act.shop, act.order, act.more] for act in self.acts]
        return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]


def draw(seed: int, seconds: float, orders: int) -> Plan:
    """The plan of a storm of so many seconds in which so many orders are bought."""
    people = list(_purchases(random.Random(f"{seed} people"), seconds, orders))
    acts = [
        *people,
        *_visits(random.Random(f"{seed} visits"), seconds),
        *_goods(random.Random(f"{seed} goods"), seconds, [act for act in people if act.who == "shopper"]),
        *_levers(random.Random(f"{seed} faults"), seconds),
        *_storms(random.Random(f"{seed} storms"), seconds),
        *_keys(random.Random(f"{seed} keys"), seconds),
        *_deaths(random.Random(f"{seed} deaths"), seconds),
    ]
    in_time = [act for act in acts if act.at <= seconds]
    return Plan(seed, seconds, orders, tuple(sorted(in_time, key=lambda act: act.at)))


# --- people --------------------------------------------------------------------------------


def _purchases(chance: random.Random, seconds: float, orders: int) -> Iterator[Act]:
    for number in range(orders):
        at = seconds * BUYING * number / orders
        shop = chance.randrange(SHOPS)
        lines = [
            [item, chance.choice((1, 1, 1, 2, 3))] for item in chance.sample(range(ITEMS), chance.choice((1, 1, 2, 3)))
        ]
        waits = chance.random() < 0.08
        more = {"lines": lines, "confirm": not waits, "owes": chance.random() < 0.05}
        yield Act(at, "shopper", "buy", shop, number, more)
        if waits:
            yield Act(at + chance.uniform(2, 20), "shop", "confirm", shop, number)
        yield from _changes_of_mind(chance, at, shop, number, seconds)


def _changes_of_mind(chance: random.Random, at: float, shop: int, number: int, seconds: float) -> Iterator[Act]:
    for who, what, share, then in MINDS:
        often = 3 if what == "ask to cancel" and shop == LATE_PAYING else 1
        if chance.random() * 100 < share * often:
            # Some at once, before anybody has read it; some when it is long on its way.
            begin = at + chance.choice((0.1, chance.uniform(1, 15), chance.uniform(5, seconds / 4)))
            # Every other customer's order is looked after at a browser.
            more = {"by": "page"} if who == "merchant" and number % 2 else {}
            yield Act(begin, who, what, shop, number, more)
            if then:
                yield Act(begin + chance.uniform(1, seconds / 8), who, then, shop, number, more)


def _visits(chance: random.Random, seconds: float) -> Iterator[Act]:
    """Pages that people look at, and rounds at the staff's desk; every way at least once where there is time for it."""
    ways = [*WAYS, *BUTTONS]
    for number in range(int(seconds * BUYING / LOOKING)):
        if number % len(ways) == 0:
            chance.shuffle(ways)
        at, pick = 2 + LOOKING * (number + chance.random()), chance.randrange(10_000)
        yield Act(at, "visitor", ways[number % len(ways)], chance.randrange(SHOPS), 0, {"pick": pick})
    for number in range(int(seconds * 0.95 / ROUNDS)):
        # The last shop is the first one's merchant's.
        shop, what = number % (SHOPS - 1), DESK[number // (SHOPS - 1) % len(DESK)]
        yield Act(ROUNDS * (number + 1), "desk", what, shop, 0, {"pick": chance.randrange(10_000)})


def _goods(chance: random.Random, seconds: float, purchases: list[Act]) -> Iterator[Act]:
    """As many pieces come in as are bought, a little before; recounts differ by a few."""
    wanted: Counter[tuple[int, int]] = Counter()
    for act in purchases:
        for item, pieces in act.more["lines"]:
            house = act.shop % (SHOPS - 1)  # the last shop sells the goods of the first
            wanted[house, item] += pieces
            if wanted[house, item] < chance.randint(10, 40):
                continue
            at = max(0.0, act.at - seconds * 0.05)
            yield Act(at, "goods", "receive", house, 0, {"item": item, "pieces": wanted.pop((house, item))})
            if chance.random() < 0.5:
                more = {"item": chance.randrange(ITEMS), "by": chance.choice((-4, -3, -2, -1, 1, 2, 3))}
                yield Act(at, "goods", "adjust", chance.randrange(SHOPS), 0, more)


# --- faults --------------------------------------------------------------------------------


def pairs() -> list[tuple[str, str, dict[str, Any]]]:
    """Every endpoint with every fault that can hit it."""
    never = {(kind, endpoint) for kinds, endpoints, _why in NEVER for kind in kinds for endpoint in endpoints}
    return [
        (endpoint, kind, more)
        for endpoint in (*PAGES, *WRITES)
        for kind, more in (*EVERYWHERE, *ON_PAGES, *ON_WRITES)
        if (kind, endpoint) not in never
    ]


def is_whole(seconds: float) -> bool:
    return int(seconds * LEVERS) >= len(pairs())


def _levers(chance: random.Random, seconds: float) -> Iterator[Act]:
    """Every pair once, or, in a short storm, as many as there is time for; those of one endpoint are spread out."""
    chosen = pairs()
    chance.shuffle(chosen)
    chosen = chosen[: max(20, int(seconds * LEVERS))]
    each = Counter(endpoint for endpoint, _kind, _more in chosen)
    placed: Counter[str] = Counter()
    for place, (endpoint, kind, more) in enumerate(chosen):
        is_rare = endpoint in (*ONLY_IN, *SELDOM)
        at = 0.04 + (0.6 * placed[endpoint] / each[endpoint] if is_rare else 0.78 * place / len(chosen))
        placed[endpoint] += 1
        calling = NEEDING.get((Kind(kind), endpoint), CALLING.get(endpoint, range(SHOPS)))
        shop = ONLY_IN.get(endpoint, chance.choice(calling))
        times = 1 if is_rare or kind in (Kind.HUGE, Kind.SLOW) else chance.choice((1, 1, 1, 2, 4))
        skip = 0 if is_rare else chance.choice((0, 0, 1, 3))
        more = {"endpoint": endpoint, "times": times, "skip": skip, "params": more}
        yield Act(seconds * at, "faults", kind, shop, 0, more)


def _storms(chance: random.Random, seconds: float) -> Iterator[Act]:
    """Every so often a whole shop says nothing else for a while; at first that it is asked too often."""
    for number in range(max(2, int(seconds // 40))):
        kind, more = chance.choice(EVERYWHERE[:9] if number else EVERYWHERE[6:9])
        at = seconds * (0.1 + 0.75 * number / max(2, int(seconds // 40)))
        spread = {"endpoint": "", "times": chance.randint(8, 30), "skip": 0, "params": more}
        yield Act(at, "faults", kind, chance.randrange(SHOPS), 0, spread)


def _keys(chance: random.Random, seconds: float) -> Iterator[Act]:
    """Keys are revoked and restored, and permissions taken away and given back."""
    for number in range(max(2, int(seconds // 45))):
        at = seconds * (0.12 + 0.7 * number / max(2, int(seconds // 45)))
        shop, pause = chance.randrange(SHOPS), chance.uniform(3, 9)
        yield Act(at, "faults", "revoke key", shop)
        yield Act(at + pause, "faults", "restore key", shop)
        endpoint = chance.choice((*PAGES, *WRITES))
        yield Act(at + pause + 1, "faults", "forbid", shop, 0, {"endpoint": endpoint})
        yield Act(at + pause + 6, "faults", "allow", shop, 0, {"endpoint": endpoint})


def _deaths(chance: random.Random, seconds: float) -> Iterator[Act]:
    rhythm = {
        "kill worker": 13,
        "cut databases": 17,
        "kill beat": 61,
        "empty redis": 29,
        "kill redis": 67,
        "kill web": 83,
    }
    for what, every in rhythm.items():
        for number in range(max(1, int(seconds * 0.9 // every))):
            at = min(seconds * 0.92, every * (number + chance.uniform(0.3, 0.9)))
            yield Act(at, "deaths", what, 0, 0, {"pick": chance.randrange(1000)})
