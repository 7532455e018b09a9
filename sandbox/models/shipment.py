"""Shipments: three flags (good to go, paid, sent), and completed when all three are set."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sandbox.models.line import OrderLine
from sandbox.models.order import Order, Status
from sandbox.models.product import Size
from sandbox.refused import Refused


class Shipment(models.Model):
    """Pieces of an order that travel together; its display id is the order's number, a dash and `n`.

    `captures` counts how often money was really taken: more than once would be a fault of the caller.
    """

    order = models.ForeignKey(Order, models.CASCADE, related_name="shipments")
    n = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    is_good_to_go = models.BooleanField(_("Good to go"), default=False)
    is_paid = models.BooleanField(_("Paid"), default=False)
    shipped_at = models.DateTimeField(_("Sent"), null=True, blank=True)
    completed_at = models.DateTimeField(_("Completed"), null=True, blank=True)
    leaves_out_costs = models.BooleanField(default=False)
    has_invoice = models.BooleanField(_("Has an invoice"), default=False)
    captures = models.PositiveIntegerField(default=0)
    amount = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    carrier = models.CharField(_("Carrier"), max_length=100, blank=True)
    service = models.CharField(_("Service"), max_length=100, blank=True)
    packages = models.PositiveIntegerField(_("Packages"), default=0)
    tracking = models.CharField(_("Tracking code"), max_length=200, blank=True)
    return_tracking = models.CharField(_("Tracking code of the return"), max_length=200, blank=True)
    email_sent = models.BooleanField(_("Shipping confirmation sent"), default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["order", "n"], name="sandbox_shipment_number_once")]

    def __str__(self) -> str:
        return self.display_id

    @property
    def display_id(self) -> str:
        return f"{self.order.number}-{self.n}"

    @property
    def is_sent(self) -> bool:
        return self.shipped_at is not None

    # --- making ----------------------------------------------------------------------------
    @classmethod
    def create(
        cls,
        order: Order,
        pieces: Mapping[int, int] | None,
        *,
        good_to_go: bool,
        capture: bool,
        deduct_previous_costs: bool,
        always: bool,
    ) -> Shipment:
        """A new shipment of the locked order; the open one with the same lines where there is one and not `always`.

        Refused, and nothing made, where the order is not to be sent, pieces are not there or the capture fails.
        """
        cls._demand_shippable(order)
        wanted = cls._physical(order, pieces)
        if not always and order.shop.switch("identical_shipment") and (twin := cls._twin(order, wanted)):
            return twin
        cls._demand_open(order, wanted)
        last = order.shipments.aggregate(models.Max("n"))["n__max"] or 0
        shipment = cls.objects.create(
            order=order, n=last + 1, is_good_to_go=good_to_go, leaves_out_costs=deduct_previous_costs
        )
        shipment._fill(wanted)
        if capture:
            try:
                shipment._take_payment()
            except Refused as refusal:
                raise Refused(refusal.text.replace("capture failed", "can not capture order")) from refusal
        order.recount_status()
        return shipment

    @staticmethod
    def _demand_shippable(order: Order) -> None:
        if order.status not in (Status.CONFIRMED, Status.PROCESSING):
            raise Refused("order is not confirmed")
        if order.is_on_hold:
            raise Refused("order is on hold")
        if order.waits_for_payment:
            raise Refused("order is waiting for payment")

    @staticmethod
    def _physical(order: Order, pieces: Mapping[int, int] | None) -> dict[int, int]:
        """Pieces by physical line; a bundle's line stands for its parts. None: everything that is open."""
        if pieces is None:
            return {line: count for line, count in order.open_pieces().items() if count > 0}
        lines = {line.pk: line for line in order.lines.all()}
        wanted: dict[int, int] = {}
        for key, count in pieces.items():
            if key not in lines:
                raise Refused("line does not exist in order")
            for line, each in lines[key].physical(lines.values()):
                wanted[line.pk] = wanted.get(line.pk, 0) + count * each
        return {key: count for key, count in wanted.items() if count > 0}

    @staticmethod
    def _demand_open(order: Order, wanted: Mapping[int, int]) -> None:
        if not wanted:
            raise Refused("shipment has no products")
        still_open = order.open_pieces()
        if any(count > still_open[line] for line, count in wanted.items()):
            raise Refused("quantity is higher than what is left to ship")

    @classmethod
    def _twin(cls, order: Order, wanted: Mapping[int, int]) -> Shipment | None:
        for shipment in order.shipments.filter(shipped_at=None).prefetch_related("lines"):
            if {line.line_id: line.qty for line in shipment.lines.all()} == wanted:
                return shipment
        return None

    def _fill(self, wanted: Mapping[int, int]) -> None:
        lines = {line.pk: line for line in self.order.lines.filter(pk__in=wanted)}
        sizes = Size.objects.lock(line.size_id for line in lines.values() if line.size_id)
        for pk, count in wanted.items():
            self._take(lines[pk], count, sizes.get(lines[pk].size_id or 0))

    def _take(self, line: OrderLine, count: int, size: Size | None) -> None:
        """Put pieces of a line in, from where they are allocated; pieces still owed are allocated now, or refused."""
        line.order = self.order
        free = self._free_allocations(line)
        if sum(free.values()) < count:
            line.allocate_rest(size)
            free = self._free_allocations(line)
        taken: dict[str, int] = {}
        for warehouse, there in free.items():
            taken[warehouse] = min(there, count - sum(taken.values()))
        self.lines.create(line=line, qty=count, allocations={name: n for name, n in taken.items() if n})

    @staticmethod
    def _free_allocations(line: OrderLine) -> dict[str, int]:
        free = dict(line.allocations)
        for other in ShipmentLine.objects.filter(line=line):
            for warehouse, count in other.allocations.items():
                free[warehouse] = free.get(warehouse, 0) - count
        return {warehouse: count for warehouse, count in free.items() if count > 0}

    # --- changing --------------------------------------------------------------------------
    def change(
        self,
        pieces: Mapping[int, int] | None = None,
        *,
        good_to_go: bool | None = None,
        serials: Mapping[int, str] | None = None,
    ) -> None:
        """Write pieces of lines (0 takes one out), the flag, serial numbers; quantities only before pay and send."""
        with self.order.locked():
            self._reload()
            if pieces is not None and self._differs(pieces):
                self._demand_changeable()
                self._repack(pieces)
            for line, serial in (serials or {}).items():
                self.lines.filter(line_id=line).update(serial_number=serial)
            if good_to_go is not None:
                self._set(is_good_to_go=good_to_go)
                self._settle()

    def _differs(self, pieces: Mapping[int, int]) -> bool:
        now = {line.line_id: line.qty for line in self.lines.all()}
        return any(now.get(line) != count for line, count in pieces.items())

    def _demand_changeable(self) -> None:
        if self.is_sent:
            raise Refused("shipment is sent and can not be updated")
        if self.is_paid:
            raise Refused("shipment is paid and can not be updated")
        if self.captures:
            raise Refused("shipment is captured and can not be updated")
        if self.returns.exists():
            raise Refused("shipment has refunds and can not be updated")

    def _repack(self, pieces: Mapping[int, int]) -> None:
        wanted = {} if self.order.shop.switch("lines_not_sent") == "removed" else self._contents()
        for line in pieces:
            wanted.pop(line, None)
        wanted |= self._physical(self.order, pieces)
        self.lines.all().delete()
        self._demand_open(self.order, wanted)
        self._fill(wanted)

    def _contents(self) -> dict[int, int]:
        return {line.line_id: line.qty for line in self.lines.all()}

    # --- money -----------------------------------------------------------------------------
    @property
    def total(self) -> Decimal:
        """What this shipment costs, with tax: its pieces, and the order's freight and vouchers unless left out."""
        lines = list(self.lines.all())
        goods = sum((line.line.price * line.qty for line in lines), Decimal())
        return goods if self.leaves_out_costs else goods + self.order.shipping_value - self.order.voucher_value

    def capture(self) -> None:
        """Take the payment; nothing happens where it was taken before. `Refused` where it fails."""
        with self.order.locked():
            self._reload()
            self._take_payment()
            self._settle()

    def _take_payment(self) -> None:
        self.order.demand_own_payment()
        if self.is_paid:
            return
        amount = self.total
        self.order.take_payment(amount)
        invoiced = self.has_invoice or bool(self.order.shop.switch("invoice_on_capture"))
        self._set(is_paid=True, captures=self.captures + 1, amount=amount, has_invoice=invoiced)

    def mark_paid(self) -> None:
        """An administrator says that the money came in elsewhere."""
        with self.order.locked():
            self._reload()
            self._set(is_paid=True)
            self._settle()

    # --- sending ---------------------------------------------------------------------------
    def complete(
        self,
        *,
        capture: bool = True,
        good_to_go: bool | None = None,
        shipped: bool = True,
        send_email: bool | None = None,
        **parcel: Any,
    ) -> None:
        """Send: carrier, service, packages, tracking, return_tracking in `parcel`. `Refused` where the capture fails.

        An unpaid shipment may be sent, but is completed, and leaves the stock, only once it is paid.
        """
        with self.order.locked():
            self._reload()
            if self.is_sent and self.order.shop.switch("complete_again") == "no":
                raise Refused("shipment is already sent")
            if self.order.status == Status.CANCELLED or self.order.is_on_hold:
                raise Refused("order is on hold or cancelled")
            if capture and not self.is_paid:
                self._take_payment()
            self._set(is_good_to_go=self.is_good_to_go if good_to_go is None else good_to_go, **parcel)
            if shipped:
                self._send(send_email)
            self._settle()

    def _send(self, send_email: bool | None) -> None:
        mails = self.order.store.sends_confirmation if send_email is None else send_email
        self._set(shipped_at=self.shipped_at or timezone.now(), email_sent=self.email_sent or mails)

    def _settle(self) -> None:
        """Once good to go, paid and sent: completed; the pieces leave the shelf and the order goes on."""
        if not (self.is_good_to_go and self.is_paid and self.is_sent) or self.completed_at:
            return
        primary = self.order.shop.warehouse
        lines = list(self.lines.select_related("line"))
        sizes = Size.objects.lock(line.line.size_id for line in lines if line.line.size_id)
        for line in lines:
            if size := sizes.get(line.line.size_id or 0):
                size.send(line.allocations.get(primary, 0))
        self._set(completed_at=timezone.now())
        self.order.recount_status()

    # --- taking away -----------------------------------------------------------------------
    def remove(self) -> None:
        """Delete it; the order falls back to Confirmed when it was the only one. `Refused` once sent or invoiced."""
        with self.order.locked():
            self._reload()
            if self.is_sent:
                raise Refused("shipment is sent and could not be deleted.")
            if self.has_invoice or self.returns.exists():
                raise Refused("shipment has invoices or creditnotes and could not be deleted.")
            self.delete()
            self.order.recount_status()

    def _reload(self) -> None:
        """Read again what others may have changed; the (locked) order stays the object that it is."""
        self.refresh_from_db(fields=[field.name for field in self._meta.concrete_fields if field.name != "order"])
        getattr(self, "_prefetched_objects_cache", {}).clear()

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    @property
    def document_token(self) -> str:
        """What the addresses of its documents end in."""
        return f"{self.order.selection_id[:12]}-{self.n}"


class ShipmentLine(models.Model):
    """Pieces of an order line in a shipment; `allocations` says from which warehouses (name to pieces)."""

    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="lines")
    line = models.ForeignKey(OrderLine, models.CASCADE, related_name="shipment_lines")
    qty = models.PositiveIntegerField()
    serial_number = models.CharField(max_length=100, blank=True)
    allocations = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["shipment", "line"], name="sandbox_shipment_line_once")]

    def __str__(self) -> str:
        return f"{self.qty} × {self.line.full_sku}"
