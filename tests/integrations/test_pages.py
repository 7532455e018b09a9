"""The list of integrations, the pipes' buttons, the activity and a run in full."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration, SyncRun, SyncState
from integrations.pipes import PIPES
from merchants.models import Merchant, User
from tests import factories

pytestmark = pytest.mark.django_db
SECRET = "key-that-nobody-sees-51b0"


@pytest.fixture
def integration(merchant: Merchant) -> Integration:
    return connected(merchant)


def connected(merchant: Merchant, **fields: Any) -> Integration:
    """An integration whose pipe has its row, as it has after the first tick."""
    made = factories.integration(merchant, **{"secret": SECRET, **fields})
    made.state("refresh")
    return made


def a_run(integration: Integration, **fields: Any) -> SyncRun:
    now = timezone.now()
    done = {"started_at": now - timedelta(seconds=41), "ended_at": now, "outcome": SyncRun.Outcome.SUCCEEDED}
    return SyncRun.objects.create(**{"integration": integration, "pipe": "refresh", **done, **fields})


def set_state(integration: Integration, **fields: Any) -> None:
    SyncState.objects.filter(integration=integration).update(**fields)


def list_url(merchant: Merchant) -> str:
    return reverse("integrations:list", args=[merchant.pk])


def edit_url(integration: Integration) -> str:
    return reverse("integrations:edit", args=[integration.merchant_id, integration.pk])


def run_url(run: SyncRun) -> str:
    return reverse("integrations:run", args=[run.integration.merchant_id, run.integration_id, run.pk])


def text_of(browser: Client, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def query_count(browser: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.get(url).status_code == 200
    return len(queries)


# --- the list ------------------------------------------------------------------------------


def test_without_integrations_the_list_says_what_to_do(page: Client, merchant: Merchant) -> None:
    text = text_of(page, list_url(merchant))
    assert "No webshop is connected yet" in text
    assert text.count("New Integration") == 1
    assert reverse("integrations:choose", args=[merchant.pk]) in text


def test_the_list_tells_how_each_does(page: Client, merchant: Merchant, integration: Integration) -> None:
    set_state(
        integration,
        last_succeeded_at=datetime(2026, 11, 20, 13, 2, tzinfo=UTC),
        next_run_at=datetime(2036, 11, 20, 14, 2, tzinfo=UTC),
    )
    text = text_of(page, list_url(merchant))
    assert f'<a href="{edit_url(integration)}">Nordlys</a>' in text
    assert f"Centra at nordlys.centra.com · {integration.warehouse}" in text
    assert "working" in text
    assert ">20 Nov 14:02 Stockholm</time>" in text
    assert ">20 Nov 2036 15:02 Stockholm</time>" in text
    assert "New Integration" in text


def test_times_follow_the_merchant_s_zone(page: Client, merchant: Merchant, integration: Integration) -> None:
    Merchant.objects.filter(pk=merchant.pk).update(time_zone="Europe/Helsinki")
    set_state(integration, last_succeeded_at=datetime(2026, 11, 20, 13, 2, tzinfo=UTC))
    assert ">20 Nov 15:02 Helsinki</time>" in text_of(page, list_url(merchant))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"is_paused": True}, "paused"),
        ({"attention": "bad key", "last_error": "nordlys.centra.com refused the key."}, "stopped"),
        ({"failed_attempts": 2, "last_error": "nordlys.centra.com did not answer in time."}, "waiting"),
        ({}, "starting"),
    ],
)
def test_health_is_said_in_a_word_and_a_sentence(
    page: Client, merchant: Merchant, integration: Integration, fields: dict[str, Any], word: str
) -> None:
    set_state(integration, **fields)
    for url in (list_url(merchant), edit_url(integration)):
        text = text_of(page, url)
        assert word in text
        assert fields.get("last_error", "") in text


def test_a_running_pipe_is_shown_as_running(page: Client, merchant: Merchant, integration: Integration) -> None:
    set_state(integration, leased_until=timezone.now() + timedelta(minutes=1))
    assert "running now" in text_of(page, list_url(merchant))


def test_other_merchants_integrations_are_not_listed(page: Client, merchant: Merchant) -> None:
    connected(factories.merchant(), name="Fjord Goods")
    assert "Fjord Goods" not in text_of(page, list_url(merchant))


def test_the_list_asks_the_database_as_often_for_many_as_for_one(page: Client, merchant: Merchant) -> None:
    connected(merchant)
    one = query_count(page, list_url(merchant))
    for _number in range(9):
        connected(merchant)
    assert query_count(page, list_url(merchant)) == one


def test_the_list_keeps_the_secret(page: Client, merchant: Merchant, integration: Integration) -> None:
    text = text_of(page, list_url(merchant))
    assert SECRET not in text
    assert integration.secret.cipher not in text


def test_a_view_only_user_sees_the_list_without_buttons(
    merchant: Merchant, integration: Integration, signed_in: Callable[[User], Client]
) -> None:
    text = text_of(signed_in(factories.viewer(merchant)), list_url(merchant))
    assert "Nordlys" in text
    assert "New Integration" not in text


def test_a_stranger_sees_no_list(merchant: Merchant, signed_in: Callable[[User], Client]) -> None:
    assert signed_in(factories.user()).get(list_url(merchant)).status_code == 404


# --- the buttons of a pipe -----------------------------------------------------------------


def press(browser: Client, integration: Integration, act: str, key: str = "refresh") -> tuple[int, list[str]]:
    url = reverse("integrations:pipe", args=[integration.merchant_id, integration.pk, key])
    answer = browser.post(url, {"act": act})
    return answer.status_code, [str(message) for message in get_messages(answer.wsgi_request)]


def test_pause_and_resume(page: Client, integration: Integration) -> None:
    assert press(page, integration, "pause") == (302, ["Products in is paused until you resume it."])
    assert integration.state("refresh").is_paused
    text = text_of(page, edit_url(integration))
    assert "Resume" in text
    assert text.count('value="pause"') == len(PIPES) - 1
    assert press(page, integration, "resume") == (302, ["Products in goes on."])
    assert not integration.state("refresh").is_paused


def test_try_again_asks_for_the_pipe_now(page: Client, integration: Integration) -> None:
    later = timezone.now() + timedelta(hours=1)
    set_state(integration, attention="bad key", last_error="The key was refused.", failed_attempts=3, next_run_at=later)
    assert 'value="try"' in text_of(page, edit_url(integration))
    assert press(page, integration, "try") == (302, ["Products in is tried again now."])
    state = integration.state("refresh")
    assert state.next_run_at <= timezone.now()
    assert state.asked_by == "Kim Berg"
    assert state.is_under_way


def test_a_pipe_that_works_needs_no_try_again(page: Client, integration: Integration) -> None:
    set_state(integration, last_succeeded_at=timezone.now())
    assert 'value="try"' not in text_of(page, edit_url(integration))


def test_a_paused_pipe_is_not_tried(page: Client, integration: Integration) -> None:
    integration.state("refresh").pause()
    assert press(page, integration, "try") == (302, ["Products in is paused. Resume it first."])
    assert integration.state("refresh").asked_at is None


def test_an_unknown_button_does_nothing_and_says_so(page: Client, integration: Integration) -> None:
    assert press(page, integration, "explode") == (302, ["Nothing was done: this button is not known."])


def test_an_unknown_pipe_is_no_page(page: Client, integration: Integration) -> None:
    assert press(page, integration, "pause", key="gold")[0] == 404


def test_a_button_is_pressed_by_post_only(page: Client, integration: Integration) -> None:
    url = reverse("integrations:pipe", args=[integration.merchant_id, integration.pk, "refresh"])
    assert page.get(url).status_code == 405


@pytest.mark.parametrize("act", ["pause", "resume", "try"])
def test_a_view_only_user_presses_nothing(
    integration: Integration, signed_in: Callable[[User], Client], act: str
) -> None:
    set_state(integration, is_paused=act == "resume")
    before = list(SyncState.objects.order_by("pk").values())
    assert press(signed_in(factories.viewer(integration.merchant)), integration, act)[0] == 403
    assert list(SyncState.objects.order_by("pk").values()) == before


def test_a_stranger_presses_nothing(integration: Integration, signed_in: Callable[[User], Client]) -> None:
    assert press(signed_in(factories.user()), integration, "pause")[0] == 404
    assert not integration.state("refresh").is_paused


# --- the activity --------------------------------------------------------------------------


def test_without_runs_the_activity_says_what_will_come(page: Client, integration: Integration) -> None:
    assert "Nothing was done yet" in text_of(page, edit_url(integration))


def test_a_run_is_a_row_that_a_person_can_read(page: Client, integration: Integration) -> None:
    run = a_run(
        integration,
        kind="full refresh",
        asked_by="Kim Berg",
        started_at=datetime(2026, 11, 20, 13, 2, 3, tzinfo=UTC),
        ended_at=datetime(2026, 11, 20, 13, 2, 44, tzinfo=UTC),
        counts={"seen": 3500, "new": 12, "changed": 4, "unchanged": 3484, "gone": 2},
    )
    text = text_of(page, edit_url(integration))
    assert f'<a id="run-{run.pk}" href="{run_url(run)}"><time' in text
    assert ">20 Nov 14:02:03 Stockholm</time>" in text
    assert "Products in · full refresh" in text
    assert "asked for by Kim Berg" in text
    assert "3,500 seen = 12 new + 4 changed + 3,484 unchanged; 2 gone" in text
    assert "41 s" in text
    assert "succeeded" in text


def test_many_looks_that_found_nothing_are_one_row_that_says_so(page: Client, integration: Integration) -> None:
    run = a_run(
        integration,
        started_at=datetime(2026, 11, 20, 13, 2, 3, tzinfo=UTC),
        ended_at=datetime(2026, 11, 20, 14, 42, 44, tzinfo=UTC),
        is_quiet=True,
        repeats=99,
    )
    for url in (edit_url(integration), run_url(run)):
        text = text_of(page, url)
        assert "100 times" in text
        assert ">20 Nov 15:42:44 Stockholm</time>" in text
        assert "1 h 40 min" not in text  # nothing took that long


def test_a_run_nobody_asked_for_came_by_itself(page: Client, integration: Integration) -> None:
    a_run(integration)
    assert "by itself" in text_of(page, edit_url(integration))


def test_a_failed_run_says_why(page: Client, integration: Integration) -> None:
    a_run(integration, outcome=SyncRun.Outcome.FAILED, error="nordlys.centra.com did not answer in time.")
    text = text_of(page, edit_url(integration))
    assert "failed" in text
    assert "did not answer in time" in text


def test_work_of_a_paused_pipe_is_not_called_running(page: Client, integration: Integration) -> None:
    a_run(integration, outcome=SyncRun.Outcome.RUNNING, ended_at=None)
    integration.state("refresh").pause()
    activity = text_of(page, edit_url(integration)).partition('id="activity"')[2].partition("<tbody>")[2]
    assert "not finished" in activity
    assert "running" not in activity


def test_a_pipe_that_is_switched_off_promises_no_run(page: Client, integration: Integration) -> None:
    Integration.objects.filter(pk=integration.pk).update(sends_stock=False)
    off = text_of(page, edit_url(integration))
    assert "switched off" in off
    assert "when it is switched on" in off
    Integration.objects.filter(pk=integration.pk).update(sends_stock=True)
    assert "when it is switched on" not in text_of(page, edit_url(integration))


def test_that_a_pipe_is_paused_is_said_once_and_beside_its_button(
    page: Client, merchant: Merchant, integration: Integration
) -> None:
    a_run(integration, outcome=SyncRun.Outcome.RUNNING, ended_at=None)
    integration.state("refresh").pause()
    for url in (list_url(merchant), edit_url(integration)):
        assert text_of(page, url).count(">paused<") == 1


@pytest.mark.parametrize("address", ["list", "edit"])
def test_a_stopped_pipe_is_said_above_as_well(page: Client, integration: Integration, address: str) -> None:
    set_state(integration, attention="bad key", last_error="nordlys.centra.com refused the key.")
    url = list_url(integration.merchant) if address == "list" else edit_url(integration)
    assert text_of(page, url).count(">stopped<") == 1 + len(PIPES)


def test_the_guide_can_be_jumped_to_from_above_the_form(page: Client, integration: Integration) -> None:
    new = reverse("integrations:new", args=[integration.merchant_id, "centra"])
    for url in (new, edit_url(integration)):
        text = text_of(page, url)
        assert text.index('href="#guide"') < text.index('id="integration-form"') < text.index('id="guide"')


def test_the_activity_has_pages(page: Client, integration: Integration) -> None:
    oldest = a_run(integration, started_at=timezone.now() - timedelta(days=9), kind="the very first")
    for _number in range(50):
        a_run(integration)
    assert run_url(oldest) not in text_of(page, edit_url(integration))
    assert run_url(oldest) in text_of(page, edit_url(integration) + "?page=2")
    assert "1–50 of 51" in text_of(page, edit_url(integration))


def test_the_activity_is_narrowed_by_what_flows_and_how_it_ended(page: Client, integration: Integration) -> None:
    good = a_run(integration)
    bad = a_run(integration, outcome=SyncRun.Outcome.FAILED, error="The key was refused.")
    stock = a_run(integration, pipe="stock", outcome=SyncRun.Outcome.FAILED, error="No answer.")

    def shown(words: str) -> list[SyncRun]:
        return list(page.get(edit_url(integration) + words).context["runs"])

    assert set(shown("")) == set(shown("?pipe=nonsense&outcome=none")) == {good, bad, stock}
    assert set(shown("?outcome=failed")) == {bad, stock}
    assert shown("?pipe=refresh&outcome=failed") == [bad]
    assert "Nothing like that was done" in text_of(page, edit_url(integration) + "?pipe=stock&outcome=running")
    set_state(integration, leased_until=timezone.now() + timedelta(minutes=1))
    again = "?page=1&amp;pipe=refresh&amp;outcome=failed"
    assert again in text_of(page, edit_url(integration) + "?pipe=refresh&outcome=failed")  # while work is under way


@pytest.mark.parametrize("number", ["0", "-1", "99", "two", "1" * 40])
def test_a_page_that_is_not_there_shows_one_that_is(page: Client, integration: Integration, number: str) -> None:
    a_run(integration)
    assert "Products in" in text_of(page, edit_url(integration) + f"?page={number}")


def test_the_page_asks_the_database_as_often_for_many_runs_as_for_one(page: Client, integration: Integration) -> None:
    a_run(integration, counts={"seen": 1, "new": 1})
    one = query_count(page, edit_url(integration))
    for _number in range(40):
        a_run(integration, notes=["7: its name is missing"])
    assert query_count(page, edit_url(integration)) == one


def test_while_work_is_under_way_the_page_fetches_itself_anew(page: Client, integration: Integration) -> None:
    live_url = reverse("integrations:live", args=[integration.merchant_id, integration.pk])
    set_state(integration, leased_until=timezone.now() + timedelta(minutes=1))
    a_run(integration, outcome=SyncRun.Outcome.RUNNING, ended_at=None, counts={"seen": 1000, "new": 1000})
    assert f'hx-get="{live_url}?page=1"' in text_of(page, edit_url(integration))
    fetched = text_of(page, live_url)
    assert "<html" not in fetched
    assert "1,000 seen = 1,000 new" in fetched
    assert "hx-swap-oob" in fetched
    set_state(integration, leased_until=None, last_succeeded_at=timezone.now(), next_run_at=timezone.now())
    assert "hx-get" not in text_of(page, live_url)


def test_what_moves_is_shown_to_linked_users_only(
    integration: Integration, signed_in: Callable[[User], Client]
) -> None:
    live_url = reverse("integrations:live", args=[integration.merchant_id, integration.pk])
    assert signed_in(factories.user()).get(live_url).status_code == 404
    viewed = text_of(signed_in(factories.viewer(integration.merchant)), live_url)
    assert "Pause" not in viewed


# --- one run -------------------------------------------------------------------------------


def test_a_run_in_full(page: Client, integration: Integration) -> None:
    run = a_run(
        integration,
        turns=3,
        interruptions=1,
        counts={"pages": 7, "seen": 20, "new": 12, "changed": 4, "unchanged": 4, "gone": 2, "unreadable": 1},
        notes=["4711: its <b>price</b> is not a number"],
    )
    answer = page.get(run_url(run))
    text = " ".join(answer.content.decode().split())
    assert "<b>20</b><span>seen</span>" in text
    assert "adds up" in text
    assert "<li>2 gone</li>" in text
    assert "<li>7 pages read</li>" in text
    assert "4711: its &lt;b&gt;price&lt;/b&gt; is not a number" in text
    assert answer.context["run"].turns == 3
    assert "Interruptions" in text
    assert "Only the first" not in text


def test_cut_notes_are_called_cut(page: Client, integration: Integration) -> None:
    run = a_run(integration, notes=[f"{number}: its name is missing" for number in range(200)])
    assert "Only the first 200 are kept here" in text_of(page, run_url(run))


def test_a_failed_run_in_full_leads_to_the_mend(page: Client, integration: Integration) -> None:
    run = a_run(integration, outcome=SyncRun.Outcome.FAILED, error="The key was refused.")
    text = text_of(page, run_url(run))
    assert "The key was refused." in text
    assert f'<a href="{edit_url(integration)}">Open integration</a>' in text
    assert "Nothing was counted." in text


def test_a_run_is_found_through_its_own_integration_only(page: Client, merchant: Merchant) -> None:
    mine, other = connected(merchant), connected(factories.merchant())
    run = a_run(other)
    assert page.get(reverse("integrations:run", args=[merchant.pk, mine.pk, run.pk])).status_code == 404
    assert page.get(run_url(run)).status_code == 404


def test_a_run_keeps_the_secret(page: Client, integration: Integration) -> None:
    assert SECRET not in text_of(page, run_url(a_run(integration)))
