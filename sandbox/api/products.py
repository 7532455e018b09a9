"""Products and stock: flat rows, one per size; figures are absolute."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from sandbox.api.answer import Answer, money, number
from sandbox.api.call import ApiCall, as_money, as_quantity
from sandbox.models import Shop, Size

# One flat query: twenty thousand model instances would take seconds.
COLUMNS = (
    *("pk", "sku", "name", "comment", "ean", "upc", "cost", "cost_currency", "is_active", "created_at"),
    *("physical", "allocated", "variant_id", "variant__sku", "variant__name", "variant__product_id"),
    *(
        f"variant__product__{name}"
        for name in (
            *("sku", "name", "internal_name", "brand", "collection", "folder", "category", "description", "weight"),
            *("weight_unit", "country", "hs_code", "hs_description", "is_bundle"),
        )
    ),
)
PRICE_COLUMNS = ("variant__price", "variant__other_prices")
Row = dict[str, Any]


def get_products(call: ApiCall) -> Answer:
    """GET products (6.1)."""
    sizes = _filtered(call)
    if call.shop.switch("bundles_in_products") == "hidden":
        sizes = sizes.exclude(variant__product__is_bundle=True)
    rows, links = call.by_page(sizes.values(*COLUMNS, *PRICE_COLUMNS))
    write = _ProductWriter(call)
    return Answer({"status": "ok", "products": [write(row) for row in rows], **links})


def get_stock(call: ApiCall) -> Answer:
    """GET stock (6.2): only parts have stock, so bundles are not listed."""
    sizes = _filtered(call).exclude(variant__product__is_bundle=True)
    if (upc := call.text("upc")) is not None:
        sizes = sizes.filter(upc=upc)
    if since := call.moment("stock_modified"):
        sizes = sizes.filter(stock_modified_at__gte=since)
    rows, links = call.by_page(sizes.values(*COLUMNS))
    without_physical = "physicalStock" in (call.text("exclude") or "").split(",")
    shown = [_common(row, call) | _figures(row, without_physical) for row in rows]
    return Answer({"status": "ok", "products": shown, **links})


def _filtered(call: ApiCall) -> QuerySet[Size]:
    sizes = call.shop.sizes.order_by("pk")
    for name, column in (("sku", "variant__product__sku"), ("ean", "ean")):
        if (text := call.text(name)) is not None:
            sizes = sizes.filter(**{column: text})
    for name, column in (("productId", "variant__product"), ("variantId", "variant"), ("stockItemId", "pk")):
        if (key := call.integer(name)) is not None:
            sizes = sizes.filter(**{column: key})
    for name, column in (("modified", "modified_at"), ("created", "created_at")):
        if since := call.moment(name):
            sizes = sizes.filter(**{f"{column}__gte": since})
    return sizes


def _common(row: Row, call: ApiCall) -> Row:
    """What products and stock both say about a size."""
    shown = {
        "sku": row["variant__product__sku"],
        "variantId": row["variant_id"],
        "variantSku": row["variant__sku"],
        "sizeSku": row["sku"],
        "brand": row["variant__product__brand"] or None,
        "collection": row["variant__product__collection"] or None,
        "product": row["variant__product__internal_name"] or row["variant__product__name"],
        "productId": row["variant__product_id"],
        "variant": row["variant__name"],
        "size": row["name"],
        "sizeComment": row["comment"],
        "stockItemId": row["pk"],
        "ean": row["ean"],
        "upc": row["upc"] or None,
        "weight": number(row["variant__product__weight"]),
        "weightUnit": row["variant__product__weight_unit"],
        "countryOfOrigin": row["variant__product__country"],
        "harmCode": row["variant__product__hs_code"],
        "harmDescription": row["variant__product__hs_description"],
        "active": int(row["is_active"]),
        "createdAt": call.shop.write_time(row["created_at"]),
        "categoryName": row["variant__product__category"] or None,
    }
    if call.plugin.shows_cost:
        shown |= {"costPrice": float(row["cost"]), "costPriceCurrency": row["cost_currency"]}
    return shown


def _figures(row: Row, without_physical: bool) -> Row:
    figures = {"allocatedStock": row["allocated"], "availableStock": row["physical"] - row["allocated"]}
    return figures if without_physical else {"physicalStock": row["physical"], **figures}


class _ProductWriter:
    """Writes product rows; what is the same for all is worked out once."""

    def __init__(self, call: ApiCall) -> None:
        self.call = call
        self.store = call.plugin.store.name
        self.flags_bundles = call.shop.switch("bundles_in_products") == "flagged"
        self.prices_as_text = call.shop.switch("price") == "string"
        # A picture's address, with 0 where the variant's number goes.
        path = reverse("sandbox:picture", args=[call.shop.slug, 0])
        self.picture = call.request.build_absolute_uri(path).replace("/0.svg", "/{}.svg")

    def __call__(self, row: Row) -> Row:
        folder, category = row["variant__product__folder"], row["variant__product__category"]
        shown = _common(row, self.call) | {
            "name": row["variant__product__name"],
            "description": row["variant__product__description"],
            "shortDescription": "",
            "comment": "",
            "metaTitle": "",
            "metaDescription": "",
            "metaKeywords": "",
            "folder": folder,
            "categories": [f"Shop / {category}"] if category else [],
            "images": [self.picture.format(row["variant_id"])],
            "prices": self._prices(row),
            "store": self.store,
        }
        if self.flags_bundles:
            shown["isBundle"] = row["variant__product__is_bundle"]
        return shown

    def _prices(self, row: Row) -> list[Row]:
        shop = self.call.shop
        own = {shop.currency: row["variant__price"], **row["variant__other_prices"]}
        return [
            {"id": str(key), "price": self._price(price), "pricelist": currency, "currency": currency, "campaigns": []}
            for key, (currency, price) in enumerate(own.items(), start=19)
        ]

    def _price(self, price: Decimal | str) -> str | int | float:
        return f"{Decimal(price):.2f}" if self.prices_as_text else money(Decimal(price))


def post_stock(call: ApiCall) -> Answer:
    """POST stock (6.3): every row that can be written is, whatever becomes of the others."""
    rows = call.body.get("products")
    if not isinstance(rows, list):
        return Answer({"status": "no", "msg": {"products": "required"}})
    errors = _write_stock(call, [row for row in rows if isinstance(row, dict)])
    if not errors:
        return Answer({"status": "ok"})
    return Answer({"status": "no", "msg": "Some of the products were not updated", "errors": errors})


@transaction.atomic
def _write_stock(call: ApiCall, rows: Sequence[Row]) -> dict[str, list[str]]:
    """Write the rows; what was not found, and what is a bundle."""
    found = _Matches(call.shop, {str(row.get("product", "")) for row in rows})
    locked = Size.objects.lock(found.keys())
    unknown, bundles = [], []
    for row in rows:
        identifier = str(row.get("product", ""))
        pieces = as_quantity(row.get("quantity"))
        key = found.one(identifier)
        if key is None or key not in locked or pieces is None:
            unknown.append(identifier)
        elif key in found.bundles:
            bundles.append(identifier)
        else:
            _put(locked[key], row, pieces, call.plugin.stock_mode)
    Size.objects.bulk_update(locked.values(), ["physical", "stock_modified_at", "cost", "cost_currency"], 500)
    named = {"productsNotFound": unknown, "productsAreBundles": bundles}
    return {name: identifiers for name, identifiers in named.items() if identifiers}


def _put(size: Size, row: Row, pieces: int, mode: str) -> None:
    size.put_stock(pieces, mode)
    if (cost := as_money(row.get("costPrice"))) is not None:
        size.cost = cost
        size.cost_currency = str(row.get("costPriceCurrency", ""))[:3]


class _Matches:
    """Which size each identifier means: by EAN, else by UPC, else by joined SKU; the oldest of several."""

    def __init__(self, shop: Shop, identifiers: Iterable[str]) -> None:
        self.refuses_ambiguous = shop.switch("ambiguous_stock") == "refused"
        self.by: tuple[dict[str, list[int]], ...] = ({}, {}, {})
        self.bundles: set[int] = set()
        wanted = sorted(set(identifiers) - {""})
        for start in range(0, len(wanted), 5_000):  # databases limit the number of parameters
            self._look_up(shop, wanted[start : start + 5_000])

    def _look_up(self, shop: Shop, identifiers: Sequence[str]) -> None:
        sizes = shop.sizes.named(identifiers).order_by("pk")
        for pk, *names, is_bundle in sizes.values_list("pk", "ean", "upc", "full_sku", "variant__product__is_bundle"):
            for known, name in zip(self.by, names, strict=True):
                known.setdefault(name, []).append(pk)
            if is_bundle:
                self.bundles.add(pk)

    def keys(self) -> set[int]:
        return {pk for known in self.by for keys in known.values() for pk in keys}

    def one(self, identifier: str) -> int | None:
        for known in self.by:
            if identifier and (keys := known.get(identifier)):
                return None if self.refuses_ambiguous and len(set(keys)) > 1 else keys[0]
        return None
