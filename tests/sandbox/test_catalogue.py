"""The catalogue: the same for everybody, careful with what was changed, and fast when there is much of it."""

from __future__ import annotations

import time
from collections import Counter

from stdnum import ean

from sandbox import catalogue
from sandbox.models import Shop
from tests.sandbox.conftest import Api


def test_the_catalogue_has_several_hundred_items_and_its_faults(shop: Shop) -> None:
    assert 380 < catalogue.fill(shop) < 480
    skus = list(shop.sizes.values_list("full_sku", flat=True))
    assert "" in skus
    doubled = {sku for sku, times in Counter(skus).items() if times > 1}
    assert doubled == {"FG5100-BLK-U", "FG33100"}
    assert {"FG61A-SND-U", "FG61a-SND-U", "FG62-SND-U", "FG62 -SND-U", "FG63/2-SND-U", "FG5001-U"} <= set(skus)
    assert shop.sizes.filter(is_active=False).count() == 2
    assert shop.sizes.filter(variant__product__is_bundle=True, parts__isnull=False).distinct().count() == 2


def test_every_ean_is_right_but_one_and_one_stands_twice(shop: Shop) -> None:
    catalogue.fill(shop)
    codes = [code for code in shop.sizes.values_list("ean", flat=True) if code]
    assert len([code for code in codes if not ean.is_valid(code)]) == 1
    assert len(codes) - len(set(codes)) == 1


def test_filling_again_keeps_what_was_changed_and_removed(shop: Shop) -> None:
    catalogue.fill(shop)
    changed, removed = shop.sizes.order_by("pk")[:2]
    changed.change_sku(product="OTHER", size="-XXL")
    removed.delete()
    before = set(shop.sizes.values_list("pk", "full_sku"))
    assert catalogue.fill(shop) == 0
    assert set(shop.sizes.values_list("pk", "full_sku")) == before


def test_every_joined_sku_is_what_its_parts_say(shop: Shop) -> None:
    catalogue.fill(shop)
    for size in shop.sizes.select_related("variant__product"):
        assert size.full_sku == size.variant.product.sku + size.variant.sku + size.sku


def test_two_shops_have_the_same_catalogue(shop: Shop) -> None:
    other = Shop.open("fjord")
    for each in (shop, other):
        catalogue.fill(each)
    columns = ("full_sku", "ean", "physical", "is_active")
    assert list(shop.sizes.values_list(*columns)) == list(other.sizes.values_list(*columns))


def test_twenty_thousand_items_are_made_and_served_quickly(shop: Shop, api: Api) -> None:
    started = time.monotonic()
    catalogue.many(shop, 20_000)
    made = time.monotonic()
    assert shop.sizes.values("full_sku").distinct().count() == 20_000
    page = api("GET", "products?limit=500&page=40")
    assert len(page["products"]) == 500
    assert "next" not in page
    assert made - started < 30
    assert len(api("GET", "products")["products"]) == 20_000
    assert time.monotonic() - made < 30


def test_more_can_be_added_to_many(shop: Shop) -> None:
    catalogue.many(shop, 30)
    catalogue.many(shop, 30)
    assert shop.sizes.values("full_sku").distinct().count() == 60
    assert shop.sizes.values("ean").distinct().count() == 60
