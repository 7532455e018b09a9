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
    met = sorted(_count(words).items())
    with transaction.atomic():
        ShopMethod.objects.bulk_create(
            [_row(integration, kind, folded, one) for (kind, folded), one in met], ignore_conflicts=True
        )
        for (kind, folded), one in met:
            ShopMethod.objects.filter(integration=integration, kind=kind, value_folded=folded).update(
                count=F("count") + one.count,
                first_seen_at=Least("first_seen_at", Value(one.first_at, output_field=DateTimeField())),
                last_seen_at=Greatest("last_seen_at", Value(one.last_at, output_field=DateTimeField())),
            )


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
