"""How a refresh and *Create product* do, as the page shows it: moving counts while under way, then what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from integrations import activity
from integrations.models import Health, Integration, SyncRun, SyncState
from products import creating
from products.outcome import Outcome
from products.refresh import KEY


@dataclass(frozen=True, slots=True)
class Progress:
    """`run` is the latest one; `known` how many items the shop showed so far."""

    integration: Integration
    state: SyncState
    run: SyncRun | None
    known: int

    @property
    def is_moving(self) -> bool:
        return self.state.is_under_way

    @property
    def is_begun(self) -> bool:
        """Asked for is not begun: until the background work takes it up, the latest run is an older one."""
        return self.run is not None and self.run.outcome == SyncRun.Outcome.RUNNING

    @property
    def is_reading_all(self) -> bool:
        """A full look is being taken this moment; asking for another changes nothing."""
        return self.state.is_running and self.state.place.get("kind") == "full"

    @property
    def health(self) -> Health:
        return self.state.health()

    @property
    def counts(self) -> dict[str, int]:
        return dict(self.run.counts) if self.run and self.is_begun else {}

    @property
    def phrases(self) -> list[str]:
        """“7 pages read”, “3,500 seen”, “12 new”, “4 changed”."""
        return [activity.phrase(key, self.counts.get(key, 0)) for key in ("pages", "seen", "new", "changed")]

    @property
    def total(self) -> int:
        """How many items to expect; 0 where nobody can know, as at a first look."""
        is_known = self.state.place.get("kind") == "full" and self.counts.get("seen", 0) <= self.known
        return self.known if is_known else 0

    @property
    def finished(self) -> SyncRun | None:
        """The latest run, once it is over."""
        return self.run if self.run and not self.is_moving and self.run.ended_at else None

    @property
    def finished_sentence(self) -> str:
        """“3,500 seen = 12 new + 4 changed + 3,484 unchanged; 2 gone”."""
        return activity.sentence(self.finished.counts) if self.finished else ""


def progress(integration: Integration) -> Progress:
    """Reads the pipe's row, its latest run, and how many items the shop has."""
    state = integration.state(KEY)
    run = integration.runs.filter(pipe=KEY).latest_first().first()
    known = integration.webshop_products.present().count() if state.is_under_way else 0
    return Progress(integration, state, run, known)


@dataclass(frozen=True, slots=True)
class Creation:
    """*Create product*: `record` counts it, `waiting` says whether chosen items wait for their turn."""

    record: SyncRun | None
    waiting: bool

    @property
    def is_moving(self) -> bool:
        return self.waiting

    @property
    def token(self) -> str:
        """What an address says to mean this one; "" before there is a record."""
        return str(self.record.pk) if self.record else ""

    @property
    def chosen(self) -> int:
        return self._count("chosen")

    @property
    def done(self) -> int:
        """How many had their turn, whatever came of it."""
        counts = self.record.counts if self.record else {}
        return sum(number for key, number in counts.items() if key != "chosen")

    @property
    def phrases(self) -> list[str]:
        """“12,000 of 20,000”, “11,990 products created”, “8 linked”, “2 left”."""
        created, linked = self._count("created"), self._count("linked")
        left = {"created": created, "linked": linked}
        of_all = _("%(done)s of %(chosen)s") % {"done": number(self.done), "chosen": number(self.chosen)}
        said = [activity.phrase(key, count) for key, count in left.items()]
        return [of_all, *said, _("%(n)s left") % {"n": number(self.done - created - linked)}]

    @property
    def outcome(self) -> Outcome | None:
        """What came of it, once it is over."""
        return Outcome.of(self.record) if self.record and not self.is_moving else None

    def _count(self, key: str) -> int:
        return int(self.record.counts.get(key, 0)) if self.record else 0


def number(count: int) -> str:
    return str(number_format(count, use_l10n=True, force_grouping=True))


def creation(integration: Integration, answer: str) -> Creation:
    """The one under way; else the one that `answer`, a record's key, means."""
    records = integration.runs.filter(pipe=creating.KEY)
    waiting = integration.webshop_products.wanted().exists()
    if waiting:
        return Creation(records.latest_first().first(), waiting)
    is_key = answer.isascii() and answer.isdigit() and len(answer) < 19
    return Creation(records.filter(pk=answer).first() if is_key else None, waiting)
