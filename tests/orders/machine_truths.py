"""What must be true in a small world: at every moment, and when it has come to rest. Each on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db.models import QuerySet, Sum
from django.utils import timezone

from integrations.models import SyncRun
from orders import ledger, restoring
from orders.handing import pieces_of
from orders.models import RESERVING, SPLIT_PARTS, Cause, Order, OrderLine, SeenOrder, Status, Verdict
from products import formula
from products.models import Movement, Reservation, Stock, WebshopProduct
from sandbox.models import Order as ShopOrder
from sandbox.models import Shipment as ShopShipment
from sandbox.models import Size
from sandbox.models.order import OPEN as OPEN_THERE
from tests.orders.machine_causes import MENDABLE, causes_of
from tests.orders.machine_world import World, can_go_on

# What the shop itself, or a person, must mend; anything else is no reason to wait in a world without faults.
OF_PEOPLE = frozenset({
    Cause.SHOP_HOLD, Cause.NOT_SHOWN, Cause.NOT_CONFIRMED, Cause.CHANGED, Cause.SENT, Cause.SEVERAL, Cause.SUSPECT,
    Cause.PAYMENT,
})  # fmt: skip


def always(world: World) -> None:
    """After every step, killed or not: a transaction is whole or it is not there."""
    for stock in world.stocks():
        stock_adds_up(stock)
    never_too_much(world)
    no_second_capture(world)
    passes_add_up(world)


def stock_adds_up(stock: Stock) -> None:
    """The ledger, the reservations and the orders say the same."""
    moved = Movement.objects.filter(stock=stock).aggregate(pieces=Sum("pieces"))["pieces"] or 0
    assert stock.on_hand == moved, f"{stock}: on hand {stock.on_hand}, the ledger says {moved}"
    rows = Reservation.objects.filter(stock=stock)
    held, taken = (rows.aggregate(pieces=Sum(name))["pieces"] or 0 for name in ("held", "deducted"))
    assert stock.reserved == held, f"{stock}: reserved {stock.reserved}, the reservations say {held}"
    wanted = _pieces(stock, Order.objects.filter(status__in=RESERVING))
    assert held == wanted, f"{stock}: reservations hold {held}, the orders want {wanted}"
    untold = Order.objects.filter(status=Status.SHIPPED, told_at__isnull=True)
    begun = _pieces(stock, Order.objects.filter(status=Status.COLLECTING)) + _pieces(stock, untold)
    assert taken == begun, f"{stock}: reservations count {taken} taken, the orders {begun}"


def _pieces(stock: Stock, orders: Iterable[Order]) -> int:
    lines = OrderLine.objects.filter(order__in=orders, product=stock.product_id, order__warehouse=stock.warehouse_id)
    return lines.aggregate(pieces=Sum("pieces"))["pieces"] or 0


def never_too_much(world: World) -> None:
    """Of no line more pieces leave than were ever ordered: from here, and by the shop's own hand."""
    leaving = (Status.COLLECTING, Status.SHIPPED, Status.RETURNED)
    for there in world.shop_orders():
        parts = Order.objects.filter(merchant=world.merchant, shop=world.integration.shop, number=str(there.number))
        sent: Counter[str] = Counter()
        ours: set[str] = set()
        for part in parts.filter(status__in=leaving).select_related("shipment").prefetch_related("lines"):
            ours |= {part.shipment.external_id} if part.shipment else set()
            for line in part.lines.all():
                sent[line.external_id] += line.pieces
        for shipment in there.shipments.filter(shipped_at__isnull=False):
            if shipment.display_id not in ours:
                sent.update({str(line.line_id): line.qty for line in shipment.lines.all()})
        most = {str(line.pk): line.qty + line.cancelled for line in there.lines.all()}
        too_many = {key: n for key, n in sent.items() if key and n > most.get(key, 0)}
        assert not too_many, f"{there}: {too_many} of {most} leave"


def no_second_capture(world: World) -> None:
    for there in world.shop_orders():
        shipments = list(there.shipments.all())
        assert all(shipment.captures <= 1 for shipment in shipments), f"{there}: captured twice"
        taken = sum(shipment.amount for shipment in shipments if shipment.captures)
        assert there.captured == taken, f"{there}: {there.captured} captured, {taken} of it in shipments"
        assert there.captured <= there.grand_total


def passes_add_up(world: World) -> None:
    """Of the last complete look, by its rows and by its record: what the shop showed = what became of it."""
    for this_pass in set(SeenOrder.objects.filter(integration=world.integration).values_list("seen_in", flat=True)):
        counted = ledger.of_pass(world.integration, this_pass, timezone.now())
        assert counted.adds_up, f"{counted} does not add up"
    last = world.integration.runs.filter(pipe="intake", outcome=SyncRun.Outcome.SUCCEEDED).order_by("-ended_at").first()
    if last is not None:
        parts = [last.counts[key] for key in ("new", "known", "waiting", "unreadable", "skipped")]
        assert last.counts["orders"] == sum(parts), f"{last.counts} do not add up"


# --- at rest ---------------------------------------------------------------------------------


def at_rest(world: World) -> None:
    always(world)
    none_is_lost(world)
    ledger_knows_what_is_here(world)
    promises_are_kept(world)
    holds_have_a_cause(world)
    causes_hold(world)
    nothing_is_owed(world)
    told_and_sent_agree(world)
    cancelled_ones_stay(world)
    paid_and_cancelled_is_to_be_refunded(world)
    shop_shows_our_figures(world)


def none_is_lost(world: World) -> None:
    """Everything that the shop shows is here, or was skipped for a reason; and the ledger adds up."""
    integration = world.integration
    skipped = SeenOrder.objects.filter(integration=integration, verdict=Verdict.SKIPPED).exclude(reason="")
    left = set(skipped.values_list("number", flat=True))
    if world.reads_shipments:
        shipments_are_here(world, left)
    else:
        orders_are_here(world, left)
    assert ledger.missing(integration) == []
    counted = ledger.of_integration(integration)
    parts_of_it = [counted[key] for key in ("here", "held", "waiting", "unreadable", "lost")]
    assert counted["shown"] == sum(parts_of_it) + sum(counted["skipped"].values()), counted
    hidden = set(world.unread().values_list("number", flat=True))
    assert counted["lost"] == 0
    assert counted["unreadable"] <= len(hidden), f"{counted}, and of {hidden} alone nothing can be read"
    last = integration.state("intake").remembers["ledger"]
    assert last["lost"] == 0


def orders_are_here(world: World, left: set[str]) -> None:
    shown = world.shop_orders().filter(world.plugin.visible, status__in=world.plugin.order_statuses)
    for there in shown:
        parts = _of_shop(world).filter(number=str(there.number))
        found = sorted(parts.values_list("part", flat=True))
        assert found[:1] == [0] or (not found and str(there.number) in left), f"{there} is lost: {found}"
        assert found or not is_open_there(there), f"{there} is left, and open in the shop"
        assert not parts.filter(integration=None).exists(), f"{there} is looked after by nobody"


def is_open_there(there: ShopOrder) -> bool:
    """Whether the shop still waits for somebody to send pieces of it: then no reason to leave it is a good one."""
    sent: Counter[int] = Counter()
    for shipment in there.shipments.filter(shipped_at__isnull=False):
        sent.update({line.line_id: line.qty for line in shipment.lines.all()})
    lines = [line for line in there.lines.all() if line.parent_id is None]
    return there.status in OPEN_THERE and any(line.qty > sent[line.pk] for line in lines)


def shipments_are_here(world: World, left: set[str]) -> None:
    """Each that is good to go and not sent is one order, named by the shop's number of it."""
    shown = world.shop_orders().filter(world.plugin.visible)
    listed = ShopShipment.objects.filter(order__in=shown, is_good_to_go=True, shipped_at=None)
    for there in listed.select_related("order"):
        number = str(there.order.number)
        is_here = _of_shop(world).filter(number=number, shipment__external_id=there.display_id).exists()
        assert is_here or number in left, f"{there} is lost"
    for order in _of_shop(world):
        whole = order.split_from is None
        assert (0 < order.part < SPLIT_PARTS) is whole, f"{order} is part {order.part}"


def _of_shop(world: World) -> QuerySet[Order]:
    return Order.objects.filter(merchant=world.merchant, shop=world.integration.shop)


def ledger_knows_what_is_here(world: World) -> None:
    """Every number that this integration took is noted as taken, and none that it did not take."""
    seen = SeenOrder.objects.filter(integration=world.integration, verdict=Verdict.TAKEN)
    mine = _of_shop(world).filter(integration=world.integration)  # not what a deleted one left, and nobody shows again
    noted, here = set(seen.values_list("number", flat=True)), set(mine.values_list("number", flat=True))
    here -= set(world.unread().values_list("number", flat=True)) - noted
    assert noted == here, f"noted as taken, and not here: {noted - here}; here, and not noted: {here - noted}"


def promises_are_kept(world: World) -> None:
    """In the order of the queue: NEW is covered, PENDING is not."""
    for stock in world.stocks():
        assert not stock.is_unsettled
        promised = 0
        for row in stock.reservations.filter(promised_at__isnull=False).order_by("promised_at", "pk"):
            promised += row.held
            assert row.is_covered == (promised <= stock.on_hand), f"{row}: {promised} of {stock.on_hand}"
    for order in world.orders(Status.NEW, Status.PENDING):
        rows = Reservation.objects.filter(reference=order.reservation_key, promised_at__isnull=False)
        is_covered = not rows.filter(is_covered=False).exists()
        assert is_covered == (order.status == Status.NEW), f"{order} is {order.status}"


def holds_have_a_cause(world: World) -> None:
    for order in world.orders(Status.RESERVED):
        causes = {hold.cause for hold in order.holds.all()}
        allowed = OF_PEOPLE | {Cause.SHORT} | ({Cause.REFUSED} if cannot_ship(world, order) else set())
        allowed |= causes_of(order) | ({Cause.UNREADABLE} if order in world.unread() else set())
        assert causes <= allowed, f"{order} waits: {[hold.text for hold in order.holds.all()]}"
        if Cause.SHOP_HOLD in causes or Cause.NOT_SHOWN in causes:
            there = ShopOrder.objects.get(number=order.number)
            listed = world.shop_orders().filter(world.plugin.visible, status__in=world.plugin.order_statuses)
            assert not listed.filter(pk=there.pk).exists() or there.is_on_hold, f"{order} waits: the shop shows it"


def causes_hold(world: World) -> None:
    """What is missing holds an order, and no longer than it is missing; nothing goes on without it."""
    for order in world.orders(Status.NEW, Status.PENDING, Status.RESERVED).filter(integration=world.integration):
        held_for = {Cause(hold.cause) for hold in order.holds.all()} & MENDABLE
        is_on_purpose = order.status == Status.RESERVED and not order.holds.exists()
        if not is_on_purpose and not (order.handover_asked_at and order.shipment_id):
            assert held_for == causes_of(order), f"{order} ({order.status}): {held_for} is not {causes_of(order)}"


def all_is_sent(world: World) -> None:
    """Once everything was mended: what is not with the customer waits for the shop, or was cancelled."""
    for order in world.orders(Status.NEW, Status.COLLECTING):
        assert not can_go_on(order), f"{order} is {order.status}, and could be sent"
    for order in world.orders(Status.RESERVED):
        assert not {hold.cause for hold in order.holds.all()} & MENDABLE, f"{order} waits, and could be mended"
    assert not world.orders(Status.PENDING).exists()


def cannot_ship(world: World, order: Order) -> bool:
    """The shop makes no shipment of what is not confirmed, nor of pieces that it owes itself."""
    there = ShopOrder.objects.filter(number=order.number).first() if order.shop else None  # of either shop
    if there is None:
        return False
    return there.status == ShopOrder.Status.PENDING or any(line.missing > 0 for line in there.lines.all())


def nothing_is_owed(world: World) -> None:
    """Nothing hangs between two states without a reason that a person can read."""
    assert not world.orders(Status.NEW).filter(handover_asked_at__isnull=False, handover_error="").exists()
    for order in world.orders(Status.SHIPPED).filter(told_at__isnull=True).select_related("shipment"):
        sharing = Order.objects.filter(shipment=order.shipment).exclude(pk=order.pk) if order.shipment else []
        waits_for = [one.status for one in sharing if one.status != Status.CANCELLED]
        assert order.tell_error or set(waits_for) & {*RESERVING, Status.DRAFT, Status.COLLECTING}, f"{order} is untold"


def told_and_sent_agree(world: World) -> None:
    """SHIPPED and told here ⇔ completed there, with our tracking code; each once."""
    shop = world.integration.shop
    left = (Status.SHIPPED, Status.RETURNED)
    told = Order.objects.filter(merchant=world.merchant, shop=shop, status__in=left, told_at__isnull=False)
    codes: dict[str, set[str]] = {}
    pieces: dict[str, Counter[str]] = {}
    for order in told.exclude(pk__in=world.left).select_related("shipment"):
        if order.shipment:
            codes.setdefault(order.shipment.external_id, set()).add(order.tracking_code)
            pieces.setdefault(order.shipment.external_id, Counter()).update(pieces_of(order.lines.all()))
    for key, ours in codes.items():
        number, n = key.split("-")
        there = ShopShipment.objects.get(order__number=number, n=n)
        assert there.shipped_at is not None, f"{key} is told here, and not sent there"
        is_hidden = world.has_hidden_tracking and not there.tracking
        assert there.tracking in ours or is_hidden or key in world.by_hand, f"{key}: {there.tracking} is none of {ours}"
        if key not in world.by_hand:
            pieces_agree(world, there, pieces[key])
    for there in ShopShipment.objects.filter(order__shop=world.shop, shipped_at__isnull=False):
        assert there.display_id in codes or there.display_id in world.by_hand, f"{there} was sent by nobody"


def pieces_agree(world: World, there: ShopShipment, sent: Counter[str]) -> None:
    """Completed are just the pieces that were sent; more only where it was paid before, for then nobody lowers it."""
    completed = Counter({str(line.line_id): line.qty for line in there.lines.all()})
    was_paid_before = world.has_captured or not there.captures
    assert not sent - completed, f"{there}: {sent} sent, {completed} completed"
    assert was_paid_before or sent == completed, f"{there}: {completed} completed and paid, {sent} sent"


def cancelled_ones_stay(world: World) -> None:
    """What was cancelled before the hand-over, or taken back by the warehouse, never leaves.

    Of a shipment that was withdrawn another may have the number by now.
    """
    kept = world.orders(Status.CANCELLED).filter(shipment__isnull=False, shipment__withdrawn_at=None)
    for order in kept.select_related("shipment"):
        assert order.shipment is not None
        sharing = Order.objects.filter(shipment=order.shipment, status__in=[Status.SHIPPED, Status.RETURNED])
        sent = ShopShipment.objects.filter(order__shop=world.shop, order__number=order.number, shipped_at__isnull=False)
        ours = [one for one in sent if one.display_id == order.shipment.external_id]
        assert not ours or ours[0].display_id in world.by_hand or sharing.exists(), f"{order} was sent all the same"


def paid_and_cancelled_is_to_be_refunded(world: World) -> None:
    """What is paid and unsent in the shop, while all its orders here are cancelled, is asked to be refunded here."""
    taken = ShopShipment.objects.filter(order__shop=world.shop, captures__gt=0, shipped_at=None)
    for there in taken.select_related("order"):
        parts = list(_of_shop(world).filter(number=str(there.order.number)).select_related("shipment"))
        ours = [one for one in parts if one.shipment and one.shipment.external_id == there.display_id] or parts
        if all(one.status == Status.CANCELLED for one in ours):
            asked = [one for one in ours if one.needs_refund or restoring.REFUNDED in one.facts]
            assert asked, f"{there} is paid and all of {ours} are cancelled: nobody is asked to refund it"


def shop_shows_our_figures(world: World) -> None:
    """The shop's shelf is what the formula says; never less than its own open orders, for it lets nobody say less."""
    items = WebshopProduct.objects.filter(integration=world.integration, product__isnull=False)
    figures = formula.figures(world.integration, items)
    for item in items:
        size = Size.objects.get(pk=item.external_id)
        should = figures[item.pk].figure
        assert size.physical == max(should, size.allocated), f"{item}: {size.physical} there, {figures[item.pk]} here"
