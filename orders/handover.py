"""What the warehouse wants to begin, and what it has sent → shop. One pipe: *Hand-over and tracking*.

    owed      SHIPPED and not told · NEW and marked as collecting · shipments to lower or to take back; oldest first,
              and what failed last time behind all others
    for each  read the order as the shop shows it now
              decide what is to be done (pure: `handing.py`)
              write the intent, committed · the call · what came of it

An order is handed over when the shop has agreed: it has the open shipment with just our pieces, paid where so set; then
the pieces leave the shelf and the order is COLLECTING, in one transaction. Never two shipments, never two captures:
whatever happens between intent and answer, the next run reads first. What the shop is told at SHIPPED: `tracking.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations import doorbell
from integrations.connectors.base import Connector, OrderData
from integrations.connectors.errors import NotAllowed, Rejected, ShopError, Unavailable, Unreadable
from integrations.models import Integration, Tone
from integrations.sparing import Sparing
from integrations.sync import Run
from orders import agreeing, cases, deciding, faults, handing, moves, tracking
from orders.handing import Decision, Step
from orders.intent import saw
from orders.models import OPEN, PROMISED, Order, OrderQuerySet, Shipment, Status

ROUNDS = 3  # read, create, read again, capture: more often it does not go back and forth


@dataclass(frozen=True, slots=True)
class Owed:
    """One row that something is owed to the shop for, who does it, and who writes down why it could not be done."""

    pk: int
    do: Callable[[Run, Connector, int], None]
    note: Callable[[int, str, datetime], None]
    has_failed: bool


def hand_over(run: Run) -> None:
    """One turn: all that is owed and may be asked for now. With nothing owed the shop is not called."""
    now = timezone.now()
    free_paid_elsewhere(run.integration)
    leave_other_shops(run)
    work = sorted(owed(run.integration, now), key=lambda one: one.has_failed)
    if not work:
        run.quiet()
    else:
        run.describe(_("orders"))
        with run.connect() as shop:
            do_all(run, shop, work)
    if soonest := waiting(run.integration).order_by("wait_until").values_list("wait_until", flat=True).first():
        run.again_at(soonest)
    run.complete(run.began_at, is_full=False)


def do_all(run: Run, shop: Connector, work: Iterable[Owed]) -> None:
    """One after the other. Where the key may not do one kind of thing, all others are done, and then it is said."""
    forbidden: dict[object, NotAllowed] = {}
    sparing = Sparing(shop)
    for one in work:
        if one.do in forbidden:
            continue
        try:
            attempt(run, shop, one)
        except NotAllowed as error:
            forbidden[one.do] = error
        except Unavailable as error:
            if not sparing.bears(error):
                raise
            leave(run, one, error)
        run.keep({})
        run.give_way()
    for refusal in forbidden.values():
        raise refusal


def ring(integration: Integration, who: str = "") -> None:
    """Somebody marked an order as collecting or shipped: do it now. Call in the transaction that marks it, or after."""
    doorbell.ring(integration, moves.HAND_OVER, asked_by=who)


# --- what is owed --------------------------------------------------------------------------


def owed(integration: Integration, now: datetime) -> Iterable[Owed]:
    """In this order; each says whether it failed last time, so that none stands in the others' way."""
    mine = Order.objects.filter(integration=integration, shop=integration.shop)
    due = mine.filter(Q(wait_until__isnull=True) | Q(wait_until__lte=now))
    whole = due.untold().exclude(shipment__orders__status__in=[*OPEN, Status.COLLECTING])
    for pk, has_failed in _oldest(whole, "shipped_at"):
        yield Owed(pk, tracking.tell, note_untold, has_failed)
    shipments = Shipment.objects.filter(integration=integration, shop=integration.shop, completed_at__isnull=True)
    open_ = shipments.filter(withdrawn_at__isnull=True)
    # Before anything is handed over: what it holds too many may be another part's. What could not be lowered at once is
    # lowered when it is sent, or when another part is to begin.
    is_needed = Q(error="") | Q(number__in=due.being_handed_over().values("number"))
    for pk, error in open_.filter(is_needed, wanted__isnull=False).order_by("pk").values_list("pk", "error"):
        yield Owed(pk, tracking.lower, tracking.note_shipment, bool(error))
    for pk, has_failed in _oldest(due.being_handed_over(), "handover_asked_at"):
        yield Owed(pk, hand_over_order, note_not_handed_over, has_failed)
    is_looked_at = Q(facts__has_key="capture") | Q(facts__has_keys=["several", "found_in"])
    for pk, has_failed in _oldest(due.filter(is_looked_at, status=Status.RESERVED), "placed_at"):
        yield Owed(pk, look_again, note_not_handed_over, has_failed)
    for pk, error in open_.filter(withdraw_asked_at__lte=now).order_by("pk").values_list("pk", "error"):
        yield Owed(pk, tracking.withdraw, tracking.note_shipment, bool(error))


def leave_other_shops(run: Run) -> None:
    """The integration points at another shop than these orders came from: nothing of theirs may be told there.

    What the warehouse has not begun waits: the same order may come in again from the other address. What somebody asked
    to cancel is cancelled, for nobody else would answer.
    """
    others = Order.objects.filter(integration=run.integration).exclude(shop=run.integration.shop)
    why = _("The integration points at another shop now.")
    called_off = others.being_handed_over().asked_to_cancel().filter(shipment=None)
    for pk in list(called_off.order_by("pk").values_list("pk", flat=True)):
        agreeing.cancel(run, pk)
    others.being_handed_over().update(handover_error=why)
    others.untold().update(tell_error=why)
    deciding.decide_again(others.exclude(shop="").filter(status__in=PROMISED).values_list("pk", flat=True))


def _oldest(orders: OrderQuerySet, column: str) -> list[tuple[int, bool]]:
    """Their keys, and whether they have waited already."""
    last = F("wait_until").asc(nulls_first=True)
    found = orders.order_by(last, column, "pk").values_list("pk", "wait_until")
    return [(pk, wait_until is not None) for pk, wait_until in found]


def waiting(integration: Integration) -> OrderQuerySet:
    """Orders that something is owed for, but not yet."""
    mine = Order.objects.filter(integration=integration, wait_until__gt=timezone.now())
    asked = Q(status=Status.NEW, handover_asked_at__isnull=False)
    return mine.filter(asked | Q(status=Status.SHIPPED, told_at__isnull=True))


def attempt(run: Run, shop: Connector, one: Owed) -> None:
    """Do it; what is wrong with this one alone stops no other, what is wrong with the shop is raised.

    What fails in our own code is wrong with this one alone: said, and tried again.
    """
    try:
        one.do(run, shop, one.pk)
    except (Rejected, Unreadable, tracking.NotYet) as error:
        leave(run, one, error)
    except ShopError as error:
        one.note(one.pk, str(error), timezone.now())
        raise
    except faults.NOT_OURS:
        raise
    except Exception:
        faults.log.exception("%s of row %s failed in our own code.", one.do.__name__, one.pk)
        leave(run, one, faults.TEXT)


def leave(run: Run, one: Owed, why: object) -> None:
    """It is tried again in a minute; the run and the row say why."""
    one.note(one.pk, str(why), handing.patience(None, timezone.now()))
    run.counts["left"] += 1
    run.note([str(why)])


def note_not_handed_over(pk: int, why: str, again_at: datetime) -> None:
    _note(pk, again_at, handover_error=why)


def note_untold(pk: int, why: str, again_at: datetime) -> None:
    _note(pk, again_at, tell_error=why)


def _note(pk: int, again_at: datetime, **why: str) -> None:
    """Why it waits, and until when; a wait for a lost answer is never shortened."""
    order = Order.objects.filter(pk=pk)
    order.update(**why)
    order.filter(Q(wait_until__isnull=True) | Q(wait_until__lt=again_at)).update(wait_until=again_at)


# --- one order -----------------------------------------------------------------------------


def hand_over_order(run: Run, shop: Connector, pk: int) -> None:
    """Read, decide, do one thing, and read again, until the order is with the warehouse or must wait."""
    for _round in range(ROUNDS):
        order = Order.objects.select_related("integration", "shipment").get(pk=pk)
        if not order.is_being_handed_over:
            return
        if order.is_cancellation_open and order.shipment_id is None:
            return agreeing.cancel(run, pk)
        found = cases.legible(shop.order(order.number), order)
        saw(order, found)
        decision = handing.decide(cases.case_of(order, found))
        if not act(run, shop, order, found, decision):
            return
    note_not_handed_over(pk, _("The shop says something else each time."), handing.patience(None, timezone.now()))


def act(run: Run, shop: Connector, order: Order, found: OrderData | None, decision: Decision) -> bool:
    """Do what was decided; says whether to read again."""
    if decision.step is Step.STOP:
        agreeing.stop(run, order.pk, found, decision.facts)
    elif decision.step is Step.WAIT:
        again_at = handing.patience(order.handover_asked_at, timezone.now())
        note_not_handed_over(order.pk, decision.text, again_at)
        run.counts["left"] += 1
    elif decision.step is Step.CANCEL:
        agreeing.cancel(run, order.pk, decision.shipment, is_paid=decision.is_paid, is_shown=cases.is_clear(found))
    elif decision.step is Step.CREATE:
        return agreeing.create(run, shop, order, found, is_later=decision.is_later)
    elif decision.shipment is None:
        agreeing.collect(run, order.pk)
    else:
        return agreeing.adopt(run, shop, order.pk, decision.shipment)
    return False


# --- what is mended in the shop, and told by no listing ------------------------------------


def look_again(run: Run, shop: Connector, pk: int) -> None:
    """Its payment was refused, or its shipments were others than ours: freed when the shop shows that mended."""
    order = Order.objects.select_related("integration", "shipment").get(pk=pk)
    found = shop.order(order.number)
    if "capture" in order.facts:
        is_mended, text, fact = _is_paid_there(order, found), _("The shop shows it paid."), "capture"
    else:
        is_mended, text, fact = _may_go_on(order, found), _("Its shipments in the shop are mended."), "several"
    if not is_mended:
        Order.objects.filter(pk=pk).update(
            handover_error="", wait_until=handing.patience(order.status_changed_at, timezone.now())
        )
        return
    with transaction.atomic():
        free(pk, text, fact)
        run.keep(run.place)
        run.counts["freed"] += 1


def _is_paid_there(order: Order, found: OrderData | None) -> bool:
    ours = order.shipment.external_id if order.shipment else ""
    shown = handing.find(found, ours, handing.pieces_of(order.lines.all()))
    if shown is None or not shown.is_paid:
        return False
    return shown.external_id == ours or shown.external_id not in cases.theirs(order, found)


def _may_go_on(order: Order, found: OrderData | None) -> bool:
    """Whether its shipment could be made, or used, now."""
    decision = handing.decide(cases.case_of(order, cases.legible(found, order)))
    return decision.step not in (Step.STOP, Step.WAIT)


def free_paid_elsewhere(integration: Integration) -> None:
    """The setting was switched on: orders that waited for it are decided again."""
    if not integration.is_paid_elsewhere:
        return
    held = Order.objects.filter(integration=integration, status=Status.RESERVED, facts__has_key="paid_elsewhere")
    for pk in held.order_by("pk").values_list("pk", flat=True):
        with faults.alone(f"Freeing order {pk}"), transaction.atomic():
            free(pk, _("Payment is taken outside Centra now."), "paid_elsewhere")


def free(pk: int, text: str, *facts: str, who: str = "") -> Order:
    """Take these facts off an order that waits, and decide it again. Within a transaction."""
    order = Order.objects.select_related("merchant", "integration", "warehouse", "shipment").lock().get(pk=pk)
    order.facts = {key: fact for key, fact in order.facts.items() if key not in (*facts, "found_in")}
    order.wait_until, order.handover_error = None, ""
    order.save()
    if order.shipment_id:
        Shipment.objects.filter(pk=order.shipment_id).update(capture_error="")
    order.tell(text, Tone.NONE, who)
    deciding.decide(order)
    return order


def try_capture_again(order: Order, who: str) -> None:
    """*Try capture again*, and whatever else the shop refused: mended there, it is handed over again.

    That only where staff had marked it as collecting, and in their name; else it is NEW, and theirs to mark. Of an
    order that is sent already, the shop is told again. Raises `NotPossible`. The caller rings.
    """
    staff = order.handover_asked_by
    with transaction.atomic():
        if order.status == Status.SHIPPED and order.shipment and order.shipment.capture_error:
            fresh = free(order.pk, _("The shop is told once more."), who=who)
        elif order.status == Status.RESERVED and set(order.facts) & set(agreeing.FACTS):
            fresh = free(order.pk, _("Tried again."), *agreeing.FACTS, who=who)
        else:
            raise moves.NotPossible(_("Nothing was refused, so there is nothing to try again."))
        if fresh.status == Status.NEW and staff:
            moves.ask_to_hand_over(fresh, staff)
    order.refresh_from_db()
