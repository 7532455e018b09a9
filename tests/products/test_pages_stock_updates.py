"""Stock updates: announced, listed, looked at, changed while nothing has come, cancelled."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merchants.models import Merchant, User, Warehouse
from products import receiving, skus
from products.models import Product, StockUpdate
from products.stock_forms import StockUpdateForm
from products.stock_lines import Lines, pasted_rows
from tests import factories
from tests.products.goods import announce, line_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(merchant: Merchant) -> Warehouse:
    return merchant.warehouses.get()


@pytest.fixture
def sweater(merchant: Merchant) -> Product:
    return factories.product(merchant, "FG1042-NVY-M", name="Harbour sweater")


@pytest.fixture
def cap(merchant: Merchant) -> Product:
    return factories.product(merchant, "FG2", name="Pier cap")


def list_url(merchant: Merchant) -> str:
    return reverse("products:stock_updates", args=[merchant.pk])


def new_url(merchant: Merchant) -> str:
    return reverse("products:new_stock_update", args=[merchant.pk])


def url_of(update: StockUpdate, act: str = "") -> str:
    return reverse(f"products:{act}stock_update", args=[update.merchant_id, update.pk])


def head(house: Warehouse, **words: Any) -> dict[str, Any]:
    """What the head of the form needs."""
    day = timezone.localdate().isoformat()
    return {"warehouse": house.pk, "supplier": "Skerry Mills", "reference": "PO-77", "expected_on": day, **words}


def rows(*lines: tuple[str, str]) -> dict[str, list[str]]:
    return {"sku": [sku for sku, _pieces in lines], "pieces": [pieces for _sku, pieces in lines]}


def announced(update: StockUpdate) -> list[tuple[str, int]]:
    return list(update.lines.values_list("product__sku", "expected"))


def text_of(client: Client, address: str, **words: str) -> str:
    answer = client.get(address, words)
    assert answer.status_code == 200
    return answer.content.decode()


# --- a new one ------------------------------------------------------------------------------------------


def test_goods_are_announced_with_rows(
    page: Client, merchant: Merchant, house: Warehouse, sweater: Product, cap: Product
) -> None:
    more = {"containers": "1", "pallets": "2", "parcels": "", "delivered_by": "DHL", "tracking_codes": "A1, A2"}
    sent = head(house, **more, comment="Fragile") | rows((" FG1042-NVY-M ", "120"), ("", ""), ("FG2", "0"))
    answer = page.post(new_url(merchant), sent, follow=True)
    update = StockUpdate.objects.get()
    assert answer.redirect_chain == [(url_of(update), 302)]
    assert f"{update.number} is saved." in answer.content.decode()
    assert announced(update) == [("FG1042-NVY-M", 120), ("FG2", 0)]
    assert (update.warehouse, update.status, update.made_by) == (house, "new", "Kim")
    assert (update.containers, update.pallets, update.parcels) == (1, 2, 0)
    assert (update.delivered_by, update.tracking_codes, update.comment) == ("DHL", "A1, A2", "Fragile")


@pytest.mark.parametrize(
    "text",
    [
        "FG1042-NVY-M\t120\nFG2\t4",
        "SKU\tPieces\r\nFG1042-NVY-M\t120\r\n\r\nFG2\t4\r\n",
        "FG1042-NVY-M;120\nFG2;4;",
        "FG1042-NVY-M,120\nFG2,4",
        "FG1042-NVY-M 120\n  FG2   4  ",
        "fg1042-nvy-m\t 1 20\nfg2\t4\tPier cap",
    ],
)
def test_lines_are_pasted_from_a_spreadsheet(
    page: Client, merchant: Merchant, house: Warehouse, sweater: Product, cap: Product, text: str
) -> None:
    page.post(new_url(merchant), head(house, pasted=text))
    assert announced(StockUpdate.objects.get()) == [("FG1042-NVY-M", 120), ("FG2", 4)]


def test_rows_and_pasted_lines_of_one_sku_are_added_up_and_it_is_said(
    page: Client, merchant: Merchant, house: Warehouse, sweater: Product
) -> None:
    sent = head(house, pasted="FG1042-NVY-M\t5") | rows(("FG1042-NVY-M", "10"), ("fg1042-nvy-m", "2"))
    answer = page.post(new_url(merchant), sent, follow=True)
    assert "its pieces were added up: 10 + 2 + 5 = 17" in answer.content.decode()
    assert announced(StockUpdate.objects.get()) == [("FG1042-NVY-M", 17)]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("FG-NOWHERE", "5"), "You have no product with this SKU"),
        (("", "5"), "Which SKU are these pieces of?"),
        (("FG2", ""), "How many pieces?"),
        (("FG2", "-1"), "a whole number, zero or more"),
        (("FG2", "1.5"), "whole number"),
        (("FG2", "1,000"), "whole number"),
        (("FG2", "１２"), "whole number"),
        (("FG2", "1000001"), "At most 1,000,000"),
        (("FG2", "9" * 40), "At most 1,000,000"),
    ],
)
def test_what_is_wrong_with_a_line_stands_at_the_line_and_nothing_typed_is_lost(
    page: Client, merchant: Merchant, house: Warehouse, sweater: Product, cap: Product, row: tuple[str, str], words: str
) -> None:
    sent = head(house, comment="Fragile") | rows(("FG1042-NVY-M", "120"), row)
    answer = page.post(new_url(merchant), sent)
    text = answer.content.decode()
    assert text.count('class="errors"') == 1
    assert words in text.partition('id="error-2"')[2].partition("</p>")[0]
    assert text.count('aria-describedby="error-2"') == 2
    for typed in ("FG1042-NVY-M", "120", *row):
        assert f'value="{typed}"' in text
    assert "Fragile" in text
    assert not StockUpdate.objects.exists()


def test_the_most_pieces_of_one_sku_are_fine_but_not_by_adding_up(
    page: Client, merchant: Merchant, house: Warehouse, cap: Product
) -> None:
    too_many = page.post(new_url(merchant), head(house) | rows(("FG2", "1000000"), ("FG2", "1")))
    assert "At most 1,000,000" in too_many.content.decode()
    page.post(new_url(merchant), head(house) | rows(("FG2", "1000000")))
    assert announced(StockUpdate.objects.get()) == [("FG2", 1_000_000)]


def test_an_sku_that_reads_like_two_products_must_be_exact(page: Client, merchant: Merchant, house: Warehouse) -> None:
    factories.product(merchant, "ab1")
    factories.product(merchant, "AB1")
    assert (
        "Several products read like this"
        in page.post(new_url(merchant), head(house) | rows(("Ab1", "3"))).content.decode()
    )
    page.post(new_url(merchant), head(house) | rows(("AB1", "3")))
    assert announced(StockUpdate.objects.get()) == [("AB1", 3)]


def test_another_merchant_s_product_is_unknown_here(page: Client, merchant: Merchant, house: Warehouse) -> None:
    factories.product(factories.merchant(), "FG-THEIRS")
    text = page.post(new_url(merchant), head(house) | rows(("FG-THEIRS", "3"))).content.decode()
    assert "You have no product with this SKU" in text


def test_another_merchant_s_warehouse_cannot_be_chosen(page: Client, merchant: Merchant, cap: Product) -> None:
    theirs = factories.merchant().warehouses.get()
    answer = page.post(new_url(merchant), head(theirs) | rows(("FG2", "3")))
    assert list(answer.context["form"].errors) == ["warehouse"]
    assert theirs.name not in text_of(page, new_url(merchant))


@pytest.mark.parametrize("name", ["warehouse", "supplier", "reference", "expected_on"])
def test_the_head_says_what_it_needs(
    page: Client, merchant: Merchant, house: Warehouse, cap: Product, name: str
) -> None:
    answer = page.post(new_url(merchant), head(house, **{name: ""}) | rows(("FG2", "3")))
    assert list(answer.context["form"].errors) == [name]
    assert 'value="FG2"' in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("expected_on", "0026-12-01", "Look at the year"),
        ("expected_on", "soon", "valid date"),
        ("pallets", "-1", "greater than or equal to 0"),
        ("parcels", "many", "whole number"),
    ],
)
def test_a_wrong_head_is_an_error_on_its_field(
    page: Client, merchant: Merchant, house: Warehouse, cap: Product, name: str, value: str, words: str
) -> None:
    answer = page.post(new_url(merchant), head(house, **{name: value}) | rows(("FG2", "3")))
    assert words in str(answer.context["form"].errors[name])


def test_without_any_line_it_is_refused(page: Client, merchant: Merchant, house: Warehouse, cap: Product) -> None:
    answer = page.post(new_url(merchant), head(house) | rows(("", ""), (" ", "")))
    assert "at least one SKU with its pieces" in answer.content.decode()
    assert not StockUpdate.objects.exists()


def test_more_rows_keeps_what_is_typed_turns_pasted_lines_into_rows_and_judges_nothing(
    page: Client, merchant: Merchant, house: Warehouse, cap: Product
) -> None:
    sent = head(house, supplier="", reference="PO-99", pasted="FG2\t4") | rows(("FG-NOWHERE", "5"))
    text = page.post(new_url(merchant), {**sent, "more": "1"}).content.decode()
    assert text.count('name="sku"') == 2 + 5
    for typed in ("PO-99", "FG-NOWHERE", "5", "FG2", "4"):
        assert f'value="{typed}"' in text
    assert "errorlist" not in text
    assert 'class="errors"' not in text
    assert text.count("autofocus") == 1
    assert not StockUpdate.objects.exists()


def test_thousands_of_lines_are_kept_in_the_text_area_with_their_errors_above(
    page: Client, merchant: Merchant, house: Warehouse
) -> None:
    products = [factories.product(merchant, f"M{number:04}") for number in range(1200)]
    text = "\n".join(f"{product.sku}\t2" for product in products)
    wrong = page.post(new_url(merchant), head(house, pasted=f"{text}\nFG-NOWHERE\t3")).content.decode()
    assert "Line 1201, “FG-NOWHERE 3”: You have no product with this SKU" in wrong
    assert wrong.count('name="sku"') == 5
    assert "M0000\t2" in wrong
    page.post(new_url(merchant), head(house, pasted=text))
    update = StockUpdate.objects.get()
    assert update.lines.count() == 1200
    assert "M1199\t2" in text_of(page, url_of(update, "edit_"))


def test_too_many_lines_are_refused_without_being_lost(merchant: Merchant) -> None:
    lines = Lines(merchant, pasted_rows("\n".join(f"M{number}\t1" for number in range(5001))))
    assert not lines.is_valid()
    assert "At most 5000 lines" in lines.errors[0]
    assert lines.text.endswith("M5000\t1")


SIGNS = st.sampled_from("A1 \t;,\n\r\0\u00a0\u2028\u0665.-") | st.characters(exclude_categories=["Cs"])
PASTED = st.lists(st.text(SIGNS, max_size=12) | st.sampled_from(["FG2", "sku", "\t3", "7;", ";;5", '"a"']), max_size=12)


@settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=PASTED, sign=st.sampled_from(["\t", ";", ",", " ", "\n", "\r\n"]))
def test_whatever_is_pasted_every_line_becomes_a_row_with_a_product_or_an_error(
    cap: Product, parts: list[str], sign: str
) -> None:
    text = sign.join(parts)
    typed = list(pasted_rows(text))
    written = [line for line in text.splitlines() if line.strip()]
    headings = len(written) - len(typed)
    assert headings == 0 or (headings == 1 and skus.fold(written[0]).startswith("sku")), (written, typed)
    lines = Lines(cap.merchant, typed)
    lines.is_valid()
    assert "\0" not in lines.text + "".join(row.as_text for row in lines.rows)
    assert len(lines.rows) >= sum(any(sign.isalnum() for sign in line) for line in written[headings:])
    assert all(row.error or row.product for row in lines.rows)


def test_what_is_typed_is_never_markup(page: Client, merchant: Merchant, house: Warehouse, cap: Product) -> None:
    nasty = '"><img src=x>'
    sent = head(house, supplier=nasty, reference=nasty, comment=nasty, pasted=f"{nasty}\t1") | rows((nasty, nasty))
    assert "<img src=x>" not in page.post(new_url(merchant), sent).content.decode()
    update = announce(merchant, {cap: 1}, supplier=nasty, reference=nasty, comment=nasty, warehouse_comment=nasty)
    for address in (list_url(merchant), url_of(update), url_of(update, "edit_")):
        assert "<img src=x>" not in text_of(page, address)


# --- one of them ----------------------------------------------------------------------------------------


def test_the_page_shows_received_against_announced_with_the_warehouse_s_words(
    page: Client, merchant: Merchant, sweater: Product, cap: Product
) -> None:
    update = announce(merchant, {sweater: 10, cap: 4})
    one, other = line_of(update, sweater).pk, line_of(update, cap).pk
    receiving.receive(update.pk, {one: 7, other: 6}, "Robin", "Wet boxes", comments={one: "Two torn"})
    text = text_of(page, url_of(update))
    assert "PARTLY RECEIVED" in text
    for word in ("3 to come", "2 more", "Two torn", "Wet boxes"):
        assert word in text
    equation = text.partition('class="eq"')[2].partition("<table")[0]
    assert [f"<b>{number}</b>" in equation for number in (14, 3, 2, 13)] == [True] * 4


def test_while_nothing_has_come_everything_is_edited(
    page: Client, merchant: Merchant, house: Warehouse, sweater: Product, cap: Product
) -> None:
    update = announce(merchant, {sweater: 10, cap: 4})
    kept = line_of(update, sweater).pk
    text = text_of(page, url_of(update, "edit_"))
    assert 'value="FG1042-NVY-M"' in text
    third = factories.product(merchant, "FG3")
    page.post(url_of(update, "edit_"), head(house, reference="PO-78") | rows(("FG3", "1"), ("FG1042-NVY-M", "12")))
    update.refresh_from_db()
    assert update.reference == "PO-78"
    assert sorted(announced(update)) == [("FG1042-NVY-M", 12), (third.sku, 1)]
    assert line_of(update, sweater).pk == kept


@pytest.mark.parametrize("status", ["partly", "received", "cancelled"])
def test_later_it_is_neither_edited_nor_cancelled(
    page: Client, merchant: Merchant, house: Warehouse, cap: Product, status: str
) -> None:
    update = announce(merchant, {cap: 4}, status=status)
    text = text_of(page, url_of(update))
    assert url_of(update, "edit_") not in text
    assert url_of(update, "cancel_") not in text
    answer = page.post(url_of(update, "edit_"), head(house) | rows(("FG2", "9")), follow=True)
    assert "Only a stock update of which nothing has arrived" in answer.content.decode()
    page.post(url_of(update, "cancel_"))
    update.refresh_from_db()
    assert (update.status, announced(update)) == (status, [("FG2", 4)])


def test_what_the_warehouse_began_to_receive_while_the_form_was_open_is_not_changed(
    merchant: Merchant, house: Warehouse, cap: Product
) -> None:
    update = announce(merchant, {cap: 4})
    form = StockUpdateForm(head(house), instance=StockUpdate.objects.get())
    assert form.is_valid()
    receiving.receive(update.pk, {line_of(update, cap).pk: 4}, "Robin")
    lines = Lines(merchant, pasted_rows("FG2\t9"))
    assert lines.is_valid()
    assert form.store(lines) is None
    assert announced(update) == [("FG2", 4)]


def test_cancelled_nothing_of_it_is_expected(page: Client, merchant: Merchant, cap: Product) -> None:
    update = announce(merchant, {cap: 4})
    assert "is cancelled" in page.post(url_of(update, "cancel_"), follow=True).content.decode()
    update.refresh_from_db()
    assert update.status == "cancelled"


# --- the list -------------------------------------------------------------------------------------------


def test_the_list_is_searched_and_filtered(page: Client, merchant: Merchant, sweater: Product, cap: Product) -> None:
    other_house = factories.warehouse()
    merchant.warehouses.add(other_house)
    one = announce(merchant, {sweater: 10}, reference="PO-1", supplier="Skerry Mills")
    two = announce(
        merchant, {cap: 4}, reference="AB-2", supplier="Fjord Caps", warehouse=other_house, status="received"
    )
    found = {
        "q": [("po-1", one), ("fjord", two), ("fg2", two), (one.number, one), ("fg1042 skerry", one)],
        "status": [("new", one), ("received", two)],
        "warehouse": [(str(other_house.pk), two)],
    }
    for name, tries in found.items():
        for word, update in tries:
            text = text_of(page, list_url(merchant), **{name: word})
            assert (one.number in text, two.number in text) == (update == one, update == two), (name, word)
    assert "Nothing matches" in text_of(page, list_url(merchant), q="nowhere")
    nonsense = text_of(page, list_url(merchant), status="x", warehouse="x", sort="x", page="x")
    assert one.number in nonsense
    assert two.number in nonsense


def test_an_empty_list_says_what_to_do(page: Client, merchant: Merchant, signed_in: Callable[[User], Client]) -> None:
    assert "First the products, then their goods" in text_of(page, list_url(merchant))
    factories.product(merchant)
    assert f'href="{new_url(merchant)}"' in text_of(page, list_url(merchant))
    looking = text_of(signed_in(factories.viewer(merchant)), list_url(merchant))
    assert "A colleague who may edit products" in looking
    assert new_url(merchant) not in looking


def test_the_list_has_pages_and_its_queries_do_not_grow(page: Client, merchant: Merchant, cap: Product) -> None:
    counts = []
    for _round in range(2):
        for _number in range(26):
            announce(merchant, {cap: 4})
        with CaptureQueriesContext(connection) as queries:
            text_of(page, list_url(merchant))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert "1–50 of 52" in text_of(page, list_url(merchant))
    assert "51–52 of 52" in text_of(page, list_url(merchant), page="2")


# --- who ------------------------------------------------------------------------------------------------


def test_a_viewer_looks_and_changes_nothing(
    merchant: Merchant, house: Warehouse, cap: Product, signed_in: Callable[[User], Client]
) -> None:
    viewer = signed_in(factories.viewer(merchant))
    update = announce(merchant, {cap: 4})
    assert update.number in text_of(viewer, list_url(merchant))
    assert url_of(update, "edit_") not in text_of(viewer, url_of(update))
    sent = head(house) | rows(("FG2", "9"))
    for address in (new_url(merchant), url_of(update, "edit_"), url_of(update, "cancel_")):
        assert viewer.post(address, sent).status_code == 403
    assert (StockUpdate.objects.get().status, announced(update)) == ("new", [("FG2", 4)])


def test_another_merchant_s_update_is_a_404(page: Client, merchant: Merchant) -> None:
    other = factories.merchant()
    update = announce(other, {factories.product(other): 4})
    for act in ("", "edit_"):
        assert page.get(reverse(f"products:{act}stock_update", args=[merchant.pk, update.pk])).status_code == 404
    cancel = reverse("products:cancel_stock_update", args=[merchant.pk, update.pk])
    assert page.post(cancel).status_code == 404
    assert update.number not in text_of(page, list_url(merchant))
