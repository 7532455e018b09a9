"""The list of orders: tabs, words, reasons, pages, and cancelling several at once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from merchants.models import Merchant, User
from orders import moves
from orders.models import SPLIT_PARTS, Cause, Order, Status
from orders.views import orders as listing
from tests import factories

pytestmark = pytest.mark.django_db


def list_url(merchant: Merchant) -> str:
    return reverse("orders:list", args=[merchant.pk])


def text_of(client: Client, merchant: Merchant, **words: str) -> str:
    answer = client.get(list_url(merchant), words)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def listed(client: Client, merchant: Merchant, **words: str) -> list[str]:
    return [order.number for order in client.get(list_url(merchant), words).context["page"]]


def placed(day: int, **fields: Any) -> dict[str, Any]:
    return {"placed_at": datetime(2026, 11, day, 12, tzinfo=UTC), **fields}


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant)


@pytest.fixture
def orders(merchant: Merchant, shop: Integration) -> dict[str, Order]:
    """Four orders, the oldest first: of the shop NEW and held; by hand a draft, and one shipped."""
    new = factories.order(merchant, **placed(1, number="A1", integration=shop, status=Status.NEW, name="Berit Lund"))
    factories.order_line(new, factories.product(merchant, "FG1"), 2)
    held = factories.order(merchant, **placed(2, number="A2", integration=shop, status=Status.RESERVED))
    held.holds.create(cause=Cause.METHOD, subject="standard", text="The shop’s “standard” is not linked.")
    held.holds.create(cause=Cause.PHONE, text="It needs a phone number.")
    draft = factories.order(merchant, **placed(3, number="A3", email="bo@example.com"))
    method = factories.method(merchant, tracking_url="https://track.example/{code}")
    fields = {"number": "A4", "status": Status.SHIPPED, "tracking_code": "SE123", "method": method}
    shipped = factories.order(merchant, **placed(4, **fields))
    factories.order(factories.merchant(), number="ELSEWHERE")
    return {"new": new, "held": held, "draft": draft, "shipped": shipped}


# --- who ----------------------------------------------------------------------------------------


def test_only_linked_users_see_the_list(merchant: Merchant, orders: Any, signed_in: Callable[[User], Client]) -> None:
    assert signed_in(factories.user()).get(list_url(merchant)).status_code == 404
    text = text_of(signed_in(factories.viewer(merchant)), merchant)
    assert "A1" in text
    assert "ELSEWHERE" not in text
    assert 'name="chosen"' not in text
    assert reverse("orders:new", args=[merchant.pk]) not in text


# --- what it says -------------------------------------------------------------------------------


def test_without_orders_it_says_what_to_do(page: Client, merchant: Merchant) -> None:
    text = text_of(page, merchant)
    assert "No orders yet" in text
    assert reverse("integrations:choose", args=[merchant.pk]) in text
    factories.integration(merchant)
    text = text_of(page, merchant)
    assert "about a minute after they are placed" in text
    assert reverse("integrations:list", args=[merchant.pk]) in text


def test_a_row_says_all_that_one_looks_for(page: Client, merchant: Merchant, orders: Any) -> None:
    text = text_of(page, merchant)
    for words in ("Berit Lund", "Sweden", "Placed, Stockholm", "4 Nov 13:00", ">NEW</span>", "PostNord MyPack"):
        assert words in text
    assert 'href="https://track.example/SE123"' in text
    assert "The shop’s “standard” is not linked." in text
    assert "and 1 more reason" in text
    assert "It needs a phone number." not in text
    assert 'data-l="Pieces:">2</td>' in text


def test_the_tabs_count_in_capitals_and_narrow(page: Client, merchant: Merchant, orders: Any) -> None:
    on_purpose = factories.order(merchant, number="A5", status=Status.RESERVED)
    answer = page.get(list_url(merchant))
    counts = {word: number for _value, word, number, _current in answer.context["tabs"]}
    assert counts == {
        "All": None,
        "Waiting for you": 1,
        "DRAFT": 1,
        "NEW": 1,
        "COLLECTING": 0,
        "SHIPPED": 1,
        "PENDING": 0,
        "RESERVED": 2,
        "CANCELLED": 0,
    }
    assert listed(page, merchant) == [on_purpose.number, "A4", "A3", "A2", "A1"]
    assert listed(page, merchant, status="waiting") == ["A2"]
    assert listed(page, merchant, status="reserved") == ["A5", "A2"]
    assert listed(page, merchant, status="nonsense") == listed(page, merchant)


def test_what_waits_is_grouped_by_cause(page: Client, merchant: Merchant, orders: Any) -> None:
    text = text_of(page, merchant, status="waiting")
    assert "?status=waiting&amp;cause=phone%20number" not in text
    assert "?status=waiting&amp;cause=phone" in text
    assert listed(page, merchant, status="waiting", cause="phone") == ["A2"]
    assert listed(page, merchant, status="waiting", cause="address") == []


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ({"q": "A1"}, ["A1"]),
        ({"q": "berit"}, ["A1"]),
        ({"q": "bo@example"}, ["A3"]),
        ({"q": "se123"}, ["A4"]),
        ({"q": "fg1"}, ["A1"]),
        ({"q": "fg1 nobody"}, []),
        ({"shop": "hand"}, ["A4", "A3"]),
        ({"asks": "cancel"}, []),
        ({"since": "2026-11-03"}, ["A4", "A3"]),
        ({"until": "2026-11-02"}, ["A2", "A1"]),
        ({"since": "2026-11-02", "until": "2026-11-02"}, ["A2"]),
        ({"since": "yesterday"}, ["A4", "A3", "A2", "A1"]),
        ({"sort": "oldest"}, ["A1", "A2", "A3", "A4"]),
    ],
)
def test_the_words_above_the_list_narrow_it(
    page: Client, merchant: Merchant, orders: Any, words: dict[str, str], numbers: list[str]
) -> None:
    assert listed(page, merchant, **words) == numbers


def test_a_part_is_found_by_the_reference_that_the_list_shows(page: Client, merchant: Merchant, orders: Any) -> None:
    split_off = factories.order(merchant, number="A1", part=SPLIT_PARTS + 1, shop=orders["new"].shop)
    shipment = factories.order(merchant, number="70412", part=3, shop="shop.example")
    slash = factories.order(merchant, number="S/2")

    for order in (split_off, shipment, slash):
        found = page.get(list_url(merchant), {"q": order.label}).context["page"]
        assert [one.pk for one in found] == [order.pk], order.label


def test_shop_and_warehouse_narrow_it(page: Client, merchant: Merchant, orders: Any, shop: Integration) -> None:
    other = factories.warehouse()
    merchant.warehouses.add(other)
    factories.order(merchant, number="A9", warehouse=other)
    assert listed(page, merchant, shop=str(shop.pk)) == ["A2", "A1"]
    assert listed(page, merchant, warehouse=str(other.pk)) == ["A9"]
    assert listed(page, merchant, shop="999999") == listed(page, merchant)


@pytest.mark.parametrize("words", [{"since": "0001-01-01"}, {"until": "9999-12-31"}])
def test_days_at_the_ends_of_time_narrow_nothing(
    page: Client, merchant: Merchant, orders: Any, words: dict[str, str]
) -> None:
    assert len(listed(page, merchant, **words)) == 4


def test_open_requests_and_refunds_can_be_found(page: Client, merchant: Merchant, orders: dict[str, Order]) -> None:
    Order.objects.filter(pk=orders["new"].pk).update(cancel_asked_at=datetime.now(UTC))
    Order.objects.filter(pk=orders["shipped"].pk).update(needs_refund=True)
    assert listed(page, merchant, asks="cancel") == ["A1"]
    assert listed(page, merchant, asks="refund") == ["A4"]


# --- many ----------------------------------------------------------------------------------------


def test_more_orders_cost_no_more_queries(
    page: Client, merchant: Merchant, orders: Any, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for _number in range(30):
        order = factories.order(merchant, status=Status.RESERVED)
        order.holds.create(cause=Cause.PHONE, text="It needs a phone number.")
        factories.order_line(order, sku="FG9")
    for words in ({}, {"status": "waiting"}, {"q": "anna", "since": "2026-11-01"}):
        with django_assert_max_num_queries(15):
            page.get(list_url(merchant), words)


def test_it_counts_no_further_than_it_pages(
    page: Client, merchant: Merchant, orders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_COUNTED", 2)
    monkeypatch.setattr(listing, "MOST_FOUND", 2)
    monkeypatch.setattr(listing, "PER_PAGE", 1)
    assert "the first 2; choose days to see the others" in text_of(page, merchant)
    assert "2 orders or more" in text_of(page, merchant, q="example.com")
    assert listed(page, merchant, page="9") == ["A3"]


# --- cancelling several ---------------------------------------------------------------------------


@pytest.fixture
def mixed(merchant: Merchant, orders: dict[str, Order]) -> list[Order]:
    """One to cancel, one with the warehouse, one that is gone."""
    collecting = factories.order(merchant, number="A6", status=Status.COLLECTING)
    return [orders["new"], collecting, orders["shipped"]]


def post(client: Client, merchant: Merchant, orders: list[Order], **words: str) -> Any:
    chosen = {"chosen": [str(order.pk) for order in orders], "act": "cancel"}
    return client.post(reverse("orders:cancel_many", args=[merchant.pk]), {**chosen, **words}, follow=True)


def test_it_says_first_what_cancelling_would_mean(page: Client, merchant: Merchant, mixed: list[Order]) -> None:
    answer = post(page, merchant, mixed)
    groups = {group["tone"]: [order.number for order in group["orders"]] for group in answer.context["groups"]}
    assert groups == {"good": ["A1"], "wait": ["A6"], "bad": ["A4"]}
    assert not Order.objects.filter(status=Status.CANCELLED).exists()


def test_then_it_does_it_and_says_what_came_of_each(page: Client, merchant: Merchant, mixed: list[Order]) -> None:
    said = [str(message) for message in post(page, merchant, mixed, yes="1").context["messages"]]
    assert said[0] == "1 order is cancelled."
    assert said[1] == "For 1 order the warehouse is asked to stop."
    assert said[2].startswith("1 order is left as it was: A4: ")
    for order in mixed:
        order.refresh_from_db()
    assert [order.status for order in mixed] == [Status.CANCELLED, Status.COLLECTING, Status.SHIPPED]
    assert mixed[1].is_cancellation_open


def test_what_the_warehouse_answered_too_late_is_left_as_it_is(page: Client, merchant: Merchant) -> None:
    """As the list says before: also when it is done, again, and by the order's own form."""
    order = factories.order(merchant, number="A7", status=Status.COLLECTING)
    moves.ask_to_cancel(order, "Kim")
    moves.answer_cancellation(order, "Staff", is_agreed=False)
    answered_at = order.cancel_answered_at
    for _time in range(2):
        groups = post(page, merchant, [order]).context["groups"]
        assert [(group["tone"], [one.number for one in group["orders"]]) for group in groups] == [("bad", ["A7"])]
        said = [str(message) for message in post(page, merchant, [order], yes="1").context["messages"]]
        assert said == ["1 order is left as it was: A7: The warehouse has answered that it is too late to cancel."]
        page.post(reverse("orders:act", args=[merchant.pk, order.pk]), {"act": "ask"})
        order.refresh_from_db()
        assert (order.cancel_answer, order.cancel_answered_at) == ("too late", answered_at)
    moves.ship(order, ParcelData(tracking_code="SE1"), "Staff")
    assert order.status == Status.SHIPPED


def test_another_merchants_order_is_not_cancelled(page: Client, merchant: Merchant) -> None:
    theirs = factories.order(factories.merchant())
    answer = post(page, merchant, [theirs], yes="1")
    assert "No order was chosen." in answer.content.decode()
    theirs.refresh_from_db()
    assert theirs.status == Status.DRAFT


def test_who_may_only_look_cancels_nothing(
    merchant: Merchant, mixed: list[Order], signed_in: Callable[[User], Client]
) -> None:
    assert post(signed_in(factories.viewer(merchant)), merchant, mixed, yes="1").status_code == 403
    assert moves.may_become(mixed[0])
    assert not Order.objects.filter(status=Status.CANCELLED).exists()


@pytest.mark.parametrize("words", ["Web 17", "web  17", "Web 1", "Web 17/1", "FG SET 2", "0037 0000 17", "Kim SET/2"])
def test_what_has_blanks_in_it_is_found_as_it_stands(page: Client, merchant: Merchant, words: str) -> None:
    fields = {"tracking_code": "0037 0000 17", "name": "Kim", "part": 1}
    order = factories.order(merchant, number="Web 17", **fields)
    factories.order_line(order, factories.product(merchant, "FG SET 2"), 2)
    other = factories.order(merchant, number="Set 17", name="Webb")
    factories.order_line(other, factories.product(merchant, "SET/2"), 2)
    factories.order_line(order, other.lines.get().product, 2)
    assert listed(page, merchant, q=words) == ["Web 17"]


# --- what is asked for and cannot be -----------------------------------------------------------


def sentences(client: Client, merchant: Merchant, **words: str) -> dict[str, list[str]]:
    filter_ = client.get(list_url(merchant), words).context["filter"]
    return {name: list(errors) for name, errors in filter_.errors.items()}


def test_what_is_not_known_is_left_out_and_said_so(page: Client, merchant: Merchant, orders: Any) -> None:
    said = text_of(page, merchant, shop="77", cause="y", since="nonsense")
    for id_, words in (
        ("id_shop", "Shop: what was asked for is not known here, and was left out."),
        ("id_cause", "Why it waits: what was asked for is not known here, and was left out."),
        ("id_since", "Placed from: give a day such as 2026-11-30."),
    ):
        assert f'<p id="{id_}_error">{words}</p>' in said
        assert f'aria-describedby="{id_}_error"' in said
    assert len(listed(page, merchant, shop="77")) == len(orders)


def test_days_the_wrong_way_round_are_said_at_the_second(page: Client, merchant: Merchant, orders: Any) -> None:
    assert sentences(page, merchant, since="2026-11-20", until="2026-11-10") == {
        "until": ["this day is before the first one."]
    }


def test_a_count_is_that_of_the_one_shop_or_asks_for_one(
    page: Client, merchant: Merchant, orders: Any, shop: Integration
) -> None:
    assert listed(page, merchant, stands="held") == listed(page, merchant, stands="held", shop=str(shop.pk))
    assert len(listed(page, merchant, stands="held")) < len(orders)
    choose = {"stands": ["choose a shop too; each has a count of its own."]}
    assert sentences(page, merchant, stands="held", shop="hand") == choose
    factories.integration(merchant)
    assert sentences(page, merchant, stands="held") == choose
