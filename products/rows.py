"""What a row of *Sync webshop products* says: the item on the left, what it is or would be in myOGO on the right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from integrations.models import Integration
from products import create
from products.models import Product, Tab, WebshopProduct
from products.problems import Code, Problem


@dataclass(frozen=True, slots=True)
class Row:
    """One item. `match` is the product that *Create product* would link it to, nothing where one would be made."""

    item: WebshopProduct
    match: Product | None = None

    @property
    def problems(self) -> list[Problem]:
        return self.item.problems

    @property
    def is_matched_by_ean(self) -> bool:
        return self.match is not None and self.match.sku != self.item.sku

    @property
    def has_changed_sku(self) -> bool:
        return any(problem.code == Code.SKU_CHANGED for problem in self.problems)

    @property
    def may_relink(self) -> bool:
        """Only where the new SKU is in order: with another problem it would make a faulty product."""
        return self.has_changed_sku and len(self.problems) == 1


def rows_of(integration: Integration, items: Iterable[WebshopProduct]) -> list[Row]:
    """The rows of one page, in one or two further queries whatever their number."""
    shown = list(items)
    new = [item for item in shown if item.tab == Tab.NEW]
    if not new:
        return [Row(item) for item in shown]
    shelf = create.look_up(integration, new)
    return [Row(item, create.match(integration, item, shelf) if item.tab == Tab.NEW else None) for item in shown]


def problem_counts(integration: Integration) -> dict[Code, int]:
    """How many items of the tab *Problems* have each problem, the most frequent first; one with two counts twice."""
    found: Counter[str] = Counter()
    items = integration.webshop_products.on_tab(Tab.PROBLEMS).order_by()
    for codes, number in items.values_list("problem_codes").annotate(number=Count("pk")):
        found.update({code: number for code in codes.strip("|").split("|")})
    return {Code(code): number for code, number in found.most_common()}
