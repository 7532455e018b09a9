"""What a shop's order means here, decided without network, clock or database.

ordered − sent = open: only that is ours to send. Nothing open: skipped. Pieces that the shop allocated in warehouses
which are not ours stay with them, and the order says so.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec
from django.utils.translation import gettext as _

from integrations.connectors.base import LineData, OrderData, OrderStatus, ShipmentData, ShipmentStatus
from integrations.models import Integration


class Skip(StrEnum):
    """Why an order is not taken. The words are kept with the number."""

    OLDER = "older"
    CANCELLED = "cancelled"
    SENT = "already sent"
    ELSEWHERE = "sent from elsewhere"
    OTHER = "taken by another integration"
    AS_SHIPMENTS = "taken as shipments"
    WHOLE = "taken as a whole order"
    UNSEEN = "shown only as a shipment"


@dataclass(frozen=True, slots=True)
class Settings:
    """What of an integration matters to reading."""

    takes_since: datetime
    ours: frozenset[str] = frozenset()  # names of the shop's warehouses that are ours; empty: all of them
    undecided: frozenset[str] = frozenset()  # those that were met since somebody chose: nobody has said whose they are
    zone: tzinfo = UTC  # the shop's, in whose wall clock it may tell its dates


@dataclass(frozen=True, slots=True)
class Pieces:
    """Of one line: ordered, open in the shop, and to be sent by us."""

    ordered: int
    open: int
    ours: int
    elsewhere: int


def settings_of(integration: Integration) -> Settings:
    """Shops write whole seconds: an order of the very second counts."""
    since = integration.takes_orders_since.replace(microsecond=0)
    names = frozenset(integration.warehouses_ours), frozenset(integration.warehouses_undecided)
    return Settings(since, *names, ZoneInfo(integration.time_zone))


def digest(data: OrderData, settings: Settings) -> str:
    """A fingerprint of all that the shop says and of what of ours changes its meaning.

    The same of a listing as of the order asked for by its number: of its shipments, only which there are and were sent.
    """
    ours: list[object] = [sorted(settings.ours), is_older(data, settings)]
    ours += [sorted(undecided)] if (undecided := settings.undecided.intersection(warehouses(data))) else []
    shipments = sorted((one.external_id, one.status is ShipmentStatus.SENT) for one in data.shipments)
    raw = msgspec.json.encode([asdict(replace(data, shipments=())), shipments, ours], order="sorted", enc_hook=str)
    return hashlib.sha256(raw).hexdigest()[:32]


def is_older(data: OrderData, settings: Settings) -> bool:
    """Placed before the moment since which orders are taken; one without a date is not.

    In the hour that comes twice when summer time ends, a wall clock does not say which of the two it was: it counts as
    the later one, for an order that is left is left for good.
    """
    if data.placed_at is None or data.placed_at >= settings.takes_since:
        return False
    latest = data.placed_at.astimezone(settings.zone).replace(fold=1)
    return latest.astimezone(UTC) < settings.takes_since


def is_closed(data: OrderData) -> bool:
    return data.status in (OrderStatus.COMPLETED, OrderStatus.ARCHIVED, OrderStatus.CANCELLED)


def needs_details(data: OrderData) -> bool:
    """Whether it is left open what was sent: a sent shipment is named without its pieces. Of a closed order nothing
    is open, whatever was sent."""
    sent = (one for one in data.shipments if one.status is ShipmentStatus.SENT)
    return not is_closed(data) and any(is_riddle(one) for one in sent)


def is_riddle(shipment: ShipmentData) -> bool:
    """Which pieces are in it is not shown: it is only named, or shown as bundles without their parts."""
    return not shipment.pieces or bool(shipment.order and shipment.order.has_only_bundles)


def sent_pieces(shipments: Sequence[ShipmentData]) -> Counter[str]:
    """Pieces by line id in shipments that were sent already."""
    sent: Counter[str] = Counter()
    for shipment in shipments:
        if shipment.status is ShipmentStatus.SENT:
            sent.update(dict(shipment.pieces))
    return sent


def open_shipments(data: OrderData) -> list[ShipmentData]:
    return [one for one in data.shipments if one.status is not ShipmentStatus.SENT]


def pieces_of(data: OrderData, settings: Settings) -> dict[str, Pieces]:
    """By line id. A closed order has nothing open, whatever its shipments say."""
    sent = sent_pieces(data.shipments)
    closed = is_closed(data)
    return {line.external_id: _pieces(line, sent[line.external_id], closed, settings) for line in data.lines}


def _pieces(line: LineData, sent: int, closed: bool, settings: Settings) -> Pieces:
    left = 0 if closed else max(0, line.pieces - sent)
    elsewhere = min(left, _elsewhere(line, settings))
    return Pieces(line.pieces, left, left - elsewhere, elsewhere)


def _elsewhere(line: LineData, settings: Settings) -> int:
    if not settings.ours:
        return 0
    may_be_ours = settings.ours | settings.undecided
    return sum(place.pieces for place in line.allocations if place.warehouse and place.warehouse not in may_be_ours)


def warehouses(data: OrderData) -> list[str]:
    """The names of the shop's warehouses in this order."""
    names = {place.warehouse: None for line in data.lines for place in line.allocations if place.warehouse}
    return list(names)


def skip(data: OrderData, settings: Settings) -> Skip | None:
    """Why an order that is not here yet is not taken; nothing where it is."""
    if is_older(data, settings):
        return Skip.OLDER
    if data.status is OrderStatus.CANCELLED:
        return Skip.CANCELLED
    pieces = pieces_of(data, settings).values()
    if any(one.ordered for one in pieces):
        if not any(one.open for one in pieces):
            return Skip.SENT
        if not any(one.ours for one in pieces):
            return Skip.ELSEWHERE
    return None


def facts(data: OrderData, settings: Settings, met: Sequence[str]) -> dict[str, str]:
    """What stands against sending it, as sentences by the keys that `deciding` knows."""
    found: dict[str, str] = {}
    if len(open_shipments(data)) > 1:
        found["several"] = _(
            "The shop has %(n)d open shipments of this order: merge them there, or send it from there."
        ) % {"n": len(open_shipments(data))}
    if data.has_only_bundles:
        found["unreadable"] = _(
            "the shop shows bundles without their parts. Set the plugin’s bundle layout to show the items."
        )
    if needs_details(data):
        found["unreadable"] = _("the shop has sent some of it, but does not show which pieces.")
    if len({line.external_id for line in data.lines}) < len(data.lines):
        found["unreadable"] = _("the shop shows two lines under one number.")
    names = warehouses(data)
    is_asked = not settings.ours and len(met) > 1 and any(name != met[0] for name in names)
    if is_asked or settings.undecided.intersection(names):
        found["warehouses"] = _(
            "The shop sends it from “%(names)s”. Choose which of the shop’s warehouses are ours."
        ) % {"names": "”, “".join(names)}
    return found


def share_out(total: int, wanted: Mapping[int, int]) -> dict[int, int]:
    """Open pieces of a shop's line, shared out over the parts that want them; what is left goes to the first."""
    shares: dict[int, int] = {}
    for key, pieces in wanted.items():
        shares[key] = min(pieces, total)
        total -= shares[key]
    for key in shares:
        shares[key] += total
        break
    return shares
