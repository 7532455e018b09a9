"""Held orders grouped by cause: what one mend frees is said where it can be known, and then it is so."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from merchants.models import Merchant
from orders import moves, tasks
from orders.front import holds
from orders.models import Cause, Event, Hold, Order, OrderLine, OrderProcessing, Status
from orders.models.hold import OF_THE_SHOP
from products.models import Movement, Product, Reservation, Stock
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def notes(page: Client, merchant: Merchant) -> dict[str, tuple[str, str, str]]:
    """What the front page says needs attention: text, address and the link's words by title."""
    front = page.get(reverse("orders:front_page", args=[merchant.pk])).context["front"]
    return {one.title: (one.text.partition(". ")[2], one.url, one.action) for one in front.attention}


def held(merchant: Merchant, *causes: tuple[Cause, str], **fields: Any) -> Order:
    order = factories.order(merchant, status=Status.RESERVED, **fields)
    for cause, subject in causes:
        order.holds.create(cause=cause, subject=subject, text=f"Why: {cause.value}.")
    return order


# --- customs data ------------------------------------------------------------------------------


def abroad(merchant: Merchant, product: Product, **fields: Any) -> Order:
    """By hand, to Norway, saved as NEW; `fields` of its line."""
    order = factories.order(merchant, country="NO")
    factories.order_line(order, product, 1, **fields)
    moves.save_as_new(order, "Kim")
    return order


def everything() -> list[Any]:
    """All that a second run must leave as it is."""
    tables: list[Any] = [Order, OrderLine, Hold, Event, Product, Movement, Reservation]
    rows = [list(table.objects.order_by("pk").values()) for table in tables]
    return [*rows, list(Stock.objects.values_list("on_hand", "reserved"))]


@pytest.mark.parametrize("fills", [True, False])
def test_a_product_mended_frees_every_order_that_waits_for_its_customs_data(
    page: Client, merchant: Merchant, fills: bool
) -> None:
    OrderProcessing.objects.create(merchant=merchant, fills_customs=fills)
    factories.method(merchant)
    sweater = factories.product(merchant, "FG1")
    factories.stock(sweater, merchant.warehouses.get(), 10)
    own = abroad(merchant, sweater, hs_code="640399", country_of_origin="SE")
    half = abroad(merchant, sweater, hs_code="640399")
    bare = abroad(merchant, sweater)
    lacks_more = abroad(merchant, sweater)
    Order.objects.filter(pk=lacks_more.pk).update(city="")
    tasks.decide()
    assert [Order.objects.get(pk=one.pk).status for one in (own, half, bare)] == ["new", "reserved", "reserved"]

    address = reverse("products:edit", args=[merchant.pk, sweater.pk])
    said = "Filling it in frees 2 of them at once; the others have further reasons."
    assert notes(page, merchant)["3 orders wait: customs data of FG1 is missing"] == (said, address, "Open the product")
    (reason,) = page.get(bare.get_absolute_url()).context["reasons"]
    assert (reason.mend.words, reason.mend.url) == ("Open the product", address)
    form = page.get(address).context["form"]
    shown = {name: form[name].value() or "" for name in form.fields}
    page.post(address, {**shown, "hs_code": "6110 1190"})
    tasks.decide()
    assert bare.holds.get().text == "Outside the EU customs needs HS code and origin: origin missing for FG1."
    page.post(address, {**shown, "hs_code": "61101190", "country_of_origin": "PT"})
    tasks.decide()

    for order in (half, bare):
        order.refresh_from_db()
        assert (order.status, list(order.holds.all())) == (Status.NEW, [])
        assert order.events.filter(text__startswith="Freed").count() == 1
    assert list(lacks_more.holds.values_list("cause", flat=True)) == [Cause.ADDRESS]
    assert Stock.objects.get().reserved == 4
    assert list(OrderLine.objects.order_by("pk").values_list("hs_code", "country_of_origin")) == [
        ("640399", "SE"), ("640399", ""), ("", ""), ("", ""),
    ]  # fmt: skip
    Order.objects.filter(pk=lacks_more.pk).update(city="Oslo")
    tasks.decide()
    before = everything()
    tasks.decide()
    assert everything() == before


def test_one_product_is_one_group_whichever_shop_its_orders_are_of(page: Client, merchant: Merchant) -> None:
    sweater = factories.product(merchant, "FG1")
    for shop in (factories.integration(merchant), factories.integration(merchant), None):
        held(merchant, (Cause.CUSTOMS, "FG1"), integration=shop)
    held(merchant, (Cause.CUSTOMS, "FG2"))
    held(merchant, (Cause.CUSTOMS, "FG2"))
    factories.product(factories.merchant(), "FG2")
    said = notes(page, merchant)
    all_three = ("Filling it in frees all 3 at once.", reverse("products:edit", args=[merchant.pk, sweater.pk]))
    assert said["3 orders wait: customs data of FG1 is missing"][:2] == all_three
    text, address, words = said["2 orders wait: customs data of FG2 is missing"]  # of no product of this merchant
    assert (text, words) == ("Each goes on by itself when it is mended.", "See them")
    assert page.get(address).context["page"].paginator.count == 2


# --- what one mend frees -----------------------------------------------------------------------

ONE_MEND = {
    (Cause.METHOD, "Express"): "Linking it",
    (Cause.UNKNOWN_SKU, "FG9"): "Creating it",
    (Cause.AMBIGUOUS_ITEM, "FG9"): "Mending it",
    (Cause.PAID_ELSEWHERE, ""): "Switching it on",
}
UNKNOWABLE = {(Cause.WAREHOUSES, ""), (Cause.UNREADABLE, "")}
EACH = (
    {(cause, "") for cause in Cause}
    - UNKNOWABLE
    - ONE_MEND.keys()
    - {(Cause.UNKNOWN_SKU, ""), (Cause.AMBIGUOUS_ITEM, "")}
)


def expected(cause: tuple[Cause, str], *, some: bool) -> str:
    if cause in UNKNOWABLE:
        return ""
    if mend := ONE_MEND.get(cause):
        return f"{mend} frees {'2 of' if some else 'all 3'}" + (
            " them at once; the others have further reasons." if some else " at once."
        )
    text = "Each goes on by itself when it is mended."
    if cause[0] is Cause.NOT_SHOWN:
        text = "Cancel here what was cancelled there; the others go on by themselves when the shop shows them again."
    elif cause[0] in OF_THE_SHOP:
        text = "Each goes on by itself when the shop lets it go."
    return text + (" 2 of them have no further reason." if some else "")


@pytest.mark.parametrize("cause", sorted([*ONE_MEND, *UNKNOWABLE, *EACH]))
def test_every_group_says_what_its_mend_frees_where_that_can_be_known(
    page: Client, merchant: Merchant, cause: tuple[Cause, str]
) -> None:
    shop = factories.integration(merchant)
    waiting = [held(merchant, cause, integration=shop) for _each in range(3)]
    ((_title, (text, _url, _words)),) = notes(page, merchant).items()
    assert text == expected(cause, some=False)
    further = Cause.PHONE if cause[0] is Cause.ADDRESS else Cause.ADDRESS
    waiting[0].holds.create(cause=further, text="Also.")
    texts = [text for title, (text, _url, _words) in notes(page, merchant).items() if title.startswith("3 ")]
    assert texts == [expected(cause, some=True)]


def test_where_all_of_a_group_have_further_reasons_no_nought_is_counted(page: Client, merchant: Merchant) -> None:
    for _each in range(2):
        held(merchant, (Cause.PAYMENT, "")).holds.create(cause=Cause.PHONE, text="No phone.")
    texts = [text for text, _url, _words in notes(page, merchant).values()]
    assert texts == [
        "Each goes on by itself when it is mended. Each has further reasons.",
        "Each goes on by itself when the shop lets it go. Each has further reasons.",
    ]


def test_a_single_order_says_what_is_the_matter_and_whether_that_is_all(page: Client, merchant: Merchant) -> None:
    order = held(merchant, (Cause.PHONE, ""))
    assert [text for text, _url, _words in notes(page, merchant).values()] == ["Why: phone."]
    order.holds.create(cause=Cause.PAYMENT, text="Unpaid.")
    said = [text for text, _url, _words in notes(page, merchant).values()]
    assert said == [
        "Why: phone. It has further reasons.",
        "It goes on by itself when the shop lets it go. It has further reasons.",
    ]


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant)


@pytest.mark.parametrize(
    ("fields", "tab", "words"),
    [
        ({}, "new", "Create product"),
        ({"ignored_at": "2026-11-01T00:00Z"}, "ignored", "See the items"),
        ({"problem_codes": "|no_sku|"}, "problems", "See the items"),
        ({"gone_at": "2026-11-01T00:00Z"}, "", "New product"),
        (None, "", "Create product"),
    ],
)
def test_an_unknown_sku_leads_to_the_tab_where_its_item_stands(
    page: Client, merchant: Merchant, shop: Integration, fields: dict[str, Any] | None, tab: str, words: str
) -> None:
    if fields is not None:
        factories.webshop_product(shop, ("FG9", "", ""), **fields)
    held(merchant, (Cause.UNKNOWN_SKU, "FG9"), integration=shop)
    _text, address, said = notes(page, merchant)["1 order waits: SKU FG9 is linked to no product"]
    assert said == words
    answer = page.get(address)
    assert answer.status_code == 200
    if tab:
        assert (answer.context["tab"], [row.item.sku for row in answer.context["rows"]]) == (tab, ["FG9"])


def test_groups_cost_no_more_queries_the_more_there_are(
    merchant: Merchant, shop: Integration, django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        sku = f"FG{number}"
        factories.product(merchant, sku)
        factories.webshop_product(shop, (sku, "", ""))
        for cause in (Cause.CUSTOMS, Cause.UNKNOWN_SKU, Cause.AMBIGUOUS_ITEM, Cause.METHOD):
            held(merchant, (cause, sku), integration=shop)
    with django_assert_max_num_queries(3):
        assert len(holds.hold_groups(merchant)) == 16


def test_a_single_order_and_a_pair_are_spoken_of_as_such(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    held(merchant, (Cause.UNKNOWN_SKU, "FG9"), integration=shop)
    held(merchant, (Cause.NOT_CONFIRMED, ""), integration=shop)
    pair = [held(merchant, (Cause.METHOD, "express"), integration=shop) for _each in range(2)]
    said = notes(page, merchant)
    assert said["1 order waits: SKU FG9 is linked to no product"][0] == "Creating it frees it at once."
    assert said["1 order waits: not confirmed yet"][2] == "See it"
    why = "“express” is not linked to an active shipping method"
    assert said[f"2 orders wait: {why}"][0] == "Linking it frees both at once."
    pair[0].holds.create(cause=Cause.PHONE, text="Also.")
    pair[1].delete()
    assert notes(page, merchant)[f"1 order waits: {why}"][0] == "It has further reasons."
