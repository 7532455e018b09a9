"""Returns: pieces that came back, and perhaps the money that went back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sandbox.models.product import Size
from sandbox.models.shipment import Shipment, ShipmentLine
from sandbox.refused import Refused


class Return(models.Model):
    """Pieces of one sent shipment that came back. Costs are in the order's currency."""

    shipment = models.ForeignKey(Shipment, models.CASCADE, related_name="returns")
    created_at = models.DateTimeField(default=timezone.now)
    is_completed = models.BooleanField(_("Completed"), default=False)
    restocks = models.BooleanField(_("Pieces go back to stock"), default=True)
    comment = models.CharField(max_length=500, blank=True)
    handling_cost = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    shipping_cost = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    return_cost = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    voucher_value = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    email_sent = models.BooleanField(default=False)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @classmethod
    def create(
        cls,
        shipment: Shipment,
        pieces: Mapping[int, int] | None = None,
        *,
        restocks: bool | None = None,
        created_at: datetime | None = None,
        **fields: Any,
    ) -> Return:
        """A return of order lines (id to pieces; None: all). What cannot come back is left out; none: `Refused`."""
        with shipment.order.locked():
            takes = cls._returnable(shipment, pieces)
            if not takes:
                raise Refused("return could not be created.")
            made = cls.objects.create(
                shipment=shipment,
                restocks=shipment.order.store.restocks_returns if restocks is None else restocks,
                created_at=created_at or timezone.now(),
                **fields,
            )
            for line, count in takes:
                made.lines.create(shipment_line=line, qty=count)
            if made.restocks:
                made._put_back(takes)
            return made

    @staticmethod
    def _returnable(shipment: Shipment, pieces: Mapping[int, int] | None) -> list[tuple[ShipmentLine, int]]:
        if not shipment.is_sent:
            return []
        takes = []
        for line in shipment.lines.select_related("line").prefetch_related("return_lines"):
            left = line.qty - sum(back.qty for back in line.return_lines.all())
            count = left if pieces is None else pieces.get(line.line_id, 0)
            if 0 < count <= left:
                takes.append((line, count))
        return takes

    @staticmethod
    def _put_back(takes: list[tuple[ShipmentLine, int]]) -> None:
        sizes = Size.objects.lock(line.line.size_id for line, _count in takes if line.line.size_id)
        for line, count in takes:
            if size := sizes.get(line.line.size_id or 0):
                size.put_back(count)

    def refund(self, *, send_email: bool = False) -> None:
        """Give the money back, and so complete the return; `Refused` where that fails."""
        order = self.shipment.order
        order.demand_own_payment()
        if order.refund_fails:
            raise Refused("refund failed")
        self.complete(send_email=send_email)

    def complete(self, completed: bool = True, *, send_email: bool = False) -> None:
        """Say that it is completed, or pending again, without moving money."""
        self.is_completed = completed
        self.email_sent = self.email_sent or send_email
        self.save(update_fields=["is_completed", "email_sent"])

    @property
    def value(self) -> Decimal:
        """What the returned pieces cost, with tax."""
        return sum((line.shipment_line.line.price * line.qty for line in self.lines.all()), Decimal())


class ReturnLine(models.Model):
    """Pieces of a shipment's line that came back."""

    refund = models.ForeignKey(Return, models.CASCADE, related_name="lines")
    shipment_line = models.ForeignKey(ShipmentLine, models.CASCADE, related_name="return_lines")
    qty = models.PositiveIntegerField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.qty} × {self.shipment_line.line.full_sku}"
