"""Many writers at once: pieces are neither made nor lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from django.db import connection
from django.db.models import Sum
from pytest_django.live_server_helper import LiveServer

from sandbox.models import Order, OrderLine, Shop
from tests.sandbox.conftest import SECRET, add

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = {"email": "kim.berg@example.com", "country": "SE"}


def together(acts: list[Callable[[], Any]]) -> list[Any]:
    """The results of the acts, done by eight threads."""
    with ThreadPoolExecutor(8) as pool:
        return [future.result() for future in [pool.submit(act) for act in acts]]


def test_the_last_pieces_are_sold_once(live_server: LiveServer) -> None:
    shop = Shop.open("nordlys")
    size = add(shop, "A", stock=7)
    base = shop.add_plugin(secret=SECRET).base_url(live_server.url)

    def send(path: str, body: Any) -> Any:
        headers = {"API-Authorization": SECRET}
        return requests.post(f"{base}/{path}", json=body, headers=headers, timeout=60).json()["status"]

    order = {"address": ADDRESS, "products": [{"qty": 1, "sku": "A"}]}
    figure = {"products": [{"product": "A", "quantity": 7}]}
    acts: list[Callable[[], Any]] = [lambda: send("order", order)] * 16 + [lambda: send("stock", figure)] * 8
    answers = together(acts)
    size.refresh_from_db()
    assert answers[:16].count("ok") == 7
    assert answers[16:] == ["ok"] * 8
    assert (size.physical, size.allocated) == (7, 7)
    assert OrderLine.objects.aggregate(Sum("qty"))["qty__sum"] == 7
    assert len(set(Order.objects.values_list("number", flat=True))) == 7


def test_a_shipment_completed_by_several_at_once_is_sent_and_paid_once(live_server: LiveServer) -> None:
    shop = Shop.open("nordlys")
    size = add(shop, "A", stock=7)
    order = shop.place_order({size: 2})
    order.confirm()
    shipment = order.create_shipment(good_to_go=True, capture=False)
    base = shop.add_plugin(secret=SECRET).base_url(live_server.url)
    body = {"order": order.number, "shipment": shipment.display_id, "shipped": 1}

    def complete() -> Any:
        headers = {"API-Authorization": SECRET}
        return requests.put(f"{base}/shipment", json=body, headers=headers, timeout=60).json()["status"]

    assert together([complete] * 8).count("ok") == 1
    size.refresh_from_db()
    shipment.refresh_from_db()
    assert (size.physical, size.allocated, shipment.captures) == (5, 0, 1)


def test_where_the_row_cannot_be_locked_no_transaction_stays_open_in_the_thread() -> None:
    shop = Shop.open("nordlys")
    order = shop.place_order({add(shop, "A", stock=7): 1})
    Order.objects.filter(pk=order.pk).delete()
    with pytest.raises(Order.DoesNotExist), order.locked():
        pass
    assert not connection.in_atomic_block
