"""Telling a shop its stock, against the sandbox over HTTP. Asserts on our rows and on the shop's own count."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations import sync
from integrations.connectors.centra import connector
from integrations.models import Integration, SyncRun, SyncState
from products import stock
from products.models import ShopFigure
from products.stock import forget
from sandbox.models import StockMode
from tests import factories
from tests.conftest import Centra
from tests.products.stocked import Shelf, buy, calls, link, one_turn, shelf, ship, switch_on, tell, watch

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """The process dies here: nothing after it runs."""


def rows_of(centra: Centra, kind: str) -> int:
    """How many lines the activity has for runs of that kind."""
    return centra.integration.runs.filter(pipe=stock.KEY, kind=kind).count()


def told(one: Shelf) -> int | None:
    return one.figure.told


# --- the worked figures: on hand 10, both sides -------------------------------------------------


@pytest.fixture
def ten(centra: Centra) -> Shelf:
    """Ten pieces on hand, told to the shop."""
    found = shelf(centra, "FG1042", on_hand=10)
    switch_on(centra.integration)
    tell(centra.integration)
    return found


def both(centra: Centra, one: Shelf) -> tuple[int | None, int]:
    """What we say the shop was told, and what it shows, after the next run."""
    tell(centra.integration)
    return told(one), one.physical


def test_ten_on_hand_and_nothing_else_is_ten(centra: Centra, ten: Shelf) -> None:
    assert (told(ten), ten.physical) == (10, 10)


def test_an_order_of_this_shop_changes_nothing_while_the_shop_counts_it(centra: Centra, ten: Shelf) -> None:
    buy(centra, ten.size, 3)
    ten.hold("1", centra.integration.shop, held=3, open_in_shop=3)
    assert both(centra, ten) == (10, 10)
    ten.size.refresh_from_db()
    assert ten.size.available == 7


def test_nor_when_its_pieces_are_collected(centra: Centra, ten: Shelf) -> None:
    buy(centra, ten.size, 3)
    ten.put(7)
    ten.hold("1", centra.integration.shop, deducted=3, open_in_shop=3)
    assert both(centra, ten) == (10, 10)


def test_completed_in_the_shop_it_is_gone_from_both_counts(centra: Centra, ten: Shelf) -> None:
    order = buy(centra, ten.size, 3)
    ten.put(7)
    held = ten.hold("1", centra.integration.shop, deducted=3, open_in_shop=3)
    ship(order)
    held.delete()
    forget(centra.integration, [ten.stock.product_id])
    assert told(ten) is None
    assert both(centra, ten) == (7, 7)


@pytest.mark.parametrize("shop", ["another.centra.com", ""])
def test_an_order_of_another_shop_or_by_hand_is_taken_off(centra: Centra, ten: Shelf, shop: str) -> None:
    ten.hold("1", shop, held=3, open_in_shop=3)
    assert both(centra, ten) == (7, 7)


def test_an_order_that_was_edited_here_counts_twice_only_what_the_shop_has_open(centra: Centra, ten: Shelf) -> None:
    buy(centra, ten.size, 3)
    ten.hold("1", centra.integration.shop, held=5, open_in_shop=3)
    assert both(centra, ten) == (8, 8)


def test_cancelled_in_the_shop_but_shipped_the_pieces_are_gone(centra: Centra, ten: Shelf) -> None:
    order = buy(centra, ten.size, 3)
    order.cancel()
    ten.put(7)
    ten.hold("1", centra.integration.shop, deducted=3, open_in_shop=0)
    assert both(centra, ten) == (7, 7)


def test_completed_by_hand_in_the_shop_while_it_is_new_here(centra: Centra, ten: Shelf) -> None:
    ship(buy(centra, ten.size, 3))
    ten.hold("1", centra.integration.shop, held=3, open_in_shop=0)
    assert both(centra, ten) == (7, 7)


def test_as_available_the_shop_is_told_what_is_left_of_it(centra: Centra) -> None:
    centra.plugin.stock_mode = StockMode.AVAILABLE
    centra.plugin.save()
    one = shelf(centra, shown=10, on_hand=10)
    buy(centra, one.size, 3)
    one.put(12)
    one.hold("1", centra.integration.shop, held=3, open_in_shop=3)
    switch_on(centra.integration, stock_as=Integration.StockAs.AVAILABLE)
    assert both(centra, one) == (12, 12)
    one.size.refresh_from_db()
    assert (one.size.available, one.size.allocated) == (9, 3)


def test_the_buffer_is_kept_back(centra: Centra) -> None:
    one = shelf(centra, on_hand=10)
    switch_on(centra.integration, safety_buffer=4)
    assert both(centra, one) == (6, 6)


# --- only what differs ----------------------------------------------------------------------


def test_a_second_run_asks_the_shop_nothing(centra: Centra, ten: Shelf) -> None:
    watch(centra)
    record = tell(centra.integration)
    assert centra.plugin.calls.count() == 0
    assert record.kind == "nothing to tell"
    tell(centra.integration)
    assert rows_of(centra, "nothing to tell") == 1  # a look that finds nothing is no line of its own
    ten.put(9)
    tell(centra.integration)
    assert calls(centra) == centra.plugin.calls.count() == 1


def test_only_items_that_differ_are_sent(centra: Centra, ten: Shelf) -> None:
    other = shelf(centra, "FG2000", on_hand=4)
    tell(centra.integration)
    watch(centra)
    other.put(5)
    tell(centra.integration)
    body = centra.plugin.calls.get(endpoint="POST stock").body
    assert other.size.full_sku in body
    assert ten.size.full_sku not in body
    assert (ten.physical, other.physical) == (10, 5)


def test_switched_off_nothing_is_sent(centra: Centra) -> None:
    one = shelf(centra, shown=3, on_hand=10)
    watch(centra)
    record = tell(centra.integration)
    assert (record.kind, centra.plugin.calls.count(), one.physical) == ("not switched on", 0, 3)
    tell(centra.integration)
    assert rows_of(centra, "not switched on") == 1
    assert centra.integration.state("stock").health().word == "switched off"
    switch_on(centra.integration)
    assert centra.integration.state("stock").health().word == "working"


@pytest.mark.parametrize("change", [{"product": None}, {"gone_at": timezone.now()}, {"ignored_at": timezone.now()}])
def test_items_without_a_link_gone_or_ignored_are_left_alone(centra: Centra, change: dict[str, object]) -> None:
    one = shelf(centra, shown=3, on_hand=10)
    centra.integration.webshop_products.update(**change)
    switch_on(centra.integration)
    watch(centra)
    tell(centra.integration)
    assert (one.physical, centra.plugin.calls.count()) == (3, 0)


def test_two_integrations_are_told_each_from_its_own_warehouse(centra: Centra, ten: Shelf) -> None:
    plugin = centra.shop.add_plugin("second", "another-secret-key")
    merchant = centra.integration.merchant
    there = factories.warehouse()
    merchant.warehouses.add(there)
    base_url = centra.integration.base_url.replace("order-api", "second")
    second = factories.integration(merchant, base_url=base_url, secret="another-secret-key", warehouse=there)
    size = centra.shop.add_size("FG3000", stock=1)
    item = link(second, size, product=ten.stock.product)
    switch_on(second)
    tell(second)
    size.refresh_from_db()
    assert (size.physical, ShopFigure.objects.get(item=item).told) == (0, 0)
    assert (told(ten), ten.physical) == (10, 10)
    assert plugin.shop == centra.shop


# --- refused ----------------------------------------------------------------------------------


def test_what_the_shop_does_not_know_is_refused_on_its_row_and_the_others_go(centra: Centra, ten: Shelf) -> None:
    lost = shelf(centra, "FG2000", on_hand=4)
    lost.size.change_sku(product="FG9999")
    ten.put(9)
    record = tell(centra.integration)
    assert (told(ten), ten.physical) == (9, 9)
    assert lost.figure.refused == "The shop knows no item with this SKU or EAN."
    assert (lost.figure.told, lost.figure.asked, lost.physical) == (None, None, 0)
    assert (record.counts["told"], record.counts["refused"]) == (1, 1)
    assert "FG2000-NVY-M" in record.notes[0]


def test_a_bundle_is_refused_in_words(centra: Centra) -> None:
    one = shelf(centra, on_hand=4)
    shelf(centra, on_hand=4)
    one.size.variant.product.change(is_bundle=True)
    switch_on(centra.integration)
    tell(centra.integration)
    assert "bundle" in one.figure.refused


def test_a_refused_figure_rests_until_it_changes_or_a_day_is_over(centra: Centra, ten: Shelf) -> None:
    lost = shelf(centra, "FG2000", on_hand=4)
    ten.put(9)
    lost.size.change_sku(product="FG9999")
    tell(centra.integration)
    watch(centra)
    tell(centra.integration)
    assert calls(centra) == 0
    lost.put(5)
    tell(centra.integration)
    assert calls(centra) == 1
    ShopFigure.objects.update(retry_at=timezone.now())
    tell(centra.integration)
    assert calls(centra) == 2
    centra.integration.webshop_products.filter(pk=lost.item.pk).update(sku="FG9999-NVY-M")
    tell(centra.integration)
    assert (lost.figure.told, lost.figure.refused, lost.physical) == (5, "", 5)


def test_by_ean_an_item_without_one_is_refused_here(centra: Centra) -> None:
    good = shelf(centra, "FG1", on_hand=3, ean="7300000010428")
    bare = shelf(centra, "FG2", on_hand=4)
    switch_on(centra.integration, identifies_by=Integration.Identify.EAN)
    tell(centra.integration)
    assert (good.physical, bare.physical) == (3, 0)
    assert "no EAN" in bare.figure.refused


def test_an_ean_on_two_items_means_neither_and_is_not_sent(centra: Centra) -> None:
    one = shelf(centra, "FG1", on_hand=3, ean="7300000010428")
    two = shelf(centra, "FG2", on_hand=4, ean="7300000010428")
    switch_on(centra.integration, identifies_by=Integration.Identify.EAN)
    watch(centra)
    tell(centra.integration)
    assert (one.physical, two.physical, calls(centra)) == (0, 0, 0)
    assert "7300000010428" in one.figure.refused
    assert "2 items" in two.figure.refused


# --- clamped ----------------------------------------------------------------------------------


@pytest.fixture
def kept_up(centra: Centra) -> Shelf:
    """The shop has five pieces open; here only two are left."""
    found = shelf(centra, "FG1042", shown=5, on_hand=5)
    buy(centra, found.size, 5)
    found.put(2)
    found.hold("1", centra.integration.shop, held=5, open_in_shop=5)
    found.hold("2", "", held=1)
    switch_on(centra.integration)
    tell(centra.integration)
    return found


def test_a_figure_below_the_shops_open_pieces_is_read_back_and_stays_unknown(centra: Centra, kept_up: Shelf) -> None:
    row = kept_up.figure
    assert kept_up.physical == 5
    assert (row.told, row.asked, row.shown_physical, row.shown_allocated) == (None, None, 5, 5)
    assert row.clamped_at is not None


def test_it_is_tried_again_but_not_all_the_time(centra: Centra, kept_up: Shelf) -> None:
    watch(centra)
    tell(centra.integration)
    assert calls(centra) == 0
    ShopFigure.objects.update(retry_at=timezone.now(), clamped_at=timezone.now() - timedelta(hours=9))
    tell(centra.integration)
    assert calls(centra) == 1
    row = kept_up.figure
    assert row.retry_at is not None
    assert timedelta(minutes=59) < row.retry_at - timezone.now() <= timedelta(hours=1)


def test_it_is_told_once_the_shop_shows_it(centra: Centra, kept_up: Shelf) -> None:
    order = centra.shop.orders.get()
    order.cancel()
    ShopFigure.objects.update(retry_at=timezone.now())
    tell(centra.integration)
    row = kept_up.figure
    assert (row.told, kept_up.physical) == (1, 1)
    assert (row.clamped_at, row.retry_at) == (None, None)


# --- interrupted ------------------------------------------------------------------------------


def test_after_a_lost_answer_nobody_knows_and_it_is_told_again(centra: Centra, ten: Shelf) -> None:
    centra.shop.break_endpoint("POST stock", "lost_answer")
    ten.put(8)
    assert one_turn(centra.integration).outcome == SyncRun.Outcome.FAILED
    assert (ten.figure.told, ten.figure.asked, ten.physical) == (None, None, 8)
    ten.put(10)  # what was told before: it must be sent all the same
    assert both(centra, ten) == (10, 10)


@pytest.mark.parametrize(("kind", "params"), [("status", {"code": 503}), ("status", {"code": 403})])
def test_where_nothing_was_done_what_was_told_still_holds(
    centra: Centra, ten: Shelf, kind: str, params: dict[str, int]
) -> None:
    centra.shop.break_endpoint("POST stock", kind, **params)
    ten.put(8)
    assert one_turn(centra.integration).outcome == SyncRun.Outcome.FAILED
    assert ten.figure.asked is None
    assert ten.physical == 10
    assert both(centra, ten) == (8, 8)


def test_rows_that_the_shop_breaks_down_on_keep_no_others_waiting(
    centra: Centra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "PER_CALL", 2)
    shelves = [shelf(centra, on_hand=number + 1) for number in range(6)]
    switch_on(centra.integration)
    fault = centra.shop.break_endpoint("POST stock", "status", code=500)
    record = one_turn(centra.integration)
    assert record.outcome == SyncRun.Outcome.FAILED
    assert "500" in record.error
    assert [told(one) for one in shelves] == [None, None, 3, 4, 5, 6]
    fault.refresh_from_db()
    assert fault.times == 0
    tell(centra.integration)
    assert [one.physical for one in shelves] == [1, 2, 3, 4, 5, 6]


def test_a_refused_key_names_the_endpoint_and_stops_this_pipe_only(centra: Centra, ten: Shelf) -> None:
    centra.plugin.forbid("POST stock")
    ten.put(8)
    record = one_turn(centra.integration)
    assert "stock" in record.error
    assert centra.integration.state("stock").attention == SyncState.Attention.NOT_ALLOWED
    assert centra.integration.state("refresh").attention == ""


@pytest.mark.parametrize("point", ["push_stock", "settle"])
def test_killed_between_two_calls_the_next_run_goes_on(
    centra: Centra, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setattr(stock, "PER_CALL", 2)
    shelves = [shelf(centra, on_hand=number + 1) for number in range(6)]
    switch_on(centra.integration)
    owner = connector.CentraConnector if point == "push_stock" else stock
    real = getattr(owner, point)
    seen: list[int] = []

    def dies(*args: object) -> object:
        seen.append(1)
        if len(seen) == 2:
            raise Killed
        return real(*args)

    monkeypatch.setattr(owner, point, dies)
    with pytest.raises(Killed):
        sync.run(centra.integration.state("stock").pk, stock.push)
    rows = ShopFigure.objects.order_by("item")
    assert [row.told for row in rows] == [1, 2, None, None]
    assert [row.asked for row in rows] == [None, None, 3, 4]
    watch(centra)
    monkeypatch.setattr(owner, point, real)
    tell(centra.integration)
    assert [one.physical for one in shelves] == [1, 2, 3, 4, 5, 6]
    assert calls(centra) == 2
    assert not ShopFigure.objects.filter(asked__isnull=False).exists()


def test_what_is_made_unknown_while_it_is_told_stays_unknown(
    centra: Centra, ten: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = connector.CentraConnector.push_stock

    def with_a_return(self: connector.CentraConnector, figures: object) -> object:
        forget(centra.integration, [ten.stock.product_id])
        return real(self, figures)  # type: ignore[arg-type]

    monkeypatch.setattr(connector.CentraConnector, "push_stock", with_a_return)
    ten.put(8)
    tell(centra.integration)
    assert told(ten) is None


def test_paused_between_two_calls_it_stops_and_goes_on_when_resumed(
    centra: Centra, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "PER_CALL", 2)
    shelves = [shelf(centra, on_hand=number + 1) for number in range(4)]
    switch_on(centra.integration)
    real = connector.CentraConnector.push_stock

    def pauses(self: connector.CentraConnector, figures: object) -> object:
        centra.integration.state("stock").pause()
        return real(self, figures)  # type: ignore[arg-type]

    monkeypatch.setattr(connector.CentraConnector, "push_stock", pauses)
    assert one_turn(centra.integration).outcome == SyncRun.Outcome.RUNNING
    assert [one.physical for one in shelves] == [1, 2, 0, 0]
    state = centra.integration.state("stock")
    assert sync.run(state.pk, stock.push) is None
    state.resume()
    monkeypatch.setattr(connector.CentraConnector, "push_stock", real)
    tell(centra.integration)
    assert [one.physical for one in shelves] == [1, 2, 3, 4]


def test_pointed_at_another_shop_nothing_is_told_before_a_refresh(centra: Centra, ten: Shelf) -> None:
    centra.integration.state("refresh")
    centra.integration.resume_after_change(other_shop=True)
    ten.put(8)
    watch(centra)
    assert tell(centra.integration).kind == "waits for a refresh"
    assert tell(centra.integration).kind == "waits for a refresh"
    assert centra.plugin.calls.count() == 0
    SyncState.objects.filter(pipe="refresh").update(place={})
    tell(centra.integration)
    assert calls(centra, "GET stock") == 1
    assert ten.physical == 8
