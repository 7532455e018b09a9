"""What the bench's shops have: items and orders as Centra writes them, the same at every run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

ITEMS_PER_PAGE = 500
ORDERS_PER_PAGE = 100
FIRST_ORDER = 500_000
SIZES = ("XS", "S", "M", "L")
COLOURS = ("Ash", "Navy", "Moss", "Sand", "Rust")
NAMES = ("Harbour sweater", "Rain jacket", "Wool socks", "Linen shirt", "Canvas tote", "Deck shoes", "Storm parka")
CITIES = (
    ("Helsinki", "00100", "FI"),
    ("Stockholm", "111 51", "SE"),
    ("Malmö", "211 20", "SE"),
    ("Århus", "8000", "DK"),
)
PEOPLE = ("Aino Salo", "Anna Åberg", "Nils Lund", "Karin Öst", "Mats Ek", "Liv Dahl", "Sofia Nyman", "Olof Ström")


def ean(number: int) -> str:
    """EAN-13 with a right check digit."""
    digits = f"73{number:010d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def item(number: int) -> dict[str, Any]:
    """One size, as a row of `GET /products`: about a kilobyte."""
    style, size = divmod(number, len(SIZES))
    name, colour = NAMES[style % len(NAMES)], COLOURS[style % len(COLOURS)]
    return {
        "sku": f"FG{style:06d}",
        "variantId": 3_000_000 + style,
        "variantSku": f"-{colour[:3].upper()}",
        "sizeSku": f"-{SIZES[size]}",
        "brand": "Nordlys",
        "collection": f"Season {style % 9}",
        "product": f"{name} {style} (internal name)",
        "productId": 50_000 + style,
        "variant": colour,
        "size": SIZES[size],
        "sizeComment": "",
        "stockItemId": 1_000_000 + number,
        "ean": ean(number),
        "upc": None,
        "weight": round(0.2 + number % 90 / 100, 2),
        "weightUnit": "kg",
        "countryOfOrigin": "EE",
        "harmCode": "61101190",
        "harmDescription": f"{name}, wool",
        "active": 1,
        "createdAt": "2026-02-01 08:00:00",
        "name": f"{name} {style}",
        "description": f"{name} number {style}: made for long days by the sea, washed soft and sewn to last for years.",
        "shortDescription": "Made to last.",
        "folder": "Outdoor / Men",
        "categories": ["Shop / Outdoor", "Shop / New"],
        "categoryName": "Outdoor",
        "images": [
            f"https://nordlys.example/media/{style}_front.jpg",
            f"https://nordlys.example/media/{style}_back.jpg",
        ],
        "prices": [
            {"id": "4", "price": f"{49 + style % 150}.90", "pricelist": "Euro", "currency": "EUR", "campaigns": []},
            {"id": "7", "price": 490 + style % 1500, "pricelist": "Kronor", "currency": "SEK", "campaigns": []},
        ],
        "store": "Retail",
    }


def line(order: int, place: int, number: int) -> dict[str, Any]:
    goods = item(number)
    same = ("sku", "variantSku", "sizeSku", "ean", "name", "variant", "brand", "size", "weight", "weightUnit")
    return {
        "lineId": str(order * 10 + place),
        **{key: goods[key] for key in (*same, "countryOfOrigin", "harmCode")},
        "upc": "",
        "qty": 1,
        "originalPrice": 129.9,
        "price": 129.9,
        "comment": "",
        "taxPercent": 24,
        "warehouses": [{"name": "Main", "itemQty": 1}],
        "isBundle": False,
    }


def order(number: int, items: int, newest: datetime) -> dict[str, Any]:
    """A confirmed order of two lines over a shop of so many items; `newest` in the shop's wall clock."""
    city, zip_code, country = CITIES[number % len(CITIES)]
    name = PEOPLE[number % len(PEOPLE)]
    address = {"Name": name, "Company": "", "Email": f"{name.split()[0].lower()}{number}@example.com"}
    where = {"Address": f"Strandvägen {number % 90 + 1}", "Coaddress": "", "Zipcode": zip_code, "City": city}
    both = {**address, **where, "State": "", "Country": country, "Tele": "+358 40 000 0001"}
    return {
        "orderId": str(FIRST_ORDER + number),
        "orderStatus": "2",
        "selectionId": f"{number:x}",
        "orderDate": (newest - timedelta(seconds=number)).strftime("%Y-%m-%d %H:%M:%S"),
        "orderStore": "retail",
        "orderCurrency": "EUR",
        "customerId": str(number % 5000),
        **{f"delivery{key}": value for key, value in both.items()},
        **{f"billing{key}": value for key, value in both.items()},
        "deliveryCell": "",
        "poNumber": "",
        "shippingList": "home-delivery",
        "suspect": 0,
        "hold": 0,
        "waitingForPayment": 0,
        "shippingValue": 5.9,
        "grandTotalValue": 265.7,
        "grandTotalTaxValue": 51.43,
        "internalComment": "",
        "otherComment": "",
        "marketId": 2,
        "shipments": [],
        "taxBreakdown": [],
        "products": [line(number, place, (number * 7 + place * 31) % items) for place in (1, 2)],
        "discounts": [],
    }


def product_pages(items: int) -> Iterator[bytes]:
    """Answers to `GET /products`, each with the way to the next."""
    for start in range(0, items, ITEMS_PER_PAGE):
        end = min(items, start + ITEMS_PER_PAGE)
        following = f"?limit={ITEMS_PER_PAGE}&page={end // ITEMS_PER_PAGE}" if end < items else None
        rows = [item(number) for number in range(start, end)]
        yield msgspec.json.encode({"status": "ok", "products": rows, "next": following})


def order_pages(orders: int, items: int) -> Iterator[bytes]:
    """Answers to `GET /orders`; the empty page at the end is the shop's."""
    newest = datetime.now(ZoneInfo("Europe/Stockholm")) - timedelta(minutes=5)
    for start in range(0, orders, ORDERS_PER_PAGE):
        numbers = range(start, min(orders, start + ORDERS_PER_PAGE))
        yield msgspec.json.encode({"status": "ok", "orders": [order(number, items, newest) for number in numbers]})
