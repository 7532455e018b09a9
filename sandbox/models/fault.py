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

    A request whose answer it would not change is not hit, and the lever waits for the next one.

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
    def ready(cls, plugin: PluginMethod, endpoint: str) -> list[Fault]:
        """The levers that this request may hit, the oldest first; those that let it pass count it."""
        waiting = cls.objects.filter(Q(times=None) | Q(times__gt=0), shop=plugin.shop_id, endpoint__in=["", endpoint])
        waiting = waiting.filter(Q(plugin=None) | Q(plugin=plugin))
        if not waiting.exists():
            return []
        with transaction.atomic():
            found = list(waiting.select_for_update(of=("self",)))
            cls.objects.filter(pk__in=[fault.pk for fault in found if fault.skip]).update(skip=F("skip") - 1)
        return [fault for fault in found if not fault.skip]

    def take(self) -> bool:
        """Use it up once; false where another request did so meanwhile."""
        left = Fault.objects.filter(Q(times=None) | Q(times__gt=0), pk=self.pk)
        return bool(left.update(times=F("times") - 1))

    def give_back(self) -> None:
        """It was taken and changed nothing."""
        Fault.objects.filter(pk=self.pk).update(times=F("times") + 1)

    def count(self) -> None:
        """It was taken and hit."""
        Fault.objects.filter(pk=self.pk).update(hits=F("hits") + 1)

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
