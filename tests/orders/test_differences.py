"""What the shop changed after an order was taken over: shown, accepted or refused."""

from dataclasses import replace

import pytest

from integrations.connectors.base import OrderData
from integrations.models import Integration
from orders import differences, moves, taking
from orders.differences import differences as shown
from orders.models import Cause, Order, Status
from tests import factories
from tests.orders.said import SOMEBODY, line, order
from tests.orders.test_deciding import stocked, usable

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Integration:
    made = factories.integration(takes_orders_since="2026-01-01T00:00:00+00:00")
    made.refresh_from_db()
    usable(made)
    for sku in ("FG1", "FG2"):
        stocked(made, sku)
    return made


def say(shop: Integration, data: OrderData) -> Order:
    """The shop lists this order."""
    taking.Taking(shop, "pass").take(data)
    return Order.objects.get()


BEFORE = order(line("1", 3, "FG1"))


@pytest.mark.parametrize(
    ("now", "what", "old", "new"),
    [
        (order(line("1", 5, "FG1")), "line FG1", "3 × FG1", "5 × FG1"),
        (order(line("1", 3, "FG2")), "line FG2", "3 × FG1", "3 × FG2"),
        (order(line("1", 3, "FG1", ean="7300000010015")), "line FG1", "3 × FG1", "3 × FG1, 7300000010015"),
        (replace(BEFORE, deliver_to=replace(SOMEBODY, city="Lund")), "city", "Göteborg", "Lund"),
        (replace(BEFORE, shipping_method="express"), "the shop’s shipping method", "standard", "express"),
        (replace(BEFORE, ingrid_method="Budbee"), "Ingrid’s delivery method", "", "Budbee"),
        (replace(BEFORE, pickup_point="SE-1"), "pick-up point", "", "SE-1"),
    ],
)
def test_every_change_that_holds_an_order_can_be_seen(
    shop: Integration, now: OrderData, what: str, old: str, new: str
) -> None:
    say(shop, BEFORE)
    changed = say(shop, now)
    assert (changed.status, changed.holds.get().cause) == (Status.RESERVED, Cause.CHANGED)
    assert shown(changed) == [(what, old, new)]


def test_a_line_added_and_one_taken_away_are_shown_and_taken_over(shop: Integration) -> None:
    say(shop, BEFORE)
    changed = say(shop, order(line("2", 1, "FG2")))
    assert shown(changed) == [("line FG1", "3 × FG1", "none"), ("line FG2", "none", "1 × FG2")]
    differences.accept(changed, "Kim")
    changed.refresh_from_db()
    assert list(changed.lines.values_list("external_id", "sku", "pieces", "open_in_shop")) == [("2", "FG2", 1, 1)]
    assert (changed.status, changed.holds.count(), changed.offered) == (Status.NEW, 0, None)


def test_a_change_taken_back_in_the_shop_frees_the_order(shop: Integration) -> None:
    say(shop, BEFORE)
    say(shop, order(line("1", 5, "FG1")))
    assert say(shop, BEFORE).status == Status.NEW


def test_what_was_refused_does_not_come_back_until_it_changes_again(shop: Integration) -> None:
    say(shop, BEFORE)
    five, six = order(line("1", 5, "FG1")), order(line("1", 6, "FG1"))
    differences.refuse(say(shop, five), "Kim")
    again = say(shop, five)
    assert (again.status, again.lines.get().pieces, again.offered) == (Status.NEW, 3, None)
    once_more = say(shop, six)
    assert shown(once_more) == [("line FG1", "5 × FG1", "6 × FG1")]
    differences.accept(once_more, "Kim")
    assert Order.objects.get().lines.get().pieces == 6


def test_pieces_changed_by_hand_here_keep_their_difference_when_accepted(shop: Integration) -> None:
    say(shop, BEFORE).lines.update(pieces=2)
    differences.accept(say(shop, order(line("1", 5, "FG1"))), "Kim")
    assert Order.objects.get().lines.get().pieces == 4


def test_what_was_mended_by_hand_here_stays_where_the_shop_changed_something_else(shop: Integration) -> None:
    here = say(shop, BEFORE)
    here.address, here.pickup_point = "Storgatan 2", "SE-7"
    here.save()
    differences.accept(say(shop, replace(BEFORE, deliver_to=replace(SOMEBODY, phone="+4631"))), "Kim")
    here.refresh_from_db()
    assert (here.phone, here.address, here.pickup_point) == ("+4631", "Storgatan 2", "SE-7")


def test_very_long_texts_are_cut_to_their_columns(shop: Integration) -> None:
    say(shop, BEFORE)
    long = replace(BEFORE, deliver_to=replace(SOMEBODY, city="Å" * 300), pickup_point="p" * 300)
    differences.accept(say(shop, long), "Kim")
    found = Order.objects.get()
    assert (len(found.city), len(found.pickup_point), found.city[-1]) == (120, 100, "…")


def test_an_order_that_is_not_open_accepts_nothing(shop: Integration) -> None:
    say(shop, BEFORE)
    changed = say(shop, order(line("1", 5, "FG1")))
    Order.objects.update(status=Status.COLLECTING)
    with pytest.raises(moves.NotPossible, match="meanwhile"):
        differences.accept(changed, "Kim")
    assert Order.objects.get().lines.get().pieces == 3
