"""Claim, run, settle: the discipline of every pipe, and the only writer of a sync's outcome.

    tick ──▶ due rows ──▶ doorbell ──▶ run(state, job)
                                        claim    one transaction: the row is due, free, not paused, and the shop has
                                                 no other running pipe; a lease is set
                                        job      reads, decides, writes; renews the lease with every page
                                        settle   conditional on our own lease: success, failure, or the place given back

Where this installation may not talk to shops, or not write (`installation.py`), no run begins and rows stay due; one
under way gives its place back there. So it does, after its page, when its worker is told to stop (`stopping.py`).

A killed worker settles nothing: its lease ends, the next claim goes on from the place of the last written page.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Case, F, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations import doorbell, installation, log_context, pipes, stopping
from integrations.connectors.base import Connector
from integrations.connectors.errors import BadCredentials, Closed, NotAllowed, ShopError, Unavailable, WrongAddress
from integrations.models import SyncRun, SyncState
from merchants.templatetags.portal import duration

log = logging.getLogger(__name__)

BACKOFF = (60.0, 300.0, 900.0, 3600.0)  # seconds; the last one repeats
PROBE = 900.0  # seconds between probes with a refused key
OUR_FAULT = gettext_lazy("Something failed on our side; we look into it.")
GONE = ("08", "57P01", "57P02", "57P03")  # PostgreSQL's codes of a connection that broke, or was ended
DATABASE_AWAY = gettext_lazy("Our database was away for a moment; it is tried again.")
NOTES_KEPT = 200
NOTE_LENGTH = 300  # characters
PAUSE_SECONDS = 0.5  # until a run notices that its pipe was paused
OF_THE_WHOLE_INTEGRATION = (SyncState.Attention.BAD_KEY, SyncState.Attention.WRONG_ADDRESS)
Job = Callable[["Run"], None]


class LostLease(Exception):
    """Somebody else is at this row now: stop without writing."""


class TurnOver(Exception):
    """The place is saved and the others have their turn; raised by the job through `Run.give_back()`."""


class Run:
    """One turn on one pipe: what a job holds in its hands.

    `place` is where the last turn stopped (empty at the beginning of a piece of work), `counts` what was counted
    since then, `asked` whether a person asked for it. Call `keep()` inside the transaction that writes a page.
    """

    def __init__(self, state: SyncState, record: SyncRun, now: datetime) -> None:
        self.state = state
        self.integration = state.integration
        self.record = record
        self.place: dict[str, Any] = dict(state.place)
        self.counts: Counter[str] = Counter(record.counts)
        self.asked = bool(self.place.pop("asked", False))
        self.began_at = now
        self.outcome: dict[str, Any] = {}
        self.is_quiet = False
        self.has_called = False  # whether the shop was asked anything: only then did it answer
        self._next: datetime | None = None
        self._noted_before = frozenset(record.notes)  # by turns and attempts whose last page this one may read again
        self._said: tuple[object, ...] = ()
        self._looked_at = -PAUSE_SECONDS
        self._lease = state.lease
        self._leased_until = state.leased_until or now

    def connect(self) -> Connector:
        return self.integration.connect(before_call=self.before_call)

    def before_call(self) -> None:
        """Before every network call: is there still time for one, with half the lease to spare?"""
        spare = timedelta(seconds=settings.LEASE_SECONDS / 2)
        if timezone.now() + spare > self._leased_until:
            raise Unavailable(_("The shop answers so slowly that one page took longer than a run may last."))
        self.has_called = True

    @property
    def turn_is_over(self) -> bool:
        return timezone.now() - self.began_at >= timedelta(seconds=settings.TURN_SECONDS)

    def complete(self, through: datetime, *, is_full: bool) -> None:
        """The work is done up to that moment; `is_full` when everything was looked at."""
        self.outcome = {"synced_through": through, **({"completed_at": timezone.now()} if is_full else {})}

    def quiet(self) -> None:
        """Nothing worth a line of its own was found: the activity counts it with the quiet runs before it."""
        self.is_quiet = True

    def again_at(self, moment: datetime) -> None:
        """The next run is due then, if not before."""
        self._next = min(self._next or moment, moment)

    def describe(self, kind: str) -> None:
        """What kind of work this is, in words, for the activity."""
        self.record.kind = kind

    def note(self, sentences: Iterable[str]) -> None:
        """What could not be done, for a person to read. The first ones are kept, all are counted."""
        said = [sentence[:NOTE_LENGTH] for sentence in sentences]
        new = [sentence for sentence in said if sentence not in self._noted_before]
        self.record.notes += new[: max(0, NOTES_KEPT - len(self.record.notes))]

    def forget(self) -> None:
        """A new piece of work begins: what was counted and noted before belongs to another."""
        self.counts.clear()
        self.record.notes, self._noted_before = [], frozenset()

    def keep(self, place: dict[str, Any]) -> None:
        """Save place and counts and renew the lease; raises `LostLease` where it is no longer ours."""
        until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
        ours = SyncState.objects.filter(pk=self.state.pk, lease=self._lease)
        if not ours.update(place=place, leased_until=until):
            raise LostLease
        self.place, self._leased_until = place, until
        said = (dict(self.counts), len(self.record.notes), self.record.kind)
        if said != self._said:
            self.record.counts, self._said = dict(self.counts), said
            self.record.save(update_fields=["counts", "notes", "kind"])

    def remember(self, **facts: Any) -> None:
        """Keep facts for the runs to come, in `state.remembers`; raises `LostLease` where the lease is not ours."""
        self.state.remembers = {**self.state.remembers, **facts}
        ours = SyncState.objects.filter(pk=self.state.pk, lease=self._lease)
        if not ours.update(remembers=self.state.remembers):
            raise LostLease

    def give_way(self) -> None:
        """Between two pages: the turn is over, the worker stops or the pipe was paused: stop here and go on later."""
        if self.turn_is_over or stopping.has_begun() or self._was_paused():
            raise TurnOver

    def _was_paused(self) -> bool:
        """Looked at once in `PAUSE_SECONDS`: pages may follow each other faster than anybody can press a button."""
        now = time.monotonic()
        if now - self._looked_at < PAUSE_SECONDS:
            return False
        self._looked_at = now
        return SyncState.objects.filter(pk=self.state.pk, is_paused=True).exists()


def run(state_pk: int, job: Job) -> SyncRun | None:
    """One turn of `job` on this row, if it is due and free. Returns its record, or nothing when it was not to run."""
    with stopping.deferred():
        turn = claim(state_pk)
        if turn is None:
            return None
        state = turn.state
        _under_way.add(turn._lease)
        try:
            with log_context.during(integration=state.integration_id, pipe=state.pipe, run=turn.record.pk):
                _work(turn, job)
        finally:
            _under_way.discard(turn._lease)
        return turn.record


_under_way: set[str] = set()  # the leases of this process's runs


def abandon() -> None:
    """This process ends now, whatever its runs are at: they go on after their last written page, without a wait."""
    rows = SyncState.objects.filter(lease__in=list(_under_way))
    rows.update(lease="", leased_until=None, rung_at=None)


def _work(turn: Run, job: Job) -> None:
    """The job, and what came of it."""
    try:
        job(turn)
    except LostLease:
        log.info("The lease is over; whoever holds it goes on.")
    except (TurnOver, Closed):
        _give_back(turn)
        log.info("Gave its place back.")
    except ShopError as error:
        log.warning("Failed: %s.", type(error).__name__)  # its sentence, on the row, may quote the shop
        _settle_failure(turn, error)
    except Exception as error:
        if is_cut_off(error):
            log.warning("Its connection to the database was cut.")
            _settle_failure(turn, error, DATABASE_AWAY)
            return
        log.exception("%s failed in our own code.", turn.state)
        _settle_failure(turn, error)
    else:
        _settle_success(turn)
        log.log(logging.DEBUG if turn.is_quiet else logging.INFO, "Succeeded.")


def is_cut_off(error: Exception) -> bool:
    """Whether the database went away, and nothing else was the matter: what else has that class has a code as well.

    The next statement then opens another connection.
    """
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code = getattr(error.__cause__, "sqlstate", "")  # "" where the database knows no codes
    if connection.connection is not None and not connection.is_usable():
        connection.close()
    return code is None or code.startswith(GONE)


def claim(state_pk: int) -> Run | None:
    """Take the lease, or nothing. Never two runs of one row, never two running pipes of one shop."""
    now = timezone.now()
    closed = installation.current().closed_pipes()
    with transaction.atomic():
        found = SyncState.objects.filter(pk=state_pk).values_list("integration__shop", "pipe").first()
        if found is None or found[1] in closed or stopping.has_begun() or _shop_is_busy(found[0], now):
            SyncState.objects.filter(pk=state_pk).update(rung_at=None)  # the next tick rings again
            return None
        until = now + timedelta(seconds=settings.LEASE_SECONDS)
        due = SyncState.objects.due(now).filter(pk=state_pk)
        before = due.select_related("integration").first()
        if before is None:
            return None
        # The wish moves into the place, where it outlives a death before the first page.
        place = {**before.place, "asked": True} if before.asked_at else before.place
        due.update(leased_until=until, lease=uuid.uuid4().hex, asked_at=None, place=place)
        state = SyncState.objects.select_related("integration").get(pk=state_pk)
        record = _record(state, before, now)
    return Run(state, record, now)


def _shop_is_busy(shop: str, now: datetime) -> bool:
    return any(state.leased_until and state.leased_until > now for state in _locked(shop))


def _locked(shop: str) -> list[SyncState]:
    """The shop's rows, locked in key order: two claims see each other, and a claim and a settling never cross."""
    return list(SyncState.objects.of_shop(shop).select_for_update(of=("self",)).order_by("pk"))


def _record(state: SyncState, before: SyncState, now: datetime) -> SyncRun:
    """The record of work under way, taken up again; or a new one."""
    open_runs = SyncRun.objects.filter(integration=state.integration, pipe=state.pipe, outcome=SyncRun.Outcome.RUNNING)
    record = open_runs.order_by("-pk").first()
    if record is None:
        asked_by = before.asked_by if before.asked_at else ""
        return SyncRun.objects.create(
            integration=state.integration, pipe=state.pipe, started_at=now, asked_by=asked_by, **_carried_over(state)
        )
    record.turns += 1
    record.interruptions += before.leased_until is not None
    record.save(update_fields=["turns", "interruptions"])
    return record


def _carried_over(state: SyncState) -> dict[str, Any]:
    """What the work under way has counted, and could not do, before an attempt of it failed."""
    if "counts" not in state.place:
        return {}
    failed = SyncRun.objects.filter(integration=state.integration, pipe=state.pipe).latest_first().first()
    return {"counts": state.place["counts"], "notes": failed.notes if failed else []}


def _settle(turn: Run, **fields: Any) -> bool:
    """Write the outcome, if the lease is still ours. The shop's rows stay locked until the transaction ends."""
    _locked(turn.integration.shop)
    ours = SyncState.objects.filter(pk=turn.state.pk, lease=turn._lease)
    return bool(ours.update(lease="", leased_until=None, rung_at=None, **fields))


def _close(turn: Run, outcome: SyncRun.Outcome, error: str = "") -> None:
    record = turn.record
    record.counts, record.outcome, record.error, record.ended_at = dict(turn.counts), outcome, error, timezone.now()
    record.save()


@transaction.atomic
def _give_back(turn: Run) -> None:
    """What was noted since the last page was kept may be of something that the next turn does not look at again."""
    if _settle(turn, next_run_at=timezone.now()):
        turn.record.save(update_fields=["notes"])


@transaction.atomic
def _settle_success(turn: Run) -> None:
    """Done: the next run is due after the pipe's rhythm, or at once where a person asked meanwhile."""
    now = timezone.now()
    pause = timedelta(seconds=turn.state.definition.seconds())
    good = {
        "succeeded_runs": F("succeeded_runs") + 1,
        "failed_attempts": 0,
        "failing_since": None,
        "attention": "",
        "last_error": "",
        "last_succeeded_at": now,
        **({"answered_at": now} if turn.has_called else {}),
    }
    planned = min(now + pause, turn._next or now + pause)
    if _settle(turn, place={}, next_run_at=_next_run(turn, planned), **good, **turn.outcome):
        _close(turn, SyncRun.Outcome.SUCCEEDED)
        if turn.is_quiet:
            turn.record = _count_with_the_quiet_ones(turn.record)
        if turn.has_called:
            _clear_refused_key(turn, now)


def _count_with_the_quiet_ones(record: SyncRun) -> SyncRun:
    """A thousand looks that found nothing are one row that says so; returns that row."""
    SyncRun.objects.filter(pk=record.pk).update(is_quiet=True)
    before = SyncRun.objects.filter(integration=record.integration, pipe=record.pipe).exclude(pk=record.pk)
    last = before.latest_first().first()
    if last is None or not last.is_quiet or last.kind != record.kind or record.asked_by:
        return record
    last.repeats, last.ended_at, last.counts = last.repeats + 1, record.ended_at, record.counts
    last.save(update_fields=["repeats", "ended_at", "counts"])
    record.delete()
    return last


def _next_run(turn: Run, planned: datetime) -> datetime:
    """As planned, or at once where a person asked meanwhile."""
    was_asked = SyncState.objects.filter(pk=turn.state.pk, asked_at__isnull=False).exists()
    return timezone.now() if was_asked else planned


def _clear_refused_key(turn: Run, now: datetime) -> None:
    """Key and address work again: every pipe that they stopped goes on at once."""
    stopped = turn.integration.states.filter(attention__in=OF_THE_WHOLE_INTEGRATION)
    stopped.update(attention="", last_error="", failed_attempts=0, failing_since=None, next_run_at=now, rung_at=None)


@transaction.atomic
def _settle_failure(turn: Run, error: Exception, sentence: object = OUR_FAULT) -> None:
    """Failed: the row says why and when it is tried again, sorted by who must act."""
    now = timezone.now()
    attempts = turn.state.failed_attempts + 1
    sentence = _words(error, sentence, turn.state.definition)
    fields: dict[str, Any] = {
        "failed_runs": F("failed_runs") + 1,
        "failed_attempts": attempts,
        "failing_since": turn.state.failing_since or now,
        "last_error": sentence,
        "attention": _attention(error),
        "next_run_at": now + timedelta(seconds=wait_after(error, attempts, turn.state.definition)),
    }
    place = {**turn.place, "counts": dict(turn.counts)} if turn.place else {}
    if turn.asked and not turn.place:
        place = {"asked": True}
    if _settle(turn, place=place, **{**fields, "next_run_at": _next_run(turn, fields["next_run_at"])}):
        _close(turn, SyncRun.Outcome.FAILED, sentence)
        _tell_neighbours(turn, error, fields)


def _attention(error: Exception) -> str:
    """What a person must mend; the narrower kind first."""
    kinds = {
        WrongAddress: SyncState.Attention.WRONG_ADDRESS,
        BadCredentials: SyncState.Attention.BAD_KEY,
        NotAllowed: SyncState.Attention.NOT_ALLOWED,
    }
    return next((attention.value for kind, attention in kinds.items() if isinstance(error, kind)), "")


def wait_after(error: Exception, attempts: int, pipe: pipes.Pipe) -> float:
    """Seconds until the next attempt: what the shop asked for, else 1, 5, 15, 60 minutes, then hourly, with jitter.

    Whatever the shop asks for, never more than the pipe's `longest_wait`.
    """
    if isinstance(error, BadCredentials | NotAllowed):
        return PROBE
    if wished := _wished(error):
        return min(max(wished, 1.0), pipe.longest_wait)
    planned = min(BACKOFF[min(attempts, len(BACKOFF)) - 1], pipe.longest_wait)
    return min(planned * random.uniform(0.9, 1.1), pipe.longest_wait)


def _wished(error: Exception) -> float:
    """The seconds that the shop asks us to wait; 0 where it names none, or a moment that is over."""
    return (error.retry_after or 0.0) if isinstance(error, Unavailable) else 0.0


def _words(error: Exception, sentence: object, pipe: pipes.Pipe) -> str:
    """What a person reads of a failure, and of a wish of the shop that is not followed."""
    text = str(error if isinstance(error, ShopError) else sentence)
    if _wished(error) <= pipe.longest_wait:
        return text
    wish = _("It asks us to wait longer than %(longest)s; we try again after that.")
    return f"{text} {wish % {'longest': duration(pipe.longest_wait)}}"


def _tell_neighbours(turn: Run, error: Exception, fields: dict[str, Any]) -> None:
    """A shop that does not answer is spared by its other pipes; a refused key stops its whole integration.

    Each waits no longer than after failures of its own, so that orders are in soon after an outage. Only pipes of the
    same merchant, and none that a person asked for: nobody can hold up a stranger.
    """
    others = SyncState.objects.exclude(pk=turn.state.pk)
    if isinstance(error, Unavailable):
        merchant, shop = turn.integration.merchant_id, turn.integration.shop
        waiting = others.filter(integration__merchant=merchant, integration__shop=shop, asked_at__isnull=True)
        now = timezone.now()
        for key, pipe in pipes.PIPES.items():
            until = min(fields["next_run_at"], now + timedelta(seconds=pipe.longest_wait))
            waiting.filter(pipe=key, next_run_at__lt=until).update(next_run_at=until)
    if isinstance(error, BadCredentials):
        keys = ("attention", "last_error", "failing_since", "next_run_at")
        others.filter(integration=turn.integration).update(**{key: fields[key] for key in keys})


def tick() -> int:
    """Press the doorbell of every due row, work under way first; returns how many. Does no work itself."""
    SyncState.objects.add_missing()
    now = timezone.now()
    is_begun = Case(When(place={}, then=0), default=1)
    open_pipes = pipes.PIPES.keys() - installation.current().closed_pipes()
    rows = SyncState.objects.due(now).unrung(now).filter(pipe__in=open_pipes)
    rows = rows.order_by(is_begun.desc(), "next_run_at")
    found = list(rows.values_list("pk", "pipe")[:5000])
    SyncState.objects.filter(pk__in=[pk for pk, _key in found]).update(rung_at=now)
    for pk, key in found:
        doorbell.send(pipes.PIPES[key].task, pk)
    return len(found)
