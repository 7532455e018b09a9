"""What Prometheus reads at /metrics. All but the two of Redis comes from rows, so every process says the same, also
after a restart.

A fixed number of queries, however many integrations and orders there are. What to be woken for: docs/operations.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, IntegerField, Min, Q, Sum
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from redis.exceptions import RedisError

from integrations import installation
from integrations.models import SyncState
from integrations.pipes import PIPES
from myogo import health
from orders.models import Hold, Order, Status

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
OVERDUE = timedelta(minutes=1)  # a row due for longer counts as overdue


def text() -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    return generate_latest(registry)


class Collector:
    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        yield from of_installation()
        yield from of_pipes(now)
        yield from of_orders(now)
        yield from of_engines()


def of_installation() -> Iterator[Metric]:
    here = installation.current()
    yield _gauge("installation_is_ours", "1 where the database belongs to this installation", here.is_ours)
    yield _gauge("writing_stopped", "1 while all writing to shops is stopped", here.is_writing_stopped)


def of_pipes(now: datetime) -> Iterator[Metric]:
    rows: dict[str, dict[str, Any]] = {row["pipe"]: row for row in _pipe_rows(now)}
    seconds = {key: _seconds(now, rows.get(key, {}).get("oldest")) for key in PIPES}
    yield _gauges("pipe_lag_seconds", "How long the longest due row of a pipe has been due", "pipe", seconds)
    age = {key: _seconds(now, rows.get(key, {}).get("oldest_success")) for key in PIPES}
    yield _gauges("pipe_success_age_seconds", "Age of the oldest last success of a pipe not paused", "pipe", age)
    overdue = {key: rows.get(key, {}).get("overdue", 0) for key in PIPES}
    yield _gauges("pipe_overdue", "Rows of a pipe that have been due for over a minute", "pipe", overdue)
    queue = GaugeMetricFamily("myogo_queue_rows", "Rows of a pipe by where they stand", labels=["pipe", "state"])
    for key in PIPES:
        row = rows.get(key, {})
        for state in ("waiting", "rung", "running", "paused"):
            queue.add_metric([key, state], row.get(state, 0))
    yield queue
    yield _runs()
    yield from _failing()
    missing = sum(row.get("missing") or 0 for row in rows.values())
    yield _gauge("orders_missing", "Order numbers once taken that are no longer here, as of the last sweeps", missing)


def _pipe_rows(now: datetime) -> Iterable[Any]:
    """One row per pipe. Due is what a tick would look for; of a paused row nothing is expected."""
    free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    active = Q(is_paused=False)
    due = free & active & Q(next_run_at__lte=now)
    rung = Q(rung_at__gte=now - timedelta(seconds=30))
    lost = KeyTextTransform("lost", KeyTransform("ledger", "remembers"))
    return SyncState.objects.order_by("pipe").values("pipe").annotate(
        oldest=Min("next_run_at", filter=due),
        # One that never succeeded is as old as its integration, and not new.
        oldest_success=Min(Coalesce("last_succeeded_at", "integration__created_at"), filter=active),
        overdue=Count("pk", filter=due & Q(next_run_at__lt=now - OVERDUE)),
        rung=Count("pk", filter=due & rung),
        waiting=Count("pk", filter=due & (Q(rung_at__isnull=True) | ~rung)),
        running=Count("pk", filter=Q(leased_until__gte=now)),
        paused=Count("pk", filter=~active),
        missing=Sum(Cast(lost, IntegerField())),
    )  # fmt: skip


def _runs() -> Metric:
    """By integration: one that is deleted ends its own series. A sum would fall then, which reads as a restart."""
    runs = CounterMetricFamily(
        "myogo_runs", "Runs of a pipe by how they ended", labels=["integration", "pipe", "outcome"]
    )
    rows = SyncState.objects.filter(pipe__in=PIPES).order_by("integration", "pipe")
    for integration, pipe, *numbers in rows.values_list("integration", "pipe", "succeeded_runs", "failed_runs"):
        for outcome, number in zip(("succeeded", "failed"), numbers, strict=True):
            runs.add_metric([str(integration), pipe, outcome], number)
    return runs


def _failing() -> Iterator[Metric]:
    """By what must be mended; `unavailable` mends itself, or is a fault of ours."""
    metric = GaugeMetricFamily(
        "myogo_failing_integrations", "Integrations whose pipe fails, by what is wrong", labels=["pipe", "attention"]
    )
    failing = SyncState.objects.filter(~Q(attention="") | Q(failed_attempts__gt=0), is_paused=False)
    counted = failing.order_by().values_list("pipe", "attention").annotate(Count("pk"))
    found = {(pipe, attention or "unavailable"): number for pipe, attention, number in counted}
    for pipe in PIPES:
        for attention in ("unavailable", *SyncState.Attention.values):
            metric.add_metric([pipe, attention], found.get((pipe, attention), 0))
    yield metric


def of_orders(now: datetime) -> Iterator[Metric]:
    held = Hold.objects.filter(order__status=Status.RESERVED).order_by().values_list("cause")
    waiting: dict[str, float] = dict(held.annotate(Count("order", distinct=True)))
    yield _gauges("orders_waiting", "Orders that wait, by reason; one may have several", "cause", waiting)
    owed = {
        "handover": Order.objects.being_handed_over().aggregate(number=Count("pk"), oldest=Min("handover_asked_at")),
        "completion": Order.objects.untold().aggregate(number=Count("pk"), oldest=Min("shipped_at")),
    }
    numbers = {what: found["number"] for what, found in owed.items()}
    ages = {what: _seconds(now, found["oldest"]) for what, found in owed.items()}
    yield _gauges("orders_owed", "Orders whose shop is still to be told", "what", numbers)
    yield _gauges("orders_owed_oldest_seconds", "How long the oldest of them has been owed", "what", ages)


def of_engines() -> Iterator[Metric]:
    """Whether broker and cache answer; and where Redis is the broker, messages that no worker has fetched."""
    said = {"broker": health.broker(), "cache": health.cache()}
    answers: dict[str, float] = {engine: word == health.GOOD for engine, word in said.items()}
    yield _gauges("engine_answers", "1 where it answers; no page needs either", "engine", answers)
    url = settings.CELERY_BROKER_URL
    if not (answers["broker"] and url.startswith(("redis://", "rediss://"))):
        return
    try:
        with health.redis_client(url) as client:
            length = int(client.llen(settings.CELERY_TASK_DEFAULT_QUEUE))
    except (RedisError, OSError):
        return
    yield _gauge("broker_messages", "Messages in the broker that no worker has fetched", length)


def _seconds(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"myogo_{name}", what, value=float(value))


def _gauges(name: str, what: str, label: str, values: dict[str, float]) -> Metric:
    metric = GaugeMetricFamily(f"myogo_{name}", what, labels=[label])
    for key, value in sorted(values.items()):
        metric.add_metric([key], value)
    return metric
