"""The connection of one merchant to one shop, what is owed on it and when, and what was done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations import activity, pipes
from integrations.connectors import PLATFORMS, connect
from integrations.connectors.base import Connector, Credentials
from integrations.connectors.errors import BadCredentials
from integrations.fields import SecretField, Undecipherable, fingerprint
from integrations.installation import remembered
from integrations.pipes import PIPES, Pipe
from merchants.models import Channel, Merchant, Warehouse
from merchants.templatetags.portal import zone_word
from merchants.timezones import check_zone


class Tone(models.TextChoices):
    """How a word is coloured."""

    GOOD = "good", "good"
    WAIT = "wait", "wait"
    BAD = "bad", "bad"
    NONE = "none", "none"


@dataclass(frozen=True, slots=True)
class Health:
    """How an integration or a pipe does: one word, its colour, and a sentence where there is more to say."""

    word: str
    tone: Tone
    sentence: str = ""
    is_paused: bool = False


class IntegrationQuerySet(models.QuerySet["Integration"]):
    def with_states(self) -> IntegrationQuerySet:
        return self.select_related("warehouse", "merchant").prefetch_related("states")

    def usual_warehouse(self, merchant: Merchant) -> Warehouse | None:
        """Where the merchant's shops send from; else the first house that is for more than testing; else any."""
        first = self.filter(merchant=merchant).select_related("warehouse").order_by("pk").first()
        houses = merchant.warehouses.order_by("is_public_testing", "code")
        return first.warehouse if first else houses.first()

    def telling(self, shop: Any, warehouse: Any, merchant: int) -> IntegrationQuerySet:
        """Those that tell this shop of the stock in this warehouse, as this merchant must count with them.

        Another merchant's counts from the first answer on that its own key got: an address anybody can type.
        """
        answered = models.Exists(SyncState.objects.filter(integration=models.OuterRef("pk"), answered_at__isnull=False))
        return self.filter(Q(merchant=merchant) | answered, shop=shop, warehouse=warehouse, sends_stock=True)


def host(base_url: str) -> str:
    """The shop of an address, as `Integration.save` keeps it."""
    return urlsplit(base_url).netloc.rpartition("@")[2].lower()


def platform_choices() -> list[tuple[str, str]]:
    return [(key, platform.label) for key, platform in PLATFORMS.items()]


class Integration(models.Model):
    """One merchant's stored connection to one shop. Several may point at the same shop."""

    class Identify(models.TextChoices):
        SKU = "sku", _("joined SKU (product + variant + size)")
        EAN = "ean", _("EAN")

    class Reads(models.TextChoices):
        ORDERS = "orders", _("orders")
        SHIPMENTS = "shipments", _("good-to-go shipments")

    class Captures(models.TextChoices):
        HAND_OVER = "hand-over", _("at hand-over, before anything is picked")
        SENT = "sent", _("when it is sent")
        NEVER = "never", _("never: the shop does it, and we wait until it is paid")

    class StockAs(models.TextChoices):
        PHYSICAL = "physical", _("physical: pieces on the shelf")
        AVAILABLE = "available", _("available: free to allocate")

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="integrations")
    platform = models.CharField(_("platform"), max_length=20, choices=platform_choices)
    name = models.CharField(_("name"), max_length=80)
    base_url = models.CharField(_("Store Hash"), max_length=300)
    shop = models.CharField(_("shop"), max_length=255, editable=False, db_index=True)
    secret = SecretField(_("API token"))
    secret_print = models.CharField(_("fingerprint of the API token"), max_length=8, editable=False)
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="integrations")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Stockholm", validators=[check_zone])
    channel = models.ForeignKey(
        Channel,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="integrations",
        verbose_name=_("channel"),
    )
    identifies_by = models.CharField(
        _("identify products by"), max_length=3, choices=Identify.choices, default=Identify.SKU
    )
    creates_products = models.BooleanField(_("create new products automatically"), default=False)
    takes_orders_since = models.DateTimeField(_("take orders placed since"), default=timezone.now)
    takes_pending = models.BooleanField(_("take orders that are not confirmed yet"), default=False)
    reads = models.CharField(_("read"), max_length=10, choices=Reads.choices, default=Reads.ORDERS)
    # Names of the shop's warehouses: those met in orders, of them those that are ours once somebody has chosen, and
    # those that were met after that choice.
    warehouses_met = models.JSONField(_("warehouses met in orders"), default=list, blank=True)
    warehouses_ours = models.JSONField(_("Centra warehouses that are ours"), default=list, blank=True)
    warehouses_undecided = models.JSONField(_("warehouses met since that choice"), default=list, blank=True)
    captures = models.CharField(
        _("capture payment"), max_length=10, choices=Captures.choices, default=Captures.HAND_OVER
    )
    is_paid_elsewhere = models.BooleanField(_("payment is taken outside Centra"), default=False)
    cancels_with_shop = models.BooleanField(_("cancel here what the shop cancels before hand-over"), default=True)
    sends_tracking = models.BooleanField(_("send tracking"), default=True)
    sends_stock = models.BooleanField(_("send stock"), default=False)
    stock_as = models.CharField(_("stock as"), max_length=10, choices=StockAs.choices, default=StockAs.PHYSICAL)
    safety_buffer = models.PositiveIntegerField(_("safety buffer"), default=0)
    look_back_days = models.PositiveSmallIntegerField(_("look-back days"), default=30)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = IntegrationQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("integration")
        verbose_name_plural = _("integrations")
        constraints = [models.UniqueConstraint("merchant", Lower("name"), name="integration_name_once")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.shop = host(self.base_url)
        if self.secret.is_new:
            self.secret_print = fingerprint(self.secret.reveal())
        is_new = self.pk is None
        super().save(*args, **kwargs)
        if is_new:
            SyncState.objects.bulk_create([SyncState(integration=self, pipe=key) for key in PIPES])

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:
        """Says on the name what the constraint would refuse, whichever form asks: no form offers the merchant."""
        super().validate_unique(exclude)
        if "name" not in (exclude or ()) and self._is_name_taken():
            raise ValidationError({"name": gettext("You have an integration of this name already. Choose another.")})

    def _is_name_taken(self) -> bool:
        names = Integration.objects.filter(merchant=self.merchant_id).exclude(pk=self.pk).values_list("name", flat=True)
        return self.name.casefold() in {name.casefold() for name in names}

    @property
    def label(self) -> str:
        """Name and platform, as in “Nordlys (Centra)”."""
        return f"{self.name} ({PLATFORMS[self.platform].label})"

    @property
    def platform_label(self) -> str:
        return PLATFORMS[self.platform].label

    def connect(self, before_call: Callable[[], None] | None = None) -> Connector:
        """Talk to the shop; `before_call` is asked before every network call and may raise.

        Raises `BadCredentials` where the stored token cannot be opened any more.
        """
        if not self.secret:
            raise BadCredentials(gettext("The Store Hash names another host now. Enter the API token again."))
        try:
            credentials = Credentials(self.base_url, self.secret.reveal(), self.time_zone)
        except Undecipherable:
            raise BadCredentials(gettext("The stored API token cannot be read any more. Enter it again.")) from None
        return connect(self.platform, credentials, before_call=before_call)

    def state(self, key: str) -> SyncState:
        """The row of one pipe; made when it is not there yet, and then due at once."""
        return SyncState.objects.get_or_create(integration=self, pipe=key)[0]

    def ordered_states(self) -> list[SyncState]:
        """The states of all registered pipes, in the order of their registration; uses what was prefetched."""
        found = {state.pipe: state for state in self.states.all()}
        return [found.get(key) or self.state(key) for key in PIPES]

    def health(self) -> Health:
        """The gravest of what its pipes say. Comes from calls actually seen."""
        gravity = [Tone.NONE, Tone.GOOD, Tone.WAIT, Tone.BAD]
        healths = [state.health() for state in self.ordered_states()]
        return max(healths, key=lambda health: gravity.index(health.tone))

    def resume_after_change(self, *, other_shop: bool) -> None:
        """The form was saved: whatever waited or was stopped is tried again at once; another shop is read from scratch.

        A run under way loses its lease, for it uses what was stored before; its work is taken up again.
        """
        place = {"other_shop": True}
        other: dict[str, Any] = {"synced_through": None, "place": place, "completed_at": None, "answered_at": None}
        fresh = other if other_shop else {}
        self.states.update(
            attention="",
            last_error="",
            failed_attempts=0,
            failing_since=None,
            next_run_at=timezone.now(),
            rung_at=None,
            lease="",
            leased_until=None,
            **fresh,
        )


class SyncStateQuerySet(models.QuerySet["SyncState"]):
    def due(self, now: datetime) -> SyncStateQuerySet:
        """May run now: due, not paused, nobody at it."""
        free = Q(leased_until__isnull=True) | Q(leased_until__lt=now)
        return self.filter(free, next_run_at__lte=now, is_paused=False)

    def unrung(self, now: datetime) -> SyncStateQuerySet:
        """Whose doorbell was not pressed lately; a long backlog gets no second message per row at every tick."""
        return self.filter(Q(rung_at__isnull=True) | Q(rung_at__lt=now - timedelta(seconds=30)))

    def of_shop(self, shop: str) -> SyncStateQuerySet:
        return self.filter(integration__shop=shop)

    def add_missing(self) -> None:
        """Every integration has one state per registered pipe; new ones are due at once."""
        for key in PIPES:
            lacking = Integration.objects.exclude(states__pipe=key).values_list("pk", flat=True)
            rows = [SyncState(integration_id=pk, pipe=key) for pk in lacking.iterator()]
            SyncState.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)


class SyncState(models.Model):
    """One pipe of one integration: when it is due, who is at it, how it went last."""

    class Attention(models.TextChoices):
        BAD_KEY = "bad key", _("the key was refused")
        WRONG_ADDRESS = "wrong address", _("the address is wrong")
        NOT_ALLOWED = "not allowed", _("the key may not do this")

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="states")
    pipe = models.CharField(_("pipe"), max_length=20)
    next_run_at = models.DateTimeField(_("next run"), default=timezone.now)
    is_paused = models.BooleanField(_("paused"), default=False)
    asked_at = models.DateTimeField(_("asked for"), null=True, blank=True)
    asked_by = models.CharField(_("asked for by"), max_length=120, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    lease = models.CharField(max_length=32, blank=True)
    place = models.JSONField(_("place"), default=dict, blank=True)
    synced_through = models.DateTimeField(_("synced through"), null=True, blank=True)
    completed_at = models.DateTimeField(_("last complete look"), null=True, blank=True)
    succeeded_runs = models.PositiveBigIntegerField(_("runs that succeeded"), default=0)  # ever; for the metrics
    failed_runs = models.PositiveBigIntegerField(_("runs that failed"), default=0)
    failed_attempts = models.PositiveIntegerField(_("failed attempts"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    attention = models.CharField(_("needs a person"), max_length=20, blank=True, choices=Attention.choices)
    last_error = models.TextField(_("last error"), blank=True)
    last_succeeded_at = models.DateTimeField(_("last success"), null=True, blank=True)
    answered_at = models.DateTimeField(_("last answer of the shop"), null=True, blank=True)  # some runs ask nothing
    remembers = models.JSONField(_("remembers"), default=dict, blank=True)  # what the pipe needs from run to run

    objects = SyncStateQuerySet.as_manager()

    class Meta:
        verbose_name = _("pipe of an integration")
        verbose_name_plural = _("pipes of integrations")
        constraints = [models.UniqueConstraint(fields=["integration", "pipe"], name="sync_state_once")]
        indexes = [models.Index(fields=["next_run_at"], name="sync_state_due")]

    def __str__(self) -> str:
        return f"{self.integration} · {self.label}"

    @property
    def definition(self) -> Pipe:
        return PIPES[self.pipe]

    @property
    def label(self) -> str:
        return pipes.label(self.pipe)

    @property
    def is_running(self) -> bool:
        return self.leased_until is not None and self.leased_until > timezone.now()

    @property
    def is_under_way(self) -> bool:
        """Running, or between two turns of the same piece of work, or asked for and about to begin."""
        asked = self.asked_at is not None and not self.is_paused
        is_stopped = self.is_paused or self.failed_attempts or self.attention
        return self.is_running or asked or (bool(self.place) and not is_stopped)

    @property
    def is_switched_off(self) -> bool:
        """Nothing flows, for a setting of the integration says so."""
        switch = PIPES[self.pipe].switch if self.pipe in PIPES else ""
        return bool(switch) and not getattr(self.integration, switch)

    def health(self) -> Health:
        if self.is_paused:
            return Health(gettext("paused"), Tone.WAIT, is_paused=True)
        if why := remembered().why_waits(self.pipe):
            return Health(gettext("waiting"), Tone.WAIT, why)
        if self.attention:
            return Health(gettext("stopped"), Tone.BAD, self._why())
        if self.failed_attempts:
            return Health(gettext("waiting"), Tone.WAIT, self._why())
        if self.is_switched_off:
            return Health(gettext("switched off"), Tone.NONE)
        if self.last_succeeded_at is None:
            return Health(gettext("starting"), Tone.NONE)
        if doubt := self.remembers.get("time_zone"):
            return Health(gettext("check the time zone"), Tone.WAIT, doubt)
        return Health(gettext("working"), Tone.GOOD)

    def _why(self) -> str:
        """The last error, and since when it is so."""
        if self.failing_since is None:
            return self.last_error
        since = timezone.localtime(self.failing_since)
        is_today = since.date() == timezone.localdate()
        time = date_format(since, "H:i" if is_today else "j M H:i")
        words = {"error": self.last_error, "time": f"{time} {zone_word(since)}"}
        return gettext("%(error)s Since %(time)s.") % words

    def ask(self, now: datetime, asked_by: str) -> None:
        """A person wants it now. Asked twice before it begins, it is asked once."""
        type(self).objects.filter(pk=self.pk).update(asked_at=now, asked_by=asked_by, next_run_at=now, rung_at=now)
        self.refresh_from_db()

    def pause(self) -> None:
        """Nothing more goes through this pipe until it is resumed; a run under way stops after its page."""
        type(self).objects.filter(pk=self.pk).update(is_paused=True)

    def resume(self) -> None:
        type(self).objects.filter(pk=self.pk).update(is_paused=False, next_run_at=timezone.now(), rung_at=None)


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
    def latest_first(self) -> SyncRunQuerySet:
        return self.order_by("-started_at", "-pk")

    def forget_old(self, now: datetime) -> int:
        """Delete what ended more than `KEEP_RUNS_DAYS` ago; returns how many. Each integration's latest run stays."""
        rows = self.filter(ended_at__lt=now - timedelta(days=settings.KEEP_RUNS_DAYS))
        newer = SyncRun.objects.filter(integration=models.OuterRef("integration"), pk__gt=models.OuterRef("pk"))
        pks = list(rows.filter(models.Exists(newer)).order_by("pk").values_list("pk", flat=True)[:50_000])
        return sum(self.filter(pk__in=pks[at : at + 1000]).delete()[0] for at in range(0, len(pks), 1000))


class SyncRun(models.Model):
    """One piece of work on one pipe, as a person reads it: a refresh that took several turns is one row."""

    class Outcome(models.TextChoices):
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="runs")
    pipe = models.CharField(_("pipe"), max_length=20)
    kind = models.CharField(_("kind"), max_length=40, blank=True)
    asked_by = models.CharField(_("asked for by"), max_length=120, blank=True)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    turns = models.PositiveIntegerField(_("turns"), default=1)
    interruptions = models.PositiveIntegerField(_("interruptions"), default=0)
    is_quiet = models.BooleanField(_("nothing new"), default=False)
    repeats = models.PositiveIntegerField(_("quiet repeats"), default=0)  # later runs of the same kind with nothing new
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices, default=Outcome.RUNNING)
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    notes = models.JSONField(_("what it could not do"), default=list, blank=True)
    error = models.TextField(_("error"), blank=True)

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("activity")
        indexes = [
            models.Index(fields=["integration", "-started_at"], name="sync_run_recent"),
            models.Index(fields=["ended_at"], name="sync_run_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def label(self) -> str:
        return pipes.label(self.pipe)

    @property
    def tone(self) -> Tone:
        tones = {self.Outcome.SUCCEEDED: Tone.GOOD, self.Outcome.FAILED: Tone.BAD, self.Outcome.RUNNING: Tone.WAIT}
        return tones[self.Outcome(self.outcome)]

    @property
    def counted(self) -> str:
        """What was counted, in a sentence that adds up."""
        return activity.sentence(self.counts)

    @property
    def times(self) -> int:
        """How many runs this row counts: quiet ones of a kind are one row."""
        return self.repeats + 1

    @property
    def duration(self) -> timedelta | None:
        return self.ended_at - self.started_at if self.ended_at else None
