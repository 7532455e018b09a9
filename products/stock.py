"""What a shop should hear and has not yet heard → shop.

    due      items whose figure differs from what was told, found in SQL, some hundred at a time
    read     their numbers; what the shop shows of them, where that matters
    decide   which are sent, which cannot be, which wait for a person (pure: `telling.py`)
    write    the intent, committed · the call · what came of it

Whatever interrupts between intent and answer leaves `asked` on the row: nobody knows what the shop took, so it is due.
Figures are worked out right before each call; completions of the same shop never run meanwhile (`sync.claim`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.connectors.base import Connector, Refusal, StockFigure, StockLevel
from integrations.connectors.errors import Rejected, ShopError, Unavailable, Unreadable
from integrations.models import Integration, SyncState
from integrations.sparing import Sparing
from integrations.sync import Run
from products import brake, bulk, drift
from products.batches import batched
from products.brake import Brake
from products.formula import NUMBERS, formula_of, with_numbers
from products.models import ShopFigure, WebshopProduct, WebshopProductQuerySet
from products.telling import Decision, Row, decide, pieces

KEY = "stock"
PER_CALL = 500
FORGOTTEN = ("other_shop", "read_back_at", "read", "told_at")  # what was remembered of another shop
LOOK_AHEAD = 20_000  # keys of due items found at once; whether each is due is looked at again before its call
REFUSED_FOR = timedelta(days=1)  # a refused figure is tried again after that, or when it changes
UNCLEAR_FOR = timedelta(hours=1)  # what we refuse ourselves, and calls refused as a whole
CLAMPED_FOR = (timedelta(minutes=1), timedelta(hours=1))  # the longer it lasts, the rarer it is looked at


def push(run: Run) -> None:
    """One turn: tell what is due; once a night, and before anything was ever told, read back first what is shown."""
    if not run.integration.sends_stock:
        run.describe(_("not switched on"))
        run.quiet()
        return
    if is_other_shop(run):
        run.describe(_("waits for a refresh"))
        run.quiet()
        return
    is_first = "read_back_at" not in run.state.remembers
    if is_first and is_told_by_another(run.integration):
        run.describe(_("another integration tells this shop"))
        run.quiet()
        return
    if is_first:
        drift.read_back(run)
    has_told = tell(run)
    if not is_first and ("cursor" in run.place or drift.is_due(run)):
        drift.read_back(run)
    elif not has_told and not is_first:
        run.describe(_("nothing to tell"))
        run.quiet()
    run.complete(run.began_at, is_full=False)


def is_told_by_another(integration: Integration) -> bool:
    """Whether another has begun to tell this shop of this warehouse: it got no answer yet when ours was switched on.

    One running pipe per shop, so of two the first one wins.
    """
    tellers = Integration.objects.telling(integration.shop, integration.warehouse_id, integration.merchant_id)
    begun = SyncState.objects.filter(pipe=KEY, remembers__has_key="read_back_at", integration__in=tellers)
    return begun.exclude(integration=integration).exists()


def is_other_shop(run: Run) -> bool:
    """Pointed at another shop: the items still are those of the old one, until a refresh has begun."""
    if run.place.get("other_shop"):
        with transaction.atomic():
            run.remember(other_shop=True)
            run.keep({})
    if not run.state.remembers.get("other_shop"):
        return False
    if run.integration.state("refresh").place.get("other_shop"):
        return True
    kept = {key: value for key, value in run.state.remembers.items() if key not in FORGOTTEN}
    run.state.remembers = kept
    run.remember()
    return False


def tell(run: Run) -> bool:
    """Send what is due, call by call; says whether anything was."""
    now = timezone.now()
    brake.release(run.integration, now)
    pks = next_due(run.integration, 0, now)
    if not pks:
        return False
    run.describe(_("figures"))
    stop, failure = brake.look(run.integration, now), None
    with run.connect() as shop:
        sparing = Sparing(shop)
        while pks:
            for chunk in batched(pks, PER_CALL):
                try:
                    tell_chunk(run, shop, chunk, stop)
                except Unavailable as error:
                    if not sparing.bears(error):
                        raise
                    failure = error  # of these rows alone; said when the others are told
                if chunk[-1] != pks[-1]:
                    run.give_way()
            pks = next_due(run.integration, pks[-1], now) if len(pks) == LOOK_AHEAD else []
            if pks:
                run.give_way()
    if failure:
        raise failure
    return True


# --- what is due ----------------------------------------------------------------------------


def items_told(integration: Integration) -> WebshopProductQuerySet:
    """Items that have a figure: linked, still in the shop, not ignored."""
    return integration.webshop_products.present().filter(product__isnull=False, ignored_at__isnull=True)


def due(integration: Integration, now: datetime) -> QuerySet[Any]:
    """Items whose figure the shop has not heard, but for those that wait: for a person, or for their time."""
    items = with_numbers(integration, items_told(integration))
    # In this order: the formula is asked of the orders for each time that it stands here, and only where it must be.
    unheard = Q(figure__asked__isnull=False) | Q(figure__told__isnull=True)  # so are those without a figure
    waits = Q(figure__retry_at__gt=now, figure__sent_as=F(integration.identifies_by), figure__sent=F("should"))
    is_braked = Q(figure__braked_at__isnull=False, should=0)
    return items.filter(unheard | ~Q(figure__told=F("should"))).exclude(waits).exclude(is_braked)


def next_due(integration: Integration, after: int, now: datetime) -> list[int]:
    """The keys of the next due items, some calls' worth: finding them costs more than reading them."""
    rows = due(integration, now).filter(pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:LOOK_AHEAD])


# --- read -------------------------------------------------------------------------------------


def tell_chunk(run: Run, shop: Connector, pks: Sequence[int], stop: Brake) -> None:
    """Read, decide, write: one call's worth."""
    levels = look_at_shop(run, shop, pks)
    rows = rows_of(run.integration, pks, levels)
    if not rows:
        return
    emptying = [row for row in rows if row.is_emptying]
    stop.meet(len(emptying), sum(row.is_unheard_of for row in emptying))
    decision = decide(rows, must_hold=stop.is_on)
    intend(run, decision)
    if decision.send:
        send(run, shop, decision.send)


def look_at_shop(run: Run, shop: Connector, pks: Sequence[int]) -> dict[int, StockLevel]:
    """What the shop shows now of those where we must know: all to be told as available, and unknown ones to be zero.

    A shop that is switched on for the first time, or an item just linked, may show pieces that nobody here has counted.
    """
    items = with_numbers(run.integration, WebshopProduct.objects.filter(pk__in=pks))
    if run.integration.stock_as != Integration.StockAs.AVAILABLE:
        items = items.filter(figure__told__isnull=True, figure__shown_physical__isnull=True, should=0)
    wanted = {external_id: pk for pk, external_id in items.values_list("pk", "external_id")}
    if not wanted:
        return {}
    found = read_levels(shop, wanted)
    with transaction.atomic():
        drift.note_levels(found, timezone.now())
        run.keep(run.place)
    return found


def read_levels(shop: Connector, wanted: dict[str, int]) -> dict[int, StockLevel]:
    """What the shop shows of items, given as external id → key, by key. Nothing wanted, nothing asked."""
    if not wanted:
        return {}
    levels = (level for page in shop.stock_of(list(wanted)) for level in page.items)
    return {wanted[level.external_id]: level for level in levels if level.external_id in wanted}


def rows_of(integration: Integration, pks: Sequence[int], levels: dict[int, StockLevel]) -> list[Row]:
    """Those of these items that are due, as they stand this moment."""
    name = integration.identifies_by
    columns = (*NUMBERS, "external_id", name, *(f"figure__{column}" for column in FIGURE_COLUMNS))
    chosen = due(integration, timezone.now()).filter(pk__in=pks).order_by("pk")
    found = list(chosen.values(*columns))
    counted = namesakes(integration, name, [row[name] for row in found])
    is_available = integration.stock_as == Integration.StockAs.AVAILABLE
    return [
        Row(
            pk=row["pk"],
            external_id=row["external_id"],
            identifier=row[name],
            formula=formula_of(row, integration),
            open_pieces=row["open_pieces"],
            before=_before(row),
            allocated=_allocated(levels.get(row["pk"])) if is_available else 0,
            namesakes=counted.get(row[name], 1),
            is_unsure=row["figure__asked"] is not None,
            is_unheard_of=row["figure__told"] is None and row["pk"] in levels,
            is_approved=row["figure__approved_at"] is not None,
        )
        for row in found
    ]


FIGURE_COLUMNS = ("told", "asked", "shown_physical", "approved_at", "clamped_at")


def _before(row: dict[str, Any]) -> int | None:
    """What was told, else what is shown; not where that is only the shop's own open orders."""
    if row["figure__clamped_at"]:
        return None
    told: int | None = row["figure__told"]
    shown: int | None = row["figure__shown_physical"]
    return shown if told is None else told


def _allocated(level: StockLevel | None) -> int | None:
    return None if level is None else level.allocated


def namesakes(integration: Integration, name: str, identifiers: Sequence[str]) -> dict[str, int]:
    """How many items the shop has under each of these SKUs (or EANs)."""
    items = integration.webshop_products.present().filter(**{f"{name}__in": identifiers})
    return dict(items.order_by().values_list(name).annotate(Count("pk")))


# --- write ------------------------------------------------------------------------------------


def intend(run: Run, decision: Decision) -> None:
    """Commit what is about to be asked, what cannot be, and what waits."""
    now = timezone.now()
    with transaction.atomic():
        sent = [(row, row.figure) for row in decision.send]
        everything: list[tuple[Row, int | None]] = [*sent, *((row, None) for row, _why in decision.refuse)]
        remember_sent(everything)
        for row, sentence in decision.refuse:
            refuse(row, sentence, now + UNCLEAR_FOR)
        held = ShopFigure.objects.filter(item__in=[row.pk for row in decision.hold])
        held.filter(braked_at__isnull=True).change(braked_at=now)
        run.counts["refused"] += len(decision.refuse)
        run.counts["braked"] += len(decision.hold)
        run.note(f"{row.identifier or row.external_id}: {sentence}" for row, sentence in decision.refuse)
        run.keep(run.place)


def remember_sent(rows: Iterable[tuple[Row, int | None]]) -> None:
    """Write figure and identifier of each, and what is being asked, in the order of the items' keys."""
    new = {"refused": "", "drift": 0, "drift_pushes": 0, "is_kept_elsewhere": False}
    figures = [
        {"item_id": row.pk, "asked": asked, "sent": row.figure, "sent_as": row.identifier, **new}
        for row, asked in sorted(rows, key=lambda pair: pair[0].pk)
    ]
    bulk.put(ShopFigure, figures, unique=["item_id"], update=["asked", "sent", "sent_as"])


def refuse(row: Row, sentence: str, retry_at: datetime) -> None:
    """Not taken: what was told before still holds, unless nobody knew that either."""
    unsure = {"told": None} if row.is_unsure else {}
    fields = {"asked": None, "refused": sentence[:300], "retry_at": retry_at, **unsure}
    ShopFigure.objects.filter(item=row.pk).update(**fields)


def send(run: Run, shop: Connector, rows: Sequence[Row]) -> None:
    """The call, and what came of it."""
    try:
        refusals = shop.push_stock([StockFigure(row.identifier, pieces(row)) for row in rows])
    except ShopError as error:
        no_answer(rows, is_lost=is_lost(error))
        raise
    low = settle(run, rows, refusals)
    if low:
        shown = read_levels(shop, {row.external_id: row.pk for row in low})
        settle_low(run, low, shown)


def is_lost(error: ShopError) -> bool:
    """Whether the shop may have done what it gave no legible answer to."""
    return error.lost_answer if isinstance(error, Unavailable) else isinstance(error, Unreadable | Rejected)


def no_answer(rows: Sequence[Row], *, is_lost: bool) -> None:
    """The call failed: nothing was told; where the answer was lost, nobody knows."""
    asked = ShopFigure.objects.filter(item__in=[row.pk for row in rows])
    if is_lost:
        asked.change(told=None, asked=None)
        return
    asked.filter(item__in=[row.pk for row in rows if row.is_unsure]).change(told=None)
    asked.change(asked=None)


def settle(run: Run, rows: Sequence[Row], refusals: Sequence[Refusal]) -> list[Row]:
    """Write what the shop took and what it refused; returns what it took, but may keep above the figure."""
    now = timezone.now()
    reasons = {refusal.identifier: refusal.reason for refusal in refusals}
    taken = [row for row in rows if row.identifier not in reasons]
    retry_at = now + (REFUSED_FOR if taken else UNCLEAR_FOR)
    with transaction.atomic():
        for row in rows:
            if row.identifier in reasons:
                refuse(row, reasons[row.identifier], retry_at)
        mark_told([row for row in taken if not row.is_below_open], now)
        run.counts["told"] += sum(not row.is_below_open for row in taken)
        run.counts["refused"] += len(rows) - len(taken)
        run.note(f"{identifier}: {reason}" for identifier, reason in reasons.items())
        if taken:
            run.remember(told_at=now.isoformat())
        run.keep(run.place)
    return [row for row in taken if row.is_below_open]


def mark_told(rows: Sequence[Row], now: datetime) -> None:
    """Told and heard. Where somebody made it unknown meanwhile (`forget`), `asked` is empty, and it stays unknown."""
    asked = ShopFigure.objects.filter(item__in=[row.pk for row in rows], asked__isnull=False)
    fallen = [row.pk for row in rows if row.is_emptying]
    zeroed_at = (
        Case(When(asked__gt=0, then=Value(None)), When(item__in=fallen, then=Value(now)), default=F("zeroed_at"))
        if fallen
        else Case(When(asked__gt=0, then=Value(None)), default=F("zeroed_at"))
    )
    asked.change(
        zeroed_at=zeroed_at,
        told=F("asked"), told_at=now, asked=None, refused="", retry_at=None, clamped_at=None, braked_at=None,
        approved_at=None,
    )  # fmt: skip


def settle_low(run: Run, rows: Sequence[Row], shown: dict[int, StockLevel]) -> None:
    """The shop keeps its count at its open orders without a word: told is what it shows, else it stays due."""
    now = timezone.now()
    heard = [row for row in rows if row.pk in shown and drift.physical_of(shown[row.pk]) == row.figure]
    kept_up = [row.pk for row in rows if row not in heard]
    with transaction.atomic():
        drift.note_levels(shown, now)
        mark_told(heard, now)
        clamped = ShopFigure.objects.filter(item__in=kept_up)
        clamped.change(told=None, asked=None, refused="", clamped_at=Coalesce(F("clamped_at"), now))
        for pk, since in clamped.order_by("item").values_list("pk", "clamped_at"):
            shortest, longest = CLAMPED_FOR
            wait = min(max(now - (since or now), shortest), longest)
            ShopFigure.objects.filter(pk=pk).update(retry_at=now + wait)
        run.counts["told"] += len(heard)
        run.counts["kept up"] += len(kept_up)
        run.keep(run.place)


# --- for others -------------------------------------------------------------------------------


def forget(integration: Integration, product_pks: Iterable[int]) -> None:
    """Nobody knows any more what the shop shows of these products, so it is told again.

    Call in the transaction that notes a completion, or a return put back; for all integrations of the merchant that
    point at the same shop.
    """
    rows = ShopFigure.objects.filter(
        item__integration__merchant=integration.merchant_id,
        item__integration__shop=integration.shop,
        item__product__in=list(product_pks),
    )
    rows.change(told=None, asked=None, retry_at=None)
