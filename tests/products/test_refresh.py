"""Refresh against the sandbox over HTTP: run twice, cut off, killed, spoilt. Asserts on the state it leaves."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone

from integrations import doorbell, sync
from integrations.connectors.centra import client
from integrations.models import Integration, SyncRun, SyncState
from products import detect
from products.create import create
from products.models import Product, Tab, WebshopProduct
from products.problems import Code
from products.refresh import is_full_due, last_night, refresh
from tests.conftest import Centra

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three items a page, so that twenty make seven pages."""
    monkeypatch.setattr(client, "ITEMS_PER_PAGE", 3)


def stock_up(centra: Centra, count: int = 20) -> None:
    for number in range(count):
        centra.shop.add_size(f"FG{number:03}", "-NVY", "-M", name=f"Sweater {number:03}")


def press_refresh(centra: Centra) -> SyncRun:
    doorbell.ring(centra.integration, "refresh", asked_by="Kim Berg")
    record = sync.run(centra.integration.state("refresh").pk, refresh)
    assert record is not None
    record.refresh_from_db()
    return record


def try_again(centra: Centra) -> SyncRun:
    """The next attempt, when its time has come."""
    SyncState.objects.update(next_run_at=timezone.now())
    SyncState.objects.filter(leased_until__isnull=False).update(leased_until=timezone.now() - timedelta(seconds=1))
    record = sync.run(centra.integration.state("refresh").pk, refresh)
    assert record is not None
    record.refresh_from_db()
    return record


def items(centra: Centra) -> list[tuple[object, ...]]:
    """Everything stored of the shop that does not change by being looked at."""
    rows = centra.integration.webshop_products.order_by("external_id")
    fields = (
        "external_id",
        "sku",
        "name",
        "tab",
        "problem_codes",
        "product__sku",
        "digest",
        "first_seen_at",
        "gone_at",
    )
    return list(rows.values_list(*fields))


def test_a_refresh_reads_every_item_of_every_page(centra: Centra) -> None:
    stock_up(centra)
    record = press_refresh(centra)
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    assert (record.counts["pages"], record.counts["seen"], record.counts["new"]) == (7, 20, 20)
    assert centra.integration.webshop_products.counts()[Tab.NEW] == 20
    assert centra.integration.webshop_products.filter(sku="FG007-NVY-M").exists()


def test_refreshing_twice_is_refreshing_once(centra: Centra) -> None:
    stock_up(centra)
    press_refresh(centra)
    before = items(centra)
    record = press_refresh(centra)
    assert items(centra) == before
    assert (record.counts["seen"], record.counts["unchanged"], record.counts.get("new", 0)) == (20, 20, 0)


@pytest.mark.parametrize("kind", ["reset", "truncated", "html", "cut_off", "empty"])
def test_cut_off_in_page_three_of_seven_nothing_is_gone_and_the_next_attempt_goes_on(centra: Centra, kind: str) -> None:
    stock_up(centra)
    press_refresh(centra)
    before = items(centra)
    centra.shop.break_endpoint("GET products", kind, times=None, skip=2)
    record = press_refresh(centra)
    assert record.outcome == SyncRun.Outcome.FAILED
    assert record.error
    assert items(centra) == before
    centra.shop.faults.all().delete()
    record = try_again(centra)
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    assert record.counts["seen"] == 20
    assert items(centra) == before


def test_what_a_complete_pass_does_not_show_is_gone_and_may_come_back(centra: Centra) -> None:
    stock_up(centra, 5)
    press_refresh(centra)
    create(centra.integration, centra.integration.webshop_products.all())
    size = centra.shop.sizes.get(full_sku="FG003-NVY-M")
    kept = {field: getattr(size, field) for field in ("variant", "sku", "name", "pk")}
    size.delete()
    assert press_refresh(centra).counts["gone"] == 1
    item = centra.integration.webshop_products.get(external_id=str(kept["pk"]))
    assert item.tab == Tab.GONE
    assert item.product is not None
    centra.shop.sizes.create(**kept)
    assert press_refresh(centra).counts["back"] == 1
    item.refresh_from_db()
    assert item.tab == Tab.LINKED


def test_a_killed_refresh_goes_on_after_its_last_page(centra: Centra, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    stock_up(centra)
    pages_before_death = iter([None, None])

    def dies(run: sync.Run) -> None:
        if next(pages_before_death, "now") == "now":
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(sync.Run, "give_way", dies)
        with pytest.raises(Killed):
            press_refresh(centra)
    record = try_again(centra)
    assert (record.counts["pages"], record.counts["seen"], record.interruptions) == (7, 20, 1)
    assert SyncRun.objects.count() == 1
    assert centra.integration.webshop_products.count() == 20


def test_a_refresh_killed_after_its_last_page_reads_nothing_again(
    centra: Centra, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dies(*args: object) -> None:
        raise Killed

    centra.shop.add_size("FG33", "10", "0")
    centra.shop.add_size("FG331", "0", "0")
    with monkeypatch.context() as patch:
        patch.setattr(detect, "detect", dies)
        with pytest.raises(Killed):
            press_refresh(centra)
    centra.shop.break_endpoint("GET products", "reset", times=None)
    record = try_again(centra)
    assert (record.outcome, record.counts["pages"], record.interruptions) == (SyncRun.Outcome.SUCCEEDED, 1, 1)
    assert centra.integration.webshop_products.counts()[Tab.PROBLEMS] == 2


def test_drawing_conclusions_renews_the_lease(centra: Centra, monkeypatch: pytest.MonkeyPatch) -> None:
    stock_up(centra, 4)
    kept: list[str] = []
    keep = sync.Run.keep

    def noting(run: sync.Run, place: dict[str, object]) -> None:
        kept.append("reading" if not place.get("is_read") else "concluding")
        keep(run, place)

    monkeypatch.setattr(sync.Run, "keep", noting)
    press_refresh(centra)
    assert kept.count("concluding") > len(detect.LOOKS)


def test_turns_of_one_page_end_in_the_same_state(centra: Centra, settings: LazySettings) -> None:
    settings.TURN_SECONDS = 0
    stock_up(centra)
    record = press_refresh(centra)
    while record.outcome == SyncRun.Outcome.RUNNING:
        record = try_again(centra)
    assert (record.turns, record.counts["pages"], record.counts["seen"]) == (7, 7, 20)


def test_a_place_that_is_too_old_is_not_trusted(centra: Centra) -> None:
    stock_up(centra)
    centra.shop.break_endpoint("GET products", "reset", times=None, skip=3)
    press_refresh(centra)
    centra.shop.faults.all().delete()
    state = centra.integration.state("refresh")
    long_ago = (timezone.now() - timedelta(minutes=11)).isoformat()
    SyncState.objects.filter(pk=state.pk).update(place={**state.place, "read_at": long_ago})
    record = try_again(centra)
    assert (record.counts["pages"], record.counts["seen"]) == (7, 20)


def test_one_unreadable_row_stops_no_other_and_is_named(centra: Centra) -> None:
    stock_up(centra, 6)
    press_refresh(centra)
    centra.shop.break_endpoint("GET products", "unreadable_row", times=1, row=1)
    record = press_refresh(centra)
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    assert record.counts["unreadable"] == 1
    assert record.counts.get("gone", 0) == 0
    known = centra.integration.webshop_products.order_by("pk")[1]
    assert record.notes == [f"“{known.title}” ({known.external_id}): The field “sku” is not what it should be."]
    assert centra.integration.webshop_products.counts()[Tab.NEW] == 6


def test_repeated_pages_are_counted_once(centra: Centra) -> None:
    stock_up(centra, 7)
    centra.shop.break_endpoint("GET products", "repeated_page", times=1, skip=1)
    record = press_refresh(centra)
    assert record.counts["seen"] == len({row[0] for row in items(centra)})


def test_pages_that_never_end_end_in_words(centra: Centra) -> None:
    stock_up(centra, 7)
    centra.shop.break_endpoint("GET products", "looping_page", times=None)
    record = press_refresh(centra)
    assert record.outcome == SyncRun.Outcome.FAILED
    assert record.error


def test_between_full_passes_only_changes_are_read(centra: Centra) -> None:
    stock_up(centra, 6)
    with time_machine.travel(datetime(2026, 3, 10, 9, 0, tzinfo=UTC), tick=True):
        press_refresh(centra)
    with time_machine.travel(datetime(2026, 3, 10, 19, 0, tzinfo=UTC), tick=True):
        before = centra.shop.sizes.first()
        assert before is not None
        centra.shop.sizes.update(modified_at=datetime(2026, 3, 9, tzinfo=UTC))
        before.variant.product.change(name="Renamed")
        record = try_again(centra)
    assert record.counts["seen"] == 1
    assert record.counts["changed"] == 1
    assert centra.integration.webshop_products.filter(name="Renamed").exists()
    assert centra.integration.webshop_products.counts()[Tab.GONE] == 0


def test_changes_reach_linked_products_but_never_sku_or_own_ean(centra: Centra) -> None:
    stock_up(centra, 2)
    press_refresh(centra)
    create(centra.integration, centra.integration.webshop_products.all())
    mine = Product.objects.get(sku="FG000-NVY-M")
    mine.ean = "96385074"
    mine.save()
    for size in centra.shop.sizes.all():
        size.variant.product.change(name=f"New {size.variant.product.sku}", hs_code="61101130")
        size.change(ean="7300000010423" if size.variant.product.sku == "FG001" else "7300000010430")
    press_refresh(centra)
    first, second = Product.objects.order_by("sku")
    assert (first.name, first.ean, first.hs_code) == ("New FG000 · Navy · One Size", "96385074", "61101130")
    assert (second.ean, second.sku) == ("7300000010423", "FG001-NVY-M")


def test_a_changed_sku_is_shown_and_the_product_stays(centra: Centra) -> None:
    stock_up(centra, 2)
    press_refresh(centra)
    create(centra.integration, centra.integration.webshop_products.all())
    size = centra.shop.sizes.get(full_sku="FG001-NVY-M")
    size.change_sku(size="-L")
    press_refresh(centra)
    item = centra.integration.webshop_products.get(external_id=str(size.pk))
    assert item.tab == Tab.PROBLEMS
    assert item.problems[0].code == Code.SKU_CHANGED
    assert item.product is not None
    assert item.product.sku == "FG001-NVY-M"


def test_faulty_skus_are_named_at_refresh(centra: Centra) -> None:
    add = centra.shop.add_size
    add("FG33", "10", "0", name="Skerry tote", variant="Sand")
    add("FG331", "0", "0", name="Skerry bag", variant="Sand")
    add("", "", "", name="Nameless", variant="None")
    add("FG/5", "", "", name="Slash", variant="A")
    add("FG6", "", "", name="Ean", variant="A", ean="7300000010429")
    press_refresh(centra)
    found = {
        item.name: [problem.code for problem in item.problems] for item in centra.integration.webshop_products.all()
    }
    assert found == {
        "Skerry tote": [Code.JOIN],
        "Skerry bag": [Code.JOIN],
        "Nameless": [Code.NO_SKU],
        "Slash": [Code.SIGN],
        "Ean": [Code.EAN_WRONG],
    }


def test_new_items_become_products_by_themselves_where_so_set(centra: Centra) -> None:
    Integration.objects.update(creates_products=True)
    centra.integration.refresh_from_db()
    stock_up(centra, 4)
    record = press_refresh(centra)
    assert record.counts["created"] == 4
    press_refresh(centra)
    assert Product.objects.count() == 4
    assert WebshopProduct.objects.filter(product__isnull=False).count() == 4


def test_a_refused_key_stops_and_the_right_key_goes_on(centra: Centra) -> None:
    stock_up(centra, 2)
    centra.plugin.secret = "another-key"
    centra.plugin.save()
    record = press_refresh(centra)
    assert record.outcome == SyncRun.Outcome.FAILED
    assert centra.integration.state("refresh").attention == SyncState.Attention.BAD_KEY
    assert "a-secret-api-key" not in record.error
    centra.integration.secret = "another-key"
    centra.integration.save()
    centra.integration.resume_after_change(other_shop=False)
    assert try_again(centra).outcome == SyncRun.Outcome.SUCCEEDED
    assert centra.integration.state("refresh").attention == ""


@pytest.fixture
def nightly(centra: Centra) -> sync.Run:
    """A run of an integration in Stockholm whose last complete look was at 01:00 local time."""
    state = centra.integration.state("refresh")
    SyncState.objects.filter(pk=state.pk).update(
        completed_at=datetime(2026, 3, 10, 0, 0, tzinfo=UTC), synced_through=datetime(2026, 3, 10, 0, 0, tzinfo=UTC)
    )
    run = sync.claim(state.pk)
    assert run is not None
    return run


@pytest.mark.parametrize(("hour", "is_due"), [(0, False), (1, True), (12, True)])
def test_a_full_pass_is_due_after_two_in_the_shops_night(nightly: sync.Run, hour: int, is_due: bool) -> None:
    assert is_full_due(nightly, datetime(2026, 3, 10, hour, 30, tzinfo=UTC)) is is_due


def test_the_night_exists_on_the_days_of_the_clock_change() -> None:
    skipped = last_night(datetime(2026, 3, 29, 12, tzinfo=UTC), "Europe/Stockholm")
    repeated = last_night(datetime(2026, 10, 25, 12, tzinfo=UTC), "Europe/Stockholm")
    assert skipped.astimezone(UTC) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert repeated.astimezone(UTC) == datetime(2026, 10, 25, 0, tzinfo=UTC)
