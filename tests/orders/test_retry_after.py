"""However long a shop asks us to wait, and in whatever words: no pipe is parked, and its page says what goes on."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import pipes
from integrations.models import Integration, SyncRun
from merchants.models import User
from merchants.templatetags.portal import clock
from orders.models import Order, Status
from products.models import ShopFigure
from tests import factories
from tests.conftest import Centra
from tests.orders.desk import Desk
from tests.orders.shop import look

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 86_400
LONG: dict[str, dict[str, Any]] = {
    "a year": {"retry_after": 365 * DAY},
    "a year, as a date": {"retry_after": 365 * DAY, "retry_after_form": "date"},
    "a year, as a timestamp": {"retry_after": 365 * DAY, "retry_after_form": "timestamp"},
}
NO_WISH: dict[str, dict[str, Any]] = {
    "nothing": {},
    "at once": {"retry_after": 0},
    "less than nothing": {"retry_after": -5},
    "yesterday": {"retry_after": -DAY, "retry_after_form": "date"},
    "10^30": {"retry_after": 10**30},
    "nonsense": {"retry_after": "when the moon is full"},
}
ENDPOINTS = {"refresh": "GET products", "intake": "GET orders", "stock": "GET stock", "hand-over": "GET orders"}


@pytest.fixture
def desk(centra: Centra) -> Desk:
    """With something to do for every pipe: an order placed, one to be handed over, figures that were never told."""
    Integration.objects.filter(pk=centra.integration.pk).update(sends_stock=True)
    centra.integration.refresh_from_db()
    found = Desk(centra)
    _there, order = found.order()
    found.mark(order)
    return found


@pytest.fixture
def page_of(desk: Desk, signed_in: Callable[[User], Client]) -> Callable[[], str]:
    """What a linked user reads on the integration's page."""
    user = factories.user()
    integration = desk.centra.integration
    integration.merchant.link(user)
    address = reverse("integrations:edit", args=[integration.merchant_id, integration.pk])
    return lambda: unescape(signed_in(user).get(address).content.decode())


def waits(centra: Centra, pipe: str) -> float:
    """Seconds until the next run."""
    return (centra.integration.state(pipe).next_run_at - timezone.now()).total_seconds()


def told_to_wait(centra: Centra, pipe: str, params: dict[str, Any]) -> SyncRun:
    """The shop turns the pipe away so often as it asks; the lever is gone afterwards."""
    fault = centra.shop.break_endpoint(ENDPOINTS[pipe], "status", times=None, **{"code": 429, **params})
    run = look(centra, pipe)
    fault.refresh_from_db()
    assert (run.outcome, fault.hits > 0) == (SyncRun.Outcome.FAILED, True)
    fault.delete()
    return run


def goes_on(desk: Desk, pipe: str) -> None:
    """Once the wait is over, twice: everything is done, on both sides, and nothing is said any more."""
    for _time in range(2):
        assert look(desk.centra, pipe).error == ""
    assert desk.centra.integration.state(pipe).health().word == "working"
    if pipe == "hand-over":
        assert Order.objects.get().status == Status.COLLECTING
        assert desk.in_shop() == (10, 3)
    if pipe == "stock":
        assert ShopFigure.objects.get().told == desk.in_shop()[0] == 10


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("params", LONG.values(), ids=LONG)
@pytest.mark.parametrize("pipe", pipes.PIPES)
def test_a_wait_for_a_year_is_as_long_as_the_pipe_may_wait_and_the_page_says_so(
    desk: Desk, page_of: Callable[[], str], pipe: str, params: dict[str, Any], code: int
) -> None:
    run = told_to_wait(desk.centra, pipe, {**params, "code": code})
    longest, words = (600, "10 min") if pipe == "intake" else (3600, "1 h")
    assert longest - 20 < waits(desk.centra, pipe) <= longest
    for other in pipes.PIPES:
        assert waits(desk.centra, other) <= (600 if other == "intake" else 3600)

    state = desk.centra.integration.state(pipe)
    assert run.error == state.last_error
    assert run.error.endswith(f" It asks us to wait longer than {words}; we try again after that.")
    text = page_of()
    assert f"{run.error} Since " in text
    assert str(clock(state.next_run_at, zone=desk.centra.integration.time_zone)) in text
    goes_on(desk, pipe)


@pytest.mark.parametrize("params", NO_WISH.values(), ids=NO_WISH)
@pytest.mark.parametrize("pipe", pipes.PIPES)
def test_a_wait_that_makes_no_sense_is_none_and_our_own_plan_counts(
    desk: Desk, page_of: Callable[[], str], pipe: str, params: dict[str, Any]
) -> None:
    run = told_to_wait(desk.centra, pipe, params)
    assert 45 < waits(desk.centra, pipe) <= 66
    assert f"{run.error} Since " in page_of()
    assert run.error.endswith(" asks us to slow down.")
    goes_on(desk, pipe)


@pytest.mark.parametrize("pipe", pipes.PIPES)
def test_a_wait_within_reason_is_the_shop_s_to_choose(desk: Desk, pipe: str) -> None:
    told_to_wait(desk.centra, pipe, {"retry_after": 240, "retry_after_form": "date"})
    assert 225 < waits(desk.centra, pipe) <= 240
    goes_on(desk, pipe)
