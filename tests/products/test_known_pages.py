"""Pages that say what they said before are passed over; whatever changed meanwhile, here or there, is still noticed."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import doorbell, sync
from integrations.connectors.centra import client
from integrations.models import SyncRun
from products import known_pages
from products.models import CataloguePage, Tab, WebshopProduct
from products.refresh import refresh
from tests.conftest import Centra

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def shop_of_seven_pages(monkeypatch: pytest.MonkeyPatch, centra: Centra) -> None:
    monkeypatch.setattr(client, "ITEMS_PER_PAGE", 3)
    for number in range(20):
        centra.shop.add_size(f"FG{number:03}", "-NVY", "-M", name=f"Sweater {number:03}")
    press_refresh(centra)


def press_refresh(centra: Centra) -> SyncRun:
    doorbell.ring(centra.integration, "refresh", asked_by="Kim Berg")
    record = sync.run(centra.integration.state("refresh").pk, refresh)
    assert record is not None
    record.refresh_from_db()
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    return record


def counted(record: SyncRun) -> dict[str, int]:
    return {key: record.counts.get(key, 0) for key in ("seen", "new", "changed", "unchanged", "back", "gone")}


def all_unchanged(**fields: int) -> dict[str, int]:
    return {"seen": 20, "new": 0, "changed": 0, "unchanged": 20, "back": 0, "gone": 0, **fields}


def rows() -> list[dict[str, Any]]:
    return [dict(row) for row in WebshopProduct.objects.order_by("pk").values()]


def item_updates(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries if query["sql"].startswith('UPDATE "products_webshopproduct"')]


def test_a_refresh_with_nothing_new_touches_no_item(centra: Centra) -> None:
    before = rows()
    with CaptureQueriesContext(connection) as queries:
        record = press_refresh(centra)
    assert counted(record) == all_unchanged()
    assert record.counts["pages"] == 7
    assert rows() == before
    assert item_updates(queries) == []


def test_what_changed_in_the_shop_is_read_and_the_rest_is_passed_over(centra: Centra) -> None:
    centra.shop.sizes.get(full_sku="FG007-NVY-M").change_sku(size="-L")
    with CaptureQueriesContext(connection) as queries:
        assert counted(press_refresh(centra)) == all_unchanged(changed=1, unchanged=19)
    assert len(item_updates(queries)) == 1, "only the page of the changed item is read by its rows"
    assert WebshopProduct.objects.filter(sku="FG007-NVY-L").exists()
    assert counted(press_refresh(centra)) == all_unchanged()


def test_an_item_that_vanishes_is_gone_and_the_shifted_pages_are_read(centra: Centra) -> None:
    centra.shop.sizes.get(full_sku="FG003-NVY-M").delete()
    assert counted(press_refresh(centra)) == all_unchanged(seen=19, unchanged=19, gone=1)
    assert WebshopProduct.objects.get(sku="FG003-NVY-M").tab == Tab.GONE
    assert counted(press_refresh(centra)) == all_unchanged(seen=19, unchanged=19)


def test_what_a_list_of_changes_wrote_is_compared_by_the_next_full_pass(centra: Centra) -> None:
    """The shop changes an item and changes it back: its page then says what it said, but our row does not."""
    size = centra.shop.sizes.get(full_sku="FG007-NVY-M")
    size.change_sku(size="-L")
    centra.integration.state("refresh").resume()
    record = sync.run(centra.integration.state("refresh").pk, refresh)
    assert record is not None
    assert record.counts["changed"] == 1
    size.refresh_from_db()
    size.change_sku(size="-M")
    press_refresh(centra)
    assert WebshopProduct.objects.get(external_id=str(size.pk)).sku == "FG007-NVY-M"


def test_a_row_that_is_lost_or_gone_here_comes_back(centra: Centra) -> None:
    WebshopProduct.objects.filter(sku="FG001-NVY-M").delete()
    WebshopProduct.objects.filter(sku="FG010-NVY-M").update(gone_at=timezone.now())
    assert counted(press_refresh(centra)) == all_unchanged(new=1, unchanged=19, back=1)
    assert WebshopProduct.objects.filter(gone_at__isnull=True).count() == 20


def test_another_release_reads_everything_again(centra: Centra, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(CataloguePage.objects.order_by("cursor").values_list("digest", flat=True))
    monkeypatch.setattr(known_pages, "_code", lambda: "the next release")
    with CaptureQueriesContext(connection) as queries:
        assert counted(press_refresh(centra)) == all_unchanged()
    assert len(item_updates(queries)) == 7
    assert set(before).isdisjoint(CataloguePage.objects.values_list("digest", flat=True))
