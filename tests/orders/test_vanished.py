"""What the shop hides or changes after hand-over: it is told, the warehouse is asked to stop, nothing is sold twice."""

from collections.abc import Callable

import pytest

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from orders import moves, orderpage
from orders.models import Cause, Order, Status
from products.models import Stock
from sandbox.models import Order as ShopOrder
from sandbox.models import Size, Wanted
from tests.conftest import Centra
from tests.orders.shop import Goods, active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)

PARCEL = ParcelData("PostNord", "MyPack", "SE-0042", parcels=1)


def _collecting(centra: Centra) -> tuple[ShopOrder, Goods]:
    """Three of ten sweaters, handed over and unpaid."""
    centra.integration.captures = Integration.Captures.SENT
    centra.integration.sends_stock = True
    centra.integration.save()
    active_method(centra)
    sweater = goods(centra)
    placed = buy(centra, {sweater.size: 3})
    look(centra)
    moves.ask_to_hand_over(ours(placed), "Staff")
    look(centra, "hand-over")
    assert ours(placed).status == Status.COLLECTING
    return placed, sweater


def test_cancelled_in_the_shop_while_it_is_collected_stops_at_the_warehouse(centra: Centra) -> None:
    """The guide's four statuses: the order vanishes after hand-over, and its shipment with it."""
    placed, sweater = _collecting(centra)
    placed.cancel()
    sweep(centra)
    sweep(centra)

    order = ours(placed)
    assert (order.status, order.is_cancellation_open) == (Status.COLLECTING, True)
    with pytest.raises(moves.NotPossible, match="answer the request"):
        moves.ship(order, PARCEL, "Staff")
    assert order.events.filter(text__contains="no longer shows").count() == 1
    moves.answer_cancellation(order, "Staff", is_agreed=True)
    look(centra, "stock")
    sweater.size.refresh_from_db()
    assert (Stock.objects.get().on_hand, sweater.size.physical) == (10, 10)
    moves.save_as_new(order, "Merchant")
    assert (order.status, {hold.cause for hold in order.holds.all()}) == (Status.RESERVED, {Cause.NOT_SHOWN})


def test_cancelled_in_the_shop_and_shipped_all_the_same_is_not_sold_again(centra: Centra) -> None:
    placed, sweater = _collecting(centra)
    placed.cancel()
    sweep(centra)
    order = ours(placed)
    moves.answer_cancellation(order, "Staff", is_agreed=False)
    moves.ship(order, PARCEL, "Staff")
    look(centra, "hand-over")
    look(centra, "stock")

    sweater.size.refresh_from_db()
    assert (Stock.objects.get().on_hand, sweater.size.physical) == (7, 7)
    order.refresh_from_db()
    assert "no longer shows order" in order.tell_error
    moves.leave_untold(order, "Merchant")
    look(centra, "stock")
    sweater.size.refresh_from_db()
    assert (sweater.size.physical, Order.objects.untold().count()) == (7, 0)


def test_cancelled_in_the_shop_and_shown_so_after_it_was_shipped_it_can_be_left(centra: Centra) -> None:
    """*Cancelled* is ticked, as the portal advises: the order stays visible, and will never take its shipment."""
    centra.plugin.order_statuses = [1, 2, 3, 4, 6]
    centra.plugin.save()
    placed, sweater = _collecting(centra)
    moves.ship(ours(placed), PARCEL, "Staff")
    placed.cancel()
    look(centra, "hand-over")
    sweep(centra)
    sweep(centra)

    order = ours(placed)
    assert (order.status, order.told_at, order.is_shown) == (Status.SHIPPED, None, True)
    assert order.tell_error
    assert orderpage.look(order)["untold"] == order.tell_error
    assert order.events.filter(text__contains="The shop cancelled it").count() == 1
    moves.leave_untold(order, "Merchant")
    look(centra, "stock")
    sweater.size.refresh_from_db()
    assert (Stock.objects.get().on_hand, sweater.size.physical) == (7, 7)
    assert not Order.objects.untold().exists()


def test_an_order_that_the_shop_shows_again_is_packed_on(centra: Centra) -> None:
    placed, sweater = _collecting(centra)
    placed.hold()
    sweep(centra)
    assert ours(placed).is_cancellation_open
    placed.resume()
    sweep(centra)

    order = ours(placed)
    assert (order.status, order.is_cancellation_open) == (Status.COLLECTING, False)
    moves.ship(order, PARCEL, "Staff")
    look(centra, "hand-over")
    look(centra, "stock")
    sweater.size.refresh_from_db()
    assert ours(placed).told_at
    assert (Stock.objects.get().on_hand, sweater.size.physical) == (7, 7)


# --- changed while it is collected -----------------------------------------------------------


def _collecting_in_plain_sight(centra: Centra) -> tuple[ShopOrder, Goods]:
    """The plugin shows also what is held, and what waits for its payment."""
    centra.plugin.shows_waiting = centra.plugin.shows_held = True
    centra.plugin.save()
    placed, sweater = _collecting(centra)
    look(centra)  # our own shipment is no change
    placed.refresh_from_db()
    return placed, sweater


def _story(order: Order) -> list[str]:
    return list(order.events.order_by("pk").values_list("text", flat=True))


def _moves_house(placed: ShopOrder, _size: Size) -> None:
    ShopOrder.objects.filter(pk=placed.pk).update(delivery={**placed.delivery, "city": "Lund"})


def _takes_pieces_off(placed: ShopOrder, _size: Size) -> None:
    placed.lines.update(qty=2)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (_moves_house, "Changed in the shop while it is collected: city."),
        (_takes_pieces_off, "line FG1-NVY-M: 3 × FG1-NVY-M → 2 × FG1-NVY-M."),
        (lambda placed, size: placed.add_line(Wanted(size, 1)), "line FG1-NVY-M: none → 1 × FG1-NVY-M."),
        (lambda placed, _size: placed.change_flags(waits_for_payment=True), "The shop waits for the payment."),
    ],
)
def test_changed_while_it_is_collected_is_told_once_and_it_goes_on(
    centra: Centra, act: Callable[[ShopOrder, Size], object], said: str
) -> None:
    placed, sweater = _collecting_in_plain_sight(centra)
    before = _story(ours(placed))
    act(placed, sweater.size)
    assert look(centra).counts["changed"] == 1
    sweep(centra)

    order = ours(placed)
    assert [text.endswith(said) for text in _story(order)[len(before) :]] == [True]
    assert (order.status, order.is_cancellation_open, order.city) == (Status.COLLECTING, False, placed.delivery["city"])
    assert not placed.shipments.get().is_sent


@pytest.mark.parametrize(
    ("act", "undo", "said"),
    [
        (ShopOrder.hold, ShopOrder.resume, "put it on hold"),
        (
            lambda placed: placed.change_flags(is_suspect=True),
            lambda placed: placed.change_flags(is_suspect=False),
            "suspects fraud",
        ),
    ],
)
def test_held_in_plain_sight_while_it_is_collected_stops_until_the_shop_lets_it_go(
    centra: Centra, act: Callable[[ShopOrder], object], undo: Callable[[ShopOrder], object], said: str
) -> None:
    placed, sweater = _collecting_in_plain_sight(centra)
    act(placed)
    look(centra)
    sweep(centra)
    order = ours(placed)
    assert (order.status, order.is_cancellation_open) == (Status.COLLECTING, True)
    assert order.events.filter(text__contains=said).count() == 1
    undo(placed)
    look(centra)
    order = ours(placed)
    assert not order.is_cancellation_open
    moves.ship(order, PARCEL, "Staff")
    look(centra, "hand-over")
    look(centra, "stock")
    sweater.size.refresh_from_db()
    assert ours(placed).told_at
    assert (Stock.objects.get().on_hand, sweater.size.physical) == (7, 7)


@pytest.mark.parametrize("is_archived", [False, True])
@pytest.mark.parametrize("is_agreed", [True, False])
def test_sent_by_hand_while_it_is_collected_stops_and_is_not_to_be_refunded(
    centra: Centra, is_agreed: bool, is_archived: bool
) -> None:
    placed, sweater = _collecting_in_plain_sight(centra)
    placed.shipments.get().complete(capture=True)
    if is_archived:
        placed.refresh_from_db()
        placed.archive()
        centra.plugin.order_statuses = [1, 2, 3, 4, 5]
        centra.plugin.save()
    look(centra)
    sweep(centra)
    order = ours(placed)
    assert (order.status, order.is_cancellation_open) == (Status.COLLECTING, True)
    assert order.events.filter(text__contains="as sent already, and not by us").count() == 1
    moves.answer_cancellation(order, "Staff", is_agreed=is_agreed)
    if not is_agreed:
        moves.ship(order, PARCEL, "Staff")
    look(centra, "hand-over")
    sweep(centra)
    look(centra, "stock")
    sweater.size.refresh_from_db()
    order = ours(placed)
    assert (order.status, order.is_cancellation_open) == (Status.CANCELLED if is_agreed else Status.SHIPPED, False)
    assert not order.needs_refund
    assert (Stock.objects.get().on_hand, sweater.size.physical) == ((10, 10) if is_agreed else (7, 7))
    assert placed.shipments.get().captures == 1


def test_a_change_taken_back_while_it_is_collected_is_told(centra: Centra) -> None:
    placed, sweater = _collecting_in_plain_sight(centra)
    _moves_house(placed, sweater.size)
    look(centra)
    ShopOrder.objects.filter(pk=placed.pk).update(delivery=placed.delivery)
    look(centra)
    assert _story(ours(placed))[-1] == "The shop took its change back."
