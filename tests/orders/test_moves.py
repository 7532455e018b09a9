"""From one status to another: what may be done when, what is refused in words, and what the stock says to each."""

from collections.abc import Callable

import pytest

from integrations.connectors.base import ParcelData
from integrations.models import SyncState
from merchants.models import Merchant
from orders import moves, promise, returning, splitting
from orders.models import Cause, Order, OrderProcessing, Shipment, Status
from orders.models.hold import MAY_BE_OVERRULED
from products.models import Product, Reservation, Stock
from shipping.models import ShippingMethod
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def sweater(merchant: Merchant) -> Product:
    return factories.product(merchant, "FG1", hs_code="61101190", country_of_origin="SE")


@pytest.fixture
def shelf(merchant: Merchant, sweater: Product) -> Stock:
    """Ten sweaters."""
    return factories.stock(sweater, merchant.warehouses.get(), 10)


@pytest.fixture
def method(merchant: Merchant) -> ShippingMethod:
    return factories.method(merchant)


@pytest.fixture
def draft(merchant: Merchant, sweater: Product, shelf: Stock, method: ShippingMethod) -> Order:
    """Three sweaters, nothing missing."""
    order = factories.order(merchant, method=method)
    factories.order_line(order, sweater, 3)
    return order


def in_status(order: Order, status: Status) -> Order:
    """The order, brought to this status on its own ways."""
    if status in (Status.NEW, Status.COLLECTING, Status.SHIPPED, Status.CANCELLED, Status.RETURNED):
        moves.save_as_new(order, "Kim")
    if status in (Status.COLLECTING, Status.SHIPPED, Status.RETURNED):
        moves.ask_to_hand_over(order, "Staff")
    if status in (Status.SHIPPED, Status.RETURNED):
        moves.ship(order, ParcelData(tracking_code="SE123"), "Staff")
    if status == Status.CANCELLED:
        moves.cancel(order, "Kim")
    if status == Status.RESERVED:
        moves.reserve_on_purpose(order, "Kim")
    if status == Status.PENDING:
        order.lines.update(pieces=11)
        moves.save_as_new(order, "Kim")
    if status == Status.RETURNED:
        come_back(order)
    if status == Status.LOCKED:
        Order.objects.filter(pk=order.pk).update(status=status)
    order.refresh_from_db()
    assert order.status == status
    return order


def come_back(order: Order) -> None:
    """All three, and two of them on the shelf."""
    returning.record(order, {order.lines.get().pk: returning.Back(3, 2)}, "Staff")


def stock_says(shelf: Stock, order: Order) -> dict[str, int]:
    """On hand and reserved as the stock has it, and what the reservations of this order add up to."""
    shelf.refresh_from_db()
    rows = Reservation.objects.filter(reference=str(order.pk))
    return {
        "on hand": shelf.on_hand,
        "reserved": shelf.reserved,
        "held": sum(row.held for row in rows),
        "taken": sum(row.deducted for row in rows),
    }


# --- who may become what ----------------------------------------------------------------------

MAY_BECOME = {
    Status.DRAFT: {Status.NEW, Status.RESERVED, Status.CANCELLED},
    Status.NEW: {Status.DRAFT, Status.CANCELLED},
    Status.PENDING: {Status.DRAFT, Status.CANCELLED},
    Status.RESERVED: {Status.NEW, Status.DRAFT, Status.CANCELLED},
    Status.COLLECTING: set(),
    Status.SHIPPED: set(),
    Status.CANCELLED: {Status.NEW},
    Status.RETURNED: set(),
    Status.LOCKED: set(),
}


@pytest.mark.parametrize("status", Status)
def test_the_status_bar_offers_what_may_be_done(draft: Order, status: Status) -> None:
    assert set(moves.may_become(in_status(draft, status))) == MAY_BECOME[status]


@pytest.mark.parametrize(("status", "to"), [(one, to) for one, offered in MAY_BECOME.items() for to in sorted(offered)])
def test_what_is_offered_works(draft: Order, status: Status, to: Status) -> None:
    order = in_status(draft, status)
    moves.move(order, to, "Kim")
    # An order that wanted more than there is waits for stock again.
    assert order.status == to


ACTS: dict[str, tuple[Callable[[Order], object], set[Status]]] = {
    "save as new": (lambda order: moves.save_as_new(order, "Kim"), {Status.DRAFT, Status.RESERVED, Status.CANCELLED}),
    "to draft": (lambda order: moves.to_draft(order, "Kim"), {Status.NEW, Status.PENDING, Status.RESERVED}),
    "reserve": (lambda order: moves.reserve_on_purpose(order, "Kim"), {Status.DRAFT}),
    "ask to cancel": (lambda order: moves.ask_to_cancel(order, "Kim"), {Status.COLLECTING}),
    "hand over": (lambda order: moves.ask_to_hand_over(order, "Staff"), {Status.NEW}),
    "ship": (
        lambda order: moves.ship(order, ParcelData(tracking_code="SE1"), "Staff"),
        {Status.COLLECTING, Status.SHIPPED},
    ),
    "split": (
        lambda order: moves.split(order, {order.lines.get().pk: 1}, "Kim"),
        {Status.DRAFT, Status.NEW, Status.PENDING, Status.RESERVED},
    ),
    "cancel": (
        lambda order: moves.cancel(order, "Kim"),
        {Status.DRAFT, Status.NEW, Status.PENDING, Status.RESERVED, Status.LOCKED, Status.COLLECTING, Status.CANCELLED},
    ),
    "come back": (come_back, {Status.SHIPPED}),
    "overrule": (lambda order: moves.overrule(order, [Cause.PHONE], "Kim"), {Status.RESERVED}),
    "answer": (lambda order: moves.answer_cancellation(order, "Staff", is_agreed=True), set()),
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("act", ACTS)
def test_every_act_in_every_status_is_done_or_refused_in_words(
    draft: Order, shelf: Stock, act: str, status: Status
) -> None:
    order = in_status(draft, status)
    do, allowed = ACTS[act]
    if status in allowed:
        do(order)
        return
    before = stock_says(shelf, order)
    with pytest.raises(moves.NotPossible, match=r"\w"):
        do(order)
    order.refresh_from_db()
    assert order.status == status
    assert stock_says(shelf, order) == before


# --- the stock, on both of its sides -----------------------------------------------------------

STOCK = {
    Status.DRAFT: {"on hand": 10, "reserved": 0, "held": 0, "taken": 0},
    Status.NEW: {"on hand": 10, "reserved": 3, "held": 3, "taken": 0},
    Status.PENDING: {"on hand": 10, "reserved": 11, "held": 11, "taken": 0},
    Status.RESERVED: {"on hand": 10, "reserved": 3, "held": 3, "taken": 0},
    Status.COLLECTING: {"on hand": 7, "reserved": 0, "held": 0, "taken": 3},
    Status.SHIPPED: {"on hand": 7, "reserved": 0, "held": 0, "taken": 0},
    Status.CANCELLED: {"on hand": 10, "reserved": 0, "held": 0, "taken": 0},
    Status.RETURNED: {"on hand": 9, "reserved": 0, "held": 0, "taken": 0},
}


@pytest.mark.parametrize("status", STOCK)
def test_stock_and_reservations_say_the_same_in_every_status(draft: Order, shelf: Stock, status: Status) -> None:
    order = in_status(draft, status)
    assert stock_says(shelf, order) == STOCK[status]


def test_what_was_collected_and_agreed_to_be_cancelled_is_back_on_the_shelf(draft: Order, shelf: Stock) -> None:
    order = in_status(draft, Status.COLLECTING)
    moves.ask_to_cancel(order, "Kim")
    assert order.is_cancellation_open
    moves.answer_cancellation(order, "Staff", is_agreed=True)
    assert order.status == Status.CANCELLED
    assert not order.needs_refund
    assert stock_says(shelf, order) == STOCK[Status.CANCELLED]
    assert list(shelf.movements.order_by("pk").values_list("pieces", flat=True)) == [10, -3, 3]
    moves.save_as_new(order, "Kim")
    assert (order.status, order.is_being_handed_over) == (Status.NEW, False)
    assert stock_says(shelf, order) == STOCK[Status.NEW]


def test_too_late_leaves_the_order_with_the_warehouse(draft: Order, shelf: Stock) -> None:
    order = in_status(draft, Status.COLLECTING)
    moves.ask_to_cancel(order, "Kim")
    with pytest.raises(moves.NotPossible, match="answer"):
        moves.ship(order, ParcelData(), "Staff")
    moves.answer_cancellation(order, "Staff", is_agreed=False)
    assert order.status == Status.COLLECTING
    assert order.cancel_answer == "too late"
    assert stock_says(shelf, order) == STOCK[Status.COLLECTING]
    moves.ship(order, ParcelData(tracking_code="SE1"), "Staff")
    assert order.status == Status.SHIPPED


@pytest.mark.parametrize("ask", [moves.ask_to_cancel, moves.cancel])
def test_whoever_was_told_too_late_does_not_ask_again_only_the_shop_does(
    ask: Callable[[Order, str], object], draft: Order
) -> None:
    order = in_status(draft, Status.COLLECTING)
    moves.ask_to_cancel(order, "Kim")
    moves.answer_cancellation(order, "Staff", is_agreed=False)
    for _time in range(2):
        with pytest.raises(moves.NotPossible, match="too late"):
            ask(order, "Kim")
        assert (order.cancel_answer, order.is_cancellation_open) == ("too late", False)
    ask(order, moves.SHOP)
    assert (order.cancel_answer, order.is_cancellation_open) == ("", True)


def test_a_paid_one_that_was_cancelled_asks_for_a_refund_until_it_is_ticked_off(draft: Order) -> None:
    order = in_status(draft, Status.COLLECTING)
    order.shipment = Shipment.objects.create(shop="nordlys.centra.com", number=order.number, is_paid=True)
    order.save()
    moves.ask_to_cancel(order, "Kim")
    moves.answer_cancellation(order, "Staff", is_agreed=True)
    assert order.needs_refund
    moves.refunded(order, "Kim")
    assert not order.needs_refund


def test_cancelling_what_is_being_handed_over_is_a_request(merchant: Merchant, sweater: Product, shelf: Stock) -> None:
    shop = factories.integration(merchant)
    factories.webshop_product(shop, ("FG1", "", ""), product=sweater)
    order = factories.order(merchant, integration=shop, method=factories.method(merchant), is_method_chosen=True)
    factories.order_line(order, sweater, 3)
    moves.save_as_new(order, "Kim")
    moves.ask_to_hand_over(order, "Staff")
    assert order.is_being_handed_over
    assert moves.may_become(order) == []
    with pytest.raises(moves.NotPossible, match="handed over"):
        moves.to_draft(order, "Kim")
    assert moves.cancel(order, "Kim") is False
    assert order.status == Status.NEW
    assert order.is_cancellation_open
    assert stock_says(shelf, order)["held"] == 3


def test_nothing_is_collected_while_hand_over_is_paused(merchant: Merchant, draft: Order) -> None:
    shop = factories.integration(merchant)
    in_status(draft, Status.NEW)
    Order.objects.filter(pk=draft.pk).update(integration=shop, shop=shop.shop)
    SyncState.objects.update_or_create(integration=shop, pipe=moves.HAND_OVER, defaults={"is_paused": True})
    with pytest.raises(moves.NotPossible, match="paused"):
        moves.ask_to_hand_over(draft, "Staff")
    assert draft.handover_asked_at is None


def test_brought_back_it_reserves_again_and_waits_behind_those_that_came_meanwhile(
    draft: Order, shelf: Stock, merchant: Merchant, sweater: Product, method: ShippingMethod
) -> None:
    in_status(draft, Status.CANCELLED)
    other = factories.order(merchant, method=method)
    factories.order_line(other, sweater, 8)
    moves.save_as_new(other, "Kim")
    moves.save_as_new(draft, "Kim")
    other.refresh_from_db()
    assert (other.status, draft.status) == (Status.NEW, Status.PENDING)
    assert stock_says(shelf, draft) == {"on hand": 10, "reserved": 11, "held": 3, "taken": 0}


def test_what_the_shop_cancelled_is_not_brought_back_here(draft: Order) -> None:
    in_status(draft, Status.CANCELLED)
    Order.objects.filter(pk=draft.pk).update(shop_status="cancelled")
    with pytest.raises(moves.NotPossible, match="shop cancelled"):
        moves.save_as_new(draft, "Kim")


# --- reasons to wait ---------------------------------------------------------------------------


def test_saved_as_new_with_something_missing_it_is_reserved_and_says_what(draft: Order, shelf: Stock) -> None:
    draft.city = ""
    draft.save()
    moves.save_as_new(draft, "Kim")
    assert draft.status == Status.RESERVED
    assert [hold.cause for hold in draft.holds.all()] == [Cause.ADDRESS]
    assert "city" in draft.holds.get().text
    assert stock_says(shelf, draft)["held"] == 3


def test_overruled_it_goes_all_the_same(draft: Order) -> None:
    draft.city = ""
    draft.save()
    moves.save_as_new(draft, "Kim")
    moves.overrule(draft, [Cause.ADDRESS], "Kim")
    assert draft.status == Status.NEW
    assert not draft.holds.exists()


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause not in MAY_BE_OVERRULED])
def test_other_reasons_cannot_be_overruled(draft: Order, cause: Cause) -> None:
    factories.method(draft.merchant)  # of two, none is the default
    draft.method = None
    draft.save()
    moves.save_as_new(draft, "Kim")
    with pytest.raises(moves.NotPossible, match="mended"):
        moves.overrule(draft, [cause], "Kim")
    draft.refresh_from_db()
    assert draft.status == Status.RESERVED
    assert draft.overruled == []


# --- splitting -----------------------------------------------------------------------------------


def test_a_split_keeps_every_piece_and_gives_the_part_a_story_of_its_own(draft: Order, shelf: Stock) -> None:
    moves.save_as_new(draft, "Kim")
    line = draft.lines.get()
    part = moves.split(draft, {line.pk: 1}, "Kim")
    part.refresh_from_db()
    assert (draft.pieces, part.pieces) == (2, 1)
    assert (draft.status, part.status) == (Status.NEW, Status.NEW)
    assert part.label == f"{draft.number}/2"
    assert part.split_from == draft
    assert stock_says(shelf, draft)["reserved"] == 3
    assert stock_says(shelf, part)["held"] == 1
    assert "Split off" in part.events.first().text  # type: ignore[union-attr]


def test_the_pieces_open_in_the_shop_are_counted_once_after_a_split(merchant: Merchant, sweater: Product) -> None:
    order = factories.order(merchant, integration=factories.integration(merchant))
    line = factories.order_line(order, sweater, 5)
    part = moves.split(order, {line.pk: 2}, "Kim")
    line.refresh_from_db()
    copy = part.lines.get()
    assert (line.open_in_shop, copy.open_in_shop) == (3, 2)
    assert copy.external_id == line.external_id


def test_reserved_on_purpose_both_parts_stay_so(draft: Order, shelf: Stock) -> None:
    moves.reserve_on_purpose(draft, "Kim")
    part = moves.split(draft, {draft.lines.get().pk: 1}, "Kim")
    part.refresh_from_db()
    assert (draft.status, part.status) == (Status.RESERVED, Status.RESERVED)
    assert not part.holds.exists()
    assert stock_says(shelf, draft)["reserved"] == 3
    assert stock_says(shelf, part)["held"] == 1


@pytest.mark.parametrize("pieces", [0, 3, 4, -1])
def test_something_must_go_and_something_must_stay(draft: Order, pieces: int) -> None:
    with pytest.raises(moves.NotPossible):
        moves.split(draft, {draft.lines.get().pk: pieces}, "Kim")
    assert Order.objects.count() == 1


def test_deliverable_now_is_what_no_earlier_promise_needs(
    draft: Order, merchant: Merchant, sweater: Product, method: ShippingMethod
) -> None:
    moves.save_as_new(draft, "Kim")
    late = factories.order(merchant, method=method)
    one, two = factories.order_line(late, sweater, 5), factories.order_line(late, sweater, 6)
    moves.save_as_new(late, "Kim")
    assert late.status == Status.PENDING
    assert splitting.deliverable(late) == {one.pk: 5, two.pk: 2}
    assert splitting.rest(late) == {one.pk: 0, two.pk: 4}


def test_pending_orders_are_split_by_themselves_where_the_merchant_wants_it(
    draft: Order, merchant: Merchant, shelf: Stock
) -> None:
    in_status(draft, Status.PENDING)
    assert splitting.split_pending() == 0
    OrderProcessing.objects.create(merchant=merchant, splits_pending=True)
    assert splitting.split_pending() == 1
    draft.refresh_from_db()
    part = draft.splits.get()
    assert (draft.status, draft.pieces) == (Status.NEW, 10)
    assert (part.status, part.pieces) == (Status.PENDING, 1)
    assert stock_says(shelf, draft)["reserved"] == 11
    assert splitting.split_pending() == 0
    assert Order.objects.count() == 2


def test_a_later_order_is_not_split_with_pieces_of_an_earlier_one(
    draft: Order, merchant: Merchant, sweater: Product, method: ShippingMethod
) -> None:
    OrderProcessing.objects.create(merchant=merchant, splits_pending=True)
    in_status(draft, Status.PENDING)
    late = factories.order(merchant, method=method)
    factories.order_line(late, sweater, 4)
    moves.save_as_new(late, "Kim")
    assert late.status == Status.PENDING
    assert splitting.split_pending() == 1
    promise.settle()
    late.refresh_from_db()
    assert (late.status, late.splits.count()) == (Status.PENDING, 0)
