"""Announced goods: counted in wholly or partly, once however often it is pressed, closed, cancelled."""

import pytest

from merchants.models import Merchant, Warehouse
from products import receiving
from products.models import Movement, Product, Stock, StockUpdate
from products.receiving import Meanwhile, NotReceived
from tests import factories
from tests.products.goods import announce, assert_ledger_adds_up, line_of, on_hand

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(merchant: Merchant) -> Warehouse:
    return merchant.warehouses.get()


@pytest.fixture
def sweater(merchant: Merchant) -> Product:
    return factories.product(merchant, "FG1")


@pytest.fixture
def cap(merchant: Merchant) -> Product:
    return factories.product(merchant, "FG2")


@pytest.fixture
def update(merchant: Merchant, sweater: Product, cap: Product) -> StockUpdate:
    return announce(merchant, {sweater: 10, cap: 4})


def test_all_that_was_announced_makes_it_received(
    update: StockUpdate, sweater: Product, cap: Product, house: Warehouse
) -> None:
    counts = {line_of(update, sweater).pk: 10, line_of(update, cap).pk: 4}
    assert receiving.receive(update.pk, counts, "Robin", "All fine.") == 14
    update.refresh_from_db()
    assert (update.status, update.warehouse_comment) == ("received", "All fine.")
    assert update.arrived_at is not None
    assert (on_hand(sweater, house), on_hand(cap, house)) == (10, 4)
    movement = Movement.objects.get(stock__product=sweater)
    assert (movement.pieces, movement.why, movement.document, movement.who) == (10, "received", update.number, "Robin")
    assert Stock.objects.filter(is_unsettled=True).count() == 2
    assert_ledger_adds_up()


def test_a_part_makes_it_partly_received_and_the_rest_completes_it(
    update: StockUpdate, sweater: Product, cap: Product, house: Warehouse
) -> None:
    receiving.receive(update.pk, {line_of(update, sweater).pk: 6}, "Robin")
    update.refresh_from_db()
    assert (update.status, line_of(update, sweater).received, line_of(update, cap).received) == ("partly", 6, 0)
    first_arrival = update.arrived_at
    receiving.receive(update.pk, {line_of(update, sweater).pk: 4, line_of(update, cap).pk: 4}, "Robin")
    update.refresh_from_db()
    assert (update.status, on_hand(sweater, house), update.arrived_at) == ("received", 10, first_arrival)


def test_more_than_announced_is_put_on_the_shelf_and_shown(
    update: StockUpdate, sweater: Product, house: Warehouse
) -> None:
    receiving.receive(update.pk, {line_of(update, sweater).pk: 12}, "Robin")
    line = line_of(update, sweater)
    assert (line.received, line.expected, on_hand(sweater, house)) == (12, 10, 12)


def test_pressed_twice_it_counts_once(update: StockUpdate, sweater: Product, house: Warehouse) -> None:
    line = line_of(update, sweater)
    receiving.receive(update.pk, {line.pk: 6}, "Robin", shown={line.pk: 0})
    with pytest.raises(Meanwhile, match="Somebody else received"):
        receiving.receive(update.pk, {line.pk: 6}, "Robin", shown={line.pk: 0})
    assert (on_hand(sweater, house), line_of(update, sweater).received, Movement.objects.count()) == (6, 6, 1)


def test_a_line_that_the_merchant_took_out_meanwhile_is_not_received(update: StockUpdate, sweater: Product) -> None:
    line = line_of(update, sweater)
    line_pk = line.pk
    line.delete()
    with pytest.raises(Meanwhile):
        receiving.receive(update.pk, {line_pk: 6}, "Robin", shown={line_pk: 0})
    assert not Stock.objects.exists()


def test_another_update_s_line_is_not_received_through_this_one(
    merchant: Merchant, update: StockUpdate, sweater: Product
) -> None:
    other = announce(merchant, {sweater: 5})
    with pytest.raises(NotReceived):
        receiving.receive(update.pk, {line_of(other, sweater).pk: 5}, "Robin")
    assert not Movement.objects.exists()


@pytest.mark.parametrize(("pieces", "words"), [(-1, "adjust the stock"), (1_000_001, "at most 1000000")])
def test_wrong_pieces_are_refused_in_words_and_nothing_of_the_rest_is_written(
    update: StockUpdate, sweater: Product, cap: Product, pieces: int, words: str
) -> None:
    with pytest.raises(NotReceived, match=f"FG2.*{words}"):
        receiving.receive(update.pk, {line_of(update, sweater).pk: 3, line_of(update, cap).pk: pieces}, "Robin")
    update.refresh_from_db()
    assert (update.status, Movement.objects.count(), line_of(update, sweater).received) == ("new", 0, 0)


def test_comments_are_kept_with_and_without_pieces(update: StockUpdate, sweater: Product, cap: Product) -> None:
    one, other = line_of(update, sweater).pk, line_of(update, cap).pk
    receiving.receive(update.pk, {one: 3}, "Robin", "Wet boxes.", comments={one: "Two are torn"})
    receiving.receive(update.pk, {}, "Robin", "The carrier was told.", comments={other: "Not in the boxes"})
    update.refresh_from_db()
    assert update.warehouse_comment == "Wet boxes.\nThe carrier was told."
    assert [line.comment for line in update.lines.all()] == ["Two are torn", "Not in the boxes"]
    assert update.status == "partly"


def test_a_comment_alone_is_no_arrival(update: StockUpdate) -> None:
    receiving.receive(update.pk, {}, "Robin", "The truck is late.")
    update.refresh_from_db()
    assert (update.status, update.arrived_at) == ("new", None)


def test_closed_the_rest_is_no_longer_coming_but_a_late_box_is_still_counted(
    update: StockUpdate, sweater: Product, house: Warehouse
) -> None:
    receiving.receive(update.pk, {line_of(update, sweater).pk: 6}, "Robin")
    receiving.close(update.pk)
    update.refresh_from_db()
    assert update.status == "received"
    assert Stock.objects.with_coming().get(product=sweater).coming == 0  # type: ignore[attr-defined]
    receiving.receive(update.pk, {line_of(update, sweater).pk: 1}, "Robin")
    update.refresh_from_db()
    assert (update.status, on_hand(sweater, house)) == ("received", 7)


def test_what_has_not_arrived_is_cancelled_not_closed(update: StockUpdate) -> None:
    with pytest.raises(NotReceived, match="can be closed"):
        receiving.close(update.pk)
    assert receiving.cancel(update.pk).status == "cancelled"
    assert receiving.cancel(update.pk).status == "cancelled"


def test_what_has_arrived_is_not_cancelled(update: StockUpdate, sweater: Product) -> None:
    receiving.receive(update.pk, {line_of(update, sweater).pk: 1}, "Robin")
    with pytest.raises(NotReceived, match="have arrived"):
        receiving.cancel(update.pk)
    update.refresh_from_db()
    assert update.status == "partly"


def test_what_was_cancelled_is_not_received(update: StockUpdate, sweater: Product) -> None:
    receiving.cancel(update.pk)
    with pytest.raises(NotReceived, match="was cancelled"):
        receiving.receive(update.pk, {line_of(update, sweater).pk: 1}, "Robin")
    assert not Stock.objects.exists()


def test_hundreds_of_lines_are_received_at_once(merchant: Merchant) -> None:
    products = [factories.product(merchant, f"M{number}") for number in range(1100)]
    update = announce(merchant, dict.fromkeys(products, 2))
    counts = {line.pk: 2 for line in update.lines.all()}
    assert receiving.receive(update.pk, counts, "Robin") == 2200
    update.refresh_from_db()
    assert update.status == "received"
    assert_ledger_adds_up()
