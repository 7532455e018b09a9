"""Goods to try things out with: outdoor clothes and home ware of brands that do not exist, always the same.

`fill` adds what is missing of them and changes nothing that is there; `many` makes as many plain items as a load test
wants. A few items carry the SKU faults that newcomers meet sooner or later; they stand in `FAULTS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction
from django.utils import timezone

from sandbox.models import BundlePart, Product, Shop, Size, Variant

KRONOR_PER_EURO = Decimal("11.2")
FJORD, SKERRY, TIDE, HEARTH = "Fjord Goods", "Skerry & Sons", "Tideline", "Lighthouse Home"
CLOTHES, FEET, ONE, LENGTHS = (
    ("XS", "S", "M", "L", "XL"),
    ("38", "39", "40", "41", "42", "43"),
    ("One Size",),
    ("150", "200"),
)
COLOURS = {
    "NVY": ("Navy", "#2b4a78"),
    "MOS": ("Moss", "#4d6b4f"),
    "SND": ("Sand", "#c9a76a"),
    "BLK": ("Black", "#3a3f4a"),
    "RST": ("Rust", "#a4502e"),
    "ICE": ("Ice", "#7fa6b8"),
    "PLM": ("Plum", "#6b3d5e"),
    "OAT": ("Oat", "#a8977c"),
}
# Per brand and department: folder, HS code and its words, origin and collection.
DEPARTMENTS: dict[str, tuple[str, str, str, str, str]] = {
    "Knitwear": ("Clothing / Knitwear", "61101130", "Wool sweater", "PT", "AW26"),
    "Jackets": ("Clothing / Jackets", "62029300", "Jacket of man-made fibres", "EE", "AW26"),
    "Trousers": ("Clothing / Trousers", "62046239", "Cotton trousers", "LT", "AW26"),
    "Shirts": ("Clothing / Shirts", "61091000", "Cotton shirt", "PT", "SS27"),
    "Base layers": ("Clothing / Base layers", "61099020", "Wool base layer", "LT", "AW26"),
    "Shoes": ("Shoes / Boots", "64039111", "Leather boots", "PT", "AW26"),
    "Accessories": ("Accessories / Hats and gloves", "65050090", "Knitted hat", "SE", "AW26"),
    "Bags": ("Accessories / Bags", "42029298", "Textile bag", "SE", "NOS"),
    "Kitchen": ("Home / Kitchen", "69120025", "Stoneware", "DK", "NOS"),
    "Textiles": ("Home / Textiles", "63014090", "Wool blanket", "LT", "NOS"),
    "Light": ("Home / Light", "34060000", "Candles", "SE", "NOS"),
    "Outdoor": ("Outdoor / Camp", "63062200", "Tent", "NO", "SS27"),
}
# SKU, name, brand, department, kronor, grams, colours, sizes
ROWS: tuple[tuple[str, str, str, str, int, int, str, tuple[str, ...]], ...] = (
    ("FG1042", "Harbour sweater", FJORD, "Knitwear", 800, 620, "NVY OAT RST", CLOTHES),
    ("FG1043", "Breakwater cardigan", FJORD, "Knitwear", 950, 700, "NVY MOS", CLOTHES),
    ("FG1050", "Islet roll neck", FJORD, "Knitwear", 1100, 680, "BLK OAT PLM", CLOTHES),
    ("FG1061", "Quay slipover", FJORD, "Knitwear", 600, 340, "SND NVY", CLOTHES),
    ("FG2210", "Pier rain jacket", FJORD, "Jackets", 1600, 540, "MOS NVY SND", CLOTHES),
    ("FG2215", "Squall parka", FJORD, "Jackets", 2900, 1450, "BLK MOS", CLOTHES),
    ("FG2230", "Landing windbreaker", FJORD, "Jackets", 1200, 310, "ICE RST", CLOTHES),
    ("FG3105", "Deck trousers", FJORD, "Trousers", 900, 480, "SND NVY", CLOTHES),
    ("FG3110", "Chart shorts", FJORD, "Trousers", 650, 290, "SND MOS", CLOTHES),
    ("FG4001", "Mooring T-shirt", FJORD, "Shirts", 350, 190, "NVY OAT RST ICE", CLOTHES),
    ("FG4010", "Oakum shirt", FJORD, "Shirts", 750, 260, "ICE OAT", CLOTHES),
    ("SK100", "Skerry base layer top", SKERRY, "Base layers", 700, 210, "BLK PLM NVY", CLOTHES),
    ("SK101", "Skerry base layer tights", SKERRY, "Base layers", 650, 190, "BLK PLM", CLOTHES),
    ("SK120", "Skerry night shirt", SKERRY, "Base layers", 550, 240, "OAT ICE", CLOTHES),
    ("SK210", "Cormorant shell jacket", SKERRY, "Jackets", 3400, 490, "RST BLK ICE", CLOTHES),
    ("SK220", "Eider down jacket", SKERRY, "Jackets", 3100, 610, "NVY PLM", CLOTHES),
    ("SK310", "Guillemot trousers", SKERRY, "Trousers", 1500, 520, "BLK MOS", CLOTHES),
    ("SK410", "Tern shirt", SKERRY, "Shirts", 600, 180, "ICE SND", CLOTHES),
    ("SK500", "Auk mittens", SKERRY, "Accessories", 450, 120, "BLK RST OAT", ("S/M", "L/XL")),
    ("SK510", "Auk balaclava", SKERRY, "Accessories", 350, 70, "BLK NVY", ONE),
    ("SK600", "Puffin day pack", SKERRY, "Bags", 1100, 640, "MOS RST BLK", ONE),
    ("SK610", "Puffin duffel", SKERRY, "Bags", 1400, 980, "BLK SND", ("40 l", "70 l")),
    ("SK700", "Holm tent", SKERRY, "Outdoor", 5900, 2100, "MOS", ("2 persons", "3 persons")),
    ("SK705", "Holm ground sheet", SKERRY, "Outdoor", 700, 400, "BLK", ("2 persons", "3 persons")),
    ("TL7700", "Tideline boot", TIDE, "Shoes", 1900, 1250, "BLK OAT", FEET),
    ("TL7710", "Ebb boot", TIDE, "Shoes", 1700, 1100, "RST MOS", FEET),
    ("TL7720", "Slipway clog", TIDE, "Shoes", 800, 540, "SND BLK", FEET),
    ("TL7730", "Ferry sneaker", TIDE, "Shoes", 1300, 760, "ICE NVY", FEET),
    ("TL8000", "Tideline wool sock", TIDE, "Accessories", 160, 80, "BLK NVY OAT RST", ("36-39", "40-43", "44-47")),
    ("TL8010", "Shoe care tin", TIDE, "Accessories", 140, 110, "SND BLK", ONE),
    ("LH100", "Keeper mug", HEARTH, "Kitchen", 180, 340, "NVY OAT MOS ICE", ONE),
    ("LH101", "Keeper bowl", HEARTH, "Kitchen", 220, 460, "NVY OAT MOS", ("Small", "Large")),
    ("LH102", "Keeper plate", HEARTH, "Kitchen", 260, 620, "NVY OAT MOS", ("21 cm", "27 cm")),
    ("LH103", "Keeper jug", HEARTH, "Kitchen", 480, 900, "OAT NVY", ONE),
    ("LH200", "Lantern room blanket", HEARTH, "Textiles", 1200, 1100, "OAT NVY RST", LENGTHS),
    ("LH201", "Gallery cushion cover", HEARTH, "Textiles", 380, 240, "PLM SND ICE", ("40 cm", "50 cm")),
    ("LH202", "Linen tea towel", HEARTH, "Textiles", 150, 90, "OAT ICE MOS NVY", ONE),
    ("LH210", "Linen table cloth", HEARTH, "Textiles", 900, 620, "OAT ICE", ("250 cm", "320 cm")),
    ("LH300", "Lightkeeper candle", HEARTH, "Light", 240, 420, "SND NVY PLM MOS", ("Small", "Large")),
    ("LH310", "Storm lantern", HEARTH, "Light", 690, 1300, "BLK OAT", ONE),
    ("FG5000", "Lighthouse beanie", FJORD, "Accessories", 300, 90, "NVY SND RST MOS", ONE),
    ("FG5020", "Buoy scarf", FJORD, "Accessories", 500, 180, "NVY RST OAT", ONE),
    ("FG5030", "Anchor gloves", FJORD, "Accessories", 550, 130, "BLK SND", ("S", "M", "L")),
    ("FG3310", "Skerry tote", FJORD, "Bags", 250, 210, "OAT NVY BLK", ONE),
    ("FG3320", "Crab pot holdall", FJORD, "Bags", 1250, 890, "NVY MOS", ONE),
    ("FG9000", "Gift card sleeve", FJORD, "Accessories", 30, 15, "OAT RST", ONE),
)


@dataclass(frozen=True)
class Item:
    """One physical item of the catalogue, below the product and variant that its first fields name."""

    product: str
    variant: str
    size: str
    name: str
    colour: str
    tint: str
    size_name: str
    brand: str
    department: str
    price: Decimal
    grams: int
    ean: str
    is_active: bool = True
    origin: str = ""
    parts: tuple[tuple[str, int], ...] = ()


def with_check_digit(digits: str) -> str:
    """The 13-digit EAN that begins with these twelve digits."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def _ean(number: int) -> str:
    return with_check_digit(f"730{number:09d}")


def _wrong(ean: str) -> str:
    """The EAN with a check digit that is not its own."""
    return ean[:-1] + str((int(ean[-1]) + 1) % 10)


def regular_items() -> Iterator[Item]:
    """Everything that is as it should be: the three parts begin with a dash, except where there is nothing to tell."""
    numbers = count(1)
    for sku, name, brand, department, price, grams, colours, sizes in ROWS:
        for code in colours.split():
            for size in sizes:
                yield Item(
                    product=sku,
                    variant=f"-{code}",
                    size="-U" if sizes is ONE else "-" + "".join(size.split()).replace("/", "").upper(),
                    name=name,
                    colour=COLOURS[code][0],
                    tint=COLOURS[code][1],
                    size_name=size,
                    brand=brand,
                    department=department,
                    price=Decimal(price),
                    grams=grams,
                    ean=_ean(next(numbers)),
                    origin=sku,
                )


def _odd(origin: str, sku: tuple[str, str, str], name: str, ean: str, **fields: Any) -> Item:
    """A one-size item outside the regular rows."""
    product, variant, size = sku
    plain: dict[str, Any] = {
        "colour": "Sand",
        "tint": COLOURS["SND"][1],
        "size_name": "One Size",
        "brand": FJORD,
        "department": "Accessories",
        "price": Decimal(250),
        "grams": 100,
    }
    return Item(product, variant, size, name, ean=ean, origin=origin, **(plain | fields))


# What newcomers meet: each line is one fault, or one peculiarity that is none.
FAULTS = (
    _odd("fault-no-sku", ("", "", ""), "Rope key ring", _ean(90_001)),
    _odd("fault-same-1", ("FG5100", "-BLK", "-U"), "Compass bandana", _ean(90_002)),
    _odd("fault-same-2", ("FG5100", "-BLK", "-U"), "Compass neck warmer", _ean(90_003)),
    _odd("fault-join-1", ("FG33", "10", "0"), "Cove tote", _ean(90_004), department="Bags"),
    _odd("fault-join-2", ("FG331", "0", "0"), "Cove shopper", _ean(90_005), department="Bags"),
    _odd("fault-case-1", ("FG61A", "-SND", "-U"), "Marram belt", _ean(90_006)),
    _odd("fault-case-2", ("FG61a", "-SND", "-U"), "Marram belt, wide", _ean(90_007)),
    _odd("fault-blank-1", ("FG62", "-SND", "-U"), "Sea pink brooch", _ean(90_008)),
    _odd("fault-blank-2", ("FG62 ", "-SND", "-U"), "Sea pink brooch, small", _ean(90_009)),
    _odd("fault-slash", ("FG63/2", "-SND", "-U"), "Splice bracelet, set of 2", _ean(90_010)),
    _odd("fault-ean-digit", ("FG64", "-SND", "-U"), "Driftwood comb", _wrong(_ean(90_011))),
    _odd("fault-ean-twice-1", ("FG65", "-SND", "-U"), "Kelp soap", _ean(90_012)),
    _odd("fault-ean-twice-2", ("FG66", "-SND", "-U"), "Kelp shampoo bar", _ean(90_012)),
    _odd("inactive-1", ("FG1010", "-NVY", "-M"), "Harbour sweater, last year", _ean(90_013), is_active=False),
    _odd("inactive-2", ("LH090", "-OAT", "-U"), "Keeper egg cup", _ean(90_014), is_active=False, brand=HEARTH),
    _odd("one-size-1", ("FG5001", "", "-U"), "Lighthouse beanie, undyed", _ean(90_015), colour=""),
    _odd("one-size-2", ("LH400", "", ""), "Match box", "", colour="", brand=HEARTH, department="Light"),
)  # fmt: skip
BUNDLES = (
    _odd("bundle-1", ("FG-SET1", "", ""), "Hat and scarf set", "", price=Decimal(700),
         parts=(("FG5000-NVY-U", 1), ("FG5020-NVY-U", 1))),
    _odd("bundle-2", ("LH-SET4", "", ""), "Breakfast for two", "", price=Decimal(690), brand=HEARTH,
         department="Kitchen", parts=(("LH100-OAT-U", 2), ("LH101-OAT-SMALL", 2))),
)  # fmt: skip


@transaction.atomic
def fill(shop: Shop) -> int:
    """Add what the shop does not have of the catalogue yet; the number of sizes added.

    A product that is there stays as it is, whatever was changed or removed below it meanwhile.
    """
    there = set(shop.products.exclude(origin="").values_list("origin", flat=True))
    items = [item for item in (*regular_items(), *FAULTS, *BUNDLES) if item.origin not in there]
    _write(shop, items, timezone.now())
    _write_parts(shop, [item for item in items if item.parts])
    return len(items)


@transaction.atomic
def many(shop: Shop, number: int) -> None:
    """That many plain sizes, in bulk: five sizes in four colours per product, numbered on from those that are there."""
    first = shop.products.filter(origin__startswith="many-").count()
    colours = list(COLOURS.items())[:4]
    items = []
    for index in range(number):
        block, rest = divmod(index, 20)
        code, (colour, tint) = colours[rest // 5]
        sku = f"LT{first + block:06d}"
        items.append(
            Item(
                product=sku,
                variant=f"-{code}",
                size=f"-{rest % 5 + 1}",
                name=f"Load test item {first + block}",
                colour=colour,
                tint=tint,
                size_name=str(rest % 5 + 1),
                brand="Ballast",
                department="Outdoor",
                price=Decimal(100 + block % 400),
                grams=100 + block % 900,
                ean=_ean(100_000_000 + first * 20 + index),
                origin=f"many-{sku}",
            )
        )
    _write(shop, items, timezone.now(), batch=2_000)


# --- writing -----------------------------------------------------------------------------------
def _write(shop: Shop, items: Sequence[Item], now: datetime, batch: int = 500) -> None:
    """Three bulk inserts; the first items of the catalogue are the newest."""
    products = {item.origin: _product(shop, item, now - timedelta(hours=3 * n)) for n, item in _firsts(items)}
    Product.objects.bulk_create(products.values(), batch)
    variants = {
        (item.origin, item.variant): Variant(
            product=products[item.origin],
            sku=item.variant,
            name=item.colour,
            price=item.price,
            other_prices={"EUR": str((item.price / KRONOR_PER_EURO).quantize(Decimal("0.01")))},
            tint=item.tint,
        )
        for item in items
    }
    Variant.objects.bulk_create(variants.values(), batch)
    sizes = [_size(shop, item, variants[item.origin, item.variant], n) for n, item in enumerate(items)]
    Size.objects.bulk_create(sizes, batch)


def _firsts(items: Iterable[Item]) -> list[tuple[int, Item]]:
    """The first item of each product, numbered."""
    firsts: dict[str, Item] = {}
    for item in items:
        firsts.setdefault(item.origin, item)
    return list(enumerate(firsts.values()))


def _product(shop: Shop, item: Item, created_at: datetime) -> Product:
    folder, hs_code, hs_description, country, collection = DEPARTMENTS[item.department]
    return Product(
        shop=shop,
        origin=item.origin,
        sku=item.product,
        name=item.name,
        internal_name=f"{item.name} ({item.product})" if item.product else item.name,
        brand=item.brand,
        collection=collection,
        folder=folder,
        category=item.department,
        description=f"{item.name} by {item.brand}.",
        weight=Decimal(item.grams) / 1000,
        country=country,
        hs_code=hs_code,
        hs_description=hs_description,
        is_bundle=bool(item.parts),
        created_at=created_at,
    )


def _size(shop: Shop, item: Item, variant: Variant, number: int) -> Size:
    created_at = variant.product.created_at
    return Size(
        shop=shop,
        variant=variant,
        sku=item.size,
        full_sku=item.product + item.variant + item.size,  # bulk inserts do not pass through save()
        name=item.size_name,
        ean=item.ean,
        cost=(item.price * Decimal("0.42")).quantize(Decimal("0.01")),
        cost_currency=shop.currency,
        is_active=item.is_active,
        physical=0 if item.parts else number * 37 % 61,
        created_at=created_at,
        modified_at=created_at,
        stock_modified_at=created_at,
    )


def _write_parts(shop: Shop, bundles: Iterable[Item]) -> None:
    """What is in the bundles; a part that was renamed or removed meanwhile is left out."""
    for item in bundles:
        bundle = shop.sizes.get(variant__product__origin=item.origin)
        for sku, pieces in item.parts:
            if part := shop.sizes.filter(full_sku=sku).first():
                BundlePart.objects.create(bundle=bundle, part=part, pieces=pieces)
