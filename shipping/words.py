"""The words that a shop uses for ways of shipping, as they are met in its orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Greatest, Least

from integrations.models import Integration
from shipping.models import ShopMethod, fold

LENGTH = 200  # characters of a word that are kept


@dataclass(slots=True)
class Met:
    """How often one word was met, and when."""

    value: str
    count: int
    first_at: datetime
    last_at: datetime

    def again(self, at: datetime) -> None:
        self.count += 1
        self.first_at, self.last_at = min(self.first_at, at), max(self.last_at, at)


def note(integration: Integration, words: Iterable[tuple[str, str, datetime]]) -> None:
    """Count the words of orders that were taken just now: (the shop's, Ingrid's, when), within the transaction
    that takes the orders, and once for each.

    Rows are made and changed in the order of their keys, so that two at once do not wait in a circle.
    """
    with transaction.atomic(savepoint=False):
        for (kind, folded), one in sorted(_count(words).items()):
            if not _add(integration, kind, folded, one):
                # Made with a count of nothing: where somebody else makes it this very moment, both are counted.
                new = _row(integration, kind, folded, one)
                ShopMethod.objects.bulk_create([new], ignore_conflicts=True)
                _add(integration, kind, folded, one)


def _add(integration: Integration, kind: str, folded: str, one: Met) -> bool:
    """Count it in its row; says whether there is one."""
    row = ShopMethod.objects.filter(integration=integration, kind=kind, value_folded=folded)
    changed = row.update(
        count=F("count") + one.count,
        first_seen_at=Least("first_seen_at", Value(one.first_at, output_field=DateTimeField())),
        last_seen_at=Greatest("last_seen_at", Value(one.last_at, output_field=DateTimeField())),
    )
    return bool(changed)


def _count(words: Iterable[tuple[str, str, datetime]]) -> dict[tuple[str, str], Met]:
    found: dict[tuple[str, str], Met] = {}
    for value, ingrid, at in words:
        for kind, said in ((ShopMethod.Kind.SHOP, value), (ShopMethod.Kind.INGRID, ingrid)):
            word = said.strip()[:LENGTH]
            if not word:
                continue
            key = (kind.value, fold(word))
            if key in found:
                found[key].again(at)
            else:
                found[key] = Met(word, 1, at, at)
    return found


def _row(integration: Integration, kind: str, folded: str, one: Met) -> ShopMethod:
    return ShopMethod(
        integration=integration,
        kind=kind,
        value=one.value,
        value_folded=folded,
        first_seen_at=one.first_at,
        last_seen_at=one.last_at,
        count=0,
    )
