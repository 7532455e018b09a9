"""The least that taking orders needs, where each is safe by itself: fetch, parse, and a transaction for each order.

    python -m bench.floor intake http://127.0.0.1:8400/o10000 postgres://… 17     orders of a shop, over warehouse 17

The same rows go into tables of the same columns and indexes, in statements written by hand: the order, its lines, what
it holds of the stock, its story, and a page's numbers for the ledger. Every line is one that is known; nothing is
checked, matched against links, decided, compared or resumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import requests
from psycopg.types.json import Jsonb

from bench.goods import ORDERS_PER_PAGE

TABLES = {
    "orders_order": "bench_floor_order",
    "orders_orderline": "bench_floor_line",
    "orders_event": "bench_floor_event",
    "orders_seenorder": "bench_floor_seen",
    "products_reservation": "bench_floor_reservation",
    "products_stock": "bench_floor_stock",
}


class Line(msgspec.Struct, rename="camel"):
    """The fields of a line that are kept."""

    line_id: str
    sku: str
    variant_sku: str
    size_sku: str
    ean: str
    name: str
    qty: int
    price: float
    tax_percent: float
    weight: float
    country_of_origin: str
    harm_code: str

    @property
    def full_sku(self) -> str:
        return self.sku + self.variant_sku + self.size_sku


class Listed(msgspec.Struct):
    """The fields of an order that are kept."""

    number: str = msgspec.field(name="orderId")
    date: str = msgspec.field(name="orderDate")
    currency: str = msgspec.field(name="orderCurrency")
    total: float = msgspec.field(name="grandTotalValue")
    shipping: str = msgspec.field(name="shippingList")
    name: str = msgspec.field(name="deliveryName")
    email: str = msgspec.field(name="deliveryEmail")
    address: str = msgspec.field(name="deliveryAddress")
    zip_code: str = msgspec.field(name="deliveryZipcode")
    city: str = msgspec.field(name="deliveryCity")
    country: str = msgspec.field(name="deliveryCountry")
    phone: str = msgspec.field(name="deliveryTele")
    products: list[Line]


class Answer(msgspec.Struct):
    orders: list[Listed]


def pages(base: str) -> Iterator[list[Listed]]:
    """Fetch and parse, page by page, to the empty one."""
    decoder, offset = msgspec.json.Decoder(Answer), 0
    with requests.Session() as session:
        session.trust_env = False
        while True:
            query = f"?limit={ORDERS_PER_PAGE}&offset={offset}"
            found = decoder.decode(session.get(f"{base}/orders{query}", timeout=60).content).orders
            if not found:
                return
            yield found
            offset += len(found)


def take(base: str, database: str, warehouse: str) -> int:
    """Returns the number of orders."""
    with psycopg.connect(database) as connection:
        stocks = prepare(connection, int(warehouse))
        number = 0
        for page in pages(base):
            for order in page:
                store(connection, order, stocks)
                connection.commit()
            note(connection, page)
            connection.commit()
            number += len(page)
    return number


def prepare(connection: psycopg.Connection[Any], warehouse: int) -> dict[str, tuple[int, int]]:
    """Empty tables, and the warehouse's stock: by SKU its key and its product's."""
    for table, copy in TABLES.items():
        connection.execute(f"DROP TABLE IF EXISTS {copy}")
        connection.execute(f"CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)")
    columns = "product_id, warehouse_id, on_hand, reserved, is_unsettled, changed_at"
    connection.execute(
        f"INSERT INTO bench_floor_stock (id, {columns}) OVERRIDING SYSTEM VALUE "
        f"SELECT id, {columns} FROM products_stock WHERE warehouse_id = %s",
        [warehouse],
    )
    found = connection.execute(
        "SELECT p.sku, s.id, p.id FROM products_stock s JOIN products_product p ON p.id = s.product_id "
        "WHERE s.warehouse_id = %s",
        [warehouse],
    )
    stocks = {sku: (stock, product) for sku, stock, product in found}
    connection.commit()
    return stocks


ORDER = (
    "merchant_id, integration_id, warehouse_id, shop, number, status, shop_method, name, address, zip_code, city, "
    "country, phone, email, currency, total, bill_to, taken, shop_status, is_shown, parcels, placed_at, read_at, "
    "promised_at, decided_at, seen_in"
)
LINE = (
    "order_id, external_id, product_id, sku, ean, name, pieces, ordered, open_in_shop, price, vat_percent, weight_kg, "
    "country_of_origin, hs_code"
)
RESERVATION = "stock_id, integration_id, shop, reference, label, held, open_in_shop, promised_at, is_covered"


def store(connection: psycopg.Connection[Any], order: Listed, stocks: dict[str, tuple[int, int]]) -> None:
    now = datetime.now(UTC)
    head = (
        1, 1, 1, "shop", order.number, "new", order.shipping, order.name, order.address, order.zip_code, order.city,
        order.country, order.phone, order.email, order.currency, order.total,
        Jsonb({"name": order.name, "address": order.address, "city": order.city}),
        Jsonb({line.line_id: line.qty for line in order.products}),
        "confirmed", True, 1, f"{order.date}+00", now, now, now, "0" * 32,
    )  # fmt: skip
    row = connection.execute(insert("bench_floor_order", ORDER, 1) + " RETURNING id", head).fetchone()
    assert row is not None
    key = row[0]
    lines: list[Any] = []
    for line in order.products:
        lines += [
            key, line.line_id, stocks[line.full_sku][1], line.full_sku, line.ean, line.name, line.qty, line.qty,
            line.qty, line.price, line.tax_percent, line.weight, line.country_of_origin, line.harm_code,
        ]  # fmt: skip
    connection.execute(insert("bench_floor_line", LINE, len(order.products)), lines)
    held = {stocks[line.full_sku][0]: line.qty for line in order.products}
    connection.execute("SELECT on_hand FROM bench_floor_stock WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [list(held)])
    connection.execute("UPDATE bench_floor_stock SET reserved = reserved + 1 WHERE id = ANY(%s)", [list(held)])
    reservations: list[Any] = []
    for stock, pieces in held.items():
        reservations += [stock, 1, "shop", str(key), order.number, pieces, pieces, now, True]
    connection.execute(insert("bench_floor_reservation", RESERVATION, len(held)), reservations)
    story: list[Any] = []
    for text in ("Placed in the shop.", "Read 5 min later: 2 pieces to send.", "NEW: 2 pieces reserved."):
        story += [key, now, text, "good"]
    connection.execute(insert("bench_floor_event", "order_id, at, text, tone", 3), story)


def note(connection: psycopg.Connection[Any], page: list[Listed]) -> None:
    now = datetime.now(UTC)
    rows: list[Any] = []
    for order in page:
        rows += [1, order.number, "taken", now, now, "0" * 32]
    columns = "integration_id, number, verdict, first_seen_at, last_seen_at, seen_in"
    connection.execute(insert("bench_floor_seen", columns, len(page)), rows)


def insert(table: str, columns: str, rows: int) -> str:
    places = f"({', '.join(['%s'] * len(columns.split(',')))})"
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([places] * rows)}"
