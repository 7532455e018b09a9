"""What is done with chosen items: Create product, Ignore, Stop ignoring, Relink, Keep, and what is said about it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration
from merchants.models import Merchant, User
from products import creating
from products.models import Product, WebshopProduct
from products.problems import Code, Problem
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant, name="Nordlys")


def press(client: Client, shop: Integration, act: str, *chosen: WebshopProduct | int | str, **more: str) -> Any:
    """Press a button of the bar; the page that follows."""
    pks = [str(getattr(one, "pk", one)) for one in chosen]
    fields = {"shop": str(shop.pk), "act": act, "chosen": pks, **more}
    return client.post(reverse("products:apply", args=[shop.merchant_id]), fields, follow=True)


def create(client: Client, shop: Integration, *chosen: WebshopProduct | int | str, **more: str) -> Any:
    """Press *Create product*, let the background work run, and load the page that followed again."""
    pressed = press(client, shop, "create", *chosen, **more)
    creating.work(shop.pk)
    answer = client.get(pressed.redirect_chain[-1][0])
    answer.redirect_chain = pressed.redirect_chain
    return answer


def said(answer: Any) -> str:
    """The page's words, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def tab(item: WebshopProduct) -> str:
    return str(WebshopProduct.objects.values_list("tab", flat=True).get(pk=item.pk))


# --- Create product ------------------------------------------------------------------------------


def test_the_chosen_items_become_products_and_the_others_stay(page: Client, shop: Integration) -> None:
    first, second, other = (factories.webshop_product(shop, (f"FG{n}", "-NVY", "-M")) for n in range(3))
    answer = create(page, shop, first, second)
    assert set(Product.objects.values_list("sku", flat=True)) == {"FG0-NVY-M", "FG1-NVY-M"}
    assert [tab(item) for item in (first, second, other)] == ["linked", "linked", "new"]
    assert "Created 2, linked 0, left 0." in said(answer)


def test_what_exists_is_linked(page: Client, shop: Integration) -> None:
    product = factories.product(shop.merchant, "FG0-NVY-M")
    item = factories.webshop_product(shop, ("FG0", "-NVY", "-M"))
    answer = create(page, shop, item)
    item.refresh_from_db()
    assert item.product == product
    assert Product.objects.count() == 1
    assert "Created 0, linked 1, left 0." in said(answer)


def test_all_means_all_that_match_the_filter_not_all_on_the_page(page: Client, shop: Integration) -> None:
    for number in range(60):
        factories.webshop_product(shop, (f"FG{number:03}", "", ""), brand="Nordlys")
    other = factories.webshop_product(shop, ("OTHER", "", ""), brand="Fjord Goods")
    answer = create(page, shop, all="1", brand="Nordlys")
    assert Product.objects.count() == 60
    assert tab(other) == "new"
    assert "Created 60, linked 0, left 0." in said(answer)


def test_the_page_sends_its_filter_along_so_that_all_means_what_was_shown(page: Client, shop: Integration) -> None:
    factories.webshop_product(shop, brand="Nordlys & Co", name="Harbour sweater")
    address = reverse("products:sync", args=[shop.merchant_id])
    text = page.get(address, {"shop": str(shop.pk), "brand": "Nordlys & Co", "q": "harbour"}).content.decode()
    assert '<input type="hidden" name="brand" value="Nordlys &amp; Co">' in text
    assert '<input type="hidden" name="q" value="harbour">' in text


def test_all_wins_over_single_boxes(page: Client, shop: Integration) -> None:
    items = [factories.webshop_product(shop) for _n in range(3)]
    create(page, shop, items[0], all="1")
    assert Product.objects.count() == 3


def test_all_with_a_filter_that_cannot_be_read_is_nothing(page: Client, shop: Integration) -> None:
    factories.webshop_product(shop)
    answer = press(page, shop, "create", all="1", active="perhaps")
    assert Product.objects.count() == 0
    assert "Nothing was done" in said(answer)


def test_pressed_again_nothing_changes_and_the_answer_says_so(page: Client, shop: Integration) -> None:
    item = factories.webshop_product(shop)
    create(page, shop, item)
    before = Product.objects.values().get()
    answer = create(page, shop, item)
    assert Product.objects.values().get() == before
    assert "Nothing was created" in said(answer)
    assert "1 is linked already" in said(answer)


def test_all_pressed_again_finds_nothing_more_to_do(page: Client, shop: Integration) -> None:
    factories.webshop_product(shop)
    create(page, shop, all="1")
    answer = press(page, shop, "create", all="1")
    assert Product.objects.count() == 1
    assert "Nothing was created" in said(answer)


def test_each_reason_leads_to_its_rows(page: Client, shop: Integration) -> None:
    good = factories.webshop_product(shop, ("FG1", "", ""))
    problem = factories.webshop_product(shop, ("", "", ""), own_problems=[Problem(Code.NO_SKU).dump()])
    ignored = factories.webshop_product(shop, ignored_at=timezone.now())
    gone = factories.webshop_product(shop, gone_at=timezone.now())
    answer = create(page, shop, good, problem, ignored, gone)
    words = said(answer)
    assert "Created 1, linked 0, left 3." in words
    for reason in ("1 has a problem: No SKU", "1 is ignored", "1 is gone from the shop"):
        assert reason in words
    for reason in answer.context["reasons"]:
        rows = page.get(reason.address).context["rows"]
        assert len(rows) == 1, reason.text


def test_items_that_turn_out_to_be_twins_are_left_and_counted(page: Client, shop: Integration) -> None:
    """A refresh under way may have shown them without comparing them yet; the page still calls them new."""
    factories.webshop_product(shop, ("fg1", "", ""))
    factories.webshop_product(shop, ("FG1", "", ""))
    factories.webshop_product(shop, ("FG2", "", ""))
    words = said(create(page, shop, all="1"))
    assert list(Product.objects.values_list("sku", flat=True)) == ["FG2"]
    assert "Created 1, linked 0, left 2." in words
    assert "2 have a problem: Reads like another SKU" in words


def test_the_answer_survives_a_reload_and_goes_with_the_next_page(page: Client, shop: Integration) -> None:
    item = factories.webshop_product(shop)
    factories.webshop_product(shop)
    answer = create(page, shop, item)
    here = answer.redirect_chain[-1][0]
    assert "Created 1, linked 0, left 0." in said(page.get(here))
    assert "Created 1" not in said(page.get(reverse("products:sync", args=[shop.merchant_id])))
    assert "Created 1" not in said(page.get(f"{here}&page=1"))
    assert "Created 1" not in said(page.get(f"{here.split('answer=')[0]}answer=another"))


def test_the_filter_and_the_tab_stay_after_the_press(page: Client, shop: Integration) -> None:
    item = factories.webshop_product(shop, brand="Nordlys")
    answer = create(page, shop, item, brand="Nordlys", sort="sku", tab="new")
    words = answer.context["filter"].words
    assert {key: words[key] for key in ("brand", "sort", "tab")} == {"brand": "Nordlys", "sort": "sku", "tab": "new"}


def test_the_queries_of_create_do_not_grow_with_the_items(page: Client, shop: Integration) -> None:
    counted = []
    create(page, shop, factories.webshop_product(shop))
    for number in (5, 50):
        items = [factories.webshop_product(shop) for _n in range(number)]
        with CaptureQueriesContext(connection) as queries:
            create(page, shop, *items)
        counted.append(len(queries))
    assert Product.objects.count() == 56
    assert counted[1] - counted[0] <= 2  # SQLite takes only so many values in one statement


# --- Ignore, Stop ignoring --------------------------------------------------------------------------


def test_ignore_puts_new_and_faulty_items_aside_and_stop_ignoring_brings_them_back(
    page: Client, shop: Integration
) -> None:
    new = factories.webshop_product(shop)
    faulty = factories.webshop_product(shop, ("", "", ""), own_problems=[Problem(Code.NO_SKU).dump()])
    assert "2 items are ignored." in said(press(page, shop, "ignore", new, faulty))
    assert [tab(new), tab(faulty)] == ["ignored", "ignored"]
    assert "2 items are no longer ignored." in said(press(page, shop, "unignore", new, faulty, tab="ignored"))
    assert [tab(new), tab(faulty)] == ["new", "problems"]


def test_linked_and_gone_items_are_not_ignored(page: Client, shop: Integration) -> None:
    linked = factories.webshop_product(shop, product=factories.product(shop.merchant))
    gone = factories.webshop_product(shop, gone_at=timezone.now())
    words = said(press(page, shop, "ignore", linked, gone))
    assert [tab(linked), tab(gone)] == ["linked", "gone"]
    assert "are ignored" not in words
    assert "2 items are left as they were." in words


def test_all_problems_of_one_kind_can_be_ignored_at_once(page: Client, shop: Integration) -> None:
    bundle = factories.webshop_product(shop, own_problems=[Problem(Code.BUNDLE).dump()])
    other = factories.webshop_product(shop, ("", "", ""), own_problems=[Problem(Code.NO_SKU).dump()])
    press(page, shop, "ignore", all="1", tab="problems", problem="bundle")
    assert [tab(bundle), tab(other)] == ["ignored", "problems"]


# --- who, and what is refused -------------------------------------------------------------------------


def test_another_merchant_s_items_are_out_of_reach(page: Client, shop: Integration) -> None:
    theirs = factories.webshop_product(factories.integration())
    for act in ("create", "ignore", "unignore", f"relink {theirs.pk}", f"keep {theirs.pk}"):
        press(page, shop, act, theirs)
    before = WebshopProduct.objects.get(pk=theirs.pk)
    assert (before.tab, before.product, before.ignored_at, before.kept_sku) == ("new", None, None, "")
    assert Product.objects.count() == 0


def test_another_shop_of_the_same_merchant_is_out_of_reach_too(page: Client, shop: Integration) -> None:
    other = factories.webshop_product(factories.integration(shop.merchant, name="Fjord Goods"))
    press(page, shop, "create", other)
    assert tab(other) == "new"


@pytest.mark.parametrize("act", ["create", "ignore", "unignore", "relink 1", "keep 1"])
def test_a_viewer_may_do_nothing(shop: Integration, signed_in: Callable[[User], Client], act: str) -> None:
    item = factories.webshop_product(shop)
    viewer = signed_in(factories.viewer(shop.merchant))
    assert press(viewer, shop, act, item, all="1").status_code == 403
    assert tab(item) == "new"


def test_a_stranger_and_a_stranger_s_shop_are_404(
    page: Client, shop: Integration, signed_in: Callable[[User], Client]
) -> None:
    item = factories.webshop_product(shop)
    assert press(signed_in(factories.user()), shop, "create", item).status_code == 404
    address = reverse("products:apply", args=[shop.merchant_id])
    for wrong in (str(factories.integration().pk), "x", ""):
        answer = page.post(address, {"shop": wrong, "act": "create", "chosen": str(item.pk)})
        assert answer.status_code == 404
    assert tab(item) == "new"


def test_who_is_not_signed_in_is_sent_to_sign_in(client: Client, shop: Integration) -> None:
    item = factories.webshop_product(shop)
    answer = press(client, shop, "create", item)
    assert answer.redirect_chain[0][0].startswith(reverse("account_login"))
    assert tab(item) == "new"


@pytest.mark.parametrize("act", ["", "burn", "create", "relink", "keep", "ignore"])
@pytest.mark.parametrize("chosen", [(), ("x",), ("-1",), ("9" * 40,), ("²",)])
def test_nothing_chosen_or_nonsense_is_said_and_changes_nothing(
    page: Client, shop: Integration, act: str, chosen: tuple[str, ...]
) -> None:
    item = factories.webshop_product(shop)
    answer = press(page, shop, act, *chosen)
    assert answer.status_code == 200
    assert "Nothing was done: choose at least one item first" in said(answer)
    assert tab(item) == "new"


def test_an_unknown_act_on_a_chosen_item_changes_nothing(page: Client, shop: Integration) -> None:
    item = factories.webshop_product(shop)
    assert "Nothing was done" in said(press(page, shop, "burn", item, all="1"))
    assert tab(item) == "new"


def test_looking_at_the_address_of_the_acts_is_no_page(page: Client, shop: Integration) -> None:
    assert page.get(reverse("products:apply", args=[shop.merchant_id])).status_code == 405
