"""The nightly read-back: what the shop shows against what it was told."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from integrations.connectors.base import StockLevel
from integrations.connectors.centra import client
from integrations.models import SyncRun, SyncState
from products.drift import Known, judge, physical_of
from products.models import ShopFigure
from tests.conftest import Centra
from tests.products.stocked import Shelf, buy, calls, one_turn, shelf, switch_on, tell, watch

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)


def level(physical: int | None, allocated: int = 0) -> StockLevel:
    return StockLevel("FG1", physical=physical, allocated=allocated, available=3)


def test_what_is_shown_as_it_was_told_does_not_drift() -> None:
    assert judge(Known(told=5, drift=2, drift_since=NOW, drift_pushes=1), level(5), NOW) == Known(told=5)


def test_pieces_of_the_shops_own_orders_are_expected() -> None:
    assert judge(Known(told=2), level(4, allocated=4), NOW).drift == 0


def test_a_difference_is_told_again_twice_and_then_left_alone() -> None:
    first = judge(Known(told=5), level(8), NOW)
    assert first == Known(None, drift=3, drift_since=NOW, drift_pushes=1)
    again = Known(5, first.drift, first.drift_since, first.drift_pushes)
    second = judge(again, level(8), NOW + timedelta(days=1))
    assert second == Known(None, drift=3, drift_since=NOW, drift_pushes=2)
    third = judge(Known(5, 3, NOW, 2), level(8), NOW + timedelta(days=2))
    assert third == Known(5, 3, NOW, 2, is_kept_elsewhere=True)


def test_another_difference_is_healed_anew() -> None:
    found = judge(Known(5, 3, NOW, 2, is_kept_elsewhere=True), level(9), NOW + timedelta(days=3))
    assert (found.told, found.drift, found.drift_pushes, found.is_kept_elsewhere) == (None, 4, 1, False)


def test_what_is_not_known_to_have_been_told_cannot_drift() -> None:
    assert judge(Known(told=None), level(8), NOW) == Known(told=None)


def test_without_a_physical_count_it_is_the_sum_of_the_others() -> None:
    assert physical_of(level(None, allocated=4)) == 7


@pytest.fixture
def five(centra: Centra) -> Shelf:
    found = shelf(centra, "FG1042", on_hand=5)
    switch_on(centra.integration)
    tell(centra.integration)
    return found


def night_passes(centra: Centra) -> SyncRun:
    """The first run of the next night, and the one that heals."""
    yesterday = (timezone.now() - timedelta(days=1)).isoformat()
    SyncState.objects.filter(pipe="stock").update(remembers={"read_back_at": yesterday})
    record = tell(centra.integration)
    tell(centra.integration)
    return record


@pytest.mark.django_db(transaction=True)
class TestAgainstTheShop:
    def test_once_a_night_everything_is_read_back(self, centra: Centra, five: Shelf) -> None:
        watch(centra)
        record = night_passes(centra)
        assert record.kind == "read back"
        assert record.counts == {"pages": 1, "read back": 1, "drift": 0}
        assert (calls(centra, "GET stock"), calls(centra)) == (1, 0)
        row = five.figure
        assert (row.shown_physical, row.shown_allocated, row.drift) == (5, 0, 0)
        tell(centra.integration)
        assert calls(centra, "GET stock") == 1

    def test_what_somebody_changed_in_the_shop_is_listed_and_healed(self, centra: Centra, five: Shelf) -> None:
        five.size.set_stock(9)
        assert night_passes(centra).counts["drift"] == 1
        row = five.figure
        assert (row.drift, row.told, five.physical) == (4, 5, 5)
        assert row.drift_since is not None
        night_passes(centra)
        assert (five.figure.drift, five.figure.drift_since) == (0, None)

    def test_the_shops_own_orders_are_no_drift(self, centra: Centra, five: Shelf) -> None:
        buy(centra, five.size, 5)
        five.put(3)
        tell(centra.integration)
        assert (five.figure.told, five.physical) == (3, 5)
        assert night_passes(centra).counts["drift"] == 0

    def test_the_same_difference_after_two_pushes_is_kept_elsewhere(self, centra: Centra, five: Shelf) -> None:
        for _night in range(3):
            five.size.set_stock(9)
            night_passes(centra)
        row = five.figure
        assert (row.is_kept_elsewhere, row.drift, row.told, five.physical) == (True, 4, 5, 9)
        watch(centra)
        night_passes(centra)
        assert calls(centra) == 0

    def test_a_new_figure_is_told_even_to_a_row_that_is_left_alone(self, centra: Centra, five: Shelf) -> None:
        ShopFigure.objects.update(is_kept_elsewhere=True, drift=4, drift_pushes=2, drift_since=timezone.now())
        five.put(6)
        tell(centra.integration)
        assert (five.figure.told, five.physical) == (6, 6)

    def test_cut_off_it_goes_on_after_its_last_page_and_tells_meanwhile(
        self, centra: Centra, five: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client, "ITEMS_PER_PAGE", 2)
        others = [shelf(centra, on_hand=2) for _number in range(4)]
        tell(centra.integration)
        SyncState.objects.filter(pipe="stock").update(remembers={"read_back_at": "2026-01-01T00:00:00+00:00"})
        centra.shop.break_endpoint("GET stock", "status", skip=1, times=9, code=503)
        assert one_turn(centra.integration).outcome == SyncRun.Outcome.FAILED
        assert ShopFigure.objects.filter(read_at__isnull=False).count() == 2
        centra.shop.faults.all().delete()
        others[0].put(7)
        watch(centra)
        tell(centra.integration)
        assert others[0].physical == 7
        assert ShopFigure.objects.filter(read_at__isnull=False).count() == 5
        assert calls(centra, "GET stock") == 2
