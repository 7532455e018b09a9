"""Which installation a database belongs to, and whether it may talk to shops.

    the row is ours      shops are read and written
    writing is stopped   shops are read; pipes that write wait, what is owed stays owed
    another's row        nothing is asked of any shop: a restored backup, a copy for trials; `takeover` opens it

Asked in two places that nobody can go round: `connectors/gate.py`, before every conversation and every write, and
`sync.claim` and `sync.tick`, so that rows stay due instead of failing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.connectors.errors import Closed
from integrations.pipes import PIPES

log = logging.getLogger(__name__)

THE_ROW = 1


class Installation(models.Model):
    """The one row that says whose this database is. Made when the database is; see `current`."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ROW, editable=False)
    name = models.CharField(_("name"), max_length=100)
    taken_over_at = models.DateTimeField(_("taken over"), null=True, blank=True)
    writing_stopped_at = models.DateTimeField(_("writing stopped"), null=True, blank=True)
    writing_stopped_by = models.CharField(_("writing stopped by"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installation")
        constraints = [models.CheckConstraint(condition=Q(id=THE_ROW), name="installation_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_ours(self) -> bool:
        return bool(self.name == settings.INSTALLATION)

    @property
    def is_writing_stopped(self) -> bool:
        return self.writing_stopped_at is not None

    @property
    def why_closed(self) -> str:
        """Why no shop is talked to, for staff and merchants; `""` where they are."""
        if self.is_ours:
            return ""
        return gettext(
            "This is a copy: the database belongs to the installation “%(name)s”, and this one is “%(ours)s”. "
            "No shop is asked or told anything."
        ) % {"name": self.name, "ours": settings.INSTALLATION}

    @property
    def why_not_written(self) -> str:
        """Why nothing is written to shops; `""` where it is."""
        if not self.is_ours or self.writing_stopped_at is None:
            return self.why_closed
        since = date_format(timezone.localtime(self.writing_stopped_at), "j M Y H:i e")
        return gettext(
            "All writing to shops is stopped since %(since)s. What is owed to them is kept and sent later."
        ) % {"since": since}

    def why_waits(self, pipe: str) -> str:
        """Why this pipe does not run; `""` where it does."""
        return self.why_not_written if pipe in PIPES and PIPES[pipe].writes else self.why_closed

    def closed_pipes(self) -> frozenset[str]:
        """Keys of the pipes that do not run now; their rows stay due."""
        return frozenset(key for key in PIPES if self.why_waits(key))

    def stop_writing(self, who: str) -> None:
        """From the next call on nothing is written to any shop; a run under way gives its place back there."""
        rows = Installation.objects.filter(pk=self.pk, writing_stopped_at__isnull=True)
        rows.update(writing_stopped_at=timezone.now(), writing_stopped_by=who[:120])
        self.refresh_from_db()
        log.warning("All writing to shops was stopped.")

    def allow_writing(self) -> None:
        """What waited is due as it was, and runs at the next tick."""
        Installation.objects.filter(pk=self.pk).update(writing_stopped_at=None, writing_stopped_by="")
        self.refresh_from_db()
        log.warning("Writing to shops goes on.")


# --- which it is ----------------------------------------------------------------------------


def is_ours() -> bool:
    """Whether this database is this installation's; a copy talks to no shop, and mails nobody any news."""
    return current().is_ours


def current() -> Installation:
    """The row as it stands now. A database without one is new, and so it is ours."""
    found = Installation.objects.filter(pk=THE_ROW).first()
    return found or Installation.objects.get_or_create(pk=THE_ROW, defaults={"name": settings.INSTALLATION})[0]


def write_name(**kwargs: Any) -> None:
    """After `migrate`: a new database is ours from its first moment on. Never changes a name."""
    Installation.objects.get_or_create(pk=THE_ROW, defaults={"name": settings.INSTALLATION})


def may(*, is_write: bool) -> None:
    """The answer to the gate; raises `Closed`."""
    here = current()
    why = here.why_not_written if is_write else here.why_closed
    if why:
        raise Closed(why)


# --- words on pages -------------------------------------------------------------------------

_remembered: ContextVar[list[Installation] | None] = ContextVar("installation", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Within this, `remembered` asks the database once, however many rows a page shows."""
    token = _remembered.set([])
    try:
        yield
    finally:
        _remembered.reset(token)


def remembered() -> Installation:
    """For words, never for permission: as it stood when this request first asked."""
    memory = _remembered.get()
    if memory is None:
        return current()
    if not memory:
        memory.append(current())
    return memory[0]


def middleware(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        with remembering():
            return get_response(request)

    return answer


def in_pages(request: HttpRequest) -> dict[str, Any]:
    """For the banner: `installation`, looked up where a page shows it."""
    return {"installation": SimpleLazyObject(remembered)}
