"""One order of a shop → rows here: taken once, brought up to date ever after.

Identity is (merchant, shop, number, part). Each order is one transaction; whatever is repeated, reordered, interrupted
or read by two at once is stored once, for the database says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.connectors.base import LineData, OrderData, OrderStatus, ShipmentData
from integrations.models import Integration, Tone
from merchants.models import Merchant
from orders import deciding, differences, moves, promise, reading
from orders.models import OPEN, SPLIT_PARTS, Order, OrderLine, SeenOrder, Shipment, Status, Verdict
from orders.reading import Skip
from shipping import words

SHOP = "the shop"
WHO = 120


class Taking:
    """Takes the orders of one integration during one pass."""

    def __init__(self, integration: Integration, this_pass: str) -> None:
        self.integration = integration
        self.this_pass = this_pass
        self._known: dict[str, str] = {}  # digest by number, of the page at hand
        self._verdicts: dict[str, tuple[Verdict, str, str]] = {}

    @property
    def settings(self) -> reading.Settings:
        return reading.Settings(
            # Shops write whole seconds: an order of the very second counts.
            self.integration.takes_orders_since.replace(microsecond=0),
            frozenset(self.integration.warehouses_ours),
        )

    # --- a page ----------------------------------------------------------------------------

    def seen_before(self, numbers: Iterable[str]) -> set[str]:
        """Which of these this pass met on an earlier page, or twice on this one."""
        numbers = list(numbers)
        seen = SeenOrder.objects.filter(integration=self.integration, seen_in=self.this_pass, number__in=numbers)
        twice = {number for number in numbers if numbers.count(number) > 1}
        return set(seen.values_list("number", flat=True)) | twice

    def worth_a_look(self, items: Sequence[OrderData]) -> list[OrderData]:
        """Those that are new or say something new; the others are only marked as seen."""
        digests = dict(self._ours([data.number for data in items]).order_by().values_list("number", "facts__digest"))
        self._known = digests
        skipped = SeenOrder.objects.filter(integration=self.integration, verdict=Verdict.SKIPPED)
        left = dict(skipped.filter(number__in=[data.number for data in items]).values_list("number", "detail"))
        return [
            data
            for data in items
            if reading.digest(data, self.settings) not in (digests.get(data.number), left.get(data.number))
        ]

    def _ours(self, numbers: Sequence[str]) -> Any:
        return Order.objects.filter(
            merchant=self.integration.merchant_id, shop=self.integration.shop, number__in=numbers
        )

    def needs_details(self, data: OrderData) -> bool:
        is_old = data.number not in self._known and data.placed_at and data.placed_at < self.settings.takes_since
        return reading.needs_details(data) and not is_old

    def unknown(self, numbers: Iterable[str]) -> list[str]:
        """Those that neither this pass nor an earlier one has seen."""
        wanted = list(dict.fromkeys(numbers))
        seen = SeenOrder.objects.filter(integration=self.integration, number__in=wanted)
        known = set(seen.exclude(verdict=Verdict.UNREADABLE).values_list("number", flat=True))
        return [number for number in wanted if number not in known]

    def note_page(self, items: Sequence[OrderData]) -> None:
        """Every number of the page goes into the ledger, within the caller's transaction."""
        now = timezone.now()
        items = list({data.number: data for data in items}.values())
        numbers = [data.number for data in items]
        here = set(self._ours(numbers).values_list("number", flat=True))
        known = {row.number: row for row in SeenOrder.objects.filter(integration=self.integration, number__in=numbers)}
        rows = [self._row(data, known.get(data.number), data.number in here, now) for data in items]
        SeenOrder.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["integration", "number"],
            update_fields=["verdict", "reason", "detail", "placed_at", "last_seen_at", "seen_in"],
        )
        self._ours(numbers).filter(integration=self.integration).update(
            seen_in=self.this_pass, shown_at=now, is_shown=True
        )
        self._verdicts.clear()

    def _row(self, data: OrderData, before: SeenOrder | None, is_here: bool, now: Any) -> SeenOrder:
        found = self._verdicts.get(data.number)
        if found is None and before is not None and before.verdict == Verdict.SKIPPED:
            found = (Verdict.SKIPPED, before.reason, before.detail)
        verdict, reason, detail = found or ((Verdict.TAKEN, "", "") if is_here else (Verdict.UNREADABLE, "", ""))
        return SeenOrder(
            integration=self.integration,
            number=data.number,
            verdict=verdict,
            reason=reason,
            detail=detail,
            placed_at=data.placed_at,
            first_seen_at=now,
            last_seen_at=now,
            seen_in=self.this_pass,
        )

    # --- one order -------------------------------------------------------------------------

    def take(self, data: OrderData) -> None:
        """Store it, bring it up to date, or leave it for a reason. In a transaction of its own."""
        try:
            with transaction.atomic():
                self._take(data)
        except IntegrityError:
            # Somebody else stored it this very moment: now it is there to be brought up to date.
            with transaction.atomic():
                self._take(data)

    def _take(self, data: OrderData) -> None:
        self._meet_warehouses(data)
        parts = self._parts(data.number)
        if not parts:
            self._take_new(data)
        elif parts[0].integration_id not in (self.integration.pk, None):
            self._skip(data, Skip.OTHER)
        elif all(0 < part.part < SPLIT_PARTS for part in parts):
            self._skip(data, Skip.AS_SHIPMENTS)
        else:
            self._update(data, parts)

    def _parts(self, number: str) -> list[Order]:
        """All parts of this number, locked; the whole order first."""
        rows = self._ours([number]).select_related("merchant", "integration", "warehouse", "shipment")
        return sorted(rows.lock(), key=lambda order: order.part)

    def _skip(self, data: OrderData, why: Skip) -> None:
        self._verdicts[data.number] = (Verdict.SKIPPED, why.value, reading.digest(data, self.settings))

    def _take_new(self, data: OrderData) -> None:
        why = reading.skip(data, self.settings)
        if why is not None:
            self._skip(data, why)
            return
        order = self._store(data, part=0)
        self._tell_read(order)
        deciding.enter(order)

    def _store(self, data: OrderData, part: int, read: dict[str, Any] | None = None) -> Order:
        now = timezone.now()
        order = Order(
            merchant=Merchant.objects.get(pk=self.integration.merchant_id),
            integration=self.integration,
            shop=self.integration.shop,
            number=data.number,
            part=part,
            warehouse=self.integration.warehouse,
            status=Status.DRAFT,  # holds nothing until it is decided
            read_at=now,
        )
        self._fill(order, data)
        order.save(force_insert=True)
        self._fill_lines(order, data)
        words.note(self.integration, [(data.shipping_method, data.ingrid_method, data.placed_at or now)])
        return order

    def _fill(self, order: Order, data: OrderData) -> None:
        """All that the shop says of the head of an order."""
        for key in differences.ADDRESS:
            setattr(order, key, _fit(order, key, getattr(data.deliver_to, key)))
        order.bill_to = asdict(data.bill_to)
        order.shop_method = _fit(order, "shop_method", data.shipping_method)
        order.ingrid_method = _fit(order, "ingrid_method", data.ingrid_method)
        order.pickup_point = _fit(order, "pickup_point", data.pickup_point)
        order.currency, order.total, order.shipping_price = data.currency[:3], data.total, data.shipping_price
        order.comment = data.comment
        order.customisation = "\n".join(line.comment for line in data.lines if line.comment)
        order.customer_reference = _fit(order, "customer_reference", data.customer_reference)
        order.placed_at = data.placed_at or order.read_at
        order.taken = differences.snapshot(data)
        self._fill_shop(order, data)

    def _fill_shop(self, order: Order, data: OrderData) -> None:
        """How the order stands in the shop now."""
        order.shop_status = data.status.value
        order.is_on_hold, order.is_suspect = data.is_on_hold, data.is_suspect
        order.waits_for_payment = data.waits_for_payment
        order.is_shown, order.shown_at, order.seen_in = True, timezone.now(), self.this_pass
        kept = {key: text for key, text in order.facts.items() if key in KEPT_FACTS}
        found = reading.facts(data, self.settings, self.integration.warehouses_met)
        order.facts = {**kept, **found, "digest": reading.digest(data, self.settings)}

    def _fill_lines(self, order: Order, data: OrderData) -> None:
        pieces = reading.pieces_of(data, self.settings)
        order.lines.all().delete()
        OrderLine.objects.bulk_create(_line(order, line, pieces[line.external_id]) for line in data.lines)
        order.__dict__.pop("_prefetched_objects_cache", None)

    def _tell_read(self, order: Order) -> None:
        lag = max(0, round((order.read_at - order.placed_at).total_seconds()))
        pieces = sum(line.pieces for line in order.lines.all())
        elsewhere = sum(line.elsewhere for line in order.lines.all())
        order.events.create(
            at=order.placed_at,
            text=_("Placed in %(shop)s as %(number)s.") % {"shop": self.integration.label, "number": order.number},
            tone=Tone.GOOD,
        )
        text = _("Read %(lag)s later: %(pieces)d pieces to send.") % {"lag": _span(lag), "pieces": pieces}
        if elsewhere:
            text += " " + _("%(n)d more are sent from another warehouse of the shop.") % {"n": elsewhere}
        order.tell(text, Tone.GOOD)

    # --- an order that is here -------------------------------------------------------------

    def _update(self, data: OrderData, parts: list[Order]) -> None:
        opens = reading.pieces_of(data, self.settings)
        self._share_out(parts, {key: one.open for key, one in opens.items()})
        for order in parts:
            was_unreadable = "unreadable" in order.facts and not order.lines.exists()
            was_undecided = "warehouses" in order.facts
            was_missing = not order.is_shown
            self._fill_shop(order, data)
            if (was_unreadable or was_undecided) and order.status == Status.RESERVED and not order.part:
                self._fill(order, data)
                self._fill_lines(order, data)
            if was_missing:
                order.tell(_("The shop shows it again."), Tone.GOOD)
            self._update_one(order, data, opens)

    def _update_one(self, order: Order, data: OrderData, opens: dict[str, reading.Pieces]) -> None:
        self._offer(order, data)
        if data.status is OrderStatus.CANCELLED:
            order.save()
            self._cancelled_there(order)
        elif order.status in OPEN and not order.is_being_handed_over:
            self._check_sent(order)
            order.save()
            deciding.decide(order)
            if order.status == Status.DRAFT:
                promise.reserve_for(order)
        else:
            order.save()
            promise.reserve_for(order)

    def _offer(self, order: Order, data: OrderData) -> None:
        """What the shop changed; only while it is not handed over, and once."""
        now = differences.snapshot(data)
        if order.part or order.status not in OPEN or not order.taken:
            return
        if now == order.taken:
            order.offered = None
        elif now != order.offered:
            order.offered = now
            order.tell(_("Changed in the shop."), Tone.WAIT)

    def _check_sent(self, order: Order) -> None:
        """Pieces that we would send and that are no longer open there: somebody else sent them."""
        lines = [line for line in order.lines.all() if line.external_id and line.pieces]
        if lines and all(line.open_in_shop == 0 for line in lines):
            order.facts["sent"] = _("The shop shows it as sent: nothing is open there. Cancel it here.")
        elif any(line.open_in_shop < min(line.pieces, line.ordered) for line in lines):
            order.facts["sent"] = _("The shop has sent some of its pieces itself. Edit the order, or cancel it here.")

    def _cancelled_there(self, order: Order) -> None:
        if order.status in (Status.CANCELLED, Status.SHIPPED, Status.RETURNED):
            promise.reserve_for(order)
            return
        if order.status in OPEN and not self.integration.cancels_with_shop:
            deciding.decide(order)
            return
        moves.cancel(order, SHOP, _("The shop cancelled it."))
        if order.status == Status.COLLECTING:
            promise.reserve_for(order)

    def _share_out(self, parts: list[Order], opens: dict[str, int]) -> None:
        """The shop's open pieces of each line, over the parts that still count them."""
        counting = [part for part in parts if part.told_at is None and part.status != Status.CANCELLED]
        lines: dict[str, list[OrderLine]] = {}
        for part in counting:
            for line in part.lines.all():
                if line.external_id:
                    lines.setdefault(line.external_id, []).append(line)
        for external_id, rows in lines.items():
            shares = reading.share_out(opens.get(external_id, 0), {row.pk: row.pieces for row in rows})
            for row in rows:
                if row.open_in_shop != shares[row.pk]:
                    row.open_in_shop = shares[row.pk]
                    row.save(update_fields=["open_in_shop"])

    # --- what cannot be read, and what is not shown ----------------------------------------

    def hold_unreadable(self, number: str, why: str) -> None:
        """An order of which only the number could be read is held with the reason; it is never passed over."""
        now = timezone.now()
        with transaction.atomic():
            parts = self._parts(number)
            if not parts and not self._is_skipped(number):
                order = Order(
                    merchant=Merchant.objects.get(pk=self.integration.merchant_id),
                    integration=self.integration,
                    shop=self.integration.shop,
                    number=number,
                    warehouse=self.integration.warehouse,
                    status=Status.DRAFT,
                    facts={"unreadable": why},
                    seen_in=self.this_pass,
                    shown_at=now,
                )
                order.save(force_insert=True)
                order.tell(_("Met in %(shop)s.") % {"shop": self.integration.label})
                deciding.enter(order)
            for order in parts:
                if order.integration_id == self.integration.pk:
                    order.facts = {**order.facts, "unreadable": why, "digest": ""}
                    order.is_shown, order.seen_in, order.shown_at = True, self.this_pass, now
                    order.save()
                    deciding.decide(order)
            self._note_unreadable(number, why)

    def _is_skipped(self, number: str) -> bool:
        seen = SeenOrder.objects.filter(integration=self.integration, number=number, verdict=Verdict.SKIPPED)
        return seen.exists()

    def _note_unreadable(self, number: str, why: str) -> None:
        now = timezone.now()
        fields = {"last_seen_at": now, "seen_in": self.this_pass, "verdict": Verdict.UNREADABLE, "detail": why[:300]}
        SeenOrder.objects.update_or_create(
            integration=self.integration,
            number=number,
            defaults=fields,
            create_defaults={**fields, "first_seen_at": now},
        )

    def miss(self, number: str) -> None:
        """The shop no longer shows it: held, the pieces stay reserved. Nothing is cancelled by silence."""
        with transaction.atomic():
            for order in self._parts(number):
                order.seen_in = self.this_pass
                if order.is_shown:
                    order.is_shown = False
                    order.facts = {**order.facts, "digest": ""}
                order.save()
                deciding.decide(order)

    # --- shipments as orders ---------------------------------------------------------------

    def take_shipment(self, shipment: ShipmentData) -> None:
        """Where good-to-go shipments are read: each is an order of its own, its part the shipment's number."""
        data = shipment.order
        if data is None:
            self.hold_unreadable(shipment.order_number, _("the shipment does not say what is in it."))
            return
        part = _part_number(shipment.external_id)
        with transaction.atomic():
            parts = self._parts(data.number)
            if any(order.part == 0 for order in parts):
                self._skip(data, Skip.OTHER)
            elif not any(order.part == part for order in parts):
                self._take_new_shipment(shipment, data, part)
            else:
                self._update(data, [order for order in parts if order.part == part])
            self.note_page([data])

    def _take_new_shipment(self, shipment: ShipmentData, data: OrderData, part: int) -> None:
        if data.placed_at is not None and data.placed_at < self.settings.takes_since:
            self._skip(data, Skip.OLDER)
            return
        order = self._store(data, part)
        order.shipment = Shipment.objects.create(
            integration=self.integration,
            shop=self.integration.shop,
            number=data.number,
            external_id=shipment.external_id,
            pieces=dict(shipment.pieces),
            is_adopted=True,
            made_at=timezone.now(),
            is_paid=shipment.is_paid,
        )
        order.save(update_fields=["shipment"])
        self._tell_read(order)
        deciding.enter(order)

    def _meet_warehouses(self, data: OrderData) -> None:
        """The names of the shop's warehouses, in the order in which they were met."""
        new = [name for name in reading.warehouses(data) if name not in self.integration.warehouses_met]
        if new:
            self.integration.warehouses_met = [*self.integration.warehouses_met, *new]
            self.integration.save(update_fields=["warehouses_met"])


# What the hand-over found is not forgotten by a reading; it clears these itself, or a person does.
KEPT_FACTS = ("capture", "paid_elsewhere", "refused", "short")


def _line(order: Order, line: LineData, pieces: reading.Pieces) -> OrderLine:
    return OrderLine(
        order=order,
        external_id=line.external_id[:64],
        sku=line.sku[:200],
        ean=line.ean[:40],
        name=line.name[:300],
        pieces=pieces.ours,
        ordered=pieces.ordered,
        open_in_shop=pieces.open,
        elsewhere=pieces.elsewhere,
        price=line.price,
        vat_percent=line.vat_percent,
        weight_kg=line.weight_kg,
        country_of_origin=line.country_of_origin,
        hs_code=line.hs_code[:20],
        comment=line.comment,
        bundle=line.bundle[:300],
    )


def _fit(order: Order, field: str, text: str) -> str:
    """The text as long as its column; what is cut is shown by an ellipsis."""
    limit: int | None = getattr(order._meta.get_field(field), "max_length", None)
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def _part_number(external_id: str) -> int:
    """The n of “70412-n”; a shipment that is named otherwise gets a number made of its name."""
    tail = external_id.rpartition("-")[2]
    if tail.isdecimal() and 0 < int(tail) < SPLIT_PARTS:
        return int(tail)
    return 1 + sum(external_id.encode()) % (SPLIT_PARTS - 2)


def _span(seconds: int) -> str:
    """“41 s”, “12 min”, “5 h”, “3 d”."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
