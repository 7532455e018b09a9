"""A pipe that fails spares the shop its other pipes, each for no longer than that one may wait at all."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import pipes, sync
from integrations.connectors.errors import Unavailable
from integrations.models import Integration, SyncState
from tests import factories

pytestmark = pytest.mark.django_db

INTAKE_WAITS = 600.0  # seconds, at most: an order is in ten minutes after an outage


@pytest.fixture
def integration() -> Integration:
    return factories.integration()


def fails(state: SyncState, *, attempts: int, retry_after: float | None = None) -> None:
    """It fails, the last of so many attempts in a row."""

    def job(run: sync.Run) -> None:
        raise Unavailable("The shop does not answer.", retry_after=retry_after)

    SyncState.objects.filter(pk=state.pk).update(failed_attempts=attempts - 1, next_run_at=timezone.now())
    assert sync.run(state.pk, job) is not None


def waits(integration: Integration, pipe: str) -> float:
    return (integration.state(pipe).next_run_at - timezone.now()).total_seconds()


@pytest.mark.parametrize("failing", ["refresh", "stock", "hand-over"])
@pytest.mark.parametrize("retry_after", [None, 3600.0])
def test_intake_waits_no_longer_than_its_own_cap(
    integration: Integration, failing: str, retry_after: float | None
) -> None:
    fails(integration.state(failing), attempts=4, retry_after=retry_after)
    assert waits(integration, failing) > 3200
    assert INTAKE_WAITS - 10 < waits(integration, "intake") <= INTAKE_WAITS


@pytest.mark.parametrize("retry_after", [None, 3600.0])
def test_those_without_a_cap_wait_as_long_as_the_one_that_failed(
    integration: Integration, retry_after: float | None
) -> None:
    fails(integration.state("refresh"), attempts=4, retry_after=retry_after)
    for pipe in pipes.PIPES.keys() - {"refresh", "intake"}:
        assert waits(integration, pipe) > 3200, pipe


def test_nobody_is_called_earlier_than_was_planned(integration: Integration) -> None:
    intake = integration.state("intake")
    later = timezone.now() + timedelta(seconds=500)
    SyncState.objects.filter(pk=intake.pk).update(next_run_at=later)
    fails(integration.state("refresh"), attempts=1)
    assert integration.state("intake").next_run_at == later


@pytest.mark.parametrize("pipe", ["intake", "refresh"])
def test_no_chance_leads_beyond_the_cap(pipe: str) -> None:
    definition = pipes.PIPES[pipe]
    found = [sync.wait_after(Unavailable("The shop does not answer."), 9, definition) for _attempt in range(200)]
    assert max(found) <= definition.longest_wait
    assert len(set(found)) > 50, "shops that failed together are asked again together"
