"""Products and stock, against sections 2, 6 and 16 of the document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from sandbox.models import PluginMethod, Shop, Size
from tests.sandbox.conftest import Api, add

NOON = datetime(2026, 3, 14, 11, 0, tzinfo=UTC)  # noon in Stockholm


def skus(answer: dict[str, Any]) -> list[str]:
    return [row["sku"] + row["variantSku"] + row["sizeSku"] for row in answer["products"]]


@time_machine.travel(NOON, tick=False)
def test_a_product_row_has_the_documented_keys_and_types(api: Api, shop: Shop) -> None:
    size = add(shop, "FG1042", "-NVY", "-M", ean="7300000010428", stock=10, price=800)
    size.variant.product.change(brand="Fjord Goods", folder="Knitwear / Sweaters", hs_code="61101130", country="PT")
    size.variant.product.change(weight="0.62", category="Knitwear")
    [row] = api("GET", "products")["products"]
    assert row == {
        "sku": "FG1042",
        "variantId": size.variant_id,
        "variantSku": "-NVY",
        "sizeSku": "-M",
        "brand": "Fjord Goods",
        "collection": None,
        "product": "Harbour sweater",
        "productId": size.variant.product_id,
        "variant": "Navy",
        "size": "One Size",
        "sizeComment": "",
        "stockItemId": size.pk,
        "ean": "7300000010428",
        "upc": None,
        "weight": 0.62,
        "weightUnit": "kg",
        "countryOfOrigin": "PT",
        "harmCode": "61101130",
        "harmDescription": "",
        "active": 1,
        "createdAt": "2026-03-14 12:00:00",
        "name": "Harbour sweater",
        "description": "",
        "shortDescription": "",
        "comment": "",
        "metaTitle": "",
        "metaDescription": "",
        "metaKeywords": "",
        "folder": "Knitwear / Sweaters",
        "categories": ["Shop / Knitwear"],
        "categoryName": "Knitwear",
        "images": [f"http://testserver/sandbox/nordlys/pictures/{size.variant_id}.svg"],
        "prices": [{"id": "19", "price": 800, "pricelist": "SEK", "currency": "SEK", "campaigns": []}],
        "store": "Retail",
    }


def test_slashes_are_escaped_as_php_does(api: Api, sweater: Size) -> None:
    sweater.variant.product.change(folder="Knitwear / Sweaters")
    api("GET", "products")
    assert rb"Knitwear \/ Sweaters" in api.raw.content


def test_pages_are_followed_by_query_strings_until_there_is_no_next(api: Api, shop: Shop) -> None:
    for number in range(5):
        add(shop, f"A{number}")
    first = api("GET", "products?limit=2")
    assert "previous" not in first
    second = api("GET", f"products{first['next']}")
    third = api("GET", f"products{second['next']}")
    assert second["previous"] == "?limit=2&page=1"
    assert "next" not in third
    assert [skus(page) for page in (first, second, third)] == [["A0", "A1"], ["A2", "A3"], ["A4"]]


def test_without_a_limit_everything_comes_at_once(api: Api, shop: Shop) -> None:
    for number in range(5):
        add(shop, f"A{number}")
    answer = api("GET", "products")
    assert len(answer["products"]) == 5
    assert not {"next", "previous"} & answer.keys()


def test_the_next_link_repeats_the_filters_unless_switched_off(api: Api, shop: Shop) -> None:
    for size in ("S", "M", "L"):
        add(shop, "A", "", size)
    assert api("GET", "products?limit=1&sku=A")["next"] == "?sku=A&limit=1&page=2"
    shop.set_switch("next_repeats_filters", False)
    assert api("GET", "products?limit=1&sku=A")["next"] == "?limit=1&page=2"


def test_products_are_filtered_by_sku_ean_and_ids(api: Api, shop: Shop, sweater: Size) -> None:
    other = add(shop, "FG2", "", "", ean="7300000022100")
    for query in (
        "sku=FG2",
        "ean=7300000022100",
        f"productId={other.variant.product_id}",
        f"variantId={other.variant_id}",
        f"stockItemId={other.pk}",
    ):
        assert skus(api("GET", f"products?{query}")) == ["FG2"], query
    assert skus(api("GET", "products?sku=FG1042-NVY-M")) == []


def test_modified_shows_what_changed_since_in_the_shops_own_time(api: Api, shop: Shop) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        old, new = add(shop, "OLD"), add(shop, "NEW")
        clock.move_to(NOON.replace(hour=13))
        new.change(ean="7300000010428")
    assert skus(api("GET", "products?modified=2026-03-14+13:30:00")) == ["NEW"]
    assert skus(api("GET", "products?modified=2026-03-14%2012:00:00")) == ["OLD", "NEW"]
    assert skus(api("GET", "products?created=2026-03-14+13:30:00")) == []
    old.variant.product.change(name="Older")
    assert "OLD" in skus(api("GET", "products?modified=2026-03-15"))


def test_inactive_sizes_are_listed_with_active_0(api: Api, sweater: Size) -> None:
    sweater.change(is_active=False)
    assert api("GET", "products")["products"][0]["active"] == 0


def test_a_changed_sku_keeps_the_stock_item_id_and_reaches_every_size_that_shares_the_part(
    api: Api, shop: Shop, sweater: Size
) -> None:
    large = add(shop, "FG1042", "-NVY", "-L")
    sweater.change_sku(product="FG9", size="-XL")
    assert skus(api("GET", "products")) == ["FG9-NVY-XL", "FG9-NVY-L"]
    large.refresh_from_db()
    assert large.full_sku == "FG9-NVY-L"
    assert api("GET", "products")["products"][0]["stockItemId"] == sweater.pk


def test_a_removed_size_is_gone_and_its_number_is_not_used_again(api: Api, shop: Shop, sweater: Size) -> None:
    old = sweater.pk
    sweater.delete()
    assert api("GET", "products")["products"] == []
    assert add(shop, "NEXT").pk > old


def test_prices_and_costs_follow_switch_and_plugin(api: Api, shop: Shop, sweater: Size) -> None:
    shop.set_switch("price", "string")
    api.plugin.shows_cost = True
    api.plugin.save()
    [row] = api("GET", "products")["products"]
    assert row["prices"][0]["price"] == "800.00"
    assert row["costPrice"] == 0


@pytest.mark.parametrize(("choice", "shown"), [("shown", [None]), ("flagged", [True]), ("hidden", [])])
def test_bundles_among_products_are_a_switch(api: Api, shop: Shop, bundle: Size, choice: str, shown: list[Any]) -> None:
    shop.set_switch("bundles_in_products", choice)
    rows = [row for row in api("GET", "products")["products"] if row["sku"] == "FG-SET"]
    assert [row.get("isBundle") for row in rows] == shown


def test_a_page_costs_the_same_queries_however_long(api: Api, shop: Shop, django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        add(shop, f"A{number}")
    for limit in (1, 30):
        with django_assert_max_num_queries(4):
            api("GET", f"products?limit={limit}")


# --- stock -------------------------------------------------------------------------------------
def stock(api: Api, *rows: tuple[str, Any]) -> Any:
    return api("POST", "stock/", {"products": [{"product": name, "quantity": count} for name, count in rows]})


def physical(size: Size) -> int:
    size.refresh_from_db()
    return size.physical


def test_stock_shows_physical_allocated_and_available(api: Api, shop: Shop, sweater: Size) -> None:
    shop.place_order({sweater: 3})
    [row] = api("GET", "stock")["products"]
    assert (row["physicalStock"], row["allocatedStock"], row["availableStock"]) == (10, 3, 7)
    assert not {"prices", "images", "categories", "description"} & row.keys()
    assert "physicalStock" not in api("GET", "stock?exclude=physicalStock")["products"][0]


def test_stock_can_be_read_since_a_change(api: Api, shop: Shop) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        add(shop, "OLD")
        new = add(shop, "NEW")
        clock.move_to(NOON.replace(hour=13))
        new.set_stock(5)
    assert skus(api("GET", "stock?stock_modified=2026-03-14+13:30:00")) == ["NEW"]


@pytest.mark.parametrize("identifier", ["7300000010428", "012345678905", "FG1042-NVY-M"])
def test_stock_is_set_by_ean_upc_or_joined_sku(api: Api, sweater: Size, identifier: str) -> None:
    sweater.change(upc="012345678905")
    assert stock(api, (identifier, "53")) == {"status": "ok"}
    assert physical(sweater) == 53


def test_a_figure_below_what_is_allocated_is_clamped_silently(api: Api, shop: Shop, sweater: Size) -> None:
    shop.place_order({sweater: 4})
    assert stock(api, ("FG1042-NVY-M", 1)) == {"status": "ok"}
    assert physical(sweater) == 4


def test_unknown_and_bundle_rows_are_named_and_the_others_are_written(api: Api, sweater: Size, bundle: Size) -> None:
    answer = stock(api, ("7300000099999", 1), ("FG1042-NVY-M", 12), ("FG-SET", 3))
    assert answer == {
        "status": "no",
        "msg": "Some of the products were not updated",
        "errors": {"productsNotFound": ["7300000099999"], "productsAreBundles": ["FG-SET"]},
    }
    assert physical(sweater) == 12


def test_available_mode_leaves_what_is_allocated_untouched(api: Api, shop: Shop, sweater: Size) -> None:
    api.plugin.stock_mode = "available"
    api.plugin.save()
    shop.place_order({sweater: 4})
    stock(api, ("FG1042-NVY-M", 6))
    assert physical(sweater) == 10


def test_an_ean_wins_over_a_sku_and_the_first_of_two_twins_is_written(api: Api, shop: Shop) -> None:
    by_sku = add(shop, "7300000010428")
    by_ean = add(shop, "B", ean="7300000010428")
    twin = add(shop, "C", ean="7300000010428")
    stock(api, ("7300000010428", 7))
    assert [physical(size) for size in (by_sku, by_ean, twin)] == [0, 7, 0]
    shop.set_switch("ambiguous_stock", "refused")
    assert stock(api, ("7300000010428", 9))["errors"] == {"productsNotFound": ["7300000010428"]}


def test_parts_that_join_to_the_same_sku_collide(api: Api, shop: Shop) -> None:
    first, second = add(shop, "FG33", "10", "0"), add(shop, "FG331", "0", "0")
    stock(api, ("FG33100", 5))
    assert [physical(first), physical(second)] == [5, 0]


def test_an_empty_list_of_figures_is_fine_and_no_list_is_not(api: Api) -> None:
    assert api("POST", "stock", {"products": []}) == {"status": "ok"}
    assert api("POST", "stock", {})["status"] == "no"


def test_bundles_have_no_stock_of_their_own(api: Api, bundle: Size) -> None:
    assert "FG-SET" not in skus(api("GET", "stock"))


def test_five_hundred_figures_cost_few_queries(
    api: Api, shop: Shop, plugin: PluginMethod, django_assert_max_num_queries: Any
) -> None:
    from sandbox import catalogue

    catalogue.many(shop, 500)
    rows = [(sku, 7) for sku in shop.sizes.values_list("full_sku", flat=True)]
    with django_assert_max_num_queries(30):
        assert stock(api, *rows) == {"status": "ok"}
    assert set(shop.sizes.values_list("physical", flat=True)) == {7}
