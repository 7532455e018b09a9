"""Personal data of closed orders goes after KEEP_PERSONAL_DATA_MONTHS; counts and facts stay."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import models
from django.utils import timezone

from merchants.models import Merchant, User
from myogo.celery import app
from orders import erasing
from orders.models import (
    CLOSED,
    Event,
    Order,
    OrderLine,
    SeenOrder,
    Shipment,
    Status,
    Verdict,
)
from orders.tasks import erase
from tests import factories
from tests.security.person import LONG_AGO, PERSON, TRACKS, closed, everything, found


@pytest.mark.django_db
def test_of_a_person_nothing_is_left_in_any_table(merchant: Merchant) -> None:
    order = closed(merchant)
    shipment = Shipment.objects.create(shop="s", number=order.number, error="of Ottilia", capture_error="Quistgaard")
    Order.objects.filter(pk=order.pk).update(shipment=shipment)
    assert found(everything()) == TRACKS
    assert erasing.erase() == 1
    assert found(everything()) == []
    order.refresh_from_db()
    assert order.erased_at is not None


@pytest.mark.django_db
def test_what_is_counted_stays(merchant: Merchant) -> None:
    order = closed(merchant, carrier="PostNord", service="MyPack", parcels=2)
    names = (
        "number",
        "status",
        "country",
        "total",
        "placed_at",
        "shipped_at",
        "status_changed_at",
        "carrier",
        "parcels",
    )
    before = {name: getattr(order, name) for name in names}
    erasing.erase()
    order.refresh_from_db()
    assert {name: getattr(order, name) for name in names} == before
    assert list(order.lines.values_list("sku", "pieces")) == [("FG1", 2)]
    assert order.facts == {"digest": "abc"}


@pytest.mark.django_db
def test_the_story_keeps_its_facts_its_times_and_who_of_us_did_it(merchant: Merchant) -> None:
    order = closed(merchant)
    before = list(order.events.values_list("pk", "at", "who"))
    erasing.erase()
    events = list(order.events.all())
    assert [(event.pk, event.at, event.who) for event in events[:-1]] == before
    assert [event.text for event in events] == [
        "NEW: 2 pieces reserved.",
        "The shop refused it: … is not a city.",
        "Personal data was erased.",
    ]


@pytest.mark.django_db
def test_erased_once_it_is_not_erased_again(merchant: Merchant) -> None:
    order = closed(merchant)
    assert [erasing.erase(), erasing.erase()] == [1, 0]
    assert order.events.filter(text="Personal data was erased.").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("status", list(Status))
def test_only_what_is_closed_is_erased(merchant: Merchant, status: Status) -> None:
    order = closed(merchant, status=status)
    is_closed = status in ("shipped", "cancelled", "returned")
    assert erasing.erase() == is_closed
    order.refresh_from_db()
    assert (order.name == "") == is_closed
    assert (status in CLOSED) == is_closed


@pytest.mark.django_db
@pytest.mark.parametrize(("months", "is_gone"), [(24, True), (27, False), (1, True)])
def test_the_months_are_a_setting(merchant: Merchant, settings: LazySettings, months: int, is_gone: bool) -> None:
    settings.KEEP_PERSONAL_DATA_MONTHS = months
    order = closed(merchant)
    erasing.erase()
    order.refresh_from_db()
    assert (order.name == "") == is_gone


@pytest.mark.parametrize(
    ("now", "months", "since"),
    [
        (datetime(2026, 11, 24, 2, 40, tzinfo=UTC), 24, datetime(2024, 11, 24, 2, 40, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), 12, datetime(2027, 2, 28, tzinfo=UTC)),
        (datetime(2026, 1, 31, tzinfo=UTC), 2, datetime(2025, 11, 30, tzinfo=UTC)),
        (datetime(2026, 12, 31, tzinfo=UTC), 12, datetime(2025, 12, 31, tzinfo=UTC)),
    ],
)
def test_months_are_those_of_the_calendar(settings: LazySettings, now: datetime, months: int, since: datetime) -> None:
    settings.KEEP_PERSONAL_DATA_MONTHS = months
    assert erasing.kept_since(now) == since


def test_to_erase_at_once_is_refused_at_start(settings: LazySettings) -> None:
    call_command("check")
    settings.KEEP_PERSONAL_DATA_MONTHS = 0
    with pytest.raises(SystemCheckError, match="orders.E001"):
        call_command("check")


@pytest.mark.django_db
def test_more_than_a_batch_goes_in_batches(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "BATCH", 2)
    for _number in range(5):
        closed(merchant)
    assert erasing.erase() == 5
    assert not Order.objects.filter(erased_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_killed_run_is_gone_on_with(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "BATCH", 2)
    for _number in range(5):
        closed(merchant)
    real, turns = erasing._empty, []

    def deadly(order: Order, now: datetime) -> None:
        turns.append(order.pk)
        if len(turns) == 4:
            raise KeyboardInterrupt
        real(order, now)

    monkeypatch.setattr(erasing, "_empty", deadly)
    with pytest.raises(KeyboardInterrupt):
        erasing.erase()
    half = Order.objects.filter(erased_at=None)
    assert half.count() == 3
    assert set(half.values_list("name", flat=True)) == {PERSON["name"]}, "an order is erased whole or not at all"
    monkeypatch.setattr(erasing, "_empty", real)
    assert erasing.erase() == 3
    assert Event.objects.filter(text="Personal data was erased.").count() == 5


@pytest.mark.django_db
def test_a_shipment_that_a_younger_part_shares_keeps_what_the_shop_said_of_it(merchant: Merchant) -> None:
    shipment = Shipment.objects.create(shop="s", number="1", error="not yet")
    closed(merchant, shipment=shipment)
    closed(merchant, age=timedelta(days=1), shipment=shipment)
    erasing.erase()
    shipment.refresh_from_db()
    assert shipment.error == "not yet"


@pytest.mark.django_db
def test_why_a_number_could_never_be_read_is_forgotten_and_its_verdict_stays() -> None:
    integration = factories.integration()
    old = timezone.now() - LONG_AGO
    for number, verdict, seen in (("1", "unreadable", old), ("2", "skipped", old), ("3", "unreadable", timezone.now())):
        SeenOrder.objects.create(
            integration=integration,
            number=number,
            verdict=Verdict(verdict),
            detail="why",
            first_seen_at=old,
            last_seen_at=seen,
        )
    erasing.erase()
    rows = SeenOrder.objects.order_by("number").values_list("number", "verdict", "detail")
    assert list(rows) == [("1", "unreadable", ""), ("2", "skipped", "why"), ("3", "unreadable", "why")]


# --- the timetable -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_it_runs_every_night_by_itself(merchant: Merchant, settings: LazySettings) -> None:
    entry = next(one for one in settings.CELERY_BEAT_SCHEDULE.values() if one["task"] == erase.name)
    assert erase.name in app.tasks
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    assert entry["schedule"].hour == {2}
    assert entry["schedule"].remaining_estimate(midnight) is not None
    order = closed(merchant)
    erase()
    order.refresh_from_db()
    assert order.erased_at


# --- nothing is forgotten when a column comes ------------------------------------------------------

# Texts of these models that say nothing of the person to whom a parcel goes, or hold no text of a person's own.
STAYS = {
    "Order": "shop number status shop_method ingrid_method country currency shop_status seen_in overruled facts "
    "handover_asked_by carrier service cancel_asked_by cancel_answer",
    "OrderLine": "external_id sku ean name country_of_origin hs_code bundle",
    "Hold": "cause subject",
    "Event": "tone who facts",
    "Shipment": "shop number external_id pieces wanted",
    "SeenOrder": "number verdict reason seen_in",
    "OrderProcessing": "customisation",
}
GOES = {
    "Order": set(erasing.EMPTIED),
    "OrderLine": {"comment"},
    "Hold": {"text"},
    "Event": {"text"},
    "Shipment": {"error", "capture_error"},
    "SeenOrder": {"detail"},
    "OrderProcessing": set(),
}


def texts_of(app_label: str) -> Iterator[tuple[str, str]]:
    for model in apps.get_app_config(app_label).get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                yield model.__name__, field.name


def test_of_every_text_kept_with_orders_it_is_said_whether_it_goes() -> None:
    unsaid = [
        f"{model}.{name}"
        for model, name in texts_of("orders")
        if name not in STAYS.get(model, "").split() and name not in GOES.get(model, set())
    ]
    assert unsaid == [], "say in orders/erasing.py what becomes of it, and here"


def test_a_column_that_comes_would_be_noticed() -> None:
    known: Callable[[str], bool] = lambda name: name in STAYS["Order"].split() or name in GOES["Order"]  # noqa: E731
    assert not known("date_of_birth")
    assert {model for model, _name in texts_of("orders")} >= {"Order", "OrderLine", "Event"}
    assert User._meta.app_label == "merchants"
    assert OrderLine._meta.app_label == "orders"
