"""Problems that show only when items are held beside each other: read groups → decide → write what differs.

Ignored items count too: the shop still sells them, and an order would name the same SKU.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery

from integrations.models import Integration
from products.batches import batched
from products.models import Product, WebshopProduct, WebshopProductQuerySet
from products.problems import Code, Problem, codes_text

Beat = Callable[[], None]
Found = dict[int, list[dict[str, Any]]]


def detect(integration: Integration, beat: Beat = lambda: None) -> None:
    """Find the shared problems of all items that the shop still shows; rows that have none any more are cleared.

    `beat` is called between its steps: a run renews its lease there.
    """
    items = integration.webshop_products.present()
    found: Found = defaultdict(list)
    has_products = Product.objects.for_merchant(integration.merchant).exists()
    for look in (*LOOKS, *(LOOKS_AT_PRODUCTS if has_products else ())):
        beat()
        for pk, problem in look(integration, items):
            found[pk].append(problem.dump())
    _write(integration, found, beat)


def mark(integration: Integration) -> list[Any]:
    """What else than the items the shared problems hang on; as long as it is the same, so are they."""
    products = Product.objects.for_merchant(integration.merchant).aggregate(n=Count("pk"), last=Max("changed_at"))
    return [integration.identifies_by, products["n"], products["last"] and products["last"].isoformat()]


def _same_sku_or_twins(integration: Integration, items: WebshopProductQuerySet) -> Iterator[tuple[int, Problem]]:
    """Items whose SKUs read alike; among these, those whose joined SKU is one."""
    for twins in _groups(items.exclude(sku=""), "sku_folded"):
        by_sku: dict[str, list[WebshopProduct]] = defaultdict(list)
        for item in twins:
            by_sku[item.sku].append(item)
        for group in by_sku.values():
            if len(group) > 1:
                yield from _same_sku(group)
        if len(by_sku) > 1 and twins[0].sku_folded:
            yield from _twins(twins)


def _same_sku(group: list[WebshopProduct]) -> Iterator[tuple[int, Problem]]:
    """Two items whose joined SKU is one: from the same parts, or (ambiguity) from different ones."""
    for item in group:
        other = _other(item, group)
        more = {"more": len(group) - 2} if len(group) > 2 else {}
        if other.sku_parts == item.sku_parts:
            yield item.pk, Problem(Code.SAME_SKU, {"sku": item.sku, "other": other.title, **more})
        else:
            parts = {"parts": _shown(item), "other_parts": _shown(other)}
            yield item.pk, Problem(Code.JOIN, {"sku": item.sku, "other": other.title, **parts, **more})


def _shown(item: WebshopProduct) -> list[str]:
    """The parts that are there; an empty one adds nothing."""
    return [part for part in item.sku_parts if part]


def _other(item: WebshopProduct, group: list[WebshopProduct]) -> WebshopProduct:
    """The one to name: rather one with the same parts than any."""
    others = [row for row in group[:50] if row.pk != item.pk] or [group[-1]]
    return next((row for row in others if row.sku_parts == item.sku_parts), others[0])


def _twins(group: list[WebshopProduct]) -> Iterator[tuple[int, Problem]]:
    first = group[0]
    second = next(row for row in group if row.sku != first.sku)
    for item in group:
        other = second if item.sku == first.sku else first
        yield item.pk, _twin(item, other.sku, other.title)


def _twin(item: WebshopProduct, sku: str, title: str) -> Problem:
    return Problem(Code.TWIN, {"sku": item.sku, "other_sku": sku, "other": title})


def _twins_of_products(integration: Integration, items: WebshopProductQuerySet) -> Iterator[tuple[int, Problem]]:
    """An item whose twin is already a product of the merchant."""
    products = Product.objects.for_merchant(integration.merchant)
    twin = products.filter(sku_folded=OuterRef("sku_folded")).exclude(sku=OuterRef("sku")).order_by("pk")
    same = products.filter(sku=OuterRef("sku"))
    unlinked = items.filter(product__isnull=True).exclude(sku_folded="")
    named = {"twin_sku": Subquery(twin.values("sku")[:1]), "twin_name": Subquery(twin.values("name")[:1])}
    for item in unlinked.filter(Exists(twin), ~Exists(same)).annotate(**named).iterator(chunk_size=500):
        yield item.pk, _twin(item, getattr(item, "twin_sku"), getattr(item, "twin_name"))  # noqa: B009  # annotations


def _same_ean(integration: Integration, items: WebshopProductQuerySet) -> Iterator[tuple[int, Problem]]:
    for group in _groups(items.exclude(ean=""), "ean", differing="sku"):
        first = group[0]
        second = next(row for row in group if row.sku != first.sku)
        more = {"more": len(group) - 2} if len(group) > 2 else {}
        for item in group:
            other = second if item.sku == first.sku else first
            named = {"ean": item.ean, "other": other.title, "other_sku": other.sku or "–"}
            yield item.pk, Problem(Code.EAN_TWICE, {**named, **more})


def _changed_sku(integration: Integration, items: WebshopProductQuerySet) -> Iterator[tuple[int, Problem]]:
    """The item is the same, its SKU is another: a person chooses whether the product follows."""
    if integration.identifies_by != Integration.Identify.SKU:
        return
    linked = items.filter(product__isnull=False).exclude(Q(product__sku=F("sku")) | Q(kept_sku=F("sku")))
    for pk, sku, old in linked.values_list("pk", "sku", "product__sku").iterator(chunk_size=2000):
        yield pk, Problem(Code.SKU_CHANGED, {"old": old, "sku": sku})


def _ean_missing(integration: Integration, items: WebshopProductQuerySet) -> Iterator[tuple[int, Problem]]:
    """Where products are identified by EAN, every item needs one."""
    if integration.identifies_by == Integration.Identify.EAN:
        yield from ((pk, Problem(Code.EAN_MISSING)) for pk in items.filter(ean="").values_list("pk", flat=True))


LOOKS = (_same_sku_or_twins, _same_ean, _ean_missing)
LOOKS_AT_PRODUCTS = (_twins_of_products, _changed_sku)


def _groups(items: WebshopProductQuerySet, key: str, differing: str = "pk") -> Iterator[list[WebshopProduct]]:
    """Items that share `key` while they differ in `differing`.

    First the keys alone, counted in one pass; then, of the few that are shared, the rows.
    """
    shared = items.order_by().values(key).annotate(least=Min(differing), most=Max(differing))
    keys = shared.exclude(least=F("most")).values_list(key, flat=True)
    columns = ("pk", "sku", "sku_folded", "sku_product", "sku_variant", "sku_size", "ean", "name", "variant", "size")
    for some in batched(sorted(keys), 500):
        rows = items.filter(**{f"{key}__in": some}).order_by(key, "pk").only(*columns, "external_id")
        for _key, group in groupby(rows.iterator(chunk_size=2000), key=lambda row: getattr(row, key)):
            yield list(group)


def _write(integration: Integration, found: Found, beat: Beat) -> None:
    """Only rows whose problems differ from what is stored are touched, in short transactions."""
    items = integration.webshop_products
    flagged = items.exclude(shared_problems=[], problem_codes="").values_list("pk", flat=True)
    touched = sorted({*found, *flagged})
    for batch in batched(touched, 1000):
        beat()
        with transaction.atomic():
            rows = items.filter(pk__in=batch).lock().only("pk", "own_problems", "shared_problems", "problem_codes")
            differing = [row for row in rows if _mark(row, found.get(row.pk, []))]
            WebshopProduct.objects.bulk_update(differing, ["shared_problems", "problem_codes"])


def _mark(row: WebshopProduct, shared: list[dict[str, Any]]) -> bool:
    """Put the problems into the row; says whether that changes anything."""
    before = (row.shared_problems, row.problem_codes)
    row.shared_problems, row.problem_codes = shared, codes_text([*row.own_problems, *shared])
    return before != (row.shared_problems, row.problem_codes)
