"""Centra's raw rows → the data of `base.py`. No network, no clock, no database: the same bytes give the same data.

    raw row ──decode──▶ struct (`wire.py`) ──read──▶ ProductData, OrderData, ShipmentData, ReturnData
       └── cannot be read ──▶ Faulty(its id where legible, why in a sentence); the rest of the page goes on

Times in the shop's wall clock come in with its zone and leave in UTC. A SKU is `sku + variantSku + sizeSku`, in this
order, nothing between, every part exactly as given.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from django.utils.translation import gettext as _

from integrations.connectors.base import (
    AddressData,
    AllocationData,
    Faulty,
    LineData,
    OrderData,
    OrderStatus,
    ParcelData,
    ProductData,
    ReturnData,
    ShipmentData,
    ShipmentStatus,
    StockLevel,
)
from integrations.connectors.centra import bundles
from integrations.connectors.centra.wire import (
    UNUSED_ORDER_KEYS,
    ItemRow,
    LineRow,
    Odd,
    OrderRow,
    OrderShipmentRow,
    PriceRow,
    ReturnLineRow,
    ReturnRow,
    Scalar,
    ShipmentRow,
    WarehouseRow,
    country,
    decode,
    exact,
    flag,
    moment,
    number,
    pieces,
    required,
    rows,
    text,
    whole,
)

T = TypeVar("T")

_POUND = Decimal("0.45359237")  # kilograms
_GRAM = Decimal("0.001")

_STATUSES = {
    "1": OrderStatus.PENDING,
    "2": OrderStatus.CONFIRMED,
    "3": OrderStatus.PROCESSING,
    "4": OrderStatus.COMPLETED,
    "5": OrderStatus.ARCHIVED,
    "6": OrderStatus.CANCELLED,
    "pending": OrderStatus.PENDING,
    "confirmed": OrderStatus.CONFIRMED,
    "processing": OrderStatus.PROCESSING,
    "completed": OrderStatus.COMPLETED,
    "shipped": OrderStatus.COMPLETED,
    "archived": OrderStatus.ARCHIVED,
    "cancelled": OrderStatus.CANCELLED,
    "canceled": OrderStatus.CANCELLED,
}


def read_rows(
    raw_rows: Iterable[msgspec.Raw], read: Callable[[msgspec.Raw], T], id_field: str
) -> tuple[tuple[T, ...], tuple[Faulty, ...]]:
    """Every row that can be read, and every one that cannot; `id_field` is where the shop's own id stands in a row."""
    items, faulty = [], []
    for raw in raw_rows:
        try:
            items.append(read(raw))
        except (ValueError, ArithmeticError, RecursionError) as error:
            faulty.append(Faulty(legible_id(raw, id_field), _reason(error)))
    return tuple(items), tuple(faulty)


def legible_id(raw: msgspec.Raw, id_field: str) -> str:
    """The shop's id in a row that cannot be read otherwise; `""` where not even that much can."""
    try:
        found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[id_field]
        return text(msgspec.json.decode(found, type=str | int), id_field)
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        return ""


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, Odd) else _("The row could not be read.")


# --- products and stock --------------------------------------------------------------------


def product(raw: msgspec.Raw) -> ProductData:
    """A row of `GET /products`. The price is that of the first pricelist: which one is meant, Centra does not say."""
    row = decode(raw, ItemRow)
    price = _first_price(row)
    return ProductData(
        external_id=required(row.stock_item_id, "stockItemId"),
        sku_product=exact(row.sku, "sku"),
        sku_variant=exact(row.variant_sku, "variantSku"),
        sku_size=exact(row.size_sku, "sizeSku"),
        ean=text(row.ean, "ean"),
        name=text(row.name, "name") or text(row.product, "product"),
        variant=text(row.variant, "variant"),
        size=text(row.size, "size"),
        brand=text(row.brand, "brand"),
        collection=text(row.collection, "collection"),
        description=text(row.description, "description") or text(row.short_description, "shortDescription"),
        price=number(price.price, "price"),
        currency=text(price.currency, "currency").upper(),
        weight_kg=_kilograms(row.weight, row.weight_unit),
        country_of_origin=country(row.country_of_origin, "countryOfOrigin"),
        hs_code=text(row.harm_code, "harmCode"),
        customs_description=text(row.harm_description, "harmDescription"),
        picture_url=_first_picture(row),
        is_active=flag(row.active, "active"),
        is_bundle=flag(row.is_bundle, "isBundle"),
    )


def stock_level(raw: msgspec.Raw) -> StockLevel:
    """A row of `GET /stock`; available may be negative."""
    row = decode(raw, ItemRow)
    return StockLevel(
        identifier=_joined_sku(row),
        external_id=required(row.stock_item_id, "stockItemId"),
        ean=text(row.ean, "ean"),
        physical=whole(row.physical_stock, "physicalStock"),
        allocated=whole(row.allocated_stock, "allocatedStock"),
        available=whole(row.available_stock, "availableStock"),
    )


def _joined_sku(row: ItemRow | LineRow) -> str:
    return exact(row.sku, "sku") + exact(row.variant_sku, "variantSku") + exact(row.size_sku, "sizeSku")


def _first_price(row: ItemRow) -> PriceRow:
    prices = rows(row.prices)
    return decode(prices[0], PriceRow) if prices else PriceRow()


def _first_picture(row: ItemRow) -> str:
    """The first picture's address, where it is one that a page may show."""
    images: Sequence[Scalar] = (
        list(row.images.values())
        if isinstance(row.images, dict)
        else row.images
        if isinstance(row.images, list)
        else []
    )
    found = text(images[0], "images") if images else ""
    found = f"https:{found}" if found.startswith("//") else found
    return found if found.startswith(("https://", "http://")) else ""


def _kilograms(weight: Scalar, unit: Scalar) -> Decimal | None:
    """Kilograms; pounds are converted, to the gram. A weight of nothing or less says nothing."""
    found = number(weight, "weight")
    if found is None or found <= 0:
        return None
    return (found * _POUND).quantize(_GRAM) if text(unit, "weightUnit").lower() in ("lb", "lbs") else found


# --- orders --------------------------------------------------------------------------------


def order(raw: msgspec.Raw, zone: ZoneInfo) -> OrderData:
    """A row of `GET /orders`. Its shipments say whether they were sent, not what is in them."""
    row = decode(raw, OrderRow)
    raw_status = text(row.order_status, "orderStatus")
    number_ = required(row.order_id, "orderId")
    listed = (decode(shipment_row, OrderShipmentRow) for shipment_row in rows(row.shipments))
    return _order(
        row,
        zone,
        status=_STATUSES.get(raw_status.lower(), OrderStatus.UNKNOWN),
        raw_status=raw_status,
        attributes=_attributes(raw, OrderRow),
        shipments=tuple(_listed_shipment(shipment_row, number_, zone) for shipment_row in listed),
    )


def shipment(raw: msgspec.Raw, zone: ZoneInfo, status: ShipmentStatus) -> ShipmentData:
    """A row of `GET /shipments?status=…`: the row does not tell its status, the question did.

    An order with an unsent shipment is being processed by definition; nothing else here tells its order's status.
    """
    row = decode(raw, ShipmentRow)
    is_sent = status is ShipmentStatus.SENT
    around = _order(
        row,
        zone,
        status=OrderStatus.UNKNOWN if is_sent else OrderStatus.PROCESSING,
        attributes=_attributes(raw, ShipmentRow),
    )
    return ShipmentData(
        external_id=required(row.shipment_id, "shipmentId"),
        order_number=around.number,
        status=status,
        pieces=tuple((line.external_id, line.pieces) for line in around.lines),
        is_paid=flag(row.paid, "paid"),
        needs_capture=flag(row.should_capture, "shouldCapture"),
        parcel=ParcelData(
            carrier=text(row.carrier, "carrier"),
            service=text(row.service, "service") or text(row.delivery_service, "deliveryService"),
            tracking_code=text(row.tracking_number, "trackingNumber"),
            tracking_url=text(row.tracking_url, "trackingUrl"),
            return_tracking_code=text(row.return_slip_tracking, "returnSlipTracking"),
        ),
        # An unsent shipment carries a date as well, the planned one.
        shipped_at=moment(row.shipment_date, "shipmentDate", zone) if is_sent else None,
        order=around,
    )


def _order(row: OrderRow, zone: ZoneInfo, **told_elsewhere: Any) -> OrderData:
    lines = [decode(line_row, LineRow) for line_row in rows(row.products)]
    return OrderData(
        number=required(row.order_id, "orderId"),
        placed_at=moment(row.order_date, "orderDate", zone),
        deliver_to=_delivery_address(row),
        bill_to=_billing_address(row),
        lines=tuple(_line(line_row, bundle) for line_row, bundle in bundles.physical(lines)),
        shipping_method=text(row.shipping_list, "shippingList"),
        ingrid_method=text(row.ingrid_method, "shipwallet_method"),
        pickup_point=text(row.ingrid_pickup, "shipwallet_pickup"),
        currency=text(row.order_currency, "orderCurrency").upper(),
        total=number(row.grand_total_value, "grandTotalValue"),
        shipping_price=number(row.shipping_value, "shippingValue"),
        comment=text(row.other_comment, "otherComment"),
        customer_reference=text(row.po_number, "poNumber"),
        is_on_hold=flag(row.hold, "hold"),
        is_suspect=flag(row.suspect, "suspect"),
        waits_for_payment=flag(row.waiting_for_payment, "waitingForPayment"),
        has_only_bundles=bundles.has_unopened(lines),
        **told_elsewhere,
    )


def _line(row: LineRow, bundle: str) -> LineData:
    warehouses = (decode(warehouse_row, WarehouseRow) for warehouse_row in rows(row.warehouses))
    return LineData(
        external_id=required(row.line_id, "lineId"),
        sku=_joined_sku(row),
        ean=text(row.ean, "ean"),
        name=_line_name(row),
        pieces=pieces(row.qty, "qty"),
        price=number(row.price, "price"),
        vat_percent=number(row.tax_percent, "taxPercent"),
        weight_kg=_kilograms(row.weight, row.weight_unit),
        country_of_origin=country(row.country_of_origin, "countryOfOrigin"),
        hs_code=text(row.harm_code, "harmCode"),
        comment=text(row.comment, "comment"),
        bundle=bundle,
        allocations=tuple(
            AllocationData(text(place.name, "warehouses.name"), pieces(place.item_qty, "itemQty"))
            for place in warehouses
        ),
    )


def _line_name(row: LineRow) -> str:
    parts = (text(row.name, "name"), text(row.variant, "variant"), text(row.size, "size"))
    return ", ".join(part for part in parts if part)


def _delivery_address(row: OrderRow) -> AddressData:
    return AddressData(
        name=text(row.delivery_name, "deliveryName"),
        company=text(row.delivery_company, "deliveryCompany"),
        address=text(row.delivery_address, "deliveryAddress"),
        address2=text(row.delivery_coaddress, "deliveryCoaddress"),
        zip_code=text(row.delivery_zipcode, "deliveryZipcode"),
        city=text(row.delivery_city, "deliveryCity"),
        state=text(row.delivery_state, "deliveryState"),
        country=country(row.delivery_country, "deliveryCountry"),
        phone=text(row.delivery_cell, "deliveryCell") or text(row.delivery_tele, "deliveryTele"),
        email=text(row.delivery_email, "deliveryEmail"),
    )


def _billing_address(row: OrderRow) -> AddressData:
    return AddressData(
        name=text(row.billing_name, "billingName"),
        company=text(row.billing_company, "billingCompany"),
        address=text(row.billing_address, "billingAddress"),
        address2=text(row.billing_coaddress, "billingCoaddress"),
        zip_code=text(row.billing_zipcode, "billingZipcode"),
        city=text(row.billing_city, "billingCity"),
        state=text(row.billing_state, "billingState"),
        country=country(row.billing_country, "billingCountry"),
        phone=text(row.billing_tele, "billingTele"),
        email=text(row.billing_email, "billingEmail"),
    )


def _listed_shipment(row: OrderShipmentRow, order_number: str, zone: ZoneInfo) -> ShipmentData:
    shipped_at = moment(row.shipped_date, "shippedDate", zone)
    return ShipmentData(
        external_id=required(row.shipment_id, "shipmentId"),
        order_number=order_number,
        status=ShipmentStatus.SENT if shipped_at else ShipmentStatus.IN_PROGRESS,
        parcel=ParcelData(
            carrier=text(row.carrier, "carrier"),
            service=text(row.service, "service"),
            tracking_code=text(row.tracking_id, "trackingId"),
            tracking_url=text(row.tracking_url, "trackingUrl"),
            return_tracking_code=text(row.return_slip_tracking, "returnSlipTracking"),
        ),
        shipped_at=shipped_at,
    )


def _attributes(raw: msgspec.Raw, kind: type[OrderRow]) -> tuple[tuple[str, str], ...]:
    """The keys that Centra does not document, as text: custom attributes lie flat among the others."""
    known = UNUSED_ORDER_KEYS.union(kind.__struct_encode_fields__)
    members = msgspec.json.decode(raw, type=dict[str, Any])
    return tuple(
        (text(key, "attribute"), text(value, key))
        for key, value in members.items()
        if key not in known and isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    )


# --- returns -------------------------------------------------------------------------------


def return_(raw: msgspec.Raw, zone: ZoneInfo) -> ReturnData:
    """A row of `GET /returns`."""
    row = decode(raw, ReturnRow)
    lines = (decode(line_row, ReturnLineRow) for line_row in rows(row.products))
    return ReturnData(
        external_id=required(row.return_id, "returnId"),
        order_number=text(row.order_id, "orderId"),
        shipment=text(row.shipment, "shipment"),
        made_at=moment(row.date, "date", zone),
        is_complete=None if row.completed is None else flag(row.completed, "completed"),
        puts_back_stock=flag(row.return_to_stock, "returnToStock"),
        pieces=tuple(
            (required(line.order_line_id, "orderLineId"), pieces(line.quantity, "quantity")) for line in lines
        ),
    )


# --- our moments in the shop's words -------------------------------------------------------


def since_in_shop_time(since: datetime, zone: ZoneInfo) -> str:
    """An aware moment as the shop's wall clock showed it, one hour early: a filter that never leaves out too much.

    When the clock is set back, the same text stands for two moments, and a later moment may have the earlier text.
    """
    return (since.astimezone(zone).replace(tzinfo=None) - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
