"""The front page in its parts: counts, what needs a person, what is missing, orders per day, how long things took."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration, SyncState
from merchants.access import in_zone
from merchants.models import Merchant
from orders import deciding, deleting, front, moves
from orders.front import completeness, days, shops
from orders.models import Cause, Order, Shipment, Status
from orders.reading import Skip
from products.models import Product, Reservation, ShopFigure, Stock, StockUpdate, StockUpdateLine
from products.problems import Code
from shipping.models import Carrier, MerchantMethod, ShippingMethod
from tests import factories

pytestmark = pytest.mark.django_db
numbers = count(70_001)


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    made = factories.integration(merchant)
    Integration.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(days=30))
    made.refresh_from_db()
    return made


def order(merchant: Merchant, **fields: Any) -> Order:
    warehouse = merchant.warehouses.get()
    return Order.objects.create(
        **{"merchant": merchant, "warehouse": warehouse, "number": str(next(numbers)), "status": Status.NEW, **fields}
    )


def held(merchant: Merchant, cause: Cause, subject: str = "", text: str = "It waits.", **fields: Any) -> Order:
    made = order(merchant, status=Status.RESERVED, **fields)
    made.holds.create(cause=cause, subject=subject, text=text)
    return made


def look(merchant: Merchant) -> front.FrontPage:
    with in_zone(merchant.time_zone):
        return front.look(merchant)


def stat(merchant: Merchant, label: str) -> tuple[int, str]:
    return next((one.value, one.hint) for one in look(merchant).stats if one.label == label)


def attention(merchant: Merchant) -> dict[str, str]:
    """Address by title."""
    return {one.title: one.url for one in look(merchant).attention}


# --- counts --------------------------------------------------------------------------------


def test_what_is_a_draft_is_not_forgotten_for_it_goes_nowhere_by_itself(
    page: Client, merchant: Merchant, shop: Integration
) -> None:
    assert look(merchant).attention == []
    for hours in (2, 30):
        since = timezone.now() - timedelta(hours=hours)
        order(merchant, status=Status.DRAFT, integration=shop, shop=shop.shop, status_changed_at=since)
        said = look(merchant).attention[0]
    assert (said.title, said.tone) == ("2 orders are DRAFT", "wait")
    assert said.text.startswith("Oldest 1 d 6 h. They hold no pieces")
    assert page.get(said.url).context["page"].paginator.count == 2
    Order.objects.update(status=Status.CANCELLED)
    assert look(merchant).attention == []


def test_each_status_is_counted_and_leads_to_its_list(page: Client, merchant: Merchant, shop: Integration) -> None:
    now = timezone.now()
    for status, number in ((Status.NEW, 3), (Status.COLLECTING, 2), (Status.PENDING, 1), (Status.RESERVED, 4)):
        for _each in range(number):
            order(merchant, status=status, status_changed_at=now - timedelta(minutes=72))
    order(merchant, status=Status.DRAFT)
    order(factories.merchant(), status=Status.NEW)
    found = look(merchant)
    assert [(one.label, one.value) for one in found.stats] == [
        ("NEW", 3),
        ("COLLECTING", 2),
        ("SHIPPED today", 0),
        ("PENDING", 1),
        ("RESERVED", 4),
    ]
    assert found.stats[0].hint == "oldest 1 h 12 min"
    assert found.stats[1].hint == f"{merchant.warehouses.get().code} 2"
    assert found.stats[4].hint == "on purpose"
    for one in found.stats:
        assert page.get(one.url).status_code == 200


def test_shipped_today_says_what_the_shop_was_not_told(merchant: Merchant, shop: Integration) -> None:
    now = timezone.now()
    shipped = {"status": Status.SHIPPED, "integration": shop, "shipped_at": now}
    order(merchant, **shipped, told_at=now)
    assert stat(merchant, "SHIPPED today") == (1, "all told to the shop")
    order(merchant, **shipped)
    assert stat(merchant, "SHIPPED today") == (2, "1 not told to the shop yet")


@pytest.mark.parametrize(("zone", "number"), [("Europe/Stockholm", 1), ("UTC", 0), ("America/New_York", 1)])
def test_today_is_the_merchant_s_day(merchant: Merchant, zone: str, number: int) -> None:
    """At 00:30 in Stockholm what was sent at 00:10 is today's; in UTC it was sent today only after midnight there."""
    merchant.time_zone = zone
    merchant.save()
    sent_at = datetime(2026, 11, 22, 23, 10, tzinfo=UTC)
    with time_machine.travel(datetime(2026, 11, 23, 0, 10, tzinfo=UTC), tick=False):
        order(merchant, status=Status.SHIPPED, shipped_at=sent_at)
        assert stat(merchant, "SHIPPED today")[0] == number


def test_pending_says_for_how_many_products(merchant: Merchant) -> None:
    for sku, pieces in (("FG1", 2), ("FG2", 1), ("FG3", 1)):
        product = factories.product(merchant, sku)
        stock = Stock.objects.create(product=product, warehouse=merchant.warehouses.get(), reserved=pieces)
        one = order(merchant, status=Status.PENDING)
        Reservation.objects.create(
            stock=stock, reference=str(one.pk), label=one.number, held=pieces, promised_at=timezone.now(),
            is_covered=sku == "FG3",
        )  # fmt: skip
    assert stat(merchant, "PENDING") == (3, "waiting for 2 products")


def test_reserved_says_whose_turn_it_is(merchant: Merchant, shop: Integration) -> None:
    held(merchant, Cause.PAYMENT, integration=shop)
    assert stat(merchant, "RESERVED") == (1, "waits for the shop")
    held(merchant, Cause.PHONE, integration=shop)
    assert stat(merchant, "RESERVED") == (2, "needs you")


# --- what needs a person -------------------------------------------------------------------


def test_orders_that_wait_for_the_same_are_one_line_with_one_mend(
    page: Client, merchant: Merchant, shop: Integration
) -> None:
    for _each in range(9):
        held(merchant, Cause.METHOD, "Express home", integration=shop)
    for _each in range(2):
        held(merchant, Cause.UNKNOWN_SKU, "FG9001-RED-M", integration=shop)
    one = held(merchant, Cause.PHONE, text="DHL needs a phone number.", integration=shop)
    found = attention(merchant)
    assert "9 orders wait: “Express home” is not linked to an active shipping method" in found
    sku = found["2 orders wait: SKU FG9001-RED-M is linked to no product"]
    assert sku == reverse("products:sync", args=[merchant.pk]) + f"?shop={shop.pk}&q=FG9001-RED-M"
    assert found["1 order waits: phone number missing"] == reverse("orders:order", args=[merchant.pk, one.pk])
    first = look(merchant).attention[0]
    assert "Linking it frees all 9 at once." in first.text
    Order.objects.filter(holds__subject="Express home").earliest("pk").holds.create(cause=Cause.PHONE, text="No phone.")
    assert "frees 8 of them at once; the others have further reasons." in look(merchant).attention[0].text
    assert page.get(sku).status_code == 200


def test_what_only_the_shop_can_let_go_comes_last(merchant: Merchant, shop: Integration) -> None:
    for _each in range(3):
        held(merchant, Cause.PAYMENT, integration=shop)
    held(merchant, Cause.CAPTURE, integration=shop)
    titles = [one.title for one in look(merchant).attention]
    assert titles == ["1 order waits: payment refused: do not ship", "3 orders wait: waiting for payment"]


def test_a_paid_order_that_was_cancelled_must_be_refunded(page: Client, merchant: Merchant, shop: Integration) -> None:
    order(merchant, status=Status.CANCELLED, needs_refund=True, integration=shop)
    order(merchant, status=Status.CANCELLED, integration=shop)
    one = look(merchant).attention[0]
    assert one.title == "1 paid order must be refunded"
    assert "Refund it in Centra" in one.text
    assert page.get(one.url).status_code == 200


def test_a_refund_of_an_order_that_is_sent_in_part_is_still_owed(page: Client, merchant: Merchant) -> None:
    order(merchant, status=Status.SHIPPED, needs_refund=True, told_at=timezone.now())
    assert page.get(attention(merchant)["1 paid order must be refunded"]).status_code == 200


def test_what_only_the_merchant_can_answer_after_hand_over_is_said(
    page: Client, merchant: Merchant, shop: Integration
) -> None:
    order(merchant, status=Status.COLLECTING, integration=shop, facts={"short": "Not found: 1 × FG1."})
    shipped = order(merchant, status=Status.SHIPPED, integration=shop, tell_error="Refused.")
    unpaid = order(merchant, status=Status.SHIPPED, integration=shop, tell_error="Not paid.")
    unpaid.shipment = Shipment.objects.create(integration=shop, external_id="1-1", capture_error="Card expired.")
    unpaid.save()
    found = attention(merchant)
    for title, meant in {
        "1 order: fewer pieces were found": "COLLECTING",
        "1 order is sent, and not paid": unpaid.number,
        "1 order is sent, and the shop does not take it": shipped.number,
    }.items():
        listed = page.get(found[title])
        assert [meant in (one.number, one.status.upper()) for one in listed.context["page"]] == [True]


def test_stock_that_waits_for_a_word_is_said(page: Client, merchant: Merchant, shop: Integration) -> None:
    for sku in ("FG1", "FG2"):
        item = factories.webshop_product(shop, product=factories.product(merchant, sku))
        ShopFigure.objects.create(item=item, told=4, braked_at=timezone.now() if sku == "FG1" else None)
    found = attention(merchant)
    assert page.get(found["1 item would become zero in Nordlys (Centra)"]).status_code == 200


def answered(merchant: Merchant, service: str, days_ago: int = 1, state: str = "active") -> None:
    """The warehouse has said something about this method."""
    carrier, _is_new = Carrier.objects.get_or_create(name="PostNord")
    method = ShippingMethod.objects.create(warehouse=merchant.warehouses.all()[0], carrier=carrier, service=service)
    now = timezone.now()
    MerchantMethod.objects.create(
        merchant=merchant, method=method, state=state, requested_at=now - timedelta(days=20),
        answered_at=now - timedelta(days=days_ago), answer="Needs a contract.",
    )  # fmt: skip


def test_the_answers_about_shipping_methods_are_news_for_a_week(merchant: Merchant) -> None:
    answered(merchant, "Home")
    answered(merchant, "Varubrev", 2, "declined")
    answered(merchant, "Old", 9)
    assert list(attention(merchant)) == ["PostNord Home is active", "PostNord Varubrev was declined"]
    (first, *_others) = [one for one in front.look(merchant).attention if one.title == "PostNord Home is active"]
    assert first.text == "Needs a contract."


def test_of_many_answers_the_latest_are_named_and_the_others_not_forgotten(merchant: Merchant) -> None:
    for number in range(1, 7):
        answered(merchant, f"No {number}", number)
    named = [f"PostNord No {number} is active" for number in range(1, 5)]
    assert list(attention(merchant)) == [*named, "Further shipping methods were answered"]


# --- is anything missing -------------------------------------------------------------------


def swept(shop: Integration, **ledger: Any) -> None:
    state = shop.state("intake")
    known = {
        "shown": 12,
        "here": 8,
        "held": 1,
        "waiting": 1,
        "skipped": {"already sent": 2},
        "unreadable": 0,
        "lost": 0,
    }
    remembers = {"ledger": {**known, **ledger}, "swept_at": (timezone.now() - timedelta(minutes=25)).isoformat()}
    SyncState.objects.filter(pk=state.pk).update(remembers=remembers, last_succeeded_at=timezone.now())


def test_the_orders_add_up_in_sight(page: Client, merchant: Merchant, shop: Integration) -> None:
    swept(shop)
    (one,) = look(merchant).completeness
    assert [(part.value, part.label) for part in one.parts] == [
        (8, "here"),
        (1, "held"),
        (1, "waiting for the shop"),
        (2, "already sent"),
    ]
    assert one.adds_up
    assert one.next_at
    assert one.next_at > timezone.now()
    text = page.get(reverse("orders:front_page", args=[merchant.pk])).content.decode()
    assert "adds up" in text
    assert "does not add up" not in text


def test_an_order_that_is_nowhere_is_an_alarm(page: Client, merchant: Merchant, shop: Integration) -> None:
    swept(shop, here=7, lost=1)
    assert look(merchant).attention[0].title == "Nordlys (Centra): the orders do not add up"
    text = page.get(reverse("orders:front_page", args=[merchant.pk])).content.decode()
    assert "does not add up" in text
    assert "are nowhere" in text


def test_every_reason_for_leaving_an_order_has_its_words() -> None:
    assert completeness.skip_labels().keys() == {why.value for why in Skip}


def test_before_the_first_sweep_nothing_is_claimed(page: Client, merchant: Merchant, shop: Integration) -> None:
    text = page.get(reverse("orders:front_page", args=[merchant.pk])).content.decode()
    assert "The first sweep" in text
    assert "adds up" not in text


# --- orders per day ------------------------------------------------------------------------


def test_orders_are_counted_by_the_merchant_s_day(merchant: Merchant) -> None:
    with time_machine.travel(datetime(2026, 11, 23, 12, tzinfo=UTC), tick=False):
        for moment in ("2026-11-22T22:59:00", "2026-11-22T23:01:00", "2026-11-09T22:59:00", "2026-11-09T23:00:00"):
            order(merchant, placed_at=datetime.fromisoformat(moment).replace(tzinfo=UTC))
        order(merchant, placed_at=timezone.now(), part=1000)
        plot = look(merchant).days
    counted = {bar.day: bar.number for bar in plot.bars if bar.number}
    assert counted == {date(2026, 11, 10): 1, date(2026, 11, 22): 1, date(2026, 11, 23): 1}
    assert (plot.bars[0].day, plot.bars[-1].day) == (date(2026, 11, 10), date(2026, 11, 23))


def test_a_day_of_a_clock_change_is_whole(merchant: Merchant) -> None:
    """Stockholm, 25 October 2026: 25 hours, from 22:00 to 23:00 UTC."""
    with time_machine.travel(datetime(2026, 10, 26, 12, tzinfo=UTC), tick=False):
        for moment in ("2026-10-24T21:59:00", "2026-10-24T22:00:00", "2026-10-25T22:59:00", "2026-10-25T23:00:00"):
            order(merchant, placed_at=datetime.fromisoformat(moment).replace(tzinfo=UTC))
        counted = {bar.day.day: bar.number for bar in look(merchant).days.bars if bar.number}
    assert counted == {24: 1, 25: 2, 26: 1}


def test_the_bars_are_in_proportion_and_said_in_words() -> None:
    today = date(2026, 11, 23)
    numbers_by_day = {today - timedelta(days=back): 10 * (14 - back) for back in range(1, 14)} | {today: 5}
    plot = days.draw(numbers_by_day, today)
    assert max(bar.height for bar in plot.bars) == days.HEIGHT
    assert all(bar.y + bar.height == days.GROUND for bar in plot.bars)
    assert plot.bars[-1].height == round(days.HEIGHT * 5 / 130)
    assert plot.words == "Orders per day, last 14 days: 10 to 130, today 5 so far"


def test_the_plot_has_no_style_and_speaks(page: Client, merchant: Merchant) -> None:
    order(merchant)
    text = page.get(reverse("orders:front_page", args=[merchant.pk])).content.decode()
    plot = text.partition('<svg class="per-day"')[2].partition("</svg>")[0]
    assert 'role="img"' in plot
    assert "Orders per day, last 14 days: 0 to 0, today 1 so far" in plot
    assert "style=" not in plot
    assert plot.count("<rect") == 14


def test_items_add_up_by_tab_and_their_problems_share_one_note(page: Client, merchant: Merchant) -> None:
    factories.webshop_product(factories.integration(merchant), problem_codes=f"|{Code.NO_SKU}|")
    found = look(merchant)
    assert found.items.value == sum(part.value for part in found.tabs) == 1
    assert [one.title for one in found.small] == ["1 item waits: No SKU"]
    assert found.urgent == []
    text = page.get(reverse("orders:front_page", args=[merchant.pk])).content.decode()
    assert text.count("Items that need a mend in the shop") == 1


# --- how long it took ----------------------------------------------------------------------


def test_lag_is_measured_over_what_came_by_polls(merchant: Merchant, shop: Integration) -> None:
    now = timezone.now()
    for seconds in (10, 20, 30, 40, 400):
        placed = now - timedelta(hours=1)
        order(merchant, integration=shop, placed_at=placed, read_at=placed + timedelta(seconds=seconds))
    before = shop.created_at - timedelta(minutes=5)
    order(merchant, integration=shop, placed_at=before, read_at=now)
    order(merchant, integration=shop, placed_at=now - timedelta(days=8), read_at=now)
    order(merchant, placed_at=now - timedelta(hours=1), read_at=now)
    (one,) = look(merchant).shops
    assert one.orders_in == shops.Lag(30.0, 400.0, 5)
    assert one.tracking_out is None


def test_older_orders_that_came_with_the_connection_are_not_late(merchant: Merchant) -> None:
    fresh, now = factories.integration(merchant), timezone.now()
    order(merchant, integration=fresh, placed_at=now - timedelta(days=2), read_at=now)
    assert look(merchant).shops[0].orders_in is None


def test_lag_of_tracking_is_shipped_to_told(merchant: Merchant, shop: Integration) -> None:
    now = timezone.now()
    for seconds in (4, 6, 9):
        sent = now - timedelta(hours=2)
        order(
            merchant,
            integration=shop,
            status=Status.SHIPPED,
            shipped_at=sent,
            told_at=sent + timedelta(seconds=seconds),
        )
    order(merchant, integration=shop, status=Status.SHIPPED, shipped_at=now)
    open_there = Shipment.objects.create(integration=shop, shop=shop.shop, number="1", external_id="1-1")
    days_ago = now - timedelta(days=3)
    left = order(merchant, integration=shop, status=Status.SHIPPED, shipped_at=days_ago, shipment=open_there)
    left.is_shown = False
    left.save()
    moves.leave_untold(left, "Kim")
    (one,) = look(merchant).shops
    assert one.tracking_out == shops.Lag(6.0, 9.0, 3), "what is left untold was never told"


def test_each_shop_has_its_own_lag(merchant: Merchant, shop: Integration) -> None:
    other = factories.integration(merchant, name="Wholesale")
    Integration.objects.filter(pk=other.pk).update(created_at=shop.created_at)
    placed = timezone.now() - timedelta(hours=1)
    for one, seconds in ((shop, 5), (other, 50)):
        order(merchant, integration=one, placed_at=placed, read_at=placed + timedelta(seconds=seconds))
    found = {one.integration.pk: one.orders_in for one in look(merchant).shops}
    assert {key: lag.median for key, lag in found.items() if lag} == {shop.pk: 5.0, other.pk: 50.0}


def test_a_shop_that_is_down_says_what_waits_and_when_it_is_tried(
    page: Client, merchant: Merchant, shop: Integration
) -> None:
    state, soon = shop.state("intake"), timezone.now() + timedelta(minutes=4)
    down = {"failed_attempts": 2, "failing_since": timezone.now(), "last_error": "The shop does not answer."}
    SyncState.objects.filter(pk=state.pk).update(next_run_at=soon, **down)
    Integration.objects.filter(pk=shop.pk).update(sends_stock=True)
    factories.webshop_product(shop, product=factories.product(merchant, "FG1"))
    for _each in range(3):
        order(merchant, integration=shop, status=Status.SHIPPED, shipped_at=timezone.now())
    (one,) = look(merchant).shops
    assert one.health.word == "waiting"
    assert one.next_try_at == soon
    assert one.waiting == "Nothing is lost. To be told: 3 parcels · 1 stock figure."
    text = page.get(reverse("orders:front_page", args=[merchant.pk])).content.decode()
    assert "Next try" in text


def test_drift_is_counted_of_what_was_read(merchant: Merchant, shop: Integration) -> None:
    for sku, drift in (("FG1", 0), ("FG2", -3)):
        item = factories.webshop_product(shop, product=factories.product(merchant, sku))
        ShopFigure.objects.create(item=item, told=4, read_at=timezone.now(), drift=drift)
    gone = factories.webshop_product(shop, product=factories.product(merchant, "FG3"), gone_at=timezone.now())
    ShopFigure.objects.create(item=gone, told=4, read_at=timezone.now(), drift=7)
    state = shop.state("stock")
    state.remembers = {"read": 2}
    state.save()
    (one,) = look(merchant).shops
    assert (one.figures.drift, one.figures_read) == (1, 2)


# --- coming goods, first steps -------------------------------------------------------------


def update(merchant: Merchant, expected: int, received: int, **fields: Any) -> StockUpdate:
    made = StockUpdate.objects.create(
        **{
            "merchant": merchant,
            "warehouse": merchant.warehouses.get(),
            "reference": "PO-1",
            "supplier": "Mill",
            "expected_on": timezone.localdate() + timedelta(days=2),
            **fields,
        }
    )
    StockUpdateLine.objects.create(
        update=made, product=factories.product(merchant), expected=expected, received=received
    )
    return made


def test_coming_goods_are_what_is_still_to_come(merchant: Merchant) -> None:
    later = update(merchant, 10, 4, status="partly")
    sooner = update(merchant, 5, 0, expected_on=timezone.localdate() - timedelta(days=1))
    update(merchant, 8, 8, status="received")
    update(merchant, 8, 0, status="cancelled")
    update(factories.merchant(), 8, 0)
    found = look(merchant).coming
    assert [(one.number, one.pieces, one.is_late) for one in found] == [
        (sooner.number, 5, True),
        (later.number, 6, False),
    ]


def test_the_first_steps_go_on_until_stock_is_told(merchant: Merchant, shop: Integration) -> None:
    def done() -> list[bool]:
        return [step.is_done for step in look(merchant).steps]

    factories.webshop_product(shop, product=factories.product(merchant, "FG1"))
    assert done() == [True, True, True, False, False, False]
    method = ShippingMethod.objects.create(
        warehouse=merchant.warehouses.get(), carrier=Carrier.objects.create(name="PostNord"), service="Home"
    )
    MerchantMethod.objects.create(merchant=merchant, method=method, state="active")
    assert done() == [True, True, True, True, False, False]
    update(merchant, 5, 0)
    assert done() == [True, True, True, True, True, False]
    Integration.objects.filter(pk=shop.pk).update(sends_stock=True)
    assert done() == []


# --- how much is asked ---------------------------------------------------------------------


def test_more_shops_orders_and_reasons_cost_no_more_queries(page: Client, merchant: Merchant) -> None:
    def queries() -> int:
        page.cookies.pop("last_merchant", None)  # as if another merchant was looked at before
        with CaptureQueriesContext(connection) as asked:
            assert page.get(reverse("orders:front_page", args=[merchant.pk])).status_code == 200
        return len(asked)

    def one_more() -> None:
        shop = factories.integration(merchant)
        shop.state("refresh")
        swept(shop)
        product: Product = factories.product(merchant)
        item = factories.webshop_product(shop, product=product)
        factories.webshop_product(shop, own_problems=[{"code": "no_sku"}])
        ShopFigure.objects.create(item=item, told=1, braked_at=timezone.now())
        for cause in (Cause.METHOD, Cause.UNKNOWN_SKU, Cause.CUSTOMS, Cause.PAYMENT, Cause.PHONE):
            held(merchant, cause, "what", integration=shop)
        order(merchant, status=Status.SHIPPED, integration=shop, shipped_at=timezone.now(), told_at=timezone.now())
        update(merchant, 3, 1)
        answered(merchant, f"Home {shop.pk}")

    one_more()
    first = queries()
    assert first <= 15
    for _each in range(4):
        one_more()
    assert queries() == first


# --- deleting an integration ---------------------------------------------------------------


class TestDeleting:
    def test_what_is_owed_is_said(self, merchant: Merchant, shop: Integration) -> None:
        assert deleting.owed(shop) == []
        now = timezone.now()
        order(merchant, integration=shop, status=Status.SHIPPED, shipped_at=now)
        order(merchant, integration=shop, handover_asked_at=now)
        order(merchant, integration=shop)
        Shipment.objects.create(integration=shop, shop=shop.shop, number="1", external_id="1-1", withdraw_asked_at=now)
        assert deleting.owed(shop) == [
            "1 shipped order is not told to the shop yet.",
            "1 order is being handed over.",
            "1 order waits here and will not be handed over through the shop.",
            "1 shipment is not taken back in the shop yet.",
        ]

    def test_orders_stay_and_are_owed_to_nobody(self, merchant: Merchant, shop: Integration) -> None:
        sent = order(merchant, integration=shop, shop=shop.shop, status=Status.SHIPPED, shipped_at=timezone.now())
        marked = order(merchant, integration=shop, shop=shop.shop, handover_asked_at=timezone.now())
        stock = Stock.objects.create(product=factories.product(merchant), warehouse=shop.warehouse, on_hand=5)
        Reservation.objects.create(stock=stock, integration=shop, shop=shop.shop, reference=str(marked.pk), held=2)
        deleting.delete(shop, "Kim")
        assert not Integration.objects.exists()
        assert not Order.objects.untold().exists()
        sent.refresh_from_db()
        marked.refresh_from_db()
        assert (sent.status, sent.told_at, sent.integration) == (Status.SHIPPED, None, None)
        assert (marked.status, marked.handover_asked_at) == (Status.NEW, None)
        assert "was deleted" in sent.events.get().text
        assert Reservation.objects.get().held == 2

    def test_what_waited_for_the_shop_is_never_freed_by_it(self, merchant: Merchant, shop: Integration) -> None:
        unpaid = held(merchant, Cause.CAPTURE, integration=shop)
        unpaid.holds.create(cause=Cause.ADDRESS, text="No city.")
        wordless = held(merchant, Cause.METHOD, "Express", integration=shop)
        deleting.delete(shop, "Kim")
        deciding.decide_held()
        unpaid.refresh_from_db()
        assert unpaid.status == Status.RESERVED
        assert not unpaid.holds.exists()
        assert Cause.METHOD in wordless.holds.values_list("cause", flat=True)
