"""How parcels travel: carriers, the methods of each warehouse, what a merchant may use, what a shop means by its words.

order of a shop ──"standard", SE──▶ resolve() ──▶ ShippingMethod of the warehouse
                                     ShopMethod   every word met, with first and last time and how often
                                     MethodLink   word (or wildcard) and countries → a merchant's active method
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.models import Integration, Tone
from merchants.models import Merchant, User, Warehouse

WEB = ("https://", "http://")
FOLDED_LENGTH = 600  # characters; folding makes up to three of one


class Carrier(models.Model):
    """Who carries parcels, as in PostNord."""

    name = models.CharField(_("name"), max_length=80, unique=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("carrier")
        verbose_name_plural = _("carriers")

    def __str__(self) -> str:
        return self.name


class ShippingMethodQuerySet(models.QuerySet["ShippingMethod"]):
    def of_warehouse(self, warehouse: Warehouse) -> ShippingMethodQuerySet:
        """What this warehouse offers, by carrier and service."""
        found = self.filter(warehouse=warehouse).select_related("carrier", "warehouse")
        return found.order_by("carrier__name", "service", "pk")

    def worked_by(self, user: User) -> ShippingMethodQuerySet:
        return self.filter(warehouse__in=Warehouse.objects.worked_by(user))


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

    objects = ShippingMethodQuerySet.as_manager()

    class Meta:
        ordering = ["warehouse", "carrier", "service"]
        verbose_name = _("shipping method")
        verbose_name_plural = _("shipping methods")
        constraints = [models.UniqueConstraint(fields=["warehouse", "carrier", "service"], name="shipping_method_once")]

    def __str__(self) -> str:
        return f"{self.carrier} {self.service} ({self.warehouse.code})"

    @property
    def label(self) -> str:
        """Carrier and service, as in “PostNord MyPack Collect”."""
        return f"{self.carrier.name} {self.service}"

    def tracking_address(self, code: str) -> str:
        """Where a parcel can be followed; `""` where nobody knows. Whatever signs the code has, they stay its own."""
        is_known = bool(code) and self.tracking_url.startswith(WEB)
        return self.tracking_url.replace("{code}", quote(code, safe="")) if is_known else ""

    def clean(self) -> None:
        """The address becomes a link on merchants' pages, so it is one of the web and of nothing else."""
        if self.tracking_url and not self.tracking_url.startswith(WEB):
            raise ValidationError(
                {
                    "tracking_url": _("The address must begin with https://, such as %(example)s.")
                    % {"example": "https://track.example.com/?id={code}"}
                }
            )


class MerchantMethodQuerySet(models.QuerySet["MerchantMethod"]):
    def active(self) -> MerchantMethodQuerySet:
        return self.filter(state=MerchantMethod.State.ACTIVE)

    def with_methods(self) -> MerchantMethodQuerySet:
        return self.select_related("method__carrier", "method__warehouse")

    def in_order(self) -> MerchantMethodQuerySet:
        """By warehouse, carrier and service, as a person looks for them."""
        return self.order_by("method__warehouse__code", "method__carrier__name", "method__service", "pk")

    def waiting_first(self) -> MerchantMethodQuerySet:
        """Requests without an answer before all else, the oldest first; the rest by its latest answer."""
        waits = When(state=MerchantMethod.State.REQUESTED, then=Value(0))
        return self.order_by(Case(waits, default=Value(1)), "requested_at", "pk")

    def worked_by(self, user: User) -> MerchantMethodQuerySet:
        return self.filter(method__warehouse__in=Warehouse.objects.worked_by(user))

    def usable_with(self, integration: Integration) -> MerchantMethodQuerySet:
        """What the words of this shop may mean: the merchant's active methods of the integration's warehouse."""
        return self.active().filter(merchant=integration.merchant_id, method__warehouse=integration.warehouse_id)

    def owed(self, now: datetime) -> MerchantMethodQuerySet:
        """Answered, the merchant not told yet, and nobody at it."""
        free = Q(tell_after__isnull=True) | Q(tell_after__lte=now)
        return self.filter(free, answered_at__isnull=False, told_at__isnull=True)

    def request(self, merchant: Merchant, methods: list[ShippingMethod], who: str) -> list[MerchantMethod]:
        """Ask for these; what needs no activation is active at once. Asked again, nothing happens twice.

        Returns the rows that were new, or that had been declined and are asked for anew: these the warehouse answers,
        for it has said no to this merchant once.
        """
        now, news = timezone.now(), []
        for method in methods:
            fields = MerchantMethod.as_asked(who, now, is_active=not method.needs_activation)
            row, is_made = self.get_or_create(merchant=merchant, method=method, defaults=fields)
            declined = self.filter(pk=row.pk, state=MerchantMethod.State.DECLINED)
            if is_made or declined.update(**MerchantMethod.as_asked(who, now, is_active=False)):
                news.append(self.get(pk=row.pk))
        return news

    def answer(self, state: MerchantMethod.State, text: str) -> int:
        """The warehouse's answer; returns how many it changes. What stands so already stays and is not told again."""
        others = self.exclude(state=state)
        return others.update(state=state, answer=text, answered_at=timezone.now(), told_at=None, tell_after=None)


class MerchantMethod(models.Model):
    """A method that a merchant asked for or may use."""

    class State(models.TextChoices):
        REQUESTED = "requested", _("activation requested")
        ACTIVE = "active", _("active")
        DECLINED = "declined", _("declined")

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="shipping_methods")
    method = models.ForeignKey(ShippingMethod, on_delete=models.PROTECT, related_name="merchant_methods")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.REQUESTED)
    requested_at = models.DateTimeField(_("requested"), default=timezone.now)
    requested_by = models.CharField(_("requested by"), max_length=120, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answer = models.CharField(_("what the warehouse says"), max_length=300, blank=True)
    # Owed from the answer on until set: the merchant has been told of it.
    told_at = models.DateTimeField(_("merchant told"), null=True, blank=True)
    tell_after = models.DateTimeField(null=True, blank=True)  # somebody is at it; after that anybody may try again

    objects = MerchantMethodQuerySet.as_manager()

    class Meta:
        ordering = ["method__warehouse", "method__carrier", "method__service"]
        verbose_name = _("merchant's shipping method")
        verbose_name_plural = _("merchants' shipping methods")
        constraints = [models.UniqueConstraint(fields=["merchant", "method"], name="merchant_method_once")]
        indexes = [
            models.Index(
                fields=["answered_at"],
                name="merchant_method_untold",
                condition=Q(answered_at__isnull=False, told_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} · {self.merchant}"

    @staticmethod
    def as_asked(who: str, now: datetime, *, is_active: bool) -> dict[str, object]:
        """What a request writes. What is active at once needs no answer, so none is owed."""
        at_once = now if is_active else None
        state = MerchantMethod.State.ACTIVE if is_active else MerchantMethod.State.REQUESTED
        return {
            "state": state,
            "requested_at": now,
            "requested_by": who[:120],
            "answered_at": at_once,
            "answer": "",
            "told_at": at_once,
            "tell_after": None,
        }

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE

    @property
    def tone(self) -> Tone:
        tones = {self.State.ACTIVE: Tone.GOOD, self.State.REQUESTED: Tone.WAIT, self.State.DECLINED: Tone.BAD}
        return tones[self.State(self.state)]


class ShopMethod(models.Model):
    """A word by which a shop calls a way of shipping, met in its orders."""

    class Kind(models.TextChoices):
        SHOP = "shop", _("shipping method")
        INGRID = "ingrid", _("Ingrid's delivery method")

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="shop_methods")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.SHOP)
    value = models.CharField(_("the shop says"), max_length=200)
    value_folded = models.CharField(max_length=FOLDED_LENGTH, editable=False)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    count = models.PositiveIntegerField(_("orders"), default=0)

    class Meta:
        ordering = ["-last_seen_at"]
        verbose_name = _("shop's method")
        verbose_name_plural = _("shops' methods")
        constraints = [models.UniqueConstraint(fields=["integration", "kind", "value_folded"], name="shop_method_once")]

    def __str__(self) -> str:
        return self.value

    def save(self, *args: object, **kwargs: object) -> None:
        self.value_folded = fold(self.value)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


class MethodLink(models.Model):
    """What a shop's word means: an active method of the merchant, everywhere or in some countries only.

    `value` is the word, its case and outer blanks ignored; `*` in it stands for any text. `countries` is a list of
    ISO 3166 alpha-2 codes, empty for all. `method` belongs to the integration's warehouse.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="method_links")
    value = models.CharField(_("the shop says"), max_length=200)
    value_folded = models.CharField(max_length=FOLDED_LENGTH, editable=False)
    countries = models.JSONField(_("countries"), default=list, blank=True)
    method = models.ForeignKey(MerchantMethod, on_delete=models.CASCADE, related_name="links")
    linked_by = models.CharField(_("linked by"), max_length=120, blank=True)
    linked_at = models.DateTimeField(_("linked"), default=timezone.now)

    class Meta:
        ordering = ["value_folded", "pk"]
        verbose_name = _("link of a shipping method")
        verbose_name_plural = _("links of shipping methods")

    def __str__(self) -> str:
        return f"{self.value} → {self.method.method.label}"

    def save(self, *args: object, **kwargs: object) -> None:
        self.value_folded = fold(self.value)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @property
    def is_wildcard(self) -> bool:
        return "*" in self.value


def fold(value: str) -> str:
    """How words are compared: without outer blanks, whatever the case."""
    return value.strip().casefold()
