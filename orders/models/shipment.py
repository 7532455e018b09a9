"""What the shop calls a shipment of an order: intended, made, paid, completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.models import Integration

if TYPE_CHECKING:
    from orders.models.order import Order


class ShipmentQuerySet(models.QuerySet["Shipment"]):
    """Rows of shipments."""

    def living(self, of: Order | Shipment) -> ShipmentQuerySet:
        """Those of this order, or of that of this shipment, that the shop still has, as far as we know.

        Another shop that the integration pointed at may have had the same numbers.
        """
        there = self.filter(integration=of.integration_id, shop=of.shop, number=of.number, withdrawn_at=None)
        return there.exclude(external_id="")


class Shipment(models.Model):
    """The shop's shipment for one order here, or for several parts of it.

    `asked_at` is committed before the call that makes it: a row with `asked_at` and no `external_id` is an intent whose
    answer may have been lost. The same with `capture_asked_at` and `complete_asked_at`.
    Once it is withdrawn, here or by the shop's own people, the shop may give its id to the next one of the order.
    `pieces` maps the shop's line ids to pieces; `wanted` the same, where the shop's must still be lowered to them.
    """

    integration = models.ForeignKey(Integration, on_delete=models.SET_NULL, null=True, related_name="shipments")
    shop = models.CharField(_("shop"), max_length=255)
    number = models.CharField(_("order"), max_length=80)
    external_id = models.CharField(_("shipment in the shop"), max_length=80, blank=True)
    pieces = models.JSONField(_("pieces"), default=dict, blank=True)
    wanted = models.JSONField(_("to be lowered to"), null=True, blank=True)
    is_adopted = models.BooleanField(_("made by the shop"), default=False)
    asked_at = models.DateTimeField(_("asked for"), null=True, blank=True)
    made_at = models.DateTimeField(_("made"), null=True, blank=True)
    capture_asked_at = models.DateTimeField(_("payment asked for"), null=True, blank=True)
    is_paid = models.BooleanField(_("paid"), default=False)
    capture_error = models.TextField(_("payment refused"), blank=True)
    complete_asked_at = models.DateTimeField(_("completion asked for"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)
    withdraw_asked_at = models.DateTimeField(_("withdrawal asked for"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    error = models.TextField(_("last error"), blank=True)

    objects = ShipmentQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = _("shipment in the shop")
        verbose_name_plural = _("shipments in the shops")
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "shop", "external_id"],
                name="shipment_once",
                condition=~models.Q(external_id="") & models.Q(withdrawn_at=None),
            )
        ]

    def __str__(self) -> str:
        return self.external_id or f"{self.number} ({_('asked for')})"
