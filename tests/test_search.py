"""Every search finds a word whatever the case of its letters, and every sign in it means itself: on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse

from merchants.models import Merchant, User
from products.models import Product
from tests import factories
from tests.products.goods import announce

pytestmark = pytest.mark.django_db

TEXTS = (
    "Åsa Lindström",
    "Große Straße",
    "Οδός Αθηνών",
    "ЖАННА Łęcka",
    "ᾼδης",
    "100% wool",
    "1005 wool",
    "snow_line",
    "snowyline",
    r"back\slash",
    "backslash",
    "[ab]*? end",
    "ab",
    r"é*?[ü]%_\ö",
    "ébcüdeö",
)
# The words that are typed → the texts that are found.
SOUGHT = {
    "åsa": ["Åsa Lindström"],
    "ÅSA lindSTRÖM": ["Åsa Lindström"],
    "asa": [],
    "straße": ["Große Straße"],
    "GROßE STRAßE": ["Große Straße"],
    "grosse": [],
    "οδός": ["Οδός Αθηνών"],
    "ΟΔΌΣ ΑΘΗΝΏΝ": ["Οδός Αθηνών"],
    "όσ": ["Οδός Αθηνών"],
    "жанна łĘCKA": ["ЖАННА Łęcka"],
    "ᾳδ": ["ᾼδης"],
    "100%": ["100% wool"],
    "%": ["100% wool", r"é*?[ü]%_\ö"],
    "0%w": [],
    "WOOL 1005": ["1005 wool"],
    "_": ["snow_line", r"é*?[ü]%_\ö"],
    "SNOW_LINE": ["snow_line"],
    "\\": [r"back\slash", r"é*?[ü]%_\ö"],
    "back\\SLASH": [r"back\slash"],
    "\\s": [r"back\slash"],
    "\\%": [],
    "[AB]": ["[ab]*? end"],
    "]*": ["[ab]*? end"],
    "*": ["[ab]*? end", r"é*?[ü]%_\ö"],
    "[^x]": [],
    "É*": [r"é*?[ü]%_\ö"],
    "É*?[Ü]": [r"é*?[ü]%_\ö"],
    "Ü]%_\\Ö": [r"é*?[ü]%_\ö"],
    "É*Ü": [],
    "É?": [],
    "é_": [],
    "%ü": [],
    "[ü]": [r"é*?[ü]%_\ö"],
    "ÉBC": ["ébcüdeö"],
}


Rows = Callable[[Any], Iterable[str]]


@dataclass
class SearchBox:
    """A page that searches, filled with one row for each text."""

    address: str
    client: Client
    rows: Rows

    def find(self, words: str) -> list[str]:
        answer = self.client.get(self.address, {"q": words})
        assert answer.status_code == 200
        return sorted(self.rows(answer.context))


def fill_orders(merchant: Merchant) -> None:
    for number, text in enumerate(TEXTS):
        factories.order(merchant, name=text if number % 2 else "", company="" if number % 2 else text, email="")


def fill_products(merchant: Merchant) -> None:
    for text in TEXTS:
        factories.product(merchant, name=text)


def fill_items(merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    for number, text in enumerate(TEXTS):
        factories.webshop_product(shop, name=text if number % 2 else "", variant="" if number % 2 else text)


def fill_stock_updates(merchant: Merchant) -> None:
    product = factories.product(merchant)
    for number, text in enumerate(TEXTS):
        announce(merchant, {product: 1}, supplier=text if number % 2 else "", reference="" if number % 2 else text)


def fill_users(merchant: Merchant) -> None:
    for text in TEXTS:
        factories.user(name=text)


def names(rows: Iterable[Any]) -> list[str]:
    """The text of each, in whichever of its fields it stands."""
    return [row.name or getattr(row, "company", "") or getattr(row, "variant", "") for row in rows]


Fill = Callable[[Merchant], None]
BOXES: dict[str, tuple[Fill, str, Rows]] = {
    "orders": (fill_orders, "orders:list", lambda found: names(found["page"])),
    "products": (fill_products, "products:list", lambda found: names(found["page"])),
    "shop's items": (fill_items, "products:sync", lambda found: names(row.item for row in found["rows"])),
    "stock updates": (
        fill_stock_updates,
        "products:stock_updates",
        lambda found: [update.supplier or update.reference for update in found["page"]],
    ),
    "the desk's products": (
        fill_products,
        "admin:products_product_changelist",
        lambda found: names(found["cl"].result_list),
    ),
    "the desk's users": (fill_users, "admin:merchants_user_changelist", lambda found: names(found["cl"].result_list)),
}


@pytest.fixture(params=BOXES)
def box(request: pytest.FixtureRequest, merchant: Merchant, page: Client) -> SearchBox:
    fill, name, rows = BOXES[request.param]
    fill(merchant)
    if not name.startswith("admin:"):
        return SearchBox(reverse(name, args=[merchant.pk]), page, rows)
    staff = Client()
    staff.force_login(factories.user(name="Robin Desk", is_staff=True, is_superuser=True))
    return SearchBox(reverse(name), staff, rows)


def test_a_search_box_finds_words_in_any_case_and_takes_every_sign_literally(box: SearchBox) -> None:
    assert {words: box.find(words) for words in SOUGHT} == SOUGHT


def find(**words: Any) -> list[str]:
    return sorted(Product.objects.filter(**words).values_list("name", flat=True))


def test_the_whole_text_its_beginning_and_its_end_are_found_in_any_case(merchant: Merchant) -> None:
    fill_products(merchant)
    assert find(name__iexact="åSA LINDström") == find(name__istartswith="åSA l") == ["Åsa Lindström"]
    assert find(name__iendswith="αθηνώΝ") == ["Οδός Αθηνών"]
    assert find(name__iexact="åsa") == find(name__istartswith="lind") == find(name__iendswith="åsa") == []
    assert find(name__iexact="100_ WOOL") == find(name__istartswith="_") == find(name__iendswith="*") == []
    assert find(name__iexact="[AB]*? END") == ["[ab]*? end"]
    assert len(Product.objects.exclude(name__icontains="å")) == len(TEXTS) - 1


def test_a_text_may_be_looked_for_in_another_column(merchant: Merchant) -> None:
    factories.product(merchant, name="Harbour sweater", supplier="harbour")
    factories.product(merchant, name="Pier jacket", supplier="harbour")
    assert find(name__icontains=F("supplier")) == ["Harbour sweater"]


def test_a_user_signs_in_whatever_the_case_of_the_address() -> None:
    kim = factories.user(email="ÅSA@nordlys.example")
    assert User.objects.get_by_natural_key("åsa@NORDLYS.example") == kim
