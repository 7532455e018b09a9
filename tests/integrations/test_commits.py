"""Commits of what is read from a shop wait for no disk; all others do."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.commits import not_waiting_for_disk

pytestmark = pytest.mark.django_db
IS_POSTGRESQL = connection.vendor == "postgresql"


def test_only_what_is_inside_does_not_wait_for_the_disk() -> None:
    with CaptureQueriesContext(connection) as asked, not_waiting_for_disk():
        inside = [row["sql"] for row in asked.captured_queries]
    after = [row["sql"] for row in asked.captured_queries][len(inside) :]
    assert inside == (["SET synchronous_commit TO off"] if IS_POSTGRESQL else [])
    assert after == (["SET synchronous_commit TO DEFAULT"] if IS_POSTGRESQL else [])


def test_a_fault_inside_is_told_and_commits_wait_again() -> None:
    with (
        CaptureQueriesContext(connection) as asked,
        pytest.raises(ArithmeticError),
        not_waiting_for_disk(),
    ):
        raise ArithmeticError
    assert len(asked.captured_queries) == (2 if IS_POSTGRESQL else 0)
