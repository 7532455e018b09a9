"""What every shop can do for us: a small protocol, and the frozen data it speaks.

Money is `Decimal` with its currency (ISO 4217); times are aware, in UTC; weights are kilograms; countries are
ISO 3166 alpha-2. What the shop does not say is `""` or `None`, never missing. Raw platform words end below this line.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

T = TypeVar("T")
IsKnown = Callable[[str, str], bool]  # of a page: the cursor where it begins, its digest


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens one shop.

    `base_url` is tidy (see `tidy_base_url` of the platform), `secret` is plain text and never shown, `time_zone` is the
    IANA name of the zone in which the shop writes its times.
    """

    base_url: str
    secret: str = field(repr=False)
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Faulty:
    """One row that could not be read: which (the shop's own id, where that much was legible) and why, in a sentence."""

    external_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing.

    `cursor` is where the *next* page begins, to be handed back to the same method (with the same other arguments) after
    an interruption; `""` after the last page, which may be empty. `number` counts from 1 within this call. Pages of one
    `digest` say the same, word for word; `""` where nobody compares. `is_known`: as the caller said, and so not read.
    """

    items: tuple[T, ...]
    faulty: tuple[Faulty, ...] = ()
    cursor: str = ""
    number: int = 1
    digest: str = ""
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class ProductData:
    """One physical item of the shop: for Centra one size of one variant of one product."""

    external_id: str
    sku_product: str
    sku_variant: str
    sku_size: str
    ean: str = ""
    name: str = ""
    variant: str = ""
    size: str = ""
    brand: str = ""
    collection: str = ""
    description: str = ""
    price: Decimal | None = None
    currency: str = ""
    weight_kg: Decimal | None = None
    country_of_origin: str = ""
    hs_code: str = ""
    customs_description: str = ""
    picture_url: str = ""
    is_active: bool = True
    is_bundle: bool = False

    @property
    def sku(self) -> str:
        """The warehouse's SKU: the three parts joined in this order, nothing between, none invented."""
        return self.sku_product + self.sku_variant + self.sku_size


@dataclass(frozen=True, slots=True)
class StockLevel:
    """What the shop shows for one item, in pieces; `None` where it does not say."""

    identifier: str
    external_id: str = ""
    ean: str = ""
    physical: int | None = None
    allocated: int | None = None
    available: int | None = None


@dataclass(frozen=True, slots=True)
class StockFigure:
    """What the shop should show for one item: pieces, never negative. `identifier` is a joined SKU or an EAN."""

    identifier: str
    pieces: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """An identifier whose figure the shop did not take, and why, in a sentence."""

    identifier: str
    reason: str


class OrderStatus(StrEnum):
    """Where an order stands in the shop."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    PROCESSING = "processing"
    COMPLETED = "completed"
    ARCHIVED = "archived"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class ShipmentStatus(StrEnum):
    """Where a shipment stands in the shop."""

    IN_PROGRESS = "in progress"  # exists, not yet good to go, not sent
    GOOD_TO_GO = "good to go"  # may be sent, not sent
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class AddressData:
    """Where a parcel goes, or who pays."""

    name: str = ""
    company: str = ""
    address: str = ""
    address2: str = ""
    zip_code: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class AllocationData:
    """Pieces of a line allocated in one of the shop's warehouses, by its name."""

    warehouse: str
    pieces: int


@dataclass(frozen=True, slots=True)
class LineData:
    """One physical line: parts of a bundle are lines, the bundle itself is not. `price` is per piece, with tax."""

    external_id: str
    sku: str
    ean: str = ""
    name: str = ""
    pieces: int = 0
    price: Decimal | None = None
    vat_percent: Decimal | None = None
    weight_kg: Decimal | None = None
    country_of_origin: str = ""
    hs_code: str = ""
    comment: str = ""
    bundle: str = ""
    allocations: tuple[AllocationData, ...] = ()


@dataclass(frozen=True, slots=True)
class ParcelData:
    """How a shipment travelled: free text of carrier and service, one tracking code, the number of parcels."""

    carrier: str = ""
    service: str = ""
    tracking_code: str = ""
    tracking_url: str = ""
    return_tracking_code: str = ""
    parcels: int = 1


@dataclass(frozen=True, slots=True)
class ShipmentData:
    """One shipment of an order.

    `pieces` maps a line's external id to the pieces in this shipment; empty where the shop names a shipment without
    saying what is in it (in a listing of orders). `order` then is the order as far as a shipment tells: its lines are
    those of the shipment.
    """

    external_id: str
    order_number: str
    status: ShipmentStatus
    pieces: tuple[tuple[str, int], ...] = ()
    is_paid: bool = False
    needs_capture: bool = False
    parcel: ParcelData = ParcelData()
    shipped_at: datetime | None = None
    order: "OrderData | None" = None


@dataclass(frozen=True, slots=True)
class OrderData:
    """One order as the shop shows it now. Totals are with tax, in `currency`."""

    number: str
    status: OrderStatus
    placed_at: datetime | None
    deliver_to: AddressData
    bill_to: AddressData
    lines: tuple[LineData, ...]
    shipping_method: str = ""
    ingrid_method: str = ""
    pickup_point: str = ""
    currency: str = ""
    total: Decimal | None = None
    shipping_price: Decimal | None = None
    comment: str = ""
    customer_reference: str = ""
    is_on_hold: bool = False
    is_suspect: bool = False
    waits_for_payment: bool = False
    has_only_bundles: bool = False  # the shop shows bundles without their parts: what to pick is not known
    raw_status: str = ""
    attributes: tuple[tuple[str, str], ...] = ()  # what the platform does not know: the merchant's own fields, as text
    shipments: tuple[ShipmentData, ...] = ()


@dataclass(frozen=True, slots=True)
class NewShipment:
    """A shipment to be made. `pieces` maps a line's external id to pieces."""

    order_number: str
    pieces: tuple[tuple[str, int], ...]
    capture: bool
    good_to_go: bool = True
    deduct_previous_costs: bool = False


@dataclass(frozen=True, slots=True)
class ReturnData:
    """One return as the shop shows it. `pieces` maps an order line's external id to returned pieces."""

    external_id: str
    order_number: str
    shipment: str
    made_at: datetime | None
    is_complete: bool | None
    puts_back_stock: bool
    pieces: tuple[tuple[str, int], ...] = ()


class Right(StrEnum):
    """What a key must be allowed to do, one per pipe."""

    PRODUCTS = "read products"
    ORDERS = "read orders"
    STOCK = "write stock"
    SHIPMENTS = "write shipments"


class Allowed(StrEnum):
    YES = "allowed"
    NO = "not allowed"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class RightFound:
    """What *Test* found for one right; `detail` is a sentence."""

    right: Right
    allowed: Allowed
    detail: str = ""


class Connector(Protocol):
    """One open connection to one shop. Use it as a context manager; it keeps one HTTP session.

    Every method raises a `ShopError` (see `errors.py`) and nothing else, but for what `before_call` raises. Reads are
    retried within seconds, writes never: the job that calls a write has read first and knows what a lost answer means.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def check(self) -> tuple[RightFound, ...]:
        """Which rights the key has, changing nothing. Raises `BadCredentials` and `Unavailable`."""

    def products(
        self, changed_since: datetime | None = None, cursor: str = "", is_known: IsKnown | None = None
    ) -> Iterator[Page[ProductData]]:
        """The catalogue page by page, in the shop's own order; may repeat items. `cursor` goes on where one stopped.

        A page of which `is_known` says so comes without its items, unread. A connector need not ask.
        """

    def products_of(self, external_ids: Sequence[str]) -> Iterator[Page[ProductData]]:
        """Just these items, one call each; what the shop does not have does not come."""

    def orders(self, created_since: datetime, cursor: str = "") -> Iterator[Page[OrderData]]:
        """Orders created at or after that time; may repeat, in no promised order; ends after an empty page."""

    def order(self, number: str) -> OrderData | None:
        """The order with its shipments in all statuses, or nothing where the shop does not show it."""

    def open_shipments(self) -> Iterator[Page[ShipmentData]]:
        """All good-to-go shipments that are not sent, every time, each with its order's data."""

    def stock(self, identifiers: Sequence[str] | None = None, cursor: str = "") -> Iterator[Page[StockLevel]]:
        """What the shop shows now, for all items or for those of these identifiers (joined SKU or EAN).

        Naming identifiers still reads the whole list; `stock_of` asks for single items.
        """

    def stock_of(self, external_ids: Sequence[str]) -> Iterator[Page[StockLevel]]:
        """What the shop shows now for these items, by their external ids; items it does not know are left out."""

    def push_stock(self, figures: Sequence[StockFigure]) -> tuple[Refusal, ...]:
        """Set absolute figures, in chunks. What the shop refused comes back; empty is good."""

    def create_shipment(self, shipment: NewShipment) -> ShipmentData:
        """Make a shipment; raises `Rejected` where the order or the capture is refused, and then none was made.

        A shop may hand back an open shipment with the same lines instead; `is_paid` tells what was asked for, so
        that the order must be read again before anybody believes that money was taken.
        """

    def capture(self, shipment: ShipmentData) -> None:
        """Take the money of a shipment; raises `Rejected` where it is refused: the goods must not leave."""

    def complete(
        self, shipment: ShipmentData, parcel: ParcelData, *, capture: bool, send_email: bool | None = None
    ) -> None:
        """Mark as sent, with carrier and tracking. `capture=False` where the money is taken elsewhere or already."""

    def withdraw(self, shipment: ShipmentData) -> None:
        """Delete a shipment that is not sent; raises `Rejected` where the shop keeps it."""

    def change_shipment(self, shipment: ShipmentData, pieces: Sequence[tuple[str, int]]) -> ShipmentData:
        """Lower the pieces of an unpaid, unsent shipment (a short pick)."""

    def returns(self, since: datetime, cursor: str = "") -> Iterator[Page[ReturnData]]:
        """Returns made at or after that time."""
