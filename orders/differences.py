"""What the shop changed in an order after it was taken over: shown, to accept or to refuse.

`Order.taken` is a snapshot of what was taken over or last accepted, `Order.offered` one of what the shop says now where
that differs. A snapshot holds what matters to the parcel: lines, address, shipping; not prices. What is offered holds
also what a line that is new here brings along when it is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from integrations.connectors.base import OrderData
from integrations.models import Tone
from orders import deciding
from orders.models import SPLIT_PARTS, Order, Status

ADDRESS = ("name", "company", "address", "address2", "zip_code", "city", "state", "country", "phone", "email")
SHIPPING = ("shop_method", "ingrid_method", "pickup_point")
NUMBERS = ("price", "vat_percent", "weight_kg")
BROUGHT = (*NUMBERS, "country_of_origin", "hs_code", "comment", "bundle")  # of a line, and no difference by itself


def snapshot(data: OrderData) -> dict[str, Any]:
    """What is compared, as JSON. `pieces` are those ordered."""
    lines = [
        {"external_id": line.external_id, "sku": line.sku, "ean": line.ean, "name": line.name, "pieces": line.pieces}
        for line in data.lines
    ]
    address = asdict(data.deliver_to)
    return {
        "lines": sorted(lines, key=lambda line: str(line["external_id"])),
        "address": {key: address[key] for key in ADDRESS},
        "shop_method": data.shipping_method,
        "ingrid_method": data.ingrid_method,
        "pickup_point": data.pickup_point,
    }


def of_pieces(taken: Mapping[str, Any], pieces: Mapping[str, int]) -> dict[str, Any]:
    """The snapshot with just these pieces, by the shop's line id."""
    lines = [line for line in taken.get("lines", []) if str(line["external_id"]) in pieces]
    return {**taken, "lines": [{**line, "pieces": pieces[str(line["external_id"])]} for line in lines]}


def offer(data: OrderData) -> dict[str, Any]:
    """The snapshot, and by the shop's line id what else it shows of each line; numbers as text."""
    brought = {line.external_id: {key: getattr(line, key) for key in BROUGHT} for line in data.lines}
    for line in brought.values():
        line |= {key: str(line[key]) for key in NUMBERS if line[key] is not None}
    return {**snapshot(data), "brought": brought}


def said(offered: Mapping[str, Any]) -> dict[str, Any]:
    """Of what is offered, the snapshot."""
    return {key: value for key, value in offered.items() if key != "brought"}


def differs(order: Order, data: OrderData) -> bool:
    """Whether the shop says something else than what was taken over."""
    return bool(order.taken) and order.taken != snapshot(data)


def differences(order: Order) -> list[tuple[str, str, str]]:
    """What changed, as (what, before, now), for a person to read."""
    return between(order.taken, order.offered) if order.offered else []


def between(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """As `differences`, of two snapshots."""
    found = _of_lines(before.get("lines", []), now.get("lines", []))
    for key in ADDRESS:
        found.append((label(key), before.get("address", {}).get(key, ""), now.get("address", {}).get(key, "")))
    for key in SHIPPING:
        found.append((label(key), before.get(key, ""), now.get(key, "")))
    return [(what, str(old), str(new)) for what, old, new in found if old != new]


def label(key: str) -> str:
    """The name of one of `ADDRESS` and `SHIPPING`."""
    return str(getattr(Order._meta.get_field(key), "verbose_name", key))


def _of_lines(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    had = {line["external_id"]: line for line in before}
    has = {line["external_id"]: line for line in now}
    return [_of_line(had.get(key), has.get(key)) for key in sorted({*had, *has}, key=str)]


def _of_line(old: dict[str, Any] | None, new: dict[str, Any] | None) -> tuple[str, str, str]:
    """Pieces and SKU; where these are the same and something else is not, all that the line says."""
    what = _("line %(sku)s") % {"sku": (new or old or {}).get("sku", "")}
    is_in_full = old != new and _said(old) == _said(new)
    return what, _said(old, is_in_full=is_in_full), _said(new, is_in_full=is_in_full)


def _said(line: dict[str, Any] | None, *, is_in_full: bool = False) -> str:
    if line is None:
        return _("none")
    words = [line["sku"], *((line["ean"], line["name"]) if is_in_full else ())]
    return f"{line['pieces']} × {', '.join(filter(None, words))}"


def fit(order: Order, field: str, text: str) -> str:
    """The text as long as its column; what is cut is shown by an ellipsis."""
    limit: int | None = getattr(order._meta.get_field(field), "max_length", None)
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


@transaction.atomic
def accept(order: Order, who: str) -> None:
    """Take over what the shop says now, then decide. Only while the order is not handed over."""
    fresh = Order.objects.select_related("merchant", "integration", "warehouse").lock().get(pk=order.pk)
    if not fresh.offered or not _is_open(fresh):
        return
    told, before = fresh.offered, fresh.taken
    # Only what the shop changed: what a person mended here, or refused before, is not written over.
    for key in ADDRESS:
        if told["address"][key] != before.get("address", {}).get(key):
            setattr(fresh, key, fit(fresh, key, told["address"][key]))
    for key in SHIPPING:
        if told[key] != before.get(key):
            setattr(fresh, key, fit(fresh, key, told[key]))
    if fresh.part < SPLIT_PARTS:  # the shop knows nothing of parts that were split off here: the rest takes the change
        _take_lines(fresh, told["lines"], told.get("brought", {}))
    fresh.taken, fresh.offered = said(told), None
    fresh.facts = {key: fact for key, fact in fresh.facts.items() if key not in ("sent", "digest")}
    fresh.save()
    fresh.tell(_("The shop’s change was accepted."), Tone.GOOD, who)
    deciding.decide(fresh)


@transaction.atomic
def refuse(order: Order, who: str) -> None:
    """Keep what was taken over; the shop's present state counts as seen."""
    fresh = Order.objects.select_related("merchant", "integration", "warehouse").lock().get(pk=order.pk)
    if not fresh.offered:
        return
    fresh.taken, fresh.offered = said(fresh.offered), None
    fresh.save()
    fresh.tell(_("The shop’s change was refused: it goes as it was first read."), Tone.NONE, who)
    deciding.decide(fresh)


def _brought(shown: dict[str, Any]) -> dict[str, Any]:
    """As the fields of a line."""
    fields: dict[str, Any] = {
        key: Decimal(value) if key in NUMBERS and value is not None else value for key, value in shown.items()
    }
    return {**fields, **{key: fields[key][:size] for key, size in (("hs_code", 20), ("bundle", 300)) if key in fields}}


def _is_open(order: Order) -> bool:
    return (
        order.status in (Status.DRAFT, Status.NEW, Status.PENDING, Status.RESERVED) and not order.is_being_handed_over
    )


def _take_lines(order: Order, lines: list[dict[str, Any]], brought: dict[str, dict[str, Any]]) -> None:
    """The lines as the shop has them now; what was sent or goes from elsewhere stays so."""
    had = {line.external_id: line for line in order.lines.all() if line.external_id}
    for told in lines:
        line = had.pop(told["external_id"], None)
        if line is None:
            more = _brought(brought.get(told["external_id"], {}))
            order.customisation = "\n".join(filter(None, (order.customisation, more.get("comment"))))
            order.lines.create(
                external_id=told["external_id"],
                sku=told["sku"][:200],
                ean=told["ean"][:40],
                name=told["name"][:300],
                pieces=told["pieces"],
                ordered=told["pieces"],
                open_in_shop=told["pieces"],
                **more,
            )
            continue
        if line.sku != told["sku"][:200]:  # another item: what belongs to the one before it is not true of it
            for key, value in _brought(brought.get(told["external_id"], {})).items():
                setattr(line, key, value)
        added = told["pieces"] - line.ordered  # what is open there was written when the change was read
        line.sku, line.ean, line.name = told["sku"][:200], told["ean"][:40], told["name"][:300]
        line.ordered = told["pieces"]
        line.pieces = max(0, line.pieces + added)
        line.save()
    for line in had.values():
        line.delete()
    order.__dict__.pop("_prefetched_objects_cache", None)
