"""One Centra installation: its stores, markets and switches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import models, transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sandbox.switches import BY_NAME, Value

if TYPE_CHECKING:
    from sandbox.models.fault import Fault
    from sandbox.models.line import Wanted
    from sandbox.models.order import Order
    from sandbox.models.plugin import PluginMethod
    from sandbox.models.product import Size

COUNTRIES = ["SE", "NO", "DK", "FI", "DE", "NL", "EE", "GB", "US"]


class Counter(models.Model):
    """A sequence of numbers for the whole sandbox: all its shops stand on one host, so no number may come twice."""

    name = models.CharField(max_length=30, unique=True)
    value = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"

    @classmethod
    @transaction.atomic
    def draw(cls, name: str, start: int) -> int:
        """The next number; the row stays locked until the transaction ends, so that none is drawn twice."""
        if not cls.objects.filter(name=name).update(value=F("value") + 1):
            cls.objects.get_or_create(name=name, defaults={"value": start})
            cls.objects.filter(name=name).update(value=F("value") + 1)
        value: int = cls.objects.values_list("value", flat=True).get(name=name)
        return value


class Shop(models.Model):
    """One installation. `time_zone` is the zone of its naive times; `switches` holds what differs from 16.4."""

    slug = models.SlugField(_("Address"), max_length=50, unique=True)
    name = models.CharField(_("Name"), max_length=100)
    time_zone = models.CharField(_("Time zone"), max_length=64, default="Europe/Stockholm")
    currency = models.CharField(_("Currency"), max_length=3, default="SEK")
    warehouse = models.CharField(_("Primary warehouse"), max_length=100, default="Main")
    switches = models.JSONField(_("Switches"), default=dict, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("sandbox:products", args=[self.slug])

    @classmethod
    @transaction.atomic
    def open(cls, slug: str, name: str = "", **fields: Any) -> Shop:
        """A new installation as Centra delivers it: a store for consumers with one market, and one for companies."""
        shop = cls.objects.create(slug=slug, name=name or slug.replace("-", " ").title(), **fields)
        retail = shop.stores.create(name="Retail", kind="retail")
        wholesale = shop.stores.create(name="Wholesale", kind="wholesale")
        shop.markets.create(store=retail, name="Nordic", countries=COUNTRIES[:4])
        shop.markets.create(store=retail, name="World", countries=[])
        shop.markets.create(store=wholesale, name="Companies", countries=[])
        return shop

    def switch(self, name: str) -> Value:
        """How this shop answers one open question; `KeyError` where nobody asked it."""
        value: Value = self.switches.get(name, BY_NAME[name].default)
        return value

    def set_switch(self, name: str, value: Value) -> None:
        """Turn one switch; `ValueError` for an answer that the switch does not know."""
        if not BY_NAME[name].accepts(value):
            raise ValueError(f"{value!r} is no choice of the switch {name}.")
        self.switches[name] = value
        self.save(update_fields=["switches"])

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def write_time(self, moment: datetime | None) -> str:
        """A moment as this shop writes it: naive, in its own zone; the zero date where there is none."""
        if moment is None:
            return "0000-00-00 00:00:00"
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S")

    def read_time(self, text: str, fold: int = 0) -> datetime | None:
        """A naive time of this shop as an aware one in UTC; None where it is none. `fold` picks of a repeated hour."""
        try:
            naive = datetime.fromisoformat(text.strip().replace("+", " "))
            return naive.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    @property
    def retail(self) -> Store:
        """The store for consumers, which every shop has first."""
        store = self.stores.order_by("pk").first()
        assert store is not None
        return store

    def market_for(self, country: str, store: Store) -> Market:
        """The store's market that names the country, else its last one, which takes the rest of the world."""
        markets = list(store.markets.order_by("pk"))
        return next((market for market in markets if country in market.countries), markets[-1])

    def add_plugin(self, uri: str = "order-api", secret: str = "", **fields: Any) -> PluginMethod:
        """A plugin method in the consumers' store that may do everything, named after its URI."""
        fields.setdefault("store", self.retail)
        fields.setdefault("name", uri)
        return self.plugins.create(uri=uri, secret=secret or self.plugins.model.new_secret(), **fields)

    def add_size(
        self,
        product_sku: str,
        variant_sku: str = "",
        size_sku: str = "",
        *,
        name: str = "Harbour sweater",
        variant: str = "Navy",
        size: str = "One Size",
        stock: int = 0,
        **fields: Any,
    ) -> Size:
        """One physical item, below the product and variant with these SKU parts and names if there are such already."""
        product, _new = self.products.get_or_create(sku=product_sku, name=name)
        branch, _new = product.variants.get_or_create(sku=variant_sku, name=variant)
        return branch.sizes.create(shop=self, sku=size_sku, name=size, physical=stock, **fields)

    def place_order(
        self, wanted: Mapping[Size, int] | Sequence[Wanted], *, country: str = "SE", **fields: Any
    ) -> Order:
        """An order for sizes and pieces; see `Order.place`."""
        from sandbox.models.line import Wanted
        from sandbox.models.order import Order

        lines = [Wanted(size, pieces) for size, pieces in wanted.items()] if isinstance(wanted, Mapping) else wanted
        return Order.place(self, lines, country=country, **fields)

    def break_endpoint(self, endpoint: str, kind: str, *, times: int | None = 1, skip: int = 0, **params: Any) -> Fault:
        """Pull a lever: the next `times` requests (None: until taken away) go wrong after `skip` good ones.

        `endpoint` is a name of `sandbox.endpoints` such as "GET products", or "" for any; `kind` is a `Fault.Kind`.
        """
        return self.faults.create(endpoint=endpoint, kind=kind, times=times, skip=skip, params=params)


class Store(models.Model):
    """A store of a shop, with the store settings that change what the Order API shows."""

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="stores")
    name = models.CharField(_("Name"), max_length=100)
    kind = models.SlugField(_("Kind"), max_length=30, default="retail")
    autoconfirms = models.BooleanField(_("Autoconfirm orders"), default=False)
    ships_directly = models.BooleanField(_("Direct to shipment"), default=False)
    captures_directly = models.BooleanField(_("Direct capture"), default=False)
    sends_confirmation = models.BooleanField(_("Send shipping confirmation"), default=True)
    restocks_returns = models.BooleanField(_("Put returned pieces back into stock"), default=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["shop", "name"], name="sandbox_store_name_once")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("sandbox:store", args=[self.shop.slug, self.pk])


class Market(models.Model):
    """A market of a store; `countries` are ISO 3166 alpha-2, an empty list takes the rest of the world."""

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="markets")
    store = models.ForeignKey(Store, models.CASCADE, related_name="markets")
    name = models.CharField(_("Name"), max_length=100)
    countries = models.JSONField(_("Countries"), default=list, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name
