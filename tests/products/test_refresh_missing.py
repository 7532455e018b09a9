"""Very many items that a full refresh lacks: gone are only those that two complete ones in a row lack."""

from collections.abc import Callable

import pytest

from integrations import sync
from integrations.connectors.centra import client
from integrations.models import SyncRun, SyncState
from products import refresh as job
from products.models import Tab
from products.refresh import refresh
from sandbox.models import Size
from tests.conftest import Centra
from tests.products.test_refresh_hard import press_refresh

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 120  # more than are asked for one by one


@pytest.fixture(autouse=True)
def pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many that the halves below lie on pages of their own, but for one."""
    monkeypatch.setattr(client, "ITEMS_PER_PAGE", 50)


@pytest.fixture
def halves(centra: Centra) -> tuple[list[int], list[int]]:
    """The ids of a shop's first and last sizes, all read once."""
    first = centra.shop.add_size("FG", "-", "0", name="Sweater")
    Size.objects.bulk_create(
        Size(shop=centra.shop, variant=first.variant, sku=str(number), full_sku=f"FG-{number}", name=str(number))
        for number in range(1, 2 * MANY)
    )
    assert press_refresh(centra).counts["new"] == 2 * MANY
    pks = list(Size.objects.order_by("pk").values_list("pk", flat=True))
    return pks[:MANY], pks[MANY:]


def hide(pks: list[int]) -> Callable[[], object]:
    """The shop shows these no more; returns what shows them again."""
    sizes = list(Size.objects.filter(pk__in=pks))
    Size.objects.filter(pk__in=pks).delete()
    return lambda: Size.objects.bulk_create(sizes)


def judged(record: SyncRun) -> tuple[int, int]:
    return record.counts.get("held", 0), record.counts.get("gone", 0)


def gone(centra: Centra) -> set[int]:
    items = centra.integration.webshop_products.on_tab(Tab.GONE)
    return {int(external_id) for external_id in items.values_list("external_id", flat=True)}


def test_what_the_refresh_before_showed_is_held_anew(centra: Centra, halves: tuple[list[int], list[int]]) -> None:
    ones, others = halves
    show_others = hide(others)
    assert judged(press_refresh(centra)) == (MANY, 0)
    show_others()
    hide(ones)
    assert judged(press_refresh(centra)) == (MANY, 0)
    assert gone(centra) == set()
    assert judged(press_refresh(centra)) == (0, MANY)
    assert gone(centra) == set(ones)


def test_of_those_missing_only_the_ones_missing_twice_are_gone(
    centra: Centra, halves: tuple[list[int], list[int]]
) -> None:
    ones, others = halves
    hide(ones)
    press_refresh(centra)
    hide(others[:30])
    assert judged(press_refresh(centra)) == (30, MANY)
    assert gone(centra) == set(ones)
    assert judged(press_refresh(centra)) == (0, 30), "so few are asked for one by one"
    assert gone(centra) == {*ones, *others[:30]}


def test_a_refresh_that_shows_them_all_is_the_end_of_it(centra: Centra, halves: tuple[list[int], list[int]]) -> None:
    show_ones = hide(halves[0])
    press_refresh(centra)
    show_ones()
    assert judged(press_refresh(centra)) == (0, 0)
    hide(halves[0])
    assert judged(press_refresh(centra)) == (MANY, 0)
    assert gone(centra) == set()


def test_what_a_list_of_changes_showed_meanwhile_is_held_anew(
    centra: Centra, halves: tuple[list[int], list[int]]
) -> None:
    ones, _others = halves
    show_ones = hide(ones)
    press_refresh(centra)
    show_ones()
    centra.integration.state("refresh").resume()
    record = sync.run(centra.integration.state("refresh").pk, refresh)
    assert record is not None
    assert record.kind == "changes"
    hide(ones)
    assert judged(press_refresh(centra)) == (MANY, 0)


def test_a_refresh_that_draws_its_conclusions_again_is_no_second_one(
    centra: Centra, halves: tuple[list[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object) -> None:
        raise ZeroDivisionError

    hide(halves[0])
    with monkeypatch.context() as patch:
        patch.setattr(job, "compare", fails)
        assert press_refresh(centra).outcome == SyncRun.Outcome.FAILED
    assert SyncState.objects.get(pipe="refresh").place["is_read"]
    record = press_refresh(centra)
    assert (record.outcome, judged(record)) == (SyncRun.Outcome.SUCCEEDED, (MANY, 0))
    assert gone(centra) == set()


def test_rows_without_an_id_between_may_have_been_just_those(
    centra: Centra, halves: tuple[list[int], list[int]]
) -> None:
    hide(halves[0])
    press_refresh(centra)
    centra.shop.break_endpoint("GET products", "unreadable_row", times=1, field="stockItemId")
    record = press_refresh(centra)
    assert judged(record) == (0, 0)
    assert "Some rows had no legible id" in record.notes[-1]
    assert judged(press_refresh(centra)) == (MANY, 0)
    assert judged(press_refresh(centra)) == (0, MANY)
