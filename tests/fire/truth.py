"""Lost, doubled, wrong: what is so at the end, on both sides, and in the people's own books. All zero, or it is named.

Reads rows only, so that it may be asked of any state, also one that a test has broken on purpose.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Count, F, Sum

from orders.models import Event, Order, OrderLine, SeenOrder, Status, Verdict
from products.models import Movement, Reservation, Stock
from sandbox.models import Order as ShopOrder
from sandbox.models import OrderLine as ShopLine
from sandbox.models import Shipment as ShopShipment
from sandbox.models import Size
from sandbox.models.shipment import ShipmentLine
from tests.fire.town import Town, merchants, on_hand_now
from tests.orders import machine_truths as truths

LEFT = (Status.COLLECTING, Status.SHIPPED)  # their pieces are off the shelf


@dataclass
class Findings:
    """One sentence for each order, shipment or figure that is not as it must be."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return len(self.lost) + len(self.doubled) + len(self.wrong)

    def rows(self) -> list[tuple[str, list[str]]]:
        return [("lost", self.lost), ("doubled", self.doubled), ("wrong", self.wrong)]


def look(towns: list[Town]) -> Findings:
    """Everything, of every shop."""
    found = Findings()
    for town in towns:
        here = f"shop {town.number}: "
        found.lost += [here + what for what in (*lost_orders(town), *stuck_orders(town))]
        found.doubled += [here + what for what in (*doubled_orders(town), *doubled_shipments(town))]
        found.wrong += [here + what for what in (*wrong_figures(town), *wrong_ends(town), *wrong_items(town))]
        found.wrong += [here + what for what in wrong_contents(town)]
        found.wrong += [here + what for what in by_machine(town)]
    for town in merchants(towns):
        found.wrong += [f"merchant of shop {town.number}: {what}" for what in wrong_books(town)]
    return found


# --- lost ----------------------------------------------------------------------------------


def lost_orders(town: Town) -> Iterator[str]:
    """Bought, and neither here nor left for a reason that stands in the ledger; or here, and never bought.

    No reason is good enough while the shop waits for its pieces.
    """
    mine = Order.objects.filter(merchant=town.merchant, shop=town.integration.shop)
    here = set(mine.filter(part=0).values_list("number", flat=True))
    seen = SeenOrder.objects.filter(integration=town.integration, verdict=Verdict.SKIPPED).exclude(reason="")
    left = set(seen.values_list("number", flat=True))
    shown = town.shop_orders().filter(town.plugin.visible, status__in=town.plugin.order_statuses)
    for there in shown:
        number = str(there.number)
        if number not in here and number not in left:
            yield f"order {number} is neither here nor skipped"
        elif number not in here and truths.is_open_there(there):
            yield f"order {number} was skipped, and is open in the shop"
    bought = {str(number) for number in town.shop_orders().values_list("number", flat=True)}
    yield from (f"order {number} is here, and the shop never had it" for number in sorted(here - bought))


def stuck_orders(town: Town) -> Iterator[str]:
    """Here, and neither sent nor cancelled nor waiting for a reason that a person can read."""
    mine = Order.objects.filter(merchant=town.merchant, shop=town.integration.shop)
    going = mine.exclude(status__in=[Status.SHIPPED, Status.CANCELLED]).annotate(reasons=Count("holds"))
    for order in going.filter(reasons=0):
        yield f"order {order.label} is {order.status.upper()}, and nothing says why"
    for order in mine.filter(status=Status.SHIPPED, told_at__isnull=True, tell_error=""):
        yield f"order {order.label} was sent, and the shop was never told"


# --- doubled -------------------------------------------------------------------------------


def doubled_orders(town: Town) -> Iterator[str]:
    """One number, one whole order; of no line more pieces here than were ever ordered."""
    mine = Order.objects.filter(merchant=town.merchant, shop=town.integration.shop)
    twice = mine.filter(part=0).values("number").annotate(times=Count("pk")).filter(times__gt=1)
    yield from (f"order {row['number']} is here {row['times']} times" for row in twice)
    leaving = OrderLine.objects.filter(order__in=mine.filter(status__in=LEFT)).exclude(external_id="")
    sent = dict(leaving.values_list("external_id").annotate(n=Sum("pieces")))
    most = {
        str(pk): wanted
        for pk, wanted in ShopLine.objects.filter(order__shop=town.shop).values_list("pk", F("qty") + F("cancelled"))
    }
    for line, pieces in sent.items():
        if pieces > most.get(line, 0):
            yield f"line {line}: {pieces} pieces leave, {most.get(line, 0)} were ordered"


def doubled_shipments(town: Town) -> Iterator[str]:
    """Pieces in two shipments, payments taken twice, one tracking code on two shipments."""
    shipments = ShopShipment.objects.filter(order__shop=town.shop)
    packed = ShipmentLine.objects.filter(shipment__in=shipments).values("line").annotate(n=Sum("qty"))
    wanted = dict(ShopLine.objects.filter(order__shop=town.shop).values_list("pk", F("qty") + F("cancelled")))
    for row in packed:
        if row["n"] > wanted[row["line"]]:
            yield f"line {row['line']}: {row['n']} pieces in shipments, {wanted[row['line']]} ordered"
    for shipment in shipments.filter(captures__gt=1).select_related("order"):
        yield f"shipment {shipment} was captured {shipment.captures} times"
    paid = shipments.filter(captures__gt=0).values_list("order").annotate(sum=Sum("amount"))
    taken: dict[int, Decimal] = dict(paid)
    for order in town.shop_orders().prefetch_related("lines"):
        if order.captured > order.grand_total + _cancelled_value(order):
            yield f"order {order} paid {order.captured} of {order.grand_total}"
        if order.captured < taken.get(order.pk, 0):
            yield f"order {order}: {taken[order.pk]} captured in shipments, {order.captured} in the order"
    codes = Counter(shipments.exclude(tracking__in=["", "BY-HAND"]).values_list("tracking", flat=True))
    yield from (f"tracking code {code} is on {n} shipments" for code, n in codes.items() if n > 1)


def _cancelled_value(order: ShopOrder) -> Decimal:
    """What was cancelled after it was paid is no payment too many."""
    lines = [line for line in order.lines.all() if line.parent_id is None]
    return sum((line.cancelled * line.price for line in lines), Decimal())


# --- wrong ---------------------------------------------------------------------------------


def wrong_figures(town: Town) -> Iterator[str]:
    """The shop's shelf is what we have for it, counted by hand, and never less than its own open orders."""
    items, figures = town.integration.webshop_products.filter(product__isnull=False), figures_by_hand(town)
    sizes = {str(size.pk): size for size in Size.objects.filter(shop=town.shop)}
    for item in items:
        size, should = sizes[item.external_id], figures[item.product_id]
        if size.physical != max(should, size.allocated):
            yield f"{item.sku}: {size.physical} in the shop, {should} here, {size.allocated} allocated there"


def figures_by_hand(town: Town) -> Counter[int | None]:
    """By product; row by row, not by the portal's own formula, which would agree with itself whatever it says.

    On hand less what all orders hold, and added back what this shop still counts as its own.
    """
    found: Counter[int | None] = Counter(on_hand_now(town))
    of_house = Reservation.objects.filter(stock__product__merchant=town.merchant, stock__warehouse=town.house)
    for row in of_house.select_related("stock"):
        is_own = row.shop == town.integration.shop
        found[row.stock.product_id] += (row.counted_twice if is_own else 0) - row.held
    buffer = town.integration.safety_buffer
    return Counter({product: max(0, pieces - buffer) for product, pieces in found.items()})


def wrong_ends(town: Town) -> Iterator[str]:
    """SHIPPED here and told ⇔ sent there, with our code; what is cancelled here stays in the house.

    What the shop cancelled after it was sent is told to nobody, once the merchant says so.
    """
    sent = {
        shipment.display_id: shipment
        for shipment in ShopShipment.objects.filter(order__shop=town.shop, shipped_at__isnull=False).select_related(
            "order"
        )
    }
    mine = Order.objects.filter(merchant=town.merchant, shop=town.integration.shop, shipment__isnull=False)
    told: dict[str, set[str]] = defaultdict(set)
    for order in mine.filter(status=Status.SHIPPED, told_at__isnull=False).select_related("shipment"):
        assert order.shipment is not None
        if order.pk in town.left and order.shipment.external_id not in sent:
            if not town.shop_orders().filter(number=order.number, status=ShopOrder.Status.CANCELLED).exists():
                yield f"order {order.label} was left untold, and the shop has not cancelled it"
            continue
        told[order.shipment.external_id].add(order.tracking_code)
    for key, codes in told.items():
        if key not in sent:
            yield f"shipment {key} is told here, and not sent in the shop"
        elif sent[key].tracking not in codes and key not in town.by_hand:
            yield f"shipment {key} has the code {sent[key].tracking} in the shop, not {sorted(codes)}"
    for key in sorted(sent.keys() - told.keys() - town.by_hand):
        yield f"shipment {key} is sent in the shop, and nobody here sent it"
    for order in mine.filter(status=Status.CANCELLED, shipment__withdrawn_at=None).select_related("shipment"):
        key = order.shipment.external_id if order.shipment else ""
        if key in sent and key not in told and key not in town.by_hand:
            yield f"order {order.label} is cancelled here, and its shipment {key} was sent"


def wrong_items(town: Town) -> Iterator[str]:
    """The catalogue here is the shop's: every item once, none taken for gone or for another; what was linked is."""
    here = town.integration.webshop_products
    ids, there = list(here.present().values_list("external_id", flat=True)), Size.objects.filter(shop=town.shop)
    if sorted(map(int, ids)) != sorted(there.values_list("pk", flat=True)):
        yield f"{len(ids)} items here, {there.count()} in the shop"
    sizes = {str(size.pk): size for size in there}
    for item in here.present():
        size = sizes.get(item.external_id)
        if size is not None and (item.sku, item.ean) != (size.full_sku, size.ean):
            yield f"item {item.external_id}: {item.sku} {item.ean} here, {size.full_sku} {size.ean} in the shop"
    linked = dict(here.values_list("external_id", "product"))
    for size, product in zip(town.sizes, town.products, strict=True):
        if linked.get(str(size.pk)) != product.pk:
            yield f"item {size.pk} is linked to {linked.get(str(size.pk))}, not to {product}"


def wrong_contents(town: Town) -> Iterator[str]:
    """Each order goes to whoever bought it, and holds what they bought, at its price.

    Everybody who buys is somebody else. The city is left out: the shop's people mend it, some of it too late.
    """
    mine = Order.objects.filter(merchant=town.merchant, shop=town.integration.shop)
    bought = {str(order.number): order for order in town.shop_orders()}
    for order in mine:
        there = bought[order.number].delivery if order.number in bought else {}
        if there and (order.name, order.address, order.email) != (there["name"], there["address"], there["email"]):
            yield f"order {order.label} goes to {order.name}, {order.address}, and {there['name']} bought it"
    lines = {str(line.pk): line for line in ShopLine.objects.filter(order__shop=town.shop).select_related("order")}
    for line in OrderLine.objects.filter(order__in=mine).exclude(external_id="").select_related("order", "product"):
        wanted = lines.get(line.external_id)
        if wanted is None or str(wanted.order.number) != line.order.number:
            yield f"order {line.order.label} has line {line.external_id} of another order"
            continue
        skus = {line.sku, line.product.sku if line.product else line.sku}
        if skus != {wanted.full_sku} or line.price != wanted.price:
            said = f"{wanted.full_sku} for {wanted.price}"
            yield f"order {line.order.label}: {sorted(skus)} for {line.price} here, {said} in the shop"


def wrong_books(town: Town) -> Iterator[str]:
    """What lies on the shelf is what came less what left, by the people's own books."""
    books, now = town.books, on_hand_now(town)
    orders = {order.label: order for order in Order.objects.filter(merchant=town.merchant).prefetch_related("lines")}
    moved: Counter[str] = Counter()
    left: Counter[int] = Counter()
    whys = (Movement.Why.COLLECTED, Movement.Why.PUT_BACK)
    ledger = Movement.objects.filter(stock__product__merchant=town.merchant, why__in=whys)
    for label, product, pieces in ledger.values_list("document", "stock__product", "pieces"):
        moved[label] -= pieces
        left[product] += pieces
    not_found = _not_found(town)
    for label, order in orders.items():
        of_it = not_found[order.pk] + (order.pieces if order.status in LEFT else 0)
        if moved[label] != of_it + books.lost[label]:
            should = of_it + books.lost[label]
            yield f"order {label} ({order.status}): {moved[label]} pieces left the shelf, {should} should have"
    for product, began in town.initially().items():
        should = began + books.came[product] + left[product]
        if now.get(product) != should:
            yield f"product {product}: {now.get(product)} on hand, {should} by the books"


def _not_found(town: Town) -> Counter[int]:
    """By order, pieces that were missing when it was cancelled, as often as it was: those are not put back."""
    told = Event.objects.filter(order__merchant=town.merchant, facts__has_key="lost")
    found: Counter[int] = Counter()
    for order, facts in told.values_list("order", "facts"):
        found[order] += facts["lost"]
    return found


# What must be so in every small world of the proof by machine is so in this large one.
MACHINE: tuple[Callable[[Town], None], ...] = (
    truths.never_too_much,
    truths.none_is_lost,
    truths.promises_are_kept,
    truths.holds_have_a_cause,
    truths.nothing_is_owed,
    truths.told_and_sent_agree,
    truths.cancelled_ones_stay,
    truths.paid_and_cancelled_is_to_be_refunded,
)


def by_machine(town: Town) -> Iterator[str]:
    for truth in MACHINE:
        try:
            truth(town)
        except AssertionError as error:
            yield f"{truth.__name__}: {_first_line(error)}"
    for stock in Stock.objects.filter(product__merchant=town.merchant):
        try:
            truths.stock_adds_up(stock)
        except AssertionError as error:
            yield _first_line(error)


def _first_line(error: AssertionError) -> str:
    return (str(error) or "not so").splitlines()[0]
