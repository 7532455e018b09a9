"""Shop catalogue → WebshopProduct.

    read     one page from the shop
    decide   what of it is new, changed, unchanged, unreadable (pure: `decide.py`)
    write    the page and the place after it, in one transaction
    …        until the last page
    settle   mark what a complete pass did not see as gone, find the problems, create products where so set

A full pass looks at everything and is the only one that may call an item gone; between them *changes* are read. A pass
survives turns, kills and outages: it goes on after its last written page, or begins anew where that is too long ago for
the shop's page numbers to be trusted.
"""

from __future__ import annotations

import uuid
import zoneinfo
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.commits import not_waiting_for_disk
from integrations.connectors.base import Faulty
from integrations.models import Integration
from integrations.sync import Run
from products import create, creating, detect
from products.ahead import ahead
from products.batches import batched
from products.bulk import add, keys_by, put
from products.create import take_over
from products.decide import COLUMNS, Decision, Known, Prepared, Ready, decide, prepare
from products.detect import Beat
from products.known_pages import KnownPages
from products.models import WebshopProduct, WebshopProductQuerySet
from products.problems import codes_text

KEY = "refresh"
OVERLAP = timedelta(hours=3)  # changes read again, for clocks that differ and for the repeated hour
PLACE_HOLDS = timedelta(minutes=30)  # how long a page number of the shop is trusted; work under way goes first
LOOKED_UP = 100  # so many items that a pass did not show are asked for one by one
HELD = "-"  # begins the mark, in place of a pass that showed it, of an item that a complete pass lacked among very many
NIGHT = 2  # the hour, in the shop's zone, after which a full pass is due
WRITTEN = [*COLUMNS, "digest", "own_problems", "problem_codes", "last_changed_at", "seen_in", "page", "gone_at"]


@not_waiting_for_disk()
def refresh(run: Run) -> None:
    """One turn of a refresh."""
    place = begin(run)
    if not place.get("is_read"):
        place = read(run, place)
    settle(run, place)


def read(run: Run, place: dict[str, Any]) -> dict[str, Any]:
    """Page after page from the place on; gives way between two pages. Returns the place after the last one.

    Pages that say word for word what they said in the last full pass are passed over, many at a time.
    """
    changed_since = None if place["kind"] == "full" else run.state.synced_through
    pages = KnownPages(run.integration, place["pass"], is_full=place["kind"] == "full")
    since = changed_since and changed_since - OVERLAP
    with (
        run.connect() as shop,
        closing(ahead(prepare(shop.products(since, place["cursor"], pages.is_known)))) as found,
    ):
        for prepared in found:
            page = prepared.page
            run.counts["pages"] += 1
            if page.is_known:
                pages.pass_over(place["cursor"])
                if page.cursor and not pages.is_time_to_write():
                    place = {**place, "cursor": page.cursor}
                    continue
            place = take_page(run, place, prepared, pages)
            if page.cursor:
                run.give_way()
    return place


def begin(run: Run) -> dict[str, Any]:
    """Where this turn begins: the kept place, or a new pass."""
    place = run.place
    now = timezone.now()
    if "cursor" not in place or is_stale(place, now) or (run.asked and place["kind"] != "full"):
        kind = "full" if run.asked or place.get("kind") == "full" or is_full_due(run, now) else "changes"
        place = {"kind": kind, "pass": uuid.uuid4().hex, "cursor": "", "began_at": now.isoformat()}
        place["is_first"] = run.place.get("other_shop", False) or not run.integration.webshop_products.exists()
        run.forget()
    run.describe(_("full refresh") if place["kind"] == "full" else _("changes"))
    with transaction.atomic():
        if run.place.get("other_shop"):
            run.integration.catalogue_pages.all().delete()
            run.integration.webshop_products.all().delete()  # its ids mean other things in this shop
            creating.give_up(run.integration, _("Another shop was connected meanwhile."))
        run.keep({**place, "read_at": now.isoformat()})
    return run.place


def is_stale(place: Mapping[str, str], now: datetime) -> bool:
    return now - datetime.fromisoformat(place["read_at"]) > PLACE_HOLDS


def is_full_due(run: Run, now: datetime) -> bool:
    """Once a night, and whenever there was none since the last night."""
    last, through = run.state.completed_at, run.state.synced_through
    return last is None or through is None or last < last_night(now, run.integration.time_zone)


def last_night(now: datetime, zone: str) -> datetime:
    """The latest moment at which it was two in the night in that zone."""
    local = now.astimezone(zoneinfo.ZoneInfo(zone))
    night = local.replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    return night if night <= local else night - timedelta(days=1)


def take_page(run: Run, place: dict[str, Any], found: Prepared, pages: KnownPages | None = None) -> dict[str, Any]:
    """Decide and write one page, and which were passed over before it; returns the place after it.

    In the first pass of all nothing is there, so that nothing is looked for; unless the shop shows an item again.
    """
    if place.get("is_first"):
        with suppress(IntegrityError):
            return _take_page(run, place, found, pages, is_new=True)
    return _take_page(run, place, found, pages, is_new=False)


def _take_page(
    run: Run, place: dict[str, Any], found: Prepared, pages: KnownPages | None, *, is_new: bool
) -> dict[str, Any]:
    page, items, faulty = found.page, found.items, found.faulty
    with transaction.atomic():
        if pages:
            run.counts.update(pages.write())
        if not page.is_known:
            known = {} if is_new else look_up(run, [*items, *(row.external_id for row in faulty)])
            decision = decide(items.values(), known, place["pass"])
            write(run, place["pass"], decision, known, pages.read(place["cursor"], page, items) if pages else None)
            note_faulty(run, place, faulty, known)
            count(run, decision)
        here = {"cursor": page.cursor, "is_read": not page.cursor, "read_at": timezone.now().isoformat()}
        run.keep({**place, **here})
    return run.place


def look_up(run: Run, external_ids: list[str]) -> dict[str, Known]:
    """What we have of these items, locked: a person may press Create or Ignore at this very moment."""
    keys = keys_by(WebshopProduct, "integration_id", run.integration.pk, "external_id", external_ids)
    rows = run.integration.webshop_products.filter(pk__in=keys).lock()
    fields = ("external_id", "pk", "digest", "seen_in", "gone_at", "shared_problems")
    return {
        external_id: Known(pk, digest, seen_in, gone_at is not None, shared)
        for external_id, pk, digest, seen_in, gone_at, shared in rows.values_list(*fields)
    }


def write(run: Run, this_pass: str, decision: Decision, known: Mapping[str, Known], page: int | None) -> None:
    """Write a page, which has this key: new and changed items whole, of the others only that they were seen."""
    now = timezone.now()
    same = {
        "integration_id": run.integration.pk,
        "shared_problems": [],
        "kept_sku": "",
        "first_seen_at": now,
        "last_changed_at": now,
        "seen_in": this_pass,
        "page": page,
        "gone_at": None,
    }
    new = [{**item.row, **same} for item in decision.new]
    changed = [{**item.row, **same, **_beside(item, known[item.external_id])} for item in decision.changed]
    add(WebshopProduct, new)
    put(WebshopProduct, changed, unique=("integration_id", "external_id"), update=WRITTEN)
    if decision.unchanged:
        unchanged = WebshopProduct.objects.filter(pk__in=decision.unchanged)
        unchanged.update(seen_in=this_pass, gone_at=None, page=page)
    if (decision.new or decision.changed or decision.back) and run.state.remembers.get("compared"):
        run.remember(compared=None)  # here, so that it holds whatever becomes of this pass
    if decision.changed or decision.back:
        pass_on([item.external_id for item in decision.changed] + decision.back, run)


def _beside(item: Ready, before: Known) -> dict[str, Any]:
    """The problems that it has beside others stay, until these are looked at."""
    shared = before.shared_problems
    return {"shared_problems": shared, "problem_codes": codes_text([*item.row["own_problems"], *shared])}


def pass_on(external_ids: list[str], run: Run) -> None:
    """What the shop owns of linked products follows the shop: never the SKU, the EAN only where ours is empty.

    Not of an item whose SKU was changed, before somebody has said that it is still the same thing.
    """
    linked = run.integration.webshop_products.filter(external_id__in=external_ids, product__isnull=False)
    if run.integration.identifies_by == Integration.Identify.SKU:
        linked = linked.filter(Q(product__sku=F("sku")) | Q(kept_sku=F("sku")))
    take_over(linked)


def note_faulty(run: Run, place: dict[str, Any], faulty: tuple[Faulty, ...], known: Mapping[str, Known]) -> None:
    """An item that could not be read is held: what we have of it stays, and it is not called gone."""
    run.counts["unreadable"] += len(faulty)
    if not faulty:
        return
    seen = [known[row.external_id].pk for row in faulty if row.external_id in known]
    WebshopProduct.objects.filter(pk__in=seen).update(seen_in=place["pass"])
    place["nameless"] = place.get("nameless", 0) + sum(not row.external_id for row in faulty)
    titles = {item.external_id: item.title for item in WebshopProduct.objects.filter(pk__in=seen)}
    run.note(f"{_name(row.external_id, titles)}: {row.reason}" for row in faulty)


def _name(external_id: str, titles: Mapping[str, str]) -> str:
    """How a person finds the item again: by its name where it was read before, else by the shop's id."""
    if external_id in titles:
        return f"“{titles[external_id]}” ({external_id})"
    return _("the item with the id %(id)s") % {"id": external_id} if external_id else _("an item without id")


def count(run: Run, decision: Decision) -> None:
    """What the activity shows; seen = new + changed + unchanged."""
    run.counts["seen"] += decision.seen
    run.counts["new"] += len(decision.new)
    run.counts["changed"] += len(decision.changed)
    run.counts["unchanged"] += len(decision.unchanged)
    run.counts["back"] += len(decision.back)
    run.counts["repeated"] += decision.repeated


def settle(run: Run, place: dict[str, Any]) -> None:
    """The last page is written: draw the conclusions that only a complete pass allows."""

    def beat() -> None:
        run.keep({**place, "read_at": timezone.now().isoformat()})

    if place["kind"] == "full" and look_again(run, place):
        mark_gone(run, place, beat)
    compare(run, beat)
    if run.integration.creates_products:
        answer = create.create(run.integration, run.integration.webshop_products.on_tab("new"), beat)
        run.counts.update(created=answer.created, linked=answer.linked)
    run.counts["problems"] = run.integration.webshop_products.on_tab("problems").count()
    run.complete(datetime.fromisoformat(place["began_at"]), is_full=place["kind"] == "full")


def compare(run: Run, beat: Beat) -> None:
    """Find the problems of items beside each other; not again where neither items nor products have changed since."""
    mark = detect.mark(run.integration)
    if run.state.remembers.get("compared") != mark:
        detect.detect(run.integration, beat)
        with transaction.atomic():
            run.remember(compared=mark)


def unseen(run: Run, place: dict[str, Any]) -> WebshopProductQuerySet:
    """What the shop still had before this pass, and what the pass did not show."""
    on_pages = run.integration.catalogue_pages.filter(seen_in=place["pass"]).values("pk")
    return run.integration.webshop_products.present().exclude(seen_in=place["pass"]).exclude(page__in=on_pages)


def look_again(run: Run, place: dict[str, Any]) -> bool:
    """Pages shift when items vanish while we read, and an item is skipped: ask for each that was not shown.

    Says whether the pass lacked any.
    """
    missing = list(unseen(run, place).order_by("pk").values_list("external_id", flat=True)[: LOOKED_UP + 1])
    if not 0 < len(missing) <= LOOKED_UP:
        return bool(missing)
    with run.connect() as shop:
        for found in prepare(shop.products_of(missing)):
            if found.items or found.faulty:
                take_page(run, place, found)
    return True


def mark_gone(run: Run, place: dict[str, Any], beat: Beat) -> None:
    """What a complete pass did not show is gone; unless rows without a legible id might have been just those.

    Very many at once may be a fault of the shop: they are held, and gone are only those that were held already.
    """
    mark = f"{HELD}{place['pass']}"[:32]
    with transaction.atomic():
        beat()  # only who still holds the lease may judge
        missing = dict(unseen(run, place).lock().values_list("pk", "seen_in"))
        if not missing:
            return
        if place.get("nameless"):
            run.note([_("Some rows had no legible id, so nothing was marked as gone this time.")])
            write_each([pk for pk, seen_in in missing.items() if seen_in.startswith(HELD)], seen_in="")
            return
        gone = list(missing)
        if len(missing) > LOOKED_UP:
            gone = [pk for pk, seen_in in missing.items() if seen_in.startswith(HELD) and seen_in != mark]
        hold(run, list(missing.keys() - set(gone)), mark)
        if gone:
            write_each(gone, gone_at=timezone.now())
            run.counts["gone"] += len(gone)
            run.remember(compared=None)
        beat()


def hold(run: Run, pks: list[int], mark: str) -> None:
    """Not gone yet. Their pages are read again by their rows, so that whatever shows an item takes the mark from it."""
    if not pks:
        return
    write_each(pks, seen_in=mark, page=None)
    run.counts["held"] = len(pks)
    words = _("%(n)d items were not shown. They are marked as gone when the next full refresh lacks them too.")
    run.note([words % {"n": len(pks)}])


def write_each(pks: list[int], **fields: Any) -> None:
    """The same into each of these rows, however many: a statement takes only so many keys."""
    for batch in batched(pks, 2000):
        WebshopProduct.objects.filter(pk__in=batch).update(**fields)
