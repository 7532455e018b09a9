"""A plugin method: one Order API, with its address, its key and what it shows."""

from __future__ import annotations

import secrets

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sandbox.endpoints import every_endpoint
from sandbox.models.shop import Market, Shop, Store


class Direction(models.TextChoices):
    NEWEST = "newest", _("Newest")
    OLDEST = "oldest", _("Oldest")


class StockMode(models.TextChoices):
    PHYSICAL = "physical", _("Physical stock")
    AVAILABLE = "available", _("Free to allocate (FTA)")


class BundleLayout(models.TextChoices):
    PARTS = "parts", _("Only containing items")
    NESTED = "nested", _("Containing items in bundles")
    BUNDLES = "bundles", _("Only bundles")
    BOTH = "both", _("Bundles and containing items")


def usual_statuses() -> list[int]:
    """Pending, Confirmed, Processing and Completed, as the portal's guide asks for."""
    return [1, 2, 3, 4]


class PluginMethod(models.Model):
    """One Order API of a store. `order_statuses` holds the numbers 1 to 6; `endpoints` the names it may use."""

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="plugins")
    store = models.ForeignKey(Store, models.CASCADE, related_name="plugins")
    additional_stores = models.ManyToManyField(Store, verbose_name=_("Additional stores"), blank=True, related_name="+")
    markets = models.ManyToManyField(Market, verbose_name=_("Markets"), blank=True, related_name="+")
    is_active = models.BooleanField(_("Status"), default=True)
    name = models.CharField(_("Name"), max_length=100)
    uri = models.CharField(
        _("URI"),
        max_length=60,
        default="order-api",
        validators=[
            RegexValidator(r"^(?!\d+$)[A-Za-z0-9_-]+\Z", _("Use letters, digits, “-” and “_”, and not digits alone."))
        ],
    )
    secret = models.CharField(_("Secret API key"), max_length=200)
    order_statuses = models.JSONField(_("Get Orders with Status"), default=usual_statuses, blank=True)
    direction = models.CharField(
        _("Get orders starting with"), max_length=10, choices=Direction.choices, default=Direction.NEWEST
    )
    shows_waiting = models.BooleanField(_("Return “waiting for payment” orders"), default=False)
    shows_held = models.BooleanField(_("Return “on hold” orders"), default=False)
    order_bundles = models.CharField(
        _("Bundles in orders"), max_length=10, choices=BundleLayout.choices, default=BundleLayout.NESTED
    )
    shipment_bundles = models.CharField(
        _("Bundles in shipments"), max_length=10, choices=BundleLayout.choices, default=BundleLayout.PARTS
    )
    stock_mode = models.CharField(
        _("Stock update mode"), max_length=10, choices=StockMode.choices, default=StockMode.PHYSICAL
    )
    creates_orders = models.BooleanField(_("Allow creating new orders"), default=True)
    endpoints = models.JSONField(_("Allow access to the following endpoints"), default=every_endpoint, blank=True)
    shows_cost = models.BooleanField(_("Get products returns cost price"), default=False)
    logs_calls = models.BooleanField(_("Debug logging"), default=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "uri"],
                name="sandbox_plugin_uri_once",
                violation_error_message=_("Another plugin of this shop has this URI. Choose another one."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def new_secret() -> str:
        return secrets.token_urlsafe(30)

    @property
    def base_path(self) -> str:
        """The path of the Base URL, without a slash at its end."""
        return reverse("sandbox:api_root", args=[self.shop.slug, self.uri])

    def base_url(self, origin: str) -> str:
        """The Base URL; `origin` is scheme and host, such as `live_server.url`."""
        return origin.rstrip("/") + self.base_path

    def opens_with(self, key: str) -> bool:
        """Whether this is the key, in a time that does not tell how much of it was right."""
        return bool(key) and secrets.compare_digest(self.secret.encode(), key.encode())

    def may_use(self, endpoint: str) -> bool:
        return endpoint in self.endpoints

    def forbid(self, *endpoints: str) -> None:
        """Take the permission for endpoints away."""
        self.endpoints = [name for name in self.endpoints if name not in endpoints]
        self.save(update_fields=["endpoints"])

    @property
    def in_markets(self) -> Q:
        """The filter for orders of this plugin's stores and, where some are ticked, markets."""
        stores = [self.store_id, *self.additional_stores.values_list("pk", flat=True)]
        markets = list(self.markets.values_list("pk", flat=True))
        return Q(store__in=stores) & Q(market__in=markets) if markets else Q(store__in=stores)

    @property
    def visible(self) -> Q:
        """The filter for orders whose market and flags this plugin shows, whatever their status."""
        shown = self.in_markets
        if not self.shows_held:
            shown &= Q(is_on_hold=False)
        if not self.shows_waiting:
            shown &= Q(waits_for_payment=False)
        return shown
