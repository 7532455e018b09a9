"""Look at the shop → decide → write: the shop's orders become ours.

    poll        every minute: orders since the start of the last complete pass, minus three hours
    sweep       hourly: the look-back days · weekly, or when asked: everything since *take orders placed since*
    read        one page; each order that is new or changed in a transaction of its own; then the place
    look up     open orders that a sweep did not show, one by one; not found: held, never cancelled
    settle      the ledger of completeness: every number seen is here, or skipped for a reason, or unreadable

There is no event queue, and the shop's filter means *created after*: hence the sweeps. A pass is repeated where a
number came on two pages, for rows moved while we read.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.connectors.base import Connector, Faulty, OrderData, Page, ShipmentData
from integrations.connectors.errors import NotAllowed, Unreadable
from integrations.models import Integration
from integrations.sync import Run
from orders import ledger, taking
from orders.models import OPEN, Order, SeenOrder, Status, Verdict

KEY = "intake"
OVERLAP = timedelta(hours=3)  # orders read again, for clocks that differ and for late rows
WEEK = timedelta(days=7)
PLACE_HOLDS = timedelta(minutes=30)  # how long an offset into the shop's list is trusted
ATTEMPTS = 3  # passes in a row while numbers repeat
LOOK_UPS_PER_PAGE = 20
ZONES_DIFFER = timedelta(hours=14)  # the most by which a wrong time zone shifts a date
LATE_ONES = 3


def intake(run: Run) -> None:
    """One turn of reading orders."""
    place = begin(run)
    taking_of = taking.Taking(run.integration, place["pass"])
    with run.connect() as shop:
        while place["stage"] != "done":
            place = STAGES[place["stage"]](run, shop, taking_of, place)
            if place["stage"] != "done":
                run.give_way()
    settle(run, place)


def begin(run: Run) -> dict[str, Any]:
    """Where this turn begins: the kept place, or a new pass."""
    now = timezone.now()
    place = run.place
    if "stage" not in place or _is_stale(place, now) or (run.asked and place["kind"] != "everything"):
        place = new_place(run, now)
        run.counts.clear()
    run.describe(str({"poll": _("poll"), "sweep": _("sweep"), "everything": _("everything")}[place["kind"]]))
    run.keep({**place, "read_at": now.isoformat()})
    return run.place


def new_place(run: Run, now: datetime) -> dict[str, Any]:
    kind = "everything" if run.asked else kind_due(run, now)
    reads_shipments = run.integration.reads == Integration.Reads.SHIPMENTS
    return {
        "kind": kind,
        "pass": uuid.uuid4().hex,
        "stage": "shipments" if reads_shipments else "orders",
        "cursor": "",
        "since": since(run, kind, now).isoformat(),
        "began_at": now.isoformat(),
        "attempt": 1,
    }


def kind_due(run: Run, now: datetime) -> str:
    """Everything once a week, the look-back days once an hour, else what is new."""
    knows = run.state.remembers
    for kind, key, pause in (
        ("everything", "everything_at", WEEK),
        ("sweep", "swept_at", timedelta(seconds=settings.SWEEP_SECONDS)),
    ):
        if key not in knows or now - datetime.fromisoformat(knows[key]) >= pause:
            return kind
    return "poll"


def since(run: Run, kind: str, now: datetime) -> datetime:
    """From when on orders are asked for; never from an order's own date."""
    integration = run.integration
    start = {
        "everything": integration.takes_orders_since,
        "sweep": now - timedelta(days=integration.look_back_days),
        "poll": (run.state.synced_through or integration.takes_orders_since) - OVERLAP,
    }[kind]
    return max(start, integration.takes_orders_since - OVERLAP)


def _is_stale(place: dict[str, Any], now: datetime) -> bool:
    return now - datetime.fromisoformat(place["read_at"]) > PLACE_HOLDS


# --- stages --------------------------------------------------------------------------------


def read_orders(run: Run, shop: Connector, into: taking.Taking, place: dict[str, Any]) -> dict[str, Any]:
    """Pages of orders, from the place on."""
    for page in shop.orders(datetime.fromisoformat(place["since"]), cursor=place["cursor"]):
        run.counts["pages"] += 1
        place = take_page(run, shop, into, place, page)
        if not page.cursor:
            break
        run.give_way()
    return _after_orders(run, place)


def take_page(
    run: Run, shop: Connector, into: taking.Taking, place: dict[str, Any], page: Page[OrderData]
) -> dict[str, Any]:
    """Take what is on one page, then keep the place behind it."""
    repeated = into.seen_before(data.number for data in page.items)
    for data in into.worth_a_look(page.items):
        into.take(_with_details(shop, into, data))
    for row in page.faulty:
        _take_faulty(run, into, row)
    with transaction.atomic():
        into.note_page(page.items)
        run.keep(
            {
                **place,
                "cursor": page.cursor,
                "repeated": place.get("repeated", 0) + len(repeated),
                "nameless": place.get("nameless", 0) + sum(not row.external_id for row in page.faulty),
                "read_at": timezone.now().isoformat(),
            }
        )
    return run.place


def _with_details(shop: Connector, into: taking.Taking, data: OrderData) -> OrderData:
    """A listing names sent shipments without their pieces: ask, where that decides what is open."""
    if not into.needs_details(data):
        return data
    return shop.order(data.number) or data


def _take_faulty(run: Run, into: taking.Taking, row: Faulty) -> None:
    run.counts["unreadable"] += 1
    run.note([f"{row.external_id or _('an order without number')}: {row.reason}"])
    if row.external_id:
        into.hold_unreadable(row.external_id, row.reason)


def _after_orders(run: Run, place: dict[str, Any]) -> dict[str, Any]:
    """Again, where rows moved while we read; else on to what only sweeps do."""
    if place.get("repeated") and place["attempt"] < ATTEMPTS:
        run.counts["repeated"] += place["repeated"]
        again = {"pass": uuid.uuid4().hex, "cursor": "", "attempt": place["attempt"] + 1, "repeated": 0, "nameless": 0}
        return _keep(run, {**place, **again})
    return _keep(run, {**place, "stage": "done" if place["kind"] == "poll" else "shipments", "cursor": ""})


def read_shipments(run: Run, shop: Connector, into: taking.Taking, place: dict[str, Any]) -> dict[str, Any]:
    """Good-to-go shipments, which need no date: as orders of their own where so set, else to find forgotten orders."""
    try:
        for page in shop.open_shipments():
            run.counts["pages"] += 1
            _take_shipments(run, shop, into, page)
            run.keep({**place, "read_at": timezone.now().isoformat()})
    except NotAllowed:
        if run.integration.reads == Integration.Reads.SHIPMENTS:
            raise  # else it is an extra, where the key may do it
    return _keep(run, {**place, "stage": "look ups", "cursor": "0"})


def _take_shipments(run: Run, shop: Connector, into: taking.Taking, page: Page[ShipmentData]) -> None:
    for row in page.faulty:
        run.counts["unreadable"] += 1
        run.note([f"{row.external_id or _('a shipment without number')}: {row.reason}"])
    if run.integration.reads == Integration.Reads.SHIPMENTS:
        for shipment in page.items:
            into.take_shipment(shipment)
        return
    for number in into.unknown(shipment.order_number for shipment in page.items):
        if data := shop.order(number):
            into.take(data)
            into.note_page([data])


def look_up(run: Run, shop: Connector, into: taking.Taking, place: dict[str, Any]) -> dict[str, Any]:
    """Open orders that this sweep did not show, a few at a time. Not found is no cancellation."""
    behind = int(place["cursor"] or 0)
    found = unshown(run.integration, place["pass"]).filter(pk__gt=behind).order_by("pk")
    rows = list(found.values_list("pk", "number")[:LOOK_UPS_PER_PAGE])
    if not rows or place["kind"] == "poll":
        return _keep(run, {**place, "stage": "done"})
    for number in dict.fromkeys(number for _pk, number in rows):
        try:
            data = shop.order(number)
        except Unreadable as error:
            into.hold_unreadable(number, str(error))
            continue
        if data is None:
            into.miss(number)
        else:
            into.take(data)
    return _keep(run, {**place, "cursor": str(rows[-1][0]), "read_at": timezone.now().isoformat()})


def unshown(integration: Integration, this_pass: str) -> Any:
    """Open here, or handed over and not completed there, and not shown by this pass."""
    statuses = [*OPEN, Status.COLLECTING, Status.SHIPPED]
    rows = Order.objects.filter(integration=integration, status__in=statuses, told_at__isnull=True)
    return rows.exclude(seen_in=this_pass)


STAGES = {"orders": read_orders, "shipments": read_shipments, "look ups": look_up}


def _keep(run: Run, place: dict[str, Any]) -> dict[str, Any]:
    run.keep(place)
    return run.place


# --- conclusions ---------------------------------------------------------------------------


def settle(run: Run, place: dict[str, Any]) -> None:
    """What the pass came to; a poll that found nothing is no line of its own."""
    began = datetime.fromisoformat(place["began_at"])
    counted = ledger.of_pass(run.integration, place["pass"], began)
    run.counts.update(counted.counts())
    if place.get("repeated"):
        run.note([_("The shop showed some orders twice, also when asked again.")])
    is_full = place["kind"] != "poll"
    run.complete(began, is_full=is_full)
    known: dict[str, Any] = {"time_zone": _time_zone_doubt(run, place, began)}
    if is_full:
        known["swept_at"] = began.isoformat()
        known["ledger"] = ledger.of_integration(run.integration)
    if place["kind"] == "everything":
        known["everything_at"] = began.isoformat()
    if known != {key: run.state.remembers.get(key) for key in known}:
        run.remember(**known)
    if missing := ledger.missing(run.integration) if is_full else []:
        run.note([_("Seen once, and neither here nor skipped: %(numbers)s.") % {"numbers": ", ".join(missing)}])
    if not (counted.new or counted.unreadable or run.record.notes or run.record.asked_by):
        run.quiet()


def _time_zone_doubt(run: Run, place: dict[str, Any], began: datetime) -> str:
    """Dates in the future, or recent orders that only a sweep found, speak for a wrong time zone."""
    seen = SeenOrder.objects.filter(integration=run.integration, seen_in=place["pass"])
    if seen.filter(placed_at__gt=timezone.now() + timedelta(minutes=5)).exists():
        return _("Orders are dated in the future. The time zone of the integration must be the shop’s.")
    if place["kind"] == "poll":
        return str(run.state.remembers.get("time_zone", ""))
    fresh = SeenOrder.objects.filter(
        integration=run.integration, verdict=Verdict.TAKEN, first_seen_at__gt=began - timedelta(days=1)
    )
    late = fresh.filter(placed_at__lt=F("first_seen_at") - OVERLAP, placed_at__gt=F("first_seen_at") - ZONES_DIFFER)
    late_ones = late.filter(placed_at__gt=run.integration.created_at).count()
    # One or two are holds that were lifted; when most are late, the clock is wrong.
    if late_ones >= LATE_ONES and late_ones * 2 > fresh.count():
        return _(
            "Sweeps find orders that the polls did not see. The time zone of the integration may not be the shop’s."
        )
    return ""
