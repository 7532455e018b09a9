"""*Create product* as background work: quick to press, safe to kill, and the counts add up whatever happens."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import doorbell, sync
from integrations.models import Integration, SyncRun
from merchants.models import Merchant, User
from products import create, creating, refresh
from products.models import Product, WebshopProduct
from products.outcome import Outcome
from products.problems import Code, Problem, codes_text
from tests import factories
from tests.conftest import Centra

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """What nothing catches, like kill -9."""


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant, name="Nordlys")


def items_of(shop: Integration, number: int) -> list[WebshopProduct]:
    return [factories.webshop_product(shop) for _n in range(number)]


def want(shop: Integration, *items: WebshopProduct, by: str = "Kim Berg") -> SyncRun:
    record = creating.want(shop, shop.webshop_products.filter(pk__in=[item.pk for item in items]), by)
    assert record is not None
    return record


def only_record(shop: Integration) -> SyncRun:
    return shop.runs.get(pipe="create")


def assert_adds_up(shop: Integration) -> Outcome:
    """The record is closed, nothing is owed, and chosen = created + linked + what was left by its reasons."""
    record = only_record(shop)
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    assert record.ended_at is not None
    assert not shop.webshop_products.wanted().exists()
    outcome = Outcome.of(record)
    assert outcome.chosen == outcome.created + outcome.linked + sum(outcome.left.values())
    assert outcome.vanished == 0
    return outcome


def press(client: Client, shop: Integration, *items: WebshopProduct, **more: str) -> Any:
    fields = {"shop": str(shop.pk), "act": "create", "chosen": [str(item.pk) for item in items], **more}
    return client.post(reverse("products:apply", args=[shop.merchant_id]), fields)


# --- pressing ----------------------------------------------------------------------------------------


def test_pressing_marks_the_chosen_and_makes_nothing_yet(page: Client, shop: Integration) -> None:
    chosen, other = items_of(shop, 2)
    answer = press(page, shop, chosen)
    assert not Product.objects.exists()
    assert list(shop.webshop_products.wanted()) == [chosen]
    record = only_record(shop)
    assert (record.outcome, record.counts, record.asked_by) == ("running", {"chosen": 1}, "Kim Berg")
    assert f"answer={record.pk}" in answer["Location"]
    creating.work(shop.pk)
    other.refresh_from_db()
    assert other.product is None


def test_pressing_rings_once_the_marks_are_written(
    page: Client, shop: Integration, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(doorbell, "send", lambda task, pk: rung.append((task, pk)))
    with django_capture_on_commit_callbacks(execute=True):
        press(page, shop, *items_of(shop, 1))
    assert rung == [("products.create", shop.pk)]


def test_pressed_twice_everything_is_chosen_once(page: Client, shop: Integration) -> None:
    items = items_of(shop, 3)
    press(page, shop, *items)
    press(page, shop, *items)
    creating.work(shop.pk)
    outcome = assert_adds_up(shop)
    assert (outcome.chosen, outcome.created) == (3, 3)
    assert Product.objects.count() == 3


def test_choosing_more_meanwhile_adds_to_it(shop: Integration) -> None:
    first, second = items_of(shop, 2)
    want(shop, first)
    want(shop, first, second, by="Ada Holm")
    creating.work(shop.pk)
    outcome = assert_adds_up(shop)
    assert (outcome.chosen, outcome.created) == (2, 2)
    assert only_record(shop).asked_by == "Kim Berg, Ada Holm"


def test_choosing_after_it_is_over_begins_a_record_of_its_own(shop: Integration) -> None:
    first, second = items_of(shop, 2)
    before = want(shop, first)
    creating.work(shop.pk)
    after = want(shop, second)
    creating.work(shop.pk)
    assert before.pk != after.pk
    assert [run.counts for run in shop.runs.order_by("pk")] == [{"chosen": 1, "created": 1}] * 2


def test_pressing_takes_as_many_queries_for_many_as_for_few(
    shop: Integration, django_assert_max_num_queries: Any
) -> None:
    items_of(shop, 300)
    with django_assert_max_num_queries(9):
        creating.want(shop, shop.webshop_products.all(), "Kim Berg")
    assert only_record(shop).counts == {"chosen": 300}


# --- meanwhile ----------------------------------------------------------------------------------------


def test_what_is_ignored_or_gets_a_problem_meanwhile_is_left_with_its_reason(shop: Integration) -> None:
    good, ignored, faulty, gone = items_of(shop, 4)
    want(shop, good, ignored, faulty, gone)
    now = timezone.now()
    shop.webshop_products.filter(pk=ignored.pk).ignore(now)
    own = [Problem(Code.EAN_WRONG, {"ean": "1"}).dump()]
    WebshopProduct.objects.filter(pk=faulty.pk).update(own_problems=own, problem_codes=codes_text(own))
    WebshopProduct.objects.filter(pk=gone.pk).update(gone_at=now)
    creating.work(shop.pk)
    outcome = assert_adds_up(shop)
    assert (outcome.created, outcome.left) == (1, {"ignored": 1, "ean_wrong": 1, "gone": 1})
    assert Product.objects.count() == 1


def test_what_a_refresh_creates_meanwhile_is_linked_already(shop: Integration) -> None:
    first, second = items_of(shop, 2)
    want(shop, first, second)
    create.create(shop, shop.webshop_products.filter(pk=first.pk))
    creating.work(shop.pk)
    outcome = assert_adds_up(shop)
    assert (outcome.created, outcome.left) == (1, {"linked": 1})
    assert Product.objects.count() == 2


def test_rows_that_vanish_meanwhile_are_told_and_the_record_is_closed_by_the_next(
    page: Client, shop: Integration
) -> None:
    first, second, third = items_of(shop, 3)
    record = want(shop, first, second)
    WebshopProduct.objects.filter(pk=first.pk).delete()
    creating.work(shop.pk)
    record.refresh_from_db()
    assert Outcome.of(record).vanished == 1
    text = page.get(reverse("products:sync", args=[shop.merchant_id]), {"answer": record.pk}).content.decode()
    assert "1 is no longer there" in text
    lost = want(shop, third)
    WebshopProduct.objects.filter(pk=third.pk).delete()
    assert "Creating products" not in page.get(reverse("products:sync", args=[shop.merchant_id])).content.decode()
    assert want(shop, *items_of(shop, 1)) == lost
    creating.work(shop.pk)
    lost.refresh_from_db()
    assert (lost.outcome, Outcome.of(lost).created, Outcome.of(lost).vanished) == ("succeeded", 1, 1)


# --- deaths, faults, rivals ---------------------------------------------------------------------------


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "BATCH", 2)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_in_the_middle_nothing_is_lost_or_doubled(
    shop: Integration, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    real, calls = create.put, iter(range(9))

    def dies(*args: Any) -> None:
        is_second = next(calls) == 1
        if is_second and when == "before":
            raise Killed
        real(*args)
        if is_second:
            raise Killed

    items = items_of(shop, 5)
    record = want(shop, *items)
    monkeypatch.setattr(create, "put", dies)
    with pytest.raises(Killed):
        creating.work(shop.pk)
    record.refresh_from_db()
    assert (record.outcome, record.counts) == ("running", {"chosen": 5, "created": 2})
    assert (Product.objects.count(), shop.webshop_products.wanted().count()) == (2, 3)
    creating.work(shop.pk)
    assert assert_adds_up(shop).created == 5
    assert only_record(shop) == record
    assert Product.objects.count() == 5
    assert shop.webshop_products.on_tab("linked").count() == 5


@pytest.mark.usefixtures("small_batches")
def test_an_item_that_fails_holds_up_nobody(shop: Integration, monkeypatch: pytest.MonkeyPatch) -> None:
    items = items_of(shop, 5)
    real = create.put

    def fails(integration: Integration, batch: list[WebshopProduct], answer: create.Answer) -> None:
        if items[1] in batch:
            raise ValueError("one bad record")
        real(integration, batch, answer)

    monkeypatch.setattr(create, "put", fails)
    want(shop, *items)
    creating.work(shop.pk)
    outcome = assert_adds_up(shop)
    assert (outcome.created, outcome.left) == (4, {"failed": 1})
    assert only_record(shop).notes == [f"{items[1].title}: something failed on our side."]


def test_a_database_that_is_gone_leaves_everything_owed(shop: Integration, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any) -> None:
        raise OperationalError("deadlock detected")

    want(shop, *items_of(shop, 2))
    monkeypatch.setattr(create, "put", fails)
    with pytest.raises(OperationalError):
        creating.work(shop.pk)
    assert shop.webshop_products.wanted().count() == 2
    monkeypatch.undo()
    creating.work(shop.pk)
    assert assert_adds_up(shop).created == 2


@pytest.mark.usefixtures("small_batches")
def test_a_turn_that_is_over_stops_and_the_tick_rings_again(shop: Integration, settings: LazySettings) -> None:
    settings.TURN_SECONDS = 0
    want(shop, *items_of(shop, 5))
    rung: list[tuple[str, int]] = []
    for expected in (3, 1, 0):
        assert creating.tick(lambda task, pk: rung.append((task, pk))) == 1
        creating.work(shop.pk)
        assert shop.webshop_products.wanted().count() == expected
    assert creating.tick(lambda task, pk: rung.append((task, pk))) == 0
    assert rung == [("products.create", shop.pk)] * 3
    assert assert_adds_up(shop).created == 5


def test_the_tick_leaves_those_alone_that_somebody_is_at(shop: Integration, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    real = create.put

    def looks(*args: Any) -> None:
        found.append(creating.tick(lambda task, pk: None))
        real(*args)

    monkeypatch.setattr(create, "put", looks)
    want(shop, *items_of(shop, 1))
    creating.work(shop.pk)
    assert found == [0]


def test_a_worker_that_died_is_missed_when_its_sign_of_life_is_gone(shop: Integration) -> None:
    want(shop, *items_of(shop, 1))
    cache.set(creating._sign(shop.pk), 1, creating.QUIET)
    assert creating.tick(lambda task, pk: None) == 0
    cache.clear()
    assert creating.tick(lambda task, pk: None) == 1


def test_a_message_with_nothing_to_do_does_nothing(shop: Integration) -> None:
    creating.work(shop.pk)
    creating.work(0)
    assert not creating.take(shop, 10)
    assert not SyncRun.objects.exists()


def test_a_record_that_staff_deleted_is_opened_anew(shop: Integration) -> None:
    want(shop, *items_of(shop, 3)).delete()
    creating.work(shop.pk)
    assert assert_adds_up(shop).created == 3


# --- what the page shows --------------------------------------------------------------------------------


def polled(client: Client, shop: Integration, record: SyncRun) -> Any:
    fields: dict[str, str | int] = {"shop": shop.pk, "answer": record.pk, "brand": "Nordlys"}
    return client.get(reverse("products:creation", args=[shop.merchant_id]), fields)


@pytest.mark.usefixtures("small_batches")
def test_the_counts_move_survive_a_reload_and_end_in_the_outcome(
    page: Client, shop: Integration, settings: LazySettings
) -> None:
    settings.TURN_SECONDS = 0
    address = reverse("products:sync", args=[shop.merchant_id])
    record = want(shop, *items_of(shop, 3))
    assert "It begins in a moment." in page.get(address).content.decode()
    creating.work(shop.pk)
    for text in (page.get(address).content.decode(), polled(page, shop, record).content.decode()):
        assert "2 of 3 · 2 products created · 0 linked · 0 left" in text
    assert "hx-get" in page.get(address).content.decode()
    creating.work(shop.pk)
    last = polled(page, shop, record)
    assert last.status_code == 286
    assert "Created 3, linked 0, left 0." in last.content.decode()
    going_on = json.loads(last["HX-Trigger"])["created"]["address"]
    assert "brand=Nordlys" in going_on
    assert "Created 3, linked 0, left 0." in page.get(going_on).content.decode()


def test_a_row_that_waits_for_its_turn_says_so(page: Client, shop: Integration) -> None:
    want(shop, *items_of(shop, 1))
    text = page.get(reverse("products:sync", args=[shop.merchant_id])).content.decode()
    assert "Chosen, waits its turn" in text


def test_the_answer_of_another_shop_is_not_shown(page: Client, shop: Integration) -> None:
    other = factories.integration()
    record = want(other, *items_of(other, 1))
    creating.work(other.pk)
    text = polled(page, shop, record).content.decode()
    assert "Created" not in text


def test_who_may_look_at_the_counts(shop: Integration, signed_in: Callable[[User], Client]) -> None:
    record = want(shop, *items_of(shop, 1))
    assert polled(signed_in(factories.viewer(shop.merchant)), shop, record).status_code == 200
    assert polled(signed_in(factories.user()), shop, record).status_code == 404
    assert polled(Client(), shop, record).status_code == 302


def test_the_activity_reads_the_counts_in_words(shop: Integration) -> None:
    good, ignored = items_of(shop, 2)
    faulty = factories.webshop_product(shop, ("", "", ""), own_problems=[Problem(Code.NO_SKU).dump()])
    shop.webshop_products.filter(pk=ignored.pk).ignore(timezone.now())
    want(shop, good, ignored, faulty)
    creating.work(shop.pk)
    assert only_record(shop).counted == "3 chosen; 1 product created; 1 left: No SKU; 1 ignored"


@pytest.mark.django_db(transaction=True)
def test_another_shop_ends_a_creation_under_way_in_words(centra: Centra) -> None:
    integration = centra.integration
    factories.webshop_product(integration)
    creating.want(integration, integration.webshop_products.all(), "Kim")
    integration.resume_after_change(other_shop=True)

    sync.run(integration.state("refresh").pk, refresh.refresh)

    record = integration.runs.get(pipe="create")
    assert (record.outcome, record.label) == (SyncRun.Outcome.FAILED, "Create product")
    assert "Another shop" in record.error
