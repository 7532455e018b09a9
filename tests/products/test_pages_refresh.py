"""*Refresh* on *Sync webshop products*: the button, the moving counts, what is said at the end."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import sync
from integrations.models import Integration, SyncRun
from merchants.models import Merchant, User
from products.refresh import refresh
from tests import factories
from tests.conftest import Centra

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    """Looked at once, an hour ago; the next look is not due."""
    made = factories.integration(merchant, name="Nordlys")
    now = timezone.now()
    made.state("refresh")
    made.states.update(
        next_run_at=now + timedelta(minutes=5),
        completed_at=now - timedelta(hours=1),
        last_succeeded_at=now - timedelta(hours=1),
    )
    return made


def press(client: Client, shop: Integration) -> int:
    return client.post(reverse("products:refresh", args=[shop.merchant_id]), {"shop": shop.pk}).status_code


def shown(client: Client, shop: Integration) -> str:
    answer = client.get(reverse("products:sync", args=[shop.merchant_id]), {"shop": shop.pk})
    return " ".join(answer.content.decode().split())


def polled(client: Client, shop: Integration) -> tuple[int, str]:
    answer = client.get(reverse("products:progress", args=[shop.merchant_id]), {"shop": shop.pk})
    return answer.status_code, " ".join(answer.content.decode().split())


def under_way(shop: Integration, **counts: int) -> SyncRun:
    """A full refresh that a worker is at this moment."""
    soon = timezone.now() + timedelta(minutes=1)
    shop.states.update(leased_until=soon, lease="x", place={"kind": "full", "cursor": "2"}, asked_at=None)
    return SyncRun.objects.create(integration=shop, pipe="refresh", started_at=timezone.now(), counts=counts)


def test_refresh_asks_for_a_look_in_the_user_s_name(page: Client, shop: Integration) -> None:
    assert press(page, shop) == 302
    state = shop.state("refresh")
    assert state.asked_by == "Kim Berg"
    assert state.asked_at is not None
    assert state.next_run_at <= timezone.now()


def test_pressed_twice_it_is_asked_once_and_runs_once(page: Client, shop: Integration) -> None:
    press(page, shop)
    press(page, shop)
    assert shop.states.filter(asked_at__isnull=False).count() == 1
    assert SyncRun.objects.count() == 0


def test_pressed_while_everything_is_being_read_nothing_more_is_asked(page: Client, shop: Integration) -> None:
    under_way(shop)
    press(page, shop)
    assert shop.state("refresh").asked_at is None


def test_pressed_while_only_changes_are_being_read_a_full_look_follows(page: Client, shop: Integration) -> None:
    under_way(shop)
    shop.states.update(place={"kind": "changes", "cursor": ""})
    press(page, shop)
    assert shop.state("refresh").asked_at is not None


def test_a_paused_pipe_is_not_rung_and_says_where_to_resume_it(page: Client, shop: Integration) -> None:
    shop.state("refresh").pause()
    press(page, shop)
    assert shop.state("refresh").asked_at is None
    text = shown(page, shop)
    assert "Reading products from the shop is paused." in text
    assert reverse("integrations:edit", args=[shop.merchant_id, shop.pk]) in text


def test_a_viewer_may_not_press(shop: Integration, signed_in: Callable[[User], Client]) -> None:
    assert press(signed_in(factories.viewer(shop.merchant)), shop) == 403
    assert shop.state("refresh").asked_at is None


def test_a_stranger_and_a_wrong_shop_are_404(
    page: Client, shop: Integration, signed_in: Callable[[User], Client]
) -> None:
    assert press(signed_in(factories.user()), shop) == 404
    other = factories.integration()
    assert page.post(reverse("products:refresh", args=[shop.merchant_id]), {"shop": other.pk}).status_code == 404
    assert page.post(reverse("products:refresh", args=[shop.merchant_id])).status_code == 404
    assert other.states.filter(asked_at__isnull=False).count() == 0


def test_looking_is_no_pressing(page: Client, shop: Integration) -> None:
    assert page.get(reverse("products:refresh", args=[shop.merchant_id])).status_code == 405


def test_the_head_says_when_it_was_looked_and_when_next(page: Client, shop: Integration) -> None:
    text = shown(page, shop)
    assert "Last complete look <time" in text
    assert "next <time" in text
    assert "Stockholm</time>" in text


def test_between_the_press_and_the_worker_the_page_says_it_begins(page: Client, shop: Integration) -> None:
    press(page, shop)
    text = shown(page, shop)
    assert "Reading Nordlys (Centra)…" in text
    assert "It begins in a moment." in text
    assert "hx-get" in text


def test_the_counts_move_and_survive_a_reload(page: Client, shop: Integration) -> None:
    run = under_way(shop, pages=7, seen=3500, new=12, changed=4, unchanged=3484)
    for text in (shown(page, shop), polled(page, shop)[1]):
        assert "7 pages read · 3,500 seen · 12 new · 4 changed" in text
        assert "started <time" in text
    run.counts = {"pages": 8, "seen": 4000, "new": 13, "changed": 4}
    run.save()
    status, text = polled(page, shop)
    assert status == 200
    assert "8 pages read · 4,000 seen · 13 new · 4 changed" in text


def test_the_bar_knows_how_much_there_is_to_read_after_a_first_look(page: Client, shop: Integration) -> None:
    for _number in range(4):
        factories.webshop_product(shop)
    under_way(shop, pages=1, seen=3)
    assert 'value="3" max="4"' in polled(page, shop)[1]


def test_at_a_first_look_the_bar_wanders(page: Client, shop: Integration) -> None:
    under_way(shop, pages=1, seen=3)
    assert "max=" not in polled(page, shop)[1]


def test_the_last_answer_ends_the_polling_and_says_what_was_done(page: Client, shop: Integration) -> None:
    run = under_way(shop, pages=1, seen=6, new=2, changed=1, unchanged=3, gone=1)
    run.outcome, run.ended_at = SyncRun.Outcome.SUCCEEDED, timezone.now()
    run.save()
    shop.states.update(leased_until=None, lease="", place={})
    answer = page.get(reverse("products:progress", args=[shop.merchant_id]), {"shop": shop.pk})
    assert answer.status_code == 286
    assert answer["HX-Trigger"] == "refreshed"
    text = answer.content.decode()
    assert "6 seen = 2 new + 1 changed + 3 unchanged; 1 gone" in text
    assert reverse("integrations:run", args=[shop.merchant_id, shop.pk, run.pk]) in text
    assert "hx-swap-oob" in text
    assert "6 seen = 2 new + 1 changed + 3 unchanged; 1 gone" in shown(page, shop)


def test_what_could_not_be_done_is_said(page: Client, shop: Integration) -> None:
    SyncRun.objects.create(
        integration=shop,
        pipe="refresh",
        started_at=timezone.now(),
        ended_at=timezone.now(),
        outcome=SyncRun.Outcome.SUCCEEDED,
        counts={"pages": 1, "seen": 2, "new": 2, "unreadable": 1},
        notes=["1701: the size has no id"],
    )
    text = shown(page, shop)
    assert "1701: the size has no id" in text
    assert "1 could not be read" in text


def test_a_shop_that_does_not_answer_is_said_with_try_again(page: Client, shop: Integration) -> None:
    shop.states.update(failed_attempts=2, last_error="The shop does not answer.", failing_since=timezone.now())
    text = shown(page, shop)
    assert "The shop does not answer." in text
    assert "Tried again by itself: <time" in text
    assert "Try again</button>" in text


def test_a_refused_key_leads_to_the_integration(page: Client, shop: Integration) -> None:
    shop.states.update(failed_attempts=1, attention="bad key", last_error="The shop refused the API token.")
    text = shown(page, shop)
    assert "The shop refused the API token." in text
    assert "Open integration" in text


def test_a_viewer_reads_the_failure_without_the_button(shop: Integration, signed_in: Callable[[User], Client]) -> None:
    shop.states.update(failed_attempts=2, last_error="The shop does not answer.")
    text = shown(signed_in(factories.viewer(shop.merchant)), shop)
    assert "The shop does not answer." in text
    assert "Try again</button>" not in text


@pytest.mark.django_db(transaction=True)
def test_pressed_in_the_browser_the_shop_s_items_stand_on_the_page(
    centra: Centra, signed_in: Callable[[User], Client]
) -> None:
    user = factories.user(name="Kim Berg")
    shop = centra.integration
    shop.merchant.link(user)
    browser = signed_in(user)
    centra.shop.add_size("FG1042", "-NVY", "-M")
    centra.shop.add_size("FG1042", "-NVY", "-L")
    press(browser, shop)
    record = sync.run(shop.state("refresh").pk, refresh)
    assert record is not None
    assert record.asked_by == "Kim Berg"
    text = shown(browser, shop)
    assert "2 items = 2 + 0 + 0 + 0 + 0" in text
    assert "2 seen = 2 new" in text
    assert '<span class="a">FG1042</span><span class="b">-NVY</span><span class="c">-M</span>' in text
