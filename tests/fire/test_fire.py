"""A short storm, as a part of CI; and that the proof behind it can fail at all.

The storm has a database, a Redis and processes of its own, so it runs alone: see `tests/everything.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from integrations import sync
from orders import desk, faults, moves
from orders.models import Order, OrderLine, SeenOrder, Status, Verdict
from orders.reading import Skip
from products import formula
from products.models import Stock
from sandbox import catalogue
from sandbox.models import Fault, Size
from sandbox.models import Shipment as ShopShipment
from sandbox.models.shipment import ShipmentLine
from tests.everything import answers
from tests.fire import embers, ours, plan, report, truth, visits, ways
from tests.fire.__main__ import POSTGRES
from tests.fire.conftest import burnt, visits_to
from tests.fire.engines import ROOT
from tests.fire.plan import Act
from tests.fire.town import LONG_AGO, ON_HAND, Town

SEED = os.environ.get("FIRE_SEED", "7")


def test_the_same_seed_draws_the_same_storm() -> None:
    one, again, other = plan.draw(1, 60, 100), plan.draw(1, 60, 100), plan.draw(2, 60, 100)
    assert (one, one.digest) == (again, again.digest)
    assert one.digest != other.digest
    assert len(one.of("shopper")) == 100


def test_a_whole_storm_pulls_every_lever_at_every_endpoint() -> None:
    acts = [act for act in plan.draw(1, 450, 2000).of("faults") if "params" in act.more]
    pulled = {(act.more["endpoint"], act.what, str(act.more["params"])) for act in acts}
    assert {(endpoint, kind, str(more)) for endpoint, kind, more in plan.pairs()} <= pulled


def test_every_storm_has_a_shop_that_is_asked_too_often() -> None:
    for seed in range(20):
        refused = [
            act for act in plan.draw(seed, 60, 100).of("faults") if act.what == "status" and act.more["times"] >= 8
        ]
        assert any(act.more["params"]["code"] == 429 and not act.more["endpoint"] for act in refused)


def test_what_cannot_be_is_not_planned_and_the_report_says_why(towns: list[Town]) -> None:
    acts = [act for act in plan.draw(1, 450, 2000).of("faults") if "params" in act.more]
    pulled = {(act.what, act.more["endpoint"]) for act in acts}
    never = {(str(kind), endpoint) for kinds, endpoints, _why in plan.NEVER for kind in kinds for endpoint in endpoints}
    assert not pulled & never
    assert len(plan.pairs()) == len({(str(more), *pair) for *pair, more in plan.pairs()}) == 217
    for (kind, endpoint), shops in plan.NEEDING.items():
        assert {act.shop for act in acts if (act.what, act.more["endpoint"]) == (kind, endpoint)} == set(shops)
    said = list(report._faults(burnt(visits_to(towns))))
    for _kinds, endpoints, why in plan.NEVER:
        assert [row for row in said if row.endswith(f" × {', '.join(endpoints)}: {why}.")]


def test_the_last_faults_are_given_what_they_need(towns: list[Town]) -> None:
    catalogue.many(towns[0].shop, 520)
    needing: list[tuple[str, str, int]] = [(kind, endpoint, shop) for (kind, endpoint), (shop,) in plan.NEEDING.items()]
    needing += [(kind, "GET orders", 3) for kind, _more in plan.ON_PAGES[:3]]
    faults = [towns[shop].shop.break_endpoint(endpoint, kind) for kind, endpoint, shop in needing]
    quiet, orders = burnt(visits_to(towns)).storm, iter(range(100, 200))
    for _round in range(4):
        for town in towns:
            town.remember("intake", swept_at=LONG_AGO)
            embers._stir(quiet, town, orders)
            for pipe in ("refresh", "stock", "intake", "hand-over"):
                town.run(pipe)
    for fault in faults:
        fault.refresh_from_db()
    assert [str(fault) for fault in faults if fault.hits != 1] == []
    assert not any(embers._stir(quiet, town, orders) for town in towns)


def test_orders_that_wait_for_a_reason_keep_nobody_from_buying_at_last(towns: list[Town]) -> None:
    town = towns[plan.LATE_PAYING]
    for number in range(100, 100 + embers.IN_HAND + 3):
        embers._buy(town, number)
    town.run("intake")
    bought = town.orders(Status.NEW).filter(shop=town.integration.shop)
    assert (bought.count(), len(town.orders_of)) == (embers.IN_HAND, 1 + embers.IN_HAND)
    bought.update(handover_error="The shop said no.")
    embers._buy(town, 200)
    assert 200 in town.orders_of


def test_faults_of_rare_calls_come_early_and_the_calls_are_many() -> None:
    drawn = plan.draw(1, 450, 2000)
    assert drawn.is_whole
    assert not plan.draw(1, 60, 100).is_whole
    late_payers = [act for act in drawn.of("shopper") if act.shop == plan.LATE_PAYING]
    chances = {"DELETE shipments": plan.ASKED_BACK, "PUT shipments": plan.PICKED_SHORT}
    for endpoint, one_in in chances.items():
        levers = [act for act in drawn.of("faults") if act.more.get("endpoint") == endpoint and "params" in act.more]
        assert {(act.shop, act.more["times"], act.more["skip"]) for act in levers} == {(plan.LATE_PAYING, 1, 0)}
        assert max(act.at for act in levers) < drawn.seconds * 0.7 < drawn.seconds * plan.BUYING
        assert len(late_payers) / one_in > 3 * len(levers)


def test_a_whole_storm_goes_every_way_and_wants_every_button_again_and_again() -> None:
    drawn = plan.draw(1, 450, 2000)
    looked, pressed, worked = (
        Counter(act.what for act in acts)
        for acts in (drawn.of("visitor"), [act for act in drawn.of("merchant") if act.is_by_page], drawn.of("desk"))
    )
    assert set(looked) == {*ways.WAYS, *ways.BUTTONS}
    assert {f"order: {what}" for what in pressed} == visits.ORDER_BUTTONS
    assert set(worked) == set(ways.DESK)
    assert min([*looked.values(), *pressed.values(), *worked.values()]) >= 10
    # Two or three requests each: a few in a second.
    assert 1.5 < (looked.total() + pressed.total() + worked.total()) / drawn.seconds < 3


def test_about_as_many_pieces_come_as_are_bought_and_none_too_late() -> None:
    drawn = plan.draw(1, 450, 2000)
    shelf = {(house, item): ON_HAND for house in range(plan.SHOPS - 1) for item in range(plan.ITEMS)}
    for act in drawn.of("goods", "shopper"):
        if act.who == "goods":
            shelf[act.shop % (plan.SHOPS - 1), act.more["item"]] += act.more.get("pieces") or act.more["by"]
        for item, pieces in act.more.get("lines", ()):
            shelf[act.shop % (plan.SHOPS - 1), item] -= pieces
    assert min(shelf.values()) > 0
    assert max(shelf.values()) < ON_HAND * 2


# --- the proof can fail --------------------------------------------------------------------


def test_rare_calls_are_made_as_often_as_the_plan_counts_on(towns: list[Town]) -> None:
    town = towns[plan.LATE_PAYING]
    town.is_rash = True
    rare = [
        town.shop.break_endpoint(one, "slow", times=None, seconds=0) for one in ("PUT shipments", "DELETE shipments")
    ]
    for number in range(100, 115):
        more = {"lines": [[number % plan.ITEMS, 2], [(number + 5) % plan.ITEMS, 2]], "confirm": True, "owes": False}
        town.purchase(Act(0, "shopper", "buy", town.number, number, more))
    town.run("intake")
    town.run("hand-over")
    for _round in range(3):
        Order.objects.filter(collected_at__isnull=False).update(collected_at=timezone.now() - timedelta(minutes=1))
        town.work()
        town.run("hand-over")
    for fault, one_in in zip(rare, (plan.PICKED_SHORT, plan.ASKED_BACK), strict=True):
        fault.refresh_from_db()
        assert fault.hits >= 15 // one_in // 2, (fault, fault.hits)


def of(town: Town) -> Order:
    return town.orders(Status.SHIPPED).filter(shop=town.integration.shop).get()


def shipment(town: Town) -> ShopShipment:
    return ShopShipment.objects.get(order__shop=town.shop)


def forget_order(town: Town) -> None:
    of(town).delete()


def skip_what_is_open(town: Town) -> None:
    more = {"lines": [[3, 1]], "confirm": True, "owes": True}
    town.purchase(Act(0, "shopper", "buy", town.number, 500, more))
    there = town.shop_order(500)
    assert there is not None
    now, word = timezone.now(), Skip.SENT.value
    seen = {"verdict": Verdict.SKIPPED, "reason": word, "first_seen_at": now, "last_seen_at": now}
    SeenOrder.objects.create(integration=town.integration, number=str(there.number), **seen)


def stop_half_way(town: Town) -> None:
    Order.objects.filter(pk=of(town).pk).update(status=Status.NEW)


def never_tell(town: Town) -> None:
    Order.objects.filter(pk=of(town).pk).update(told_at=None)


def capture_twice(town: Town) -> None:
    ShopShipment.objects.filter(pk=shipment(town).pk).update(captures=2)


def ship_twice(town: Town) -> None:
    first = shipment(town)
    second = ShopShipment.objects.create(order=first.order, n=2, shipped_at=timezone.now(), tracking=first.tracking)
    for line in first.lines.all():
        ShipmentLine.objects.create(shipment=second, line=line.line, qty=line.qty)


def send_more_pieces(town: Town) -> None:
    of(town).lines.filter(pieces=2).update(pieces=3)


def miscount_in_the_shop(town: Town) -> None:
    size = town.sizes[2]
    Size.objects.filter(pk=size.pk).update(physical=size.physical + 1)


def lose_a_piece(town: Town) -> None:
    stock = town.stocks().first()
    assert stock is not None
    Stock.objects.filter(pk=stock.pk).update(on_hand=stock.on_hand - 1)


def send_what_is_cancelled(town: Town) -> None:
    Order.objects.filter(pk=of(town).pk).update(status=Status.CANCELLED)


def another_code(town: Town) -> None:
    ShopShipment.objects.filter(pk=shipment(town).pk).update(tracking="SOMEBODY-ELSES")


def take_for_gone(town: Town) -> None:
    town.integration.webshop_products.filter(external_id=str(town.sizes[5].pk)).update(gone_at=timezone.now())


def pack_something_else(town: Town) -> None:
    other = town.products[7]
    line = of(town).lines.all()[0]
    OrderLine.objects.filter(pk=line.pk).update(product=other, sku=other.sku)


def send_to_somebody_else(town: Town) -> None:
    Order.objects.filter(pk=of(town).pk).update(name="Kim Berg 9", address="Strandgatan 9")


def change_the_price(town: Town) -> None:
    of(town).lines.update(price=1)


def take_an_item_for_another(town: Town) -> None:
    town.integration.webshop_products.filter(external_id=str(town.sizes[5].pk)).update(sku="ANOTHER")


def forget_a_link(town: Town) -> None:
    town.integration.webshop_products.filter(external_id=str(town.sizes[5].pk)).update(product=None)


BREAKS: dict[str, list[Callable[[Town], None]]] = {
    "lost": [forget_order, skip_what_is_open, stop_half_way, never_tell],
    "doubled": [capture_twice, ship_twice, send_more_pieces],
    "wrong": [
        miscount_in_the_shop,
        lose_a_piece,
        send_what_is_cancelled,
        another_code,
        take_for_gone,
        pack_something_else,
        send_to_somebody_else,
        change_the_price,
        take_an_item_for_another,
        forget_a_link,
    ],
}


def test_what_is_lost_doubled_or_wrong_is_found_in_every_shop(towns: list[Town]) -> None:
    assert truth.look(towns).rows() == [("lost", []), ("doubled", []), ("wrong", [])]
    for kind, breaks in BREAKS.items():
        for town in towns:
            for do in breaks:
                with transaction.atomic():
                    do(town)
                    found = dict(truth.look(towns).rows())
                    transaction.set_rollback(True)
                assert found[kind], f"{do.__name__} in shop {town.number} was not found: {found}"
    assert truth.look(towns).total == 0


def test_money_that_nobody_is_asked_to_give_back_is_found(towns: list[Town]) -> None:
    """Paid in the shop at hand-over, taken back before it was sent."""
    town = towns[0]
    more = {"lines": [[2, 1]], "confirm": True, "owes": False}
    town.purchase(Act(0, "shopper", "buy", town.number, 500, more))
    town.run("intake")
    town.work()
    town.run("hand-over")
    moves.ask_to_cancel(town.orders(Status.COLLECTING).get(), "Kim")
    desk.answer(list(town.orders(Status.COLLECTING)), "Robin", is_agreed=True)
    town.run("hand-over")
    town.settle()
    order = town.orders(Status.CANCELLED).get()
    assert (order.needs_refund, truth.look(towns).total) == (True, 0)
    Order.objects.filter(pk=order.pk).update(needs_refund=False)
    (found,) = truth.look(towns).wrong
    assert "nobody is asked to refund it" in found


def test_what_the_shop_cancelled_after_it_was_sent_may_be_left_untold_and_nothing_else(towns: list[Town]) -> None:
    town = towns[plan.LATE_PAYING]
    more = {"lines": [[2, 1]], "confirm": True, "owes": False}
    town.purchase(Act(0, "shopper", "buy", town.number, 500, more))
    town.run("intake")
    town.work()
    town.run("hand-over")
    town.work(is_last=True)
    order = town.orders(Status.SHIPPED).get(told_at=None)
    there = town.shop_orders().get(number=order.number)
    there.cancel()
    town.run("hand-over")
    town.run("intake", asked=True)
    town.clear_up()
    town.settle()
    assert (order.pk in town.left, truth.look(towns).rows()) == (True, [("lost", []), ("doubled", []), ("wrong", [])])
    town.shop_orders().filter(pk=there.pk).update(status=there.Status.PROCESSING)
    assert any("the shop has not cancelled it" in said for said in truth.look(towns).wrong)


def test_a_formula_that_forgets_what_orders_hold_is_found(towns: list[Town], monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop is told its figure and shows it, so a proof that asked the formula would agree with it."""
    town, other = towns[0], towns[-1]  # two shops of one merchant, over the same shelf
    more = {"lines": [[3, 2]], "confirm": True, "owes": False}
    other.purchase(Act(0, "shopper", "buy", other.number, 500, more))
    other.run("intake")
    item = town.integration.webshop_products.get(external_id=str(town.sizes[3].pk))
    right = formula.figures(town.integration, [item])[item.pk].figure
    Size.objects.filter(pk=town.sizes[3].pk).update(physical=right)
    assert list(truth.wrong_figures(town)) == []
    monkeypatch.setattr(formula.Formula, "figure", property(lambda self: self.on_hand + self.counted_twice))
    wrong = formula.figures(town.integration, [item])[item.pk].figure
    assert wrong == right + 2
    Size.objects.filter(pk=town.sizes[3].pk).update(physical=wrong)
    assert [what.partition(":")[0] for what in truth.wrong_figures(town)] == [item.sku]


CUT = """\
2026-11-29 15:00:23,349 ERROR   integrations.sync Nordlys · Orders failed in our own code. [run=7]
  File "/x/sync.py", line 174, in _work
    job(turn)
psycopg.errors.AdminShutdown
django.db.utils.OperationalError: terminating connection due to administrator command
2026-11-29 15:00:24,001 ERROR   celery.app.trace Task orders.intake[1] raised unexpected: InterfaceError()
  File "/x/base.py", line 300, in _cursor
django.db.utils.InterfaceError: the connection is closed
2026-11-29 15:00:24,002 WARNING integrations.sync Failed: Unavailable.
2026-11-29 15:00:24,003 ERROR   django.request Internal Server Error: /sandbox/world-3/api/order-api/shipments
"""
OWN = """\
2026-11-29 15:00:25,349 ERROR   orders.faults Order 70001 of Nordlys failed in our own code. [run=8]
  File "/x/taking.py", line 147, in safely
    do()
django.db.utils.IntegrityError
2026-11-29 15:00:26,100 ERROR   integrations.sync Nordlys · Stock failed in our own code.
django.db.utils.OperationalError: deadlock detected
[2026-11-29 15:00:27 +0000] [9] [ERROR] Internal Server Error: /m/1/orders/
KeyError
"""


def test_what_failed_in_our_own_code_is_found_and_a_cut_connection_is_no_fault_of_ours(
    towns: list[Town], tmp_path: Path
) -> None:
    (tmp_path / "worker-1.log").write_text(CUT)
    assert ours.look(towns, tmp_path) == []
    (tmp_path / "web.log").write_text(OWN)
    kinds = [what.rsplit(" ", 1)[1] for what in ours.look(towns, tmp_path)]
    assert kinds == ["django.db.utils.IntegrityError", "detected", "KeyError"]
    for town in towns:
        run = town.integration.runs.latest("pk")
        run.outcome, run.error, run.notes = "failed", str(sync.OUR_FAULT), [str(faults.TEXT)]
        run.save()
        Order.objects.filter(pk=of(town).pk).update(handover_error=str(faults.TEXT))
    assert len(ours.look(towns)) == 3 * len(towns)


def test_a_storm_with_a_fault_of_our_own_is_not_green(towns: list[Town]) -> None:
    people = visits_to(towns)
    people.visit(Act(0, "visitor", "front page", 0, 0, {"pick": 0}))
    result = burnt(people)
    burst = replace(result, ours=["shop 0: stock failed in our own code"])
    assert (result.is_green, burst.is_green) == (True, False)
    assert list(report._problems(burst))[:2] == ["### failed in our own code\n", f"* {burst.ours[0]}"]


def test_a_storm_in_which_nobody_bought_or_sent_anything_is_not_green(towns: list[Town]) -> None:
    people = visits_to(towns)
    people.visit(Act(0, "visitor", "front page", 0, 0, {"pick": 0}))
    result = burnt(people)
    greens = [result.is_green]
    towns[0].books.refused = len(towns) + 1
    greens.append(result.is_green)
    towns[0].books.refused = 0
    Order.objects.update(status=Status.CANCELLED)
    assert [*greens, result.is_green] == [True, False, False]


def test_a_whole_storm_in_which_a_planned_fault_never_hit_is_not_green(towns: list[Town]) -> None:
    people = visits_to(towns)
    people.ledger.fetched.update(name for steps in ways.WAYS.values() for name, _way in steps)
    people.ledger.pressed.update({*visits.ORDER_BUTTONS, *ways.BUTTONS, *visits.DESK_BUTTONS})
    result = burnt(people)
    whole = plan.draw(1, 450, 2000)
    for act in whole.of("faults"):
        if "params" in act.more:
            towns[act.shop].fault(act)
    Fault.objects.update(hits=1)
    storm = replace(result.storm, plan=whole)
    assert (replace(result, storm=storm).missed, replace(result, storm=storm).is_green) == ([], True)
    Fault.objects.filter(kind="huge", endpoint="PUT capture").update(hits=0)
    thin = replace(result, storm=storm)
    assert (thin.missed, thin.is_green) == (["huge × PUT capture"], False)


# --- a short storm -------------------------------------------------------------------------


@pytest.mark.fire
@pytest.mark.timeout(300)
@pytest.mark.skipif(not answers(POSTGRES, 5432), reason="no PostgreSQL: set TEST_POSTGRES_URL")
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server on the PATH")
def test_a_short_storm_loses_doubles_and_miscounts_nothing(tmp_path: Path) -> None:
    written = tmp_path / "fire.md"
    inherited = {key: value for key, value in os.environ.items() if key not in ("DATABASE_URL", "CELERY_BROKER_URL")}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.fire", "--seed", SEED, "--minutes", "0.5", "--orders", "150", "--rest", "150",
         "--report", str(written)],
        cwd=ROOT, env=inherited, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr[-3000:]
    assert "| **lost** | **0** |" in written.read_text()
    assert "| runs, tasks and pages that failed in our own code, by records and logs | 0 |" in written.read_text()
    assert "| pages and buttons that showed somebody at a browser an error | 0 |" in written.read_text()
