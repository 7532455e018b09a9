"""One order's page: what it says, what may be done there, and the answers."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from merchants.models import Merchant, User
from orders import moves, short
from orders.models import Cause, Order, OrderProcessing, Shipment, Status
from products.models import Product
from tests import factories
from tests.orders import desk_orders

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant)


@pytest.fixture
def sweater(merchant: Merchant, shop: Integration) -> Product:
    """Linked to the shop's FG1 -NVY -M; seven on the shelf."""
    product = factories.product(merchant, "FG1-NVY-M", name="Harbour sweater · Navy · M")
    factories.webshop_product(shop, ("FG1", "-NVY", "-M"), product=product)
    factories.stock(product, merchant.warehouses.get(), 7)
    return product


@pytest.fixture
def order(merchant: Merchant, shop: Integration, sweater: Product) -> Order:
    """Of the shop, three pieces, ready to be saved as NEW."""
    made = factories.order(merchant, integration=shop, number="70412", shop_method="standard", currency="SEK")
    made.method, made.is_method_chosen, made.total = factories.method(merchant), True, Decimal("1197.00")
    made.bill_to = {"name": "Åberg AB", "city": "Uppsala"}
    made.save()
    factories.order_line(made, sweater, 3, price=Decimal("399.00"), vat_percent=Decimal("25.00"))
    return made


def text_of(client: Client, order: Order) -> str:
    answer = client.get(order.get_absolute_url())
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def act(client: Client, order: Order, act: str) -> Any:
    answer = client.post(reverse("orders:act", args=[order.merchant_id, order.pk]), {"act": act}, follow=True)
    order.refresh_from_db()
    return answer


def set_status(client: Client, order: Order, status: str, **words: str) -> Any:
    address = reverse("orders:set_status", args=[order.merchant_id, order.pk])
    answer = client.post(address, {"status": status, "seen": order.status, **words}, follow=True)
    order.refresh_from_db()
    return answer


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


# --- who ---------------------------------------------------------------------------------------


def test_a_viewer_reads_it_all_and_changes_nothing(order: Order, signed_in: Callable[[User], Client]) -> None:
    viewer = signed_in(factories.viewer(order.merchant))
    text = text_of(viewer, order)
    assert "Harbour sweater" in text
    for button in ("Save</button>", "Split", "Edit</a>", 'type="radio"'):
        assert button not in text
    assert set_status(viewer, order, "new").status_code == 403
    assert act(viewer, order, "ask").status_code == 403
    assert order.status == Status.DRAFT
    assert signed_in(factories.user()).get(order.get_absolute_url()).status_code == 404


# --- what it says --------------------------------------------------------------------------------


def test_it_shows_the_whole_order(page: Client, order: Order) -> None:
    order.pickup_point, order.comment, order.customisation = "PN-31245", "Ring twice", "Gift wrap"
    order.save()
    order.tell("Read 41 s later.")
    text = text_of(page, order)
    assert "<title>Order 70412 · myOGO</title>" in text
    assert '<span class="a">FG1</span><span class="b">-NVY</span><span class="c">-M</span>' in text
    assert 'data-l="Pieces:">3</td>' in text
    assert 'data-l="On hand:">7</td>' in text
    for words in ("Anna Åberg", "111 51 Stockholm, Sweden", "Pick-up point: PN-31245", "Chosen by hand.", "Ring twice"):
        assert words in text
    for words in (
        "Gift wrap",
        "1,197",
        "Åberg AB<br>Uppsala",
        "Read 41 s later.",
        "399.00 SEK each, 25 % VAT",
        "last change",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ({"city": ""}, "111 51, Sweden"),
        ({"city": "", "zip_code": ""}, "Sweden"),
        ({"city": "", "state": "AB"}, "111 51 AB, Sweden"),
        ({"state": "AB"}, "111 51 Stockholm, AB, Sweden"),
        ({"country": ""}, "111 51 Stockholm"),
    ],
)
def test_an_address_that_lacks_something_leaves_no_comma_behind(
    page: Client, order: Order, place: dict[str, str], line: str
) -> None:
    Order.objects.filter(pk=order.pk).update(**place)
    assert re.search(rf"<br>\s*{line}\s*</p>", text_of(page, order))


def test_the_bill_names_its_country_as_the_parcel_does(page: Client, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(bill_to={"name": "Åberg AB", "country": "SE"})
    assert "Åberg AB<br>Sweden" in text_of(page, order)
    Order.objects.filter(pk=order.pk).update(bill_to={"name": "Åberg AB", "country": "Narnia"})
    assert "Åberg AB<br>Narnia" in text_of(page, order)


def test_the_nine_words_stand_there_and_only_what_may_be_is_choosable(page: Client, order: Order) -> None:
    words = page.get(order.get_absolute_url()).context["words"]
    assert [word.label for word in words] == [status.label for status in Status]
    assert {word.value for word in words if word.may_be_chosen} == {"draft", "new", "reserved", "cancelled"}
    moves.save_as_new(order, "Kim")
    words = page.get(order.get_absolute_url()).context["words"]
    assert {word.value for word in words if word.may_be_chosen} == {"new", "draft", "cancelled"}
    assert [word.value for word in words if word.is_done] == ["draft"]
    text = text_of(page, order)
    assert 'value="shipped" disabled' in text
    assert "To edit it, move it to DRAFT and save." in text


def test_the_story_ends_with_what_comes_next(page: Client, order: Order) -> None:
    expected: list[tuple[Callable[[], object], str]] = [
        (lambda: moves.save_as_new(order, "Kim"), "The warehouse collects it."),
        (lambda: moves.ask_to_hand_over(order, "Staff"), "The shop is asked; then it is COLLECTING."),
        (lambda: desk_orders.collect(order), "the shop is told the tracking code at once"),
        (lambda: moves.ask_to_cancel(order, "Kim"), "The warehouse answers the request to cancel."),
        (
            lambda: moves.answer_cancellation(order, "Staff", is_agreed=False),
            "the shop is told the tracking code at once",
        ),
        (lambda: moves.ship(order, ParcelData(tracking_code="SE1"), "Staff"), "The shop is told the tracking code."),
    ]
    for move, sentence in expected:
        move()
        assert sentence in text_of(page, order)
    Order.objects.filter(pk=order.pk).update(told_at=timezone.now())
    assert 'class="next"' not in text_of(page, order)


def test_cancelled_here_and_open_in_the_shop_it_says_that_the_shop_is_not_told(page: Client, order: Order) -> None:
    moves.cancel(order, "Kim")
    assert "The shop still has it open, and is not told: cancel it there too." in text_of(page, order)
    order.lines.update(open_in_shop=0)
    assert 'class="next"' not in text_of(page, order)


def test_tracking_can_be_followed_from_its_page(page: Client, order: Order) -> None:
    assert order.method
    order.method.tracking_url = "https://track.example/{code}"
    order.method.save()
    moves.save_as_new(order, "Kim")
    moves.ask_to_hand_over(order, "Staff")
    desk_orders.collect(order)
    moves.ship(order, ParcelData(tracking_code="SE123"), "Staff")
    assert '<a href="https://track.example/SE123"' in text_of(page, order)


def test_the_packing_list_names_pieces_and_address(page: Client, order: Order) -> None:
    text = page.get(reverse("orders:packing_list", args=[order.merchant_id, order.pk])).content.decode()
    assert "FG1-NVY-M" in text
    assert "Drottninggatan 1" in text


def test_the_packing_list_shows_a_line_whose_product_is_not_known(page: Client, order: Order) -> None:
    factories.order_line(order, sku="UNHEARD-OF", name="", pieces=1)
    text = page.get(reverse("orders:packing_list", args=[order.merchant_id, order.pk])).content.decode()
    assert "UNHEARD-OF" in text


@pytest.fixture
def everything(order: Order) -> Order:
    """Every panel open: twenty lines and reasons, another part, a change, requests, a payment that failed."""
    house, now = order.warehouse, timezone.now()
    for number in range(20):
        product = factories.product(order.merchant, f"X{number}")
        factories.stock(product, house, number % 2)
        factories.order_line(order, product, 1, found=0, returned=0)
        order.holds.create(cause=Cause.UNKNOWN_SKU, subject=f"X{number}", text="Not in the shop.")
        order.tell("Looked at.")
    for cause in Cause.values:
        order.holds.create(cause=cause, subject="standard" if cause == Cause.METHOD else "", text="Why it waits.")
    part = factories.order(order.merchant, integration=order.integration, number=order.number, part=1000)
    Order.objects.filter(pk=part.pk).update(split_from=order)
    order.channel = order.merchant.channels.create(name="Nordlys Outlet")
    order.shipment = Shipment.objects.create(
        integration=order.integration, shop=order.shop, number=order.number, capture_error="Card expired"
    )
    line = {"external_id": "1", "sku": "FG1-NVY-M", "ean": "", "name": "", "pieces": 1}
    order.taken, order.offered = {"lines": [line]}, {"lines": [{**line, "pieces": 2}]}
    order.facts = {"short": "Not found in the warehouse."}
    order.cancel_asked_at, order.needs_refund, order.is_method_chosen = now, True, False
    order.promised_at, order.returned_at, order.tell_error = now, now, "The shop has closed it."
    order.is_shown, order.tracking_code = True, "SE1"
    order.save()
    return order


@pytest.mark.parametrize("status", Status)
def test_in_every_status_and_with_every_panel_the_page_costs_at_most_fifteen_queries(
    page: Client, everything: Order, status: Status, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    Order.objects.filter(pk=everything.pk).update(status=status)
    with django_assert_max_num_queries(15):
        text = text_of(page, everything)
    for words in ("Why it waits", "What the shop says now", "Refund it in Centra", "Other parts"):
        assert words in text


# --- the status bar --------------------------------------------------------------------------------


def test_saving_the_status_bar_moves_the_order(page: Client, order: Order) -> None:
    assert said(set_status(page, order, "new")) == "The order is NEW."
    assert order.status == Status.NEW
    set_status(page, order, "cancelled")
    assert order.status == Status.CANCELLED
    assert order.events.filter(who="Kim Berg", text="Cancelled.").exists()


def test_more_than_the_shelf_has_becomes_pending_and_says_so(page: Client, order: Order) -> None:
    order.lines.update(pieces=8, ordered=8, open_in_shop=8)
    assert "PENDING: it becomes NEW by itself" in said(set_status(page, order, "new"))
    assert order.status == Status.PENDING


@pytest.mark.parametrize("status", ["shipped", "collecting", "locked"])
def test_what_the_bar_does_not_offer_is_refused(page: Client, order: Order, status: str) -> None:
    assert f"DRAFT cannot become {status.upper()}" in said(set_status(page, order, status))
    assert order.status == Status.DRAFT


def test_an_old_page_moves_nothing(page: Client, order: Order) -> None:
    moves.cancel(order, "Another")
    assert "meanwhile the order became CANCELLED" in said(set_status(page, order, "new", seen="reserved"))
    assert order.status == Status.CANCELLED


# --- why it waits, and where that is mended ---------------------------------------------------------


def hold(order: Order, cause: Cause, subject: str = "", text: str = "Why it waits.") -> None:
    Order.objects.filter(pk=order.pk).update(status=Status.RESERVED)
    order.holds.create(cause=cause, subject=subject, text=text)


def test_each_reason_leads_to_its_mend(page: Client, order: Order, shop: Integration) -> None:
    merchant = order.merchant_id
    factories.webshop_product(shop, ("FG9", "", ""))
    edit = reverse("orders:edit", args=[merchant, order.pk])
    mends = {
        (Cause.UNKNOWN_SKU, "FG9"): reverse("products:sync", args=[merchant]) + f"?shop={shop.pk}&q=FG9&tab=new",
        (Cause.ADDRESS, ""): edit,
        (Cause.PHONE, ""): edit,
        (Cause.PICKUP_POINT, ""): edit,
        (Cause.WAREHOUSES, ""): reverse("integrations:edit", args=[merchant, shop.pk]),
        (Cause.PAID_ELSEWHERE, ""): reverse("integrations:edit", args=[merchant, shop.pk]),
        (Cause.SHOP_HOLD, ""): reverse("integrations:edit", args=[merchant, shop.pk]) + "#look-intake",
    }
    for cause, subject in mends:
        hold(order, cause, subject)
    reasons = page.get(order.get_absolute_url()).context["reasons"]
    found = {(one.hold.cause, one.hold.subject): one.mend.url if one.mend else "" for one in reasons}
    assert found == {(cause.value, subject): url for (cause, subject), url in mends.items()}
    for url in filter(None, found.values()):
        assert page.get(url).status_code == 200


def test_a_word_that_is_not_linked_leads_to_the_link(page: Client, order: Order) -> None:
    hold(order, Cause.METHOD, "standard & more")
    (reason,) = page.get(order.get_absolute_url()).context["reasons"]
    assert reason.mend.url.endswith("?value=standard+%26+more")
    answer = page.get(reason.mend.url)
    assert answer.status_code == 200
    assert "standard &amp; more" in answer.content.decode()


def test_only_what_may_be_overruled_has_the_button(page: Client, order: Order) -> None:
    hold(order, Cause.UNKNOWN_SKU, "FG9")
    assert "Send it all the same" not in text_of(page, order)
    hold(order, Cause.PHONE)
    assert text_of(page, order).count("Send it all the same") == 1
    assert "must be mended" in said(act(page, order, "overrule:unknown sku"))
    assert order.overruled == []


def test_overruled_it_goes(page: Client, order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(city="")
    set_status(page, order, "new")
    assert order.status == Status.RESERVED
    act(page, order, "overrule:address")
    assert order.status == Status.NEW


def test_a_refused_payment_is_tried_again_by_a_button(page: Client, order: Order) -> None:
    order.facts = {"capture": "Payment refused: do not ship."}
    order.shipment = Shipment.objects.create(
        integration=order.integration, shop=order.shop, number=order.number, capture_error="Card expired"
    )
    order.save()
    moves.save_as_new(order, "Kim")
    assert order.status == Status.RESERVED
    assert 'value="capture">Try capture again</button>' in text_of(page, order)
    act(page, order, "capture")
    assert "capture" not in order.facts
    assert order.status == Status.NEW


def test_an_act_that_is_none_does_nothing(page: Client, order: Order) -> None:
    for word in ("", "fly", "overrule:flying"):
        assert said(act(page, order, word)) == "Nothing was done."
    assert order.status == Status.DRAFT


# --- what the shop says now --------------------------------------------------------------------------


@pytest.fixture
def changed(order: Order) -> Order:
    """NEW, and then the shop has another street and one piece less."""
    line = order.lines.get()
    address = {key: str(getattr(order, key)) for key in ("name", "company", "address", "address2", "zip_code", "city")}
    address |= {key: str(getattr(order, key)) for key in ("state", "country", "phone", "email")}
    told = {"external_id": line.external_id, "sku": line.sku, "ean": "", "name": line.name, "pieces": 3}
    words = {"shop_method": "standard", "ingrid_method": "", "pickup_point": ""}
    order.taken = {"lines": [told], "address": address, **words}
    now = {**address, "address": "Storgatan 9"}
    brought = {line.external_id: {"open": 2, "elsewhere": 0}}
    order.offered = {"lines": [{**told, "pieces": 2}], "address": now, **words, "brought": brought}
    order.save()
    moves.save_as_new(order, "Kim")
    return order


def test_the_difference_is_shown(page: Client, changed: Order) -> None:
    assert changed.status == Status.RESERVED
    answer = page.get(changed.get_absolute_url())
    assert [row[1:] for row in answer.context["differences"]] == [
        ("3 × FG1-NVY-M", "2 × FG1-NVY-M"),
        ("Drottninggatan 1", "Storgatan 9"),
    ]
    assert "#difference" in answer.content.decode()


def test_accepted_it_is_taken_over(page: Client, changed: Order) -> None:
    act(page, changed, "accept")
    assert (changed.address, changed.pieces, changed.status) == ("Storgatan 9", 2, Status.NEW)
    assert changed.offered is None


def test_refused_it_goes_as_it_was(page: Client, changed: Order) -> None:
    act(page, changed, "refuse")
    assert (changed.address, changed.pieces, changed.status) == ("Drottninggatan 1", 3, Status.NEW)
    assert changed.offered is None


@pytest.mark.parametrize("pressed", ["accept", "refuse"])
def test_an_answer_is_only_to_the_difference_that_its_page_showed(page: Client, changed: Order, pressed: str) -> None:
    seen = page.get(changed.get_absolute_url()).context["seal"]
    assert f'name="seen" value="{seen}"' in text_of(page, changed)
    before = changed.offered
    assert before
    offered = {**before, "address": {**before["address"], "city": "Lund"}}
    Order.objects.filter(pk=changed.pk).update(offered=offered)
    for _time in range(2):
        answer = page.post(
            reverse("orders:act", args=[changed.merchant_id, changed.pk]), {"act": pressed, "seen": seen}, follow=True
        )
        changed.refresh_from_db()
        assert [str(one) for one in answer.context["messages"]] == [
            "Nothing was done: the shop changed it once more. See the difference as it is now."
        ]
        assert (changed.status, changed.offered, changed.city) == (Status.RESERVED, offered, "Stockholm")
    page.post(
        reverse("orders:act", args=[changed.merchant_id, changed.pk]), {"act": pressed, "seen": answer.context["seal"]}
    )
    changed.refresh_from_db()
    assert (changed.status, changed.offered, changed.city) == (
        Status.NEW,
        None,
        "Lund" if pressed == "accept" else "Stockholm",
    )


# --- with the warehouse --------------------------------------------------------------------------------


@pytest.fixture
def collecting(order: Order) -> Order:
    moves.save_as_new(order, "Kim")
    moves.ask_to_hand_over(order, "Staff")
    desk_orders.collect(order)
    return order


def test_a_cancellation_is_requested_once_and_too_late_is_said_in_red(page: Client, collecting: Order) -> None:
    assert "Request a cancellation</button>" in text_of(page, collecting)
    act(page, collecting, "ask")
    assert collecting.is_cancellation_open
    text = text_of(page, collecting)
    assert "Cancellation requested" in text
    assert "Request a cancellation</button>" not in text
    moves.answer_cancellation(collecting, "Staff", is_agreed=False)
    text = text_of(page, collecting)
    assert "Too late to cancel" in text
    assert 'class="note bad"' in text


def test_an_agreed_one_that_was_paid_asks_for_the_refund_until_it_is_ticked_off(
    page: Client, collecting: Order
) -> None:
    collecting.shipment = Shipment.objects.create(shop=collecting.shop, number=collecting.number, is_paid=True)
    collecting.save()
    act(page, collecting, "ask")
    moves.answer_cancellation(collecting, "Staff", is_agreed=True)
    text = text_of(page, collecting)
    assert "The warehouse agreed to cancel" in text
    assert "Refund it in Centra" in text
    act(page, collecting, "refunded")
    assert not collecting.needs_refund
    assert "Refund it in Centra" not in text_of(page, collecting)


@pytest.mark.parametrize(
    ("pressed", "answer"),
    [
        ("accept", "The shop’s change was answered, or taken back, meanwhile."),
        ("refuse", "The shop’s change was answered, or taken back, meanwhile."),
        ("refunded", "Nothing is to be refunded, or it was ticked off meanwhile."),
    ],
)
@pytest.mark.parametrize("status", Status.values)
def test_what_is_not_asked_cannot_be_answered(
    page: Client, order: Order, status: str, pressed: str, answer: str
) -> None:
    Order.objects.filter(pk=order.pk).update(status=status)
    before = Order.objects.filter(pk=order.pk).values().get()
    for _time in range(2):
        said = [(one.level_tag, str(one)) for one in act(page, order, pressed).context["messages"]]
        assert said == [("error", answer)]
    assert Order.objects.filter(pk=order.pk).values().get() == before
    assert not order.events.exists()


@pytest.fixture
def short_pick(collecting: Order) -> Order:
    """Three are paid, one was found."""
    collecting.shipment = Shipment.objects.create(
        integration=collecting.integration, shop=collecting.shop, number=collecting.number, is_paid=True
    )
    collecting.save()
    short.found(collecting, {collecting.lines.get().pk: 1}, "Staff")
    return collecting


def test_of_a_short_pick_the_merchant_may_wait_and_later_send_all_the_same(page: Client, short_pick: Order) -> None:
    text = text_of(page, short_pick)
    assert "Not found in the warehouse: 2 × FG1-NVY-M" in text
    assert "1 found at picking" in text
    act(page, short_pick, "wait")
    text = text_of(page, short_pick)
    assert "It waits until the warehouse has found the rest." in text
    assert 'value="wait"' not in text
    act(page, short_pick, "send")
    assert (short_pick.status, short_pick.pieces, short_pick.needs_refund) == (Status.COLLECTING, 1, True)
    text = text_of(page, short_pick)
    assert "Refund it in Centra" in text
    assert 'value="send"' not in text


def test_sent_and_not_paid_can_be_captured_again(page: Client, short_pick: Order) -> None:
    act(page, short_pick, "send")
    moves.ship(short_pick, ParcelData(tracking_code="SE1"), "Staff")
    Shipment.objects.update(capture_error="Card expired", is_paid=False)
    text = text_of(page, short_pick)
    assert "It is sent, and not paid" in text
    assert "Card expired" in text
    assert "Try capture again" in text
    act(page, short_pick, "capture")
    assert Shipment.objects.get().capture_error == ""


# --- splitting --------------------------------------------------------------------------------------------


def split_url(order: Order) -> str:
    return reverse("orders:split", args=[order.merchant_id, order.pk])


def test_split_moves_the_pieces_that_were_said(page: Client, order: Order) -> None:
    line = order.lines.get()
    answer = page.post(split_url(order), {f"pieces-{line.pk}": "1"}, follow=True)
    part = order.splits.get()
    assert answer.redirect_chain[-1][0] == part.get_absolute_url()
    assert (order.pieces, part.pieces) == (2, 1)
    assert part.label in text_of(page, order)


@pytest.mark.parametrize("typed", ["0", "3", "9", "-1", "two", "1.5", "²", "9" * 30])
def test_a_split_that_makes_no_sense_is_refused_and_keeps_what_was_typed(
    page: Client, order: Order, typed: str
) -> None:
    line = order.lines.get()
    answer = page.post(split_url(order), {f"pieces-{line.pk}": typed})
    assert answer.status_code == 200
    assert f'value="{typed}"' in answer.content.decode()
    assert answer.context["error"]
    assert Order.objects.count() == 1


def test_the_preset_sends_what_is_there(page: Client, order: Order) -> None:
    order.lines.update(pieces=9, ordered=9, open_in_shop=9)
    moves.save_as_new(order, "Kim")
    assert order.status == Status.PENDING
    assert f"{split_url(order)}?rest=1" in text_of(page, order)
    (row,) = page.get(split_url(order), {"rest": "1"}).context["rows"]
    assert (row["now"], row["typed"]) == (7, "2")
    page.post(split_url(order), {f"pieces-{row['line'].pk}": row["typed"]})
    order.refresh_from_db()
    assert (order.status, order.splits.get().status) == (Status.NEW, Status.PENDING)


def test_split_pressed_twice_splits_once(page: Client, order: Order) -> None:
    moves.save_as_new(order, "Kim")
    shown = page.get(split_url(order))
    assert f'name="seen" value="{shown.context["seen"]}"' in shown.content.decode()
    typed = {f"pieces-{order.lines.get().pk}": "1", "seen": shown.context["seen"]}
    assert page.post(split_url(order), typed).status_code == 302
    for _time in range(2):
        again = page.post(split_url(order), typed)
        assert again.context["error"].startswith("Nothing was split: the order was changed meanwhile.")
        assert [(one.pieces, one.status) for one in Order.objects.order_by("part")] == [(2, "new"), (1, "new")]
    assert page.post(split_url(order), {**typed, "seen": again.context["seen"]}).status_code == 302
    assert order.splits.count() == 2


def test_one_piece_cannot_be_split(page: Client, order: Order) -> None:
    order.lines.update(pieces=1)
    assert "This order cannot be split" in page.get(split_url(order)).content.decode()
    assert split_url(order) not in text_of(page, order)


# --- Order processing ---------------------------------------------------------------------------------------


def test_wishes_are_kept(page: Client, merchant: Merchant, signed_in: Callable[[User], Client]) -> None:
    address = reverse("orders:processing", args=[merchant.pk])
    assert 'value="forward"' in page.get(address).content.decode()
    page.post(address, {"splits_pending": "on", "customisation": "stop"})
    wishes = OrderProcessing.objects.get(merchant=merchant)
    assert (wishes.splits_pending, wishes.sends_without_phone, wishes.fills_customs) == (True, False, False)
    assert wishes.customisation == "stop"
    viewer = signed_in(factories.viewer(merchant))
    assert "stop the order and ask me" in viewer.get(address).content.decode()
    assert viewer.post(address, {"customisation": "remove"}).status_code == 403
    assert page.post(address, {"customisation": "dance"}).status_code == 200
    wishes.refresh_from_db()
    assert wishes.customisation == "stop"
