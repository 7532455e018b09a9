"""A stored integration gets a Store Hash on another host: the same shop at a new address, or another shop.

    look     what is kept of the old host, by the floors above; nothing kept: nothing to ask
    refusal  why it may not be what was said
    settle   the same shop: what is kept goes along, with all of the merchant's integrations that point at it

A shop is its host, and by it the floors above tell its rows from those of other shops. They say here how (`register`,
from `AppConfig.ready()`). An integration that goes along is to be given its API token anew: none is ever sent to a host
that it was not entered for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.fields import Secret, Undecipherable
from integrations.models import Integration, SyncRun, SyncState

KEY = "address"  # how the activity calls it


class Which(models.TextChoices):
    """What stands at the new address."""

    SAME = "same", gettext_lazy("The same shop at a new address")
    OTHER = "other", gettext_lazy("Another shop")


@dataclass(frozen=True, slots=True)
class Move:
    """Integration `pk` of this merchant leaves the host `old` for `new`."""

    pk: int
    merchant: int
    old: str
    new: str

    @property
    def fellows(self) -> list[Integration]:
        """The merchant's other integrations that point at the old host."""
        found = Integration.objects.filter(merchant=self.merchant, shop=self.old).exclude(pk=self.pk)
        return list(found.order_by("pk"))


@dataclass(frozen=True, slots=True)
class Keeper:
    """A floor above that keeps rows of a shop by its host.

    `facts` says what it keeps, in sentences. `refusal` says why this may not be the same shop, or another one, and
    `lock` makes sure that it stays so until the transaction ends. `take_along` gives the rows the new host, tells their
    stories who did it, and returns how many orders that were.
    """

    facts: Callable[[Move], list[str]]
    lock: Callable[[Move, Which], None]
    refusal: Callable[[Move, Which], str]
    take_along: Callable[[Move, str], int]


_keepers: list[Keeper] = []


def register(keeper: Keeper) -> None:
    _keepers.append(keeper)


def facts(move: Move) -> list[str]:
    """What is kept of the old host, in sentences; empty where nothing is."""
    return [fact for keeper in _keepers for fact in keeper.facts(move)]


def lock(move: Move, which: Which) -> None:
    """What `refusal` looks at stays as it is until the transaction ends. The integrations are locked before."""
    for keeper in _keepers:
        keeper.lock(move, which)


def refusal(move: Move, which: Which) -> str:
    """Why it may not be this; nothing where it may."""
    stock = _stock_is_told(move) if which == Which.SAME else ""
    return stock or next((why for keeper in _keepers if (why := keeper.refusal(move, which))), "")


def _stock_is_told(move: Move) -> str:
    """An integration that goes along tells of a warehouse of which the new host is told already."""
    going = move.fellows
    pks = [move.pk, *(one.pk for one in going)]
    for one in going:
        tellers = Integration.objects.telling(move.new, one.warehouse_id, move.merchant).exclude(pk__in=pks)
        if one.sends_stock and tellers.exists():
            said = _("“%(name)s” would go along, and %(shop)s is told about the stock in its warehouse already.")
            return said % {"name": one.name, "shop": move.new}
    return ""


def settle(move: Move, integration: Integration, which: Which, who: str) -> list[Integration]:
    """It was saved: take along what is to go along, and write down who did it. Returns what else points there now."""
    fellows = move.fellows if which == Which.SAME else []
    orders = 0
    if which == Which.SAME:
        orders = sum(keeper.take_along(move, who) for keeper in _keepers)
        # That the old host took the key says nothing of the new one: see `Integration.objects.telling`.
        SyncState.objects.filter(integration__in=[integration, *fellows]).update(answered_at=None)
    for fellow in fellows:
        _point(fellow, integration)
        _record(fellow, move, which, who)
    _record(integration, move, which, who, orders)
    return fellows


def _point(fellow: Integration, integration: Integration) -> None:
    """It points where the other one points, below its own path, and keeps its API token only if that is the same."""
    there, own = urlsplit(integration.base_url), urlsplit(fellow.base_url)
    fellow.base_url = urlunsplit(own._replace(scheme=there.scheme, netloc=there.netloc))
    if not _is_same(fellow.secret, integration.secret):
        fellow.secret = Secret.of("")
        fellow.secret_print = ""
    fellow.save()
    fellow.resume_after_change(other_shop=False)


def _is_same(one: Secret, other: Secret) -> bool:
    try:
        return one == other
    except Undecipherable:
        return False


def _record(integration: Integration, move: Move, which: Which, who: str, orders: int = 0) -> None:
    """A line in the activity."""
    said = _("same shop, now %(shop)s") if which == Which.SAME else _("another shop, %(shop)s")
    now = timezone.now()
    SyncRun.objects.create(
        integration=integration,
        pipe=KEY,
        kind=(said % {"shop": move.new})[:40],
        asked_by=who[:120],
        started_at=now,
        ended_at=now,
        outcome=SyncRun.Outcome.SUCCEEDED,
        counts={"moved": orders} if orders else {},
    )
