"""How a refresh does, as the page shows it: moving counts while it is under way, and what came of the latest one."""

from __future__ import annotations

from dataclasses import dataclass

from integrations import activity
from integrations.models import Health, Integration, SyncRun, SyncState
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
