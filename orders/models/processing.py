"""How a merchant wants orders to be handled: *Edit Merchant → Order processing*."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant


class OrderProcessing(models.Model):
    """One row per merchant; made when first needed."""

    class Customisation(models.TextChoices):
        STOP = "stop", _("stop the order and ask me")
        FORWARD = "forward", _("forward the request to the warehouse")
        REMOVE = "remove", _("remove the request from the order")

    merchant = models.OneToOneField(Merchant, on_delete=models.CASCADE, related_name="order_processing")
    splits_pending = models.BooleanField(_("split PENDING orders automatically"), default=False)
    sends_without_phone = models.BooleanField(_("send although the phone number is missing"), default=False)
    fills_customs = models.BooleanField(_("fill in missing customs data from the product"), default=True)
    customisation = models.CharField(
        _("customisation asked for in an order"),
        max_length=8,
        choices=Customisation.choices,
        default=Customisation.FORWARD,
    )

    class Meta:
        verbose_name = _("order processing")
        verbose_name_plural = _("order processing")

    def __str__(self) -> str:
        return str(self.merchant)

    @classmethod
    def of(cls, merchant: Merchant) -> OrderProcessing:
        """The merchant's wishes; the defaults where nobody has said any."""
        return cls.objects.filter(merchant=merchant).first() or cls(merchant=merchant)
