"""Claim, run, settle: on the real database, with jobs that do what jobs do."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from celery import current_app
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import doorbell, pipes, sync, tasks
from integrations.connectors.errors import BadCredentials, NotAllowed, Unavailable, Unreadable
from integrations.models import Integration, SyncRun, SyncState, Tone
from tests import factories

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process dies here: nothing after it runs."""


@pytest.fixture
def state() -> SyncState:
    return factories.integration().state("refresh")


def does_nothing(run: sync.Run) -> None:
    """The shop had nothing new."""


def asks_the_shop(run: sync.Run) -> None:
    """It answered, and had nothing new."""
    run.before_call()


def fails_with(error: BaseException) -> sync.Job:
    def job(run: sync.Run) -> None:
        raise error

    return job


def make_due(state: SyncState) -> None:
    SyncState.objects.filter(pk=state.pk).update(next_run_at=timezone.now(), leased_until=None)


def end_lease(state: SyncState) -> None:
    SyncState.objects.filter(pk=state.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def seconds_until(moment: datetime) -> float:
    return (moment - timezone.now()).total_seconds()


def test_a_due_row_is_run_and_settled(state: SyncState, settings: LazySettings) -> None:
    record = sync.run(state.pk, does_nothing)
    state.refresh_from_db()
    assert record is not None
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    assert state.last_succeeded_at is not None
    assert state.leased_until is None
    assert 0 < seconds_until(state.next_run_at) <= settings.REFRESH_SECONDS
    assert state.health().tone == Tone.GOOD


def test_a_row_that_is_not_due_or_is_paused_is_left_alone(state: SyncState) -> None:
    SyncState.objects.filter(pk=state.pk).update(next_run_at=timezone.now() + timedelta(hours=1))
    assert sync.run(state.pk, does_nothing) is None
    make_due(state)
    state.pause()
    assert sync.run(state.pk, does_nothing) is None
    assert not SyncRun.objects.exists()


def test_a_row_is_never_run_twice_at_once(state: SyncState) -> None:
    def meets_a_rival(run: sync.Run) -> None:
        assert sync.run(state.pk, fails_with(AssertionError("the rival ran"))) is None

    record = sync.run(state.pk, meets_a_rival)
    assert record is not None
    assert record.outcome == SyncRun.Outcome.SUCCEEDED


def test_a_shop_has_one_running_pipe_even_over_two_integrations(state: SyncState) -> None:
    neighbour = factories.integration(state.integration.merchant).state("refresh")
    elsewhere = factories.integration(base_url="https://fjord.centra.com/api/wms").state("refresh")
    seen: list[object] = []

    def tries_the_others(run: sync.Run) -> None:
        seen.append(sync.run(neighbour.pk, does_nothing))
        seen.append(sync.run(elsewhere.pk, does_nothing))

    sync.run(state.pk, tries_the_others)
    assert seen[0] is None
    assert isinstance(seen[1], SyncRun)
    assert sync.run(neighbour.pk, does_nothing) is not None


def test_a_killed_run_is_taken_up_where_it_was_and_stays_one_record(state: SyncState) -> None:
    def dies_after_a_page(run: sync.Run) -> None:
        run.counts["pages"] += 1
        run.keep({"cursor": "?page=2"})
        raise Killed

    with pytest.raises(Killed):
        sync.run(state.pk, dies_after_a_page)
    assert sync.run(state.pk, does_nothing) is None  # the lease still holds
    end_lease(state)
    places = []

    def goes_on(run: sync.Run) -> None:
        places.append(run.place)
        run.counts["pages"] += 1

    sync.run(state.pk, goes_on)
    record = SyncRun.objects.get()
    assert places == [{"cursor": "?page=2"}]
    assert (record.counts["pages"], record.turns, record.interruptions) == (2, 2, 1)
    assert record.outcome == SyncRun.Outcome.SUCCEEDED


def test_a_run_that_lost_its_lease_writes_nothing_more(state: SyncState) -> None:
    def is_overtaken(run: sync.Run) -> None:
        end_lease(state)
        assert sync.run(state.pk, does_nothing) is not None
        run.keep({"cursor": "?page=9"})

    sync.run(state.pk, is_overtaken)
    state.refresh_from_db()
    assert state.place == {}
    assert SyncRun.objects.get().outcome == SyncRun.Outcome.SUCCEEDED


def test_a_turn_that_is_over_gives_its_place_back(state: SyncState, settings: LazySettings) -> None:
    settings.TURN_SECONDS = 0

    def long_work(run: sync.Run) -> None:
        run.keep({"cursor": "?page=2"})
        run.give_way()

    sync.run(state.pk, long_work)
    state.refresh_from_db()
    assert state.place == {"cursor": "?page=2"}
    assert state.leased_until is None
    assert state.is_under_way
    assert SyncState.objects.due(timezone.now()).filter(pk=state.pk).exists()
    assert SyncRun.objects.get().outcome == SyncRun.Outcome.RUNNING
    sync.run(state.pk, does_nothing)
    record = SyncRun.objects.get()
    assert (record.turns, record.interruptions) == (2, 0)


def test_pausing_stops_a_run_after_its_page(state: SyncState) -> None:
    def is_paused_meanwhile(run: sync.Run) -> None:
        run.keep({"cursor": "?page=2"})
        state.pause()
        run.give_way()
        raise AssertionError("went on")

    sync.run(state.pk, is_paused_meanwhile)
    state.refresh_from_db()
    assert state.place == {"cursor": "?page=2"}
    assert not state.is_under_way
    state.resume()
    assert sync.run(state.pk, does_nothing) is not None


@pytest.mark.parametrize(("attempt", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (9, 60)])
def test_the_wait_grows_with_every_failure(state: SyncState, attempt: int, minutes: int) -> None:
    wait = sync.wait_after(Unavailable("The shop does not answer."), attempt, pipes.PIPES["refresh"])
    assert 0.9 * minutes * 60 <= wait <= 1.1 * minutes * 60


def test_the_shops_own_wish_wins_over_our_plan(state: SyncState) -> None:
    sync.run(state.pk, fails_with(Unavailable("The shop asks us to wait.", retry_after=240)))
    state.refresh_from_db()
    assert 235 < seconds_until(state.next_run_at) <= 240


def test_a_failure_is_a_sentence_and_ends_with_the_next_success(state: SyncState) -> None:
    sync.run(state.pk, fails_with(Unavailable("The shop does not answer.")))
    state.refresh_from_db()
    first = state.failing_since
    assert state.health().tone == Tone.WAIT
    assert re.fullmatch(r"The shop does not answer\. Since \d\d:\d\d UTC\.", state.health().sentence)
    make_due(state)
    sync.run(state.pk, fails_with(Unreadable("The shop sent a web page where data was expected.")))
    state.refresh_from_db()
    assert (state.failed_attempts, state.failing_since) == (2, first)
    make_due(state)
    sync.run(state.pk, does_nothing)
    state.refresh_from_db()
    assert (state.failed_attempts, state.failing_since, state.last_error) == (0, None, "")
    assert [run.outcome for run in SyncRun.objects.order_by("pk")] == ["failed", "failed", "succeeded"]


def test_an_error_of_ours_shows_no_inside(state: SyncState, caplog: pytest.LogCaptureFixture) -> None:
    sync.run(state.pk, fails_with(ZeroDivisionError("inside")))
    state.refresh_from_db()
    assert "inside" not in state.last_error
    assert state.failed_attempts == 1
    assert "inside" in caplog.text


def test_a_shop_that_does_not_answer_is_spared_by_its_other_integrations(state: SyncState) -> None:
    neighbour = factories.integration(state.integration.merchant).state("refresh")
    elsewhere = factories.integration(base_url="https://fjord.centra.com/api/wms").state("refresh")
    sync.run(state.pk, fails_with(Unavailable("The shop does not answer.")))
    neighbour.refresh_from_db()
    elsewhere.refresh_from_db()
    assert seconds_until(neighbour.next_run_at) > 50
    assert seconds_until(elsewhere.next_run_at) <= 0


@pytest.fixture
def second_pipe() -> Iterator[Callable[[Integration], SyncState]]:
    """A further pipe of the same integration, registered for this test."""
    pipes.register(pipes.Pipe("second", "Second", "tests.second", lambda: 60.0, "Second", longest_wait=600))
    yield lambda integration: integration.state("second")
    del pipes.PIPES["second"]


def test_a_refused_key_stops_the_whole_integration_until_it_works_again(
    state: SyncState, second_pipe: Callable[[Integration], SyncState]
) -> None:
    other = second_pipe(state.integration)
    sync.run(state.pk, fails_with(BadCredentials("The shop refused the key.")))
    state.refresh_from_db()
    other.refresh_from_db()
    for row in (state, other):
        assert (row.health().word, row.last_error) == ("stopped", "The shop refused the key.")
        assert 890 < seconds_until(row.next_run_at) <= 900
    make_due(other)
    sync.run(other.pk, does_nothing)
    state.refresh_from_db()
    assert state.attention == "bad key", "nobody has asked the shop"
    make_due(other)
    sync.run(other.pk, asks_the_shop)
    state.refresh_from_db()
    assert state.attention == ""
    assert seconds_until(state.next_run_at) <= 0


def test_only_a_run_that_asked_the_shop_counts_as_its_answer(state: SyncState) -> None:
    sync.run(state.pk, does_nothing)
    state.refresh_from_db()
    assert state.last_succeeded_at is not None
    assert state.answered_at is None
    make_due(state)
    sync.run(state.pk, asks_the_shop)
    state.refresh_from_db()
    assert state.answered_at is not None


def test_what_is_stopped_in_the_middle_of_its_work_is_not_under_way(state: SyncState) -> None:
    SyncState.objects.filter(pk=state.pk).update(place={"cursor": "3"}, attention="bad key")
    state.refresh_from_db()
    assert not state.is_under_way


def test_old_activity_is_forgotten_and_the_latest_of_each_shop_stays(state: SyncState, settings: LazySettings) -> None:
    settings.KEEP_RUNS_DAYS = 30
    now = timezone.now()
    shops = state.integration, factories.integration(), state.integration
    ends = [now - timedelta(days=days) for days in (31, 400, 29)]
    old, older, recent = [
        SyncRun.objects.create(integration=shop, pipe="refresh", started_at=end, outcome="succeeded", ended_at=end)
        for shop, end in zip(shops, ends, strict=True)
    ]
    running = SyncRun.objects.create(integration=state.integration, pipe="refresh", started_at=now - timedelta(days=60))
    for _time in range(2):
        tasks.forget()
        assert set(SyncRun.objects.all()) == {older, recent, running}
    assert not SyncRun.objects.filter(pk=old.pk).exists()


def test_sessions_that_are_over_are_forgotten_with_it(page: Client, settings: LazySettings) -> None:
    """Each sign-in of a browser that is closed without signing out leaves one."""
    over = Client()
    over.force_login(factories.user())
    Session.objects.filter(pk=over.session.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert Session.objects.count() == 2
    task = settings.CELERY_BEAT_SCHEDULE["forget old activity and sessions"]["task"]
    for _time in range(2):
        current_app.tasks[task].apply(throw=True)
        assert [one.pk for one in Session.objects.all()] == [page.session.session_key]
    assert page.get(reverse("merchants:home")).status_code == 302
    assert "_auth_user_id" in page.session


def test_a_missing_right_stops_only_its_pipe(state: SyncState, second_pipe: Callable[[Integration], SyncState]) -> None:
    other = second_pipe(state.integration)
    sync.run(state.pk, fails_with(NotAllowed("The key may not read products.", endpoint="GET /products")))
    state.refresh_from_db()
    other.refresh_from_db()
    assert (state.attention, other.attention) == ("not allowed", "")
    assert state.integration.health().tone == Tone.BAD


def test_a_person_who_asks_is_served_at_once_and_once(state: SyncState) -> None:
    SyncState.objects.filter(pk=state.pk).update(next_run_at=timezone.now() + timedelta(hours=1))
    doorbell.ring(state.integration, "refresh", asked_by="Kim Berg")
    doorbell.ring(state.integration, "refresh", asked_by="Kim Berg")
    asked = []
    first = sync.run(state.pk, lambda run: asked.append(run.asked))
    assert sync.run(state.pk, does_nothing) is None
    assert asked == [True]
    assert first is not None
    assert first.asked_by == "Kim Berg"


def test_asking_during_a_run_leads_to_one_more(state: SyncState) -> None:
    sync.run(state.pk, lambda run: doorbell.ring(state.integration, "refresh", asked_by="Kim Berg"))
    record = sync.run(state.pk, does_nothing)
    assert record is not None
    assert record.asked_by == "Kim Berg"
    assert sync.run(state.pk, does_nothing) is None


def test_a_failed_piece_of_work_keeps_its_place_for_the_next_attempt(state: SyncState) -> None:
    def fails_on_page_three(run: sync.Run) -> None:
        run.counts["pages"] = 2
        run.keep({"cursor": "?page=3"})
        raise Unavailable("The shop does not answer.")

    sync.run(state.pk, fails_on_page_three)
    make_due(state)
    seen = []
    sync.run(state.pk, lambda run: seen.append((run.place["cursor"], run.counts["pages"])))
    assert seen == [("?page=3", 2)]


def test_a_page_that_outlasts_half_the_lease_is_a_failure_in_words(state: SyncState, settings: LazySettings) -> None:
    def slow_page(run: sync.Run) -> None:
        run._leased_until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS / 3)
        run.before_call()

    record = sync.run(state.pk, slow_page)
    assert record is not None
    assert "slowly" in record.error


def test_notes_are_capped_and_counts_are_not(state: SyncState) -> None:
    def notes_much(run: sync.Run) -> None:
        run.note(f"row {number}" for number in range(sync.NOTES_KEPT + 50))
        run.counts["unreadable"] = sync.NOTES_KEPT + 50

    record = sync.run(state.pk, notes_much)
    assert record is not None
    assert len(record.notes) == sync.NOTES_KEPT
    assert record.counts["unreadable"] == sync.NOTES_KEPT + 50


class TestTick:
    def test_makes_missing_states_and_rings_what_is_due_once(self, sent: list[tuple[str, int]]) -> None:
        one = factories.integration()
        one.states.filter(pipe="refresh").delete()  # as if the pipe were newer than the integration
        assert sync.tick() == len(pipes.PIPES)
        assert sync.tick() == 0  # the messages are under way
        assert sorted(sent) == sorted((pipes.PIPES[state.pipe].task, state.pk) for state in one.states.all())

    def test_rings_again_when_nobody_came(self, sent: list[tuple[str, int]]) -> None:
        state = factories.integration().state("refresh")
        sync.tick()
        SyncState.objects.filter(pk=state.pk).update(rung_at=timezone.now() - timedelta(seconds=31))
        assert sync.tick() == 1
        assert sent[-1] == ("products.refresh", state.pk)

    def test_leaves_paused_leased_and_future_rows_alone(self, sent: list[tuple[str, int]]) -> None:
        future = timezone.now() + timedelta(minutes=1)
        for fields in ({"is_paused": True}, {"leased_until": future}, {"next_run_at": future}):
            factories.integration().states.update(**fields)
        assert sync.tick() == 0

    def test_a_number_of_integrations_costs_no_more_queries(
        self, sent: list[tuple[str, int]], django_assert_num_queries: Callable[..., object]
    ) -> None:
        merchant = factories.merchant()
        for _number in range(20):
            factories.integration(merchant)
        with django_assert_num_queries(3 + len(pipes.PIPES)):  # type: ignore[attr-defined]
            assert sync.tick() == 20 * len(pipes.PIPES)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What went to the doorbell; the broker's own behaviour is tested with a real one elsewhere."""
    messages: list[tuple[str, int]] = []
    monkeypatch.setattr(doorbell, "send", lambda task, pk: messages.append((task, pk)))
    return messages
