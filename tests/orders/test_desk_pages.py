"""The staff's desk for orders, page by page: what is shown, to whom, what a press does, and that typing is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from merchants.models import Merchant, User
from orders import desk, erasing, moves
from orders.models import Cause, Order, SeenOrder, Shipment, Status
from products.models import Product
from tests import factories
from tests.orders.desk_orders import collect, collecting, new, on_shelf

pytestmark = pytest.mark.django_db

LIST = "admin:orders_order_changelist"
BEHIND = ["hold", "orderline", "seenorder", "shipment"]


@pytest.fixture
def shelf(merchant: Merchant) -> Product:
    product = factories.product(merchant, "FG1", ean="7300000010423")
    factories.stock(product, merchant.warehouses.get(), 50)
    return product


@pytest.fixture
def robin(merchant: Merchant) -> User:
    """Of the staff, and nothing more than working in the merchant's warehouse."""
    made = factories.user(name="Robin Desk", is_staff=True)
    merchant.warehouses.get().staff.add(made)
    return made


@pytest.fixture
def staff(robin: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(robin)


@pytest.fixture
def elsewhere(signed_in: Callable[[User], Client]) -> Client:
    """Of the staff of another warehouse."""
    made = factories.user(is_staff=True)
    factories.warehouse().staff.add(made)
    return signed_in(made)


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.content.decode())


def listed(client: Client, **words: str) -> str:
    return text_of(client.get(reverse(LIST), words))


def press(client: Client, action: str, *orders: Order, state: str = "") -> Any:
    """Tick these orders in the list and press *Go*."""
    ticked = {"action": action, "_selected_action": [order.pk for order in orders]}
    return client.post(reverse(LIST) + (f"?state={state}" if state else ""), ticked, follow=True)


def page(name: str, *orders: Order) -> str:
    named = ".".join(str(order.pk) for order in orders)
    return f"{reverse(f'admin:orders_order_{name}')}?orders={named}"


def parcel(order: Order, **fields: object) -> dict[str, object]:
    """What is typed in the row of this order."""
    typed = {"carrier": "PostNord", "service": "MyPack", "tracking_code": "", "parcels": 1, **fields}
    return {f"{order.pk}-{name}": value for name, value in typed.items()}


# --- the list ----------------------------------------------------------------------------------


def test_first_stands_what_is_to_be_collected_the_oldest_first(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    now = timezone.now()
    young = new(merchant, shelf, number="YOUNG", placed_at=now - timedelta(hours=1))
    old = new(merchant, shelf, number="OLD", placed_at=now - timedelta(days=2))
    going = new(merchant, shelf, number="GOING", integration=factories.integration(merchant))
    moves.ask_to_hand_over(going, "Robin")
    collecting(merchant, shelf, number="BEGUN")
    text = listed(staff)
    assert text.index(old.label) < text.index(young.label)
    assert "GOING" not in text
    assert "BEGUN" not in text
    assert "UTC" in text


def test_every_state_finds_its_own_and_says_it_in_words(staff: Client, merchant: Merchant, shelf: Product) -> None:
    shop = factories.integration(merchant)
    going = new(merchant, shelf, number="GOING", integration=shop)
    moves.ask_to_hand_over(going, "Robin")
    Order.objects.filter(pk=going.pk).update(handover_error="The shop does not answer.")
    collecting(merchant, shelf, number="BEGUN")
    asked = collecting(merchant, shelf, number="ASKED")
    moves.ask_to_cancel(asked, "Kim")
    short = collecting(merchant, shelf, 3, number="SHORT")
    short.lines.update(found=2)
    sent = collecting(merchant, shelf, number="SENT", integration=shop)
    Order.objects.filter(pk=sent.pk).update(status=Status.SHIPPED)
    wrong = collecting(merchant, shelf, number="WRONG", integration=shop)
    Order.objects.filter(pk=wrong.pk).update(status=Status.SHIPPED, tell_error="The shop says no.")
    wanted = {
        "handing-over": ({"GOING"}, "NEW · being handed over · hand-over waits: The shop does not answer."),
        "collecting": ({"BEGUN", "ASKED", "SHORT"}, "COLLECTING · waits for the missing pieces"),
        "cancel": ({"ASKED"}, "requested by Kim"),
        "short": ({"SHORT"}, "COLLECTING · waits for the missing pieces"),
        "untold": ({"SENT", "WRONG"}, "SHIPPED · the shop is not told yet"),
        "untold-error": ({"WRONG"}, "SHIPPED · the shop is not told yet · The shop says no."),
        "all": ({"GOING", "BEGUN", "ASKED", "SHORT", "SENT", "WRONG"}, "NEW · being handed over"),
    }
    numbers = set(Order.objects.values_list("number", flat=True))
    for state, (found, words) in wanted.items():
        text = listed(staff, state=state)
        assert {number for number in numbers if f">{number}<" in text} == found, state
        assert words in text, state


def test_orders_are_searched_in_every_state_by_what_the_warehouse_has_in_hand(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    order = collecting(merchant, shelf, number="70412", name="Anna Åberg", part=1, tracking_code="SE-77")
    collecting(merchant, factory_product(merchant, "XX9"), number="70999", name="Bo Ek")
    for words in ("70412", "70412/1", "Åberg", "SE-77", "FG1", "anna fg1"):
        text = listed(staff, q=words)
        assert f">{order.label}<" in text, words
        assert ">70999<" not in text, words
    assert ">70412/1<" not in listed(staff, q="70413")


def factory_product(merchant: Merchant, sku: str) -> Product:
    product = factories.product(merchant, sku)
    factories.stock(product, merchant.warehouses.get(), 5)
    return product


def test_the_list_is_narrowed_by_warehouse_merchant_and_method(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    order = new(merchant, shelf, number="MINE")
    other = factories.merchant(name="Fjord Goods")
    other.warehouses.set(merchant.warehouses.all())
    theirs = factory_product(other, "ZZ1")
    new(other, theirs, number="THEIRS", method=factories.method(other, service="Express"))
    for name, value in (("merchant", merchant.pk), ("method", order.method_id)):
        text = listed(staff, **{name: str(value)})
        assert ">MINE<" in text, name
        assert ">THEIRS<" not in text, name
    assert ">THEIRS<" in listed(staff, warehouse=str(order.warehouse_id))
    foreign = factories.warehouse()
    text = listed(staff, warehouse=str(foreign.pk))
    assert ">MINE<" not in text
    assert foreign.name not in text
    assert ">MINE<" not in listed(staff, merchant="nobody")


def test_the_queries_of_the_lists_do_not_grow(staff: Client, merchant: Merchant, shelf: Product) -> None:
    shop = factories.integration(merchant)
    counted: dict[str, list[int]] = {}
    for number in (2, 12):
        for _n in range(number):
            order = new(merchant, shelf, integration=shop)
            order.holds.create(cause=Cause.PHONE, text="No phone.")
            shipment = Shipment.objects.create(integration=shop, shop=shop.shop, number=order.number)
            Order.objects.filter(pk=order.pk).update(shipment=shipment)
            now = timezone.now()
            SeenOrder.objects.create(
                integration=shop, number=order.number, verdict="taken", first_seen_at=now, last_seen_at=now
            )
        for name in ("order", *BEHIND):
            with CaptureQueriesContext(connection) as queries:
                text_of(
                    staff.get(reverse(f"admin:orders_{name}_changelist"), {"state": "all"} if name == "order" else {})
                )
            counted.setdefault(name, []).append(len(queries))
    assert {name: after - before for name, (before, after) in counted.items()} == dict.fromkeys(counted, 0)


# --- one order ---------------------------------------------------------------------------------


def test_an_order_s_page_shows_what_the_parcel_needs_and_is_not_written(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    order = new(merchant, shelf, 2, bill_to={"name": "The Payer"}, total="199.00")
    text = text_of(staff.get(reverse("admin:orders_order_change", args=[order.pk])))
    for words in ("Anna Åberg", "Drottninggatan 1", "FG1", "Mark as collecting", "Pick list"):
        assert words in text
    for words in ("The Payer", "199", 'name="_save"', 'name="name"', "Delete"):
        assert words not in text
    staff.post(reverse("admin:orders_order_change", args=[order.pk]), {"name": "Somebody", "_save": "1"})
    order.refresh_from_db()
    assert order.name == "Anna Åberg"
    for name in ("add", "delete"):
        address = reverse(f"admin:orders_order_{name}", args=[] if name == "add" else [order.pk])
        assert staff.get(address).status_code == 403
        assert staff.post(address, {"post": "yes"}).status_code == 403
    assert Order.objects.count() == 1


def comment(client: Client, order: Order, text: str) -> Any:
    """*Comment* on the order’s page, typed over, *Save*."""
    return client.post(reverse("admin:orders_order_comment", args=[order.pk]), {"comment": text})


def test_what_the_warehouse_writes_about_an_order_is_read_by_the_merchant_and_the_packers(
    staff: Client, merchant: Merchant, shelf: Product, signed_in: Callable[[User], Client]
) -> None:
    order = new(merchant, shelf, 2, comment="Ring twice", customisation="Gift wrap")
    told = order.events.count()
    for _pressed_twice in range(2):
        comment(staff, order, "The box is wet.\nA new one is on its way.")
    order.refresh_from_db()
    assert order.warehouse_comment.splitlines() == ["The box is wet.", "A new one is on its way."]
    event = order.events.latest("pk")
    assert (order.events.count(), event.who) == (told + 1, "Robin Desk")
    assert event.text.startswith("The warehouse says: “The box is wet.")
    merchants = factories.user()
    merchant.link(merchants)
    said = text_of(signed_in(merchants).get(order.get_absolute_url()))
    assert "<dt>The warehouse says</dt>" in said
    list_ = text_of(staff.get(page("pick_list", order)))
    for words in (
        "Comment: Ring twice",
        "Customisation: Gift wrap",
        "The warehouse says: The box is wet.<br>A new one",
    ):
        assert words in list_
    comment(staff, order, "")
    order.refresh_from_db()
    assert (order.warehouse_comment, order.status) == ("", "new")
    assert order.events.latest("pk").text == "The warehouse took its comment out."


def test_a_comment_sent_late_undoes_nothing_that_was_done_meanwhile(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    order = new(merchant, shelf, 2)
    read_before = Order.objects.get(pk=order.pk)
    collect(order)
    desk.comment(read_before, "Gate 4", "Robin Desk")
    order.refresh_from_db()
    assert (order.status, order.warehouse_comment) == ("collecting", "Gate 4")
    assert on_shelf(shelf) == (48, 0)


def test_a_comment_on_an_order_whose_personal_data_was_erased_is_erased_in_its_turn(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    long_ago = timezone.now() - timedelta(days=800)
    order = collecting(merchant, shelf)
    Order.objects.filter(pk=order.pk).update(status="cancelled", status_changed_at=long_ago)
    assert erasing.erase() == 1
    comment(staff, order, "Ottilia rang")
    assert erasing.erase() == 1
    order.refresh_from_db()
    assert order.warehouse_comment == ""
    assert not order.events.filter(text__contains="Ottilia").exists()


def test_a_comment_that_is_too_long_stays_typed_and_is_not_written(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    order = new(merchant, shelf)
    text = text_of(comment(staff, order, "x" * 2001))
    assert "x" * 2001 in text
    assert "Nothing was written yet" in text
    order.refresh_from_db()
    assert order.warehouse_comment == ""


def test_the_buttons_are_those_that_the_state_allows_and_they_work(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    order = new(merchant, shelf, 2)
    address, act = (reverse(f"admin:orders_order_{name}", args=[order.pk]) for name in ("change", "act"))
    assert "Mark as shipped" not in text_of(staff.get(address))
    text = text_of(staff.post(act, {"act": "collect"}, follow=True))
    assert "1 order is marked as collecting." in text
    assert "Mark as shipped" in text
    assert "Agree to cancel" not in text
    moves.ask_to_cancel(order, "Kim")
    assert "Agree to cancel" in text_of(staff.get(address))
    text = text_of(staff.post(act, {"act": "agree"}, follow=True))
    assert "1 request is answered." in text
    order.refresh_from_db()
    assert order.status == Status.CANCELLED
    assert staff.post(act, {"act": "burn"}).status_code == 404
    assert "nobody asks for a cancellation" in text_of(staff.post(act, {"act": "agree"}, follow=True))
    assert order.events.filter(who="Robin Desk").exists()


# --- the actions -------------------------------------------------------------------------------


def test_many_are_marked_and_the_answer_counts_and_names(staff: Client, merchant: Merchant, shelf: Product) -> None:
    shop = factories.integration(merchant)
    shop.state(moves.HAND_OVER).pause()
    good, again = new(merchant, shelf), new(merchant, shelf)
    paused = new(merchant, shelf, integration=shop)
    text = text_of(press(staff, "mark_as_collecting", good, again, paused))
    assert "2 orders are marked as collecting." in text
    assert f"{paused.label}: hand-over and tracking of" in text
    text = text_of(press(staff, "mark_as_collecting", good))
    assert "Nothing was done." in text
    assert "0 orders" not in text
    assert f"{good.label} is COLLECTING, not NEW." in text
    assert on_shelf(shelf) == (48, 1)


def test_many_are_shipped_and_one_bad_row_keeps_what_was_typed(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    good, bad, none = (collecting(merchant, shelf) for _n in range(3))
    answer = press(staff, "mark_as_shipped", good, bad, none, state="collecting")
    text = text_of(answer)
    assert 'value="PostNord"' in text
    assert 'value="MyPack Home"' in text
    typed = parcel(good, tracking_code=" SE-1 ", parcels=2) | parcel(bad, tracking_code="", service="By hand")
    text = text_of(staff.post(page("ship", good, bad, none), typed | parcel(none, tracking_code="SE-3", parcels=0)))
    assert "1 order is shipped." in text
    assert "PostNord MyPack Home has tracking: give the code on the label." in text
    assert "A shipment has at least one parcel." in text
    assert 'value="By hand"' in text
    assert 'value="SE-3"' in text
    assert f'name="{good.pk}-carrier"' not in text
    states = {order.label: (order.status, order.tracking_code, order.parcels) for order in Order.objects.all()}
    assert states == {
        good.label: ("shipped", "SE-1", 2),
        bad.label: ("collecting", "", 1),
        none.label: ("collecting", "", 1),
    }


def test_shipped_twice_the_first_parcel_stays(staff: Client, merchant: Merchant, shelf: Product) -> None:
    order = collecting(merchant, shelf)
    address = page("ship", order)
    assert "1 order is shipped." in text_of(staff.post(address, parcel(order, tracking_code="SE-1"), follow=True))
    text = text_of(staff.post(address, parcel(order, tracking_code="SE-2"), follow=True))
    assert f"{order.label} is shipped already, with SE-1." in text
    order.refresh_from_db()
    assert order.tracking_code == "SE-1"


def test_a_method_without_tracking_needs_no_code(staff: Client, merchant: Merchant, shelf: Product) -> None:
    letter = factories.method(merchant, service="Letter", has_tracking=False)
    order = collecting(merchant, shelf, method=letter)
    staff.post(page("ship", order), parcel(order))
    order.refresh_from_db()
    assert order.status == Status.SHIPPED


def test_what_stands_against_sending_is_said_in_its_row(staff: Client, merchant: Merchant, shelf: Product) -> None:
    order = collecting(merchant, shelf)
    moves.ask_to_cancel(order, "Kim")
    text = text_of(staff.post(page("ship", order), parcel(order, tracking_code="SE-1")))
    assert "answer the request to cancel it first" in text
    assert 'value="SE-1"' in text


def test_requests_to_cancel_are_answered_for_many(staff: Client, merchant: Merchant, shelf: Product) -> None:
    asked = [collecting(merchant, shelf) for _n in range(2)]
    for order in asked:
        moves.ask_to_cancel(order, "Kim")
    assert "2 requests are answered." in text_of(press(staff, "agree_to_cancel", *asked, state="cancel"))
    assert set(Order.objects.values_list("status", flat=True)) == {Status.CANCELLED}
    late = collecting(merchant, shelf)
    moves.ask_to_cancel(late, "Kim")
    press(staff, "too_late_to_cancel", late, state="cancel")
    late.refresh_from_db()
    assert (late.status, late.cancel_answer) == (Status.COLLECTING, "too late")


def test_pieces_found_are_entered_and_wrong_numbers_refused(staff: Client, merchant: Merchant, shelf: Product) -> None:
    order = collecting(merchant, shelf, 5)
    line = order.lines.get()
    address = reverse("admin:orders_order_found", args=[order.pk])
    assert press(staff, "enter_pieces_found", order, state="collecting").redirect_chain[-1][0] == address
    for typed, words in (
        ("6", "The order has 5 of these; more cannot be sent with it."),
        ("-1", "Fewer than none cannot be found."),
        ("", "Give the pieces found, 0 if there were none."),
    ):
        text = text_of(staff.post(address, {f"found-{line.pk}": typed}))
        assert words in text
    assert not Order.objects.filter(split_from=order).exists()
    text = text_of(staff.post(address, {f"found-{line.pk}": "3"}, follow=True))
    assert f"The pieces found of {order.label} are noted." in text
    assert Order.objects.get(split_from=order).pieces == 2
    other = new(merchant, shelf)
    text = text_of(press(staff, "enter_pieces_found", order, other, state="all"))
    assert "Choose one order to enter the pieces found." in text
    text = text_of(
        staff.post(reverse("admin:orders_order_found", args=[other.pk]), {f"found-{other.lines.get().pk}": "0"})
    )
    assert "is NEW, not COLLECTING" in text


def test_the_pick_list_is_printed_from_our_own_files(staff: Client, merchant: Merchant, shelf: Product) -> None:
    now = timezone.now()
    young = new(merchant, shelf, 3, number="YOUNG", placed_at=now)
    old = new(merchant, shelf, 2, number="OLD", placed_at=now - timedelta(days=1))
    gone = new(merchant, shelf, 2, number="GONE")
    moves.cancel(gone, "Kim")
    answer = press(staff, "print_pick_list", young, old, gone, state="all")
    text = text_of(answer)
    assert "2 orders, 5 pieces." in text
    assert '<td class="figure">5</td>' in text
    assert "OLD, YOUNG" in text
    assert text.index("OLD ·") < text.index("YOUNG ·")
    assert "7300000010423" in text
    assert "GONE is CANCELLED; there is nothing to pick." in text
    assert text.index("admin/css/responsive.css") < text.index("css/staff.css")  # the last word on colours and type
    assert "css/desk.css" in text
    assert "style-src 'self'" in answer["Content-Security-Policy"]
    assert "Drottninggatan" not in text


def test_the_pick_list_names_an_item_as_its_shelf_does_whatever_the_shop_calls_it(
    staff: Client, merchant: Merchant, shelf: Product
) -> None:
    first, second = new(merchant, shelf, 3), new(merchant, shelf, 2)
    second.lines.update(sku="FG1-NEW-CODE")
    for _time in range(2):
        text = text_of(press(staff, "print_pick_list", first, second, state="all"))
        assert "FG1-NEW-CODE" not in text
        assert text.count(f'<th scope="row">{shelf.sku}</th>') == 3  # summed up in one row, and once for each order
        assert '<td class="figure">5</td>' in text


def test_a_page_without_orders_says_what_to_do(staff: Client) -> None:
    assert "Nothing is to be picked." in text_of(staff.get(page("pick_list")))
    assert staff.get(page("ship")).status_code == 302
    assert staff.get(page("ship") + "x.1e9.99999999999999999999").status_code == 302


# --- Play warehouse ------------------------------------------------------------------------------


def test_playing_is_offered_only_beside_the_stand_in(
    staff: Client, merchant: Merchant, shelf: Product, settings: LazySettings
) -> None:
    order = new(merchant, shelf)
    assert "Play warehouse" in listed(staff)
    refused = text_of(press(staff, "play_warehouse", order))
    assert "Nothing was done." in refused
    assert "is not of a shop of the stand-in" in refused
    settings.SANDBOX = False
    assert "Play warehouse" not in listed(staff)
    press(staff, "play_warehouse", order)
    order.refresh_from_db()
    assert (order.status, order.play_at) == (Status.NEW, None)


# --- who -----------------------------------------------------------------------------------------


def test_the_staff_of_another_warehouse_find_and_do_nothing(
    elsewhere: Client, merchant: Merchant, shelf: Product
) -> None:
    order, begun = new(merchant, shelf, number="MINE"), collecting(merchant, shelf)
    moves.ask_to_cancel(begun, "Kim")
    assert ">MINE<" not in listed(elsewhere, state="all")
    actions = ("mark_as_collecting", "play_warehouse", "agree_to_cancel", "too_late_to_cancel")
    for action in actions:
        press(elsewhere, action, order, begun, state="all")
        elsewhere.post(
            reverse(LIST) + "?state=all", {"action": action, "select_across": "1", "_selected_action": [order.pk]}
        )
    for name in ("found", "act", "comment"):
        address = reverse(f"admin:orders_order_{name}", args=[begun.pk])
        assert elsewhere.get(address).status_code == 404
        assert elsewhere.post(address, {"act": "agree", "comment": "Not ours."}).status_code == 404
    elsewhere.post(page("ship", begun), parcel(begun, tracking_code="SE-1"))
    assert "MINE" not in text_of(elsewhere.get(page("pick_list", order)))
    change = elsewhere.get(reverse("admin:orders_order_change", args=[order.pk]), follow=True)
    assert "Anna Åberg" not in change.content.decode()
    states = {
        one.pk: (one.status, one.cancel_answer, one.warehouse_comment, one.play_at) for one in Order.objects.all()
    }
    assert states == {order.pk: ("new", "", "", None), begun.pk: ("collecting", "", "", None)}


def test_what_stands_behind_the_orders_is_seen_by_its_own_warehouse_only(
    staff: Client, elsewhere: Client, merchant: Merchant, shelf: Product
) -> None:
    shop = factories.integration(merchant)
    order = new(merchant, shelf, number="70412", integration=shop)
    order.holds.create(cause=Cause.PHONE, text="70412 has no phone number.")
    Shipment.objects.create(integration=shop, shop=shop.shop, number="70412", error="70412 was refused.")
    now = timezone.now()
    SeenOrder.objects.create(
        integration=shop, number="70412", verdict="skipped", detail="already sent", first_seen_at=now, last_seen_at=now
    )
    for name in BEHIND:
        address = reverse(f"admin:orders_{name}_changelist")
        assert "70412" in text_of(staff.get(address, {"q": "70412"})), name
        assert "70412" not in text_of(elsewhere.get(address)), name
        assert staff.get(reverse(f"admin:orders_{name}_add")).status_code == 403
    assert ">70412<" in text_of(staff.get(reverse("admin:orders_seenorder_changelist"), {"verdict__exact": "skipped"}))
    assert ">70412<" not in text_of(
        staff.get(reverse("admin:orders_seenorder_changelist"), {"verdict__exact": "taken"})
    )
    assert "70412" in text_of(staff.get(reverse("admin:orders_shipment_changelist"), {"state": "error"}))
    assert "was refused" not in text_of(staff.get(reverse("admin:orders_shipment_changelist"), {"state": "completed"}))


def test_what_stands_behind_the_orders_stays_with_their_warehouse_when_the_shop_moves(
    staff: Client, robin: User, merchant: Merchant, shelf: Product, signed_in: Callable[[User], Client]
) -> None:
    shop, now = factories.integration(merchant), timezone.now()
    for number in ("70412", "70413"):
        shipment = Shipment.objects.create(integration=shop, shop=shop.shop, number=number)
        SeenOrder.objects.create(integration=shop, number=number, verdict="taken", first_seen_at=now, last_seen_at=now)
        if number == "70412":  # of the other one nothing is here
            new(merchant, shelf, number=number, integration=shop, shipment=shipment)
    house, made = factories.warehouse(), factories.user(is_staff=True)
    house.staff.add(made)
    there = signed_in(made)
    shop.warehouse = house
    shop.save()
    for _time in range(2):
        for name in ("seenorder", "shipment"):
            address = reverse(f"admin:orders_{name}_changelist")
            for client, sees, not_seen in ((staff, "70412", "70413"), (there, "70413", "70412")):
                shown = text_of(client.get(address))
                assert (sees in shown, not_seen in shown) == (True, False), (name, sees)
    house.staff.add(robin)
    for name in ("seenorder", "shipment"):
        shown = text_of(staff.get(reverse(f"admin:orders_{name}_changelist")))
        assert "70412" in shown
        assert "70413" in shown


def test_staff_without_a_warehouse_get_no_desk_for_orders(signed_in: Callable[[User], Client]) -> None:
    nobody = signed_in(factories.user(is_staff=True))
    for name in ("order", *BEHIND):
        assert nobody.get(reverse(f"admin:orders_{name}_changelist")).status_code == 403
    assert nobody.get(page("pick_list")).status_code == 403
    assert "Orders" not in text_of(nobody.get(reverse("admin:index")))


def test_a_superuser_works_everywhere(signed_in: Callable[[User], Client], merchant: Merchant, shelf: Product) -> None:
    new(merchant, shelf, number="MINE")
    boss = signed_in(factories.user(is_staff=True, is_superuser=True))
    assert ">MINE<" in listed(boss)
