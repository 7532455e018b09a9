"""The words that a shop uses: counted once for each order, also by several at once."""

from datetime import timedelta

import pytest

from integrations.models import Integration
from shipping.models import ShopMethod
from shipping.words import note
from tests import factories
from tests.integrations.test_race import at_once
from tests.shipping.things import NOON

LATER, SOONER = NOON + timedelta(hours=1), NOON - timedelta(hours=1, microseconds=5)


def rows(integration: Integration) -> list[tuple[str, str, int]]:
    found = ShopMethod.objects.filter(integration=integration).order_by("kind", "value_folded")
    return [(row.kind, row.value, row.count) for row in found]


@pytest.mark.django_db
def test_every_word_is_listed_by_itself_with_its_count() -> None:
    shop = factories.integration()
    note(shop, [("standard", "xyz-mypack", NOON), (" Standard ", "", NOON), ("express", "", NOON), ("", " ", NOON)])
    assert rows(shop) == [("ingrid", "xyz-mypack", 1), ("shop", "express", 1), ("shop", "standard", 2)]


@pytest.mark.django_db
def test_later_orders_add_to_the_count_and_widen_the_times() -> None:
    shop, other = factories.integration(), factories.integration()
    for at in (NOON, LATER, SOONER):
        note(shop, [("standard", "", at)])
    note(other, [("standard", "", NOON)])
    row = ShopMethod.objects.get(integration=shop)
    assert (row.count, row.first_seen_at, row.last_seen_at) == (3, SOONER, LATER)
    assert rows(other) == [("shop", "standard", 1)]


@pytest.mark.django_db
def test_nothing_met_writes_nothing(django_assert_num_queries: object) -> None:
    note(factories.integration(), [])
    assert not ShopMethod.objects.exists()


@pytest.mark.django_db
def test_words_that_grow_when_folded_find_room() -> None:
    shop = factories.integration()
    note(shop, [("ΐ" * 250, "", NOON), ("ß" * 200, "", NOON)])
    assert [len(value) for _kind, value, _count in rows(shop)] == [200, 200]


@pytest.mark.django_db(transaction=True)
def test_of_orders_taken_by_several_at_once_each_is_counted() -> None:
    shop = factories.integration()
    words = [(f"word {number % 7}", f"ingrid {number % 3}", NOON) for number in range(21)]
    results = at_once([lambda turn=turn: note(shop, words[turn:] + words[:turn]) for turn in range(8)])  # type: ignore[misc]
    assert [error for error in results if isinstance(error, Exception)] == []
    found = ShopMethod.objects.filter(integration=shop)
    assert {row.count for row in found.filter(kind="shop")} == {3 * 8}
    assert {row.count for row in found.filter(kind="ingrid")} == {7 * 8}
    assert found.count() == 10
