"""What a run could not do is read in the record that finishes, whatever interrupted it before."""

import pytest
from django.conf import LazySettings
from django.utils import timezone

from integrations import sync
from integrations.connectors.centra import client
from integrations.connectors.errors import Unavailable
from integrations.models import SyncRun, SyncState
from products.refresh import refresh
from sandbox.models.fault import Kind
from tests import factories
from tests.conftest import Centra
from tests.integrations.test_sync import Killed, end_lease, make_due

pytestmark = pytest.mark.django_db
FIRST, SECOND, THIRD = "A1: no price.", "B2: no name.", "C3: no SKU."


@pytest.fixture
def state() -> SyncState:
    return factories.integration().state("refresh")


def reads(run: sync.Run, page: int, *notes: str) -> None:
    """One page: what could not be read is noted, then the place is kept."""
    run.counts["pages"] += 1
    run.note(notes)
    run.keep({"cursor": f"?page={page + 1}"})


def finishes(*notes: str) -> sync.Job:
    return lambda run: reads(run, 2, *notes)


def test_after_a_death_they_stand_in_the_same_record(state: SyncState) -> None:
    def dies(run: sync.Run) -> None:
        reads(run, 1, FIRST)
        raise Killed

    with pytest.raises(Killed):
        sync.run(state.pk, dies)
    end_lease(state)
    sync.run(state.pk, finishes(SECOND))
    record = SyncRun.objects.get()
    assert (record.outcome, record.notes, record.interruptions) == ("succeeded", [FIRST, SECOND], 1)


def test_a_failed_attempt_hands_them_to_the_next_one_that_goes_on(state: SyncState) -> None:
    """With the counts; what the broken page said already is not said twice when it is read again."""

    def fails(run: sync.Run) -> None:
        reads(run, 1, FIRST)
        run.note([SECOND])
        raise Unavailable("It does not answer.")

    for _attempt in range(3):
        sync.run(state.pk, fails)
        make_due(state)
    sync.run(state.pk, finishes(SECOND, THIRD))
    record = SyncRun.objects.latest_first()[0]
    assert (record.outcome, record.counts["pages"]) == ("succeeded", 4)
    assert record.notes == [FIRST, SECOND, THIRD]
    assert SyncRun.objects.filter(outcome="failed").count() == 3


def test_a_turn_given_back_keeps_what_was_noted_since_its_page(state: SyncState, settings: LazySettings) -> None:
    settings.TURN_SECONDS = 0

    def gives_back(run: sync.Run) -> None:
        reads(run, 1, FIRST)
        run.note([SECOND])
        run.give_way()

    sync.run(state.pk, gives_back)
    assert SyncRun.objects.get().notes == [FIRST, SECOND]
    sync.run(state.pk, finishes(SECOND, THIRD))
    assert SyncRun.objects.get().notes == [FIRST, SECOND, THIRD]


def test_who_lost_the_lease_writes_no_note(state: SyncState, settings: LazySettings) -> None:
    settings.TURN_SECONDS = 0

    def is_overtaken(run: sync.Run) -> None:
        end_lease(state)
        assert sync.run(state.pk, finishes(FIRST)) is not None
        run.note([SECOND])
        run.give_way()

    sync.run(state.pk, is_overtaken)
    assert SyncRun.objects.get().notes == [FIRST]


def test_together_they_are_no_more_than_usual(state: SyncState) -> None:
    def fails(run: sync.Run) -> None:
        reads(run, 1, *(f"row {number}" for number in range(150)))
        raise Unavailable("It does not answer.")

    sync.run(state.pk, fails)
    make_due(state)
    sync.run(state.pk, finishes(*(f"another {number}" for number in range(150))))
    notes = SyncRun.objects.latest_first()[0].notes
    assert (len(notes), notes[0], notes[-1]) == (sync.NOTES_KEPT, "row 0", "another 49")


def test_a_new_piece_of_work_takes_over_none(state: SyncState) -> None:
    def fails(run: sync.Run) -> None:
        reads(run, 1, FIRST)
        raise Unavailable("It does not answer.")

    sync.run(state.pk, fails)
    make_due(state)
    sync.run(state.pk, begins_anew)
    assert SyncRun.objects.latest_first()[0].notes == [SECOND]
    make_due(state)
    sync.run(state.pk, lambda run: None)
    assert SyncRun.objects.latest_first()[0].notes == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["the worker dies", "the shop fails"])
def test_an_unreadable_row_before_an_interruption_is_named_in_the_refresh_that_finishes(
    centra: Centra, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(client, "ITEMS_PER_PAGE", 3)
    for number in range(9):
        centra.shop.add_size(f"FG{number:03}", "-NVY", "-M", name=f"Sweater {number:03}")
    centra.shop.break_endpoint("GET products", Kind.UNREADABLE_ROW, times=1)
    state = centra.integration.state("refresh")
    if how == "the worker dies":
        with monkeypatch.context() as patched:
            patched.setattr(sync.Run, "give_way", dies)
            with pytest.raises(Killed):
                sync.run(state.pk, refresh)
        end_lease(state)
    else:
        down = centra.shop.break_endpoint("GET products", Kind.STATUS, times=None, skip=1, code=503)
        sync.run(state.pk, refresh)
        down.delete()
        assert SyncRun.objects.get().outcome == SyncRun.Outcome.FAILED
        make_due(state)
    (early,) = SyncRun.objects.get().notes
    sync.run(state.pk, refresh)
    record = SyncRun.objects.latest_first()[0]
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    assert (record.counts["unreadable"], record.counts["seen"]) == (1, 8)
    assert early in record.notes
    assert record.ended_at is not None
    assert record.ended_at <= timezone.now()


def dies(run: sync.Run) -> None:
    raise Killed


def begins_anew(run: sync.Run) -> None:
    run.forget()
    reads(run, 1, SECOND)
