"""The staff's desk for goods: received and adjusted by those who work there; the ledger is read, never written."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission as Right
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from merchants.models import Merchant, User, Warehouse
from products.models import Movement, Product, Reservation, Stock, StockUpdate
from tests import factories
from tests.products.goods import announce, assert_ledger_adds_up, line_of, on_hand, put

pytestmark = pytest.mark.django_db
MODELS = ("stockupdate", "stock", "movement", "reservation")


def worker(*houses: Warehouse) -> User:
    """One of the staff, with every right on goods, who works in these warehouses."""
    made = factories.user(name="Robin Desk", is_staff=True)
    made.user_permissions.set(Right.objects.filter(content_type__app_label="products"))
    for house in houses:
        house.staff.add(made)
    return made


@pytest.fixture
def house(merchant: Merchant) -> Warehouse:
    return merchant.warehouses.get()


@pytest.fixture
def sweater(merchant: Merchant) -> Product:
    return factories.product(merchant, "FG1", ean="7300000010423")


@pytest.fixture
def update(merchant: Merchant, sweater: Product) -> StockUpdate:
    return announce(merchant, {sweater: 10, factories.product(merchant, "FG2"): 4})


@pytest.fixture
def staff(house: Warehouse) -> Client:
    client = Client()
    client.force_login(worker(house))
    return client


def url(name: str, *args: object) -> str:
    return reverse(f"admin:products_{name}", args=args)


def entered(update: StockUpdate, product: Product, pieces: int | str, **words: Any) -> dict[str, Any]:
    """The *Receive* page as it is sent for this one line, the other left empty."""
    shown = {f"shown-{line.pk}": line.received for line in update.lines.all()}
    return {**shown, f"pieces-{line_of(update, product).pk}": pieces, **words}


# --- receive --------------------------------------------------------------------------------------------


def test_the_page_shows_announced_received_and_what_is_to_come(
    staff: Client, update: StockUpdate, sweater: Product
) -> None:
    staff.post(url("stockupdate_receive", update.pk), entered(update, sweater, 6))
    text = staff.get(url("stockupdate_receive", update.pk)).content.decode()
    row = text.partition('<th scope="row">FG1</th>')[2].partition("</tr>")[0]
    assert [f"<td>{number}" in row for number in (10, 6, 4)] == [True, True, True]


def test_the_pieces_land_on_the_shelf_with_who_and_comments(
    staff: Client, update: StockUpdate, sweater: Product, house: Warehouse
) -> None:
    comment = {f"comment-{line_of(update, sweater).pk}": "Two torn", "comment": "Wet boxes"}
    answer = staff.post(url("stockupdate_receive", update.pk), entered(update, sweater, 12, **comment), follow=True)
    assert "12 pieces are on the shelf." in answer.content.decode()
    update.refresh_from_db()
    assert (update.status, update.warehouse_comment, on_hand(sweater, house)) == ("partly", "Wet boxes", 12)
    assert line_of(update, sweater).comment == "Two torn"
    movement = Movement.objects.get()
    assert (movement.who, movement.document) == ("Robin Desk", update.number)
    assert_ledger_adds_up()


def test_the_form_sent_twice_counts_once_and_is_shown_anew(
    staff: Client, update: StockUpdate, sweater: Product, house: Warehouse
) -> None:
    sent = entered(update, sweater, 6)
    staff.post(url("stockupdate_receive", update.pk), sent)
    answer = staff.post(url("stockupdate_receive", update.pk), sent, follow=True)
    text = answer.content.decode()
    assert "Somebody else received or changed lines meanwhile" in text
    assert f'name="shown-{line_of(update, sweater).pk}" value="6"' in text
    assert (on_hand(sweater, house), Movement.objects.count()) == (6, 1)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [(-2, "adjust the stock and say why"), ("x", "whole number"), (1_000_001, "less than or equal")],
)
def test_wrong_pieces_stand_at_the_line_and_nothing_typed_is_lost(
    staff: Client, update: StockUpdate, sweater: Product, pieces: int | str, words: str
) -> None:
    answer = staff.post(url("stockupdate_receive", update.pk), entered(update, sweater, pieces, comment="Wet boxes"))
    text = answer.content.decode()
    assert words in text
    assert "Wet boxes" in text
    assert f'value="{pieces}"' in text
    assert not Movement.objects.exists()


def test_an_empty_form_is_refused(staff: Client, update: StockUpdate) -> None:
    shown = {f"shown-{line.pk}": 0 for line in update.lines.all()}
    assert "Nothing was entered" in staff.post(url("stockupdate_receive", update.pk), shown).content.decode()


def test_a_form_without_what_it_showed_is_refused(staff: Client, update: StockUpdate, sweater: Product) -> None:
    staff.post(url("stockupdate_receive", update.pk), {f"pieces-{line_of(update, sweater).pk}": 6})
    assert not Movement.objects.exists()


def test_a_cancelled_one_cannot_be_received(staff: Client, update: StockUpdate, sweater: Product) -> None:
    StockUpdate.objects.update(status="cancelled")
    assert "cannot be received" in staff.get(url("stockupdate_receive", update.pk)).content.decode()
    answer = staff.post(url("stockupdate_receive", update.pk), entered(update, sweater, 6))
    assert "was cancelled by the merchant" in answer.content.decode()
    assert not Movement.objects.exists()


def test_a_long_update_is_received_page_by_page_and_searched_by_scanning(staff: Client, merchant: Merchant) -> None:
    products = [factories.product(merchant, f"M{number:03}") for number in range(120)]
    update = announce(merchant, dict.fromkeys(products, 1))
    address = url("stockupdate_receive", update.pk)
    second = staff.get(address, {"page": 2}).content.decode()
    assert (second.count('<th scope="row">'), "M119" in second, "M000" in second) == (20, True, False)
    found = staff.get(address, {"q": "m007"}).content.decode()
    assert found.count('<th scope="row">') == 1
    line = line_of(update, products[119])
    staff.post(
        f"{address}?page=2", {f"shown-{one.pk}": 0 for one in update.lines.all()[100:]} | {f"pieces-{line.pk}": 1}
    )
    line.refresh_from_db()
    assert line.received == 1


def test_the_rest_that_does_not_come_is_closed(staff: Client, update: StockUpdate, sweater: Product) -> None:
    staff.post(url("stockupdate_close", update.pk))
    update.refresh_from_db()
    assert update.status == "new"
    staff.post(url("stockupdate_receive", update.pk), entered(update, sweater, 6))
    assert "The rest does not come" in staff.get(url("stockupdate_change", update.pk)).content.decode()
    staff.post(url("stockupdate_close", update.pk))
    update.refresh_from_db()
    assert update.status == "received"


def test_staff_answer_the_merchant_but_change_nothing_else(staff: Client, update: StockUpdate) -> None:
    sent = {"warehouse_comment": "Please send it to gate 4.", "reference": "X", "status": "received"}
    staff.post(url("stockupdate_change", update.pk), sent)
    update.refresh_from_db()
    assert (update.warehouse_comment, update.reference, update.status) == ("Please send it to gate 4.", "PO-77", "new")


def test_a_comment_saved_late_does_not_undo_what_was_received_meanwhile(
    staff: Client, update: StockUpdate, sweater: Product
) -> None:
    desk, read_before = admin.site._registry[StockUpdate], StockUpdate.objects.get()
    staff.post(url("stockupdate_receive", update.pk), entered(update, sweater, 6))
    read_before.warehouse_comment = "Gate 4"
    desk.save_model(HttpRequest(), read_before, None, True)
    update.refresh_from_db()
    assert (update.warehouse_comment, update.status) == ("Gate 4", "partly")
    assert update.arrived_at is not None


def test_the_comment_of_an_update_with_many_hundred_lines_is_saved(staff: Client, merchant: Merchant) -> None:
    products = [factories.product(merchant, f"M{number:04}") for number in range(600)]
    update = announce(merchant, dict.fromkeys(products, 1))
    text = staff.get(url("stockupdate_change", update.pk)).content.decode()
    assert "M0000: 0 of 1" in text
    assert len(re.findall(r"<(?:input|textarea|select)\b", text)) < 50
    staff.post(url("stockupdate_change", update.pk), {"warehouse_comment": "Gate 4"})
    update.refresh_from_db()
    assert update.warehouse_comment == "Gate 4"


# --- adjust ---------------------------------------------------------------------------------------------


def test_a_recount_and_a_difference_are_written_with_their_reason(
    staff: Client, sweater: Product, house: Warehouse
) -> None:
    stock = put(sweater, house, 10)
    staff.post(url("stock_adjust", stock.pk), {"to": 7, "reason": "Counted", "shown": 10})
    staff.post(url("stock_adjust", stock.pk), {"by": -2, "reason": "Torn", "shown": 7})
    assert list(Movement.objects.filter(why="adjusted").values_list("pieces", "reason", "who")) == [
        (-2, "Torn", "Robin Desk"),
        (-3, "Counted", "Robin Desk"),
    ]
    assert on_hand(sweater, house) == 5
    assert_ledger_adds_up()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"to": 7}, "This field is required"),
        ({"reason": "Counted"}, "either the new figure or the difference"),
        ({"to": 7, "by": 1, "reason": "Counted"}, "either the new figure or the difference"),
        ({"by": -11, "reason": "Counted"}, "11 pieces are wanted, 10 are on hand"),
        ({"to": -1, "reason": "Counted"}, "greater than or equal to 0"),
        ({"to": 10, "reason": "Counted"}, "nothing to change"),
    ],
)
def test_a_refused_adjustment_says_why_and_writes_nothing(
    staff: Client, sweater: Product, house: Warehouse, sent: dict[str, Any], words: str
) -> None:
    stock = put(sweater, house, 10)
    assert words in staff.post(url("stock_adjust", stock.pk), {"shown": 10, **sent}).content.decode()
    assert on_hand(sweater, house) == 10


def test_a_figure_counted_before_something_was_collected_is_not_written(
    staff: Client, sweater: Product, house: Warehouse
) -> None:
    stock = put(sweater, house, 10)
    put(sweater, house, -3)
    answer = staff.post(url("stock_adjust", stock.pk), {"to": 9, "reason": "Counted", "shown": 10}, follow=True)
    assert "7 by now, no longer 10" in answer.content.decode()
    assert on_hand(sweater, house) == 7


def test_the_list_shows_what_is_there_owed_and_coming(
    staff: Client, update: StockUpdate, sweater: Product, house: Warehouse
) -> None:
    stock = put(sweater, house, 3)
    Stock.objects.update(reserved=11)
    text = staff.get(url("stock_changelist")).content.decode()
    assert "8 owed" in text
    assert '<td class="field-coming">10</td>' in text
    assert url("stock_adjust", stock.pk) in text
    assert "FG1" in staff.get(url("stock_changelist"), {"available": "owed"}).content.decode()
    assert "FG1" not in staff.get(url("stock_changelist"), {"available": "some"}).content.decode()


# --- who ------------------------------------------------------------------------------------------------


def test_staff_of_another_warehouse_find_nothing(update: StockUpdate, sweater: Product, house: Warehouse) -> None:
    stock = put(sweater, house, 10)
    Reservation.objects.create(stock=stock, reference="1", label="1001", held=1)
    elsewhere = Client()
    elsewhere.force_login(worker(factories.warehouse()))
    for model in MODELS:
        listed = elsewhere.get(url(f"{model}_changelist")).content.decode()
        assert "FG1" not in listed
        assert update.number not in listed
    for address in (url("stockupdate_receive", update.pk), url("stock_adjust", stock.pk)):
        assert elsewhere.get(address).status_code == 404
        assert elsewhere.post(address, {"to": 1, "reason": "x", "shown": 10}).status_code == 404
    assert elsewhere.post(url("stockupdate_close", update.pk)).status_code == 404
    assert on_hand(sweater, house) == 10


def test_a_superuser_works_everywhere(update: StockUpdate) -> None:
    boss = Client()
    boss.force_login(factories.user(is_staff=True, is_superuser=True))
    assert boss.get(url("stockupdate_receive", update.pk)).status_code == 200
    assert update.number in boss.get(url("stockupdate_changelist")).content.decode()


def test_a_permission_without_a_warehouse_receives_and_adjusts_nothing(
    update: StockUpdate, sweater: Product, house: Warehouse
) -> None:
    stock = put(sweater, house, 10)
    looker = factories.user(is_staff=True)
    looker.user_permissions.set(Right.objects.filter(codename__in=["view_stock", "view_stockupdate"]))
    client = Client()
    client.force_login(looker)
    assert client.get(url("stock_changelist")).status_code == 200
    for address in (url("stockupdate_receive", update.pk), url("stock_adjust", stock.pk)):
        assert client.get(address).status_code == 403
        assert client.post(address, {"to": 1, "reason": "x", "shown": 10}).status_code == 403


@pytest.mark.parametrize("model", ["stock", "movement", "reservation"])
def test_nobody_adds_changes_or_deletes_a_row_of_the_ledger_by_hand(
    sweater: Product, house: Warehouse, model: str
) -> None:
    stock = put(sweater, house, 10)
    reservation = Reservation.objects.create(stock=stock, reference="1", label="1001", held=1)
    pk = {"stock": stock.pk, "movement": stock.movements.get().pk, "reservation": reservation.pk}[model]
    boss = Client()
    boss.force_login(factories.user(is_staff=True, is_superuser=True))
    assert boss.get(url(f"{model}_change", pk)).status_code == 200
    for address in (url(f"{model}_add"), url(f"{model}_delete", pk)):
        assert boss.get(address).status_code == 403
        assert boss.post(address, {"post": "yes"}).status_code == 403
    assert boss.post(url(f"{model}_change", pk), {"pieces": 99, "on_hand": 99, "held": 99}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
    boss.post(url(f"{model}_changelist"), sent)
    stock.refresh_from_db()
    reservation.refresh_from_db()
    assert (stock.on_hand, stock.movements.get().pieces, reservation.held) == (10, 10, 1)


@pytest.mark.parametrize("model", MODELS)
def test_the_queries_of_a_list_do_not_grow_with_its_rows(
    staff: Client, merchant: Merchant, house: Warehouse, model: str
) -> None:
    counts = []
    for _round in range(2):
        for _number in range(4):
            product = factories.product(merchant)
            announce(merchant, {product: 1})
            Reservation.objects.create(stock=put(product, house, 1), reference="1", label="1001", held=1)
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(url(f"{model}_changelist")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
