"""Why an order waits."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order, OrderQuerySet, Status


class Cause(models.TextChoices):
    """The kinds of reasons; the label heads a group on the front page."""

    UNKNOWN_SKU = "unknown sku", _("unknown SKU")
    AMBIGUOUS_ITEM = "ambiguous item", _("SKU and EAN name different items")
    METHOD = "method", _("shipping method not linked")
    PICKUP_POINT = "pickup point", _("pick-up point missing")
    ADDRESS = "address", _("address incomplete")
    PHONE = "phone", _("phone number missing")
    CUSTOMS = "customs", _("customs data missing")
    CUSTOMISATION = "customisation", _("customisation asked for")
    WAREHOUSES = "warehouses", _("choose which of the shop’s warehouses are ours")
    SHOP_HOLD = "shop hold", _("on hold in the shop")
    SUSPECT = "suspect", _("suspect in the shop")
    NOT_CONFIRMED = "not confirmed", _("not confirmed yet")
    PAYMENT = "payment", _("waiting for payment")
    NOT_SHOWN = "not shown", _("the shop no longer shows this order")
    CHANGED = "changed", _("changed in the shop")
    SENT = "sent", _("sent by the shop itself")
    SEVERAL = "several shipments", _("several open shipments in the shop")
    CAPTURE = "capture", _("payment refused: do not ship")
    PAID_ELSEWHERE = "paid elsewhere", _("payment is taken outside Centra")
    REFUSED = "refused", _("the shop refused the shipment")
    SHORT = "short", _("fewer pieces found than ordered")
    UNREADABLE = "unreadable", _("could not be read")


# A person may say “send it all the same” to these only.
MAY_BE_OVERRULED = frozenset({Cause.ADDRESS, Cause.PHONE, Cause.CUSTOMS, Cause.CUSTOMISATION})
# The shop alone can make these go; nobody here can mend them.
OF_THE_SHOP = frozenset({Cause.SHOP_HOLD, Cause.SUSPECT, Cause.NOT_CONFIRMED, Cause.PAYMENT, Cause.NOT_SHOWN})
OF_US = frozenset(Cause) - OF_THE_SHOP


class Hold(models.Model):
    """One reason why an order waits. `subject` is where one mend frees many: a SKU, a word for a method; else empty."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="holds")
    cause = models.CharField(_("cause"), max_length=20, choices=Cause.choices)
    subject = models.CharField(_("which"), max_length=200, blank=True)
    text = models.TextField(_("why"))
    since = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("reason to wait")
        verbose_name_plural = _("reasons to wait")
        constraints = [models.UniqueConstraint(fields=["order", "cause", "subject"], name="hold_once")]
        indexes = [models.Index(fields=["cause", "subject"], name="hold_by_cause")]

    def __str__(self) -> str:
        return self.text

    @property
    def may_be_overruled(self) -> bool:
        return self.cause in MAY_BE_OVERRULED


def wait_for_somebody(orders: OrderQuerySet) -> OrderQuerySet:
    """Those of them that have a reason which somebody here can mend, whatever else the shop must let go."""
    return orders.filter(status=Status.RESERVED, holds__cause__in=sorted(OF_US)).distinct()
