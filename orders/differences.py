"""What the shop changed in an order after it was taken over: shown, to accept or to refuse.

`Order.taken` is a snapshot of what was taken over or last accepted, `Order.offered` one of what the shop says now where
that differs. A snapshot holds what matters to the parcel: lines and the shop's warehouses that send them, address,
shipping; not prices. What is offered holds also what a line that is new here brings along when it is accepted, and what
of each the shop has open.

The shop knows nothing of parts that were split off here: it is offered to each that can still take it, and one answer
is that of all of them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _

from integrations.connectors.base import LineData, OrderData
from integrations.models import Tone
from orders import deciding, moves, overruling, promise, reading
from orders.intent import parts_of
from orders.models import Order, Status
from orders.parts import BROUGHT, NUMBERS, is_read_as_shipment, take_lines

ADDRESS = ("name", "company", "address", "address2", "zip_code", "city", "state", "country", "phone", "email")
SHIPPING = ("shop_method", "ingrid_method", "pickup_point")
MAY_TAKE = (Status.DRAFT, Status.NEW, Status.PENDING, Status.RESERVED)


def snapshot(data: OrderData) -> dict[str, Any]:
    """What is compared, as JSON. `pieces` of a line are those ordered, `at` those of them by the shop's warehouse."""
    lines = [_line(line) for line in data.lines]
    address = asdict(data.deliver_to)
    return {
        "lines": sorted(lines, key=lambda line: str(line["external_id"])),
        "address": {key: address[key] for key in ADDRESS},
        "shop_method": data.shipping_method,
        "ingrid_method": data.ingrid_method,
        "pickup_point": data.pickup_point,
    }


def _line(line: LineData) -> dict[str, Any]:
    at: Counter[str] = Counter()
    for place in line.allocations:
        at[place.warehouse] += place.pieces
    said = {key: getattr(line, key) for key in ("external_id", "sku", "ean", "name", "pieces")}
    return {**said, "at": dict(at)}


def take_pieces(order: Order, pieces: Mapping[str, int]) -> None:
    """The shipment that this order is read as has just these pieces (by the shop's line id): no change of the shop's.

    It was made for what a short pick left over, or lowered from here. Saves the lines only.
    """
    if not order.taken or not is_read_as_shipment(order):
        return
    lines = [_without_places(line) for line in order.taken["lines"] if line["external_id"] in pieces]
    order.taken = {**order.taken, "lines": [{**line, "pieces": pieces[line["external_id"]]} for line in lines]}
    for row in order.lines.exclude(external_id=""):
        row.ordered = max(row.pieces, pieces.get(row.external_id, 0))
        row.save(update_fields=["ordered"])
    order.__dict__.pop("_prefetched_objects_cache", None)


def shown(order: Order, data: OrderData) -> dict[str, Any]:
    """The snapshot that this order is compared with.

    What a short pick left over of a shipment of the shop has none of its own yet: only its address can be told. Pieces
    that moved from one warehouse to another did not change, unless just one of the two is ours.
    """
    now = snapshot(data)
    before = {line["external_id"]: line for line in order.taken.get("lines", [])}
    now["lines"] = [_as_before(before.get(line["external_id"], {}), line, _ours(order)) for line in now["lines"]]
    if (order.shipment and order.shipment.external_id) or not is_read_as_shipment(order):
        return now
    return {**order.taken, "address": now["address"]}


def _ours(order: Order) -> Collection[str]:
    """The names of the shop's warehouses that are ours, or may be; none: all of them."""
    shop = order.integration
    return [*shop.warehouses_ours, *shop.warehouses_undecided] if shop and shop.warehouses_ours else ()


def _as_before(before: dict[str, Any], now: dict[str, Any], ours: Collection[str]) -> dict[str, Any]:
    """The line as it was where only its warehouses differ, and as many pieces are ours to send as were, or as many as
    were is not known."""
    is_same = _without_places(before) == _without_places(now)
    is_moved = "at" in before and _elsewhere(before, ours) != _elsewhere(now, ours)
    return before if is_same and not is_moved else now


def _without_places(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != "at"}


def _elsewhere(line: Mapping[str, Any], ours: Collection[str]) -> int:
    """Its pieces in warehouses of the shop that are not ours."""
    places = line.get("at", {}).items() if ours else ()
    return sum(pieces for name, pieces in places if name and name not in ours)


def offer(order: Order, data: OrderData) -> dict[str, Any] | None:
    """What the shop says now, where that is something else than what was taken over; else nothing."""
    now = shown(order, data)
    if not order.taken or order.taken == now or order.integration is None:
        return None
    return {**now, "brought": _brought(data, reading.settings_of(order.integration))}


def _brought(data: OrderData, settings: reading.Settings) -> dict[str, dict[str, Any]]:
    """By the shop's line id what else it shows of each line, numbers as text, and the pieces that it has open."""
    pieces = reading.pieces_of(data, settings)
    brought = {line.external_id: {key: getattr(line, key) for key in BROUGHT} for line in data.lines}
    for key, line in brought.items():
        line |= {name: str(line[name]) for name in NUMBERS if line[name] is not None}
        line |= {"open": pieces[key].open, "elsewhere": pieces[key].elsewhere}
    return brought


def said(offered: Mapping[str, Any]) -> dict[str, Any]:
    """Of what is offered, the snapshot."""
    return {key: value for key, value in offered.items() if key != "brought"}


def seal(order: Order) -> str:
    """A short text of what is offered, which the page sends back with the answer; `""` where nothing is."""
    if not order.offered:
        return ""
    return hashlib.sha256(msgspec.json.encode(said(order.offered), order="sorted")).hexdigest()[:20]


def differs(order: Order, data: OrderData) -> bool:
    """Whether the shop says something else than what was taken over."""
    return bool(order.taken) and order.taken != shown(order, data)


def differences(order: Order) -> list[tuple[str, str, str]]:
    """What changed, as (what, before, now), for a person to read."""
    return between(order, order.taken, order.offered) if order.offered else []


def between(order: Order, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """As `differences`, of two snapshots of an order."""
    found = _of_lines(before.get("lines", []), now.get("lines", []), _ours(order))
    for key in ADDRESS:
        found.append((label(key), before.get("address", {}).get(key, ""), now.get("address", {}).get(key, "")))
    for key in SHIPPING:
        found.append((label(key), before.get(key, ""), now.get(key, "")))
    return [(what, str(old), str(new)) for what, old, new in found if old != new]


def label(key: str) -> str:
    """The name of one of `ADDRESS` and `SHIPPING`."""
    return str(getattr(Order._meta.get_field(key), "verbose_name", key))


def _of_lines(
    before: list[dict[str, Any]], now: list[dict[str, Any]], ours: Collection[str]
) -> list[tuple[str, str, str]]:
    had = {line["external_id"]: line for line in before}
    has = {line["external_id"]: line for line in now}
    return [_of_line(had.get(key), has.get(key), ours) for key in sorted({*had, *has}, key=str)]


def _of_line(old: dict[str, Any] | None, new: dict[str, Any] | None, ours: Collection[str]) -> tuple[str, str, str]:
    """Pieces and SKU, and what is not ours to send; where these are the same and something else is not, all of it."""
    what = _("line %(sku)s") % {"sku": (new or old or {}).get("sku", "")}
    is_in_full = old != new and _said(old, ours) == _said(new, ours)
    return what, _said(old, ours, is_in_full=is_in_full), _said(new, ours, is_in_full=is_in_full)


def _said(line: dict[str, Any] | None, ours: Collection[str], *, is_in_full: bool = False) -> str:
    if line is None:
        return _("none")
    words = [line["sku"], *((line["ean"], line["name"]) if is_in_full else ())]
    if elsewhere := _elsewhere(line, ours):
        words.append(_("%(n)d sent from elsewhere") % {"n": elsewhere})
    return f"{line['pieces']} × {', '.join(filter(None, words))}"


def fit(order: Order, field: str, text: str) -> str:
    """The text as long as its column; what is cut is shown by an ellipsis."""
    limit: int | None = getattr(order._meta.get_field(field), "max_length", None)
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


# --- the answer ----------------------------------------------------------------------------


@transaction.atomic
def accept(order: Order, who: str, seen: str = "") -> None:
    """Take over what the shop says now, then decide: in all parts that the warehouse does not have yet.

    More pieces go into this part, unless only another can still take them. Raises `NotPossible` where nothing is
    offered any more, it is something else than was `seen` (see `seal`), or it is being handed over.
    """
    parts, mine, offered = _locked(order, seen)
    takers = _takers(mine, parts)
    if mine not in takers:
        raise moves.NotPossible(_("It is being handed over to the warehouse, which will meet the difference."))
    are_lines_other = any(part.taken.get("lines") != offered["lines"] for part in takers)
    subjects = {part.pk: overruling.subjects(part) for part in takers}
    for part in takers:
        _take_head(part, offered)
    if are_lines_other:
        take_lines(takers, [part for part in parts if part not in takers], offered)
    for part in takers:
        deciding.recognise(part)
    promise.lock_stock(parts)
    for part in parts:
        if part in takers:
            overruling.drop_changed(part, subjects[part.pk])
            part.save()
            part.tell(_("The shop’s change was accepted."), Tone.GOOD, who)
            _settle(part, parts, who)
        else:
            promise.reserve_for(part)


@transaction.atomic
def refuse(order: Order, who: str, seen: str = "") -> None:
    """Keep what was taken over, in all parts that the warehouse does not have yet; the shop's present state counts as
    seen. Raises `NotPossible` where nothing is offered any more, or something else than was `seen` (see `seal`).
    """
    parts, _mine, offered = _locked(order, seen)
    for part in parts:
        if part.status in MAY_TAKE and part.taken != said(offered):
            part.taken, part.offered = said(offered), None
            part.save()
            part.tell(_("The shop’s change was refused: it goes as it was first read."), Tone.NONE, who)
            deciding.decide(part)


def _locked(order: Order, seen: str) -> tuple[list[Order], Order, dict[str, Any]]:
    """All parts that are compared with the same picture of the shop, this one as it is now, and what it is offered.

    An answer is to what its page showed: where the shop has said something else since, it is to be looked at first.
    """
    related = ("merchant", "integration", "warehouse", "shipment")
    parts = list(parts_of(order).select_related(*related).lock())
    mine = next(part for part in parts if part.pk == order.pk)
    if not mine.offered or mine.status not in MAY_TAKE:
        raise moves.NotPossible(_("The shop’s change was answered, or taken back, meanwhile."))
    if seen and seen != seal(mine):
        raise moves.NotPossible(_("Nothing was done: the shop changed it once more. See the difference as it is now."))
    if is_read_as_shipment(mine):
        parts = [part for part in parts if part == mine or (part.shipment and part.shipment == mine.shipment)]
    return parts, mine, mine.offered


def _takers(mine: Order, parts: Sequence[Order]) -> list[Order]:
    """Those that can still take a change: of which the shop has no shipment yet first, and this one of them."""
    free = [part for part in parts if part.status in MAY_TAKE and not part.is_being_handed_over]
    return sorted(free, key=lambda part: (_has_shipment(part), part != mine, part.part))


def _has_shipment(part: Order) -> bool:
    return part.shipment is not None and bool(part.shipment.external_id) and part.shipment.withdrawn_at is None


def _take_head(part: Order, offered: dict[str, Any]) -> None:
    """Only what the shop changed: what a person mended here, or refused before, is not written over."""
    before = part.taken
    for key in ADDRESS:
        if offered["address"][key] != before.get("address", {}).get(key):
            setattr(part, key, fit(part, key, offered["address"][key]))
    for key in SHIPPING:
        if offered[key] != before.get(key):
            setattr(part, key, fit(part, key, offered[key]))
    part.taken, part.offered = said(offered), None
    part.facts = {key: fact for key, fact in part.facts.items() if key not in ("sent", "digest")}


def _settle(part: Order, parts: Sequence[Order], who: str) -> None:
    """Decided anew; a part of which nothing is left is cancelled, while there are others."""
    if not part.pieces and any(other.status != Status.CANCELLED for other in parts if other != part):
        moves.cancel(part, who, _("Nothing of it is left to send."))
        return
    deciding.decide(part)
    if part.status == Status.DRAFT:
        promise.reserve_for(part)
