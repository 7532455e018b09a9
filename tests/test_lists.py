"""Long lists: the same rows as ever on every page, from an index, however many there are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration
from merchants import paging
from merchants.models import Merchant, User
from merchants.paging import LongList
from orders.models import Order, Status
from orders.models import order as orders_model
from products.forms import ProductFilter, SyncFilter
from products.models import Product, WebshopProduct
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def products(merchant: Merchant) -> QuerySet[Product]:
    for number in range(11):
        factories.product(merchant, f"FG{number:02d}", name="Odd" if number % 2 else "Even")
    return Product.objects.for_merchant(merchant).order_by("name", "-pk")


def skus(rows: Any) -> list[str]:
    return [row.sku for row in rows]


def of_pages(pages: LongList) -> list[str]:
    return [sku for page in pages for sku in skus(page)]


@pytest.mark.parametrize("few", [3, 20], ids=["many", "few"])
@pytest.mark.parametrize("known", [None, 11], ids=["searched", "counted"])
def test_the_pages_together_are_the_list_in_its_order(
    products: QuerySet[Product], monkeypatch: pytest.MonkeyPatch, known: int | None, few: int
) -> None:
    monkeypatch.setattr(paging, "FEW", few)
    for per_page in (2, 3, 4, 11, 50):
        assert of_pages(LongList(products, per_page, known=known)) == skus(products)


def test_it_goes_no_further_than_it_was_told(products: QuerySet[Product]) -> None:
    pages = LongList(products, 2, most=5)
    assert (pages.count, pages.is_cut, of_pages(pages)) == (5, True, skus(products)[:5])
    pages = LongList(products.filter(name="Odd"), 2, most=6)
    assert (pages.count, pages.is_cut, of_pages(pages)) == (5, False, skus(products.filter(name="Odd")))


def test_the_last_page_is_read_from_the_end(
    products: QuerySet[Product], django_assert_num_queries: Callable[..., Any]
) -> None:
    last = skus(products)[9:]
    with django_assert_num_queries(1) as asked:
        assert skus(LongList(products, 3, known=11).get_page(4)) == last
    assert "LIMIT 2" in asked.captured_queries[0]["sql"]
    assert "OFFSET" not in asked.captured_queries[0]["sql"]


@pytest.mark.parametrize(("model", "front", "sorts"), [
    (WebshopProduct, ("integration", "tab"), SyncFilter.SORTS),
    (Product, ("merchant",), ProductFilter.SORTS),
])  # fmt: skip
def test_every_order_that_a_person_may_choose_is_served_by_an_index(
    model: Any, front: tuple[str, ...], sorts: dict[str, tuple[str, ...]]
) -> None:
    served = {tuple(index.fields) for index in model._meta.indexes} | {
        (*one.fields, "id") for one in model._meta.constraints if hasattr(one, "fields")
    }
    for name, order in sorts.items():
        columns = tuple(field.replace("pk", "id") for field in order)
        backwards = tuple(field[1:] if field.startswith("-") else f"-{field}" for field in columns)
        assert {(*front, *columns), (*front, *backwards)} & served, name


# --- orders ----------------------------------------------------------------------------------------


@pytest.fixture
def page(merchant: Merchant, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(merchant.users.get())


def listed(client: Client, merchant: Merchant, **words: str) -> list[str]:
    answer = client.get(reverse("orders:list", args=[merchant.pk]), words)
    return [order.number for order in answer.context["page"]]


@pytest.fixture
def orders(merchant: Merchant) -> list[Order]:
    """Newest first: 9, 8 … 1; all of Quinn but 5."""
    now = timezone.now()
    made = [
        factories.order(
            merchant,
            number=f"4000{number}" if number > 1 else "Q",
            name="Anna Åberg" if number == 5 else "Quinn Ek",
            email="",
            status=Status.SHIPPED if number < 4 else Status.NEW,
            placed_at=now - timedelta(days=10 - number),
        )
        for number in range(1, 10)
    ]
    return made


def test_a_word_too_short_for_an_index_is_looked_for_in_the_newest(
    page: Client, merchant: Merchant, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_model, "NEWEST", 3)
    assert listed(page, merchant, q="nn") == ["40009", "40008", "40007"]
    assert listed(page, merchant, q="quinn") == ["40009", "40008", "40007", "40006", "40004", "40003", "40002", "Q"]
    assert listed(page, merchant, q="nn", status="shipped") == ["40003", "40002", "Q"]
    text = page.get(reverse("orders:list", args=[merchant.pk]), {"q": "nn"}).content.decode()
    assert "Fewer than three letters are looked for in the newest" in text


def test_what_is_written_out_is_found_however_short_and_old_it_is(
    page: Client, merchant: Merchant, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders_model, "NEWEST", 3)
    Order.objects.filter(pk=orders[1].pk).update(tracking_code="S7")
    factories.order_line(orders[2], sku="X1")
    assert listed(page, merchant, q="q")[-1] == "Q"
    assert listed(page, merchant, q="s7") == ["40002"]
    assert listed(page, merchant, q="x1") == ["40003"]
    assert listed(page, merchant, q="x1 quinn") == ["40003"]


@pytest.mark.parametrize("word", ["%", "???", "½½½", "--"])
def test_what_is_of_signs_only_is_found_in_the_newest_only(
    page: Client, merchant: Merchant, orders: list[Order], monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """No index finds even what is exactly that; with a million orders all of them would be read."""
    monkeypatch.setattr(orders_model, "NEWEST", 3)
    Order.objects.filter(pk=orders[0].pk).update(tracking_code=word)
    Order.objects.filter(pk=orders[8].pk).update(number=word)
    Order.objects.filter(pk__in=[orders[7].pk, orders[2].pk]).update(name=f"Quinn {word}")
    factories.order_line(orders[1], sku=word)
    assert listed(page, merchant, q=word) == [word, "40008", "40002"]
    assert listed(page, merchant, q=f"{word}/1") == []
    text = page.get(reverse("orders:list", args=[merchant.pk]), {"q": word}).content.decode()
    assert "looked for in the newest" in text


def test_an_sku_finds_the_orders_of_this_merchant_with_whatever_else_is_asked(
    page: Client, merchant: Merchant, orders: list[Order]
) -> None:
    other = factories.order(factories.merchant(), number="50001")
    for order in (orders[1], orders[6], other):
        factories.order_line(order, sku="FG1-Navy")
    assert listed(page, merchant, q="fg1-navy") == ["40007", "40002"]
    assert listed(page, merchant, q="FG1-NAVY quinn", status="shipped") == ["40002"]
    assert listed(page, merchant, q="fg1-navy anna") == []


def test_waiting_orders_are_searched_and_paged(page: Client, merchant: Merchant, orders: list[Order]) -> None:
    for order in orders[3:6]:
        Order.objects.filter(pk=order.pk).update(status=Status.RESERVED)
        for cause in ("phone", "address"):
            order.holds.create(cause=cause, text="Why it waits.")
    assert listed(page, merchant, status="waiting") == ["40006", "40005", "40004"]
    assert listed(page, merchant, status="waiting", q="nn") == ["40006", "40005", "40004"]
    assert listed(page, merchant, status="waiting", q="quinn", sort="oldest") == ["40004", "40006"]


# --- what the shop's items cost ---------------------------------------------------------------------


def test_the_items_cost_at_most_fifteen_queries_however_they_are_looked_for(
    page: Client,
    merchant: Merchant,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    shop: Integration = factories.integration(merchant)
    for number in range(6):
        factories.product(merchant, f"FG{number}-NVY-M", ean="7300000010428")
        factories.webshop_product(shop, (f"FG{number}", "-NVY", "-M"), ean="7300000010428", brand="Nordlys")
    monkeypatch.setattr(paging, "FEW", 2)
    address = reverse("products:sync", args=[merchant.pk])
    for words in ({}, {"q": "fg"}, {"brand": "Nordlys"}, {"q": "fg1-nvy"}, {"tab": "problems"}, {"tab": "linked"}):
        with django_assert_max_num_queries(15):
            assert page.get(address, {**words, "sort": "newest"}).status_code == 200
