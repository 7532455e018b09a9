"""What a shop should show of an item: one formula, shown with its numbers on the product page.

    on hand − reserved (all orders) + counted twice − buffer, never below 0

*Counted twice* stands for the shop's own open orders: its physical count still contains their pieces, and so do we
take them off by what we hold for them. Per order the smaller of the two is added back (product.md 5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F, FilteredRelation, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Greatest, Least

from integrations.models import Integration
from products.models import Reservation, WebshopProduct, WebshopProductQuerySet

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable


@dataclass(frozen=True, slots=True)
class Formula:
    """The numbers of one item, in pieces, in the warehouse of its integration."""

    on_hand: int
    reserved: int
    counted_twice: int
    buffer: int

    @property
    def figure(self) -> int:
        """What the shop should show as its physical stock."""
        return max(0, self.on_hand - self.reserved + self.counted_twice - self.buffer)


def explain(item: WebshopProduct) -> Formula | None:
    """The formula of one item; nothing for an item that is not linked to a product, for such has no figure."""
    return figures(item.integration, [item]).get(item.pk)


def figures(integration: Integration, items: Iterable[WebshopProduct]) -> dict[int, Formula]:
    """The formulas of these items of this integration, by the items' keys, in one query.

    Items that are not linked are left out. Where two items of one shop are linked to one product, each of them has the
    product's whole figure: the shop may sell the same pieces under either.
    """
    chosen = WebshopProduct.objects.filter(pk__in=[item.pk for item in items], integration=integration)
    return {row["pk"]: formula_of(row, integration) for row in with_numbers(integration, chosen).values(*NUMBERS)}


NUMBERS = ("pk", "on_hand", "reserved", "counted_twice", "open_pieces")


def with_numbers(integration: Integration, items: WebshopProductQuerySet) -> QuerySet[Any]:
    """Adds to the linked ones of these items what the formula is made of, and `should`, the figure itself.

    `open_pieces` is what the shop's orders that we know still have open there.
    """
    held = Least(F("held") + F("deducted"), F("open_in_shop"))
    here = FilteredRelation("product__stocks", condition=Q(product__stocks__warehouse=integration.warehouse_id))
    return items.filter(product__isnull=False).annotate(
        here=here,
        on_hand=Coalesce(F("here__on_hand"), 0),
        reserved=Coalesce(F("here__reserved"), 0),
        counted_twice=_of_orders(integration, Sum(held)),
        open_pieces=_of_orders(integration, Sum("open_in_shop")),
        should=Greatest(Value(0), F("on_hand") - F("reserved") + F("counted_twice") - Value(integration.safety_buffer)),
    )


def formula_of(row: dict[str, int], integration: Integration) -> Formula:
    """The formula of a row that `with_numbers` made."""
    return Formula(row["on_hand"], row["reserved"], row["counted_twice"], integration.safety_buffer)


def _of_orders(integration: Integration, total: Sum) -> Combinable:
    """A sum over what orders of this shop hold of the product in the integration's warehouse."""
    rows = Reservation.objects.filter(stock=OuterRef("here__id"), shop=integration.shop).order_by()
    return Coalesce(Subquery(rows.values("stock").annotate(total=total).values("total")), 0)
