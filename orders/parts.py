"""The parts of one order, which the shop knows as a whole: what it has open, and what it changes, counts once.

share_out()    the shop's open pieces of each line, over the parts that still count them
take_lines()   the shop's lines as they are now, taken by the parts that can still take a change: more goes to the first
               of them, less is taken away from one after the other, what another part sends already stays with it

`OrderLine.ordered` is of the whole order and the same in every part: so that what one part took, no other takes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from orders import reading
from orders.models import SPLIT_PARTS, Order, OrderLine, Status

NUMBERS = ("price", "vat_percent", "weight_kg")
BROUGHT = (*NUMBERS, "country_of_origin", "hs_code", "comment", "bundle")  # of a line, and no difference by itself
OVER = (Status.CANCELLED, Status.RETURNED)  # nothing of these is to be sent any more

Rows = dict[str, list[OrderLine]]  # by the shop's line id


def is_read_as_shipment(order: Order) -> bool:
    """Whether it, or the order it was split off from, was a shipment of the shop when it was read."""
    first = order
    while first.split_from is not None:
        first = first.split_from
    return 0 < first.part < SPLIT_PARTS


# --- open in the shop ----------------------------------------------------------------------


def share_out(parts: Iterable[Order], opens: Mapping[str, int]) -> None:
    """The shop's open pieces of each line, over the parts that still count them; what is sent here comes last."""
    last = (Status.SHIPPED, Status.CANCELLED)
    counting = sorted(
        (part for part in parts if part.told_at is None),
        key=lambda part: (part.status in last, part.status == Status.CANCELLED, part.part),
    )
    for external_id, rows in _rows(counting).items():
        shares = reading.share_out(opens.get(external_id, 0), {row.pk: row.pieces for row in rows})
        for row in rows:
            if row.open_in_shop != shares[row.pk]:
                row.open_in_shop = shares[row.pk]
                row.save(update_fields=["open_in_shop"])


def _rows(parts: Iterable[Order]) -> Rows:
    """The shop's lines of all these, in their order."""
    found: Rows = {}
    for part in parts:
        for line in part.lines.all():
            if line.external_id:
                found.setdefault(line.external_id, []).append(line)
    return found


# --- changed in the shop -------------------------------------------------------------------


def take_lines(takers: Sequence[Order], others: Sequence[Order], offered: Mapping[str, Any]) -> None:
    """The lines that the shop offered, see `differences.offer`; all locked by the caller, who decides them afterwards.

    `takers` are the parts that can still take a change, the first of them first; `others` the rest of the parts.
    """
    mine, theirs = _rows(takers), _rows(others)
    for told in offered["lines"]:
        key = told["external_id"]
        shown = offered["brought"][key]
        if key in mine or key in theirs:
            _take_line(takers[0], mine.get(key, []), theirs.get(key, []), told, shown)
        else:
            _add_line(takers[0], told, shown)
    gone = mine.keys() - {told["external_id"] for told in offered["lines"]}
    OrderLine.objects.filter(pk__in=[row.pk for key in gone for row in mine[key]]).delete()
    for part in (*takers, *others):
        part.__dict__.pop("_prefetched_objects_cache", None)
    share_out([*takers, *others], {key: shown["open"] for key, shown in offered["brought"].items()})


def _take_line(
    first: Order, mine: list[OrderLine], theirs: list[OrderLine], told: Mapping[str, Any], shown: Mapping[str, Any]
) -> None:
    known = (mine or theirs)[0]
    more = (told["pieces"] - shown["elsewhere"]) - (known.ordered - known.elsewhere)
    if more > 0:
        if not mine or mine[0].order_id != first.pk:
            mine.insert(0, _empty_copy(known, first))
        mine[0].pieces += more
    else:
        _take_away(mine, min(-more, _too_many([*mine, *theirs], shown["open"] - shown["elsewhere"])))
    for row in mine:
        _write_said(row, told, shown)
        row.ordered, row.elsewhere = told["pieces"], shown["elsewhere"]
        row.save()
    for row in theirs:
        row.ordered = max(told["pieces"], row.pieces)
        row.save(update_fields=["ordered"])


def _too_many(rows: Iterable[OrderLine], wanted: int) -> int:
    """By how many pieces all parts together would send more than the shop still wants from here.

    Fewer than it took off where somebody here took some off before, or cancelled a part.
    """
    sending = sum(row.pieces for row in rows if row.order.told_at is None and row.order.status not in OVER)
    return max(0, sending - wanted)


def _take_away(rows: Iterable[OrderLine], pieces: int) -> None:
    for row in rows:
        taken = min(row.pieces, pieces)
        row.pieces -= taken
        pieces -= taken


def _empty_copy(row: OrderLine, part: Order) -> OrderLine:
    """The same line of the shop in another part, without pieces yet."""
    copy = OrderLine.objects.get(pk=row.pk)
    copy.pk, copy._state.adding = None, True
    copy.order, copy.pieces, copy.open_in_shop, copy.found, copy.returned = part, 0, 0, None, 0
    return copy


def _write_said(row: OrderLine, told: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    """What the line is; of another item than before all that belongs to it."""
    if row.sku != told["sku"][:200]:
        for key, value in _brought(shown).items():
            setattr(row, key, value)
    row.sku, row.ean, row.name = told["sku"][:200], told["ean"][:40], told["name"][:300]


def _add_line(part: Order, told: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    """A line that no part has."""
    more = _brought(shown)
    part.customisation = "\n".join(filter(None, (part.customisation, more.get("comment"))))
    part.lines.create(
        external_id=told["external_id"],
        sku=told["sku"][:200],
        ean=told["ean"][:40],
        name=told["name"][:300],
        pieces=max(0, shown["open"] - shown["elsewhere"]),
        ordered=told["pieces"],
        open_in_shop=shown["open"],
        elsewhere=shown["elsewhere"],
        **more,
    )


def _brought(shown: Mapping[str, Any]) -> dict[str, Any]:
    """As the fields of a line."""
    fields: dict[str, Any] = {key: shown[key] for key in BROUGHT}
    fields |= {key: Decimal(fields[key]) for key in NUMBERS if fields[key] is not None}
    return {**fields, "hs_code": fields["hs_code"][:20], "bundle": fields["bundle"][:300]}
