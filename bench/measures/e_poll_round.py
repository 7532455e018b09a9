"""(e) One round over many integrations in which nothing happens: the looks that every minute owes."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from bench import data
from bench.engine import Engine, Took
from bench.results import Grown, Results, Table, Verdict, megabytes, number, percent, seconds
from bench.stage import Stage
from bench.worker import Queries
from integrations import doorbell, sync
from integrations.models import SyncState
from merchants.models import Merchant, Warehouse

LIMIT = 45.0  # seconds: well under a minute
WORKERS = 2
SHARE = "the shop's share"
PIPES = ("intake", "stock", "hand-over")
HOW = (
    "Every integration is of another merchant and another host, and nothing is new there. "
    f"Due are {', '.join(PIPES)}: all that runs every minute. {WORKERS} workers share the rows that the tick found."
)


def measure(stage: Stage, results: Results) -> None:
    head = (
        "integrations",
        "the tick",
        "the round",
        "per look",
        "statements per look",
        SHARE,
        "peak memory of a worker",
    )
    table = Table("e", "A poll round over idle integrations", HOW, head)
    found = []
    for name, shops in zip(("once", "tenfold"), stage.scale.shops, strict=True):
        open_shops(stage.engine, name, shops)
        tick, asked, rounds = one_round(stage.engine, shops)
        found.append((tick, asked, rounds))
        looks = shops * len(PIPES)
        queries = (asked + sum(took.queries for took in rounds)) / looks
        took = longest(rounds)
        row = [number(shops), seconds(tick), seconds(took), seconds(took * WORKERS / looks), f"{queries:.1f}"]
        table.rows.append([*row, percent(rounds[0].shop / took), megabytes(max(took.peak for took in rounds))])
    results.tables.append(table)
    judge(stage, results, [(tick + longest(rounds), asked, rounds) for tick, asked, rounds in found])


def judge(stage: Stage, results: Results, found: list[tuple[float, int, list[Took]]]) -> None:
    (once, _asked, few), (tenfold, _asked_too, many) = found
    what = f"a round over {number(stage.scale.shops[1])} idle integrations"
    results.verdicts.append(Verdict("e", what, f"≤ {LIMIT:.0f} s", seconds(tenfold), tenfold <= LIMIT))
    each = [
        (asked + sum(took.queries for took in rounds)) / shops
        for (_seconds, asked, rounds), shops in zip(found, stage.scale.shops, strict=True)
    ]
    is_constant = each[1] <= each[0] * 1.05
    words = f"{each[0]:.1f} → {each[1]:.1f}"
    results.verdicts.append(Verdict("e", "statements per idle integration", "constant", words, is_constant))
    peaks = (max(took.peak for took in few), max(took.peak for took in many))
    results.grown.append(Grown("e", "poll round", stage.scale.shops, (once, tenfold), peaks))


def longest(rounds: list[Took]) -> float:
    return max(took.seconds for took in rounds)


def one_round(engine: Engine, shops: int) -> tuple[float, int, list[Took]]:
    """What the tick takes, in seconds and statements, and the workers."""
    began, queries = timezone.now(), Queries()
    with connection.execute_wrapper(queries):
        rows = ring()
    tick = (timezone.now() - began).total_seconds()
    if len(rows) != shops * len(PIPES):
        raise RuntimeError(f"the tick found {len(rows)} rows")
    return tick, queries.number, engine.share_out(rows, WORKERS)


def ring() -> list[tuple[str, int]]:
    """The real tick, whose doorbell is a list."""
    rung: list[int] = []
    real, doorbell.send = doorbell.send, lambda task, pk: rung.append(pk)
    try:
        sync.tick()
    finally:
        doorbell.send = real
    pipes = dict(SyncState.objects.filter(pk__in=rung).values_list("pk", "pipe"))
    return [(pipes[pk], pk) for pk in rung]


def open_shops(engine: Engine, name: str, shops: int) -> None:
    """So many integrations that have looked at their shop before; all other rows rest."""
    SyncState.objects.update(is_paused=True)
    house = Warehouse.objects.create(code=f"E{name}", name="Warehouse of many")
    merchants = Merchant.objects.bulk_create(
        Merchant(name=f"Many {name} {one}", time_zone=data.ZONE) for one in range(shops)
    )
    Merchant.warehouses.through.objects.bulk_create(
        Merchant.warehouses.through(merchant_id=one.pk, warehouse_id=house.pk) for one in merchants
    )
    for place, merchant in enumerate(merchants):
        host = f"127.{10 if name == 'once' else 11}.{place // 250}.{place % 250 + 1}"
        data.integration(merchant, engine.shop.address("idle", host), sends_stock=True)
    now = timezone.now()
    states = SyncState.objects.filter(integration__merchant__in=merchants)
    done = {"swept_at": now.isoformat(), "everything_at": now.isoformat(), "read_back_at": now.isoformat()}
    before = now - timedelta(minutes=1)
    states.update(remembers=done, synced_through=before, completed_at=before, last_succeeded_at=before)
    states.exclude(pipe__in=PIPES).update(next_run_at=now + timedelta(hours=1))
    data.analyze("integrations_syncstate", "integrations_integration")
