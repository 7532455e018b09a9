"""Rivals at the same row, for real: threads with connections of their own, on both databases."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from integrations import sync
from integrations.models import SyncState
from products.create import create
from products.models import Product
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """All acts begin together, each in a thread with its own connection; their results, or what they raised."""
    gate = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def act(number: int) -> None:
        gate.wait(timeout=20)
        try:
            results[number] = acts[number]()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[number]) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def test_of_many_claims_of_one_row_one_wins() -> None:
    state = factories.integration().state("refresh")
    results = at_once([lambda: sync.claim(state.pk)] * 8)
    assert [error for error in results if isinstance(error, Exception)] == []
    assert sum(result is not None for result in results) == 1


def test_of_claims_for_one_shop_by_several_integrations_one_wins() -> None:
    merchant = factories.merchant()
    pks = [factories.integration(merchant).state("refresh").pk for _number in range(6)]
    results = at_once([lambda pk=pk: sync.claim(pk) for pk in pks])  # type: ignore[misc]
    assert [error for error in results if isinstance(error, Exception)] == []
    assert sum(result is not None for result in results) == 1
    assert SyncState.objects.filter(leased_until__isnull=False).count() == 1


def test_create_product_pressed_by_two_people_at_once_makes_each_product_once() -> None:
    shop = factories.integration()
    for _number in range(60):
        factories.webshop_product(shop)
    answers = at_once([lambda: create(shop, shop.webshop_products.all())] * 2)
    assert [error for error in answers if isinstance(error, Exception)] == []
    assert sum(answer.created for answer in answers) == 60
    assert Product.objects.count() == 60
    assert shop.webshop_products.filter(product__isnull=False).count() == 60


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is a file: there is no connection to be cut")
def test_a_run_whose_connection_is_cut_says_so_and_goes_on_after_its_last_page() -> None:
    state = factories.integration().state("refresh")

    def is_cut_off(run: sync.Run) -> None:
        run.keep({"cursor": "?page=2"})
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    record = sync.run(state.pk, is_cut_off)
    assert record is not None
    record.refresh_from_db()
    state.refresh_from_db()
    assert (record.outcome, record.error) == ("failed", str(sync.DATABASE_AWAY))
    assert (state.place["cursor"], state.last_error, state.leased_until) == ("?page=2", str(sync.DATABASE_AWAY), None)


def test_what_the_database_refuses_while_it_is_there_is_a_fault_of_our_own() -> None:
    state = factories.integration().state("refresh")

    # Both are operational errors, as a cut connection is.
    is_postgresql = connection.vendor == "postgresql"
    refused = ["SET LOCAL statement_timeout = 1", "SELECT pg_sleep(1)"] if is_postgresql else ["SELECT 1 FROM nowhere"]

    def is_refused(run: sync.Run) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in refused:
                cursor.execute(statement)

    record = sync.run(state.pk, is_refused)
    assert record is not None
    assert record.error == str(sync.OUR_FAULT)
