"""Levers: requests that go wrong on purpose, and the log of the calls that came."""

from __future__ import annotations

import json
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sandbox.models.plugin import PluginMethod
from sandbox.models.shop import Shop


class Kind(models.TextChoices):
    SLOW = "slow", _("Slow: the answer comes in drips")
    STATUS = "status", _("Another HTTP status")
    REFUSED = "refused", _("200 with status no")
    HTML = "html", _("A page in HTML instead of JSON")
    EMPTY = "empty", _("An empty answer")
    TRUNCATED = "truncated", _("JSON that stops in the middle")
    CUT_OFF = "cut_off", _("The connection ends in the middle of the answer")
    RESET = "reset", _("The connection ends without an answer; nothing is done")
    LOST_ANSWER = "lost_answer", _("The work is done, the answer is lost")
    LATE = "late", _("The connection ends without an answer; the work is done seconds later")
    HALF_DONE = "half_done", _("Half of the rows are written, then the connection ends without an answer")
    WRONG_TYPES = "wrong_types", _("Numbers as texts, texts as numbers")
    UNREADABLE_ROW = "unreadable_row", _("One unreadable row among good ones")
    REPEATED_PAGE = "repeated_page", _("The page before, once more")
    REORDERED_PAGE = "reordered_page", _("The rows of a page in another order")
    LOOPING_PAGE = "looping_page", _("The next page is this page")
    REDIRECT = "redirect", _("A redirect to elsewhere")
    HUGE = "huge", _("A huge answer")


class Fault(models.Model):
    """One lever. Lets `skip` matching requests pass, then hits `times` of them; None: until taken away.

    `params` by kind: slow `seconds`, `drips` · status `code`, `retry_after` (seconds), `retry_after_form` ("date",
    "timestamp"), `body` · refused `msg` · late `seconds` · unreadable_row and wrong_types `row`, `field` · redirect
    `to` · huge `megabytes`. What is written as one (an order, a shipment) is not written at all where it is half done.
    """

    Kind = Kind

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="faults")
    plugin = models.ForeignKey(PluginMethod, models.CASCADE, null=True, blank=True, related_name="faults")
    endpoint = models.CharField(_("Endpoint"), max_length=30, blank=True)
    kind = models.CharField(_("What goes wrong"), max_length=20, choices=Kind.choices)
    skip = models.PositiveIntegerField(_("Requests that pass first"), default=0)
    times = models.PositiveIntegerField(_("Requests that it hits"), null=True, blank=True, default=1)
    hits = models.PositiveIntegerField(_("Hit so far"), default=0, editable=False)
    params = models.JSONField(_("Parameters"), default=dict, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.endpoint or '*'}"

    @classmethod
    def strike(cls, plugin: PluginMethod, endpoint: str) -> Fault | None:
        """The lever that this request hits, if any; counts the request."""
        waiting = cls.objects.filter(Q(times=None) | Q(times__gt=0), shop=plugin.shop_id, endpoint__in=["", endpoint])
        waiting = waiting.filter(Q(plugin=None) | Q(plugin=plugin))
        if not waiting.exists():
            return None
        with transaction.atomic():
            return cls._count(list(waiting.select_for_update(of=("self",))))

    @classmethod
    def _count(cls, waiting: list[Fault]) -> Fault | None:
        ready = next((fault for fault in waiting if not fault.skip), None)
        cls.objects.filter(pk__in=[fault.pk for fault in waiting if fault.skip]).update(skip=F("skip") - 1)
        if ready:
            left = None if ready.times is None else ready.times - 1
            cls.objects.filter(pk=ready.pk).update(times=left, hits=F("hits") + 1)
        return ready

    @property
    def params_text(self) -> str:
        """The parameters as they are typed."""
        return json.dumps(self.params) if self.params else ""

    def param(self, name: str, default: Any) -> Any:
        return self.params.get(name, default)


class Call(models.Model):
    """One call that came, for plugins with debug logging. The key is never written down."""

    plugin = models.ForeignKey(PluginMethod, models.CASCADE, related_name="calls")
    at = models.DateTimeField(default=timezone.now)
    endpoint = models.CharField(max_length=30)
    path = models.CharField(max_length=500)
    body = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField()
    answer = models.TextField(blank=True)
    fault = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.endpoint} {self.status}"
