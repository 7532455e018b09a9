"""How parcels travel: carriers, and the methods that each warehouse offers."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from merchants.models import Warehouse


class Carrier(models.Model):
    """Who carries parcels, as in PostNord."""

    name = models.CharField(_("name"), max_length=80, unique=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("carrier")
        verbose_name_plural = _("carriers")

    def __str__(self) -> str:
        return self.name


class ShippingMethod(models.Model):
    """A service of a carrier, offered by one warehouse."""

    warehouse = models.ForeignKey(Warehouse, on_delete=models.CASCADE, related_name="shipping_methods")
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="methods")
    service = models.CharField(_("service"), max_length=120)
    needs_activation = models.BooleanField(_("needs activation"), default=True)
    needs_contract = models.BooleanField(_("needs a contract of its own"), default=False)
    needs_phone = models.BooleanField(_("needs a phone number"), default=False)
    needs_pickup_point = models.BooleanField(_("needs a pick-up point"), default=False)
    has_tracking = models.BooleanField(_("has tracking"), default=True)
    tracking_url = models.CharField(
        _("tracking address"), max_length=300, blank=True, help_text=_("With {code} where the tracking code goes.")
    )

    class Meta:
        ordering = ["warehouse", "carrier", "service"]
        verbose_name = _("shipping method")
        verbose_name_plural = _("shipping methods")
        constraints = [models.UniqueConstraint(fields=["warehouse", "carrier", "service"], name="shipping_method_once")]

    def __str__(self) -> str:
        return f"{self.carrier} {self.service} ({self.warehouse.code})"
