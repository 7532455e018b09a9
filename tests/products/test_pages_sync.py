"""*Sync webshop products*: who may see it, what it lists, what the filters mean. The acts are in test_pages_apply."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration
from merchants.models import Merchant, User
from products.models import WebshopProduct
from products.problems import Code, Problem
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant, name="Nordlys")


def address(shop: Integration, **words: str) -> str:
    return f"{reverse('products:sync', args=[shop.merchant_id])}?{urlencode({'shop': str(shop.pk), **words})}"


def text_of(client: Client, shop: Integration, **words: str) -> str:
    response = client.get(address(shop, **words))
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def listed(client: Client, shop: Integration, **words: str) -> list[str]:
    """The SKUs of the rows, in their order."""
    return [row.item.sku for row in client.get(address(shop, **words)).context["rows"]]


def faulty(shop: Integration, *problems: Problem, **fields: Any) -> WebshopProduct:
    return factories.webshop_product(shop, own_problems=[problem.dump() for problem in problems], **fields)


# --- who --------------------------------------------------------------------------------------


def test_a_stranger_finds_nothing(shop: Integration, signed_in: Callable[[User], Client]) -> None:
    stranger = signed_in(factories.user())
    assert stranger.get(address(shop)).status_code == 404
    progress = reverse("products:progress", args=[shop.merchant_id])
    assert stranger.get(f"{progress}?shop={shop.pk}").status_code == 404


def test_who_is_not_signed_in_is_sent_to_sign_in(shop: Integration, client: Client) -> None:
    answer = client.get(address(shop))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("account_login"))


def test_a_viewer_sees_the_items_and_no_controls(shop: Integration, signed_in: Callable[[User], Client]) -> None:
    factories.webshop_product(shop, name="Harbour sweater")
    viewer = signed_in(factories.viewer(shop.merchant))
    text = text_of(viewer, shop)
    assert "Harbour sweater" in text
    assert 'type="checkbox"' not in text
    assert reverse("products:apply", args=[shop.merchant_id]) not in text
    assert "Refresh</button>" not in text
    assert "Create product" not in text


@pytest.mark.parametrize("shop_word", ["0", "abc", "", "9" * 30, "-1"])
def test_a_shop_that_is_not_there_is_a_404(page: Client, shop: Integration, shop_word: str) -> None:
    assert page.get(reverse("products:sync", args=[shop.merchant_id]), {"shop": shop_word}).status_code == 404
    assert page.get(reverse("products:progress", args=[shop.merchant_id]), {"shop": shop_word}).status_code == 404


def test_another_merchant_s_shop_is_a_404(page: Client, shop: Integration) -> None:
    other = factories.integration()
    assert page.get(reverse("products:sync", args=[shop.merchant_id]), {"shop": other.pk}).status_code == 404


# --- the empty states ----------------------------------------------------------------------------


def test_without_an_integration_the_way_to_one_is_shown(page: Client, merchant: Merchant) -> None:
    text = page.get(reverse("products:sync", args=[merchant.pk])).content.decode()
    assert reverse("integrations:choose", args=[merchant.pk]) in text
    assert "New Integration" in text


def test_who_may_not_connect_a_shop_is_not_sent_to_a_closed_door(
    merchant: Merchant, signed_in: Callable[[User], Client]
) -> None:
    viewer = signed_in(factories.viewer(merchant))
    text = viewer.get(reverse("products:sync", args=[merchant.pk])).content.decode()
    assert reverse("integrations:choose", args=[merchant.pk]) not in text
    assert "A colleague" in text


def test_before_the_first_look_there_is_refresh(page: Client, shop: Integration) -> None:
    text = text_of(page, shop)
    assert "not visible yet" in text
    assert text.count("Refresh</button>") == 1


def test_a_shop_without_products_says_so(page: Client, shop: Integration) -> None:
    state = shop.state("refresh")
    state.completed_at = timezone.now()
    state.save()
    assert "The shop shows no products" in text_of(page, shop)


@pytest.mark.parametrize("tab", ["linked", "problems", "ignored", "gone"])
def test_an_empty_tab_says_what_that_means(page: Client, shop: Integration, tab: str) -> None:
    factories.webshop_product(shop)
    assert "empty-state" in text_of(page, shop, tab=tab)


# --- several shops -------------------------------------------------------------------------------


def test_several_shops_can_be_chosen_from(page: Client, shop: Integration) -> None:
    second = factories.integration(shop.merchant, name="Fjord Goods")
    factories.webshop_product(shop, name="Harbour sweater")
    factories.webshop_product(second, name="Pier rain jacket")
    assert "Pier rain jacket" not in text_of(page, shop)
    text = text_of(page, second)
    assert "Pier rain jacket" in text
    assert f'href="?shop={shop.pk}"' in text
    assert f'<a href="?shop={second.pk}" aria-current="page">Fjord Goods (Centra)</a>' in text


# --- tabs ----------------------------------------------------------------------------------------


@pytest.fixture
def five(shop: Integration) -> dict[str, WebshopProduct]:
    """One item on each tab."""
    now = timezone.now()
    return {
        "new": factories.webshop_product(shop, ("A", "", "")),
        "linked": factories.webshop_product(shop, ("B", "", ""), product=factories.product(shop.merchant, "B")),
        "problems": faulty(shop, Problem(Code.NO_SKU), parts=("", "", "")),
        "ignored": factories.webshop_product(shop, ("D", "", ""), ignored_at=now),
        "gone": factories.webshop_product(shop, ("E", "", ""), gone_at=now),
    }


def test_the_tabs_counts_add_up_in_sight(page: Client, shop: Integration, five: dict[str, WebshopProduct]) -> None:
    factories.webshop_product(shop)
    text = text_of(page, shop)
    assert "6 items = 2 + 1 + 1 + 1 + 1" in text
    assert "New<b>2</b>" in text
    assert "Gone from the shop<b>1</b>" in text


def test_each_item_stands_on_its_tab(page: Client, shop: Integration, five: dict[str, WebshopProduct]) -> None:
    for tab, item in five.items():
        assert listed(page, shop, tab=tab) == [item.sku]


def test_only_where_something_can_be_done_can_be_chosen(
    page: Client, shop: Integration, five: dict[str, WebshopProduct]
) -> None:
    buttons = {tab: text_of(page, shop, tab=tab) for tab in five}
    assert {tab: 'name="chosen"' in text for tab, text in buttons.items()} == {
        "new": True,
        "linked": False,
        "problems": True,
        "ignored": True,
        "gone": False,
    }
    assert {tab: "Create product</button>" in text for tab, text in buttons.items() if tab != "new"} == dict.fromkeys(
        ["linked", "problems", "ignored", "gone"], False
    )
    assert 'value="create"' in buttons["new"]
    assert 'value="ignore"' in buttons["new"]
    assert 'value="ignore"' in buttons["problems"]
    assert 'value="unignore"' in buttons["ignored"]


# --- the right side ------------------------------------------------------------------------------


def test_what_would_be_created_and_what_would_be_linked_is_told_apart(page: Client, shop: Integration) -> None:
    factories.product(shop.merchant, "FG2210-MOS-S")
    factories.webshop_product(shop, ("FG2210", "-MOS", "-S"), name="Pier rain jacket")
    factories.webshop_product(shop, ("FG1042", "-NVY", "-M"), name="Harbour sweater")
    text = text_of(page, shop)
    assert text.count("Will be created") == 1
    assert "Links to FG2210-MOS-S" in text
    assert "same SKU, in myOGO since" in text


def test_another_merchant_s_product_is_nothing_to_link_to(page: Client, shop: Integration) -> None:
    factories.product(factories.merchant(), "FG1")
    factories.webshop_product(shop, ("FG1", "", ""))
    text = text_of(page, shop)
    assert "Will be created" in text
    assert "Links to" not in text


def test_where_products_are_identified_by_ean_the_row_says_so(page: Client, shop: Integration) -> None:
    shop.identifies_by = Integration.Identify.EAN
    shop.save()
    factories.product(shop.merchant, "OLD-1", ean="7300000010428")
    factories.webshop_product(shop, ("NEW", "-1", ""), ean="7300000010428")
    text = text_of(page, shop)
    assert "Links to OLD-1" in text
    assert "same EAN, in myOGO since" in text


def test_a_linked_item_leads_to_its_product(page: Client, shop: Integration) -> None:
    product = factories.product(shop.merchant, "FG1")
    factories.webshop_product(shop, ("FG1", "", ""), product=product)
    assert f'href="{reverse("products:edit", args=[shop.merchant_id, product.pk])}">FG1</a>' in text_of(
        page, shop, tab="linked"
    )


def test_the_sku_shows_its_parts_without_a_gap_and_without_empty_ones(page: Client, shop: Integration) -> None:
    factories.webshop_product(shop, ("FG5001", "", "-U"))
    assert '<span class="sku"><span class="a">FG5001</span><span class="c">-U</span></span>' in text_of(page, shop)


def test_every_problem_stands_in_its_row_with_its_sentence(page: Client, shop: Integration) -> None:
    faulty(
        shop,
        Problem(Code.LENGTH, {"length": 214}),
        Problem(Code.EAN_WRONG, {"ean": "7300000010429"}),
        name="Skerry tote",
    )
    text = text_of(page, shop, tab="problems")
    assert "SKU too long" in text
    assert "214 characters; 200 are possible" in text
    assert "The EAN 7300000010429 is wrong" in text


def test_a_changed_sku_can_be_relinked_or_kept(page: Client, shop: Integration) -> None:
    product = factories.product(shop.merchant, "OLD")
    item = faulty(shop, Problem(Code.SKU_CHANGED, {"old": "OLD", "sku": "NEW"}), parts=("NEW", "", ""), product=product)
    text = text_of(page, shop, tab="problems")
    assert "OLD → NEW" in text
    assert f'value="relink {item.pk}"' in text
    assert f'value="keep {item.pk}"' in text


def test_a_changed_sku_with_another_problem_can_only_be_kept(page: Client, shop: Integration) -> None:
    item = faulty(
        shop,
        Problem(Code.NO_SKU),
        Problem(Code.SKU_CHANGED, {"old": "OLD", "sku": ""}),
        parts=("", "", ""),
        product=factories.product(shop.merchant, "OLD"),
    )
    text = text_of(page, shop, tab="problems")
    assert f'value="relink {item.pk}"' not in text
    assert f'value="keep {item.pk}"' in text


def test_a_viewer_cannot_press_relink(shop: Integration, signed_in: Callable[[User], Client]) -> None:
    product = factories.product(shop.merchant, "OLD")
    faulty(shop, Problem(Code.SKU_CHANGED, {"old": "OLD", "sku": "NEW"}), parts=("NEW", "", ""), product=product)
    text = text_of(signed_in(factories.viewer(shop.merchant)), shop, tab="problems")
    assert "OLD → NEW" in text
    assert "relink" not in text


def test_gone_items_say_since_when_and_that_the_product_stays(page: Client, shop: Integration) -> None:
    since = timezone.now() - timedelta(days=400)
    factories.webshop_product(shop, product=factories.product(shop.merchant), gone_at=since)
    text = text_of(page, shop, tab="gone")
    assert f'<time datetime="{timezone.localtime(since).year}' in text
    assert "The product stays." in text


def test_what_the_shop_says_is_never_markup(page: Client, shop: Integration) -> None:
    factories.webshop_product(shop, ("<i>1", "", ""), name="<script>x</script>", brand="<b>", variant='"><img src=x>')
    text = text_of(page, shop)
    for raw in ("<script>x", "<i>1", '"><img src=x>', "<b></option>"):
        assert raw not in text


# --- filters ------------------------------------------------------------------------------------


@pytest.fixture
def wardrobe(shop: Integration) -> None:
    factories.webshop_product(shop, ("FG1", "", ""), name="Harbour sweater", brand="Nordlys", collection="AW26")
    factories.webshop_product(
        shop, ("FG2", "", ""), name="Pier rain jacket", brand="Fjord Goods", ean="7300000010428", is_active=False
    )
    factories.webshop_product(shop, ("FG3", "", ""), name="Anchor cap", brand="Nordlys", collection="SS27")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({}, ["FG3", "FG1", "FG2"]),
        ({"q": "harbour"}, ["FG1"]),
        ({"q": "fg 2"}, ["FG2"]),
        ({"q": "73000000"}, ["FG2"]),
        ({"q": "nothing like it"}, []),
        ({"brand": "Nordlys"}, ["FG3", "FG1"]),
        ({"brand": "Nordlys", "collection": "SS27"}, ["FG3"]),
        ({"active": "yes"}, ["FG3", "FG1"]),
        ({"active": "no"}, ["FG2"]),
        ({"sort": "sku"}, ["FG1", "FG2", "FG3"]),
        ({"sort": "newest"}, ["FG3", "FG2", "FG1"]),
        ({"sort": "nonsense", "active": "perhaps", "tab": "attic", "page": "many"}, ["FG3", "FG1", "FG2"]),
    ],
    ids=str,
)
def test_filters_search_and_order(
    page: Client, shop: Integration, wardrobe: None, words: dict[str, str], found: list[str]
) -> None:
    assert listed(page, shop, **words) == found


def test_the_selects_offer_what_the_shop_has_and_keep_the_choice(
    page: Client, shop: Integration, wardrobe: None
) -> None:
    text = text_of(page, shop, brand="Nordlys", q="a")
    assert '<option value="Nordlys" selected>Nordlys</option>' in text
    assert '<option value="Fjord Goods">Fjord Goods</option>' in text
    assert '<option value="SS27">SS27</option>' in text
    assert "2 items match." in text


def test_problems_are_filtered_by_their_name_with_counts(page: Client, shop: Integration) -> None:
    faulty(shop, Problem(Code.NO_SKU), parts=("", "", ""))
    faulty(shop, Problem(Code.LENGTH, {"length": 300}), Problem(Code.EAN_WRONG, {"ean": "1"}), parts=("L", "", ""))
    faulty(shop, Problem(Code.EAN_WRONG, {"ean": "2"}), parts=("E", "", ""))
    assert listed(page, shop, tab="problems", problem="ean_wrong", sort="sku") == ["E", "L"]
    text = text_of(page, shop, tab="problems", problem="ean_wrong")
    assert '<option value="ean_wrong" selected>EAN is wrong (2)</option>' in text
    assert '<option value="no_sku">No SKU (1)</option>' in text


def test_nothing_found_offers_the_way_back(page: Client, shop: Integration, wardrobe: None) -> None:
    text = text_of(page, shop, q="nothing like it")
    assert "Nothing matches" in text
    assert "Show all" in text


def test_the_other_tabs_keep_the_search_and_drop_the_problem(page: Client, shop: Integration) -> None:
    faulty(shop, Problem(Code.NO_SKU))
    tabs = {
        tab.value: link
        for tab, _n, link in page.get(address(shop, tab="problems", q="x", problem="no_sku")).context["tabs"]
    }
    assert tabs["linked"] == address(shop, q="x", tab="linked")


# --- many ---------------------------------------------------------------------------------------


def many(shop: Integration, count: int, **fields: Any) -> None:
    for number in range(count):
        factories.webshop_product(shop, (f"M{number:05}", "", ""), **fields)


def test_fifty_rows_a_page_and_the_rest_behind_links(page: Client, shop: Integration) -> None:
    many(shop, 120)
    assert len(listed(page, shop)) == 50
    assert len(listed(page, shop, page="3")) == 20
    text = text_of(page, shop, q="M0", page="2")
    assert "51–100 of 120" in text
    assert "q=M0&amp;page=3" in text


@pytest.mark.parametrize("tab", ["new", "linked", "problems", "ignored", "gone"])
def test_the_queries_do_not_grow_with_the_rows(page: Client, merchant: Merchant, shop: Integration, tab: str) -> None:
    few = factories.integration(merchant, name="Fjord Goods")
    product = factories.product(merchant, "FG-LINKED")
    fields: dict[str, dict[str, Any]] = {
        "linked": {"product": product},
        "problems": {"own_problems": [Problem(Code.EAN_WRONG, {"ean": "1"}).dump()]},
        "ignored": {"ignored_at": timezone.now()},
        "gone": {"gone_at": timezone.now(), "product": product},
    }
    many(few, 10, **fields.get(tab, {}))
    many(shop, 500, **fields.get(tab, {}))
    counted = []
    for one in (few, shop):
        page.get(address(one, tab=tab))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(listed(page, one, tab=tab)) == min(50, one.webshop_products.count())
        counted.append(len(queries))
    assert counted[0] == counted[1]
    assert counted[1] <= 16
