"""*Parcel came back* at the staff's desk, and what the merchant's pages say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.connectors.base import ParcelData
from merchants.models import Merchant, User
from orders import moves, returning
from orders.models import Order, Status
from products.models import Product
from tests import factories
from tests.orders.desk_orders import collecting, on_shelf

pytestmark = pytest.mark.django_db


@pytest.fixture
def shelf(merchant: Merchant) -> Product:
    product = factories.product(merchant, "FG1")
    factories.stock(product, merchant.warehouses.get(), 10)
    return product


@pytest.fixture
def order(merchant: Merchant, shelf: Product) -> Order:
    """Three pieces, shipped."""
    made = collecting(merchant, shelf, 3, number="70412")
    moves.ship(made, ParcelData(tracking_code="SE-1"), "Robin")
    return made


@pytest.fixture
def staff(merchant: Merchant, signed_in: Callable[[User], Client]) -> Client:
    made = factories.user(name="Robin Desk", is_staff=True)
    merchant.warehouses.get().staff.add(made)
    return signed_in(made)


def address(name: str, order: Order) -> str:
    return reverse(f"admin:orders_order_{name}", args=[order.pk])


def typed(order: Order, came: object, shelf: object, shown: object = 0, comment: str = "") -> dict[str, Any]:
    line = order.lines.get().pk
    return {f"came-{line}": came, f"shelf-{line}": shelf, f"shown-{line}": shown, "comment": comment}


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


# --- the desk --------------------------------------------------------------------------------


def test_the_button_stands_where_something_can_come_back(
    staff: Client, merchant: Merchant, shelf: Product, order: Order
) -> None:
    assert address("returned", order) in text_of(staff.get(address("change", order)))
    begun = collecting(merchant, shelf)
    assert "Parcel came back" not in text_of(staff.get(address("change", begun)))
    # All of it is back, and SHIPPED only because the shop is not told yet: there is nothing left to enter.
    Order.objects.filter(pk=order.pk).update(integration=factories.integration(merchant), told_at=None)
    returning.record(order, {order.lines.get().pk: returning.Back(3, 0)}, "Robin")
    assert order.status == Status.SHIPPED
    assert address("returned", order) not in text_of(staff.get(address("change", order)))


def test_what_is_typed_is_written_once_and_told(staff: Client, shelf: Product, order: Order) -> None:
    page = text_of(staff.get(address("returned", order)))
    assert "Came back of FG1" in page
    assert on_shelf(shelf) == (7, 0)
    answer = staff.post(address("returned", order), typed(order, 2, 1, comment="box crushed"), follow=True)
    text = text_of(answer)
    assert "What came back of 70412 is noted." in text
    assert "SHIPPED · pieces came back" in text
    assert on_shelf(shelf) == (8, 0)
    assert order.events.filter(who="Robin Desk", text__contains="“box crushed”").exists()


def test_pressed_twice_it_counts_once_and_shows_the_figures_as_they_are_now(
    staff: Client, shelf: Product, order: Order
) -> None:
    first = typed(order, 1, 1, comment="a note that is kept")
    staff.post(address("returned", order), first)
    text = text_of(staff.post(address("returned", order), first))
    assert "pieces were noted meanwhile" in text
    assert 'value="a note that is kept"' in text
    line = order.lines.get()
    assert f'name="shown-{line.pk}" value="1"' in text
    assert (line.returned, on_shelf(shelf)) == (1, (8, 0))
    text_of(staff.post(address("returned", order), typed(order, 1, 1, shown=1), follow=True))
    assert order.lines.get().returned == 2


@pytest.mark.parametrize(
    ("came", "shelf_", "sentence"),
    [
        ("4", "1", "3 of these can still come back; more were not sent."),
        ("-1", "0", "Fewer than none cannot come back."),
        ("2", "3", "No more can go on the shelf than came back."),
        ("2", "", "How many of these go on the shelf? 0 if none."),
        ("", "1", "No more can go on the shelf than came back."),
        ("", "", "Enter the pieces that came back."),
        ("x", "1", "Enter a whole number."),
    ],
)
def test_bad_input_gets_a_sentence_and_nothing_typed_is_lost(
    staff: Client, shelf: Product, order: Order, came: str, shelf_: str, sentence: str
) -> None:
    text = text_of(staff.post(address("returned", order), typed(order, came, shelf_, comment="box crushed")))
    assert sentence in text
    assert 'value="box crushed"' in text
    line = order.lines.get()
    for name, value in (("came", came), ("shelf", shelf_)):
        assert not value or f'name="{name}-{line.pk}" value="{value}"' in text
    assert (line.returned, on_shelf(shelf)) == (0, (7, 0))


def test_a_line_that_is_back_whole_offers_nothing_more(staff: Client, shelf: Product, order: Order) -> None:
    other = factories.product(order.merchant, "FG2")
    line = factories.order_line(order, other, 1)
    returning.record(order, {line.pk: returning.Back(1, 0)}, "Robin")
    text = text_of(staff.get(address("returned", order)))
    assert "all of it is back" in text
    assert f'name="came-{line.pk}"' not in text


def test_of_what_is_not_shipped_the_page_says_so_and_writes_nothing(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    begun = collecting(merchant, shelf, 3)
    assert "only what was SHIPPED can come back" in text_of(staff.get(address("returned", begun)))
    assert "is COLLECTING, not SHIPPED." in text_of(staff.post(address("returned", begun), typed(begun, 1, 1)))
    assert on_shelf(shelf) == (7, 0)


def test_the_action_takes_one_order(staff: Client, merchant: Merchant, shelf: Product, order: Order) -> None:
    list_page = reverse("admin:orders_order_changelist") + "?state=all"

    def press(*orders: Order) -> Any:
        ticked = {"action": "parcel_came_back", "_selected_action": [one.pk for one in orders]}
        return staff.post(list_page, ticked, follow=True)

    assert "On the shelf again" in text_of(press(order))
    assert "Choose one order to enter what came back." in text_of(press(order, collecting(merchant, shelf)))


def test_another_warehouse_s_staff_finds_nothing_and_nobody_else_comes_in(
    merchant: Merchant, shelf: Product, order: Order, page: Client, signed_in: Callable[[User], Client]
) -> None:
    stranger = factories.user(is_staff=True)
    factories.warehouse().staff.add(stranger)
    nowhere = signed_in(factories.user(is_staff=True))
    for client, status in ((signed_in(stranger), 404), (nowhere, 403), (page, 302), (Client(), 302)):
        assert client.get(address("returned", order)).status_code == status
        assert client.post(address("returned", order), typed(order, 1, 1)).status_code == status
    assert on_shelf(shelf) == (7, 0)


# --- the merchant ----------------------------------------------------------------------------


def test_the_merchant_sees_what_came_back_per_line_and_in_the_story(page: Client, order: Order) -> None:
    assert "came back" not in text_of(page.get(order.get_absolute_url()))
    returning.record(order, {order.lines.get().pk: returning.Back(2, 1)}, "Robin", comment="box crushed")
    text = text_of(page.get(order.get_absolute_url()))
    for words in ("2 of 3 came back", "2 of 3 pieces came back", "On the shelf again: 1 × FG1.", "“box crushed”"):
        assert words in text


def test_the_tab_returned_appears_with_the_first_one(page: Client, order: Order, merchant: Merchant) -> None:
    orders = reverse("orders:list", args=[merchant.pk])
    assert "RETURNED" not in text_of(page.get(orders))
    returning.record(order, {order.lines.get().pk: returning.Back(3, 3)}, "Robin")
    text = text_of(page.get(orders, {"status": Status.RETURNED.value}))
    assert "RETURNED" in text
    assert order.label in text


def test_a_returned_order_can_be_moved_nowhere(page: Client, order: Order, merchant: Merchant, shelf: Product) -> None:
    returning.record(order, {order.lines.get().pk: returning.Back(3, 3)}, "Robin")
    for status in ("new", "draft", "cancelled", "reserved"):
        page.post(reverse("orders:set_status", args=[merchant.pk, order.pk]), {"status": status, "seen": "returned"})
    page.post(reverse("orders:cancel_many", args=[merchant.pk]), {"chosen": [order.pk], "yes": "1"})
    page.post(reverse("orders:act", args=[merchant.pk, order.pk]), {"act": "ask"})
    order.refresh_from_db()
    assert (order.status, order.cancel_asked_at, on_shelf(shelf)) == (Status.RETURNED, None, (10, 0))
