"""*Create product* as background work: the chosen items → products, or left with a reason.

want     the press of the button marks the chosen rows and adds their number to the open record; nothing else is done
tick     looks for marked rows and rings
work     a batch of marked rows at a time, each in one transaction: look, create or link, unmark, count

What is owed are the marked rows, so a killed worker loses and doubles nothing: the next one goes on with the rows that
are left, in the same record. Workers and buttons lock the record first, then rows in the order of their keys.
chosen = created + linked + left, by the reason that holds when a row's turn comes.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.models import Integration, SyncRun
from products import create, detect
from products.models import Tab, WebshopProduct, WebshopProductQuerySet

log = logging.getLogger(__name__)

KEY = "create"  # under which the activity keeps the records
TASK = "products.create"
BATCH = 500
QUIET = 15  # seconds without a written batch after which work under way is rung again
LEFT = "left:"  # begins the name of a count of what was left
FAILED = "failed"
NOTES_KEPT = 200


def want(integration: Integration, items: WebshopProductQuerySet, asked_by: str) -> SyncRun | None:
    """Choose these items; returns the record that counts them, or nothing where there was nothing to choose.

    What is chosen already stays chosen once. All are marked or none.
    """
    with transaction.atomic():
        # Two people who press at once share a record; rows that refer to the integration need not wait.
        Integration.objects.select_for_update(no_key=True).get(pk=integration.pk)
        record = _open_record(integration)
        chosen = items.want(timezone.now())
        if record is None and not chosen:
            return None
        record = record or _new_record(integration, chosen=0)
        record.counts["chosen"] = record.counts.get("chosen", 0) + chosen
        record.asked_by = _names(record.asked_by, asked_by)
        record.save(update_fields=["counts", "asked_by"])
    return record


def _names(before: str, name: str) -> str:
    """Everybody who chose, once."""
    return before if name in before.split(", ") else ", ".join(filter(None, [before, name]))[:120]


def _open_record(integration: Integration) -> SyncRun | None:
    """The record of the work under way, locked; within a transaction."""
    runs = integration.runs.filter(pipe=KEY, outcome=SyncRun.Outcome.RUNNING)
    return runs.select_for_update(of=("self",)).order_by("-pk").first()


def give_up(integration: Integration, why: str) -> None:
    """The items that were chosen are no more: the record says so. Within a transaction."""
    if record := _open_record(integration):
        record.outcome, record.ended_at, record.error = SyncRun.Outcome.FAILED, timezone.now(), why
        record.save(update_fields=["outcome", "ended_at", "error"])


def _fresh_record(integration: Integration) -> SyncRun | None:
    """The record that a button has opened this very moment; one of our own only where staff have deleted it."""
    Integration.objects.select_for_update(no_key=True).get(pk=integration.pk)
    chosen = integration.webshop_products.wanted().count()
    return _open_record(integration) or (_new_record(integration, chosen) if chosen else None)


def _new_record(integration: Integration, chosen: int) -> SyncRun:
    return SyncRun.objects.create(
        integration=integration,
        pipe=KEY,
        kind=_("products from chosen items"),
        started_at=timezone.now(),
        counts={"chosen": chosen},
    )


def tick(ring: Callable[[str, int], None]) -> int:
    """Ring for every integration with chosen items that nobody is at; returns how many."""
    owing = WebshopProduct.objects.wanted().order_by().values_list("integration", flat=True).distinct()
    found = [pk for pk in owing if cache.get(_sign(pk)) is None]
    for pk in found:
        ring(TASK, pk)
    return len(found)


def _sign(integration_pk: int) -> str:
    """Where a worker leaves its signs of life. A hint that spares doorbells: the locks keep two workers apart."""
    return f"creating-{integration_pk}"


def work(integration_pk: int) -> None:
    """One turn: batch after batch, until nothing is left or the turn is over; the next tick rings again."""
    integration = Integration.objects.select_related("merchant").filter(pk=integration_pk).first()
    if integration is None or not integration.webshop_products.wanted().exists():
        return
    until = timezone.now() + timedelta(seconds=settings.TURN_SECONDS)

    def beat() -> None:
        cache.set(_sign(integration_pk), 1, QUIET)

    detect.detect(integration, beat)  # a refresh under way may have shown twins that nobody has compared yet
    while _step(integration) and timezone.now() < until:
        beat()
    cache.delete(_sign(integration_pk))


def _step(integration: Integration) -> bool:
    """One batch; where it fails in our own code its items one by one, so that a single one holds up nobody."""
    try:
        return take(integration, BATCH)
    except OperationalError:
        raise  # a deadlock or a database that is gone: all is as it was, and rung again
    except Exception:
        log.exception("%s: a batch of chosen items failed; they are taken one by one.", integration)
    return all(_single(integration) for _number in range(BATCH))


def _single(integration: Integration) -> bool:
    try:
        return take(integration, 1)
    except OperationalError:
        raise
    except Exception:
        log.exception("%s: a chosen item failed; it is left.", integration)
        return take(integration, 1, put=False)


@transaction.atomic
def take(integration: Integration, size: int, *, put: bool = True) -> bool:
    """So many of the chosen items, the first by key; without `put` they are left as failed. Says whether more wait."""
    wanted = integration.webshop_products.wanted()
    record = _open_record(integration) or _fresh_record(integration)
    if record is None:
        return False
    items = list(wanted.lock()[:size])
    counts = Counter(record.counts)
    if put:
        counts += _put(integration, items)
    else:
        counts[LEFT + FAILED] += len(items)
        room = max(0, NOTES_KEPT - len(record.notes))
        record.notes += [_("%(item)s: something failed on our side.") % {"item": item.title} for item in items[:room]]
    WebshopProduct.objects.filter(pk__in=[item.pk for item in items]).update(wanted_at=None)
    record.counts = dict(counts)
    is_over = not wanted.exists()
    if is_over:
        record.outcome, record.ended_at = SyncRun.Outcome.SUCCEEDED, timezone.now()
    record.save(update_fields=["counts", "notes", "outcome", "ended_at"])
    return not is_over


def _put(integration: Integration, items: list[WebshopProduct]) -> Counter[str]:
    """Create or link what is new; the rest is counted by why it is left."""
    new = [item for item in items if item.tab == Tab.NEW]
    answer = create.Answer()
    if new:
        create.put(integration, new, answer)
    counts = Counter(LEFT + reason(item) for item in items if item.tab != Tab.NEW)
    return counts + Counter(created=answer.created, linked=answer.linked)


def reason(item: WebshopProduct) -> str:
    """Why an item is left: the code of its first problem, else its tab."""
    return item.first_problem if item.tab == Tab.PROBLEMS else item.tab
