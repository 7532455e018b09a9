"""What else remembers a person: the story before an edit, the shop that still shows the order, pages and searches."""

from zoneinfo import ZoneInfo

import pytest
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.connectors.base import ParcelData
from merchants.models import Merchant
from orders import deciding, erasing, moves
from orders.models import (
    Cause,
    Hold,
    Order,
    OrderProcessing,
    Status,
)
from sandbox.models import Order as ShopOrder
from tests import factories
from tests.conftest import Centra
from tests.orders import shop
from tests.orders.desk import Desk
from tests.security.person import LONG_AGO, PERSON, closed, everything, found

# --- what else remembers -------------------------------------------------------------------------


def aged(order: Order) -> Order:
    Order.objects.filter(pk=order.pk).update(status_changed_at=timezone.now() - LONG_AGO)
    order.refresh_from_db()
    return order


@pytest.mark.django_db
def test_what_was_edited_away_before_is_gone_from_the_story_too(page: Client, merchant: Merchant) -> None:
    """The old name stands in no column any more, only in “Edited: name: old → new”."""
    product = factories.product(merchant, "FG1")
    order = factories.order(merchant, **PERSON, method=factories.method(merchant))
    line = factories.order_line(order, product, 2)
    typed = dict.fromkeys([*erasing.PERSON, "comment", "pickup_point", "price"], "")
    typed |= {"name": "Bo Ek", "address": "Storgatan 1", "zip_code": "1", "city": "Lund", "country": "SE"}
    typed |= {"customisation": "Brodera Walburga", "method": str(order.method_id)}
    typed |= {"line": str(line.pk), "sku": "FG1", "pieces": "3"}
    page.post(reverse("orders:edit", args=[merchant.pk, order.pk]), typed)
    order.refresh_from_db()
    assert order.name == "Bo Ek"
    assert found(everything(skip=(Order,)))
    moves.cancel(order, "Kim")
    aged(order)
    erasing.erase()
    assert found(everything()) == []
    said = order.events.get(text__startswith="Edited").text
    assert said.startswith("Edited: Name; Company; Address;")
    assert "FG1 2 → 3 pieces" in said


@pytest.mark.django_db
@pytest.mark.parametrize("wish", ["stop", "remove"])
def test_a_wish_that_was_read_out_is_gone_from_the_story(merchant: Merchant, wish: str) -> None:
    OrderProcessing.objects.create(merchant=merchant, customisation=wish)
    order = factories.order(merchant, customisation="Brodera “Walburga” på ärmen, Xerxes", status=Status.RESERVED)
    factories.order_line(order, factories.product(merchant), 1)
    deciding.enter(order)
    assert "Walburga" in everything(skip=(Order,))
    Order.objects.filter(pk=order.pk).update(customisation="", status=Status.CANCELLED)
    aged(order)
    erasing.erase()
    assert found(everything()) == []
    assert not Hold.objects.filter(cause=Cause.CUSTOMISATION).exclude(text="customisation asked for").exists()


@pytest.mark.django_db
def test_an_order_opened_again_is_erased_again_when_it_is_closed_again(merchant: Merchant) -> None:
    order = closed(merchant, status=Status.CANCELLED)
    erasing.erase()
    order.refresh_from_db()
    moves.save_as_new(order, "Kim")
    assert order.erased_at is None
    assert {hold.cause for hold in order.holds.all()} >= {Cause.ADDRESS}
    Order.objects.filter(pk=order.pk).update(name=PERSON["name"])
    order.refresh_from_db()
    moves.cancel(order, "Kim")
    aged(order)
    assert erasing.erase() == 1
    assert found(everything()) == []


@pytest.mark.django_db(transaction=True)
def test_what_the_shop_still_shows_is_not_read_in_again(centra: Centra) -> None:
    """A sweep meets the order of years ago; also after the shop has changed something in it."""
    desk = Desk(centra)
    there, order = desk.order()
    there.comment = "Ring på hos Xerxes"
    there.save()
    desk.mark(order)
    desk.run()
    desk.ship(order, ParcelData("PostNord", "MyPack", "SE-1"))
    desk.run()
    shop.sweep(centra)
    aged(order)
    name = order.name
    assert name
    assert erasing.erase() == 1
    for _turn in range(2):
        shop.sweep(centra)
        ShopOrder.objects.filter(pk=there.pk).update(comment="changed there")
    order.refresh_from_db()
    assert order.name == order.address == order.comment == ""
    assert (order.bill_to, order.taken, order.offered) == ({}, {}, None)
    assert order.status == Status.SHIPPED
    assert name not in everything()


# --- pages ---------------------------------------------------------------------------------------


@pytest.fixture
def erased(merchant: Merchant) -> Order:
    order = closed(merchant)
    erasing.erase()
    order.refresh_from_db()
    return order


@pytest.mark.django_db
def test_the_order_s_page_says_when_and_shows_no_word_of_the_person(page: Client, erased: Order) -> None:
    assert erased.erased_at
    text = page.get(erased.get_absolute_url()).content.decode()
    there = erased.erased_at.astimezone(ZoneInfo(erased.merchant.time_zone))  # where it may be another day
    assert f"Personal data erased on {there:%-d %b %Y}" in text
    assert found(text) == []
    assert found(page.get(reverse("orders:packing_list", args=[erased.merchant_id, erased.pk])).content.decode()) == []


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["Quistgaard", "brevduva", "SE-4711-TRACK"])
def test_an_erased_order_is_not_found_by_a_person_s_words(page: Client, merchant: Merchant, word: str) -> None:
    order = closed(merchant)
    url = reverse("orders:list", args=[merchant.pk])
    assert order.number in page.get(url, {"q": word}).content.decode()
    erasing.erase()
    assert f">{order.number}<" not in page.get(url, {"q": word}).content.decode()
    assert order.number in page.get(url, {"q": order.number}).content.decode()


@pytest.mark.django_db
def test_counts_of_the_front_page_and_the_list_are_the_same_afterwards(page: Client, merchant: Merchant) -> None:
    closed(merchant)
    closed(merchant, status=Status.CANCELLED)
    before = dict(Order.objects.order_by().values_list("status").annotate(models.Count("pk")))
    erasing.erase()
    assert dict(Order.objects.order_by().values_list("status").annotate(models.Count("pk"))) == before
