"""The shop changes an order that is several parts here: shown at once, answered once, and nothing counts twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from merchants.models import User
from orders import differences, moves, promise
from orders.models import Cause, Order, Status
from products.models import Reservation
from sandbox.models import Order as ShopOrder
from sandbox.models import Wanted
from tests import factories
from tests.orders.desk import Desk, fresh
from tests.orders.shop import buy, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)


def in_two(desk: Desk, *, lines: int = 1) -> tuple[ShopOrder, Order, Order]:
    """Three pieces of each line, of which one of the first line is a part of its own; both are NEW."""
    for _missing in range(lines - len(desk.items)):
        desk.item()
    there = buy(desk.centra, dict.fromkeys([size for size, _product in desk.items[:lines]], 3))
    look(desk.centra)
    order = ours(there)
    line = order.lines.first()
    assert line is not None
    part = moves.split(order, {line.pk: 1}, "Kim")
    look(desk.centra)
    there.refresh_from_db()
    assert (fresh(order).status, fresh(part).status) == (Status.NEW, Status.NEW)
    return there, order, part


def raise_first(there: ShopOrder, by: int) -> None:
    """More pieces of the first line, as an administrator may order."""
    line = there.lines.order_by("pk")[0]
    size = line.size
    assert size is not None
    line.qty += by
    line.save()
    size.allocate(by)
    line.refresh_from_db()
    line.allocations = {there.shop.warehouse: line.qty}
    line.save()


def lower_first(there: ShopOrder, by: int) -> None:
    there.cancel_pieces(there.lines.order_by("pk")[0], by)


def pieces(*parts: Order) -> list[dict[str, int]]:
    """Of each part by SKU."""
    return [dict(part.lines.filter(pieces__gt=0).values_list("sku", "pieces")) for part in parts]


def offered(*parts: Order) -> list[list[tuple[str, str, str]]]:
    return [differences.differences(fresh(part)) for part in parts]


def all_adds_up(desk: Desk, there: ShopOrder) -> None:
    """Of each line the parts together send what the shop wants, and count just that as open there."""
    for line in there.lines.filter(qty__gt=0):
        rows = [row for part in Order.objects.all() for row in part.lines.filter(external_id=str(line.pk))]
        alive = [row for row in rows if row.order.status != Status.CANCELLED]
        assert sum(row.pieces for row in alive) == line.qty, f"{line}: {[row.pieces for row in alive]}"
        assert sum(row.open_in_shop for row in rows if row.order.told_at is None) <= line.qty
    for number, (_size, product) in enumerate(desk.items):
        held = sum(Reservation.objects.filter(stock__product=product).values_list("held", flat=True))
        waiting = Order.objects.filter(status__in=[Status.NEW, Status.PENDING, Status.RESERVED])
        assert held == sum(row.pieces for part in waiting for row in part.lines.filter(product=product))
        assert desk.shelf(number)[1] == held


def all_is_sent(desk: Desk, there: ShopOrder) -> None:
    """From here to the customer, and the shop knows: all of it, once."""
    promise.settle()
    for part in Order.objects.filter(status=Status.NEW):
        desk.mark(part)
    desk.run_twice()
    desk.later()
    desk.run_twice()
    collecting = list(Order.objects.filter(status=Status.COLLECTING))
    for part in collecting:
        desk.ship(part)
    desk.run_twice()
    sweep(desk.centra)
    there.refresh_from_db()
    assert there.status == ShopOrder.Status.COMPLETED
    assert not Order.objects.untold().exists()
    assert there.captured == there.grand_total


# --- while no part is with the warehouse -------------------------------------------------------


@pytest.mark.parametrize("which", [0, 1])
def test_more_is_shown_on_every_part_with_the_next_poll_and_goes_where_it_is_accepted(desk: Desk, which: int) -> None:
    there, *parts = in_two(desk)
    raise_first(there, 2)
    look(desk.centra)
    assert [desk.held(part) for part in parts] == [{Cause.CHANGED}] * 2
    assert offered(*parts) == [[("line FG1-NVY-M", "3 × FG1-NVY-M", "5 × FG1-NVY-M")]] * 2

    differences.accept(fresh(parts[which]), "Kim")
    assert [fresh(part).status for part in parts] == [Status.NEW, Status.NEW]
    assert pieces(*parts) == [[{"FG1-NVY-M": 4}, {"FG1-NVY-M": 1}], [{"FG1-NVY-M": 2}, {"FG1-NVY-M": 3}]][which]
    all_adds_up(desk, there)
    for _again in range(2):
        sweep(desk.centra)
        assert [fresh(part).offered for part in parts] == [None, None]
        all_adds_up(desk, there)
    all_is_sent(desk, there)


@pytest.mark.parametrize("which", [0, 1])
def test_less_is_taken_from_the_part_where_it_is_accepted_and_then_from_the_others(desk: Desk, which: int) -> None:
    there, *parts = in_two(desk)
    lower_first(there, 2)
    look(desk.centra)
    assert [desk.held(part) for part in parts] == [{Cause.CHANGED}] * 2
    differences.accept(fresh(parts[which]), "Kim")
    if which == 0:
        assert [fresh(part).status for part in parts] == [Status.CANCELLED, Status.NEW]
        assert "Nothing of it is left" in fresh(parts[0]).events.last().text  # type: ignore[union-attr]
    else:
        assert [fresh(part).status for part in parts] == [Status.NEW, Status.CANCELLED]
    assert sorted(map(str, pieces(*parts))) == ["{'FG1-NVY-M': 1}", "{}"]
    for _again in range(2):
        sweep(desk.centra)
        all_adds_up(desk, there)
    assert not Order.objects.filter(status=Status.RESERVED).exists()
    all_is_sent(desk, there)


def test_a_line_taken_off_and_one_added_are_taken_over_by_all_parts(desk: Desk) -> None:
    there, order, part = in_two(desk, lines=2)
    lower_first(there, 3)
    there.add_line(Wanted(desk.item(), 2))
    look(desk.centra)
    wanted = [
        ("line FG1-NVY-M", "3 × FG1-NVY-M", "none"),
        ("line FG3-NVY-M", "none", "2 × FG3-NVY-M"),
    ]
    assert offered(order, part) == [wanted, wanted]
    differences.accept(fresh(order), "Kim")
    assert pieces(order, part) == [{"FG2-NVY-M": 3, "FG3-NVY-M": 2}, {}]
    assert (fresh(order).status, fresh(part).status) == (Status.NEW, Status.CANCELLED)
    all_adds_up(desk, there)
    all_is_sent(desk, there)


def test_refused_all_parts_go_as_they_were_until_the_shop_changes_it_again(desk: Desk) -> None:
    there, order, part = in_two(desk)
    raise_first(there, 2)
    look(desk.centra)
    differences.refuse(fresh(part), "Kim")
    for _again in range(2):
        sweep(desk.centra)
        assert [(fresh(one).status, fresh(one).offered) for one in (order, part)] == [(Status.NEW, None)] * 2
    assert pieces(order, part) == [{"FG1-NVY-M": 2}, {"FG1-NVY-M": 1}]
    raise_first(there, 1)
    look(desk.centra)
    assert offered(order, part) == [[("line FG1-NVY-M", "5 × FG1-NVY-M", "6 × FG1-NVY-M")]] * 2
    differences.accept(fresh(part), "Kim")
    assert pieces(order, part) == [{"FG1-NVY-M": 2}, {"FG1-NVY-M": 4}]
    all_adds_up(desk, there)


def test_fewer_and_refused_the_part_that_has_too_many_says_so(desk: Desk) -> None:
    there, order, part = in_two(desk)
    lower_first(there, 1)
    look(desk.centra)
    differences.refuse(fresh(order), "Kim")
    assert (fresh(order).status, fresh(part).status) == (Status.NEW, Status.RESERVED)
    assert part.holds.get().text == "The shop has taken its pieces off the order. Cancel it here."


def test_answered_twice_it_is_taken_over_once(desk: Desk) -> None:
    there, order, part = in_two(desk)
    raise_first(there, 2)
    look(desk.centra)
    stale = [fresh(order), fresh(part)]
    differences.accept(stale[0], "Kim")
    for one in stale:
        for answer in (differences.accept, differences.refuse):
            with pytest.raises(moves.NotPossible, match="meanwhile"):
                answer(one, "Robin")
    assert pieces(order, part) == [{"FG1-NVY-M": 4}, {"FG1-NVY-M": 1}]
    all_adds_up(desk, there)


def test_another_address_is_taken_over_by_every_part_but_not_what_was_mended_here(desk: Desk) -> None:
    there, order, part = in_two(desk)
    Order.objects.filter(pk=part.pk).update(phone="+4631")
    ShopOrder.objects.filter(pk=there.pk).update(delivery={**there.delivery, "city": "Lund"}, shipping_list="express")
    look(desk.centra)
    differences.accept(fresh(part), "Kim")
    here = [fresh(one) for one in (order, part)]
    assert [(one.city, one.shop_method, one.status) for one in here] == [("Lund", "express", Status.NEW)] * 2
    assert [one.phone for one in here] == ["+46700000001", "+4631"]
    assert desk.centra.integration.shop_methods.get(value="express").count == 1
    all_adds_up(desk, there)


def test_a_change_taken_back_in_the_shop_frees_every_part(desk: Desk) -> None:
    there, order, part = in_two(desk)
    before = dict(there.delivery)
    ShopOrder.objects.filter(pk=there.pk).update(delivery={**before, "city": "Lund"})
    look(desk.centra)
    assert desk.held(part) == {Cause.CHANGED}
    ShopOrder.objects.filter(pk=there.pk).update(delivery=before)
    look(desk.centra)
    assert [(fresh(one).status, fresh(one).offered) for one in (order, part)] == [(Status.NEW, None)] * 2


# --- what somebody here did before -------------------------------------------------------------


def test_a_piece_cancelled_here_and_then_in_the_shop_is_taken_off_once(desk: Desk) -> None:
    there, order, part = in_two(desk)
    moves.cancel(fresh(part), "Kim")
    lower_first(there, 1)
    look(desk.centra)
    differences.accept(fresh(order), "Kim")
    assert (fresh(order).status, pieces(order)) == (Status.NEW, [{"FG1-NVY-M": 2}])
    all_adds_up(desk, there)
    all_is_sent(desk, there)


def test_a_piece_taken_out_by_hand_and_then_in_the_shop_is_taken_off_once(desk: Desk) -> None:
    there, order, part = in_two(desk)
    order.lines.update(pieces=1)
    lower_first(there, 1)
    look(desk.centra)
    differences.accept(fresh(part), "Kim")
    assert pieces(order, part) == [{"FG1-NVY-M": 1}, {"FG1-NVY-M": 1}]
    all_adds_up(desk, there)


# --- one part is with the warehouse ------------------------------------------------------------


def one_collecting(desk: Desk) -> tuple[ShopOrder, Order, Order]:
    """Two pieces are collected, one is NEW."""
    there, order, part = in_two(desk)
    desk.mark(order)
    desk.run()
    assert fresh(order).status == Status.COLLECTING
    there.refresh_from_db()
    return there, order, part


def test_more_goes_into_the_part_that_the_warehouse_does_not_have(desk: Desk) -> None:
    there, order, part = one_collecting(desk)
    raise_first(there, 2)
    there.add_line(Wanted(desk.item(), 1))
    look(desk.centra)
    assert (fresh(order).status, fresh(order).offered) == (Status.COLLECTING, None)
    assert desk.held(part) == {Cause.CHANGED}
    differences.accept(fresh(part), "Kim")
    assert pieces(order, part) == [{"FG1-NVY-M": 2}, {"FG1-NVY-M": 3, "FG2-NVY-M": 1}]
    all_adds_up(desk, there)
    assert "took its change back" not in "".join(order.events.values_list("text", flat=True))
    all_is_sent(desk, there)
    assert [shipment.captures for shipment in there.shipments.all()] == [1, 1]


def test_less_leaves_what_the_warehouse_has_alone(desk: Desk) -> None:
    there, order, part = one_collecting(desk)
    lower_first(there, 1)
    look(desk.centra)
    differences.accept(fresh(part), "Kim")
    assert (fresh(order).status, fresh(part).status) == (Status.COLLECTING, Status.CANCELLED)
    assert pieces(order, part) == [{"FG1-NVY-M": 2}, {}]
    all_adds_up(desk, there)
    all_is_sent(desk, there)


def test_a_part_that_is_being_handed_over_meets_it_there_and_takes_nothing_twice(desk: Desk) -> None:
    there, order, part = in_two(desk)
    desk.mark(order)
    raise_first(there, 2)
    look(desk.centra)
    with pytest.raises(moves.NotPossible, match="handed over"):
        differences.accept(fresh(order), "Kim")
    differences.accept(fresh(part), "Kim")
    desk.run_twice()
    assert (fresh(order).status, desk.held(order)) == (Status.RESERVED, {Cause.CHANGED})
    differences.accept(fresh(order), "Kim")
    assert pieces(order, part) == [{"FG1-NVY-M": 2}, {"FG1-NVY-M": 3}]
    all_adds_up(desk, there)
    all_is_sent(desk, there)


def test_of_parts_that_wait_the_one_that_the_shop_has_no_shipment_of_takes_more(desk: Desk) -> None:
    """The other has a paid shipment already, whose pieces nobody changes any more."""
    there, order, part = in_two(desk)
    desk.mark(order)
    desk.put_on_shelf(desk.items[0][1], -9)
    desk.run()
    assert (fresh(order).status, there.shipments.get().is_paid) == (Status.PENDING, True)
    raise_first(there, 2)
    look(desk.centra)
    differences.accept(fresh(order), "Kim")
    assert pieces(order, part) == [{"FG1-NVY-M": 2}, {"FG1-NVY-M": 3}]
    all_adds_up(desk, there)
    desk.put_on_shelf(desk.items[0][1], 9)
    all_is_sent(desk, there)


# --- on the page -------------------------------------------------------------------------------


def test_the_page_of_each_part_shows_it_and_says_for_whom_the_answer_is(
    desk: Desk, signed_in: Callable[[User], Client]
) -> None:
    there, order, part = in_two(desk)
    raise_first(there, 2)
    look(desk.centra)
    user = factories.user()
    desk.centra.integration.merchant.link(user)
    page = signed_in(user)
    for one in (order, part):
        text = page.get(one.get_absolute_url()).content.decode()
        assert "5 × FG1-NVY-M" in text
        assert "your answer is for all parts that the warehouse does not have yet" in text
    act = reverse("orders:act", args=[part.merchant_id, part.pk])
    assert "is taken over" in page.post(act, {"act": "accept"}, follow=True).content.decode()
    assert "answered, or taken back, meanwhile" in page.post(act, {"act": "accept"}, follow=True).content.decode()
    assert pieces(order, part) == [{"FG1-NVY-M": 2}, {"FG1-NVY-M": 3}]
    assert "What the shop says now" not in page.get(order.get_absolute_url()).content.decode()
