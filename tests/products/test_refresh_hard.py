"""Refresh when the world does not hold still: pages that shift, another shop behind the name, rivals at a row."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from integrations import doorbell, sync
from integrations.connectors.centra import client
from integrations.models import Integration, SyncRun, SyncState
from products import refresh as job
from products.create import create
from products.forms import ProductForm
from products.models import Product, Tab, WebshopProduct
from products.refresh import refresh
from sandbox.models import Size
from tests.conftest import Centra

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ITEMS_PER_PAGE", 3)


def stock_up(centra: Centra, count: int = 9) -> None:
    for number in range(count):
        centra.shop.add_size(f"FG{number:03}", "-NVY", "-M", name=f"Sweater {number:03}")


def press_refresh(centra: Centra) -> SyncRun:
    doorbell.ring(centra.integration, "refresh", asked_by="Kim Berg")
    record = sync.run(centra.integration.state("refresh").pk, refresh)
    assert record is not None
    record.refresh_from_db()
    return record


def after_a_page(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Something happens once, between the first page and the second."""
    acts = [act]

    def meanwhile(run: sync.Run) -> None:
        if acts:
            acts.pop()()

    monkeypatch.setattr(sync.Run, "give_way", meanwhile)


def test_an_item_skipped_because_pages_shifted_is_not_gone(centra: Centra, monkeypatch: pytest.MonkeyPatch) -> None:
    stock_up(centra)
    press_refresh(centra)
    after_a_page(monkeypatch, lambda: centra.shop.sizes.get(full_sku="FG000-NVY-M").delete())
    record = press_refresh(centra)
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    gone = centra.integration.webshop_products.on_tab(Tab.GONE).values_list("sku", flat=True)
    assert set(gone) <= {"FG000-NVY-M"}
    assert centra.integration.webshop_products.present().filter(sku="FG003-NVY-M").exists()


def test_very_many_missing_items_are_gone_only_when_missing_twice(centra: Centra) -> None:
    first = centra.shop.add_size("FG", "-", "0", name="Sweater")
    Size.objects.bulk_create(
        Size(shop=centra.shop, variant=first.variant, sku=str(number), full_sku=f"FG-{number}", name=str(number))
        for number in range(1, 120)
    )
    press_refresh(centra)
    kept = list(centra.shop.sizes.values_list("pk", flat=True)[:5])
    Size.objects.exclude(pk__in=kept).delete()
    record = press_refresh(centra)
    assert (record.counts["held"], record.counts.get("gone", 0)) == (115, 0)
    assert "115 items were not shown" in record.notes[0]
    assert press_refresh(centra).counts["gone"] == 115
    assert centra.integration.webshop_products.present().count() == 5


def test_another_shop_behind_the_name_never_writes_into_linked_products(centra: Centra) -> None:
    size = centra.shop.add_size("FG1", "-N", "-M", name="Mine", ean="7300000010423")
    press_refresh(centra)
    create(centra.integration, centra.integration.webshop_products.all())
    size.delete()
    centra.shop.sizes.create(pk=size.pk, variant=centra.shop.add_size("ZZ9", name="Other").variant, sku="-1")
    centra.integration.resume_after_change(other_shop=True)
    press_refresh(centra)
    product = Product.objects.get(sku="FG1-N-M")
    assert product.name.startswith("Mine")
    assert not product.webshop_products.exists()


def test_a_changed_sku_keeps_the_product_as_it_is_until_somebody_chooses(centra: Centra) -> None:
    size = centra.shop.add_size("FG1", "-N", "-M", name="Mine")
    press_refresh(centra)
    create(centra.integration, centra.integration.webshop_products.all())
    size.variant.product.change(name="A wholly other thing")
    size.change_sku(size="-L")
    press_refresh(centra)
    assert Product.objects.get().name.startswith("Mine")


def test_a_run_that_lost_its_lease_calls_nothing_gone(centra: Centra, monkeypatch: pytest.MonkeyPatch) -> None:
    stock_up(centra, 6)
    press_refresh(centra)
    settle = job.settle

    def loses_the_lease(run: sync.Run, place: dict[str, object]) -> None:
        WebshopProduct.objects.filter(sku="FG001-NVY-M").update(seen_in="a newer pass")
        centra.shop.sizes.get(full_sku="FG001-NVY-M").delete()
        SyncState.objects.update(lease="somebody else's")
        settle(run, place)

    monkeypatch.setattr(job, "settle", loses_the_lease)
    press_refresh(centra)
    assert centra.integration.webshop_products.on_tab(Tab.GONE).count() == 0


def test_an_item_that_comes_back_brings_what_the_shop_owns(centra: Centra) -> None:
    stock_up(centra, 2)
    press_refresh(centra)
    create(centra.integration, centra.integration.webshop_products.all())
    size = centra.shop.sizes.get(full_sku="FG001-NVY-M")
    kept = {field: getattr(size, field) for field in ("variant", "sku", "name", "pk")}
    size.delete()
    press_refresh(centra)
    Product.objects.filter(sku="FG001-NVY-M").update(name="Renamed while gone")
    centra.shop.sizes.create(**kept)
    press_refresh(centra)
    assert Product.objects.get(sku="FG001-NVY-M").name.startswith("Sweater 001")


def test_a_wish_outlives_a_death_before_the_first_page(centra: Centra, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def dies(run: sync.Run) -> dict[str, object]:
        raise Killed

    stock_up(centra, 2)
    press_refresh(centra)
    with monkeypatch.context() as patch:
        patch.setattr(job, "begin", dies)
        with pytest.raises(Killed):
            press_refresh(centra)
    SyncState.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    record = sync.run(centra.integration.state("refresh").pk, refresh)
    assert record is not None
    assert record.kind == "full refresh"


def test_a_wish_during_a_run_that_fails_is_served_at_once(centra: Centra, monkeypatch: pytest.MonkeyPatch) -> None:
    stock_up(centra)
    centra.shop.break_endpoint("GET products", "reset", times=None, skip=1)
    after_a_page(monkeypatch, lambda: doorbell.ring(centra.integration, "refresh", asked_by="Kim Berg"))
    assert press_refresh(centra).outcome == SyncRun.Outcome.FAILED
    assert SyncState.objects.due(timezone.now()).exists()


def test_a_sku_that_grows_when_folded_is_created_all_the_same(centra: Centra) -> None:
    centra.shop.add_size("ß" * 100, "", "", name="Long")
    press_refresh(centra)
    assert create(centra.integration, centra.integration.webshop_products.all()).created == 1
    long = Product(merchant=centra.integration.merchant, sku="ß" * 200, name="Longer")
    long.save()
    assert len(long.sku_folded) == 400


def test_endless_ids_of_unreadable_rows_are_cut(centra: Centra) -> None:
    record = SyncRun(integration=centra.integration, pipe="refresh", started_at=timezone.now())
    run = sync.Run(centra.integration.state("refresh"), record, timezone.now())
    run.note(["x" * 1_000_000])
    assert len(record.notes[0]) == sync.NOTE_LENGTH


def test_many_twins_cost_no_query_each(centra: Centra, django_assert_max_num_queries: Callable[[int], object]) -> None:
    for number in range(40):
        Product.objects.create(merchant=centra.integration.merchant, sku=f"fg{number:03}-nvy-m", name="Twin")
    stock_up(centra, 40)
    with django_assert_max_num_queries(260):  # type: ignore[attr-defined]
        press_refresh(centra)
    assert centra.integration.webshop_products.counts()[Tab.PROBLEMS] == 40


def test_refresh_create_and_ignore_at_once_never_deadlock(centra: Centra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ITEMS_PER_PAGE", 200)
    stock_up(centra, 60)
    press_refresh(centra)
    failures: list[BaseException] = []

    def repeatedly(act: Callable[[], object]) -> Callable[[], None]:
        def work() -> None:
            try:
                for _round in range(6):
                    act()
            except BaseException as error:
                failures.append(error)
            finally:
                connection.close()

        return work

    def refresh_changed() -> None:
        centra.shop.products.update(hs_code=str(timezone.now().microsecond))
        press_refresh(centra)

    items = centra.integration.webshop_products
    acts = [
        refresh_changed,
        lambda: create(Integration.objects.get(), items.all()),
        lambda: items.ignore(timezone.now()),
        lambda: items.stop_ignoring(),
    ]
    threads = [threading.Thread(target=repeatedly(act)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert failures == []
    assert not SyncRun.objects.filter(outcome=SyncRun.Outcome.FAILED).exists()
    assert Product.objects.count() == len(set(Product.objects.values_list("sku", flat=True)))


def test_what_is_typed_meanwhile_stays_and_what_the_shop_says_stays(centra: Centra) -> None:
    stock_up(centra, 1)
    press_refresh(centra)
    create(centra.integration, centra.integration.webshop_products.all())
    loaded = Product.objects.get()
    centra.shop.sizes.get().variant.product.change(name="New name")
    press_refresh(centra)
    locked = dict.fromkeys(["sku", *Product.SHOP_OWNS], "")
    form = ProductForm({"ean": "7300000010423", "group": "Knit"}, instance=loaded, locked=locked)
    assert form.is_valid(), form.errors
    form.store()
    product = Product.objects.get()
    assert product.name.startswith("New name")
    assert (product.ean, product.group) == ("7300000010423", "Knit")
