"""What would come in, were orders taken from an earlier time on: asked of the shop, shown, and only then confirmed.

typed time ─▶ look ─▶ Preview ─▶ the list on the page ─▶ confirmed ─▶ saved

Somebody waits for the answer at a page: the look ends after `SECONDS`, and says how far it came.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from integrations.connectors import connect
from integrations.connectors.base import Connector, Credentials, OrderData, OrderStatus, Page
from integrations.connectors.errors import ShopError, Unavailable

SHOWN = 200  # orders; beyond them the page says “more than”
SECONDS = 10.0
CLOSED = (OrderStatus.COMPLETED, OrderStatus.ARCHIVED, OrderStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Span:
    """Orders placed at or after `since` and before `until`, in UTC."""

    since: datetime
    until: datetime

    def has(self, data: OrderData) -> bool:
        """One without a date is taken, so it is shown."""
        return data.placed_at is None or self.since <= data.placed_at < self.until


@dataclass(frozen=True, slots=True)
class Coming:
    """One order that would come in."""

    number: str
    placed_at: datetime | None
    status: str
    pieces: int
    shipping_method: str


@dataclass(slots=True)
class Preview:
    """What the shop showed. `is_cut` where there is more than what was read; `error` where nothing could be read."""

    rows: list[Coming] = field(default_factory=list)
    closed: int = 0
    unreadable: int = 0
    is_cut: bool = False
    error: str = ""

    @property
    def is_empty(self) -> bool:
        """Nothing would come in, and that is certain."""
        return not (self.rows or self.unreadable or self.is_cut or self.error)


def look(platform: str, credentials: Credentials, span: Span, *, reads_shipments: bool) -> Preview:
    """Read the shop's orders (or good-to-go shipments) until they end, are enough, or the time is up."""
    found, numbers = Preview(), set[str]()
    try:
        with connect(platform, credentials, before_call=_deadline(), total_seconds=SECONDS) as shop:
            for page in _pages(shop, span, reads_shipments=reads_shipments):
                found.unreadable += len(page.faulty)
                _add(found, page, span, numbers)
                if found.is_cut:
                    break
    except ShopError as error:
        found.is_cut = True
        found.error = "" if found.rows else str(error)
    return found


def _deadline() -> Callable[[], None]:
    """Raises `Unavailable` where the time is up."""
    ends_at = time.monotonic() + SECONDS

    def before_call() -> None:
        if time.monotonic() > ends_at:
            raise Unavailable(_("The shop answers very slowly; the list was broken off."))

    return before_call


def _pages(shop: Connector, span: Span, *, reads_shipments: bool) -> Iterator[Page[OrderData]]:
    if not reads_shipments:
        yield from shop.orders(span.since)
        return
    for page in shop.open_shipments():
        yield Page(tuple(one.order for one in page.items if one.order), page.faulty, page.cursor, page.number)


def _add(found: Preview, page: Page[OrderData], span: Span, numbers: set[str]) -> None:
    """The page's orders within the span, each number once."""
    for data in page.items:
        if data.number in numbers or not span.has(data):
            continue
        numbers.add(data.number)
        if data.status in CLOSED:
            found.closed += 1
        elif len(found.rows) == SHOWN:
            found.is_cut = True
            return
        else:
            found.rows.append(_coming(data))


def _coming(data: OrderData) -> Coming:
    pieces = sum(line.pieces for line in data.lines)
    return Coming(data.number, data.placed_at, data.status.value, pieces, data.shipping_method)
