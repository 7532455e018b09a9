"""The plan, carried out: people, faults and deaths, each in a thread, beside workers that are processes of their own.

The waits of a portal are minutes and hours, and they are rows; `hurry` makes them seconds, so that what would take a
day is seen in minutes. It leaves the wait after a lost answer alone: that is as long as the settings of the storm say.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from integrations import pipes
from integrations.models import SyncState
from orders.models import Order, Shipment
from products.models import ShopFigure
from tests.fire.engines import Engines
from tests.fire.plan import Act, Plan
from tests.fire.town import Town, merchants
from tests.fire.visits import Visits

log = logging.getLogger(__name__)
LONGEST = 5.0  # seconds that a failed pipe waits at most
NIGHT = 12  # seconds between two nights, in which shops are read back
LAG = 120.0  # seconds that an act waits at most for the purchase it is about


@dataclass
class Storm:
    """One storm. `errors` are those of what people do by calls; what browsers met stands in the visits' ledger."""

    plan: Plan
    towns: list[Town]
    engines: Engines
    visits: Visits
    errors: list[str] = field(default_factory=list)
    bought: int = -1
    over: threading.Event = field(default_factory=threading.Event)
    began: float = 0.0
    lagged: float = 0.0

    def rage(self) -> None:
        """Until every act is done; the staff and the hurrying hand go on a little longer."""
        self.began = time.monotonic()
        mine = self.plan.of("merchant")
        casts: list[tuple[Callable[[Act], None], list[Act]]] = [
            (self._buy, self.plan.of("shopper")),
            (self._change_mind, self.plan.of("shop")),
            (self._change_mind, [act for act in mine if not act.is_by_page]),
            (self._change_mind, [act for act in mine if act.is_by_page]),
            (self.visits.visit, self.plan.of("visitor")),
            (self.visits.work, self.plan.of("desk")),
            (lambda act: self.towns[act.shop].goods(act), self.plan.of("goods")),
            (lambda act: self.towns[act.shop].fault(act), self.plan.of("faults")),
            (self._strike, self.plan.of("deaths")),
        ]
        self._open_the_desk(True)
        acting = [self._thread(self._play, acts, do) for do, acts in casts]
        beside = [self._thread(self._work), self._thread(self._hurry)]
        for thread in acting:
            thread.join()
        self._open_the_desk(False)
        self.over.set()
        for thread in beside:
            thread.join()

    def _open_the_desk(self, is_open: bool) -> None:
        for town in merchants(self.towns):
            town.has_desk = is_open

    def _thread(self, job: Callable[..., None], *arguments: object) -> threading.Thread:
        def run() -> None:
            try:
                job(*arguments)
            finally:
                connection.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    # --- the acts --------------------------------------------------------------------------

    def _play(self, acts: Iterable[Act], do: Callable[[Act], None]) -> None:
        for act in acts:
            late = time.monotonic() - self.began - act.at
            if not act.is_at_browser:  # those wait for a web process that was killed
                self.lagged = max(self.lagged, late)
            if late < 0:
                time.sleep(-late)
            self.safely(f"{act.who}: {act.what} in shop {act.shop}", lambda: do(act))  # noqa: B023

    def safely(self, what: str, do: Callable[[], None]) -> None:
        """What a person does; an error that this person would have seen is kept."""
        try:
            do()
        except Exception as error:
            self.errors.append(f"{what}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
            log.exception("%s", what)

    def _buy(self, act: Act) -> None:
        try:
            self.towns[act.shop].purchase(act)
        finally:
            self.bought = act.order

    def _change_mind(self, act: Act) -> None:
        end = time.monotonic() + LAG
        while self.bought < act.order and time.monotonic() < end:
            time.sleep(0.1)  # the shop is behind its time
        town = self.towns[act.shop]
        (self.visits if act.is_by_page else town).change_mind(act)
        town.books.acts[f"{act.who}: {act.what}"] += 1

    def _strike(self, act: Act) -> None:
        pick = act.more["pick"]
        if act.what == "kill worker":
            self.engines.kill(f"worker {1 + pick % self.engines.workers}")
        elif act.what == "empty redis":
            self.engines.empty_redis()
        elif act.what == "cut databases":
            self.engines.cut_databases(pick)
        else:
            self.engines.kill(act.what.removeprefix("kill "), pause=1 + pick % 3)

    # --- all the while ---------------------------------------------------------------------

    def _work(self) -> None:
        while not self.over.wait(0.7):
            for town in merchants(self.towns):
                self.safely(f"staff of shop {town.number}", town.work)

    def _hurry(self) -> None:
        for second in itertools.count(1):
            if self.over.wait(1.0):
                return
            self.safely("hurrying", hurry)
            if second % NIGHT == 0:
                for town in self.towns:
                    self.safely("nightfall", town.nightfall)


def hurry() -> None:
    """No wait is longer than its pipe's rhythm or some seconds; what waits for a lost answer keeps its whole wait."""
    now = timezone.now()
    for key, pipe in pipes.PIPES.items():
        soon = timedelta(seconds=min(pipe.seconds(), LONGEST))
        later = SyncState.objects.filter(pipe=key, next_run_at__gt=now + timedelta(seconds=pipe.seconds()))
        later.update(next_run_at=now + soon)
        failed = SyncState.objects.filter(Q(failed_attempts__gt=0) | ~Q(attention=""), pipe=key)
        failed.filter(next_run_at__gt=now + soon).update(next_run_at=now + soon)
    until = now + timedelta(seconds=settings.LOST_ANSWER_SECONDS + 1)
    Order.objects.filter(wait_until__gt=until).update(wait_until=until)
    Shipment.objects.filter(withdraw_asked_at__gt=until).update(withdraw_asked_at=until)
    retry_at = now + timedelta(seconds=2 * LONGEST)
    ShopFigure.objects.filter(retry_at__gt=retry_at).change(retry_at=retry_at)
