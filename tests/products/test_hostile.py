"""Hostile answers of a shop: each ends in a sentence on the pages, and in another attempt where that helps."""

from collections.abc import Callable
from typing import Any

import pytest
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

# kind, parameters, words of the sentence, the longest wait until the next attempt in seconds
HOSTILE = [
    ("html", {}, "web page", 70),
    ("truncated", {}, "", 70),
    ("cut_off", {}, "", 70),
    ("empty", {}, "", 70),
    ("refused", {"msg": "maintenance"}, "maintenance", 70),
    ("reset", {}, "", 70),
    ("redirect", {}, "", 900),
    ("status", {"code": 401}, "refused the key", 900),
    ("status", {"code": 403}, "products", 900),
    ("status", {"code": 404}, "", 900),
    ("status", {"code": 429, "retry_after": 120}, "", 121),
    ("status", {"code": 429, "retry_after": "date"}, "", 3600),
    ("status", {"code": 500}, "", 70),
    ("status", {"code": 503}, "", 70),
]


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


@pytest.mark.parametrize(("kind", "params", "words", "wait"), HOSTILE, ids=lambda value: str(value)[:30])
def test_a_hostile_answer_ends_in_a_sentence_and_another_attempt(
    centra: Centra, browser: Client, kind: str, params: dict[str, Any], words: str, wait: float
) -> None:
    centra.shop.add_size("FG1042", "-NVY", "-M")
    fault = centra.shop.break_endpoint("GET products", kind, times=None, **params)
    record = press_refresh(centra)
    state = centra.integration.state("refresh")
    assert record.outcome == SyncRun.Outcome.FAILED
    assert words in record.error
    assert record.error.endswith(".")
    assert "Traceback" not in record.error
    assert "a-secret-api-key" not in record.error
    assert 0 < (state.next_run_at - timezone.now()).total_seconds() <= wait
    merchant = centra.integration.merchant
    for address in (
        reverse("products:sync", args=[merchant.pk]),
        reverse("integrations:edit", args=[merchant.pk, centra.integration.pk]),
        reverse("orders:front_page", args=[merchant.pk]),
    ):
        text = browser.get(address).content.decode()
        assert record.error.split("“")[0][:40] in text.replace("&#x27;", "'").replace("&quot;", '"'), address
    fault.delete()
    SyncState.objects.update(next_run_at=timezone.now())
    again = sync.run(state.pk, refresh)
    assert again is not None
    assert again.outcome == SyncRun.Outcome.SUCCEEDED
    assert centra.integration.webshop_products.count() == 1


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
