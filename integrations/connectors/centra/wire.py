"""Centra's rows as they come: typed structs, and readers that forgive what its back end is known to mix up.

Number or numeric string, 0/1 or boolean, `""` or `null`, zero date or nothing, `[]` or `{}`: the same thing here. What
is none of these raises `Odd` with a sentence that names the field and never its content. Reference for the fields:
https://centra.dev/legacy/order-api/api-reference
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from django.utils.translation import gettext as _

T = TypeVar("T")

Scalar = str | int | float | bool | None
Rows = list[msgspec.Raw] | dict[str, msgspec.Raw] | None

_WHOLE = re.compile(r"[+-]?\d{1,9}(\.0{1,9})?")
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,30})?(e[+-]?\d{1,2})?", re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6}\d*)?)?([+-]\d\d:?\d\d|Z)?)?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PLAIN_FLAGS: dict[Scalar, bool] = {None: False, False: False, True: True}  # 0 and 1 as well, which equal them
_FLAGS = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}
_UNHEARD_OF = Decimal(10) ** 12


class Odd(ValueError):
    """A value that cannot be read; the text says which field, in a sentence."""


class Row(msgspec.Struct, rename="camel"):
    """Any row; the wire's names are in camel case."""


class ItemRow(Row):
    """One size, as `GET /products` and `GET /stock` show it."""

    stock_item_id: Scalar = None
    sku: Scalar = None
    variant_sku: Scalar = None
    size_sku: Scalar = None
    ean: Scalar = None
    name: Scalar = None
    product: Scalar = None
    variant: Scalar = None
    size: Scalar = None
    brand: Scalar = None
    collection: Scalar = None
    description: Scalar = None
    short_description: Scalar = None
    weight: Scalar = None
    weight_unit: Scalar = None
    country_of_origin: Scalar = None
    harm_code: Scalar = None
    harm_description: Scalar = None
    active: Scalar = True
    is_bundle: Scalar = None
    images: list[Scalar] | dict[str, Scalar] | Scalar = None
    prices: Rows = None
    physical_stock: Scalar = None
    allocated_stock: Scalar = None
    available_stock: Scalar = None


class PriceRow(Row):
    price: Scalar = None
    currency: Scalar = None


class WarehouseRow(Row):
    name: Scalar = None
    item_qty: Scalar = None


class LineRow(Row):
    """One line of an order or a shipment; a bundle may carry its parts in `bundle`."""

    line_id: Scalar = None
    sku: Scalar = None
    variant_sku: Scalar = None
    size_sku: Scalar = None
    ean: Scalar = None
    name: Scalar = None
    variant: Scalar = None
    size: Scalar = None
    qty: Scalar = None
    price: Scalar = None
    tax_percent: Scalar = None
    weight: Scalar = None
    weight_unit: Scalar = None
    country_of_origin: Scalar = None
    harm_code: Scalar = None
    comment: Scalar = None
    warehouses: Rows = None
    is_bundle: Scalar = None
    is_part_of_bundle: Scalar = None
    bundle: Rows = None


class OrderShipmentRow(Row):
    """A shipment as an order lists it: sent or not, and how; not what is in it."""

    shipment_id: Scalar = None
    shipped_date: Scalar = None
    carrier: Scalar = None
    service: Scalar = None
    tracking_id: Scalar = None
    tracking_url: Scalar = None
    return_slip_tracking: Scalar = None


class OrderRow(Row):
    """What orders and shipments share: who, where to, which lines."""

    order_id: Scalar = None
    order_status: Scalar = None
    order_date: Scalar = None
    order_currency: Scalar = None
    delivery_name: Scalar = None
    delivery_company: Scalar = None
    delivery_email: Scalar = None
    delivery_cell: Scalar = None
    delivery_tele: Scalar = None
    delivery_address: Scalar = None
    delivery_coaddress: Scalar = None
    delivery_zipcode: Scalar = None
    delivery_city: Scalar = None
    delivery_state: Scalar = None
    delivery_country: Scalar = None
    billing_name: Scalar = None
    billing_company: Scalar = None
    billing_email: Scalar = None
    billing_tele: Scalar = None
    billing_address: Scalar = None
    billing_coaddress: Scalar = None
    billing_zipcode: Scalar = None
    billing_city: Scalar = None
    billing_state: Scalar = None
    billing_country: Scalar = None
    po_number: Scalar = None
    shipping_list: Scalar = None
    shipping_value: Scalar = None
    grand_total_value: Scalar = None
    suspect: Scalar = None
    hold: Scalar = None
    waiting_for_payment: Scalar = None
    other_comment: Scalar = None
    ingrid_method: Scalar = msgspec.field(name="shipwallet_method", default=None)
    ingrid_pickup: Scalar = msgspec.field(name="shipwallet_pickup", default=None)
    shipments: Rows = None
    products: Rows = None


class ShipmentRow(OrderRow):
    """One shipment, with its order's data around it."""

    shipment_id: Scalar = None
    gtg: Scalar = None
    paid: Scalar = None
    should_capture: Scalar = None
    shipment_date: Scalar = None
    carrier: Scalar = None
    service: Scalar = None
    delivery_service: Scalar = None
    tracking_number: Scalar = None
    tracking_url: Scalar = None
    return_slip_tracking: Scalar = None


# What orders and shipments are documented to carry and nothing here needs; any other key is the merchant's own.
UNUSED_ORDER_KEYS = frozenset(
    {
        "selectionId",
        "cancelDate",
        "preferredDeliveryDate",
        "estimatedDeliveryDate",
        "orderStore",
        "customerId",
        "accountId",
        "billingVAT",
        "internalOrder",
        "voucherValue",
        "grandTotalTaxValue",
        "taxAdded",
        "taxDeducted",
        "internalComment",
        "marketId",
        "pricelistId",
        "ipAddress",
        "paymentPlugin",
        "paymentType",
        "paymentDescription",
        "paymentReference",
        "paymentMethod",
        "defaultCarrier",
        "totalItemsPriceTax",
        "totalItemsPrice",
        "totalItemsWithoutTax",
        "taxBreakdown",
        "totalItemsDiscount",
        "discounts",
        "shippingTerms",
        "paymentTerms",
        "proforma",
        "deliveryNote",
        "invoices",
        "pickupPointOpt",
        "additionalMessage",
    }
)


class ReturnRow(Row):
    return_id: Scalar = None
    completed: Scalar = None
    shipment: Scalar = None
    order_id: Scalar = None
    date: Scalar = None
    return_to_stock: Scalar = None
    products: Rows = None


class ReturnLineRow(Row):
    order_line_id: Scalar = None
    quantity: Scalar = None


# --- lists and rows ------------------------------------------------------------------------


def rows(value: Rows) -> list[msgspec.Raw]:
    """The rows of a list; an object stands for a list with gaps, as the back end writes it."""
    return list(value.values()) if isinstance(value, dict) else list(value or ())


def decode(raw: msgspec.Raw | bytes, kind: type[T]) -> T:
    """One row as a struct. Raises `Odd` where a field has another shape than any known."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        field = str(error).rpartition("`$")[2].strip("`.") if "`$" in str(error) else ""
        raise Odd(_sentence(_("The field “%(field)s” is not what it should be."), field)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Odd(_("The row is not readable text.")) from None


def _sentence(text: str, field: str) -> str:
    return text % {"field": field} if field else _("The row is not what it should be.")


# --- scalars -------------------------------------------------------------------------------


def exact(value: Scalar, field: str) -> str:
    """Text just as given, blanks and all: for the parts of a SKU, where they tell twins apart."""
    if isinstance(value, str) and "\0" not in value:
        return value
    if value is None or value is False:
        return ""
    if value is True:
        raise Odd(_("The field “%(field)s” is not text.") % {"field": field})
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if "\0" in text:
        raise Odd(_("The field “%(field)s” contains a character that cannot be stored.") % {"field": field})
    return text


def text(value: Scalar, field: str) -> str:
    """Text for people: without blanks around it, and without the one character that no database keeps."""
    if isinstance(value, str):
        return (value.replace("\0", "") if "\0" in value else value).strip()
    return exact(value, field).strip()


def required(value: Scalar, field: str) -> str:
    """Text that must be there; raises `Odd` where it is empty."""
    found = text(value, field)
    if not found:
        raise Odd(_("The field “%(field)s” is missing.") % {"field": field})
    return found


def flag(value: Scalar, field: str) -> bool:
    """A yes or no; nothing is no."""
    if value in _PLAIN_FLAGS:
        return _PLAIN_FLAGS[value]
    try:
        return _FLAGS[text(value, field).lower()]
    except KeyError:
        raise Odd(_("The field “%(field)s” is neither yes nor no.") % {"field": field}) from None


def whole(value: Scalar, field: str) -> int | None:
    """A whole number; `None` where there is none."""
    found = text(value, field)
    if not found:
        return None
    if not _WHOLE.fullmatch(found):
        raise Odd(_("The field “%(field)s” is not a whole number.") % {"field": field})
    return int(found.partition(".")[0])


def pieces(value: Scalar, field: str) -> int:
    """A count of pieces: must be there, and is never negative."""
    found = whole(required(value, field), field)
    if found is None or found < 0:
        raise Odd(_("The field “%(field)s” is not a number of pieces.") % {"field": field})
    return found


def number(value: Scalar, field: str) -> Decimal | None:
    """A decimal number with at most four places (floats on the wire drag a tail); `None` where there is none."""
    found = text(value, field)
    if not found:
        return None
    exact_number = Decimal(found) if _NUMBER.fullmatch(found) else None
    if exact_number is None or abs(exact_number) >= _UNHEARD_OF:
        raise Odd(_("The field “%(field)s” is not a number.") % {"field": field})
    exponent = exact_number.as_tuple().exponent
    return round(exact_number, 4) if isinstance(exponent, int) and exponent < -4 else exact_number


def moment(value: Scalar, field: str, zone: ZoneInfo) -> datetime | None:
    """A moment in UTC; what carries no offset is wall-clock time in `zone`. Zero dates are `None`.

    Where the clock is set back, an hour happens twice and the text does not say which: the earlier is taken, so that a
    look "since then" shows too much, never too little. Where it is set forward, the missing hour is read as the one
    after it, as a watch that was not set would show it.
    """
    found = text(value, field)
    if not found or found.startswith("0000-"):
        return None
    try:
        if not _MOMENT.fullmatch(found):
            raise ValueError
        read = datetime.fromisoformat(found)
        if not 1 < read.year < 9999:  # in another zone such a day may be in no year at all
            raise ValueError
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Odd(_("The field “%(field)s” is not a date.") % {"field": field}) from None


def country(value: Scalar, field: str) -> str:
    """ISO 3166 alpha-2, in capitals; `""` where it is anything else."""
    found = text(value, field).upper()
    return found if _COUNTRY.fullmatch(found) else ""
