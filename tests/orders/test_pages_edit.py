"""Orders made by hand, and orders corrected; two people at one order lose nothing."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from integrations.models import Integration
from merchants.models import Merchant, User
from orders import moves
from orders.models import Cause, Order, OrderLine, Status
from products.models import Product, Reservation
from shipping.models import MerchantMethod, ShippingMethod
from tests import factories
from tests.orders.typed import edit_url, new_url, opened, typed

pytestmark = pytest.mark.django_db


@pytest.fixture
def sweater(merchant: Merchant) -> Product:
    product = factories.product(merchant, "FG1")
    factories.stock(product, merchant.warehouses.get(), 10)
    return product


@pytest.fixture
def beanie(merchant: Merchant) -> Product:
    product = factories.product(merchant, "FG2", name="Lighthouse beanie")
    factories.stock(product, merchant.warehouses.get(), 10)
    return product


@pytest.fixture
def method(merchant: Merchant) -> ShippingMethod:
    return factories.method(merchant)


def held(order: Order) -> dict[str, int]:
    """Pieces per SKU that this order's reservations hold."""
    rows = Reservation.objects.filter(reference=str(order.pk), held__gt=0)
    return dict(rows.values_list("stock__product__sku", "held"))


# --- New order -----------------------------------------------------------------------------------


def test_an_order_made_by_hand_goes_to_the_warehouse(
    page: Client, merchant: Merchant, sweater: Product, method: ShippingMethod
) -> None:
    rows = [("FG1", "2", "399,50"), ("", "", "")]
    answer = page.post(new_url(merchant), typed(merchant, method, rows))
    order = Order.objects.get()
    assert answer["Location"] == order.get_absolute_url()
    assert (order.status, order.number, order.shop, order.currency) == (Status.NEW, "S-1", "", "SEK")
    assert order.total == Decimal("799.00")
    line = order.lines.get()
    assert (line.product, line.pieces, line.price) == (sweater, 2, Decimal("399.50"))
    assert held(order) == {"FG1": 2}
    assert order.events.first().text == "Made by hand."  # type: ignore[union-attr]


def test_as_a_draft_it_holds_nothing(page: Client, merchant: Merchant, sweater: Product) -> None:
    page.post(new_url(merchant), typed(merchant, None, [("FG1", "2", "")], act="draft"))
    order = Order.objects.get()
    assert (order.status, order.total) == (Status.DRAFT, None)
    assert held(order) == {}


def test_what_is_missing_is_said_and_it_waits(page: Client, merchant: Merchant, sweater: Product) -> None:
    answer = page.post(new_url(merchant), typed(merchant, None, [("FG1", "2", "")], city=""), follow=True)
    order = Order.objects.get()
    assert order.status == Status.RESERVED
    assert {hold.cause for hold in order.holds.all()} == {Cause.METHOD, Cause.ADDRESS}
    text = answer.content.decode()
    assert "No shipping method is chosen." in text
    assert "city missing" in text


def test_the_form_begins_with_the_warehouse_of_the_shops(page: Client, merchant: Merchant) -> None:
    house = factories.warehouse(code="ZZZ")
    merchant.warehouses.add(house)
    factories.integration(merchant, warehouse=house)
    form = page.get(new_url(merchant)).context["form"]
    assert form["warehouse"].value() == house.pk


def test_the_only_active_method_of_the_warehouse_is_the_default(
    page: Client, merchant: Merchant, sweater: Product, method: ShippingMethod
) -> None:
    page.post(new_url(merchant), typed(merchant, None, [("FG1", "2", "")]))
    order = Order.objects.get()
    assert (order.status, order.method) == (Status.NEW, method)

    factories.method(merchant, service="MyPack Home")
    page.post(new_url(merchant), typed(merchant, None, [("FG1", "2", "")], number="S-2"))
    assert [hold.cause for hold in Order.objects.get(number="S-2").holds.all()] == [Cause.METHOD]


def test_a_reference_is_used_once_by_hand(page: Client, merchant: Merchant, sweater: Product) -> None:
    factories.order(merchant, number="S-1")
    answer = page.post(new_url(merchant), typed(merchant, None, [("FG1", "2", "")]))
    assert "There is an order S-1 made by hand already" in str(answer.context["form"].errors["number"])
    assert Order.objects.count() == 1


def test_a_shop_s_order_of_that_number_is_no_obstacle(page: Client, merchant: Merchant, sweater: Product) -> None:
    factories.order(merchant, number="S-1", integration=factories.integration(merchant))
    factories.order(factories.merchant(), number="S-1")
    page.post(new_url(merchant), typed(merchant, None, [("FG1", "2", "")]))
    assert Order.objects.for_merchant(merchant).filter(number="S-1").count() == 2


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (("FG9", "1", ""), "There is no product with this SKU."),
        (("fg 1", "1", ""), "Do you mean FG1?"),
        (("FG1", "", ""), "How many pieces?"),
        (("FG1", "0", ""), "How many pieces?"),
        (("FG1", "-1", ""), "whole number"),
        (("FG1", "²", ""), "whole number"),
        (("FG1", "1000000", ""), "more than any order has"),
        (("FG1", "1", "cheap"), "as in 399.00"),
        (("FG1", "1", "NaN"), "as in 399.00"),
        (("", "1", ""), "Which SKU?"),
    ],
)
def test_a_row_that_is_wrong_says_so_and_keeps_what_was_typed(
    page: Client, merchant: Merchant, sweater: Product, row: tuple[str, str, str], error: str
) -> None:
    text = page.post(new_url(merchant), typed(merchant, None, [row], comment="Keep me")).content.decode()
    assert error in text
    assert "Keep me" in text
    assert f'value="{row[1]}"' in text
    assert not Order.objects.exists()


def test_an_order_needs_a_line(page: Client, merchant: Merchant) -> None:
    text = page.post(new_url(merchant), typed(merchant, None, [("", "", "")])).content.decode()
    assert "at least one line with pieces" in text


def test_more_rows_lose_nothing(page: Client, merchant: Merchant, method: ShippingMethod) -> None:
    words = typed(merchant, method, [("FG1", "2", "")], more="1")
    answer = page.post(new_url(merchant), words)
    text = answer.content.decode()
    assert len(answer.context["lines"].rows) == 6
    assert 'value="FG1"' in text
    assert 'value="S-1"' in text
    assert f'<option value="{method.pk}" selected>' in text
    assert "errorlist" not in text


def test_only_active_methods_of_the_chosen_warehouse_may_be_used(
    page: Client, merchant: Merchant, sweater: Product, method: ShippingMethod
) -> None:
    house = factories.warehouse()
    elsewhere = factories.method(merchant, warehouse=house)
    answer = page.post(new_url(merchant), typed(merchant, elsewhere, [("FG1", "1", "")]))
    assert "another warehouse" in str(answer.context["form"].errors["method"])
    MerchantMethod.objects.update(state=MerchantMethod.State.REQUESTED)
    answer = page.post(new_url(merchant), typed(merchant, method, [("FG1", "1", "")]))
    assert "method" in answer.context["form"].errors
    assert not Order.objects.exists()


def test_another_merchants_warehouse_is_no_choice(page: Client, merchant: Merchant, sweater: Product) -> None:
    theirs = factories.merchant().warehouses.get()
    words = typed(merchant, None, [("FG1", "1", "")], warehouse=str(theirs.pk))
    assert "warehouse" in page.post(new_url(merchant), words).context["form"].errors


def test_who_may_only_look_makes_no_order(
    merchant: Merchant, sweater: Product, signed_in: Callable[[User], Client]
) -> None:
    viewer = signed_in(factories.viewer(merchant))
    assert viewer.get(new_url(merchant)).status_code == 403
    assert viewer.post(new_url(merchant), typed(merchant, None, [("FG1", "1", "")])).status_code == 403
    assert not Order.objects.exists()


# --- Edit ------------------------------------------------------------------------------------------


@pytest.fixture
def draft(merchant: Merchant, sweater: Product, method: ShippingMethod) -> Order:
    order = factories.order(merchant, method=method)
    factories.order_line(order, sweater, 2)
    return order


def save(client: Client, order: Order, sent: dict[str, Any]) -> Any:
    answer = client.post(edit_url(order), sent)
    order.refresh_from_db()
    return answer


def test_a_draft_is_edited_and_its_story_says_how(
    page: Client, draft: Order, beanie: Product, method: ShippingMethod
) -> None:
    sent = opened(page, draft, city="Uppsala", phone="")
    sent["sku"][1], sent["pieces"][:2] = "FG2", ["1", "4"]
    assert save(page, draft, sent).status_code == 302
    assert (draft.city, draft.phone, draft.status) == ("Uppsala", "", Status.DRAFT)
    assert dict(draft.lines.values_list("sku", "pieces")) == {"FG1": 1, "FG2": 4}
    event = draft.events.get()
    assert event.who == "Kim Berg"
    for words in ("City: Stockholm → Uppsala", "→ –", "FG1 2 → 1 piece;", "FG2 added, 4 pieces"):
        assert words in event.text
    assert held(draft) == {}


def test_the_warehouse_s_comment_is_the_warehouse_s(page: Client, draft: Order) -> None:
    Order.objects.filter(pk=draft.pk).update(warehouse_comment="The box is wet.")
    assert "warehouse_comment" not in page.get(edit_url(draft)).context["form"].fields
    assert save(page, draft, opened(page, draft, comment="Ring twice", warehouse_comment="All fine")).status_code == 302
    assert (draft.comment, draft.warehouse_comment) == ("Ring twice", "The box is wet.")


def test_the_total_of_an_order_by_hand_follows_its_lines(page: Client, draft: Order) -> None:
    sent = opened(page, draft)
    sent["price"][0], sent["pieces"][0] = "100", "3"
    save(page, draft, sent)
    assert draft.total == Decimal("300.00")

    part = moves.split(draft, {draft.lines.get().pk: 1}, "Kim Berg")
    draft.refresh_from_db()
    assert (draft.total, part.total) == (Decimal("200.00"), Decimal("100.00"))


def test_a_mail_address_that_is_none_is_refused_and_one_that_the_shop_wrote_stays(page: Client, draft: Order) -> None:
    form = save(page, draft, opened(page, draft, email="anna at example")).context["form"]
    assert "email" in form.errors
    Order.objects.filter(pk=draft.pk).update(email="as the shop wrote it")
    assert save(page, draft, opened(page, draft, city="Uppsala")).status_code == 302


def test_nothing_changed_leaves_no_line_in_the_story(page: Client, draft: Order) -> None:
    assert save(page, draft, opened(page, draft)).status_code == 302
    assert not draft.events.exists()


def test_edited_and_saved_as_new_it_goes(page: Client, draft: Order) -> None:
    save(page, draft, opened(page, draft, act="new", name="Bo Ek"))
    assert (draft.status, draft.name) == (Status.NEW, "Bo Ek")
    assert held(draft) == {"FG1": 2}


def test_a_line_by_hand_is_taken_out_by_no_pieces_and_may_get_another_sku(
    page: Client, draft: Order, sweater: Product, beanie: Product
) -> None:
    extra = factories.order_line(draft, sweater, 5)
    sent = opened(page, draft)
    sent["pieces"][0], sent["sku"][1] = "0", "FG2"
    save(page, draft, sent)
    extra.refresh_from_db()
    assert list(draft.lines.all()) == [extra]
    assert (extra.sku, extra.product, extra.pieces) == ("FG2", beanie, 5)


def test_a_reserved_order_goes_by_itself_when_the_reason_is_mended(page: Client, draft: Order) -> None:
    draft.city = ""
    draft.save()
    moves.save_as_new(draft, "Kim")
    assert draft.status == Status.RESERVED
    save(page, draft, opened(page, draft, city="Uppsala"))
    assert draft.status == Status.NEW
    assert not draft.holds.exists()


def test_reserved_on_purpose_it_stays_so_and_holds_what_it_has_now(page: Client, draft: Order) -> None:
    moves.reserve_on_purpose(draft, "Kim")
    sent = opened(page, draft, city="")
    sent["pieces"][0] = "7"
    save(page, draft, sent)
    assert draft.status == Status.RESERVED
    assert not draft.holds.exists()
    assert held(draft) == {"FG1": 7}


@pytest.mark.parametrize("pieces", [2, 99])
def test_new_and_pending_are_moved_to_draft_first(page: Client, draft: Order, pieces: int) -> None:
    sent = opened(page, draft, name="Bo Ek")
    draft.lines.update(pieces=pieces)
    moves.save_as_new(draft, "Kim")
    status = draft.status
    text = page.get(edit_url(draft)).content.decode()
    assert "Move it to DRAFT first" in text
    assert 'name="phone"' not in text
    answer = save(page, draft, sent)
    assert f"meanwhile the order became {status.upper()}" in answer.content.decode()
    assert "Bo Ek" in answer.content.decode()
    assert draft.name == "Anna Åberg"


def test_of_two_who_edit_nobody_s_words_are_lost(page: Client, draft: Order) -> None:
    first, second = opened(page, draft, city="Uppsala"), opened(page, draft, name="Bo Ek")
    save(page, draft, first)
    answer = save(page, draft, second)
    text = answer.content.decode()
    assert "Nothing was saved: Kim Berg changed this order while you typed" in text
    assert "Uppsala" in text
    assert 'value="Bo Ek"' in text
    assert (draft.city, draft.name) == ("Uppsala", "Anna Åberg")
    save(page, draft, {**second, "version": answer.context["version"]})
    assert (draft.city, draft.name) == ("Stockholm", "Bo Ek")


def test_deciding_it_again_is_no_conflict(page: Client, draft: Order) -> None:
    draft.city = ""
    draft.save()
    moves.save_as_new(draft, "Kim")
    sent = opened(page, draft, city="Uppsala")
    draft.save()  # as the task does that looks at waiting orders
    assert save(page, draft, sent).status_code == 302
    assert draft.city == "Uppsala"


def test_who_may_only_look_edits_nothing(draft: Order, page: Client, signed_in: Callable[[User], Client]) -> None:
    sent = opened(page, draft, name="Bo Ek")
    viewer = signed_in(factories.viewer(draft.merchant))
    assert viewer.get(edit_url(draft)).status_code == 403
    assert save(viewer, draft, sent).status_code == 403
    assert signed_in(factories.user()).post(edit_url(draft), sent).status_code == 404
    assert draft.name == "Anna Åberg"


# --- an order of a shop -----------------------------------------------------------------------------


@pytest.fixture
def shop(merchant: Merchant, sweater: Product) -> Integration:
    made = factories.integration(merchant)
    factories.webshop_product(made, ("FG1", "", ""), product=sweater)
    return made


@pytest.fixture
def from_shop(merchant: Merchant, shop: Integration, sweater: Product, method: ShippingMethod) -> Order:
    """A DRAFT of the shop; its one active method is the one that the shop's word means."""
    order = factories.order(merchant, integration=shop, shop_method="standard", method=method)
    factories.order_line(order, sweater, 2)
    return order


def line_of(order: Order) -> OrderLine:
    return order.lines.exclude(external_id="").get()


def test_a_line_of_the_shop_keeps_its_sku_and_its_id(page: Client, from_shop: Order, beanie: Product) -> None:
    before = line_of(from_shop)
    sent = opened(page, from_shop)
    sent["sku"][0], sent["pieces"][0] = "FG2", "1"
    save(page, from_shop, sent)
    after = line_of(from_shop)
    assert (after.pk, after.external_id, after.sku, after.pieces) == (before.pk, before.external_id, "FG1", 1)


def test_taken_out_the_shop_s_line_stays_with_no_pieces(page: Client, from_shop: Order, beanie: Product) -> None:
    sent = opened(page, from_shop)
    sent["pieces"][:2], sent["sku"][1] = ["0", "1"], "FG2"
    save(page, from_shop, sent)
    line = line_of(from_shop)
    assert (line.pieces, line.open_in_shop) == (0, 2)
    added = from_shop.lines.get(external_id="")
    assert (added.sku, added.product, added.open_in_shop) == ("FG2", beanie, 0)
    moves.save_as_new(from_shop, "Kim")
    assert from_shop.status == Status.NEW
    assert held(from_shop) == {"FG2": 1}


def test_the_shop_s_line_cannot_have_more_than_the_shop_has_open(page: Client, from_shop: Order) -> None:
    sent = opened(page, from_shop)
    sent["pieces"][0] = "3"
    assert "The shop has 2 of it open." in save(page, from_shop, sent).content.decode()
    assert line_of(from_shop).pieces == 2


def test_the_method_is_the_shop_s_until_somebody_chooses(
    page: Client, from_shop: Order, merchant: Merchant, method: ShippingMethod
) -> None:
    save(page, from_shop, opened(page, from_shop, city="Uppsala"))
    assert (from_shop.method, from_shop.is_method_chosen) == (method, False)
    other = factories.method(merchant)
    save(page, from_shop, opened(page, from_shop, method=str(other.pk)))
    assert (from_shop.method, from_shop.is_method_chosen) == (other, True)
    moves.save_as_new(from_shop, "Kim")
    assert from_shop.method == other
    moves.to_draft(from_shop, "Kim")
    save(page, from_shop, opened(page, from_shop, method=""))
    assert from_shop.is_method_chosen is False


def test_a_line_that_another_person_took_out_is_not_written_over(page: Client, draft: Order, sweater: Product) -> None:
    extra = factories.order_line(draft, sweater, 5)
    sent = opened(page, draft)
    extra.delete()
    text = save(page, draft, sent).content.decode()
    assert "no longer part of the order" in text
    assert draft.pieces == 2


# --- more than fits --------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["new", "draft"])
def test_prices_that_add_up_to_more_than_can_be_kept_are_said(
    page: Client, merchant: Merchant, sweater: Product, act: str
) -> None:
    answer = page.post(new_url(merchant), typed(merchant, None, [("FG1", "999999", "999999.99")] * 2, act=act))
    assert "The prices add up to more than 999,999,999,999." in answer.content.decode()
    assert not Order.objects.exists()
    page.post(new_url(merchant), typed(merchant, None, [("FG1", "1", "5")], act="draft"))
    order = Order.objects.get()
    answer = page.post(
        edit_url(order), opened(page, order, pieces=["999999", "", "", ""], price=["1000002", "", "", ""])
    )
    assert "The prices add up to more than 999,999,999,999." in answer.content.decode()
    assert order.lines.get().pieces == 1


def test_a_price_that_somebody_else_typed_meanwhile_stays(
    page: Client, merchant: Merchant, sweater: Product, beanie: Product
) -> None:
    page.post(new_url(merchant), typed(merchant, None, [("FG1", "1", "5")], act="draft"))
    order = Order.objects.get()
    mine = opened(page, order, comment="Mind the dog.")
    theirs = opened(page, order)
    theirs["sku"][1], theirs["pieces"][1], theirs["price"][1] = "FG2", "2", "7.50"
    page.post(edit_url(order), theirs)
    again = page.post(edit_url(order), mine)
    rows = again.context["lines"].rows
    mine["version"] = again.context["version"]
    mine["line"] = [str(row.line.pk) if row.line else "" for row in rows]
    mine |= {name: [getattr(row, name) for row in rows] for name in ("sku", "pieces", "price")}
    page.post(edit_url(order), mine)
    order.refresh_from_db()
    assert (order.comment, order.total) == ("Mind the dog.", Decimal("20.00"))
    assert order.lines.get(sku="FG2").price == Decimal("7.50")


def test_an_order_of_very_many_lines_can_be_corrected(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    order = factories.order(merchant, integration=shop, shop=shop.shop, status=Status.RESERVED, city="")
    facts = {"order": order, "pieces": 2, "ordered": 2, "open_in_shop": 2}
    OrderLine.objects.bulk_create(OrderLine(sku=f"FG{n}", external_id=str(n), **facts) for n in range(800))
    sent = opened(page, order, city="Lund")
    sent["pieces"][799] = "1"
    assert page.post(edit_url(order), sent)["Location"] == order.get_absolute_url()
    order.refresh_from_db()
    assert (order.city, order.pieces) == ("Lund", 1599)


# --- countries -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["XK", "UK"])
def test_the_country_of_the_shop_s_order_is_not_lost_by_an_edit(page: Client, merchant: Merchant, code: str) -> None:
    """Kosovo has a code that ISO leaves to its users; a code that is nobody's is asked for."""
    shop = factories.integration(merchant)
    order = factories.order(merchant, integration=shop, shop=shop.shop, status=Status.RESERVED, country=code)
    factories.order_line(order, factories.product(merchant, "FG1"), 2, external_id="1", open_in_shop=2)
    sent = opened(page, order, comment="Mind the dog.")
    choices = [str(key) for key, _name in page.get(edit_url(order)).context["form"].fields["country"].choices]
    sent["country"] = code if code in choices else ""  # what a browser shows as chosen
    answer = page.post(edit_url(order), sent)
    order.refresh_from_db()
    assert (str(order.country), order.comment) == (code, "Mind the dog." if code == "XK" else "")
    if code == "UK":
        assert "“UK” is no country that is known here. Choose the one that is meant." in answer.content.decode()
