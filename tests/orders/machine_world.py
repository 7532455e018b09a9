"""A small world for proofs by machine: one shop, one merchant, one warehouse, and everything that may happen to them.

Whoever acts picks by number (`pick`), so that a found example says what to repeat. What is refused with a sentence is
refused; what fails in our own code is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from integrations import sync
from integrations.connectors import http
from integrations.connectors.base import ParcelData
from integrations.connectors.errors import ShopError
from integrations.models import Integration, SyncRun, SyncState
from orders import deciding, differences, handover, intake, links, moves, promise, returning, short, splitting
from orders.models import Order, Shipment, Status
from products import adjusting, receiving, refresh, stock
from products.models import ShopFigure, StockUpdate
from products.models.stock import NotEnough
from sandbox.models import Order as ShopOrder
from sandbox.models import Shipment as ShopShipment
from sandbox.models import Size
from sandbox.models.line import Wanted
from sandbox.models.order import SOMEBODY
from sandbox.refused import Refused
from tests import factories
from tests.orders.machine_mending import address
from tests.orders.machine_upkeep import Upkeep

JOBS: dict[str, Callable[[sync.Run], None]] = {
    "intake": intake.intake,
    "hand-over": handover.hand_over,
    "stock": stock.push,
    "refresh": refresh.refresh,
}
TURNS = 40  # more turns than that and a run would never end


class Killed(BaseException):
    """What nothing catches, like kill -9."""


class World(Upkeep):
    """Everything that may happen on the ground."""

    # --- in the shop -----------------------------------------------------------------------

    def buy(
        self,
        wanted: Sequence[tuple[int, int]],
        word: str,
        *,
        confirm: bool = True,
        owes: bool = False,
        country: str = "SE",
        lacks: str = "",
    ) -> None:
        """Several lines, of items by number; where the shop has too few pieces it refuses, unless it may owe them.

        Where shipments are read, one of all that is confirmed is good to go at once.
        """
        lines = [Wanted(self.sizes[item % len(self.sizes)], pieces) for item, pieces in wanted]
        with refusals():
            order = self.shop.place_order(lines, shipping=word, forces=owes, delivery=address(country, lacks))
            if confirm:
                order.confirm()
                if self.reads_shipments:
                    self._make_shipment(order)

    def in_shop(self, pick: int, what: str) -> None:
        """One of the buttons of the shop's order page."""
        order = self.shop_order(pick)
        if order is None:
            return
        with refusals():
            if what in ("confirm", "unconfirm", "hold", "resume", "cancel", "restore", "archive", "reactivate"):
                getattr(order, what)()
            else:
                getattr(self, f"_{what}")(order)

    def _edit_more(self, order: ShopOrder) -> None:
        order.add_line(Wanted(self.sizes[0], 1))

    def _edit_less(self, order: ShopOrder) -> None:
        line = order.lines.order_by("pk").first()
        assert line is not None
        if line.qty > 1:
            order.cancel_pieces(line, 1)

    def _edit_away(self, order: ShopOrder) -> None:
        """Every piece of its first line that is in no shipment."""
        line = order.lines.order_by("pk").first()
        assert line is not None
        if pieces := order.open_pieces()[line.pk]:
            order.cancel_pieces(line, pieces)

    def _edit_word(self, order: ShopOrder) -> None:
        word = "express" if order.shipping_list == "standard" else "standard"
        ShopOrder.objects.filter(pk=order.pk).update(shipping_list=word)

    def _suspect(self, order: ShopOrder) -> None:
        order.change_flags(is_suspect=not order.is_suspect)

    def _await_payment(self, order: ShopOrder) -> None:
        order.change_flags(waits_for_payment=not order.waits_for_payment)

    def _edit_address(self, order: ShopOrder) -> None:
        ShopOrder.objects.filter(pk=order.pk).update(delivery={**order.delivery, "city": f"{order.delivery['city']}x"})

    def _payment_fails(self, order: ShopOrder) -> None:
        order.change_flags(capture_fails=True)

    def _payment_works(self, order: ShopOrder) -> None:
        order.change_flags(capture_fails=False)

    def _mark_paid(self, order: ShopOrder) -> None:
        for shipment in order.shipments.filter(is_paid=False):
            shipment.mark_paid()

    def _make_shipment(self, order: ShopOrder) -> None:
        order.create_shipment(good_to_go=True, capture=False)

    def _make_part(self, order: ShopOrder) -> None:
        """A shipment of one piece, as where the rest is not there yet."""
        line = next((line for line, pieces in sorted(order.open_pieces().items()) if pieces), None)
        if line is not None:
            order.create_shipment({line: 1}, good_to_go=True, capture=False, deduct_previous_costs=True)

    def _not_ready(self, order: ShopOrder) -> None:
        for shipment in order.shipments.filter(shipped_at=None, is_good_to_go=True)[:1]:
            shipment.change(good_to_go=False)

    def _ready(self, order: ShopOrder) -> None:
        for shipment in order.shipments.filter(shipped_at=None, is_good_to_go=False):
            shipment.change(good_to_go=True)

    def _fill_in(self, order: ShopOrder) -> None:
        whole = {key: text or SOMEBODY.get(key, "") for key, text in order.delivery.items()}
        ShopOrder.objects.filter(pk=order.pk).update(delivery=whole)

    def _send(self, order: ShopOrder) -> None:
        """The shop's own people send it: the open shipment, or one that they make."""
        shipment = order.shipments.filter(shipped_at=None).first()
        shipment = shipment or order.create_shipment(good_to_go=True, capture=True)
        shipment.complete(capture=True, good_to_go=True, tracking="BY-HAND")
        self.by_hand.add(shipment.display_id)

    def _delete_shipment(self, order: ShopOrder) -> None:
        shipment = order.shipments.filter(shipped_at=None).first()
        if shipment is not None:
            shipment.remove()

    # --- in the warehouse ------------------------------------------------------------------

    def receive(self, item: int, pieces: int) -> None:
        """Announced, and all of it came."""
        product = self.products[item % len(self.products)]
        update = StockUpdate.objects.create(
            merchant=self.merchant, warehouse=self.house, reference="R", supplier="S", expected_on=timezone.localdate()
        )
        line = update.lines.create(product=product, expected=pieces)
        receiving.receive(update.pk, {line.pk: pieces}, "Robin")

    def adjust(self, item: int, by: int) -> None:
        product = self.products[item % len(self.products)]
        with refusals():
            adjusting.adjust(product, self.house, by=by, reason="recount", who="Robin")

    def mark(self, pick: int | None = None) -> None:
        """*Mark as collecting*: one, or all that are NEW."""
        found = list(self.orders(Status.NEW))
        for order in found if pick is None else found[pick % len(found) :][:1] if found else []:
            with refusals():
                moves.ask_to_hand_over(order, "Robin")

    def ship(self, pick: int | None = None) -> None:
        found = list(self.orders(Status.COLLECTING))
        for order in found if pick is None else found[pick % len(found) :][:1] if found else []:
            with refusals():
                moves.ship(order, ParcelData("PostNord", "MyPack", f"T-{order.pk}"), "Robin")

    def find_fewer(self, pick: int, less: int) -> None:
        order = self.one(pick, Status.COLLECTING)
        if order is not None:
            line = order.lines.order_by("pk").first()
            with refusals():
                short.found(order, {line.pk: max(0, line.pieces - less)} if line else {}, "Robin")

    def answer(self, *, is_agreed: bool) -> None:
        asked = self.orders(Status.COLLECTING).filter(cancel_asked_at__isnull=False, cancel_answer="")
        for order in list(asked):
            with refusals():
                moves.answer_cancellation(order, "Robin", is_agreed=is_agreed)

    def come_back(self, pick: int, pieces: int, shelved: int) -> None:
        """A parcel with some pieces of the first line, of which some are good."""
        order = self.one(pick, Status.SHIPPED)
        line = order.lines.order_by("pk").first() if order else None
        if order is not None and line is not None:
            with refusals():
                returning.record(order, {line.pk: returning.Back(pieces, min(pieces, shelved))}, "Robin")

    # --- at the merchant's -----------------------------------------------------------------

    def at_merchant(self, pick: int, what: str) -> None:
        """One of the buttons of the portal's order page."""
        order = self.one(pick)
        if order is None:
            return
        acts: dict[str, Callable[[], Any]] = {
            "draft": lambda: moves.to_draft(order, "Kim"),
            "save": lambda: moves.save_as_new(order, "Kim"),
            "reserve": lambda: moves.reserve_on_purpose(order, "Kim"),
            "cancel": lambda: moves.cancel(order, "Kim"),
            "ask to cancel": lambda: moves.ask_to_cancel(order, "Kim"),
            "accept": lambda: differences.accept(order, "Kim"),
            "refuse": lambda: differences.refuse(order, "Kim"),
            "try again": lambda: handover.try_capture_again(order, "Kim"),
            "wait for the rest": lambda: short.wait(order, "Kim"),
            "send what is there": lambda: short.send(order, "Kim"),
            "refunded": lambda: moves.refunded(order, "Kim"),
            "leave it": lambda: self._leave(order),
            "split": lambda: moves.split(order, splitting.deliverable(order), "Kim"),
            "split one off": lambda: moves.split(order, _one_piece(order), "Kim"),
            "fill in": lambda: self.fill_in(order),
            "add a line": lambda: self.add_line(order),
            "take a line out": lambda: self.take_out(order),
            "choose method": lambda: self.choose_method(order),
            "overrule": lambda: self.overrule(order),
        }
        with refusals():
            acts[what]()

    def _leave(self, order: Order) -> None:
        moves.leave_untold(order, "Kim")
        self.left.add(order.pk)

    def order_by_hand(self, item: int, pieces: int) -> None:
        """An order that no shop knows."""
        number = f"M{self.slug}-{next(self.manual)}"
        order = factories.order(self.merchant, number=number, method=self.method, is_method_chosen=True)
        factories.order_line(order, self.products[item % len(self.products)], pieces)
        moves.save_as_new(order, "Kim")

    # --- the pipes -------------------------------------------------------------------------

    def run(self, pipe: str, *, asked: bool = False) -> SyncRun | None:
        """All turns of one run, due now. What fails in our own code is raised, not only written down."""
        crashes: list[Exception] = []
        state = self.integration.state(pipe)
        past = timezone.now() - timedelta(seconds=1)
        SyncState.objects.filter(integration=self.integration).update(leased_until=None)
        SyncState.objects.filter(pk=state.pk).update(next_run_at=past)
        if asked:
            state.ask(timezone.now(), "Kim")
        for _turn in range(TURNS):
            record = sync.run(state.pk, _watched(JOBS[pipe], crashes))
            if crashes:
                raise crashes[0]
            if record is None or record.outcome != SyncRun.Outcome.RUNNING:
                return record
        raise AssertionError(f"{pipe} does not come to an end")

    def sweep(self) -> SyncRun | None:
        self.remember("intake", swept_at="2020-01-01T00:00:00+00:00")
        return self.run("intake")

    def push_stock(self) -> None:
        """As in the night: what is due is told, then all is read back."""
        if "read_back_at" in self.integration.state("stock").remembers:
            self.remember("stock", read_back_at="2020-01-01T00:00:00+00:00")
        self.run("stock")

    def remember(self, pipe: str, **facts: Any) -> None:
        state = self.integration.state(pipe)
        SyncState.objects.filter(pk=state.pk).update(remembers={**state.remembers, **facts})

    def decide(self) -> None:
        """What the timetable runs every few seconds."""
        promise.settle()
        deciding.decide_held()
        splitting.split_pending()
        links.catch_up()

    def killed(self, pipe: str, where: str, after: int) -> None:
        """A worker that dies at the n-th call, after its answer, or at the n-th place kept."""
        with dying(where, after):
            try:
                self.run(pipe)
            except Killed:
                # Nobody settles; the lease ends by itself.
                states = SyncState.objects.filter(integration=self.integration, leased_until__isnull=False)
                states.update(leased_until=timezone.now() - timedelta(seconds=1))

    def later(self) -> None:
        """Every wait is over."""
        past = timezone.now() - timedelta(seconds=1)
        self.orders().filter(wait_until__isnull=False).update(wait_until=past)
        ShopFigure.objects.filter(item__integration=self.integration, retry_at__gt=past).update(retry_at=past)
        Shipment.objects.filter(integration=self.integration, withdraw_asked_at__gt=past).update(withdraw_asked_at=past)

    # --- quiet -----------------------------------------------------------------------------

    def mend(self) -> None:
        """The faults are gone, the payments work, and people have pressed what only people can."""
        self.shop.faults.all().delete()
        self.shop_orders().update(capture_fails=False)
        if self.integration.captures == Integration.Captures.NEVER:
            for shipment in ShopShipment.objects.filter(order__shop=self.shop, is_paid=False):
                shipment.mark_paid()
        refused = self.orders(Status.RESERVED, Status.SHIPPED).filter(integration=self.integration)
        for order in list(refused.exclude(facts__has_keys=["several", "found_in"])):  # looked at by itself
            with refusals():
                handover.try_capture_again(order, "Kim")

    def night(self) -> None:
        """All is mended, and the catalogue is read."""
        self.mend()
        self.run("refresh", asked=True)

    def settle(self) -> None:
        """Round after round, until nothing changes."""
        before: Any = None
        for _round in range(12):
            self.mend()
            self.later()
            self.sweep()
            self.decide()
            self.run("hand-over")
            self.decide()
            self.push_stock()
            now = self.picture()
            if now == before:
                return
            before = now
        raise AssertionError(f"it never comes to rest: {now}")

    def drain(self) -> None:
        """Everything that waits for the merchant is mended, everything that can be sent is sent."""
        self.mend_all()
        self.settle()
        for _round in range(6):
            self.fill_in_all()
            self.answer(is_agreed=True)
            self.cover()
            self.decide()
            self.mark()
            self.run("hand-over")
            self.ship()
            self.settle()
            if not any(can_go_on(order) for order in self.orders(Status.NEW, Status.COLLECTING)):
                return
        raise AssertionError("there is always something left to send")

    def cover(self) -> None:
        """Goods for everybody who waits for some."""
        for number, product in enumerate(self.products):
            lacking = sum(one.owed for one in self.stocks().filter(product=product))
            if lacking:
                self.receive(number, lacking)

    def picture(self) -> Any:
        """All that matters, to see whether anything changes."""
        columns = ("pk", "status", "told_at", "handover_asked_at", "is_shown", "shipment", "shipment__external_id")
        figures = ShopFigure.objects.filter(item__integration=self.integration).order_by("item")
        return (
            list(self.orders().values_list(*columns)),
            list(self.stocks().values_list("on_hand", "reserved")),
            list(Size.objects.filter(shop=self.shop).order_by("pk").values_list("physical", "allocated")),
            list(figures.values_list("told", "asked", "drift")),
            list(self.shop_orders().values_list("number", "status", "captured")),
        )


@contextmanager
def refusals() -> Iterator[None]:
    """A refusal with a sentence is an answer."""
    with suppress(moves.NotPossible, NotEnough, adjusting.NotAdjusted, Refused):
        yield


@contextmanager
def dying(where: str, after: int) -> Iterator[None]:
    """In here a run dies at its n-th `call` (before it), `answer` (behind it) or `keep`."""
    owner, name = {"keep": (sync.Run, "keep"), "call": (http.Session, "_call"), "answer": (http.Session, "_call")}[
        where
    ]
    whole: Callable[..., Any] = getattr(owner, name)
    left = count(1)

    def mortal(*args: Any, **kwargs: Any) -> Any:
        is_last = next(left) >= after
        if is_last and where == "call":
            raise Killed
        answer = whole(*args, **kwargs)
        if is_last:
            raise Killed
        return answer

    with patch.object(owner, name, mortal):
        yield


def _watched(job: Callable[[sync.Run], None], crashes: list[Exception]) -> Callable[[sync.Run], None]:
    def run(turn: sync.Run) -> None:
        try:
            job(turn)
        except (ShopError, sync.LostLease, sync.TurnOver):
            raise
        except Exception as error:
            crashes.append(error)
            raise

    return run


def can_go_on(order: Order) -> bool:
    """Nobody but the warehouse is waited for."""
    if order.status == Status.NEW:
        return not order.handover_error
    is_short = any(line.found is not None and line.found < line.pieces for line in order.lines.all())
    return not is_short and not order.is_cancellation_open


def _one_piece(order: Order) -> dict[int, int]:
    lines = list(order.lines.order_by("pk"))
    return {lines[0].pk: 1} if lines else {}
