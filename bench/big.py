"""A merchant with very many products and orders, for the pages: made by the database itself, in a minute or two."""

from __future__ import annotations

from bench import data
from integrations.models import Integration

NAMES = "'{Aino,Anna,Nils,Karin,Mats,Liv,Sofia,Olof,Elsa,Hugo,Ida,Jonas,Maja,Oskar,Signe,Tove}'::text[]"
FAMILIES = "'{Salo,Berg,Lund,Öst,Ek,Dahl,Nyman,Ström,Holm,Falk,Lind,Vik,Sund,Rask,Moe,Haug,Aas}'::text[]"
GOODS = "'{Harbour sweater,Rain jacket,Wool socks,Linen shirt,Canvas tote,Deck shoes,Storm parka}'::text[]"
# Nearly all orders are closed; what is open is of the last days.
STATUS = """CASE WHEN n <= %(orders)s / 500
    THEN (ARRAY['new','new','collecting','pending','reserved','new','collecting','draft','locked'])[1 + n %% 9]
    WHEN n %% 50 = 0 THEN 'cancelled' WHEN n %% 400 = 1 THEN 'returned' ELSE 'shipped' END"""


def fill(integration: Integration, products: int, orders: int) -> None:
    """So many products, each an item of the shop with its figure, and so many orders of two lines."""
    known: dict[str, str | int] = {
        "merchant": integration.merchant_id,
        "integration": integration.pk,
        "warehouse": integration.warehouse_id,
        "shop": integration.shop,
        "products": products,
        "orders": orders,
    }
    tables = ("products_webshopproduct", "products_product", "products_stock", "products_shopfigure")
    with data.without_indexes(*tables, "products_movement"):
        _run(ITEMS, known)
    data.link_all(integration, 40)
    data.tell_all(integration, 40)
    with data.without_indexes("orders_order", "orders_orderline", "orders_event", "orders_hold"):
        _run(ORDERS, known)
        first = _first(integration)
        for statement in (LINES, EVENTS, HOLDS, RESERVATIONS, PANELS):
            _run(statement, {**known, "first": first})
    for statement in (RUNS, UPDATES, UPDATE_LINES, WORDS):
        _run(statement, known)
    data.analyze("orders_order", "orders_orderline", "orders_event", "orders_hold", "integrations_syncrun", *tables)
    data.analyze("products_reservation", "products_stockupdate", "products_stockupdateline", "shipping_shopmethod")


def _run(statement: str, known: dict[str, str | int]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, known)


def _first(integration: Integration) -> int:
    from orders.models import Order

    first = Order.objects.filter(integration=integration).order_by("pk").values_list("pk", flat=True).first()
    assert first is not None
    return first


ITEMS = f"""
INSERT INTO products_webshopproduct (integration_id, external_id, sku_product, sku_variant, sku_size, sku,
    sku_folded, ean,
    name, variant, size, brand, collection, description, price, currency, weight_kg, country_of_origin,
    customs_description, hs_code, picture_url, is_active, is_bundle, digest, own_problems, shared_problems,
    problem_codes,
    kept_sku, first_seen_at, last_changed_at, seen_in)
SELECT %(integration)s, n, style, '-NVY', size, style || '-NVY' || size, lower(style || '-NVY' || size), '',
    ({GOODS})[1 + n / 4 %% 7] || ' ' || n / 4, 'Navy', substr(size, 2), 'Nordlys',
    'Season ' || n %% 9, repeat('Made to last. ', 8),
    49 + n %% 90, 'EUR', 0.5, 'EE', 'Wool', '61101190', '', true, false, md5(n::text), '[]', '[]',
    CASE WHEN n %% 200 = 0 THEN '|ean_wrong|' ELSE '' END, '', now() - n / 500 * interval '3 s',
    now() - n * 7919 %% %(products)s / 500 * interval '1 h', md5('pass')
FROM (SELECT n, 'NL' || lpad((n / 4)::text, 6, '0') AS style, (ARRAY['-XS','-S','-M','-L'])[1 + n %% 4] AS size
    FROM generate_series(1, %(products)s) n) g"""
TEXTS = """company, address2, state, bill_to, comment, customisation, customer_reference, warehouse_comment,
    ingrid_method,
    pickup_point, overruled, handover_asked_by, handover_error, tell_error, cancel_asked_by, cancel_answer, service"""
BLANKS = "'', '', '', '{}', '', '', '', '', '', '', '[]', '', '', '', '', '', 'MyPack Home'"
ORDERS = f"""
INSERT INTO orders_order (merchant_id, integration_id, shop, number, part, warehouse_id, status, status_changed_at,
    promised_at, method_id, is_method_chosen, shop_method, {TEXTS}, name, address, zip_code, city, country,
    phone, email,
    currency, total, shipping_price, is_test, placed_at, read_at, changed_at, shop_status, is_on_hold, is_suspect,
    waits_for_payment, is_shown, shown_at, seen_in, facts, taken, decided_at, collected_at, carrier,
    tracking_code, parcels,
    shipped_at, told_at, cancel_asked_at, needs_refund)
SELECT %(merchant)s, %(integration)s, %(shop)s, (9000000 - n)::text, 0, %(warehouse)s, status, at, at, m.id,
    false, 'home-delivery',
    {BLANKS}, person, 'Strandvägen ' || n %% 90, '111 51', 'Stockholm', 'SE', '+46701234567',
    lower(replace(person, ' ', '.')) || n || '@example.com', 'EUR', 129.9, 5.9, false, at, at + interval '40 s', now(),
    'confirmed', false, false, false, true, now(), md5('pass'), '{{"digest": "0"}}', '{{}}', at, at, 'PostNord',
    CASE WHEN status = 'shipped' THEN 'SE' || n ELSE '' END, 1,
    CASE WHEN status = 'shipped' THEN at + interval '1 day' END,
    CASE WHEN status = 'shipped' THEN at + interval '25 h' END, NULL, false
FROM (SELECT n, {STATUS} AS status, now() - n * (interval '700 days' / %(orders)s) AS at,
    ({NAMES})[1 + n %% 16] || ' ' || ({FAMILIES})[1 + n / 16 %% 17] AS person FROM generate_series(1, %(orders)s) n) g,
    (SELECT id FROM shipping_shippingmethod WHERE warehouse_id = %(warehouse)s LIMIT 1) m"""
LINES = """
INSERT INTO orders_orderline (order_id, external_id, product_id, sku, ean, name, pieces, ordered, open_in_shop,
    elsewhere,
    price, vat_percent, country_of_origin, hs_code, comment, bundle)
SELECT %(first)s + g.o, g.o * 10 + g.place, p.id, p.sku, '', p.name, 1, 1, 0, 0, 62, 24, 'EE', '61101190', '', ''
FROM (SELECT o, place FROM generate_series(0, %(orders)s - 1) o, generate_series(1, 2) place) g
JOIN (SELECT id, sku, name,
    row_number() OVER (ORDER BY id) AS nth FROM products_product WHERE merchant_id = %(merchant)s) p
    ON p.nth = 1 + (g.o * 7 + g.place * 31) %% %(products)s"""
EVENTS = """
INSERT INTO orders_event (order_id, at, text, tone, who, facts)
SELECT %(first)s + o, now() - o * (interval '700 days' / %(orders)s), 'Read 40 s later: 2 pieces to send.',
    'good', '', '{}'
FROM generate_series(0, %(orders)s - 1) o"""
HOLDS = """
INSERT INTO orders_hold (order_id, cause, subject, text, since)
SELECT id, 'unknown sku', 'NL' || id %% 12, 'SKU is not in myOGO', placed_at FROM orders_order
WHERE integration_id = %(integration)s AND status = 'reserved'"""
RESERVATIONS = """
INSERT INTO products_reservation (stock_id, integration_id, shop, reference, label, held, deducted, open_in_shop,
    promised_at, is_covered)
SELECT s.id, o.integration_id, o.shop, o.id::text, o.number, l.pieces, 0, l.pieces,
    CASE WHEN o.status IN ('new', 'pending') THEN o.promised_at END, o.status <> 'pending'
FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
JOIN products_stock s ON s.product_id = l.product_id AND s.warehouse_id = o.warehouse_id
WHERE o.integration_id = %(integration)s AND o.status IN ('new', 'pending', 'reserved', 'locked')
ON CONFLICT DO NOTHING"""
# Every panel of an order's page is open on some of the open ones.
PANELS = """
UPDATE orders_order SET offered = '{"lines": [], "address": {"name": "Another"}}', needs_refund = true,
    cancel_asked_at = now(), cancel_asked_by = 'Kim', facts = '{"digest": "0", "short": "One piece was not found."}',
    tell_error = 'The shop has closed it.', comment = 'Ring twice', bill_to = '{"name": "Aino", "city": "Turku"}'
WHERE integration_id = %(integration)s AND id %% 2 = 0 AND id <= %(first)s + %(orders)s / 500"""
UPDATES = """
INSERT INTO products_stockupdate (number, reference, supplier, expected_on, status, made_by, created_at, changed_at,
    merchant_id, warehouse_id)
SELECT 'SU-' || %(merchant)s * 100000 + n, 'PO ' || n, (ARRAY['Knit & Co','Oy Villa','Nordtex'])[1 + n %% 3],
    current_date + n %% 60, (ARRAY['received','received','received','new','partly','cancelled'])[1 + n %% 6], 'Kim',
    now(), now() - n * interval '1 h', %(merchant)s, %(warehouse)s FROM generate_series(1, 2000) n"""
UPDATE_LINES = """
INSERT INTO products_stockupdateline (expected, received, comment, product_id, update_id)
SELECT 40, CASE WHEN u.status = 'received' THEN 40 ELSE 0 END, '', p.id, u.id
FROM (SELECT id, status, row_number() OVER (ORDER BY id) AS nth FROM products_stockupdate
    WHERE merchant_id = %(merchant)s) u
CROSS JOIN generate_series(1, 20) place
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS nth FROM products_product WHERE merchant_id = %(merchant)s) p
    ON p.nth = 1 + (u.nth * 20 + place) %% %(products)s
ON CONFLICT DO NOTHING"""
WORDS = """
INSERT INTO shipping_shopmethod (kind, value, value_folded, first_seen_at, last_seen_at, count, integration_id)
SELECT 'shop', 'way ' || n, 'way ' || n, now(), now(), n, %(integration)s FROM generate_series(1, 200) n"""
RUNS = """
INSERT INTO integrations_syncrun (integration_id, pipe, kind, asked_by, started_at, ended_at, turns,
    interruptions, is_quiet,
    repeats, outcome, counts, notes, error)
SELECT %(integration)s, 'intake', 'poll', '', now() - n * interval '1 min', now() - n * interval '1 min', 1, 0,
    false, 0,
    'succeeded', '{"orders": 40, "known": 38, "new": 2}', '[]', '' FROM generate_series(1, 5000) n"""
