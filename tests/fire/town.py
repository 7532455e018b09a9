"""Shops of several kinds, and everything that people do in them while it burns.

A purchase is known by its number in the plan. What the people themselves counted (`Books`) is the proof's own memory:
nothing of it comes from the portal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from integrations.connectors.base import ParcelData
from orders import desk, differences, handover, moves, short
from orders.models import OPEN, Cause, Order, Status
from products import adjusting, brake, receiving
from products.models import Product, Stock, StockUpdate
from sandbox import catalogue
from sandbox.models import Order as ShopOrder
from sandbox.models import PluginMethod, Size, Wanted
from sandbox.models.order import SOMEBODY
from sandbox.refused import Refused
from tests.fire.plan import ADOPTING, ASKED_BACK, ITEMS, LATE_PAYING, PICKED_SHORT, SHOPS, Act, Plan
from tests.orders.machine_ground import Wishes
from tests.orders.machine_world import World, refusals

AT_ONCE = 40  # orders that staff take in their hands
PACKING = timedelta(seconds=2)  # between collecting and sending; time enough to change one's mind
ON_HAND = 60  # pieces of each item at the beginning
PATIENCE = 4  # times that somebody presses *Try again*
FURTHER = 1200  # items of the first shop that nobody buys: several pages of products and of stock
DESK_SHARE = 5  # one order in so many is left to the staff at the desk's pages, while there are some
LONG_AGO = "2020-01-01T00:00:00+00:00"
SECRET = "a-secret-api-key"


@dataclass
class Books:
    """What people counted by themselves, in pieces: goods by product, losses by the order's label."""

    came: Counter[int] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    refused: int = 0  # purchases that the shop refused, for it had too few pieces
    acts: Counter[str] = field(default_factory=Counter)
    rights: Counter[str] = field(default_factory=Counter)  # what was done to keys and permissions


@dataclass
class Town(World):
    """One shop with its merchant. `orders_of` maps the number of a purchase to the key of the shop's order."""

    number: int = 0
    is_rash: bool = False  # whole storms: much is asked back and picked short where it is paid late
    asked_back: int = ASKED_BACK  # one order in so many, where it is paid late
    has_desk: bool = False  # somebody is at the desk's pages
    books: Books = field(default_factory=Books)
    orders_of: dict[int, int] = field(default_factory=dict)
    stays_held: set[int] = field(default_factory=set)
    tried: Counter[int] = field(default_factory=Counter)

    # --- the shop --------------------------------------------------------------------------

    def purchase(self, act: Act) -> None:
        lines = [Wanted(self.sizes[item], pieces) for item, pieces in act.more["lines"]]
        try:
            order = self.shop.place_order(lines, forces=act.more["owes"], delivery=buyer(act.order))
        except Refused:
            self.books.refused += 1
            return
        self.orders_of[act.order] = order.pk
        if act.more["confirm"] and order.status == ShopOrder.Status.PENDING:
            order.confirm()

    def shop_order(self, pick: int) -> ShopOrder | None:
        return ShopOrder.objects.filter(pk=self.orders_of.get(pick, 0)).first()

    def one(self, pick: int, *statuses: Status) -> Order | None:
        there = self.shop_order(pick)
        if there is None:
            return None
        return self.orders(*statuses).filter(shop=self.integration.shop, number=str(there.number), part=0).first()

    def change_mind(self, act: Act) -> None:
        """Of the shop's people or the merchant's, about one order."""
        if act.who == "shop":
            self.in_shop(act.order, act.what)
        elif act.what == "ask to cancel":
            order = self.just_begun()
            if order is not None:
                with refusals():
                    moves.ask_to_cancel(order, "Kim")
        else:
            self.at_merchant(act.order, act.what)

    def just_begun(self) -> Order | None:
        """The order that the warehouse has begun last: who asks later is told that it is sent."""
        begun = self.orders(Status.COLLECTING).filter(shop=self.integration.shop, cancel_asked_at__isnull=True)
        return begun.order_by("-collected_at").first()

    # --- faults ----------------------------------------------------------------------------

    def fault(self, act: Act) -> None:
        if "params" not in act.more:
            self.books.rights[act.what] += 1
        if act.what == "revoke key":
            PluginMethod.objects.filter(pk=self.plugin.pk).update(secret=PluginMethod.new_secret())
        elif act.what == "restore key":
            self.restore_key()
        elif act.what in ("forbid", "allow"):
            self._permit(act.more["endpoint"], is_allowed=act.what == "allow")
        else:
            more = act.more
            self.shop.break_endpoint(
                more["endpoint"], act.what, times=more["times"], skip=more["skip"], **more["params"]
            )

    def restore_key(self) -> None:
        PluginMethod.objects.filter(pk=self.plugin.pk).update(secret=SECRET)

    def _permit(self, endpoint: str, *, is_allowed: bool) -> None:
        plugin = PluginMethod.objects.get(pk=self.plugin.pk)
        plugin.forbid(endpoint)
        if is_allowed:
            plugin.endpoints = [*plugin.endpoints, endpoint]
            plugin.save(update_fields=["endpoints"])

    # --- goods -----------------------------------------------------------------------------

    def goods(self, act: Act) -> None:
        product = self.products[act.more["item"]]
        if act.what == "receive":
            self.bring(product, act.more["pieces"])
            return
        with refusals():
            adjusting.adjust(product, self.house, by=act.more["by"], reason="recount", who="Robin")
            self.books.came[product.pk] += act.more["by"]

    def bring(self, product: Product, pieces: int) -> None:
        """Announced, and all of it came."""
        update = StockUpdate.objects.create(
            merchant=self.merchant, warehouse=self.house, reference="R", supplier="S", expected_on=timezone.localdate()
        )
        line = update.lines.create(product=product, expected=pieces)
        receiving.receive(update.pk, {line.pk: pieces}, "Robin")
        self.books.came[product.pk] += pieces

    # --- the warehouse ---------------------------------------------------------------------

    def work(self, *, is_last: bool = False) -> None:
        """One round of the staff through the desk: collect, answer, count, send. Some orders are picked short, once."""
        fresh = self._in_hand(self.orders(Status.NEW).filter(handover_asked_at__isnull=True))
        self._done("marked as collecting", desk.mark_collecting(fresh, "Robin"))
        at_hand = self.orders(Status.COLLECTING)
        if self.is_rash and self.number == LATE_PAYING and not is_last:
            self._regret(list(at_hand.filter(cancel_asked_at__isnull=True, cancel_answer="")[:AT_ONCE]))
        for order in self._in_hand(at_hand.filter(cancel_asked_at__isnull=False, cancel_answer="")):
            self._done(
                "answered",
                desk.answer(
                    [order], "Robin", is_agreed=order.pk % 3 > 0 or (self.is_rash and self.number == LATE_PAYING)
                ),
            )
        packing = PACKING * (2 if self.number == LATE_PAYING else 1)
        packed = at_hand if is_last else at_hand.filter(collected_at__lte=timezone.now() - packing)
        begun = self._in_hand(packed.prefetch_related("lines"))
        for order in begun:
            self._count(order, is_last=is_last)
        parcels = [(order, ParcelData("PostNord", "MyPack", f"T-{order.pk}")) for order in begun]
        self._done("shipped", desk.mark_shipped(parcels, "Robin"))

    def _in_hand(self, found: QuerySet[Order]) -> list[Order]:
        """As many as are taken at once, without those that are left to the desk's pages."""
        return [one for one in found[: 2 * AT_ONCE] if not self.is_for_page(one.pk)][:AT_ONCE]

    def is_for_page(self, pk: int) -> bool:
        return self.has_desk and pk % DESK_SHARE == 1  # none of those that are asked back

    @property
    def _short_one_in(self) -> int:
        if self.number != LATE_PAYING:
            return 23
        return PICKED_SHORT if self.is_rash else 6

    def _regret(self, begun: list[Order]) -> None:
        """Of what is not paid before it is sent, the merchant asks for many back: a shipment to be taken away each."""
        for order in begun:
            if order.pk % self.asked_back == 0:
                self.books.acts["asked back in time"] += 1
                with refusals():
                    moves.ask_to_cancel(order, "Kim")

    def _count(self, order: Order, *, is_last: bool) -> None:
        lines = list(order.lines.all())
        if any(line.found is not None and line.found < line.pieces for line in lines):
            self._decide_short(order, lines)
        elif (
            order.pk % self._short_one_in == 0
            and not is_last
            and all(line.found is None for line in lines)
            and lines[0].pieces
        ):
            with refusals():
                short.found(order, {lines[0].pk: lines[0].pieces - 1}, "Robin")
                if "short" not in order.facts:
                    self.books.lost[order.label] += 1
                self.books.acts["picked short"] += 1

    def _decide_short(self, order: Order, lines: list[Any]) -> None:
        """It is paid, so the merchant says: send what is there; or wait, and the staff find the rest."""
        missing = sum(line.pieces - line.found for line in lines if line.found is not None)
        with refusals():
            if order.pk % 2 and any(line.found for line in lines):
                short.send(order, "Kim")
                self.books.lost[order.label] += missing
            else:
                short.found(order, {}, "Robin")

    def _done(self, what: str, outcome: desk.Outcome) -> None:
        self.books.acts[what] += len(outcome.done)

    # --- quiet -----------------------------------------------------------------------------

    def lift_faults(self) -> None:
        self.shop.faults.update(times=0)
        self.open_doors()

    def open_doors(self) -> None:
        """The key and all its permissions are as at the beginning."""
        plugin = PluginMethod.objects.get(pk=self.plugin.pk)
        plugin.secret, plugin.endpoints = SECRET, self.plugin.endpoints
        plugin.save(update_fields=["secret", "endpoints"])

    def clear_up(self) -> None:
        """What only people can do, in the shop and at the merchant's; some orders stay on hold, as planned."""
        self.shop_orders().filter(capture_fails=True).update(capture_fails=False)
        open_ones = self.shop_orders().exclude(pk__in=self._held_for_ever())
        self._each(open_ones.filter(is_on_hold=True), ShopOrder.resume)
        self._each(open_ones.filter(status=ShopOrder.Status.PENDING), ShopOrder.confirm)
        brake.approve(self.integration, timezone.now())
        mine = self.orders()
        self._each(mine.filter(offered__isnull=False, status__in=OPEN), lambda one: differences.accept(one, "Kim"))
        self._each(mine.filter(status=Status.DRAFT), lambda one: moves.save_as_new(one, "Kim"))
        on_purpose = mine.filter(status=Status.RESERVED, holds__isnull=True)
        self._each(on_purpose, lambda one: moves.save_as_new(one, "Kim"))
        refused = mine.filter(status=Status.RESERVED) | mine.filter(status=Status.SHIPPED, told_at__isnull=True)
        self._mend_shipments()
        self._make_missing_shipments()
        self._each(refused, self._try_again)
        self._each(mine.filter(needs_refund=True), lambda one: moves.refunded(one, "Kim"))
        self.cover()
        self.work(is_last=True)

    def _mend_shipments(self) -> None:
        """As the reason says: the shop's people delete the shipment that has other pieces."""
        held = self.orders(Status.RESERVED).filter(holds__cause=Cause.SEVERAL)
        for number in set(held.values_list("number", flat=True)):
            for there in ShopOrder.objects.filter(number=number):
                with refusals():
                    self._delete_shipment(there)

    def _make_missing_shipments(self) -> None:
        """As the reason says: the shop's people make the shipment that they deleted, unless they cancelled it all."""
        untold = self.orders(Status.SHIPPED).filter(told_at__isnull=True, shipment__isnull=False).exclude(tell_error="")
        for order in untold.select_related("shipment"):
            there = ShopOrder.objects.filter(number=order.number).first()
            if there is None or order.shipment is None or there.shipments.filter(shipped_at=None).exists():
                continue
            if there.status == ShopOrder.Status.CANCELLED:
                # Nobody makes a shipment of that any more; the merchant says so on the order's page.
                with refusals():
                    self._leave(order)
                continue
            pieces = {int(line): count for line, count in order.shipment.pieces.items()}
            with refusals():
                there.create_shipment(pieces, good_to_go=True, capture=False)

    def _try_again(self, order: Order) -> None:
        """Not for ever: what the shop goes on refusing waits with its reason."""
        if self.tried[order.pk] < PATIENCE:
            handover.try_capture_again(order, "Kim")
            self.tried[order.pk] += 1

    def _held_for_ever(self) -> set[int]:
        """As planned, but for those that were on their way before they were held."""
        of_shop = Order.objects.filter(merchant=self.merchant, shop=self.integration.shop)
        on_the_way = set(of_shop.exclude(status=Status.RESERVED).values_list("number", flat=True))
        held = self.shop_orders().filter(pk__in=self.stays_held).values_list("pk", "number")
        return {pk for pk, number in held if str(number) not in on_the_way}

    def cover(self) -> None:
        """Goods for everybody who still waits for some."""
        for stock in self.stocks().filter(warehouse=self.house).select_related("product"):
            if stock.owed:
                self.bring(stock.product, stock.owed)

    @staticmethod
    def _each(found: Iterable[Any], do: Callable[[Any], Any]) -> None:
        for one in list(found):
            with refusals():
                do(one)

    def picture(self) -> Any:
        """What must not change any more, on both sides. What the shop is told of stock is told again and again."""
        columns = ("pk", "status", "told_at", "handover_asked_at", "is_shown", "shipment__external_id")
        return (
            list(self.orders().values_list(*columns)),
            list(self.stocks().values_list("on_hand", "reserved")),
            list(Size.objects.filter(shop=self.shop, allocated__gt=0).order_by("pk").values_list("pk", "allocated")),
            list(self.shop_orders().values_list("number", "status", "captured", "is_on_hold")),
        )

    def nightfall(self) -> None:
        """The shop's stock is read back, as in every night."""
        if "read_back_at" in self.integration.state("stock").remembers:
            self.remember("stock", read_back_at=LONG_AGO)

    def initially(self) -> dict[int, int]:
        """Pieces on hand at the beginning, by product."""
        return {product.pk: ON_HAND for product in self.products}


def build(port: int, *, on_hand: int = ON_HAND, further: int = FURTHER) -> list[Town]:
    """The shops, each on a host of its own: two of them of one merchant, who sells the same products in both."""
    towns: list[Town] = []
    for number in range(SHOPS):
        wishes = Wishes(items=ITEMS, on_hand=on_hand)
        if number == LATE_PAYING:
            wishes = Wishes(items=ITEMS, on_hand=on_hand, captures="sent", splits_pending=True)
        beside = towns[0] if number == SHOPS - 1 else None
        town = Town(f"http://127.0.0.{11 + number}:{port}", wishes, beside, number=number)
        if beside:
            town.books = beside.books
        towns.append(town)
    _make_different(towns, further)
    return towns


def _make_different(towns: list[Town], further: int) -> None:
    direct = towns[ADOPTING].shop.retail
    direct.ships_directly = True
    direct.save(update_fields=["ships_directly"])
    if further:
        catalogue.many(towns[0].shop, further)
    for name, answer in (("order_status", "name"), ("price", "string"), ("next_repeats_filters", False)):
        towns[-1].shop.set_switch(name, answer)


def buyer(number: int) -> dict[str, str]:
    """Another person for each purchase, so that a parcel that goes to somebody else is seen."""
    name = {"name": f"Kim Berg {number}", "email": f"kim.{number}@example.com", "address": f"Strandgatan {number}"}
    return {**SOMEBODY, **name, "country": "SE"}


def merchants(towns: list[Town]) -> list[Town]:
    """One town for each merchant, for what is done once for all its shops."""
    return [town for town in towns if town.beside is None]


def note_held(towns: list[Town], plan: Plan) -> None:
    """Orders that the plan holds and never resumes stay on hold, so that the report has some that wait."""
    acts = plan.of("shop")
    resumed = {act.order for act in acts if act.what == "resume"}
    for act in acts:
        town = towns[act.shop]
        if act.what == "hold" and act.order not in resumed and act.order in town.orders_of:
            town.stays_held.add(town.orders_of[act.order])


def on_hand_now(town: Town) -> dict[int, int]:
    stocks = Stock.objects.filter(product__merchant=town.merchant, warehouse=town.house)
    return dict(stocks.values_list("product_id", "on_hand"))
