"""A parcel came back: here, on the shelf, and in the shop. Figures on both sides, told twice."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from integrations.models import Integration
from orders import deleting, moves, promise, returning
from orders.models import Order, OrderLine, Status
from orders.moves import NotPossible
from orders.returning import Back
from products.models import Movement, Reservation, ShopFigure
from sandbox.models import Order as ShopOrder
from sandbox.models import Return
from tests import factories
from tests.conftest import Centra
from tests.integrations.test_race import at_once
from tests.orders.desk import Desk, fresh, only
from tests.orders.shop import look
from tests.products.stocked import switch_on, tell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(centra: Centra) -> Desk:
    """Ten pieces of the first item on the shelf and in the shop, which is told of them."""
    made = Desk(centra)
    made.item()
    switch_on(centra.integration)
    tell(centra.integration)
    return made


def shipped(desk: Desk, pieces: int = 3, *, told: bool = True) -> tuple[ShopOrder, Order]:
    """Sent; the shop knows of it or is still owed that, and shows our figure."""
    there, order = desk.order(pieces)
    desk.mark(order)
    desk.run()
    desk.ship(order)
    if told:
        desk.run_twice()
    both(desk)
    assert (fresh(order).status, fresh(order).told_at is not None) == (Status.SHIPPED, told)
    return there, fresh(order)


def back(order: Order, came: int, shelved: int, comment: str = "") -> None:
    returning.record(order, {order.lines.get().pk: Back(came, shelved)}, "Robin", comment=comment)


def both(desk: Desk) -> tuple[int | None, tuple[int, int]]:
    """What the shop was told, and its physical and allocated pieces; a second run changes nothing of it."""
    tell(desk.centra.integration)
    first = told(desk), desk.in_shop()
    tell(desk.centra.integration)
    assert (told(desk), desk.in_shop()) == first
    return first


def told(desk: Desk) -> int | None:
    return ShopFigure.objects.get(item__product=desk.items[0][1]).told


def story(order: Order) -> str:
    return "\n".join(order.events.values_list("text", flat=True))


# --- the shop knows that it was sent --------------------------------------------------------------


def test_some_came_back_and_some_of_these_are_on_the_shelf_again(desk: Desk) -> None:
    _there, order = shipped(desk)
    assert both(desk) == (7, (7, 0))
    back(order, 2, 1, "the box was wet")
    here = fresh(order)
    assert (here.status, here.lines.get().returned, here.returned_at is not None) == (Status.SHIPPED, 2, True)
    assert desk.shelf() == (8, 0)
    line = Movement.objects.get(why=Movement.Why.RETURNED)
    assert (line.pieces, line.document, line.who) == (1, order.label, "Robin")
    assert "Came back: 2 × FG1-NVY-M. On the shelf again: 1 × FG1-NVY-M. Damaged: 1 × FG1-NVY-M." in story(order)
    assert "“the box was wet”" in story(order)
    assert told(desk) is None
    assert both(desk) == (8, (8, 0))


def test_the_rest_comes_later_and_then_it_is_returned(desk: Desk) -> None:
    there, order = shipped(desk)
    back(order, 2, 1)
    back(order, 1, 1)
    here = fresh(order)
    assert (here.status, here.lines.get().returned) == (Status.RETURNED, 3)
    assert desk.shelf() == (9, 0)
    assert not Reservation.objects.exists()
    desk.run_twice()
    assert both(desk) == (9, (9, 0))
    assert only(there).is_sent
    assert fresh(order).status == Status.RETURNED
    assert story(order).count("RETURNED") == 1


def test_what_the_shop_put_back_by_itself_is_corrected_by_our_figure(desk: Desk) -> None:
    there, order = shipped(desk)
    Return.create(only(there), restocks=True)
    assert desk.in_shop() == (10, 0)
    back(order, 3, 1)
    assert both(desk) == (8, (8, 0))


def test_the_shop_is_told_again_even_where_the_figure_stays_the_same(desk: Desk) -> None:
    """A buffer hides the piece that came back; what the shop put back by itself is taken off all the same."""
    Integration.objects.filter(pk=desk.centra.integration.pk).update(safety_buffer=50)
    desk.centra.integration.refresh_from_db()
    there, order = shipped(desk)
    assert both(desk) == (0, (0, 0))
    Return.create(only(there), restocks=True)
    assert both(desk) == (0, (3, 0)), "nobody tells what it was told before"
    back(order, 3, 3)
    assert both(desk) == (0, (0, 0))


def test_what_is_damaged_is_noted_and_not_put_back(desk: Desk) -> None:
    _there, order = shipped(desk)
    back(order, 3, 0)
    assert fresh(order).status == Status.RETURNED
    assert desk.shelf() == (7, 0)
    assert not Movement.objects.filter(why=Movement.Why.RETURNED).exists()
    assert "Nothing of it is on the shelf again." in story(order)
    assert both(desk) == (7, (7, 0))


def test_what_came_back_covers_an_order_that_waited(desk: Desk) -> None:
    _there, order = shipped(desk, 8)
    waiting = factories.order(order.merchant, method=desk.method, is_method_chosen=True, warehouse=order.warehouse)
    factories.order_line(waiting, desk.items[0][1], 4)
    moves.save_as_new(waiting, "Kim")
    assert waiting.status == Status.PENDING
    back(order, 2, 2)
    promise.settle()
    assert fresh(waiting).status == Status.NEW
    assert both(desk) == (0, (0, 0)), "four on hand, four held for it"


def test_two_lines_of_one_product_are_counted_apart_and_put_back_together(desk: Desk) -> None:
    _there, order = shipped(desk)
    line = order.lines.get()
    copy = OrderLine.objects.create(order=order, product=line.product, sku=line.sku, pieces=2)
    returning.record(order, {line.pk: Back(1, 1), copy.pk: Back(2, 2)}, "Robin")
    assert [one.returned for one in order.lines.all()] == [1, 2]
    assert Movement.objects.get(why=Movement.Why.RETURNED).pieces == 3
    assert fresh(order).status == Status.SHIPPED


# --- the shop does not know yet -------------------------------------------------------------------


def test_while_the_completion_is_owed_the_shop_sells_what_is_back_and_no_piece_more(desk: Desk) -> None:
    there, order = shipped(desk, told=False)
    assert both(desk) == (10, (10, 3))
    back(order, 1, 1)
    assert desk.taken(order) == 3, "the shop’s completion takes all three"
    assert both(desk) == (11, (11, 3)), "eight on the shelf, and three that the shop still counts"
    look(desk.centra)
    assert (desk.taken(order), both(desk)) == (3, (11, (11, 3))), "read again, it is the same"
    desk.run_twice()
    assert only(there).is_sent
    assert desk.taken(order) == 0
    assert both(desk) == (8, (8, 0))


def test_all_of_it_back_it_stays_shipped_until_the_shop_was_told_that_it_was_sent(desk: Desk) -> None:
    there, order = shipped(desk, told=False)
    back(order, 3, 3)
    assert fresh(order).status == Status.SHIPPED
    assert both(desk) == (13, (13, 3)), "ten on the shelf, and three that the shop still counts"
    look(desk.centra)
    assert (desk.taken(order), both(desk)) == (3, (13, (13, 3))), "read again, it is the same"
    desk.run_twice()
    here = fresh(order)
    assert (here.status, here.told_at is not None, desk.taken(order)) == (Status.RETURNED, True, 0)
    assert only(there).is_sent
    assert both(desk) == (10, (10, 0))


def test_told_and_returned_at_once_ends_the_same_whoever_is_first(desk: Desk) -> None:
    there, order = shipped(desk, told=False)
    answers = at_once([desk.run, lambda: back(fresh(order), 3, 3)])
    assert [one for one in answers if isinstance(one, Exception)] == []
    desk.later()
    desk.run_twice()
    assert fresh(order).status == Status.RETURNED
    assert only(there).is_sent
    assert both(desk) == (10, (10, 0))


def test_left_untold_it_is_returned(desk: Desk) -> None:
    _there, order = shipped(desk, told=False)
    back(order, 3, 3)
    Order.objects.filter(pk=order.pk).update(is_shown=False)
    moves.leave_untold(order, "Kim")
    assert fresh(order).status == Status.RETURNED
    assert not Reservation.objects.exists()


def test_with_its_integration_gone_nobody_is_to_be_told_and_it_is_returned(desk: Desk) -> None:
    (_there, order), (_other, partly) = desk.order(), desk.order()
    desk.mark(order, partly)
    desk.run()
    for one in (order, partly):
        desk.ship(one)
    back(order, 3, 3)
    back(partly, 1, 1)
    assert {fresh(one).status for one in (order, partly)} == {Status.SHIPPED}
    deleting.delete(desk.centra.integration, "Kim")
    assert (fresh(order).status, fresh(partly).status) == (Status.RETURNED, Status.SHIPPED)
    assert (desk.shelf(), desk.taken(order)) == ((8, 0), 0)
    back(fresh(partly), 2, 0)
    assert fresh(partly).status == Status.RETURNED


# --- never more than were sent --------------------------------------------------------------------


@pytest.mark.parametrize(("came", "shelved"), [(4, 0), (-1, 0), (2, 3), (2, -1), (0, 0)])
def test_impossible_pieces_are_refused_and_nothing_is_written(desk: Desk, came: int, shelved: int) -> None:
    _there, order = shipped(desk)
    with pytest.raises(NotPossible):
        back(order, came, shelved)
    here = fresh(order)
    assert (here.status, here.lines.get().returned, here.returned_at) == (Status.SHIPPED, 0, None)
    assert desk.shelf() == (7, 0)
    assert told(desk) == 7


def test_a_line_of_another_order_is_refused(desk: Desk) -> None:
    _there, order = shipped(desk)
    _other, second = shipped(desk)
    with pytest.raises(NotPossible):
        returning.record(order, {second.lines.get().pk: Back(1, 1)}, "Robin")
    assert second.lines.get().returned == 0


def test_the_database_itself_keeps_more_than_were_sent_from_coming_back(desk: Desk) -> None:
    _there, order = shipped(desk)
    with pytest.raises(IntegrityError), transaction.atomic():
        order.lines.update(returned=4)


@pytest.mark.parametrize("status", [Status.NEW, Status.COLLECTING, Status.CANCELLED, Status.RETURNED])
def test_only_what_was_shipped_can_come_back(desk: Desk, status: Status) -> None:
    _there, order = shipped(desk)
    Order.objects.filter(pk=order.pk).update(status=status)
    with pytest.raises(NotPossible, match="SHIPPED"):
        back(order, 1, 1)
    assert desk.shelf() == (7, 0)


def test_a_form_sent_twice_counts_once(desk: Desk) -> None:
    _there, order = shipped(desk)
    line = order.lines.get().pk
    returning.record(order, {line: Back(1, 1)}, "Robin", shown={line: 0})
    with pytest.raises(NotPossible, match="meanwhile"):
        returning.record(order, {line: Back(1, 1)}, "Robin", shown={line: 0})
    assert order.lines.get().returned == 1
    assert desk.shelf() == (8, 0)


def test_of_one_form_pressed_many_times_at_once_one_counts(desk: Desk) -> None:
    _there, order = shipped(desk)
    line = order.lines.get().pk

    def press() -> None:
        returning.record(fresh(order), {line: Back(1, 1)}, "Robin", shown={line: 0})

    refused = [answer for answer in at_once([press] * 6) if answer is not None]
    assert [type(answer) for answer in refused] == [NotPossible] * 5
    assert order.lines.get().returned == 1
    assert desk.shelf() == (8, 0)
    assert both(desk) == (8, (8, 0))


def test_of_many_at_once_no_more_pieces_come_back_than_were_sent(desk: Desk) -> None:
    _there, order = shipped(desk)
    refused = [answer for answer in at_once([lambda: back(fresh(order), 1, 1)] * 6) if answer is not None]
    assert [type(answer) for answer in refused] == [NotPossible] * 3
    assert (order.lines.get().returned, fresh(order).status) == (3, Status.RETURNED)
    assert desk.shelf() == (10, 0)
    assert both(desk) == (10, (10, 0))
