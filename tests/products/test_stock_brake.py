"""The brake: many figures that would fall to zero wait for a person, the rest goes on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from products import brake
from products.brake import Brake
from products.models import ShopFigure, Stock
from tests.conftest import Centra
from tests.products.stocked import Shelf, calls, shelf, switch_on, tell, watch


@pytest.mark.parametrize(
    ("filled", "zeroed", "emptying", "is_on"),
    [
        (100, 0, 30, False),
        (100, 0, 31, True),
        (100, 25, 6, True),
        (20, 0, 19, False),
        (20, 0, 20, True),
        (66, 0, 20, True),
        (67, 0, 20, False),
        (0, 0, 0, False),
    ],
)
def test_more_than_thirty_per_cent_and_at_least_twenty(filled: int, zeroed: int, emptying: int, is_on: bool) -> None:
    assert Brake(filled, zeroed, emptying).is_on is is_on


def test_what_a_run_meets_on_its_way_counts_too() -> None:
    found = Brake(filled=0, zeroed=0, emptying=0)
    found.meet(30, unheard_of=30)
    assert found.is_on


@pytest.fixture
def shelves(centra: Centra) -> list[Shelf]:
    """Thirty items with a piece each, told to the shop."""
    found = [shelf(centra, shown=0, on_hand=1) for _number in range(30)]
    switch_on(centra.integration)
    tell(centra.integration)
    return found


def empty(shelves: list[Shelf]) -> None:
    Stock.objects.filter(pk__in=[one.stock.pk for one in shelves]).update(on_hand=0)


def physical(shelves: list[Shelf]) -> int:
    return sum(one.physical for one in shelves)


@pytest.mark.django_db(transaction=True)
class TestAgainstTheShop:
    def test_what_would_empty_the_shop_waits_and_the_rest_goes_on(self, centra: Centra, shelves: list[Shelf]) -> None:
        empty(shelves[:25])
        shelves[29].put(7)
        record = tell(centra.integration)
        assert (physical(shelves[:25]), shelves[29].physical) == (25, 7)
        assert brake.waiting(centra.integration).count() == 25
        assert (record.counts["braked"], record.counts["told"]) == (25, 1)

    def test_it_waits_quietly(self, centra: Centra, shelves: list[Shelf]) -> None:
        empty(shelves[:25])
        tell(centra.integration)
        watch(centra)
        assert tell(centra.integration).kind == "nothing to tell"
        assert calls(centra) == 0

    def test_fewer_go_at_once(self, centra: Centra, shelves: list[Shelf]) -> None:
        empty(shelves[:9])
        tell(centra.integration)
        assert physical(shelves) == 21

    def test_a_slow_leak_within_a_day_is_noticed(self, centra: Centra, shelves: list[Shelf]) -> None:
        empty(shelves[:15])
        tell(centra.integration)
        empty(shelves[15:22])
        tell(centra.integration)
        assert physical(shelves) == 15
        assert brake.waiting(centra.integration).count() == 7

    def test_an_approval_lets_go_the_rows_that_were_listed(self, centra: Centra, shelves: list[Shelf]) -> None:
        empty(shelves[:22])
        tell(centra.integration)
        seen_at = timezone.now()
        empty(shelves[22:])
        tell(centra.integration)
        assert brake.waiting(centra.integration).count() == 30
        assert brake.approve(centra.integration, seen_at) == 22
        tell(centra.integration)
        assert (physical(shelves[:22]), physical(shelves[22:])) == (0, 0)  # the eight left are no longer many

    def test_later_ones_wait_for_their_own_approval(self, centra: Centra, shelves: list[Shelf]) -> None:
        more = [shelf(centra, on_hand=1) for _number in range(20)]
        tell(centra.integration)
        empty(shelves)
        tell(centra.integration)
        seen_at = timezone.now()
        empty(more)
        tell(centra.integration)
        assert brake.approve(centra.integration, seen_at) == 30
        tell(centra.integration)
        assert (physical(shelves), physical(more)) == (0, 20)
        assert brake.waiting(centra.integration).count() == 20

    def test_an_approval_ends_with_the_zero_it_was_given_for(self, centra: Centra, shelves: list[Shelf]) -> None:
        empty(shelves[:25])
        tell(centra.integration)
        brake.approve(centra.integration, timezone.now())
        Stock.objects.update(on_hand=1)
        tell(centra.integration)
        assert not ShopFigure.objects.filter(approved_at__isnull=False).exists()
        empty(shelves[:25])
        tell(centra.integration)
        assert physical(shelves) == 30

    def test_filled_again_nothing_waits(self, centra: Centra, shelves: list[Shelf]) -> None:
        empty(shelves[:25])
        tell(centra.integration)
        Stock.objects.update(on_hand=1)
        tell(centra.integration)
        assert not brake.waiting(centra.integration).exists()

    def test_after_a_day_the_zeros_of_before_no_longer_count(self, centra: Centra, shelves: list[Shelf]) -> None:
        empty(shelves[:15])
        tell(centra.integration)
        empty(shelves[15:22])
        tell(centra.integration)
        ShopFigure.objects.filter(zeroed_at__isnull=False).update(zeroed_at=timezone.now() - timedelta(hours=25))
        tell(centra.integration)
        assert physical(shelves) == 8

    def test_switched_on_before_the_goods_came_the_shop_is_not_emptied(self, centra: Centra) -> None:
        shelves = [shelf(centra, shown=50) for _number in range(25)]
        switch_on(centra.integration, is_read=False)
        tell(centra.integration)
        assert physical(shelves) == 25 * 50
        assert brake.waiting(centra.integration).count() == 25

    def test_nor_are_many_items_that_were_linked_since(self, centra: Centra, shelves: list[Shelf]) -> None:
        fresh = [shelf(centra, shown=50) for _number in range(25)]
        tell(centra.integration)
        assert physical(fresh) == 25 * 50

    def test_items_that_show_nothing_anyway_become_zero_without_a_question(self, centra: Centra) -> None:
        shelves = [shelf(centra) for _number in range(25)]
        switch_on(centra.integration, is_read=False)
        tell(centra.integration)
        assert [one.figure.told for one in shelves] == [0] * 25
