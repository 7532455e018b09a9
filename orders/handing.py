"""What is to be done with one order at hand-over, from what the shop shows of it now. Pure: no clock, network or row.

STOP    something stands against it: back to RESERVED with the reason, nothing is written to the shop
WAIT    not now: asked again later, the order stays NEW
CANCEL  somebody asked to cancel before any money was taken
ADOPT   the shop has the open shipment of these pieces already
CREATE  it has none yet
NOTHING the shop knows none of these lines: there is nothing to ship there
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.connectors.base import OrderData, OrderStatus, ShipmentData, ShipmentStatus
from orders import reading
from orders.models import OrderLine

Pieces = Mapping[str, int]  # the shop's line id → pieces

PAID_ELSEWHERE = re.compile(r"external payment plugin", re.I)
PAYMENT_REFUSED = re.compile(r"captur|(payment|authori[sz]ation).*(fail|refus|declin|denied|expired)", re.I)
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=1)


class Step(StrEnum):
    STOP = "stop"
    WAIT = "wait"
    CANCEL = "cancel"
    ADOPT = "adopt"
    CREATE = "create"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Case:
    """One order that is being handed over, beside what the shop shows (`found`; nothing where it does not show it).

    `pieces` are this order's, `together` those of it and the other parts that may share a shipment with it, and
    `under_way` those of the other parts that are with the warehouse. `ours` is the shop's id of the shipment that this
    order has already, `theirs` of those that belong to other parts, `shown_as` of the one that this order was read as,
    `lowering` of those that are still to be lowered in the shop.
    """

    found: OrderData | None
    pieces: Pieces
    together: tuple[Pieces, ...] = ()
    under_way: Pieces = field(default_factory=dict)
    ours: str = ""
    theirs: frozenset[str] = frozenset()
    lowering: frozenset[str] = frozenset()
    shown_as: str = ""
    is_changed: bool = False
    takes_pending: bool = False
    wants_cancelling: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`text` says why it waits, `facts` what stands against it (see `orders/deciding.py`), `is_later` that it is not
    the order's first shipment."""

    step: Step
    text: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    shipment: ShipmentData | None = None
    is_later: bool = False
    is_paid: bool = False


def decide(case: Case) -> Decision:
    """What to do; where a cancellation is asked for and nothing was paid, or nothing can go on, it is cancelled."""
    decision = _decide(case)
    is_paid = any(s.is_paid for s in _shown(case) if s.external_id == case.ours)
    is_paid = is_paid or (decision.shipment is not None and decision.shipment.is_paid)
    goes_on = is_paid and decision.step is Step.ADOPT
    if case.wants_cancelling and not goes_on:
        return Decision(Step.CANCEL, shipment=decision.shipment, is_paid=is_paid)
    return decision


def _decide(case: Case) -> Decision:
    found = case.found
    if found is None or _is_stopped(found, case):
        return Decision(Step.STOP)
    if any(not shipment.pieces for shipment in found.shipments):
        return Decision(Step.WAIT, _("The shop names a shipment, but does not show what is in it."))
    if riddles := [shipment.external_id for shipment in found.shipments if reading.is_riddle(shipment)]:
        return _stop("several", _only_bundles(riddles))
    if found.status is OrderStatus.PENDING:
        return Decision(Step.WAIT, _("Not confirmed in the shop yet, and it makes no shipment before."))
    if any(one.external_id in case.lowering and one.status is not ShipmentStatus.SENT for one in found.shipments):
        # What it holds too many is not there to be adopted: it is another part's, or nobody's.
        return Decision(Step.WAIT, _("The shop’s shipment of another part is lowered first."))
    if case.shown_as:
        return _as_shown(case, found)
    if not case.pieces and not _own(case, found):
        return Decision(Step.NOTHING)
    if _lacks(case.pieces, open_pieces(found), case.under_way):
        if any(one.status is ShipmentStatus.SENT for one in found.shipments):
            return _stop("sent", _("The shop has sent pieces of it itself. Nothing was sent from here."))
        return _stop("sent", _("The shop has taken pieces of it off the order. Nothing was sent from here."))
    return _shipment(case, found)


def _is_stopped(found: OrderData, case: Case) -> bool:
    """What the order's own fields say; the reasons are written from them."""
    is_closed = found.status is OrderStatus.CANCELLED
    is_early = found.status is OrderStatus.PENDING and not case.takes_pending
    flags = found.is_on_hold or found.is_suspect or found.waits_for_payment
    return is_closed or is_early or flags or case.is_changed


def _as_shown(case: Case, found: OrderData) -> Decision:
    """Orders read as shipments: just that one."""
    shipment = next((one for one in found.shipments if one.external_id == case.shown_as), None)
    if shipment is None:
        text = _("The shop no longer has shipment %(id)s.") % {"id": case.shown_as}
        return _stop("several", text)
    if shipment.status is ShipmentStatus.SENT:
        return _stop("sent", _("The shop has sent it itself. Nothing was sent from here."))
    if not _holds(shipment, case.pieces, *case.together):
        return _stop("several", other_pieces(shipment))
    if _lacks(case.pieces, open_pieces(found), case.under_way):
        # A shipment that is being collected was deleted there, and its pieces are in this one.
        return Decision(
            Step.WAIT, _("The warehouse has begun pieces of it for another shipment that the shop deleted.")
        )
    return Decision(Step.ADOPT, shipment=shipment)


def _shipment(case: Case, found: OrderData) -> Decision:
    """Adopt the open shipment with exactly these pieces, or make one where those pieces are in none."""
    unsent = [one for one in found.shipments if one.status is not ShipmentStatus.SENT]
    own = _own(case, found)
    shared = [one for one in unsent if _holds(one, *case.together)]
    foreign = [one for one in unsent if one.external_id not in case.theirs]
    if own and _holds(own[0], case.pieces, *case.together):
        return Decision(Step.ADOPT, shipment=own[0])
    if own:
        return _stop("several", other_pieces(own[0]))
    if len(foreign) > 1:
        ids = ", ".join(one.external_id for one in foreign)
        return _stop("several", _("The shop has several open shipments: %(ids)s. Leave one of them.") % {"ids": ids})
    if exact := [one for one in foreign if _holds(one, case.pieces)] or shared:
        return Decision(Step.ADOPT, shipment=exact[0])
    if twin := [one for one in unsent if _holds(one, case.pieces)]:
        text = _("Another part with the same pieces goes first: shipment %(id)s is not sent yet.")
        return Decision(Step.WAIT, text % {"id": twin[0].external_id})
    if _lacks(case.pieces, open_pieces(found), total(one.pieces for one in unsent)):
        return _stop("several", other_pieces(foreign[0] if foreign else unsent[0]))
    return Decision(Step.CREATE, is_later=bool(found.shipments))


def _own(case: Case, found: OrderData) -> list[ShipmentData]:
    """Its open shipment."""
    open_ = (one for one in found.shipments if one.status is not ShipmentStatus.SENT)
    return [one for one in open_ if one.external_id == case.ours]


def _holds(shipment: ShipmentData, *any_of: Pieces) -> bool:
    """Whether it holds exactly the pieces of one of these."""
    return dict(shipment.pieces) in [dict(pieces) for pieces in any_of if pieces]


def _stop(fact: str, text: str) -> Decision:
    return Decision(Step.STOP, facts={fact: text})


def other_pieces(shipment: ShipmentData) -> str:
    text = _("Shipment %(id)s in the shop has other pieces than this order. Make them equal, or delete it in the shop.")
    return text % {"id": shipment.external_id}


def _only_bundles(ids: Iterable[str]) -> str:
    text = _(
        "The shop shows shipment %(ids)s as bundles without their parts. Set the plugin’s bundle layout for shipments "
        "to show the items, then try again."
    )
    return text % {"ids": ", ".join(ids)}


def _shown(case: Case) -> Iterable[ShipmentData]:
    return case.found.shipments if case.found else ()


def _lacks(wanted: Pieces, there: Pieces, taken: Pieces) -> bool:
    return any(pieces + taken.get(line, 0) > there.get(line, 0) for line, pieces in wanted.items())


# --- pieces --------------------------------------------------------------------------------


def total(several: Iterable[Pieces | Iterable[tuple[str, int]]]) -> dict[str, int]:
    """The pieces of all of them together, line by line."""
    summed: Counter[str] = Counter()
    for pieces in several:
        summed.update(dict(pieces))
    return {line: count for line, count in summed.items() if count}


def pieces_of(lines: Iterable[OrderLine]) -> dict[str, int]:
    """What of an order the shop's shipment must hold: lines and pieces that were added here are not the shop's."""
    known = [line for line in lines if line.external_id]
    return total({line.external_id: min(line.pieces, line.ordered)} for line in known)


def open_pieces(found: OrderData) -> dict[str, int]:
    """Ordered − sent, as the shop shows it."""
    ordered = total({line.external_id: line.pieces} for line in found.lines)
    sent = total(one.pieces for one in found.shipments if one.status is ShipmentStatus.SENT)
    return {line: pieces - sent.get(line, 0) for line, pieces in ordered.items()}


def find(found: OrderData | None, external_id: str, pieces: Pieces) -> ShipmentData | None:
    """The shipment of this id; where it is gone, the open one that has the same pieces."""
    shown = found.shipments if found else ()
    same = [one for one in shown if one.external_id == external_id]
    alike = [one for one in shown if one.status is not ShipmentStatus.SENT and dict(one.pieces) == dict(pieces)]
    return next(iter([*same, *alike]), None)


# --- waiting -------------------------------------------------------------------------------


def patience(since: datetime | None, now: datetime) -> datetime:
    """When to look again at what has waited since then: the longer it lasts, the rarer; a minute to an hour."""
    age = now - (since or now)
    return now + min(max(age / 4, SHORTEST), LONGEST)


def payment_fact(reason: str) -> tuple[str, str] | None:
    """What a shop's refusal says about the payment: the key of the fact and its sentence; nothing where it does not."""
    if PAID_ELSEWHERE.search(reason):
        return "paid_elsewhere", _(
            "The payment is not taken through Centra. Switch on “payment is taken outside Centra” in the integration."
        )
    if PAYMENT_REFUSED.search(reason):
        return "capture", _("Payment refused: do not ship. The shop said: “%(why)s”.") % {"why": reason}
    return None


# --- what a run has counted ----------------------------------------------------------------


def phrases() -> dict[str, Callable[[int], str]]:
    """How the activity reads the counts of handing over and tracking."""
    return {
        "handed_over": lambda n: _("%(n)s handed over"),
        "made": lambda n: ngettext("%(n)s shipment made", "%(n)s shipments made", n),
        "completed": lambda n: _("%(n)s completed in the shop"),
        "stopped": lambda n: _("%(n)s not handed over"),
        "left": lambda n: _("%(n)s left for later"),
        "freed": lambda n: _("%(n)s freed"),
        "cancelled": lambda n: _("%(n)s cancelled"),
        "lowered": lambda n: _("%(n)s lowered"),
        "withdrawn": lambda n: _("%(n)s taken back"),
    }
