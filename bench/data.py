"""Merchants with goods and orders, made in bulk: by the portal's own means where few rows are made, else in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from integrations.models import Integration
from merchants.models import Merchant, User, Warehouse
from shipping.models import Carrier, MerchantMethod, ShippingMethod

KEY = "a-secret-api-key"
ZONE = "Europe/Stockholm"


def merchant(name: str) -> Merchant:
    """With a warehouse, one active shipping method and an owner who may do everything."""
    house = Warehouse.objects.create(code=name[:10], name=f"Warehouse of {name}", country="SE")
    made = Merchant.objects.create(name=name, time_zone=ZONE)
    made.warehouses.add(house)
    made.link(User.objects.create_user(email=f"{name}@example.com", name="Kim Berg", password="a-quiet-harbour-42"))
    carrier, _made = Carrier.objects.get_or_create(name="PostNord")
    method = ShippingMethod.objects.create(warehouse=house, carrier=carrier, service="MyPack Home")
    MerchantMethod.objects.create(merchant=made, method=method, state=MerchantMethod.State.ACTIVE)
    return made


def integration(of: Merchant, base_url: str, **fields: Any) -> Integration:
    """A connection whose pipes do not run by themselves."""
    house = of.warehouses.get()
    since = timezone.now() - timedelta(days=2)
    known = {"platform": "centra", "name": "Nordlys", "secret": KEY, "time_zone": ZONE, "takes_orders_since": since}
    return Integration.objects.create(merchant=of, base_url=base_url, warehouse=house, **{**known, **fields})


def owner(of: Merchant) -> User:
    return of.users.get()


def run(statement: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def analyze(*tables: str) -> None:
    """What the database does by itself a minute later."""
    for table in tables:
        run(f"VACUUM ANALYZE {table}")


def give_defaults() -> None:
    """Columns that bulk statements do not name get the empty value of their type; in the bench's own database only."""
    empty = {"boolean": "false", "jsonb": "'{}'", "timestamp with time zone": "now()", "date": "now()"}
    empty |= dict.fromkeys(("character varying", "text"), "''")
    empty |= dict.fromkeys(("integer", "bigint", "smallint", "numeric"), "0")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
            "AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' AND is_generated = 'NEVER'"
        )
        for table, column, kind in cursor.fetchall():
            if kind in empty:
                cursor.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" SET DEFAULT {empty[kind]}')


@contextmanager
def without_indexes(*tables: str) -> Iterator[None]:
    """Rows in bulk go in first; the indexes, but for those that constraints own, are made anew afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = ANY(%s) AND NOT EXISTS "
            "(SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
            [list(tables)],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        try:
            yield
        finally:
            cursor.execute("SET maintenance_work_mem = '256MB'")
            for _name, definition in indexes:
                cursor.execute(definition)


def link_all(integration: Integration, on_hand: int) -> None:
    """Every item of the shop becomes a product with so many pieces on the shelf, and its line in the ledger."""
    run(PRODUCTS_OF_ITEMS, integration.merchant_id, integration.pk)
    analyze("products_product", "products_webshopproduct")  # else the next statement is planned for a handful of rows
    run(LINK, integration.merchant_id, integration.pk)
    fill_shelf(integration.merchant_id, integration.warehouse_id, on_hand)
    analyze("products_product", "products_webshopproduct", "products_stock")


def fill_shelf(merchant_pk: int, warehouse_pk: int, on_hand: int) -> None:
    run(STOCKS, warehouse_pk, on_hand, merchant_pk)
    run(MOVEMENTS, warehouse_pk, merchant_pk)


def tell_all(integration: Integration, told: int) -> None:
    """Every item's figure was told and heard."""
    run(FIGURES, told, integration.pk)
    analyze("products_shopfigure")


PRODUCT_TEXTS = '"group", supplier, supplier_code, purchase_currency, product_url'
PRODUCTS_OF_ITEMS = f"""
INSERT INTO products_product (merchant_id, sku, sku_folded, name, description, ean, {PRODUCT_TEXTS}, sales_price,
    sales_currency, picture_url, weight_kg, country_of_origin, customs_description, hs_code, created_at, changed_at)
SELECT %s, sku, sku_folded, name || ' · ' || variant || ' · ' || size, description, ean, '', '', '', '', '', price,
    currency, picture_url, weight_kg, country_of_origin, customs_description, hs_code, now(), now()
FROM products_webshopproduct WHERE integration_id = %s ORDER BY id ON CONFLICT DO NOTHING"""
LINK = """
UPDATE products_webshopproduct w SET product_id = p.id FROM products_product p
WHERE p.merchant_id = %s AND w.integration_id = %s AND p.sku = w.sku"""
STOCKS = """
INSERT INTO products_stock (product_id, warehouse_id, on_hand, reserved, is_unsettled, changed_at)
SELECT id, %s, %s, 0, false, now() FROM products_product WHERE merchant_id = %s ORDER BY id"""
MOVEMENTS = """
INSERT INTO products_movement (stock_id, pieces, on_hand, why, reason, document, who, at)
SELECT s.id, s.on_hand, s.on_hand, 'received', '', 'SU-1001', 'Kim', now() FROM products_stock s
JOIN products_product p ON p.id = s.product_id WHERE s.warehouse_id = %s AND p.merchant_id = %s"""
FIGURES = """
INSERT INTO products_shopfigure (item_id, told, told_at, refused, sent_as, drift, drift_pushes, is_kept_elsewhere,
    shown_physical, read_at)
SELECT id, %s, now(), '', sku, 0, 0, false, 0, now() FROM products_webshopproduct WHERE integration_id = %s"""
