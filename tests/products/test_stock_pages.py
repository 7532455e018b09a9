"""Stock on the product's page and in the product list: per warehouse, each shop's formula, the ledger, the sums."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration
from merchants.models import Merchant, Warehouse
from products.adjusting import adjust
from products.models import Product, Reservation, ShopFigure, Stock, WebshopProduct
from tests import factories
from tests.products.goods import announce, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(merchant: Merchant) -> Warehouse:
    return merchant.warehouses.get()


@pytest.fixture
def product(merchant: Merchant) -> Product:
    return factories.product(merchant, "FG1")


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant, name="Nordlys", sends_stock=True)


@pytest.fixture
def item(shop: Integration, product: Product) -> WebshopProduct:
    return factories.webshop_product(shop, product=product)


def text_of(client: Client, product: Product, **words: str) -> str:
    answer = client.get(reverse("products:edit", args=[product.merchant_id, product.pk]), words)
    assert answer.status_code == 200
    return answer.content.decode()


def plain(html: str) -> str:
    """As it is read, blanks made one."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def hold(stock: Stock, pieces: int, **fields: object) -> None:
    """An order holds these pieces."""
    Reservation.objects.create(**{"stock": stock, "reference": f"o{pieces}", "label": "1001", "held": pieces, **fields})
    Stock.objects.filter(pk=stock.pk).update(reserved=stock.reserved + pieces)


def test_each_warehouse_shows_its_pieces_and_what_is_coming(
    page: Client, merchant: Merchant, product: Product, house: Warehouse
) -> None:
    other = factories.warehouse(code="ZZZ", name="Last house")
    Stock.objects.filter(pk=put(product, house, 1200).pk).update(reserved=200)
    announce(merchant, {product: 30}, warehouse=other, expected_on=date(2026, 12, 9))
    announce(merchant, {product: 5}, warehouse=other, expected_on=date(2026, 12, 3))
    announce(merchant, {product: 99}, warehouse=other, status="cancelled")
    text = plain(text_of(page, product).partition('id="stock"')[2].partition("</table>")[0])
    assert f"{house} 1,200 200 1,000 –" in text
    assert "ZZZ · Last house 0 0 0 35 from 3 Dec 2026" in text


def test_pieces_promised_beyond_what_is_there_are_owed(
    page: Client, merchant: Merchant, product: Product, house: Warehouse
) -> None:
    Stock.objects.filter(pk=put(product, house, 3).pk).update(reserved=11)
    assert "8 owed" in text_of(page, product)
    listed = page.get(reverse("products:list", args=[merchant.pk])).content.decode()
    assert "8 owed" in listed


def test_without_any_stock_the_page_says_how_some_comes(page: Client, product: Product) -> None:
    text = text_of(page, product)
    assert "Nothing of it has arrived yet" in text
    assert "Every change of the stock" not in text


def test_the_formula_stands_there_with_its_numbers(
    page: Client, product: Product, house: Warehouse, shop: Integration, item: WebshopProduct
) -> None:
    Integration.objects.update(safety_buffer=2)
    hold(put(product, house, 10), 3, shop=shop.shop, integration=shop, open_in_shop=3)
    ShopFigure.objects.create(item=item, told=9, told_at=timezone.now())
    text = plain(text_of(page, product))
    assert "10 on hand − 3 reserved + 3 counted twice − 2 buffer = 8 for the shop" in text
    assert "Counted twice: pieces of orders that we hold and that Centra still counts" in text
    assert "The shop was told 9" in text
    assert "the new number is due" in text


def test_a_shop_is_never_told_less_than_nothing(
    page: Client, product: Product, house: Warehouse, item: WebshopProduct
) -> None:
    hold(put(product, house, 2), 5)
    text = plain(text_of(page, product))
    assert "2 on hand − 5 reserved + 0 counted twice − 0 buffer = 0 never below zero" in text
    assert "Counted twice:" not in text
    assert "it is due with the next run" in text


def test_a_shop_that_is_not_told_says_so(
    page: Client, shop: Integration, item: WebshopProduct, product: Product
) -> None:
    Integration.objects.update(sends_stock=False)
    assert "Send stock is off: this shop is not told." in text_of(page, product)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"refused": "Centra has no such stock item."}, "Centra has no such stock item."),
        ({"braked_at": timezone.now()}, "Waits for a person."),
        ({"drift": -4, "drift_since": timezone.now()}, "the shop differs by -4"),
        ({"drift": -4, "is_kept_elsewhere": True}, "Kept elsewhere in the shop."),
        (
            {"read_at": timezone.now(), "shown_physical": 12, "shown_allocated": 3},
            "the shop showed 12, allocated 3",
        ),
    ],
)
def test_what_is_in_the_way_stands_there(
    page: Client, product: Product, item: WebshopProduct, fields: dict[str, object], words: str
) -> None:
    assert words not in plain(text_of(page, product))
    ShopFigure.objects.create(item=item, told=4, told_at=timezone.now(), **fields)
    assert words in plain(text_of(page, product))


def test_what_waits_for_a_person_leads_to_where_it_is_approved(
    page: Client, product: Product, shop: Integration, item: WebshopProduct
) -> None:
    ShopFigure.objects.create(item=item, told=4, braked_at=timezone.now())
    address = reverse("products:shop_stock", args=[shop.merchant_id, shop.pk])
    assert f'<a href="{address}">Stock in the shop</a>' in text_of(page, product)


def test_an_approved_row_waits_for_nobody(page: Client, product: Product, item: WebshopProduct) -> None:
    ShopFigure.objects.create(item=item, told=4, braked_at=timezone.now(), approved_at=timezone.now())
    assert "Waits for a person." not in text_of(page, product)


def test_every_change_is_listed_latest_first_with_pages(page: Client, product: Product, house: Warehouse) -> None:
    put(product, house, 10)
    adjust(product, house, by=-2, reason="Torn <b>", who="Robin")
    text = text_of(page, product).partition('id="ledger"')[2]
    assert "adjusted: Torn &lt;b&gt;" in text
    assert text.index("adjusted") < text.index("received")
    assert re.search(r">\s*-2\s*</td>", text)
    assert re.search(r">\s*\+10\s*</td>", text)
    for _number in range(60):
        put(product, house, 1)
    assert "1–50 of 62" in text_of(page, product)
    assert "51–62 of 62" in text_of(page, product, ledger="2")


def test_another_product_s_changes_are_not_among_them(page: Client, merchant: Merchant, house: Warehouse) -> None:
    put(factories.product(merchant, "FG-OTHER"), house, 77)
    text = text_of(page, factories.product(merchant, "FG1"))
    assert 'id="ledger"' not in text
    assert "Nothing of it has arrived yet" in text


def test_the_list_sums_over_all_warehouses(
    page: Client, merchant: Merchant, product: Product, house: Warehouse
) -> None:
    other = factories.warehouse()
    Stock.objects.filter(pk=put(product, house, 1000).pk).update(reserved=100)
    put(product, other, 500)
    announce(merchant, {product: 30})
    announce(merchant, {product: 7}, warehouse=other, status="partly")
    announce(merchant, {product: 9}, status="received")
    listed = plain(page.get(reverse("products:list", args=[merchant.pk])).content.decode().partition("<tbody>")[2])
    assert "1,500 1,400 37" in listed


def test_the_queries_do_not_grow_with_products_stocks_and_movements(
    page: Client, merchant: Merchant, shop: Integration, product: Product, house: Warehouse
) -> None:
    counts = []
    for _round in range(2):
        for _number in range(5):
            other = factories.product(merchant)
            put(other, house, 1)
            announce(merchant, {other: 2, product: 1})
            put(product, factories.warehouse(), 3)
            item = factories.webshop_product(shop, product=product)
            ShopFigure.objects.create(item=item, told=1)
        with CaptureQueriesContext(connection) as queries:
            page.get(reverse("products:list", args=[merchant.pk]))
            text_of(page, product)
        counts.append(len(queries))
    assert counts[0] == counts[1]
