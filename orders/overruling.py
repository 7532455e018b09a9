"""What was overruled counts for what the order said then: the cause is dropped when that changes."""

from __future__ import annotations

from collections.abc import Mapping

from orders.models import Cause, Order

PLACE = ("name", "company", "address", "address2", "zip_code", "city", "state", "country", "pickup_point")


def subjects(order: Order) -> dict[str, list[str]]:
    """By overruled cause what of the order it is about, as it is now."""
    return {cause: _subject(order, cause) for cause in order.overruled}


def drop_changed(order: Order, before: Mapping[str, list[str]]) -> None:
    """Keep overruled only what is still about the same as `before`, see `subjects`. Saved by the caller."""
    order.overruled = [cause for cause in order.overruled if _subject(order, cause) == before.get(cause)]


def _subject(order: Order, cause: str) -> list[str]:
    if cause == Cause.ADDRESS:
        return [str(getattr(order, name)) for name in PLACE]
    if cause == Cause.PHONE:
        return [order.phone]
    if cause == Cause.CUSTOMS:
        return [str(order.country), *sorted({line.sku for line in order.lines.all() if line.pieces})]
    return order.customisation.split()  # a browser ends lines otherwise
