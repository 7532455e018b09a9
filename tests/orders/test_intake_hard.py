"""Orders come in though the shop, the wire and the workers misbehave: nothing is lost, nothing comes twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import sync
from integrations.connectors.centra import client
from integrations.models import SyncRun
from orders import deciding, intake, ledger, links, moves, orderpage, taking
from orders.models import Cause, Order, SeenOrder, Status, Verdict
from products import create
from products.models import Reservation, Stock
from sandbox.models import BundleLayout, Direction, Wanted
from sandbox.models import Order as ShopOrder
from shipping.models import MethodLink
from tests import factories
from tests.conftest import Centra
from tests.integrations.test_race import at_once
from tests.orders.shop import Goods, active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)


class Killed(BaseException):
    """The machine goes dark."""


@pytest.fixture
def sweater(centra: Centra) -> Goods:
    type(centra.integration).objects.update(takes_orders_since=timezone.now() - timedelta(hours=1))
    centra.integration.refresh_from_db()
    active_method(centra)
    return goods(centra, on_hand=50)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ORDERS_PER_PAGE", 2)


def causes(order: Order) -> set[str]:
    return set(order.holds.values_list("cause", flat=True))


def buy_some(centra: Centra, sweater: Goods, count: int) -> list[ShopOrder]:
    now = timezone.now()
    return [buy(centra, {sweater.size: 1}, placed_at=now + timedelta(seconds=n)) for n in range(-count, 0)]


def all_here_once(orders: list[ShopOrder]) -> None:
    numbers = sorted(str(order.number) for order in orders)
    assert sorted(Order.objects.values_list("number", flat=True)) == numbers
    assert sorted(SeenOrder.objects.filter(verdict=Verdict.TAKEN).values_list("number", flat=True)) == numbers
    assert Stock.objects.get().reserved == len(numbers) == Reservation.objects.count()


def due_again(centra: Centra, *, is_stale: bool = False) -> None:
    """The lease of a worker that died is over."""
    past = timezone.now() - timedelta(hours=1)
    state = centra.integration.state("intake")
    place = {**state.place, "read_at": past.isoformat()} if is_stale else state.place
    type(state).objects.filter(pk=state.pk).update(leased_until=past, next_run_at=past, place=place)


# --- what is in an order -------------------------------------------------------------------


@pytest.mark.parametrize("layout", list(BundleLayout))
def test_the_parts_of_a_bundle_are_the_lines_whatever_the_plugin_shows(
    centra: Centra, sweater: Goods, layout: BundleLayout
) -> None:
    centra.plugin.order_bundles = layout
    centra.plugin.save()
    pair = centra.shop.add_size("SET", name="Set")
    pair.variant.product.change(is_bundle=True)
    pair.parts.create(part=sweater.size, pieces=2)
    placed = buy(centra, {pair: 3})
    assert look(centra).error == ""

    order = ours(placed)
    if layout == BundleLayout.BUNDLES:
        assert causes(order) == {Cause.UNREADABLE}
        assert "bundle" in order.holds.get().text
        centra.plugin.order_bundles = BundleLayout.PARTS
        centra.plugin.save()
        look(centra)
        order.refresh_from_db()
    assert list(order.lines.values_list("sku", "pieces")) == [("FG1-NVY-M", 6)]
    assert (order.status, Stock.objects.get().reserved) == (Status.NEW, 6)


def test_an_unknown_sku_waits_and_is_freed_when_the_product_is_created(centra: Centra) -> None:
    active_method(centra)
    hat = centra.shop.add_size("HAT", stock=10)
    placed = buy(centra, {hat: 2})
    look(centra)
    assert causes(ours(placed)) == {Cause.UNKNOWN_SKU}
    product = factories.product(centra.integration.merchant, "HAT")
    factories.webshop_product(centra.integration, ("HAT", "", ""), product=product)
    Stock.objects.create(product=product, warehouse=centra.integration.warehouse).move(5, "received", document="t")

    deciding.decide_held()

    assert ours(placed).status == Status.NEW
    assert Reservation.objects.get().held == 2


def test_the_pick_up_point_and_ingrids_words_are_kept(centra: Centra, sweater: Goods) -> None:
    extra = {"shipwallet_method": "Budbee box", "shipwallet_pickup": "SE-4711"}
    placed = buy(centra, {sweater.size: 1}, attributes=extra)
    look(centra)
    assert (ours(placed).ingrid_method, ours(placed).pickup_point) == ("Budbee box", "SE-4711")


def test_what_the_database_will_not_have_is_held_and_the_rest_comes_in(centra: Centra, sweater: Goods) -> None:
    orders = buy_some(centra, sweater, 3)
    orders[1].lines.update(vat_percent="99.99")
    centra.shop.break_endpoint("GET orders", "unreadable_row", row=1, field="products", value=[
        {"lineId": "1", "sku": "FG1", "qty": 1, "taxPercent": 123456789}
    ])  # fmt: skip
    run = look(centra)
    assert run.error == ""
    held = ours(orders[1])
    assert (held.status, causes(held)) == (Status.RESERVED, {Cause.UNREADABLE})
    assert Order.objects.filter(status=Status.NEW).count() == 2

    look(centra)
    all_here_once(orders)
    assert ours(orders[1]).status == Status.NEW


# --- pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", list(Direction))
def test_every_order_of_many_pages_comes_once_in_either_direction(
    centra: Centra, sweater: Goods, direction: Direction, small_pages: None
) -> None:
    centra.plugin.direction = direction
    centra.plugin.save()
    orders = buy_some(centra, sweater, 5)
    run = look(centra)
    assert (run.error, run.counts["orders"], run.counts["new"]) == ("", 5, 5)
    all_here_once(orders)


def after_a_page(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Something happens once, between the first page and the second."""
    acts = [act]
    give_way = sync.Run.give_way

    def meanwhile(run: sync.Run) -> None:
        if acts:
            acts.pop()()
        give_way(run)

    monkeypatch.setattr(sync.Run, "give_way", meanwhile)


def test_a_pass_is_repeated_when_a_number_comes_on_two_pages(
    centra: Centra, sweater: Goods, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = buy_some(centra, sweater, 4)
    after_a_page(monkeypatch, lambda: orders.append(buy(centra, {sweater.size: 1})))
    run = look(centra)
    assert run.counts["repeated"] >= 1
    assert run.counts["orders"] == 5
    all_here_once(orders)


def test_an_order_passed_over_because_another_vanished_comes_with_the_next_poll(
    centra: Centra, sweater: Goods, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = buy_some(centra, sweater, 5)
    after_a_page(monkeypatch, orders[-1].hold)
    look(centra)
    look(centra)
    assert Order.objects.count() == 5


def test_a_cap_on_the_pages_changes_nothing(centra: Centra, sweater: Goods, monkeypatch: pytest.MonkeyPatch) -> None:
    centra.shop.set_switch("orders_cap", 100)
    monkeypatch.setattr(client, "ORDERS_PER_PAGE", 500)
    orders = buy_some(centra, sweater, 3)
    assert look(centra).counts["pages"] == 2 + 1  # orders, the empty page, good-to-go shipments
    all_here_once(orders)


# --- deaths, turns, rivals -----------------------------------------------------------------


@pytest.mark.parametrize("is_stale", [False, True])
@pytest.mark.parametrize("where", ["before an order", "before the place is kept", "after a page"])
def test_a_death_loses_and_doubles_nothing_and_the_record_goes_on(
    centra: Centra, sweater: Goods, small_pages: None, monkeypatch: pytest.MonkeyPatch, where: str, is_stale: bool
) -> None:
    orders = buy_some(centra, sweater, 5)
    owner, name, at = {
        "before an order": (taking.Taking, "take", 4),
        "before the place is kept": (taking.Taking, "note_page", 2),
        "after a page": (sync.Run, "give_way", 1),
    }[where]
    calls = []
    real = getattr(owner, name)

    def dies(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == at:
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, dies)
    with pytest.raises(Killed):
        look(centra)
    assert 0 < Order.objects.count() < 5
    due_again(centra, is_stale=is_stale)
    run = look_on(centra)

    assert (run.outcome, run.interruptions) == (SyncRun.Outcome.SUCCEEDED, 1)
    assert SyncRun.objects.filter(pipe="intake").count() == 1
    assert run.counts["orders"] == 5 == sum(run.counts[k] for k in ("new", "known", "waiting", "skipped", "unreadable"))
    all_here_once(orders)


def look_on(centra: Centra) -> SyncRun:
    while True:
        run = sync.run(centra.integration.state("intake").pk, intake.intake)
        assert run is not None
        if run.outcome != SyncRun.Outcome.RUNNING:
            return run


def test_a_turn_given_back_goes_on_behind_its_page(
    centra: Centra, sweater: Goods, small_pages: None, settings: Any
) -> None:
    settings.TURN_SECONDS = 0
    orders = buy_some(centra, sweater, 5)
    run = look(centra)
    assert run.turns > 3
    assert run.counts["new"] == 5
    all_here_once(orders)


def test_a_run_that_lost_its_lease_writes_no_page(
    centra: Centra, sweater: Goods, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = buy_some(centra, sweater, 5)
    after_a_page(monkeypatch, lambda: centra.integration.resume_after_change(other_shop=False))
    sync.run(centra.integration.state("intake").pk, intake.intake)
    assert SeenOrder.objects.count() < 5
    due_again(centra)
    assert look_on(centra).error == ""
    all_here_once(orders)


def test_what_another_integration_of_the_shop_took_is_skipped_by_its_name(centra: Centra, sweater: Goods) -> None:
    placed = buy(centra, {sweater.size: 1})
    look(centra)
    mine = centra.integration
    other = factories.integration(mine.merchant, base_url=mine.base_url, name="Fjord", warehouse=mine.warehouse)
    type(other).objects.filter(pk=other.pk).update(takes_orders_since=mine.takes_orders_since)
    other.refresh_from_db()
    run = look(Centra(centra.shop, centra.plugin, other))

    assert (run.counts["skipped"], Order.objects.count()) == (1, 1)
    assert SeenOrder.objects.get(integration=other).reason == "taken by Nordlys"
    assert ours(placed).integration == mine


def test_two_workers_that_store_the_same_orders_at_once_store_each_once(centra: Centra, sweater: Goods) -> None:
    orders = buy_some(centra, sweater, 6)
    mine = centra.integration
    other = factories.integration(mine.merchant, base_url=mine.base_url, name="Fjord", warehouse=mine.warehouse)
    type(other).objects.filter(pk=other.pk).update(takes_orders_since=mine.takes_orders_since)
    other.refresh_from_db()
    factories.webshop_product(other, ("FG1", "-NVY", "-M"), product=sweater.product)
    with mine.connect() as shop:
        found = [data for page in shop.orders(mine.takes_orders_since) for data in page.items]

    def work(integration: Any) -> Callable[[], None]:
        def run() -> None:
            into = taking.Taking(integration, "pass")
            for data in found:
                into.take(data)
            with transaction.atomic():
                into.note_page(found)

        return run

    results = at_once([work(mine), work(other), work(mine), work(other)])

    assert [one for one in results if isinstance(one, Exception)] == []
    assert Order.objects.count() == 6 == len(orders)
    assert Stock.objects.get().reserved == 6
    for integration in (mine, other):
        seen = SeenOrder.objects.filter(integration=integration)
        taken = set(seen.filter(verdict=Verdict.TAKEN).values_list("number", flat=True))
        assert taken >= set(Order.objects.filter(integration=integration).values_list("number", flat=True))
        assert seen.count() == 6


# --- the wire ------------------------------------------------------------------------------

FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("html", {}),
    ("truncated", {}),
    ("cut_off", {}),
    ("empty", {}),
    ("reset", {}),
    ("refused", {}),
    ("status", {"code": 429, "retry_after": 120}),
    ("status", {"code": 503}),
]


@pytest.mark.parametrize("endpoint", ["GET orders", "GET shipments"])
@pytest.mark.parametrize(("kind", "params"), FAULTS)
def test_a_fault_of_the_wire_is_a_sentence_and_nothing_is_lost(
    centra: Centra,
    sweater: Goods,
    small_pages: None,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    params: Any,
    endpoint: str,
) -> None:
    orders = buy_some(centra, sweater, 5)
    fault = centra.shop.break_endpoint(endpoint, kind, times=None, skip=1 if endpoint == "GET orders" else 0, **params)
    run = look(centra)
    assert run.outcome == SyncRun.Outcome.FAILED
    assert run.error.endswith(".")
    state = centra.integration.state("intake")
    assert state.next_run_at > timezone.now()
    if kind == "status" and params["code"] == 429:
        assert 60 < (state.next_run_at - timezone.now()).total_seconds() <= 121
    fault.delete()

    assert look(centra).error == ""
    all_here_once(orders)


def test_an_order_that_the_shop_breaks_down_on_keeps_no_other_waiting(centra: Centra, sweater: Goods) -> None:
    broken = buy(centra, {sweater.size: 2}, placed_at=timezone.now() - timedelta(minutes=1))
    others = buy_some(centra, sweater, 2)
    broken.create_shipment({broken.lines.get().pk: 1}, good_to_go=True, capture=False).complete()
    fault = centra.shop.break_endpoint("GET orders", "status", skip=1, times=3, code=500)  # when asked for by itself
    run = look(centra)
    assert (run.outcome, run.counts["orders"]) == (SyncRun.Outcome.SUCCEEDED, 3)
    assert {ours(one).status for one in others} == {Status.NEW}
    held = ours(broken)
    assert (held.status, causes(held)) == (Status.RESERVED, {Cause.UNREADABLE})
    assert "500" in held.holds.get().text
    fault.refresh_from_db()
    assert (fault.hits, fault.times) == (3, 0)
    look(centra)
    assert not Order.objects.filter(number=str(broken.number)).exclude(holds=None).exists()


def test_wrong_types_are_read_all_the_same(centra: Centra, sweater: Goods) -> None:
    orders = buy_some(centra, sweater, 2)
    centra.shop.break_endpoint("GET orders", "wrong_types", times=None)
    assert look(centra).error == ""
    all_here_once(orders)


def test_an_unreadable_order_keeps_its_place_and_is_read_later(centra: Centra, sweater: Goods) -> None:
    orders = buy_some(centra, sweater, 3)
    centra.shop.break_endpoint("GET orders", "unreadable_row", times=1, row=1)
    run = look(centra)
    counts = run.counts
    assert (counts["new"], counts["unreadable"], counts["orders"]) == (2, 1, 3)
    held = ours(orders[1])
    assert (held.status, causes(held), held.lines.count()) == (Status.RESERVED, {Cause.UNREADABLE}, 0)
    assert str(orders[1].number) in run.notes[0]

    look(centra)
    all_here_once(orders)
    assert (ours(orders[1]).status, ours(orders[1]).name) == (Status.NEW, "Kim Berg")


def test_an_order_already_left_stays_left_when_it_cannot_be_read_any_more(centra: Centra, sweater: Goods) -> None:
    since = timezone.now() - timedelta(minutes=30)
    type(centra.integration).objects.update(takes_orders_since=since)
    centra.integration.refresh_from_db()
    buy(centra, {sweater.size: 1}, placed_at=since - timedelta(hours=1))
    look(centra)
    centra.shop.break_endpoint("GET orders", "unreadable_row", times=None)
    look(centra)
    look(centra)
    assert not Order.objects.exists()
    assert SeenOrder.objects.get().reason == "older"


def test_one_order_whose_shipments_cannot_be_read_is_held_and_the_others_come(centra: Centra, sweater: Goods) -> None:
    first, broken, last = buy_some(centra, sweater, 3)
    broken.create_shipment(good_to_go=True).complete()
    ShopOrder.objects.filter(pk=broken.pk).update(status=3)
    fault = centra.shop.break_endpoint("GET shipments", "unreadable_row", times=None)
    assert look(centra).error == ""
    assert causes(ours(broken)) == {Cause.UNREADABLE}
    assert {ours(first).status, ours(last).status} == {Status.NEW}
    fault.delete()
    look(centra)
    assert ours(broken).status == Status.CANCELLED  # nothing of it is open
    assert Stock.objects.get().reserved == 2


# --- the shop holds, cancels, sends --------------------------------------------------------


@pytest.mark.parametrize("vanishes", ["market", "status", "hold", "waits"])
def test_what_vanishes_is_held_never_cancelled_and_freed_when_it_comes_back(
    centra: Centra, sweater: Goods, vanishes: str
) -> None:
    placed = buy(centra, {sweater.size: 1})
    look(centra)
    plugin = centra.plugin
    if vanishes == "market":
        plugin.markets.set(centra.shop.markets.exclude(pk=placed.market_id))
    elif vanishes == "status":
        plugin.order_statuses = [1, 3, 4]
        plugin.save()
    elif vanishes == "hold":
        placed.hold()
    else:
        placed.change_flags(waits_for_payment=True)
    look(centra)
    assert ours(placed).status == Status.NEW  # a poll does not conclude from silence
    sweep(centra)
    assert (ours(placed).status, causes(ours(placed))) == (Status.RESERVED, {Cause.NOT_SHOWN})
    assert Stock.objects.get().reserved == 1

    plugin.markets.clear()
    plugin.order_statuses = [1, 2, 3, 4]
    plugin.save()
    placed.change_flags(waits_for_payment=False, is_on_hold=False)
    look(centra)
    assert (ours(placed).status, causes(ours(placed))) == (Status.NEW, set())


@pytest.mark.parametrize(("flag", "cause"), [("is_suspect", Cause.SUSPECT), ("waits_for_payment", Cause.PAYMENT)])
def test_flags_of_the_shop_hold_and_free(centra: Centra, sweater: Goods, flag: str, cause: Cause) -> None:
    centra.plugin.shows_waiting = True
    centra.plugin.save()
    placed = buy(centra, {sweater.size: 1})
    placed.change_flags(**{flag: True})
    look(centra)
    assert causes(ours(placed)) == {cause}
    placed.change_flags(**{flag: False})
    look(centra)
    assert ours(placed).status == Status.NEW


def show_cancelled(centra: Centra) -> None:
    centra.plugin.order_statuses = [1, 2, 3, 4, 6]
    centra.plugin.save()


def test_cancelled_there_is_only_said_where_the_merchant_wants_that(centra: Centra, sweater: Goods) -> None:
    show_cancelled(centra)
    centra.integration.cancels_with_shop = False
    centra.integration.save()
    placed = buy(centra, {sweater.size: 1})
    look(centra)
    placed.cancel()
    look(centra)
    assert (ours(placed).status, causes(ours(placed))) == (Status.RESERVED, {Cause.CHANGED})


def test_cancelled_there_and_restored_goes_on_here(centra: Centra, sweater: Goods) -> None:
    show_cancelled(centra)
    placed = buy(centra, {sweater.size: 1})
    look(centra)
    placed.cancel()
    look(centra)
    assert ours(placed).status == Status.CANCELLED
    placed.restore()
    look(centra)
    assert (ours(placed).status, Stock.objects.get().reserved) == (Status.NEW, 1)


def test_cancelled_before_it_was_read_it_is_left_until_the_shop_restores_it(centra: Centra, sweater: Goods) -> None:
    show_cancelled(centra)
    placed = buy(centra, {sweater.size: 1})
    placed.cancel()
    for run in (look(centra), look(centra)):
        assert run.counts["skipped"] == 1
    assert (SeenOrder.objects.get().verdict, Order.objects.count()) == (Verdict.SKIPPED, 0)
    placed.restore()
    run = look(centra)
    assert (run.counts["skipped"], run.counts["known"], run.counts["changed"]) == (0, 1, 1)
    all_here_once([placed])
    Order.objects.all().delete()
    assert ledger.missing(centra.integration) == [str(placed.number)]


def test_cancelled_there_while_it_is_collected_is_a_request_once(centra: Centra, sweater: Goods) -> None:
    show_cancelled(centra)
    placed = buy(centra, {sweater.size: 1})
    look(centra)
    Order.objects.update(status=Status.COLLECTING, collected_at=timezone.now())
    placed.cancel()
    look(centra)
    order = ours(placed)
    assert (order.status, order.is_cancellation_open) == (Status.COLLECTING, True)
    Order.objects.update(cancel_answer="too late", cancel_answered_at=timezone.now(), facts={})
    look(centra)
    assert not ours(placed).is_cancellation_open


def test_completed_by_hand_in_the_shop_is_held_with_that_word(centra: Centra, sweater: Goods) -> None:
    placed = buy(centra, {sweater.size: 2})
    look(centra)
    placed.create_shipment(good_to_go=True).complete()
    look(centra)
    assert causes(ours(placed)) == {Cause.SENT}
    assert ours(placed).lines.get().open_in_shop == 0
    assert Reservation.objects.get().counted_twice == 0


def test_partly_sent_before_import_only_the_open_pieces_come(centra: Centra, sweater: Goods) -> None:
    centra.plugin.logs_calls = True
    centra.plugin.save()
    placed = buy(centra, {sweater.size: 5})
    line = placed.lines.get()
    placed.create_shipment({line.pk: 2}, good_to_go=True).complete()
    look(centra)
    assert (ours(placed).status, ours(placed).pieces) == (Status.NEW, 3)
    centra.plugin.calls.all().delete()
    look(centra)
    assert not centra.plugin.calls.filter(endpoint="GET shipments").exists()  # it says nothing new, so nobody asks


def test_partly_sent_after_import_waits_for_a_person(centra: Centra, sweater: Goods) -> None:
    placed = buy(centra, {sweater.size: 5})
    look(centra)
    placed.create_shipment({placed.lines.get().pk: 2}, good_to_go=True).complete()
    look(centra)
    assert causes(ours(placed)) == {Cause.SENT}
    assert ours(placed).lines.get().open_in_shop == 3


def test_completed_orders_of_the_past_are_left_without_asking_for_each(centra: Centra, sweater: Goods) -> None:
    centra.plugin.logs_calls = True
    centra.plugin.save()
    for placed in buy_some(centra, sweater, 3):
        placed.create_shipment(good_to_go=True).complete()
    run = look(centra)
    assert (run.counts["skipped"], Order.objects.count()) == (3, 0)
    assert centra.plugin.calls.filter(endpoint="GET shipments").count() <= 2


# --- edited in the shop --------------------------------------------------------------------


def test_an_edit_in_the_shop_is_offered_and_accepted(centra: Centra, sweater: Goods) -> None:
    from orders import differences

    placed = buy(centra, {sweater.size: 2})
    look(centra)
    placed.add_line(Wanted(sweater.size, 1))
    ShopOrder.objects.filter(pk=placed.pk).update(delivery={**placed.delivery, "city": "Lund"}, shipping_list="express")
    run = look(centra)
    assert run.counts["changed"] == 1
    assert not SyncRun.objects.get(pk=run.pk).is_quiet
    order = ours(placed)
    assert causes(order) == {Cause.CHANGED}
    assert [what for what, _old, _new in differences.differences(order)][1:] == ["city", "the shop’s shipping method"]

    differences.accept(order, "Kim")
    order = ours(placed)
    assert (order.status, order.pieces, order.city, order.shop_method) == (Status.NEW, 3, "Lund", "express")
    look(centra)
    assert ours(placed).offered is None
    assert centra.integration.shop_methods.filter(value="express").exists()


def test_a_word_that_is_longer_than_its_column_is_linked_as_it_stands_in_the_list(
    centra: Centra, sweater: Goods
) -> None:
    other = active_method(centra, "MyPack Collect")
    placed = buy(centra, {sweater.size: 1})
    with centra.integration.connect() as shop:
        data = shop.order(str(placed.number))
    assert data is not None
    taking.Taking(centra.integration, "a pass").take(replace(data, shipping_method="By boat " * 30))
    assert causes(ours(placed)) == {Cause.METHOD}
    word = centra.integration.shop_methods.get()
    assert (links.waiting(centra.integration), word.count) == ({word.value_folded: 1}, 1)
    links.save(MethodLink(integration=centra.integration, value=word.value, method=other.merchant_methods.get()))
    for _time in range(2):
        links.apply(centra.integration)
        assert (ours(placed).status, ours(placed).method) == (Status.NEW, other)


# --- warehouses ----------------------------------------------------------------------------


def bought_at(centra: Centra, sweater: Goods, **at: int) -> ShopOrder:
    order = centra.shop.place_order([Wanted(sweater.size, sum(at.values()), warehouses=at)])
    order.confirm()
    return order


def test_two_warehouses_of_the_shop(centra: Centra, sweater: Goods) -> None:
    main = bought_at(centra, sweater, Main=1)
    look(centra)
    both, store = bought_at(centra, sweater, Main=2, Store=1), bought_at(centra, sweater, Store=2)
    look(centra)
    centra.integration.refresh_from_db()
    assert set(centra.integration.warehouses_met) == {"Main", "Store"}
    assert [causes(ours(order)) for order in (main, both, store)] == [set(), {Cause.WAREHOUSES}, {Cause.WAREHOUSES}]

    centra.integration.warehouses_ours = ["Main"]
    centra.integration.save()
    later = bought_at(centra, sweater, Store=1)
    run = look(centra)  # a changed choice is looked at again at once

    assert run.kind == "everything"
    assert (ours(both).status, ours(both).pieces, ours(both).lines.get().elsewhere) == (Status.NEW, 2, 1)
    assert ours(store).status == Status.CANCELLED
    assert SeenOrder.objects.get(number=str(later.number)).reason == "sent from elsewhere"
    assert Stock.objects.get().reserved == 3

    centra.integration.warehouses_ours = ["Main", "Store"]
    centra.integration.save()
    run = look(centra)
    assert [ours(order).status for order in (store, later)] == [Status.NEW, Status.NEW]
    assert SeenOrder.objects.get(number=str(later.number)).verdict == Verdict.TAKEN
    assert (run.counts["skipped"], run.counts["known"], run.counts["changed"]) == (0, 4, 2)
    assert centra.integration.state("intake").remembers["ledger"]["here"] == 4


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_warehouse_that_is_met_after_the_choice_is_asked_for_and_its_orders_wait(
    centra: Centra, sweater: Goods, is_ours: bool
) -> None:
    centra.integration.warehouses_met, centra.integration.warehouses_ours = ["Main", "Store"], ["Main"]
    centra.integration.save()
    there = bought_at(centra, sweater, Main=1, Store=1)
    look(centra)
    renamed, both = (
        bought_at(centra, sweater, **{"Main hall": 2}),
        bought_at(centra, sweater, Main=1, **{"Main hall": 2}),
    )
    for _time in range(2):
        sweep(centra)
        assert [causes(ours(order)) for order in (there, renamed, both)] == [
            set(),
            {Cause.WAREHOUSES},
            {Cause.WAREHOUSES},
        ]
        assert ours(both).pieces == 3
    centra.integration.refresh_from_db()
    assert centra.integration.warehouses_met == ["Main", "Store", "Main hall"]
    assert centra.integration.warehouses_undecided == ["Main hall"]

    centra.integration.warehouses_ours = ["Main", "Main hall"] if is_ours else ["Main"]
    centra.integration.warehouses_undecided = []
    centra.integration.save()
    for _time in range(2):
        sweep(centra)
        states = [(ours(order).status, ours(order).pieces) for order in (there, renamed, both)]
        if is_ours:
            assert states == [(Status.NEW, 1), (Status.NEW, 2), (Status.NEW, 3)]
        else:
            assert states == [(Status.NEW, 1), (Status.CANCELLED, 0), (Status.NEW, 1)]
        assert Stock.objects.get().reserved == (6 if is_ours else 2)
    assert bought_at(centra, sweater, **{"Main hall": 1})
    look(centra)
    assert Order.objects.count() == (4 if is_ours else 3)


def test_the_order_says_what_is_sent_from_elsewhere(centra: Centra, sweater: Goods) -> None:
    centra.integration.warehouses_met, centra.integration.warehouses_ours = ["Main", "Store"], ["Main"]
    centra.integration.save()
    placed = bought_at(centra, sweater, Main=2, Store=1)
    look(centra)
    assert ours(placed).events.filter(text__contains="1 more are sent from another warehouse").exists()


def test_what_one_integration_leaves_to_another_warehouse_of_the_shop_is_taken_by_the_one_for_that(
    centra: Centra, sweater: Goods
) -> None:
    first = centra.integration
    first.warehouses_met = ["Main"]
    first.save()
    words = {"base_url": first.base_url, "secret": first.secret, "name": "Store’s", "warehouses_ours": ["Store"]}
    second = factories.integration(first.merchant, **words)
    beside = replace(centra, integration=second)
    look(beside, "refresh", ask=True)
    create.create(second, second.webshop_products.all())
    placed = bought_at(centra, sweater, Store=3)
    look(centra)
    look(beside)
    assert (ours(placed).integration, causes(ours(placed))) == (first, {Cause.WAREHOUSES})
    assert SeenOrder.objects.get(integration=second).reason == "taken by Nordlys"

    first.refresh_from_db()
    first.warehouses_ours = ["Main"]
    first.save()
    look(centra)
    assert ours(placed).status == Status.CANCELLED
    for _time in range(2):
        sweep(beside)
        sweep(centra)
        order = ours(placed)
        assert (order.integration, order.status, order.pieces) == (second, Status.NEW, 3)
        assert second.shop_methods.get(value="standard").count == 1
        assert Order.objects.count() == 1
        assert Stock.objects.get().reserved == 3
        verdicts = dict(SeenOrder.objects.values_list("integration__name", "verdict"))
        assert verdicts == {"Nordlys": Verdict.SKIPPED, "Store’s": Verdict.TAKEN}


# --- another address ---------------------------------------------------------------------------


def points_at(centra: Centra, host: str) -> None:
    """The integration is saved with this host in its Store Hash."""
    shop = centra.integration
    shop.refresh_from_db()
    shop.base_url = shop.base_url.replace(urlsplit(shop.base_url).hostname or "", host)
    shop.save()
    shop.resume_after_change(other_shop=True)


def test_an_order_that_comes_in_again_from_another_address_waits_where_it_was_first(
    centra: Centra, sweater: Goods
) -> None:
    placed = buy(centra, {sweater.size: 2})
    look(centra)
    first = ours(placed)
    points_at(centra, "127.0.0.1")
    look(centra, "refresh", ask=True)
    create.create(centra.integration, centra.integration.webshop_products.all())
    look(centra, ask=True)
    for _time in range(2):
        look(centra, "hand-over")
        deciding.decide_held()
        first.refresh_from_db()
        again = Order.objects.exclude(pk=first.pk).get()
        assert (first.status, again.status, again.number) == (Status.RESERVED, Status.NEW, first.number)
        assert causes(first) == {Cause.NOT_SHOWN}
        assert "points at 127.0.0.1" in first.holds.get().text
    mends = orderpage.look(Order.objects.select_related("integration", "shipment").get(pk=first.pk))["reasons"]
    assert [reason.mend and reason.mend.words for reason in mends] == ["Cancel the order"]

    moves.cancel(again, "Kim")
    points_at(centra, "localhost")
    deciding.decide_held()
    first.refresh_from_db()
    assert (first.status, Stock.objects.get().reserved) == (Status.NEW, 2)


# --- shipments as orders -------------------------------------------------------------------


@pytest.fixture
def reads_shipments(centra: Centra) -> None:
    centra.integration.reads = "shipments"
    centra.integration.save()


def part(placed: ShopOrder, number: int) -> Order:
    return Order.objects.get(number=str(placed.number), part=number)


def in_two(centra: Centra, sweater: Goods) -> ShopOrder:
    placed = buy(centra, {sweater.size: 5})
    line = placed.lines.get().pk
    placed.create_shipment({line: 2}, good_to_go=True, capture=False)
    placed.create_shipment({line: 3}, good_to_go=True, capture=False)
    return placed


def test_each_shipment_is_an_order_of_its_own(centra: Centra, sweater: Goods, reads_shipments: None) -> None:
    placed = in_two(centra, sweater)
    for _ in range(2):
        assert look(centra).error == ""
    assert [(one.part, one.pieces, one.status) for one in Order.objects.order_by("part")] == [
        (1, 2, Status.NEW),
        (2, 3, Status.NEW),
    ]
    assert part(placed, 2).shipment is not None
    assert Stock.objects.get().reserved == 5


def test_while_the_whole_order_is_here_its_shipments_are_not_taken(centra: Centra, sweater: Goods) -> None:
    placed = buy(centra, {sweater.size: 5})
    look(centra)
    centra.integration.reads = "shipments"
    centra.integration.save()
    placed.create_shipment(good_to_go=True, capture=False)
    look(centra)
    assert Order.objects.get().part == 0
    placed.change_flags(is_suspect=True)
    sweep(centra)
    assert Cause.SUSPECT in causes(ours(placed))  # and it is still followed


def test_a_hold_of_the_shop_holds_its_shipments(centra: Centra, sweater: Goods, reads_shipments: None) -> None:
    placed = in_two(centra, sweater)
    look(centra)
    placed.change_flags(is_suspect=True)
    look(centra)
    assert causes(part(placed, 1)) == causes(part(placed, 2)) == {Cause.SUSPECT}
    placed.change_flags(is_suspect=False)
    look(centra)
    assert part(placed, 1).status == Status.NEW


def test_a_shipment_sent_by_hand_is_looked_up_and_held(centra: Centra, sweater: Goods, reads_shipments: None) -> None:
    placed = in_two(centra, sweater)
    look(centra)
    placed.shipments.get(n=1).complete(capture=False)
    sweep(centra)
    assert causes(part(placed, 1)) == {Cause.SENT}
    assert part(placed, 2).status == Status.NEW
    assert Stock.objects.get().reserved == 5


def test_good_to_go_taken_back_and_a_shipment_deleted(centra: Centra, sweater: Goods, reads_shipments: None) -> None:
    placed = in_two(centra, sweater)
    look(centra)
    placed.shipments.get(n=1).change(good_to_go=False)
    placed.shipments.get(n=2).remove()
    sweep(centra)
    assert (causes(part(placed, 1)), causes(part(placed, 2))) == ({Cause.NOT_CONFIRMED}, {Cause.NOT_SHOWN})
    placed.shipments.get(n=1).change(good_to_go=True)
    look(centra)
    assert part(placed, 1).status == Status.NEW


def test_an_unreadable_shipment_keeps_its_part_and_is_read_later(
    centra: Centra, sweater: Goods, reads_shipments: None
) -> None:
    placed = in_two(centra, sweater)
    centra.shop.break_endpoint("GET shipments", "unreadable_row", times=1, row=1)
    look(centra)
    assert causes(part(placed, 2)) == {Cause.UNREADABLE}
    look(centra)
    assert (part(placed, 2).status, part(placed, 2).pieces) == (Status.NEW, 3)
    assert part(placed, 2).shipment is not None


# --- sweeps --------------------------------------------------------------------------------


def far_back(centra: Centra) -> None:
    type(centra.integration).objects.update(takes_orders_since=timezone.now() - timedelta(days=90))
    centra.integration.refresh_from_db()


def test_a_sweep_finds_forgotten_orders_by_their_good_to_go_shipments(centra: Centra, sweater: Goods) -> None:
    far_back(centra)
    look(centra)
    placed = buy(centra, {sweater.size: 1}, placed_at=timezone.now() - timedelta(days=60))
    placed.create_shipment(good_to_go=True, capture=False)
    older = buy(centra, {sweater.size: 1}, placed_at=timezone.now() - timedelta(days=120))
    older.create_shipment(good_to_go=True, capture=False)
    look(centra)
    assert not Order.objects.exists()
    sweep(centra)
    assert ours(placed).status == Status.NEW
    assert SeenOrder.objects.get(number=str(older.number)).reason == "older"


def test_a_long_outage_leaves_out_no_day_though_the_sweep_looks_back_less(centra: Centra, sweater: Goods) -> None:
    far_back(centra)
    type(centra.integration).objects.update(look_back_days=1)
    look(centra)
    state = centra.integration.state("intake")
    type(state).objects.filter(pk=state.pk).update(synced_through=timezone.now() - timedelta(days=5))
    placed = buy(centra, {sweater.size: 1}, placed_at=timezone.now() - timedelta(days=3))
    sweep(centra)
    assert ours(placed).status == Status.NEW


def test_an_earlier_since_is_looked_at_at_once(centra: Centra, sweater: Goods) -> None:
    placed = buy(centra, {sweater.size: 1}, placed_at=timezone.now() - timedelta(hours=30))
    early = buy(centra, {sweater.size: 1}, placed_at=timezone.now() - timedelta(minutes=90))
    look(centra)
    assert SeenOrder.objects.get().reason == "older"
    far_back(centra)
    look(centra)
    assert (ours(placed).status, ours(early).status) == (Status.NEW, Status.NEW)


def test_look_ups_go_a_few_at_a_time(
    centra: Centra, sweater: Goods, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(intake, "LOOK_UPS_PER_PAGE", 2)
    orders = buy_some(centra, sweater, 5)
    look(centra)
    for order in orders:
        order.hold()
    settings.TURN_SECONDS = 0
    run = sweep(centra)
    assert run.turns >= 3
    assert Order.objects.filter(is_shown=False, status=Status.RESERVED).count() == 5


@pytest.mark.parametrize(
    ("shop_zone", "our_zone"), [("Europe/Stockholm", "America/New_York"), ("Asia/Tokyo", "America/Los_Angeles")]
)
def test_orders_of_the_future_say_check_the_time_zone(
    centra: Centra, sweater: Goods, shop_zone: str, our_zone: str
) -> None:
    set_zones(centra, shop_zone, our_zone)
    buy(centra, {sweater.size: 1})
    look(centra)
    assert centra.integration.state("intake").health().word == "check the time zone"


def test_a_shop_west_of_what_we_think_is_noticed_by_its_sweeps(centra: Centra, sweater: Goods) -> None:
    set_zones(centra, "America/New_York", "Europe/Stockholm")
    far_back(centra)
    type(centra.integration).objects.update(created_at=timezone.now() - timedelta(days=30))
    look(centra)
    orders = buy_some(centra, sweater, 4)
    look(centra)
    assert not Order.objects.exists()
    sweep(centra)
    assert Order.objects.count() == len(orders)
    assert centra.integration.state("intake").health().word == "check the time zone"


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland", "Pacific/Pago_Pago"])
def test_zones_far_from_greenwich_read_polls_and_sweeps_alike(centra: Centra, sweater: Goods, zone: str) -> None:
    set_zones(centra, zone, zone)
    look(centra)
    orders = buy_some(centra, sweater, 2)
    assert look(centra).counts["new"] == 2
    sweep(centra)
    all_here_once(orders)
    assert centra.integration.state("intake").health().word == "working"


def set_zones(centra: Centra, shop: str, ours: str) -> None:
    centra.shop.time_zone = shop
    centra.shop.save()
    type(centra.integration).objects.update(time_zone=ours)
    centra.integration.refresh_from_db()


# --- activity and speed --------------------------------------------------------------------


def test_polls_that_find_nothing_are_one_row_and_news_is_a_row(centra: Centra, sweater: Goods) -> None:
    look(centra)
    for _ in range(4):
        look(centra)
    placed = buy(centra, {sweater.size: 1}, confirm=False)
    look(centra)  # held, and news all the same
    look(centra)
    look(centra)
    placed.confirm()
    look(centra)
    polls = SyncRun.objects.filter(pipe="intake", kind="poll").order_by("pk")
    assert list(polls.values_list("is_quiet", "repeats")) == [(True, 3), (False, 0), (True, 1), (False, 0)]


def test_the_same_unreadable_row_is_news_once(centra: Centra, sweater: Goods) -> None:
    look(centra)
    buy(centra, {sweater.size: 1})
    centra.shop.break_endpoint("GET orders", "unreadable_row", times=None)
    polls = [look(centra) for _ in range(4)]
    assert polls[0].notes
    assert SyncRun.objects.filter(pipe="intake", kind="poll").count() == 2


def test_a_page_of_known_orders_costs_a_small_constant_number_of_queries(centra: Centra, sweater: Goods) -> None:
    buy_some(centra, sweater, 40)
    look(centra)
    with centra.integration.connect() as shop:
        page = next(iter(shop.orders(centra.integration.takes_orders_since)))
    into = taking.Taking(centra.integration, "another pass")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        into.seen_before(data.number for data in page.items)
        assert into.worth_a_look(page.items) == []
        with transaction.atomic():
            into.note_page(page.items)
    assert len(page.items) == 40
    assert len(queries) <= 12


def test_a_new_order_costs_few_queries(centra: Centra, sweater: Goods) -> None:
    buy_some(centra, sweater, 20)
    with centra.integration.connect() as shop:
        page = next(iter(shop.orders(centra.integration.takes_orders_since)))
    into = taking.Taking(centra.integration, "a pass")
    with CaptureQueriesContext(connection) as queries:
        for data, digest in into.worth_a_look(page.items):
            into.take(data, digest)
    assert Order.objects.filter(status=Status.NEW).count() == 20
    assert len(queries) / 20 <= 35
