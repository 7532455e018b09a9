"""The ledger of completeness: every order number that a shop ever showed, and what became of it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.models import Integration


class Verdict(models.TextChoices):
    """What became of a number: it is here, or it was left for a reason, or it could not be read."""

    TAKEN = "taken", _("taken")
    SKIPPED = "skipped", _("skipped")
    UNREADABLE = "unreadable", _("could not be read")


class SeenOrder(models.Model):
    """One number that one integration's shop showed. One that is neither here nor skipped is an alarm."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="seen_orders")
    number = models.CharField(_("reference"), max_length=80)
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict.choices)
    reason = models.CharField(_("why"), max_length=40, blank=True)
    detail = models.CharField(_("details"), max_length=300, blank=True)
    placed_at = models.DateTimeField(_("placed"), null=True, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    seen_in = models.CharField(max_length=32, blank=True)

    class Meta:
        ordering = ["-last_seen_at"]
        verbose_name = _("order seen")
        verbose_name_plural = _("orders seen")
        constraints = [models.UniqueConstraint(fields=["integration", "number"], name="seen_order_once")]
        indexes = [models.Index(fields=["integration", "verdict"], name="seen_order_verdict")]

    def __str__(self) -> str:
        return f"{self.number}: {self.get_verdict_display()}"
