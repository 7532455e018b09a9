"""The least that anybody would have to do, in a process of its own; prints what it took as JSON.

    python -m bench.floor copy http://127.0.0.1:8400/i100000 postgres://…     fetch, parse, COPY the same rows
    python -m bench.floor parse http://127.0.0.1:8400/i100000                 fetch, parse
    python -m bench.floor intake http://127.0.0.1:8400/o10000 postgres://… 17  see `floor_orders.py`
    python -m bench.floor post http://127.0.0.1:8400/i100000 100000           post so many figures, 500 at a time

COPY goes into a table of the same columns, indexes and foreign keys, all pages in one stroke. Parsing is reading the
rows into typed structs. Nothing is checked, cleaned, compared or made safe against interruption.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import requests

from bench import floor_orders
from bench.goods import ITEMS_PER_PAGE
from bench.peak import peak_kilobytes

TABLE = "bench_floor"
COPIED = (
    "integration_id, external_id, sku_product, sku_variant, sku_size, sku, sku_folded, ean, name, variant, size, "
    "brand, collection, description, price, currency, weight_kg, country_of_origin, customs_description, hs_code, "
    "picture_url, is_active, is_bundle, digest, own_problems, shared_problems, kept_sku, first_seen_at, "
    "last_changed_at, seen_in"
)


class Price(msgspec.Struct):
    price: str | float
    currency: str


class Item(msgspec.Struct, rename="camel"):
    """The fields of a row that are kept."""

    stock_item_id: int
    sku: str
    variant_sku: str
    size_sku: str
    ean: str
    name: str
    variant: str
    size: str
    brand: str
    collection: str
    description: str
    weight: float
    country_of_origin: str
    harm_description: str
    harm_code: str
    active: int
    images: list[str]
    prices: list[Price]


class Answer(msgspec.Struct):
    products: list[Item]
    next: str | None


def pages(base: str) -> Iterator[list[Item]]:
    """Fetch and parse, page by page."""
    decoder = msgspec.json.Decoder(Answer)
    query = f"?limit={ITEMS_PER_PAGE}"
    with requests.Session() as session:
        session.trust_env = False
        while query:
            found = decoder.decode(session.get(f"{base}/products{query}", timeout=60).content)
            yield found.products
            query = found.next or ""


def parse(base: str) -> int:
    return sum(len(page) for page in pages(base))


def copy(base: str, database: str) -> int:
    """Fetch, parse, COPY; returns the number of rows."""
    with psycopg.connect(database) as connection:
        connection.execute(f"DROP TABLE IF EXISTS {TABLE}")
        connection.execute(f"CREATE TABLE {TABLE} (LIKE products_webshopproduct INCLUDING ALL)")
        for column, other in (("integration_id", "integrations_integration"), ("product_id", "products_product")):
            key = f"FOREIGN KEY ({column}) REFERENCES {other} DEFERRABLE INITIALLY DEFERRED"
            connection.execute(f"ALTER TABLE {TABLE} ADD {key}")
        integration = connection.execute("SELECT max(id) FROM integrations_integration").fetchone()
        assert integration is not None
        connection.commit()
        number = 0
        with connection.cursor().copy(f"COPY {TABLE} ({COPIED}) FROM STDIN") as rows:
            for page in pages(base):
                now = datetime.now(UTC)
                for item in page:
                    rows.write_row(row(integration[0], item, now))
                number += len(page)
    return number


def row(integration: int, item: Item, now: datetime) -> tuple[Any, ...]:
    sku = item.sku + item.variant_sku + item.size_sku
    price = item.prices[0]
    return (
        integration, str(item.stock_item_id), item.sku, item.variant_sku, item.size_sku, sku, sku.lower(), item.ean,
        item.name, item.variant, item.size, item.brand, item.collection, item.description, str(price.price),
        price.currency, item.weight, item.country_of_origin, item.harm_description, item.harm_code, item.images[0],
        bool(item.active), False, "0" * 32, "[]", "[]", "", now, now, "0" * 32,
    )  # fmt: skip


def post(base: str, number: int) -> int:
    """So many figures, as the shop takes them: one call after the other."""
    from bench.goods import item

    figures = [{"product": f"{one['sku']}{one['variantSku']}{one['sizeSku']}", "quantity": 7} for one in (item(0),)]
    body = msgspec.json.encode({"products": figures * ITEMS_PER_PAGE})
    with requests.Session() as session:
        session.trust_env = False
        for _start in range(0, number, ITEMS_PER_PAGE):
            session.post(f"{base}/stock", data=body, timeout=60).raise_for_status()
    return number


def main(kind: str, base: str, *rest: str) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    if kind == "copy":
        done = copy(base, *rest)
    elif kind == "parse":
        done = parse(base)
    elif kind == "intake":
        done = floor_orders.take(base, *rest)
    else:
        done = post(base, int(rest[0]))
    took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    sys.stdout.write(msgspec.json.encode({**took, "peak": peak_kilobytes(), "done": done}).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
