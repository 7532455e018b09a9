"""What one page of the shop's catalogue means, measured against what we know. Pure: no network, no database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from operator import attrgetter, le
from typing import Any

from django.utils.translation import gettext as _

from integrations.connectors.base import Faulty, Page, ProductData
from products import skus
from products.problems import codes_text, own_problems

SKU_LIMIT = 600  # characters of a joined SKU that can be stored at all
LIMITS = {
    "name": 300,
    "variant": 200,
    "size": 100,
    "brand": 120,
    "collection": 120,
    "description": 20_000,
    "currency": 3,
    "country_of_origin": 2,
    "customs_description": 50,
    "hs_code": 20,
    "ean": 64,
}
PARTS = ("sku_product", "sku_variant", "sku_size")
# Of a hundred thousand items most are in order: all of an item is fetched, measured and compared at once.
_NAMES = [one.name for one in fields(ProductData)]
_ALL = attrgetter(*_NAMES)
_PRICE, _WEIGHT = _NAMES.index("price"), _NAMES.index("weight_kg")
_TEXTS = attrgetter("external_id", *PARTS, "picture_url", *LIMITS)
_LONGEST = (64, SKU_LIMIT, SKU_LIMIT, SKU_LIMIT, 500, *LIMITS.values())
COLUMNS = (*PARTS, "sku", "sku_folded", *LIMITS, "price", "weight_kg", "picture_url", "is_active", "is_bundle")


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of an item before reading the page."""

    pk: int
    digest: str
    seen_in: str
    is_gone: bool
    shared_problems: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ready:
    """An item as it would be stored: the columns that the shop fills, the problems it has by itself, its digest.

    The same columns in the same order for every item.
    """

    external_id: str
    row: dict[str, Any]

    @property
    def digest(self) -> str:
        return str(self.row["digest"])


@dataclass(frozen=True, slots=True)
class Prepared:
    """A page with its items made ready, by the shop's id, and the rows that cannot be kept."""

    page: Page[ProductData]
    items: dict[str, Ready]
    faulty: tuple[Faulty, ...]


@dataclass(slots=True)
class Decision:
    """What one page means. `repeated` were seen before in this pass and are not counted again, `back` were gone."""

    new: list[Ready] = field(default_factory=list)
    changed: list[Ready] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    repeated: int = 0

    @property
    def seen(self) -> int:
        return len(self.new) + len(self.changed) + len(self.unchanged)


def prepare(pages: Iterable[Page[ProductData]]) -> Iterator[Prepared]:
    """All that can be said of each page without what is stored."""
    for page in pages:
        items, faulty = tidy(page)
        yield Prepared(page, {external_id: ready(item) for external_id, item in items.items()}, faulty)


def ready(item: ProductData) -> Ready:
    own = [problem.dump() for problem in own_problems(item)]
    found = {"own_problems": own, "problem_codes": codes_text(own), "digest": digest(item)}
    return Ready(item.external_id, {"external_id": item.external_id, **columns(item), **found})


def decide(items: Iterable[Ready], known: Mapping[str, Known], this_pass: str) -> Decision:
    """Sort a page's items by what is to be done with them."""
    decision = Decision()
    for item in items:
        before = known.get(item.external_id)
        if before is None:
            decision.new.append(item)
            continue
        if before.is_gone:
            decision.back.append(item.external_id)
        if before.digest != item.digest:
            decision.changed.append(item)
        elif before.seen_in == this_pass and not before.is_gone:
            decision.repeated += 1
        else:
            decision.unchanged.append(before.pk)
    return decision


def digest(item: ProductData) -> str:
    """A short mark that differs when anything of the item does."""
    return hashlib.blake2b(repr(_ALL(item)).encode(errors="replace"), digest_size=16).hexdigest()


def tidy(page: Page[ProductData]) -> tuple[dict[str, ProductData], tuple[Faulty, ...]]:
    """A page's items by the shop's id, as the database can keep them, and the rows that cannot be kept at all."""
    kept: dict[str, ProductData] = {}
    faulty = list(page.faulty)
    for raw in page.items:
        item = clean(raw)
        if len(item.sku) > SKU_LIMIT or not 0 < len(item.external_id) <= 64:
            reason = _("its SKU of %(length)d characters cannot be stored") % {"length": len(item.sku)}
            faulty.append(Faulty(item.external_id, reason))
        else:
            kept[item.external_id] = item
    return kept, tuple(replace(row, external_id=row.external_id[:64]) for row in faulty)


def clean(item: ProductData) -> ProductData:
    """No NUL, no half character, no text or number beyond its column. SKU parts are never cut."""
    price, weight = fitting(item.price, "0.01", 10), fitting(item.weight_kg, "0.001", 6)
    if _fits(item):
        values = list(_ALL(item))  # `replace` takes four times as long
        values[_PRICE], values[_WEIGHT] = price, weight
        return ProductData(*values)
    texts: dict[str, Any] = {name: _text(getattr(item, name)) for name in (*PARTS, *LIMITS, "external_id")}
    for name, limit in LIMITS.items():
        texts[name] = texts[name][:limit]
    address = _text(item.picture_url)
    return replace(
        item,
        **texts,
        picture_url=address if len(address) <= 500 else "",
        price=price,
        weight_kg=weight,
    )


def _fits(item: ProductData) -> bool:
    """All its texts can be stored as they are."""
    texts = _TEXTS(item)
    if not all(map(le, map(len, texts), _LONGEST)):
        return False
    together = "".join(texts)
    return "\x00" not in together and (together.isascii() or together == _text(together))


def _text(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


def fitting(number: Decimal | None, step: str, digits: int) -> Decimal | None:
    """The number rounded to `step`; nothing where it is negative, not finite or has over `digits` before the point."""
    if number is None or not number.is_finite() or not _NOTHING <= number < _BEYOND[digits]:
        return None
    return number.quantize(_STEPS[step])


_NOTHING = Decimal(0)
_BEYOND = {digits: Decimal(10) ** digits for digits in (6, 10)}
_STEPS = {step: Decimal(step) for step in ("0.01", "0.001")}


def columns(item: ProductData) -> dict[str, Any]:
    """The item as columns of `WebshopProduct`."""
    sku = item.sku
    return {**dict(zip(_PLAIN, _PLAIN_OF(item), strict=True)), "sku": sku, "sku_folded": skus.fold(sku)}


_PLAIN = tuple(name for name in COLUMNS if name not in ("sku", "sku_folded"))
_PLAIN_OF = attrgetter(*_PLAIN)
