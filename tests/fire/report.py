"""What a storm came to, as a page of Markdown."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import celery
import django

from orders.models import Order, Status
from products.models import Movement
from sandbox.models import Fault
from sandbox.models import Order as ShopOrder
from sandbox.models import Shipment as ShopShipment
from sandbox.models.fault import Kind
from tests.fire.browser import Ledger
from tests.fire.plan import NEVER, pairs
from tests.fire.storm import Storm
from tests.fire.town import Town, merchants
from tests.fire.truth import Findings
from tests.fire.visits import DESK_BUTTONS, ORDER_BUTTONS
from tests.fire.ways import BUTTONS, WAYS

Pair = tuple[str, str]  # a kind of fault and an endpoint
NAMED = 40  # findings of a kind that are written out


@dataclass
class Result:
    """All that the report tells."""

    storm: Storm
    findings: Findings
    owed: list[str]
    outcomes: dict[str, int]
    raged: float
    rested: float
    postgres: str
    redis: str
    command: str
    machine: str
    smouldered: float = 0.0  # seconds after the storm, until the last faults had hit
    ours: list[str] = field(default_factory=list)  # faults of our own code, see ours.py

    @property
    def is_green(self) -> bool:
        """A short storm has not the time to meet every fault; a whole one has."""
        is_thin = self.storm.plan.is_whole and (self.missed or self.not_seen)
        is_wrong = self.findings.total or self.owed or self.storm.errors or self.seen.errors or self.ours
        is_blind = not (self.seen.fetched and self.seen.pressed)
        return not (is_wrong or is_thin or is_blind or self.is_idle)

    @property
    def is_idle(self) -> bool:
        """Where most purchases were refused, or nothing was sent, nothing could have been lost or doubled."""
        towns = merchants(self.storm.towns)
        bought = ShopOrder.objects.filter(shop__in=[town.shop for town in self.storm.towns]).count()
        sent = Order.objects.filter(merchant__in=[town.merchant for town in towns], status=Status.SHIPPED)
        return sum(town.books.refused for town in towns) > bought or not sent.exists()

    @property
    def seen(self) -> Ledger:
        """What people at browsers met."""
        return self.storm.visits.ledger

    @property
    def not_seen(self) -> list[str]:
        """Pages on which nobody was, and kinds of buttons that nobody pressed."""
        pages = {name for steps in WAYS.values() for name, _way in steps} - set(self.seen.fetched)
        return sorted(pages | ({*ORDER_BUTTONS, *BUTTONS, *DESK_BUTTONS} - set(self.seen.pressed)))

    @cached_property
    def hits(self) -> Counter[Pair]:
        found: Counter[Pair] = Counter()
        rows = Fault.objects.filter(shop__in=[town.shop for town in self.storm.towns])
        for endpoint, kind, params, n in rows.values_list("endpoint", "kind", "params", "hits"):
            found[_kind(kind, params), endpoint] += n
        return found

    @cached_property
    def planned(self) -> set[Pair]:
        acts = [act for act in self.storm.plan.of("faults") if "params" in act.more]
        return {(_kind(act.what, act.more["params"]), act.more["endpoint"]) for act in acts}

    @property
    def missed(self) -> list[str]:
        """Faults that were planned at an endpoint and never hit there; those at any endpoint are not meant."""
        return sorted(
            f"{kind} × {endpoint}" for kind, endpoint in self.planned if endpoint and not self.hits[kind, endpoint]
        )


def write(result: Result, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(_page(result)) + "\n")


def this_machine() -> str:
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((int(line.split()[1]) // 1024 // 1024 for line in _lines("/proc/meminfo") if "MemTotal" in line), 0)
    return f"{os.cpu_count()} cores {model}, {memory} GiB, {platform.system()} {platform.release().split('-')[0]}"


def commit() -> str:
    """What `git describe` calls the code that ran; "unknown" where there is no git."""
    describe = ["git", "describe", "--always", "--dirty"]
    try:
        found = subprocess.run(describe, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def redis_version() -> str:
    found = re.search(r"v=(\S+)", subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout)
    return found[1] if found else "?"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _page(result: Result) -> Iterator[str]:
    plan, engines = result.storm.plan, result.storm.engines
    yield "# Under fire\n"
    aimed = sum(1 for _kind, endpoint in result.planned if endpoint)
    yield (
        f"Written by `make fire` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, of `{commit()}`. A storm over the whole "
        "portal, on PostgreSQL and Redis with several worker processes: people buy, change their minds, pack and send, "
        f"by calls and at browsers, while {aimed - len(result.missed)} of the {len(pairs())} pairs of a fault and an "
        "endpoint of the shops that there can be happen, workers die, Redis is emptied and the database's connections "
        "are cut. Then the faults end, what is owed is waited for, and both sides are compared with each other and "
        "with the people's own books.\n"
    )
    yield "| | |\n|---|---|"
    yield f"| **lost** | **{len(result.findings.lost)}** |"
    yield f"| **doubled** | **{len(result.findings.doubled)}** |"
    yield f"| **wrong** | **{len(result.findings.wrong)}** |"
    yield f"| still owed at the end | {len(result.owed)} |"
    yield f"| pages and buttons that showed somebody at a browser an error | {len(result.seen.errors)} |"
    yield f"| errors of what people did by calls | {len(result.storm.errors)} |"
    yield f"| runs, tasks and pages that failed in our own code, by records and logs | {len(result.ours)} |"
    yield f"| planned faults that never hit | {len(result.missed)} of {aimed} |\n"
    yield from _problems(result)
    yield "## What it was\n\n| | |\n|---|---|"
    yield from _rows({
        "command": f"`{result.command}`",
        "seed, plan": f"{plan.seed}, `{plan.digest}` ({len(plan.acts)} acts)",
        "storm": f"{result.raged:.0f} s (planned {plan.seconds:.0f}; at most {result.storm.lagged:.0f} s behind)",
        "after it, until the last faults had hit": f"{result.smouldered:.0f} s",
        "until all was at rest": f"{result.rested:.0f} s",
        "machine": result.machine,
        "versions": f"Python {platform.python_version()}, Django {django.__version__}, Celery {celery.__version__}, "
        f"PostgreSQL {result.postgres}, Redis {result.redis}",
        "processes": f"{engines.workers} workers of 2 processes each, beat, 2 web processes of 8 threads, Redis",
    })  # fmt: skip
    yield from _work(result)
    yield from _browsers(result)
    yield from _deaths(result)
    yield from _faults(result)
    yield from _reading()


def _rows(facts: dict[str, object]) -> Iterator[str]:
    yield from (f"| {name} | {value} |" for name, value in facts.items())
    yield ""


def _problems(result: Result) -> Iterator[str]:
    lists = [
        *result.findings.rows(),
        ("still owed", result.owed),
        ("shown at a browser", result.seen.errors),
        ("errors of calls", result.storm.errors),
        ("failed in our own code", result.ours),
    ]
    for name, found in lists:
        if found:
            yield f"### {name}\n"
            yield from (f"* {what}" for what in found[:NAMED])
            if len(found) > NAMED:
                yield f"* … and {len(found) - NAMED} more"
            yield ""


def _work(result: Result) -> Iterator[str]:
    towns = result.storm.towns
    shops = [town.shop for town in towns]
    shipments = ShopShipment.objects.filter(order__shop__in=shops)
    acts: Counter[str] = sum((town.books.acts for town in merchants(towns)), Counter())
    yield "## What people did, or tried\n\n| | |\n|---|---|"
    yield from _rows({
        "orders bought": f"{ShopOrder.objects.filter(shop__in=shops).count()} in {len(towns)} shops "
        f"(refused by the shops for want of pieces: {sum(town.books.refused for town in merchants(towns))})",
        "orders and parts here at the end": ", ".join(f"{n} {status}" for status, n in result.outcomes.items()),
        "waiting for a reason": _reasons(towns),
        "shipments in the shops": f"{shipments.count()}, sent {shipments.exclude(shipped_at=None).count()}, "
        f"payments taken {shipments.filter(captures=1).count()}",
        "changes of stock": Movement.objects.count(),
        **{name: n for name, n in sorted(acts.items())},
    })  # fmt: skip


def _browsers(result: Result) -> Iterator[str]:
    """What was fetched and pressed over HTTP, from the web processes that may die, on connections that may be cut."""
    seen = result.seen
    yield "## What people at browsers did\n"
    yield (
        "Merchants' people and staff, signed in by the form, and machines that watch; over HTTP, from the web "
        "processes of the storm. An error is an answer of 400 or more, a trace, more than ten seconds, a way that "
        "leads nowhere, a button that says nothing. Where the web process was killed, or the database's connections "
        "were cut, people reloaded, and looked before they pressed again.\n"
    )
    yield "| | |\n|---|---|"
    took, where = seen.slowest
    yield from _rows({
        "pages fetched": sum(seen.fetched.values()),
        "buttons pressed": sum(seen.pressed.values()),
        "slowest answer": f"{took:.1f} s ({where})" if where else "none",
        **{f"reloaded, for {why}": n for why, n in sorted(seen.reloaded.items())},
    })  # fmt: skip
    for what, counted in (
        ("page", seen.fetched),
        ("button", seen.pressed),
        ("not offered just then", seen.not_offered),
    ):
        if counted:
            yield f"| {what} | times |\n|---|---|"
            yield from _rows(dict(sorted(counted.items())))
    if result.not_seen:
        yield f"Neither seen nor pressed: {', '.join(result.not_seen)}.\n"


def _reasons(towns: list[Town]) -> str:
    mine = Order.objects.filter(merchant__in=[town.merchant for town in towns], holds__isnull=False)
    causes = Counter(mine.values_list("holds__cause", flat=True))
    return ", ".join(f"{n} × {cause}" for cause, n in causes.most_common()) or "none"


def _deaths(result: Result) -> Iterator[str]:
    engines = result.storm.engines
    yield "## What happened to the machines\n\n| | |\n|---|---|"
    died = {f"{name} ended by itself and was started again": n for name, n in sorted(engines.died.items())}
    yield from _rows({**dict(sorted(engines.killed.items())), **died})


def _faults(result: Result) -> Iterator[str]:
    """Hits by kind and endpoint; a dash where the plan had none, 0 where it was never hit."""
    hits, planned = result.hits, result.planned
    endpoints = list(dict.fromkeys(endpoint for endpoint, _kind_, _more in pairs()))
    kinds = list(dict.fromkeys(_kind(kind, more) for _endpoint, kind, more in pairs()))
    yield "## Faults that hit, by kind and endpoint\n"
    yield (
        f"{sum(hits.values())} requests were spoilt. A fault that changes nothing in an answer, byte for byte, is no "
        "hit and waits for the next call. A dash: not in this plan, or such a fault cannot be there.\n"
    )
    yield "| | " + " | ".join([*endpoints, "any"]) + " |"
    yield "|---|" + "---|" * (len(endpoints) + 1)
    for kind in kinds:
        cells = [str(hits[kind, one]) if (kind, one) in planned else "–" for one in [*endpoints, ""]]
        yield f"| {kind} | " + " | ".join(cells) + " |"
    yield f"\nPlanned and never hit: {', '.join(result.missed) or 'none'}.\n"
    yield "There cannot be:\n"
    yield from (
        f"* {', '.join(_kind(kind, {}) for kind in kinds)} × {', '.join(endpoints)}: {why}."
        for kinds, endpoints, why in NEVER
    )
    yield ""
    rights: Counter[str] = sum((town.books.rights for town in merchants(result.storm.towns)), Counter())
    done = ", ".join(f"{what} {n} ×" for what, n in sorted(rights.items()))
    yield f"Keys and permissions in the shops: {done or 'untouched'}.\n"


def _kind(kind: str, params: dict[str, object]) -> str:
    if kind == Kind.STATUS:
        form = params.get("retry_after_form", "")
        return f"HTTP {params.get('code')}" + (f" ({form})" if form else "")
    return kind.replace("_", " ")


def _reading() -> Iterable[str]:
    yield "## How to read it\n"
    yield (
        "*Lost*: an order that the shop shows and that is neither here nor skipped for a reason, or was skipped while "
        "the shop waits for its pieces, or stands somewhere and nothing says why. *Doubled*: an order, shipment, "
        "payment or piece too many. *Wrong*: a figure, a status, a ledger, an item, or an order's person, goods or "
        "price that differs between the shop, the portal and what the people counted. Orders that wait do so for a "
        "reason that a person can read; each is listed on "
        "the front page.\n"
    )
    yield (
        "Who buys, the shop's people, goods that come in and most of what the warehouse and the merchants do are calls "
        "in the process of the storm, whose own connections nobody cuts. What is done at browsers goes through the web "
        "processes: they are killed, and their connections are cut, as those of the workers. A refusal with a sentence "
        "is an answer and no error.\n"
    )
    yield (
        "Waits of minutes and hours are rows and settings; the storm shortens them to seconds. The wait after a lost "
        "answer is longer than any answer may be under way, as in production. The same seed draws the same plan; what "
        "the workers do in between is up to the machine."
    )
