"""What happened to an order, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.models import Tone
from orders.models.order import Order


class Event(models.Model):
    """One line of an order's story: read, decided and why, reserved, handed over, told. Never changed."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(_("when"), default=timezone.now)
    text = models.TextField(_("what"))
    tone = models.CharField(_("tone"), max_length=4, choices=Tone.choices, default=Tone.NONE)
    who = models.CharField(_("who"), max_length=120, blank=True)
    facts = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["at", "pk"]
        verbose_name = _("line of the story")
        verbose_name_plural = _("story")

    def __str__(self) -> str:
        return self.text


@contextmanager
def told_together(order: Order) -> Iterator[None]:
    """What is told of the order in here is written in one stroke at the end, within the caller's transaction."""
    lines: list[Event] = []
    order.telling = lines
    try:
        yield
    finally:
        order.telling = None
    Event.objects.bulk_create(lines)
