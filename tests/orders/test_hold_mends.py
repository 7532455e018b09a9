"""Each reason to wait, as a merchant meets it: its sentence, the link beside it, the mend there; then it goes on.

After the mend nobody touches the order: it is freed by what the timetable runs, once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from orders import deciding, moves, short, tasks
from orders.forms import OrderForm, version
from orders.models import Cause, Event, Hold, Order, OrderProcessing, Status
from orders.orderpage import Reason
from products import create, creating
from products.models import Movement, Product, Reservation, Stock, WebshopProduct
from sandbox.models import Order as ShopOrder
from sandbox.models import Shipment as ShopShipment
from sandbox.models import Size, Wanted
from shipping.models import MerchantMethod
from tests import factories
from tests.conftest import Centra
from tests.integrations import filled
from tests.orders.shop import Goods, active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class World:
    """A merchant at the pages, the shop beside it, and the timetable."""

    centra: Centra
    browser: Client
    sweater: Goods

    @property
    def key(self) -> int:
        return self.centra.integration.merchant_id

    @property
    def integration(self) -> Integration:
        return Integration.objects.get(pk=self.centra.integration.pk)

    def buy(self, *, confirm: bool = True, **fields: Any) -> ShopOrder:
        """One sweater, read."""
        placed = buy(self.centra, {self.sweater.size: 1}, confirm=confirm, **fields)
        look(self.centra)
        return placed

    def reasons(self, order: Order) -> list[Reason]:
        return list(self.open(order.get_absolute_url()).context["reasons"])

    def open(self, address: str) -> Any:
        """The page, which is there, with the place on it that the address names."""
        page, _hash, place = address.partition("#")
        answer = self.browser.get(page)
        assert answer.status_code == 200, address
        assert not place or f'id="{place}"' in answer.content.decode(), address
        return answer

    def press(self, address: str, /, **fields: Any) -> Any:
        answer = self.browser.post(address, fields)
        assert answer.status_code == 302, address
        return answer

    def act(self, order: Order, act: str) -> None:
        self.press(reverse("orders:act", args=[self.key, order.pk]), act=act)

    def edit(self, order: Order, **changed: Any) -> None:
        """*Edit*, then Save."""
        form = OrderForm(instance=order)
        shown = {name: form[name].value() or "" for name in form.fields}
        self.press(reverse("orders:edit", args=[self.key, order.pk]), **{**shown, "version": version(order), **changed})

    def set(self, **changed: Any) -> None:
        """The integration's form, saved."""
        connection = {"base_url": self.integration.base_url, "secret": "", "sends_tracking": "on"}
        house = {"warehouse": self.integration.warehouse_id}
        form = filled.form(self.integration.merchant, **{**connection, **house, **changed})
        self.press(reverse("integrations:edit", args=[self.key, self.integration.pk]), **form)

    def wish(self, **fields: Any) -> None:
        """Edit Merchant → Order processing, saved."""
        self.press(reverse("orders:processing", args=[self.key]), **{"customisation": "forward", **fields})

    def shows_what_waits(self) -> None:
        """The plugin shows also orders on hold, or waiting for their payment."""
        self.centra.plugin.shows_held = self.centra.plugin.shows_waiting = True
        self.centra.plugin.save()

    def look_again(self) -> None:
        """*Look again now*."""
        self.press(reverse("integrations:pipe", args=[self.key, self.integration.pk, "intake"]), act="look")
        look(self.centra)

    def create(self, **fields: Any) -> None:
        """*Create product*."""
        self.press(reverse("products:apply", args=[self.key]), shop=self.integration.pk, act="create", **fields)
        creating.work(self.integration.pk)

    def refresh(self) -> None:
        self.press(reverse("products:refresh", args=[self.key]), shop=self.integration.pk)
        look(self.centra, "refresh")

    def time_goes_on(self) -> None:
        """What the timetable runs."""
        Order.objects.filter(wait_until__isnull=False).update(wait_until=None)
        sweep(self.centra)
        look(self.centra, "hand-over")
        tasks.decide()
        tasks.follow_links()

    def picture(self) -> Any:
        """All that a second round of the timetable must leave as it is."""
        looked_at = {"seen_in", "shown_at", "changed_at", "decided_at", "wait_until", "is_unsettled", "facts"}
        tables: list[Any] = [Order, Hold, Event, Stock, Movement, Reservation, ShopOrder, ShopShipment]
        columns = {table: [f.attname for f in table._meta.fields if f.attname not in looked_at] for table in tables}
        return {table: list(table.objects.order_by("pk").values(*columns[table])) for table in tables}


@pytest.fixture
def world(centra: Centra) -> World:
    user = factories.user(name="Kim Berg")
    centra.integration.merchant.link(user)
    browser = Client()
    browser.force_login(user)
    active_method(centra)
    return World(centra, browser, goods(centra))


Scene = Iterator[tuple[ShopOrder, Cause, str, str]]


# --- SKU -------------------------------------------------------------------------------------


def other(world: World, **fields: Any) -> ShopOrder:
    """An order for an item that is no product here; not read yet."""
    size = world.centra.shop.add_size("FG9", "-NVY", "-M", name="Cap", stock=9, **fields)
    return buy(world.centra, {size: 1})


def covered(world: World) -> None:
    """The new product has come to the warehouse."""
    factories.stock(Product.objects.get(sku="FG9-NVY-M"), world.integration.warehouse, 5)


def new_in_the_shop(world: World) -> Scene:
    placed = other(world)
    world.refresh()
    look(world.centra)
    yield placed, Cause.UNKNOWN_SKU, "SKU FG9-NVY-M is linked to no product. Create product on", "Sync webshop products"
    world.create(chosen=WebshopProduct.objects.get(sku="FG9-NVY-M").pk)
    covered(world)


def made_by_hand_and_not_linked(world: World) -> Scene:
    placed = other(world)
    world.refresh()
    world.press(reverse("products:new", args=[world.key]), sku="FG9-NVY-M", name="Cap")
    covered(world)
    look(world.centra)
    yield placed, Cause.UNKNOWN_SKU, "SKU FG9-NVY-M is linked to no product.", "Sync webshop products"
    world.create(chosen=WebshopProduct.objects.get(sku="FG9-NVY-M").pk)


def not_in_the_catalogue(world: World) -> Scene:
    placed = other(world)
    look(world.centra)
    yield placed, Cause.UNKNOWN_SKU, "the shop’s catalogue does not show it. Press Refresh.", "Sync webshop products"
    world.refresh()
    world.create(chosen=WebshopProduct.objects.get(sku="FG9-NVY-M").pk)
    covered(world)


def ignored(world: World) -> Scene:
    placed = other(world)
    world.refresh()
    item = WebshopProduct.objects.get(sku="FG9-NVY-M")
    world.press(reverse("products:apply", args=[world.key]), shop=world.integration.pk, act="ignore", chosen=item.pk)
    look(world.centra)
    yield placed, Cause.UNKNOWN_SKU, "SKU FG9-NVY-M is ignored on", "Sync webshop products"
    world.press(reverse("products:apply", args=[world.key]), shop=world.integration.pk, act=f"unignore {item.pk}")
    world.create(chosen=item.pk)
    covered(world)


def with_a_problem(world: World) -> Scene:
    placed = other(world, ean="4006381333932")
    world.refresh()
    look(world.centra)
    yield (
        placed,
        Cause.UNKNOWN_SKU,
        "its item has a problem, see Sync webshop products.",
        "Sync webshop products",
    )
    placed.lines.get().size.change(ean="")  # type: ignore[union-attr]
    world.refresh()
    world.create(chosen=WebshopProduct.objects.get(sku="FG9-NVY-M").pk)
    covered(world)


def gone_from_the_shop(world: World) -> Scene:
    placed = other(world)
    world.refresh()
    placed.lines.get().size.delete()  # type: ignore[union-attr]
    for _pass in range(2):
        world.refresh()
    look(world.centra)
    yield placed, Cause.UNKNOWN_SKU, "gone from the shop. Make a product with this SKU.", "New product"
    world.press(reverse("products:new", args=[world.key]), sku="FG9-NVY-M", name="Cap")
    covered(world)


def sku_and_ean_differ(world: World) -> Scene:
    cap = goods(world.centra, sku="FG2", ean="4006381333931")
    placed = buy(world.centra, {world.sweater.size: 1})
    placed.lines.update(ean="4006381333931")
    look(world.centra)
    yield placed, Cause.AMBIGUOUS_ITEM, "SKU FG1-NVY-M and its EAN name different items", "Sync webshop products"
    cap.size.change(ean="4006381333948")
    world.refresh()


# --- shipping ----------------------------------------------------------------------------------


def word_not_linked(world: World) -> Scene:
    active_method(world.centra, "Varubrev")
    placed = world.buy(shipping="express")
    yield placed, Cause.METHOD, "The shop’s “express” is not linked to an active shipping method.", "Link it"
    address = reverse("orders:link", args=[world.key, world.integration.pk])
    method = MerchantMethod.objects.get(method__service="Varubrev").pk
    seen = world.browser.post(address, {"value": "express", "method": method}).context["seal"]
    world.press(address, value="express", method=method, act="save", seen=seen)


def no_word_and_two_methods(world: World) -> Scene:
    varubrev = active_method(world.centra, "Varubrev")
    placed = world.buy(shipping="")
    yield placed, Cause.METHOD, "No shipping method is chosen.", "Edit the order"
    world.edit(ours(placed), method=varubrev.pk)


def pickup_point_missing(world: World) -> Scene:
    world.integration.warehouse.shipping_methods.update(needs_pickup_point=True)
    placed = world.buy()
    yield placed, Cause.PICKUP_POINT, "needs a pick-up point", "Edit the order"
    world.edit(ours(placed), pickup_point="SE-4711")


# --- the receiver ------------------------------------------------------------------------------

LACKING = {"name": "Kim Berg", "address": "Strandgatan 9", "zipcode": "41101", "country": "SE", "cell": "+46700000001"}


def address_incomplete(world: World) -> Scene:
    placed = world.buy(delivery=LACKING)
    yield placed, Cause.ADDRESS, "The address is incomplete: city missing.", "Edit the order"
    world.edit(ours(placed), city="Göteborg")


def phone_missing(world: World) -> Scene:
    world.integration.warehouse.shipping_methods.update(needs_phone=True)
    placed = world.buy(delivery={**LACKING, "city": "Göteborg", "cell": ""})
    yield placed, Cause.PHONE, "needs a phone number; the order has none.", "Edit the order"
    world.edit(ours(placed), phone="+46700000009")


def phone_not_wanted(world: World) -> Scene:
    world.integration.warehouse.shipping_methods.update(needs_phone=True)
    placed = world.buy(delivery={**LACKING, "city": "Göteborg", "cell": ""})
    yield placed, Cause.PHONE, "needs a phone number; the order has none.", "Edit the order"
    world.wish(sends_without_phone="on")


def customs_of_the_shop_s_product(world: World) -> Scene:
    """The product’s page says that the shop keeps it; mended there, the next refresh brings it."""
    placed = world.buy(country="NO")
    yield placed, Cause.CUSTOMS, "HS code, origin missing for FG1-NVY-M.", "Open the product"
    world.sweater.size.variant.product.change(country="PT", hs_code="61101190")
    world.refresh()


def customisation(world: World) -> Scene:
    OrderProcessing.objects.create(merchant_id=world.key, customisation="stop")
    placed = buy(world.centra, [Wanted(world.sweater.size, 1, comment="K.B.")])  # type: ignore[arg-type]
    look(world.centra)
    yield placed, Cause.CUSTOMISATION, "Customisation is asked for: “K.B.”", "Edit the order"
    world.edit(ours(placed), customisation="")


def customisation_forwarded(world: World) -> Scene:
    OrderProcessing.objects.create(merchant_id=world.key, customisation="stop")
    placed = buy(world.centra, [Wanted(world.sweater.size, 1, comment="K.B.")])  # type: ignore[arg-type]
    look(world.centra)
    yield placed, Cause.CUSTOMISATION, "Customisation is asked for: “K.B.”", "Edit the order"
    world.wish(customisation="forward")


# --- the shop ----------------------------------------------------------------------------------


def on_hold(world: World) -> Scene:
    world.shows_what_waits()
    placed = world.buy()
    placed.hold()
    sweep(world.centra)
    yield placed, Cause.SHOP_HOLD, "On hold in the shop.", "Look again now"
    placed.resume()


def not_shown(world: World) -> Scene:
    placed = world.buy()
    placed.hold()
    sweep(world.centra)
    yield placed, Cause.NOT_SHOWN, "it was cancelled there or put on hold", "Look again now"
    placed.resume()
    world.look_again()


def suspect(world: World) -> Scene:
    placed = buy(world.centra, {world.sweater.size: 1}, is_suspect=True)
    look(world.centra)
    yield placed, Cause.SUSPECT, "The shop suspects fraud.", "Look again now"
    placed.change_flags(is_suspect=False)


def not_confirmed(world: World) -> Scene:
    placed = world.buy(confirm=False)
    yield placed, Cause.NOT_CONFIRMED, "Not confirmed in the shop yet.", "Which orders are taken"
    placed.confirm()


def pending_is_taken(world: World) -> Scene:
    placed = world.buy(confirm=False)
    yield placed, Cause.NOT_CONFIRMED, "Not confirmed in the shop yet.", "Which orders are taken"
    world.set(takes_pending="on")


def waits_for_payment(world: World) -> Scene:
    world.shows_what_waits()
    placed = world.buy(waits_for_payment=True)
    yield placed, Cause.PAYMENT, "The shop waits for the payment.", "Look again now"
    placed.change_flags(waits_for_payment=False)


def changed(world: World, act: str) -> Scene:
    placed = world.buy()
    placed.delivery = {**placed.delivery, "city": "Malmö"}
    placed.save()
    sweep(world.centra)
    yield placed, Cause.CHANGED, "accept or refuse the difference", "See the difference"
    world.act(ours(placed), act)


def changed_and_accepted(world: World) -> Scene:
    yield from changed(world, "accept")


def changed_and_refused(world: World) -> Scene:
    yield from changed(world, "refuse")


def pieces_taken_off(world: World) -> Scene:
    placed = buy(world.centra, {world.sweater.size: 3})
    look(world.centra)
    placed.cancel_pieces(placed.lines.get(), 1)
    sweep(world.centra)
    yield placed, Cause.CHANGED, "accept or refuse the difference", "See the difference"
    world.act(ours(placed), "accept")


def pieces_taken_off_and_refused(world: World) -> Scene:
    placed = buy(world.centra, {world.sweater.size: 3})
    look(world.centra)
    placed.cancel_pieces(placed.lines.get(), 1)
    sweep(world.centra)
    world.act(ours(placed), "refuse")
    yield placed, Cause.CHANGED, "The shop has taken some of its pieces off the order.", "Edit the order"
    world.edit(ours(placed), **rows(ours(placed), 2))


def some_pieces_sent(world: World) -> Scene:
    placed = buy(world.centra, {world.sweater.size: 3})
    look(world.centra)
    placed.create_shipment({placed.lines.get().pk: 1}, good_to_go=True).complete()
    sweep(world.centra)
    yield placed, Cause.SENT, "The shop has sent some of its pieces itself.", "Edit the order"
    world.edit(ours(placed), **rows(ours(placed), 2))


def rows(order: Order, pieces: int) -> dict[str, Any]:
    """Its one line in the form, with so many pieces."""
    line = order.lines.get()
    return {"line": [line.pk], "sku": [line.sku], "pieces": [pieces], "price": [line.price or ""]}


def several_shipments(world: World) -> Scene:
    placed = buy(world.centra, {world.sweater.size: 2})
    line = placed.lines.get().pk
    made = [placed.create_shipment({line: 1}, capture=False, always=True) for _each in range(2)]
    look(world.centra)
    yield placed, Cause.SEVERAL, "The shop has 2 open shipments of this order", "Try again"
    made[1].remove()


def unreadable(world: World) -> Scene:
    world.centra.shop.break_endpoint("GET orders", "unreadable_row", times=None)
    placed = world.buy()
    yield placed, Cause.UNREADABLE, "It could not be read:", "Look again now"
    world.centra.shop.faults.all().delete()


def another_warehouse_of_the_shop(world: World) -> Scene:
    for place in ("Main", "Store"):
        placed = buy(world.centra, [Wanted(world.sweater.size, 1, warehouses={place: 1})])  # type: ignore[arg-type]
        look(world.centra)
    yield placed, Cause.WAREHOUSES, "Choose which of the shop’s warehouses are ours.", "Open the settings"
    world.set(warehouses_ours=["Main", "Store"])


# --- what handing over finds: mended, and marked as collecting again where the button does not do so itself ----------


def handed(world: World, **fields: Any) -> ShopOrder:
    placed = world.buy(**fields)
    moves.ask_to_hand_over(ours(placed), "Staff")
    look(world.centra, "hand-over")
    return placed


def payment_refused(world: World) -> Scene:
    placed = handed(world, capture_fails=True)
    yield placed, Cause.CAPTURE, "Payment refused: do not ship.", "Try capture again"
    placed.change_flags(capture_fails=False)
    world.act(ours(placed), "capture")


def payment_shown_in_the_shop(world: World) -> Scene:
    placed = world.buy(capture_fails=True)
    made = placed.create_shipment(good_to_go=True, capture=False)
    moves.ask_to_hand_over(ours(placed), "Staff")
    look(world.centra, "hand-over")
    yield placed, Cause.CAPTURE, "Payment refused: do not ship.", "Try capture again"
    made.mark_paid()


def some_pieces_sent_meanwhile(world: World) -> Scene:
    """Found by the hand-over itself, before a poll has read it."""
    placed = buy(world.centra, {world.sweater.size: 3})
    look(world.centra)
    moves.ask_to_hand_over(ours(placed), "Staff")
    placed.create_shipment({placed.lines.get().pk: 1}, good_to_go=True).complete()
    look(world.centra, "hand-over")
    assert ours(placed).events.filter(text__contains="The shop has sent pieces of it itself.").exists()
    world.time_goes_on()
    yield placed, Cause.SENT, "The shop has sent some of its pieces itself.", "Edit the order"
    world.edit(ours(placed), **rows(ours(placed), 2))


def other_pieces_in_its_shipment(world: World) -> Scene:
    """Made equal in the shop, which no listing tells."""
    placed = buy(world.centra, {world.sweater.size: 2})
    line = placed.lines.get().pk
    made = placed.create_shipment({line: 1}, capture=False, always=True)
    look(world.centra)
    moves.ask_to_hand_over(ours(placed), "Staff")
    look(world.centra, "hand-over")
    yield placed, Cause.SEVERAL, "has other pieces than this order. Make them equal", "Try again"
    made.change({line: 2})


def other_pieces_and_edited(world: World) -> Scene:
    """Made equal here."""
    placed = buy(world.centra, {world.sweater.size: 2})
    placed.create_shipment({placed.lines.get().pk: 1}, capture=False, always=True)
    look(world.centra)
    moves.ask_to_hand_over(ours(placed), "Staff")
    look(world.centra, "hand-over")
    yield placed, Cause.SEVERAL, "has other pieces than this order. Make them equal", "Try again"
    world.edit(ours(placed), **rows(ours(placed), 1))


def paid_elsewhere(world: World) -> Scene:
    placed = handed(world, is_paid_externally=True)
    yield placed, Cause.PAID_ELSEWHERE, "Switch on “payment is taken outside Centra”", "Open the settings"
    world.set(is_paid_elsewhere="on")


def shipment_refused(world: World) -> Scene:
    world.centra.shop.break_endpoint("POST shipments", "refused", msg="out of labels")
    placed = handed(world)
    yield placed, Cause.REFUSED, "out of labels", "Try again"
    world.act(ours(placed), "capture")


SCENES: list[Callable[[World], Scene]] = [
    new_in_the_shop, made_by_hand_and_not_linked, some_pieces_sent_meanwhile, other_pieces_in_its_shipment,
    other_pieces_and_edited, not_in_the_catalogue, ignored, with_a_problem, gone_from_the_shop, sku_and_ean_differ,
    word_not_linked, no_word_and_two_methods, pickup_point_missing, address_incomplete, phone_missing,
    phone_not_wanted, customs_of_the_shop_s_product, customisation, customisation_forwarded, on_hold, not_shown,
    suspect, not_confirmed, pending_is_taken, waits_for_payment, changed_and_accepted, changed_and_refused,
    pieces_taken_off, pieces_taken_off_and_refused, some_pieces_sent, several_shipments, unreadable,
    another_warehouse_of_the_shop, payment_refused, payment_shown_in_the_shop, paid_elsewhere, shipment_refused,
]  # fmt: skip


@pytest.mark.parametrize("scene", SCENES)
def test_following_the_link_and_mending_there_lets_the_order_go_on_by_itself(
    world: World, scene: Callable[[World], Scene]
) -> None:
    play = scene(world)
    placed, cause, sentence, words = next(play)
    order = ours(placed)
    assert order.status == Status.RESERVED
    (reason,) = world.reasons(order)
    assert (reason.hold.cause, sentence in reason.hold.text) == (cause, True), reason.hold.text
    assert reason.mend is not None
    assert reason.mend.words == words
    if reason.mend.url:
        page, hash_, place = reason.mend.url.partition("#")
        world.open(reason.mend.url if page else f"{order.get_absolute_url()}{hash_}{place}")
    world.time_goes_on()
    assert [hold.cause for hold in order.holds.all()] == [cause], "not before it is mended"

    assert next(play, None) is None
    world.time_goes_on()
    world.time_goes_on()
    assert ours(placed).status in (Status.NEW, Status.COLLECTING)
    assert not order.holds.exists()
    assert order.events.filter(text__startswith="Freed").count() == 1
    before = world.picture()
    world.time_goes_on()
    assert world.picture() == before


@pytest.mark.parametrize("is_marked", [False, True])
def test_try_again_hands_over_only_what_staff_had_marked(world: World, is_marked: bool) -> None:
    placed = buy(world.centra, {world.sweater.size: 2})
    line = placed.lines.get().pk
    made = [placed.create_shipment({line: 1}, capture=False, always=True) for _each in range(1 if is_marked else 2)]
    look(world.centra)
    if is_marked:
        moves.ask_to_hand_over(ours(placed), "Staff")
        look(world.centra, "hand-over")
    assert [hold.cause for hold in ours(placed).holds.all()] == [Cause.SEVERAL]
    for one in made[1:]:
        one.remove()
    made[0].change({line: 2})
    world.act(ours(placed), "capture")
    for _twice in range(2):
        world.time_goes_on()
    order = ours(placed)
    asked_by = order.events.filter(text__startswith="Marked as collecting").values_list("who", flat=True)
    if is_marked:
        assert (order.status, order.handover_asked_by, set(asked_by)) == (Status.COLLECTING, "Staff", {"Staff"})
        assert placed.shipments.get().captures == 1
    else:
        assert (order.status, order.handover_asked_at, list(asked_by)) == (Status.NEW, None, [])
        assert placed.shipments.get().captures == 0
        assert Stock.objects.get().on_hand == 10


def test_what_waits_for_an_answer_does_not_say_that_it_goes(world: World) -> None:
    placed = buy(world.centra, {world.sweater.size: 2})
    look(world.centra)
    placed.cancel_pieces(placed.lines.get(), 1)
    sweep(world.centra)
    text = world.open(ours(placed).get_absolute_url()).content.decode()
    assert ours(placed).status == Status.RESERVED
    assert "It waits until you accept or refuse." in text
    assert "it goes as it was" not in text


def test_what_the_warehouse_never_had_says_so_when_it_is_cancelled(world: World) -> None:
    placed = world.buy()
    moves.ask_to_hand_over(ours(placed), "Staff")
    moves.cancel(ours(placed), "Kim Berg")
    look(world.centra, "hand-over")
    text = world.open(ours(placed).get_absolute_url()).content.decode()
    assert (ours(placed).status, placed.shipments.count()) == (Status.CANCELLED, 0)
    assert "Cancelled before the warehouse had it" in text
    assert "agreed to cancel" not in text


@pytest.mark.parametrize(("found", "on_hand"), [(0, 7), (2, 9)])
def test_only_pieces_that_went_back_are_said_to_be_on_the_shelf(world: World, found: int, on_hand: int) -> None:
    placed = buy(world.centra, {world.sweater.size: 3})
    look(world.centra)
    moves.ask_to_hand_over(ours(placed), "Staff")
    look(world.centra, "hand-over")
    short.found(ours(placed), {ours(placed).lines.get().pk: found}, "Staff")
    moves.ask_to_cancel(ours(placed), "Kim Berg")
    moves.answer_cancellation(ours(placed), "Staff", is_agreed=True)
    text = world.open(ours(placed).get_absolute_url()).content.decode()
    assert (ours(placed).status, Stock.objects.get().on_hand) == (Status.CANCELLED, on_hand)
    assert "The warehouse agreed to cancel" in text
    assert ("2 pieces are back on the shelf" in text) is bool(found)
    assert "The pieces are back on the shelf" not in text


def all_of_it_sent(world: World) -> Scene:
    placed = world.buy()
    placed.create_shipment(good_to_go=True).complete()
    sweep(world.centra)
    yield placed, Cause.SENT, "nothing is open there. Cancel it here.", "Cancel the order"


def all_of_it_taken_off(world: World) -> Scene:
    placed = world.buy()
    placed.cancel_pieces(placed.lines.get(), 1)
    sweep(world.centra)
    world.act(ours(placed), "refuse")
    yield placed, Cause.CHANGED, "The shop has taken its pieces off the order. Cancel it here.", "Cancel the order"


def cancelled_in_the_shop(world: World) -> Scene:
    world.centra.plugin.order_statuses = [0, 1, 2, 3, 4, 5, 6]
    world.centra.plugin.save()
    world.set(cancels_with_shop="")
    placed = world.buy()
    placed.cancel()
    sweep(world.centra)
    yield placed, Cause.CHANGED, "it is not cancelled here by itself.", "Cancel the order"


@pytest.mark.parametrize("scene", [all_of_it_sent, all_of_it_taken_off, cancelled_in_the_shop])
def test_what_has_nothing_left_to_send_is_cancelled_from_its_page(
    world: World, scene: Callable[[World], Scene]
) -> None:
    placed, cause, sentence, words = next(scene(world))
    order = ours(placed)
    (reason,) = world.reasons(order)
    assert (reason.hold.cause, sentence in reason.hold.text) == (cause, True), reason.hold.text
    assert reason.mend is not None
    assert reason.mend.words == words
    world.open(f"{order.get_absolute_url()}{reason.mend.url}")
    world.press(reverse("orders:set_status", args=[world.key, order.pk]), status="cancelled", seen="reserved")
    before = world.picture()
    assert ours(placed).status == Status.CANCELLED
    assert Stock.objects.get().reserved == 0
    for _twice in range(2):
        world.time_goes_on()
    assert world.picture() == before


# --- the shop renames what is ordered ----------------------------------------------------------


@pytest.mark.parametrize("choice", [create.relink, create.keep_link])
def test_orders_under_the_sku_that_an_item_had_go_on_as_its_product(
    centra: Centra, choice: Callable[[WebshopProduct], object]
) -> None:
    """A shop's order keeps the SKU that it was placed with; no refresh shows that one again."""
    active_method(centra)
    one = goods(centra, ean="")
    here, late = buy(centra, {one.size: 3}), buy(centra, {one.size: 2}, confirm=False)
    look(centra)
    Size.objects.filter(pk=one.size.pk).update(sku="-XL")
    look(centra, "refresh", ask=True)
    choice(WebshopProduct.objects.get(sku="FG1-NVY-XL"))
    late.confirm()
    sweep(centra)
    deciding.decide_again([ours(here).pk])
    for placed, pieces in ((here, 3), (late, 2)):
        order = ours(placed)
        assert (order.status, [hold.text for hold in order.holds.all()]) == (Status.NEW, [])
        assert order.lines.get().product == one.product
        assert Reservation.objects.get(reference=order.reservation_key).held == pieces
    Size.objects.filter(pk=one.size.pk).update(sku="-S")
    one.size.refresh_from_db()
    fresh = buy(centra, {one.size: 1})
    sweep(centra)
    assert "SKU FG1-NVY-S is linked to no product" in ours(fresh).holds.get().text
