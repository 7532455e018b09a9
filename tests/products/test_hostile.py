"""Hostile answers of a shop: each ends in a sentence on the pages, and in another attempt where that helps."""

import threading
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import doorbell, sync
from integrations.models import SyncRun, SyncState
from merchants.models import User
from products.refresh import refresh
from tests import factories
from tests.conftest import Centra

pytestmark = pytest.mark.django_db(transaction=True)

BROKE_OFF, CUT_OFF, ITS_FAULT = "SHOP broke off the connection.", "is cut off or not what", "fault of its own"

BY_DATE = {"retry_after": 900, "retry_after_form": "date"}

# kind, parameters, words of the sentence (SHOP: its host), what a person must mend ("": nobody must),
# the next attempt in seconds: from, to
HOSTILE = [
    ("html", {}, "SHOP answered GET /products with a web page instead of data.", "", 50, 70),
    ("truncated", {}, CUT_OFF, "", 50, 70),
    ("cut_off", {}, BROKE_OFF, "", 50, 70),
    ("empty", {}, "SHOP answered GET /products with nothing.", "", 50, 70),
    ("refused", {"msg": "maintenance"}, "maintenance", "", 50, 70),
    ("reset", {}, BROKE_OFF, "", 50, 70),
    ("redirect", {}, "sends us on to another address, which we do not follow.", "wrong address", 800, 900),
    ("status", {"code": 401}, "SHOP refused the key.", "bad key", 800, 900),
    ("status", {"code": 403}, "The key may not use GET /products.", "not allowed", 800, 900),
    ("status", {"code": 404}, "SHOP knows no GET /products at this address.", "wrong address", 800, 900),
    ("status", {"code": 429, "retry_after": 120}, "SHOP asks us to slow down.", "", 110, 121),
    ("status", {"code": 429} | BY_DATE, "SHOP asks us to slow down.", "", 880, 901),
    ("status", {"code": 500}, f"SHOP has a {ITS_FAULT} (500).", "", 50, 70),
    ("status", {"code": 503}, f"SHOP has a {ITS_FAULT} (503).", "", 50, 70),
    ("slow", {"seconds": 4, "drips": 20}, "SHOP did not answer in time.", "", 50, 70),
    ("slow", {"seconds": 4, "drips": 1}, "SHOP did not answer in time.", "", 50, 70),
]


def named(value: object) -> str:
    return str(value)[:30] if isinstance(value, str | dict) else ""


@pytest.fixture
def browser(centra: Centra, signed_in: Callable[[User], Client]) -> Client:
    user = factories.user()
    centra.integration.merchant.link(user)
    return signed_in(user)


def press_refresh(centra: Centra) -> SyncRun:
    doorbell.ring(centra.integration, "refresh")
    record = sync.run(centra.integration.state("refresh").pk, refresh)
    assert record is not None
    return record


def host_of(centra: Centra) -> str:
    return urlsplit(centra.integration.base_url).netloc


def words_on(browser: Client, centra: Centra) -> dict[str, str]:
    """What a person reads, by page."""
    merchant = centra.integration.merchant
    addresses = {
        "sync": reverse("products:sync", args=[merchant.pk]),
        "integration": reverse("integrations:edit", args=[merchant.pk, centra.integration.pk]),
        "front": reverse("orders:front_page", args=[merchant.pk]),
    }
    return {name: unescape(browser.get(address).content.decode()) for name, address in addresses.items()}


@pytest.fixture(autouse=True)
def nobody_is_left_talking(centra: Centra) -> Iterator[None]:
    """A slow answer that we did not wait for ends before the database is taken from it."""
    yield
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(timeout=20)


def hurry(settings: LazySettings) -> None:
    """Our patience is shorter than the slow shop's silence, or than its dripping answer."""
    settings.SHOP_READ_SECONDS, settings.SHOP_TOTAL_SECONDS = 0.5, 1.0


@pytest.mark.parametrize(("kind", "params", "words", "attention", "least", "most"), HOSTILE, ids=named)
def test_a_hostile_answer_ends_in_a_sentence_and_another_attempt(
    centra: Centra,
    browser: Client,
    settings: LazySettings,
    kind: str,
    params: dict[str, Any],
    words: str,
    attention: str,
    least: float,
    most: float,
) -> None:
    centra.shop.add_size("FG1042", "-NVY", "-M")
    fault = centra.shop.break_endpoint("GET products", kind, times=None, **params)
    patience = settings.SHOP_READ_SECONDS, settings.SHOP_TOTAL_SECONDS
    if kind == "slow":
        hurry(settings)
    record = press_refresh(centra)
    state = centra.integration.state("refresh")
    assert record.outcome == SyncRun.Outcome.FAILED
    assert words.replace("SHOP", host_of(centra)) in record.error
    assert record.error.endswith(".")
    assert "Traceback" not in record.error
    assert "a-secret-api-key" not in record.error
    assert (state.attention, state.last_error) == (attention, record.error)
    assert least < (state.next_run_at - timezone.now()).total_seconds() <= most
    pages = words_on(browser, centra)
    assert [name for name, text in pages.items() if record.error not in text] == []
    assert f">{'stopped' if attention else 'waiting'}<" in pages["integration"]
    assert "Tried again by itself:" in pages["sync"]
    fault.delete()
    settings.SHOP_READ_SECONDS, settings.SHOP_TOTAL_SECONDS = patience
    SyncState.objects.update(next_run_at=timezone.now())
    again = sync.run(state.pk, refresh)
    assert again is not None
    assert again.outcome == SyncRun.Outcome.SUCCEEDED
    assert centra.integration.webshop_products.count() == 1
    assert [name for name, text in words_on(browser, centra).items() if "Tried again by itself:" in text] == []


def test_a_shop_slower_than_our_time_outs_loses_no_item_and_is_read_later(
    centra: Centra, browser: Client, settings: LazySettings
) -> None:
    for number in range(3):
        centra.shop.add_size(f"FG{number}", "-NVY", "-M")
    assert press_refresh(centra).outcome == SyncRun.Outcome.SUCCEEDED
    patience = settings.SHOP_READ_SECONDS, settings.SHOP_TOTAL_SECONDS
    hurry(settings)
    fault = centra.shop.break_endpoint("GET products", "slow", times=None, seconds=4, drips=20)
    record, host = press_refresh(centra), host_of(centra)
    assert (record.outcome, record.error) == (SyncRun.Outcome.FAILED, f"{host} did not answer in time.")
    assert centra.integration.state("refresh").next_run_at > timezone.now()
    assert centra.integration.webshop_products.filter(gone_at=None).count() == 3
    assert record.error in words_on(browser, centra)["sync"]
    fault.delete()
    settings.SHOP_READ_SECONDS, settings.SHOP_TOTAL_SECONDS = patience
    centra.shop.add_size("FG3", "-NVY", "-M")
    centra.shop.break_endpoint("GET products", "unreadable_row", times=1, row=1)
    record = press_refresh(centra)
    assert (record.outcome, record.counts["unreadable"]) == (SyncRun.Outcome.SUCCEEDED, 1)
    assert centra.integration.webshop_products.filter(gone_at=None).count() == 4


def test_a_slow_shop_is_waited_for(centra: Centra) -> None:
    centra.shop.add_size("FG1042", "-NVY", "-M")
    centra.shop.break_endpoint("GET products", "slow", times=1, seconds=1, drips=10)
    assert press_refresh(centra).outcome == SyncRun.Outcome.SUCCEEDED


def test_rows_of_wrong_types_are_read_or_held_never_fatal(centra: Centra) -> None:
    for number in range(5):
        centra.shop.add_size(f"FG{number}", "-NVY", "-M")
    centra.shop.break_endpoint("GET products", "wrong_types", times=1, row=2)
    record = press_refresh(centra)
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    assert record.counts["seen"] + record.counts["unreadable"] == 5
