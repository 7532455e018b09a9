"""Look at the shop → decide → write: the shop's orders become ours.

    poll        every minute: orders since the start of the last complete pass, minus three hours
    sweep       hourly: the look-back days · weekly, or when asked: everything since *take orders placed since*
    read        one page; each order that is new or changed in a transaction of its own; then the place
    look up     open orders that a sweep did not show, one by one; not found: held, never cancelled
    settle      the ledger of completeness: every number seen is here, or skipped for a reason, or unreadable

There is no event queue, and the shop's filter means *created after*: hence the sweeps. A pass is repeated where a
number came on two pages, for rows moved while we read. A sweep may take long: between its turns polls come in, each in
its time, whose place keeps the sweep's `behind` it. What they saw counts as seen by the sweep.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.commits import not_waiting_for_disk
from integrations.connectors.base import Connector, Faulty, OrderData, Page, ShipmentData
from integrations.connectors.errors import NotAllowed, Rejected, Unavailable, Unreadable
from integrations.models import Integration, SyncRun
from integrations.sparing import Sparing
from integrations.sync import Run
from orders import ledger, reading, seen_rows, taking, taking_shipments, unread
from orders.models import OPEN, SPLIT_PARTS, Order, SeenOrder, Status, Verdict

KEY = "intake"
OVERLAP = timedelta(hours=3)  # orders read again, for clocks that differ and for late rows
WEEK = timedelta(days=7)
PLACE_HOLDS = timedelta(minutes=30)  # how long an offset into the shop's list is trusted
ATTEMPTS = 3  # passes in a row while numbers repeat
LOOK_UPS_PER_PAGE = 20
ZONES_DIFFER = timedelta(hours=14)  # the most by which a wrong time zone shifts a date
LATE_ONES = 3


@not_waiting_for_disk()
def intake(run: Run) -> None:
    """One turn of reading orders."""
    place = begin(run)
    with run.connect() as shop:
        into = taking.Taking(run.integration, place["pass"], bears=Sparing(shop).bears)
        while (place := take_up(run, place))["stage"] != "done":
            into.this_pass, into.passes = place["pass"], passes(place)  # others where the pass is repeated
            place = STAGES[place["stage"]](run, shop, into, place)
            if place["stage"] != "done":
                run.give_way()
    settle(run, place)


def begin(run: Run) -> dict[str, Any]:
    """Where this turn begins: the kept place, a poll before it, or a new pass."""
    now = timezone.now()
    place = run.place
    if place.get("other_shop"):
        # The numbers of another shop say nothing about this one's.
        SeenOrder.objects.filter(integration=run.integration).delete()
    if "aside" not in place or _is_stale(place, now) or (run.asked and work(place)["kind"] != "everything"):
        place = new_place(run, now)
        run.forget()
    elif is_poll_due(place, now):
        place = poll_before(run, place, now)
    run.describe(str({"poll": _("poll"), "sweep": _("sweep"), "everything": _("everything")}[work(place)["kind"]]))
    run.keep({**place, "read_at": now.isoformat()})
    return run.place


def new_place(run: Run, now: datetime, kind: str = "") -> dict[str, Any]:
    kind = kind or ("everything" if run.asked else kind_due(run, now))
    reads_shipments = run.integration.reads == Integration.Reads.SHIPMENTS
    return {
        "kind": kind,
        "pass": uuid.uuid4().hex,
        "aside": uuid.uuid4().hex,  # the pass of the polls that come in
        "stage": "shipments" if reads_shipments else "orders",
        "cursor": "",
        "since": since(run, kind, now).isoformat(),
        "began_at": now.isoformat(),
        "attempt": 1,
        "settings": meaning(run.integration),
    }


def work(place: dict[str, Any]) -> dict[str, Any]:
    """The place of what is settled in the end: a sweep's, also while a poll comes in."""
    found: dict[str, Any] = place.get("behind", place)
    return found


def passes(place: dict[str, Any]) -> tuple[str, str]:
    """In which rows are seen by this work: its own pass, and that of the polls that come in."""
    return work(place)["pass"], work(place)["aside"]


def is_poll_due(place: dict[str, Any], now: datetime) -> bool:
    """Whether a sweep has kept new orders waiting. Counted from the end of the last poll, so that both go on."""
    last = datetime.fromisoformat(place.get("polled_at", place["began_at"]))
    return place["kind"] != "poll" and now - last >= timedelta(seconds=settings.POLL_SECONDS)


def poll_before(run: Run, sweep: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A poll, before the sweep goes on. Never repeated: the next one reads the same hours, and more."""
    polled = datetime.fromisoformat(sweep["polled"]) if "polled" in sweep else run.state.synced_through
    last = polled or datetime.fromisoformat(sweep["began_at"])
    place = {**new_place(run, now, "poll"), "pass": sweep["aside"], "attempt": ATTEMPTS, "behind": sweep}
    return {**place, "since": since(run, "poll", now, last).isoformat()}


def take_up(run: Run, place: dict[str, Any]) -> dict[str, Any]:
    """The sweep, where the poll before it is done. How far is read, `synced_through`, is for the sweep to say."""
    if place["stage"] != "done" or "behind" not in place:
        return place
    now = timezone.now().isoformat()
    return _keep(run, {**place["behind"], "polled": place["began_at"], "polled_at": now, "read_at": now})


def meaning(integration: Integration) -> list[Any]:
    """The settings that change what an order means: where they change, all orders are looked at again at once."""
    return [integration.takes_orders_since.isoformat(), sorted(integration.warehouses_ours), integration.reads]


def kind_due(run: Run, now: datetime) -> str:
    """Everything once a week, the look-back days once an hour, else what is new."""
    knows = run.state.remembers
    if "settings" in knows and knows["settings"] != meaning(run.integration):
        return "everything"
    for kind, key, pause in (
        ("everything", "everything_at", WEEK),
        ("sweep", "swept_at", timedelta(seconds=settings.SWEEP_SECONDS)),
    ):
        if key not in knows or now - datetime.fromisoformat(knows[key]) >= pause:
            return kind
    return "poll"


def since(run: Run, kind: str, now: datetime, last: datetime | None = None) -> datetime:
    """From when on orders are asked for; never from an order's own date. `last`: how far is read, if not as synced."""
    integration = run.integration
    looked_back = now - timedelta(days=integration.look_back_days)
    last_pass = (last or run.state.synced_through or integration.takes_orders_since) - OVERLAP
    start = {
        "everything": integration.takes_orders_since,
        "sweep": min(looked_back, last_pass),  # after a long outage no day may be left out
        "poll": max(looked_back, last_pass),  # what lies farther back is the sweeps'
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
    items = [data for data in page.items if len(data.number) <= seen_rows.LENGTH]
    repeated = into.seen_before(data.number for data in items)
    gone = {data.number for data, digest in into.worth_a_look(items) if not _take(run, shop, into, data, digest)}
    nameless = len(page.items) - len(items) + sum(not _take_faulty(run, into, row) for row in page.faulty)
    with transaction.atomic():
        into.note_page([data for data in items if data.number not in gone])
        run.counts["changed"] += into.changed
        run.keep(
            {
                **place,
                "cursor": page.cursor,
                "repeated": place.get("repeated", 0) + len(repeated),
                "nameless": place.get("nameless", 0) + nameless,
                "read_at": timezone.now().isoformat(),
            }
        )
        into.changed = 0
    return run.place


def _take(run: Run, shop: Connector, into: taking.Taking, data: OrderData, digest: str) -> bool:
    """Take one listed order; false where it is not to be noted, for the shop shows it no more.

    A listing names sent shipments without their pieces: asked for, where that decides what is open.
    """
    if not into.needs_details(data):
        into.take(data, digest)
        return True
    run.keep(run.place)  # asking for single orders takes time
    found = None if into.cannot_ask else _ask(run, shop, into, data.number)
    if isinstance(found, OrderData):
        into.take(found, digest)
    elif into.cannot_ask:
        into.take_as_listed(data)
        return True
    return found is not None


def _ask(run: Run, shop: Connector, into: taking.Taking, number: str) -> OrderData | str | None:
    """One order with its shipments; nothing where the shop does not show it; a sentence where it cannot be read.

    What is here is held only where the order itself is at fault: an answer that went wrong is asked for again. A shop
    that breaks down on one order alone keeps none of the others waiting. A key that may not read shipments stops
    nothing: said once, for it holds for all orders.
    """
    try:
        return shop.order(number)
    except NotAllowed as refused:
        if not into.cannot_ask:
            into.cannot_ask = str(refused)
            run.note([into.cannot_ask])
        return into.cannot_ask
    except (Unreadable, Rejected, Unavailable) as error:
        if isinstance(error, Unavailable) and not into.bears(error):
            raise
        run.note([f"{number}: {error}"])
        is_its_own = isinstance(error, Unreadable) and number in error.what
        if is_its_own or not into.is_here(number):
            into.hold(number, str(error))
        return str(error)


def _take_faulty(run: Run, into: taking.Taking, row: Faulty) -> bool:
    """Hold what cannot be read; false where not even its number can, so that it cannot be kept."""
    run.note([f"{row.external_id[: seen_rows.LENGTH] or _('an order without number')}: {row.reason}"])
    if not 0 < len(row.external_id) <= seen_rows.LENGTH:
        return False
    into.hold(row.external_id, row.reason)
    return True


def _after_orders(run: Run, place: dict[str, Any]) -> dict[str, Any]:
    """Again, where rows moved while we read; else on to what only sweeps do."""
    if place.get("repeated") and place["attempt"] < ATTEMPTS:
        run.counts["repeated"] += place["repeated"]
        again = {"pass": uuid.uuid4().hex, "cursor": "", "attempt": place["attempt"] + 1, "repeated": 0, "nameless": 0}
        return _keep(run, {**place, **again})
    return _keep(run, {**place, "stage": "done" if place["kind"] == "poll" else "shipments", "cursor": ""})


def read_shipments(run: Run, shop: Connector, into: taking.Taking, place: dict[str, Any]) -> dict[str, Any]:
    """Good-to-go shipments, which need no date: as orders of their own where so set, else to find forgotten orders."""
    are_orders = run.integration.reads == Integration.Reads.SHIPMENTS
    nameless = 0
    try:
        for page in shop.open_shipments():
            run.counts["pages"] += 1
            if are_orders:
                nameless += _take_shipments(run, into, page)
            else:
                _find_forgotten(run, shop, into, page)
            _count_changes(run, into)
            run.keep({**place, "read_at": timezone.now().isoformat()})
    except NotAllowed:
        if are_orders:
            raise  # else it is an extra, where the key may do it
    nameless += place.get("nameless", 0)
    return _keep(run, {**place, "stage": "look ups", "cursor": "0", "nameless": nameless})


def _take_shipments(run: Run, into: taking.Taking, page: Page[ShipmentData]) -> int:
    """Says how many have no legible number."""
    nameless = 0
    for row in page.faulty:
        number, dash, _n = row.external_id.rpartition("-")
        run.note([f"{row.external_id or _('a shipment without number')}: {row.reason}"])
        if dash and 0 < len(number) <= seen_rows.LENGTH:
            into.hold(number, row.reason, taking_shipments.part_number(row.external_id))
        else:
            nameless += 1
    taking_shipments.take_page(into, page.items)
    return nameless


def _find_forgotten(run: Run, shop: Connector, into: taking.Taking, page: Page[ShipmentData]) -> None:
    """Orders that are about to be sent and that no listing showed: asked for by number, one by one."""
    waiting = {one.order_number: one.order for one in page.items if len(one.order_number) <= seen_rows.LENGTH}
    for number in into.unknown(waiting):
        around = waiting[number]
        if around is not None and reading.is_older(around, into.settings):
            seen_rows.leave(into.integration, into.this_pass, number, around.placed_at, reading.Skip.OLDER.value)
            continue
        data = _ask(run, shop, into, number)
        if isinstance(data, OrderData):
            into.take(data)
            with transaction.atomic():
                into.note_page([data])
        elif data is None:
            placed_at = around.placed_at if around else None
            seen_rows.leave(into.integration, into.this_pass, number, placed_at, reading.Skip.UNSEEN.value)
        run.give_way()


def _count_changes(run: Run, into: taking.Taking) -> None:
    run.counts["changed"] += into.changed
    into.changed = 0


def look_up(run: Run, shop: Connector, into: taking.Taking, place: dict[str, Any]) -> dict[str, Any]:
    """Open orders that this sweep did not show, a few at a time. Not found is no cancellation."""
    behind = int(place["cursor"] or 0)
    found = unshown(run.integration, passes(place)).filter(pk__gt=behind).order_by("pk")
    rows = [] if place["kind"] == "poll" else list(found.values_list("pk", "number")[:LOOK_UPS_PER_PAGE])
    if not rows:
        return _keep(run, {**place, "stage": "done"})
    for number in dict.fromkeys(number for _pk, number in rows):
        _look_up_one(run, shop, into, number)
    _count_changes(run, into)
    return _keep(run, {**place, "cursor": str(rows[-1][0]), "read_at": timezone.now().isoformat()})


def _look_up_one(run: Run, shop: Connector, into: taking.Taking, number: str) -> None:
    data = _ask(run, shop, into, number)
    if data is None:
        into.safely(number, lambda: unread.miss(into, number))
    elif isinstance(data, OrderData):
        if into.ours([number]).filter(part__gt=0, part__lt=SPLIT_PARTS).exists():
            taking_shipments.follow(into, data)
        else:
            into.take(data)
        if not into.ours([number]).filter(facts__has_key="unreadable").exists():
            seen_rows.note_read(run.integration, into.this_pass, number)


def unshown(integration: Integration, seen_in: Collection[str]) -> Any:
    """Open here, or handed over and not completed there, and not shown by these passes."""
    statuses = [*OPEN, Status.COLLECTING, Status.SHIPPED]
    ours = Order.objects.filter(integration=integration, shop=integration.shop)
    rows = ours.filter(status__in=statuses, told_at__isnull=True)
    return rows.exclude(seen_in__in=seen_in)


STAGES = {"orders": read_orders, "shipments": read_shipments, "look ups": look_up}


def _keep(run: Run, place: dict[str, Any]) -> dict[str, Any]:
    run.keep(place)
    return run.place


# --- conclusions ---------------------------------------------------------------------------


def settle(run: Run, place: dict[str, Any]) -> None:
    """What the pass came to; a poll that found nothing is no line of its own."""
    began = datetime.fromisoformat(place["began_at"])
    counted = ledger.of_pass(run.integration, place["pass"], began, place.get("nameless", 0), polls=place["aside"])
    for key, number in counted.counts().items():
        run.counts[key] = number
    if place.get("repeated"):
        run.note([_("The shop showed some orders twice, also when asked again.")])
    is_full = place["kind"] != "poll"
    if not counted.nameless:
        run.complete(began, is_full=is_full)  # else the same days are read again until that row can be read
    known: dict[str, Any] = {"time_zone": _time_zone_doubt(run, place, began), "nameless": counted.nameless}
    if is_full:
        known["swept_at"] = began.isoformat()
    if is_full or counted.fresh or run.counts["changed"]:
        known["ledger"] = ledger.of_integration(run.integration)
    if place["kind"] == "everything":
        known["everything_at"] = began.isoformat()
        known["settings"] = place.get("settings")
    if known != {key: run.state.remembers.get(key) for key in known}:
        run.remember(**known)
    if missing := ledger.missing(run.integration) if is_full and known["ledger"]["lost"] else []:
        run.note([_("Seen once, and neither here nor skipped: %(numbers)s.") % {"numbers": ", ".join(missing)}])
    if not (counted.fresh or run.counts["changed"] or run.record.asked_by or _says_something_new(run)):
        run.quiet()


def _says_something_new(run: Run) -> bool:
    """Whether the notes are other than those of the run of this kind before."""
    before = SyncRun.objects.filter(integration=run.integration, pipe=run.record.pipe, kind=run.record.kind)
    last = before.exclude(pk=run.record.pk).latest_first().values_list("notes", flat=True).first()
    return sorted(run.record.notes) != sorted(last or [])


def _time_zone_doubt(run: Run, place: dict[str, Any], began: datetime) -> str:
    """Dates in the future, or recent orders that only a sweep found, speak for a wrong time zone."""
    seen = SeenOrder.objects.filter(integration=run.integration, seen_in__in=passes(place))
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
