"""Items of a shop → products of the merchant: makes what is missing, links what exists, leaves the rest with a reason.

read     the chosen items in batches, and the merchant's products that could be theirs
decide   link, create or leave (pure: `match`)
write    one short transaction per batch; the unique SKU of a merchant's products makes it safe to press twice
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from integrations.models import Integration
from products import detect, skus
from products.batches import batched
from products.models import Product, Tab, WebshopProduct, WebshopProductQuerySet
from products.problems import Code

BATCH = 1000


@dataclass(slots=True)
class Answer:
    """What *Create product* did. `left` counts the rest by the tab that says why."""

    created: int = 0
    linked: int = 0
    left: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Shelf:
    """The merchant's products that a batch of items could mean."""

    by_sku: dict[str, Product]
    by_ean: dict[str, list[Product]]


def create(integration: Integration, items: WebshopProductQuerySet, beat: detect.Beat = lambda: None) -> Answer:
    """Create or link these items. What is linked already, ignored, gone or has a problem is left.

    `beat` is called between batches: a run renews its lease there.
    """
    detect.detect(integration, beat)  # a refresh under way may have shown twins that nobody has compared yet
    answer = Answer()
    chosen = list(items.order_by("pk").values_list("pk", "tab"))
    answer.left.update(tab for _pk, tab in chosen if tab != Tab.NEW)
    for batch in batched((pk for pk, tab in chosen if tab == Tab.NEW), BATCH):
        beat()
        with transaction.atomic():
            _create_batch(integration, batch, answer)
    return answer


def _create_batch(integration: Integration, pks: list[int], answer: Answer) -> None:
    put(integration, list(integration.webshop_products.filter(pk__in=pks, tab=Tab.NEW).lock()), answer)


def put(integration: Integration, items: list[WebshopProduct], answer: Answer) -> None:
    """Create or link these new items, which the caller has locked, within its transaction."""
    shelf = look_up(integration, items)
    existing = {item.pk: match(integration, item, shelf) for item in items}
    missing = [item for item in items if existing[item.pk] is None]
    made = make(integration, missing)
    for item in items:
        item.product = existing[item.pk] or made[item.sku]
    WebshopProduct.objects.bulk_update(items, ["product"], batch_size=BATCH)
    _take(item for item in items if existing[item.pk])
    answer.created += len(missing)
    answer.linked += len(items) - len(missing)


def look_up(integration: Integration, items: list[WebshopProduct]) -> Shelf:
    """The products of the merchant with an SKU (or EAN, where products are identified so) of these items."""
    products = Product.objects.for_merchant(integration.merchant)
    by_sku = {product.sku: product for product in products.filter(sku__in=[item.sku for item in items if item.sku])}
    by_ean: dict[str, list[Product]] = {}
    if integration.identifies_by == Integration.Identify.EAN:
        for product in products.filter(ean__in={item.ean for item in items if item.ean}):
            by_ean.setdefault(product.ean, []).append(product)
    return Shelf(by_sku, by_ean)


def match(integration: Integration, item: WebshopProduct, shelf: Shelf) -> Product | None:
    """The product that this item means: by EAN where so set and only one has it, else by the SKU, to the letter."""
    if integration.identifies_by == Integration.Identify.EAN and len(shelf.by_ean.get(item.ean, [])) == 1:
        return shelf.by_ean[item.ean][0]
    return shelf.by_sku.get(item.sku)


def make(integration: Integration, items: list[WebshopProduct]) -> dict[str, Product]:
    """New products of these items by SKU; one that somebody made this very moment is taken as it is.

    In the order of their SKUs: two shops that bring the same ones at once wait for each other, never crosswise.
    """
    new = [
        Product(
            merchant=integration.merchant,
            sku=item.sku,
            sku_folded=skus.fold(item.sku),
            **{key: value for key, value in item.as_product_fields().items() if value is not None},
        )
        for item in sorted(items, key=lambda item: item.sku)
    ]
    Product.objects.bulk_create(new, ignore_conflicts=True, batch_size=BATCH)
    found = Product.objects.for_merchant(integration.merchant).filter(sku__in=[item.sku for item in items])
    return {product.sku: product for product in found}


def relink(item: WebshopProduct) -> Product | None:
    """Its SKU was changed in the shop: link it to the product of the new SKU, made where there is none.

    Nothing happens where a refresh changed the item meanwhile, or the new SKU has a problem of its own.
    """
    with transaction.atomic():
        fresh = _still_changed(item)
        if fresh is None or fresh.sku != item.sku or fresh.problem_codes != f"|{Code.SKU_CHANGED}|":
            return None
        product = look_up(item.integration, [fresh]).by_sku.get(fresh.sku) or make(item.integration, [fresh])[fresh.sku]
        fresh.product, fresh.kept_sku = product, ""
        fresh.save(update_fields=["product", "kept_sku"])
        _take([fresh])
    detect.detect(item.integration)
    return product


def keep_link(item: WebshopProduct) -> bool:
    """Its SKU was changed in the shop, the goods still carry the old one: stay with the product, ask no more."""
    with transaction.atomic():
        fresh = _still_changed(item)
        if fresh is None or fresh.sku != item.sku:
            return False
        fresh.kept_sku = fresh.sku
        fresh.save(update_fields=["kept_sku"])
    detect.detect(item.integration)
    return True


def _still_changed(item: WebshopProduct) -> WebshopProduct | None:
    """The row as it is now, locked, if its SKU still waits for a choice."""
    waiting = item.integration.webshop_products.with_problem(Code.SKU_CHANGED).filter(product__isnull=False)
    return waiting.filter(pk=item.pk).lock().first()


def relink_all(integration: Integration, items: WebshopProductQuerySet) -> int:
    """Link these items, whose SKU was changed in the shop, to the products of the new SKUs; returns how many.

    Left are those whose new SKU has a problem of its own or reads like that of another product.
    """
    done = _in_batches(items, lambda pks: _relink_batch(integration, pks))
    detect.detect(integration)
    return done


def keep_all(integration: Integration, items: WebshopProductQuerySet) -> int:
    """Stay with the products of these items, whose SKU was changed in the shop; returns how many."""

    def keep(pks: list[int]) -> int:
        locked = list(
            integration.webshop_products.with_changed_sku().filter(pk__in=pks).lock().values_list("pk", flat=True)
        )
        return WebshopProduct.objects.filter(pk__in=locked).update(kept_sku=F("sku"))

    done = _in_batches(items, keep)
    detect.detect(integration)
    return done


def _in_batches(items: WebshopProductQuerySet, work: Callable[[list[int]], int]) -> int:
    done = 0
    for pks in batched(list(items.with_changed_sku().order_by("pk").values_list("pk", flat=True)), BATCH):
        with transaction.atomic():
            done += work(pks)
    return done


def _relink_batch(integration: Integration, pks: list[int]) -> int:
    waiting = integration.webshop_products.with_changed_sku().filter(pk__in=pks, problem_codes=f"|{Code.SKU_CHANGED}|")
    items = list(waiting.lock())
    shelf = look_up(integration, items).by_sku
    alike = set(
        Product.objects.for_merchant(integration.merchant)
        .filter(sku_folded__in=[item.sku_folded for item in items])
        .values_list("sku_folded", flat=True)
    )
    able = [item for item in items if item.sku in shelf or item.sku_folded not in alike]
    shelf |= make(integration, [item for item in able if item.sku not in shelf])
    for item in able:
        item.product, item.kept_sku = shelf[item.sku], ""
    WebshopProduct.objects.bulk_update(able, ["product", "kept_sku"], batch_size=BATCH)
    _take(able)
    return len(able)


def take_over(items: WebshopProductQuerySet) -> int:
    """Carry what the shop owns over to the linked products, within a transaction; returns how many changed."""
    return _take(items)


def _take(items: Iterable[WebshopProduct]) -> int:
    """The products are read again under lock: what somebody typed meanwhile stays."""
    wanted = {item.product_id: item for item in items if item.product_id}
    products = Product.objects.select_for_update().filter(pk__in=list(wanted)).order_by("pk")
    changed = [product for product in products if product.take_from_shop(wanted[product.pk])]
    for product in changed:
        product.changed_at = timezone.now()
    Product.objects.bulk_update(changed, [*Product.SHOP_OWNS, "ean", "changed_at"], batch_size=BATCH)
    return len(changed)
