"""Which product a line of a shop's order means.

Line → the shop's item by the joined SKU exactly as given, else by EAN where exactly one item has it. Both known but
naming different items: nobody may guess. The item's product is what the warehouse keeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from integrations.models import Integration
from merchants.models import Merchant
from products.models import Product, WebshopProduct


@dataclass(frozen=True, slots=True)
class Match:
    """What was found: at most one item, its product where it is linked, and why there is none in plain words."""

    item: WebshopProduct | None = None
    product: Product | None = None
    is_ambiguous: bool = False


class Catalogue:
    """The items of a shop that some lines could mean, read once."""

    def __init__(
        self, items: Iterable[WebshopProduct], skus: frozenset[str] = frozenset(), eans: frozenset[str] = frozenset()
    ) -> None:
        self._asked = skus, eans
        self._by_sku: dict[str, list[WebshopProduct]] = defaultdict(list)
        self._by_ean: dict[str, list[WebshopProduct]] = defaultdict(list)
        for item in items:
            if item.sku:
                self._by_sku[item.sku].append(item)
            if item.ean:
                self._by_ean[item.ean].append(item)

    @classmethod
    def of(cls, integration: Integration, skus: frozenset[str], eans: frozenset[str]) -> Catalogue:
        """Items that are gone from the shop count as well: an older order may name them."""
        items = integration.webshop_products.select_related("product")
        found = {item.pk: item for item in items.filter(sku__in=skus - {""}).order_by("pk")}
        found |= {item.pk: item for item in items.filter(ean__in=eans - {""}).order_by("pk")}
        return cls(found.values(), skus, eans)

    def covers(self, skus: frozenset[str], eans: frozenset[str]) -> bool:
        """Whether all of these were asked for when this was read."""
        return skus <= self._asked[0] and eans <= self._asked[1]

    def match(self, sku: str, ean: str) -> Match:
        by_sku, by_ean = _usable(self._by_sku.get(sku, [])), _usable(self._by_ean.get(ean, []))
        if by_sku and len(by_ean) == 1:
            if by_ean[0] not in by_sku:
                return Match(is_ambiguous=True)
            by_sku = by_sku if _one_product(by_sku) else by_ean  # twins by their SKU: the EAN tells which
        if by_sku:
            is_riddle = len(by_sku) > 1 and not _one_product(by_sku)
            return Match(is_ambiguous=True) if is_riddle else Match(by_sku[0], by_sku[0].product)
        return Match(by_ean[0], by_ean[0].product) if len(by_ean) == 1 else Match()


class Shelf:
    """The products of a merchant by SKU, for orders made by hand."""

    def __init__(self, merchant: Merchant, skus: set[str]) -> None:
        products = Product.objects.for_merchant(merchant).filter(sku__in=skus)
        self._by_sku = {product.sku: product for product in products}

    def match(self, sku: str, ean: str) -> Match:
        return Match(product=self._by_sku.get(sku))


def _usable(items: list[WebshopProduct]) -> list[WebshopProduct]:
    """Where several have the same text, those that are still in the shop go before those that are gone."""
    present = [item for item in items if item.gone_at is None]
    return present or items


def _one_product(items: list[WebshopProduct]) -> bool:
    """Several items that mean the same product are no riddle."""
    return len({item.product_id for item in items}) == 1 and items[0].product_id is not None
