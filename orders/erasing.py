"""Personal data of closed orders goes after `KEEP_PERSONAL_DATA_MONTHS`; counts stay.

    closed, and unchanged for so long ──▶ a batch, locked in key order ──▶ columns empty · story without its words ──▶
    `erased_at`

What stays: reference, status, times, country, carrier, money, lines with SKU and pieces, who of the staff did what, and
the fingerprint of what the shop said, by which the same listing says nothing new. What goes: whoever the parcel went
to, what they wrote, where it can be traced, and whatever the shop said in words of its own.

Nothing is owed to a row twice: a killed run has erased the batches it committed, and the next one goes on.
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.models import CLOSED, Event, Hold, Order, OrderLine, OrderQuerySet, SeenOrder, Shipment, Verdict

BATCH = 200
LONGEST_RUN = 1200.0  # seconds; what is left then is the next night's
GONE = "…"
KEPT = "kept"  # in an event's facts: the sentence that stays of it

PERSON = ("name", "company", "address", "address2", "zip_code", "city", "state", "phone", "email")
WORDS = ("comment", "customisation", "customer_reference", "warehouse_comment")
TRACES = ("pickup_point", "tracking_code")
SAID_BY_SHOP = ("handover_error", "tell_error")
EMPTIED: dict[str, Any] = {
    **dict.fromkeys((*PERSON, *WORDS, *TRACES, *SAID_BY_SHOP), ""),
    "bill_to": {},
    "taken": {},
    "offered": None,
}
FACTS_KEPT = ("digest", "left", "refunded")  # the rest are sentences, some with the shop's own words in them

_QUOTED = re.compile(r"“.*”", re.DOTALL)  # to the last sign, for a text may hold such signs itself
_SHORTEST = 3  # characters of a text that is looked for in the story
_SHORTEST_PART = 4  # and of one word of a name or an address


def erase(now: datetime | None = None) -> int:
    """Erase all that is due; returns how many orders."""
    moment, started, done = now or timezone.now(), time.monotonic(), 0
    while time.monotonic() - started < LONGEST_RUN:
        erased = _erase_batch(moment)
        done += erased
        if erased < BATCH:
            break
    _forget_what_could_not_be_read(moment)
    return done


def kept_since(now: datetime) -> datetime:
    """Personal data of what was closed before this moment goes."""
    year, month = divmod(now.year * 12 + now.month - 1 - settings.KEEP_PERSONAL_DATA_MONTHS, 12)
    day = min(now.day, calendar.monthrange(year, month + 1)[1])
    return now.replace(year=year, month=month + 1, day=day)


def due(now: datetime) -> OrderQuerySet:
    """Closed orders that have not changed their status for so long, and still hold personal data."""
    return Order.objects.filter(status__in=CLOSED, erased_at=None, status_changed_at__lt=kept_since(now))


@transaction.atomic
def _erase_batch(now: datetime) -> int:
    pks = list(due(now).order_by("status_changed_at", "pk").values_list("pk", flat=True)[:BATCH])
    orders = list(due(now).filter(pk__in=pks).lock())  # asked again: one may have been opened while we waited
    _erase_stories(orders)
    keys = [order.pk for order in orders]
    OrderLine.objects.filter(order__in=keys).update(comment="")
    _erase_shipments(keys)
    for order in orders:
        _empty(order, now)
    Order.objects.bulk_update(orders, [*EMPTIED, "facts", "erased_at"], batch_size=50)
    return len(orders)


def _empty(order: Order, now: datetime) -> None:
    for name, nothing in EMPTIED.items():
        setattr(order, name, nothing)
    order.facts = {key: fact for key, fact in order.facts.items() if key in FACTS_KEPT}
    order.erased_at = now


def _erase_shipments(orders: Iterable[int]) -> None:
    """What the shop said about a shipment; of one that an order shares which is not erased yet it stays."""
    keys = list(orders)
    others = Order.objects.filter(erased_at=None, shipment__isnull=False).exclude(pk__in=keys)
    shipments = Shipment.objects.filter(orders__in=keys).exclude(pk__in=others.values("shipment"))
    found = list(shipments.distinct().values_list("pk", flat=True))
    Shipment.objects.filter(pk__in=found).update(error="", capture_error="")


# --- the story -------------------------------------------------------------------------------


def _erase_stories(orders: list[Order]) -> None:
    """The lines stay, with their times; the words of a person in them do not. Reasons to wait keep their kind."""
    patterns = {order.pk: _pattern(order) for order in orders}
    events = list(Event.objects.filter(order__in=patterns))
    for event in events:
        event.text = _without(event, patterns[event.order_id])
        event.facts = {key: fact for key, fact in event.facts.items() if key != KEPT}
    Event.objects.bulk_update(events, ["text", "facts"], batch_size=200)
    holds = list(Hold.objects.filter(order__in=patterns))
    for hold in holds:
        hold.text = str(hold.get_cause_display())
    Hold.objects.bulk_update(holds, ["text"], batch_size=200)
    Event.objects.bulk_create(Event(order=order, text=_("Personal data was erased.")) for order in orders)


def _without(event: Event, pattern: re.Pattern[str] | None) -> str:
    """The sentence that stays, without anything quoted and without any word that the order still knew of the person."""
    text = str(event.facts.get(KEPT) or _QUOTED.sub(f"“{GONE}”", event.text))
    return pattern.sub(GONE, text) if pattern else text


def _pattern(order: Order) -> re.Pattern[str] | None:
    """Finds what the order knows of the person: whole texts however they are written, single words as they are."""
    texts, parts = _texts(order)
    found = [f"(?i:{_any(texts)})"] if texts else []
    found += [_any(parts)] if parts else []
    return re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)") if found else None


def _any(words: Iterable[str]) -> str:
    """One of these, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


def _texts(order: Order) -> tuple[set[str], set[str]]:
    """Every text that goes, whole; and of names and addresses each word."""
    kept = {key: getattr(order, key) for key in PERSON}
    addresses = [kept, order.bill_to, *(said.get("address") for said in (order.taken, order.offered or {}))]
    of_person = [
        str(text or "").strip()
        for address in addresses
        if isinstance(address, dict)
        for key, text in address.items()
        if key != "country"
    ]
    others = [str(getattr(order, name)).strip() for name in (*WORDS, *TRACES)]
    texts = {text for text in (*of_person, *others) if len(text) >= _SHORTEST}
    return texts, {word for text in of_person for word in text.split() if len(word) >= _SHORTEST_PART}


# --- beside the orders -----------------------------------------------------------------------


def _forget_what_could_not_be_read(now: datetime) -> None:
    """Of a number that was never read only the shop's complaint may hold a person's words; number and verdict stay."""
    old = SeenOrder.objects.filter(verdict=Verdict.UNREADABLE, last_seen_at__lt=kept_since(now))
    old.exclude(detail="").update(detail="")


@register()
def is_kept_for_a_while(**kwargs: Any) -> list[CheckMessage]:
    """With less than a month an order that was sent yesterday would lose its address."""
    if settings.KEEP_PERSONAL_DATA_MONTHS >= 1:
        return []
    hint = "Set KEEP_PERSONAL_DATA_MONTHS to 1 or more; 24 is usual."
    return [Error("Personal data would be erased at once.", hint=hint, id="orders.E001")]
