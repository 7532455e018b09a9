"""The protocol of `base.py`, said in Centra's terms. Base URL and Secret API key are those of one Order API plugin."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from django.utils.translation import gettext as _

from integrations.connectors.base import (
    Allowed,
    Credentials,
    IsKnown,
    NewShipment,
    OrderData,
    Page,
    ParcelData,
    ProductData,
    Refusal,
    ReturnData,
    Right,
    RightFound,
    ShipmentData,
    ShipmentStatus,
    StockFigure,
    StockLevel,
)
from integrations.connectors.centra import mapping
from integrations.connectors.centra.address import tidy_base_url
from integrations.connectors.centra.client import HEADER, STOCK_ROWS_PER_CALL, Client, RawPage
from integrations.connectors.errors import (
    BadCredentials,
    Closed,
    NotAllowed,
    Rejected,
    Unavailable,
    Unreadable,
    WrongAddress,
)
from integrations.connectors.http import Answer, Session

__all__ = ["CentraConnector", "connect", "tidy_base_url"]

T = TypeVar("T")

SINGLE_LOOK_UPS = 50  # beyond so many items, reading the whole stock list is the shorter way

# In the order in which a shipment moves, so that one that moves on while we look is met at least once, and last where
# it stands then.
_STATUS_WORDS = {
    ShipmentStatus.IN_PROGRESS: "inprogress",
    ShipmentStatus.GOOD_TO_GO: "goodtogo",
    ShipmentStatus.SENT: "completed",
}


def connect(
    credentials: Credentials, *, before_call: Callable[[], None] | None = None, total_seconds: float | None = None
) -> "CentraConnector":
    """A connector for one Order API plugin. Opens no connection by itself."""
    session = Session(
        credentials.base_url,
        HEADER,
        credentials.secret,
        before_call=before_call,
        total_seconds=total_seconds,
    )
    return CentraConnector(session, ZoneInfo(credentials.time_zone))


class CentraConnector:
    """See `base.Connector` for what each method promises."""

    def __init__(self, session: Session, zone: ZoneInfo) -> None:
        self._session = session
        self._client = Client(session)
        self._zone = zone

    def __repr__(self) -> str:
        return f"<Centra at {self._session.host}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    # --- rights ----------------------------------------------------------------------------

    def check(self) -> tuple[RightFound, ...]:
        found = (
            _reading(Right.PRODUCTS, self._client.first_product, _("Products can be read.")),
            _reading(
                Right.ORDERS,
                self._client.first_order,
                _(
                    "Orders can be read. Tick Cancelled as well under “Get Orders with Status” in Centra, "
                    "so that cancelled orders are noticed."
                ),
            ),
            _probing(Right.STOCK, self._set_no_stock, _("Stock can be written.")),
            _probing(Right.SHIPMENTS, self._complete_nothing, _("Shipments can be written.")),
        )
        if all(right.allowed is Allowed.NO for right in found):
            raise BadCredentials(_("%(host)s refuses the key everything.") % {"host": self._session.host})
        if all(right.allowed is Allowed.UNKNOWN for right in found):
            raise WrongAddress(
                _("%(host)s answers at this address, but not as an Order API does.") % {"host": self._session.host}
            )
        return found

    def _set_no_stock(self) -> None:
        self._client.set_stock({})

    def _complete_nothing(self) -> None:
        nothing = {"order": 0, "shipment": "0-0", "shipped": False, "capture": False}
        self._client.complete_shipment(nothing)
        # An order 0 that can be completed tells nothing about the right to complete real ones.
        raise Unreadable(_("The shop's answer to the test does not tell whether shipments can be written."))

    # --- products and stock ----------------------------------------------------------------

    def products(
        self, changed_since: datetime | None = None, cursor: str = "", is_known: IsKnown | None = None
    ) -> Iterator[Page[ProductData]]:
        filters = {"modified": self._since(changed_since)} if changed_since else {}
        return _read(self._client.products(filters, cursor, is_known), mapping.product, "stockItemId")

    def products_of(self, external_ids: Sequence[str]) -> Iterator[Page[ProductData]]:
        for external_id in external_ids:
            pages = _read(self._client.products({"stockItemId": external_id}), mapping.product, "stockItemId")
            yield from _only(pages, partial(_is_item, external_id))

    def stock(self, identifiers: Sequence[str] | None = None, cursor: str = "") -> Iterator[Page[StockLevel]]:
        pages = _read(self._client.stock(cursor=cursor), mapping.stock_level, "stockItemId")
        if identifiers is None:
            return pages
        wanted = frozenset(identifiers)
        return _only(pages, lambda level: level.identifier in wanted or level.ean in wanted)

    def stock_of(self, external_ids: Sequence[str]) -> Iterator[Page[StockLevel]]:
        wanted = frozenset(external_ids)
        if len(wanted) > SINGLE_LOOK_UPS:
            return _only(self.stock(), lambda level: level.external_id in wanted)
        return _only(self._single_stock(sorted(wanted)), lambda level: level.external_id in wanted)

    def _single_stock(self, external_ids: Sequence[str]) -> Iterator[Page[StockLevel]]:
        for external_id in external_ids:
            pages = self._client.stock({"stockItemId": external_id})
            yield from _read(pages, mapping.stock_level, "stockItemId")

    def push_stock(self, figures: Sequence[StockFigure]) -> tuple[Refusal, ...]:
        refused: list[Refusal] = []
        for start in range(0, len(figures), STOCK_ROWS_PER_CALL):
            chunk = {figure.identifier: figure.pieces for figure in figures[start : start + STOCK_ROWS_PER_CALL]}
            for kind, identifiers in self._client.set_stock(chunk).items():
                refused += [Refusal(identifier, _refusal(kind)) for identifier in identifiers]
        return tuple(refused)

    # --- orders ----------------------------------------------------------------------------

    def orders(self, created_since: datetime, cursor: str = "") -> Iterator[Page[OrderData]]:
        filters = {"newer_than": self._since(created_since)}
        return _read(self._client.orders(filters, cursor), partial(mapping.order, zone=self._zone), "orderId")

    def order(self, number: str) -> OrderData | None:
        rows = [row for row in self._client.order(number) if mapping.legible_id(row, "orderId") in (number, "")]
        if not rows:
            return None
        items, faulty = mapping.read_rows(rows, partial(mapping.order, zone=self._zone), "orderId")
        if faulty:
            raise Unreadable(
                _("Order %(number)s cannot be read. %(why)s") % {"number": number, "why": faulty[0].reason},
                what=f"order {number}",
            )
        return replace(items[0], shipments=self._shipments_of(items[0]))

    def _shipments_of(self, order: OrderData) -> tuple[ShipmentData, ...]:
        """All shipments of an order; what only the order itself names is kept as it names it."""
        found = {shipment.external_id: shipment for shipment in order.shipments}
        for status in _STATUS_WORDS:
            for page in self._shipment_pages(status, order.number):
                if page.faulty:
                    raise Unreadable(
                        _("A shipment of order %(number)s cannot be read. %(why)s")
                        % {"number": order.number, "why": page.faulty[0].reason},
                        what=f"shipments of order {order.number}",
                    )
                of_this = (shipment for shipment in page.items if shipment.order_number == order.number)
                found |= {shipment.external_id: shipment for shipment in of_this}
        return tuple(found.values())

    # --- shipments -------------------------------------------------------------------------

    def open_shipments(self) -> Iterator[Page[ShipmentData]]:
        return self._shipment_pages(ShipmentStatus.GOOD_TO_GO)

    def _shipment_pages(self, status: ShipmentStatus, order: str = "") -> Iterator[Page[ShipmentData]]:
        pages = self._client.shipments(_STATUS_WORDS[status], order)
        return _read(pages, partial(mapping.shipment, zone=self._zone, status=status), "shipmentId")

    def create_shipment(self, shipment: NewShipment) -> ShipmentData:
        body: dict[str, Any] = {
            "order": _number(shipment.order_number),
            "products": dict(shipment.pieces),
            "gtg": shipment.good_to_go,
            "capture": shipment.capture,
        }
        if shipment.deduct_previous_costs:
            body["deductPreviousCosts"] = True
        return ShipmentData(
            external_id=_shipment_id(self._client.create_shipment(body)),
            order_number=shipment.order_number,
            status=ShipmentStatus.GOOD_TO_GO if shipment.good_to_go else ShipmentStatus.IN_PROGRESS,
            pieces=shipment.pieces,
            is_paid=shipment.capture,
            needs_capture=not shipment.capture,
        )

    def capture(self, shipment: ShipmentData) -> None:
        self._client.capture(shipment.external_id)

    def complete(
        self, shipment: ShipmentData, parcel: ParcelData, *, capture: bool, send_email: bool | None = None
    ) -> None:
        body: dict[str, Any] = {
            "order": _number(shipment.order_number),
            "shipment": shipment.external_id,
            "gtg": True,
            "shipped": True,
            "capture": capture,
            "packages": parcel.parcels,
        }
        told = {
            "carrier": parcel.carrier,
            "service": parcel.service,
            "tracking": parcel.tracking_code,
            "returnSlipTracking": parcel.return_tracking_code,
        }
        body |= {key: word for key, word in told.items() if word}
        if send_email is not None:
            body["sendEmail"] = send_email
        self._client.complete_shipment(body)

    def withdraw(self, shipment: ShipmentData) -> None:
        self._client.delete_shipment(shipment.external_id)

    def change_shipment(self, shipment: ShipmentData, pieces: Sequence[tuple[str, int]]) -> ShipmentData:
        """Every line is sent, changed or not: whether a line left out is kept or removed, no source tells."""
        wanted = tuple((dict(shipment.pieces) | dict(pieces)).items())
        answer = self._client.change_shipment(shipment.external_id, {"products": dict(wanted)})
        return self._changed(answer, shipment) or replace(shipment, pieces=wanted)

    def _changed(self, answer: Answer, before: ShipmentData) -> ShipmentData | None:
        """The shipment in the answer; nothing where it holds only the id, as other endpoints' answers do."""
        try:
            after = mapping.shipment(answer["shipment"], self._zone, before.status)
        except (KeyError, ValueError):
            return None
        return after if after.external_id == before.external_id else None

    # --- returns ---------------------------------------------------------------------------

    def returns(self, since: datetime, cursor: str = "") -> Iterator[Page[ReturnData]]:
        pages = self._client.returns({"newer_than": self._since(since)}, cursor)
        return _read(pages, partial(mapping.return_, zone=self._zone), "returnId")

    def _since(self, moment: datetime) -> str:
        return mapping.since_in_shop_time(moment, self._zone)


# --- pages ---------------------------------------------------------------------------------


def _read(pages: Iterable[RawPage], read: Callable[[msgspec.Raw], T], id_field: str) -> Iterator[Page[T]]:
    for page in pages:
        items, faulty = mapping.read_rows(page.rows, read, id_field)
        yield Page(items, faulty, page.cursor, page.number, page.digest, page.is_known)


def _is_item(external_id: str, item: ProductData) -> bool:
    return item.external_id == external_id


def _only(pages: Iterable[Page[T]], is_wanted: Callable[[T], bool]) -> Iterator[Page[T]]:
    for page in pages:
        yield replace(page, items=tuple(filter(is_wanted, page.items)))


# --- words ---------------------------------------------------------------------------------


def _reading(right: Right, read: Callable[[], None], good: str) -> RightFound:
    try:
        read()
    except NotAllowed as refused:
        return RightFound(right, Allowed.NO, str(refused))
    except (Rejected, Unreadable) as unclear:
        return RightFound(right, Allowed.UNKNOWN, str(unclear))
    return RightFound(right, Allowed.YES, good)


def _probing(right: Right, write: Callable[[], None], good: str) -> RightFound:
    """What a write that changes nothing meets. Refused for its content means that it was let in at the door."""
    try:
        write()
    except Closed as closed:
        return RightFound(right, Allowed.UNKNOWN, _("Not asked: %(why)s") % {"why": closed})
    except NotAllowed as refused:
        return RightFound(right, Allowed.NO, str(refused))
    except Rejected:
        return RightFound(right, Allowed.YES, good)
    except (Unavailable, Unreadable) as unclear:
        return RightFound(right, Allowed.UNKNOWN, str(unclear))
    return RightFound(right, Allowed.YES, good)


def _refusal(kind: str) -> str:
    if kind == "productsNotFound":
        return _("The shop knows no item with this SKU or EAN.")
    if kind == "productsAreBundles":
        return _("This is a bundle in the shop; stock is kept for its parts only.")
    return _("The shop did not take the figure: “%(reason)s”.") % {"reason": kind}


def _number(order_number: str) -> int | str:
    return int(order_number) if order_number.isdecimal() else order_number


def _shipment_id(answer: Answer) -> str:
    """The id in the answer to a write, given as text or inside the whole shipment."""
    for kind in (str, dict[str, Any]):
        try:
            found: Any = msgspec.json.decode(answer["shipment"], type=kind)
            shipment_id = str((found if isinstance(found, str) else found.get("shipmentId")) or "")
        except (KeyError, msgspec.MsgspecError, ValueError, RecursionError):
            continue  # ValueError: not UTF-8, or a number of thousands of digits
        if shipment_id:
            return shipment_id
    raise Unavailable(_("The shop's answer does not say which shipment was made."), lost_answer=True)
