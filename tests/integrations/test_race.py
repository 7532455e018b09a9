"""Rivals at the same row, for real: threads with connections of their own, on both databases."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

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
