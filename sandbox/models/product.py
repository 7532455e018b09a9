"""Products, their variants and sizes: only the size is a physical item and has stock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sandbox.models.plugin import StockMode
from sandbox.models.shop import Shop
from sandbox.refused import Refused


class Product(models.Model):
    """What the shop writes about an item, whatever its colour and size. `weight` is in `weight_unit` per piece."""

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="products")
    sku = models.CharField(_("Product SKU"), max_length=100, blank=True)
    name = models.CharField(_("Name"), max_length=200)
    internal_name = models.CharField(_("Internal name"), max_length=200, blank=True)
    brand = models.CharField(_("Brand"), max_length=100, blank=True)
    collection = models.CharField(_("Collection"), max_length=100, blank=True)
    folder = models.CharField(_("Folder"), max_length=200, blank=True)
    category = models.CharField(_("Category"), max_length=100, blank=True)
    description = models.TextField(_("Description"), blank=True)
    weight = models.DecimalField(_("Weight"), max_digits=8, decimal_places=3, default=0)
    weight_unit = models.CharField(_("Weight unit"), max_length=2, default="kg", choices=[("kg", "kg"), ("lb", "lb")])
    country = models.CharField(_("Country of origin"), max_length=2, blank=True)
    hs_code = models.CharField(_("HS code"), max_length=20, blank=True)
    hs_description = models.CharField(_("Customs description"), max_length=200, blank=True)
    is_bundle = models.BooleanField(_("Bundle"), default=False)
    # Which product of the catalogue this is, however it was renamed since; blank for one made by hand.
    origin = models.CharField(max_length=60, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    def change(self, **fields: Any) -> None:
        """Write fields, and say of every size below that it was modified."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))
        Size.objects.filter(variant__product=self).touch()


class Variant(models.Model):
    """A colour or version. `price` is with tax, in the shop's currency; `other_prices` maps currency to price."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="variants")
    sku = models.CharField(_("Variant SKU"), max_length=100, blank=True)
    name = models.CharField(_("Variant"), max_length=100, blank=True)
    price = models.DecimalField(_("Price"), max_digits=10, decimal_places=2, default=100)
    other_prices = models.JSONField(_("Prices in other currencies"), default=dict, blank=True)
    tint = models.CharField(_("Tint of the picture"), max_length=7, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class SizeQuerySet(models.QuerySet["Size"]):
    def touch(self) -> int:
        """Say that these were modified now."""
        return self.update(modified_at=timezone.now())

    def lock(self, pks: Iterable[int]) -> dict[int, Size]:
        """The rows, locked in the order of their keys, by key. Call within a transaction."""
        rows = self.select_for_update(of=("self",)).filter(pk__in=set(pks)).order_by("pk")
        return {size.pk: size for size in rows}

    def named(self, identifiers: Sequence[str]) -> Self:
        """Sizes whose EAN, UPC or joined SKU is one of these."""
        return self.filter(Q(ean__in=identifiers) | Q(upc__in=identifiers) | Q(full_sku__in=identifiers))


class Size(models.Model):
    """The physical item. `physical` and `allocated` are pieces in the shop's primary warehouse."""

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="sizes")
    variant = models.ForeignKey(Variant, models.CASCADE, related_name="sizes")
    sku = models.CharField(_("Size SKU"), max_length=100, blank=True)
    full_sku = models.CharField(max_length=300, editable=False, blank=True, db_index=True)
    name = models.CharField(_("Size"), max_length=50, blank=True)
    comment = models.CharField(_("Comment"), max_length=200, blank=True)
    ean = models.CharField(_("EAN"), max_length=20, blank=True, db_index=True)
    upc = models.CharField(_("UPC"), max_length=20, blank=True, db_index=True)
    cost = models.DecimalField(_("Cost price"), max_digits=10, decimal_places=2, default=0)
    cost_currency = models.CharField(max_length=3, blank=True)
    is_active = models.BooleanField(_("Active"), default=True)
    physical = models.PositiveIntegerField(_("Physical stock"), default=0)
    allocated = models.PositiveIntegerField(_("Allocated"), default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    modified_at = models.DateTimeField(default=timezone.now, editable=False)
    stock_modified_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SizeQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(physical__gte=models.F("allocated")), name="sandbox_size_allocated_is_on_the_shelf"
            )
        ]

    def __str__(self) -> str:
        return " · ".join(filter(None, (self.variant.product.name, self.variant.name, self.name)))

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.full_sku = self.variant.product.sku + self.variant.sku + self.sku
        if kwargs.get("update_fields"):
            kwargs["update_fields"] = {*kwargs["update_fields"], "full_sku"}
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("sandbox:size", args=[self.shop.slug, self.pk])

    @property
    def available(self) -> int:
        return self.physical - self.allocated

    @property
    def is_bundle(self) -> bool:
        return self.variant.product.is_bundle

    @transaction.atomic
    def change(self, **fields: Any) -> None:
        """Write fields of the size itself (not its stock): name, EAN, UPC, whether it is active …"""
        for name, value in fields.items():
            setattr(self, name, value)
        self.modified_at = timezone.now()
        self.save(update_fields=[*fields, "modified_at"])

    @transaction.atomic
    def change_sku(self, product: str | None = None, variant: str | None = None, size: str | None = None) -> None:
        """Change parts of the SKU. The first two are shared: all sizes below the product or variant change."""
        if size is not None:
            self.sku = size
        if variant is not None:
            self.variant.sku = variant
            self.variant.save(update_fields=["sku"])
        if product is not None:
            self.variant.product.sku = product
            self.variant.product.save(update_fields=["sku"])
        self.change(sku=self.sku)
        self._rejoin_kin(whole_product=product is not None)

    def _rejoin_kin(self, *, whole_product: bool) -> None:
        kin = Size.objects.select_related("variant__product").exclude(pk=self.pk)
        kin = kin.filter(variant__product=self.variant.product) if whole_product else kin.filter(variant=self.variant)
        for size in kin:
            size.change()

    @transaction.atomic
    def set_stock(self, pieces: int, mode: str = StockMode.PHYSICAL) -> int:
        """Write an absolute figure as a plugin in this mode would; the physical stock that it came to."""
        self._reload_locked()
        self.put_stock(pieces, mode)
        self._write_stock()
        return self.physical

    def put_stock(self, pieces: int, mode: str) -> None:
        """The arithmetic of `set_stock` on this (locked) row: physical never falls below what is allocated."""
        wanted = pieces + self.allocated if mode == StockMode.AVAILABLE else pieces
        clamped = max(wanted, self.allocated)
        if clamped != self.physical:
            self.physical = clamped
            self.stock_modified_at = timezone.now()

    def allocate(self, pieces: int) -> None:
        """Reserve pieces on this locked row; `Refused` where they are not there."""
        if pieces > self.available:
            raise Refused("stock missing", -2)
        self._move(allocated=pieces)

    def release(self, pieces: int) -> None:
        """Give reserved pieces free on this locked row."""
        self._move(allocated=-pieces)

    def send(self, pieces: int) -> None:
        """Allocated pieces leave the shelf, on this locked row."""
        self._move(physical=-pieces, allocated=-pieces)

    def put_back(self, pieces: int) -> None:
        """Returned pieces come back to the shelf, on this locked row."""
        self._move(physical=pieces)

    def _move(self, physical: int = 0, allocated: int = 0) -> None:
        if not physical and not allocated:
            return
        self.physical += physical
        self.allocated += allocated
        self.stock_modified_at = timezone.now()
        self._write_stock()

    def _write_stock(self) -> None:
        # Not save(): that joins the SKU again, and so reads variant and product.
        Size.objects.filter(pk=self.pk).update(
            physical=self.physical, allocated=self.allocated, stock_modified_at=self.stock_modified_at
        )

    def _reload_locked(self) -> None:
        fresh = Size.objects.lock([self.pk])[self.pk]
        self.physical, self.allocated = fresh.physical, fresh.allocated


class BundlePart(models.Model):
    """So many pieces of a part are in one bundle."""

    bundle = models.ForeignKey(Size, models.CASCADE, related_name="parts")
    part = models.ForeignKey(Size, models.CASCADE, related_name="+")
    pieces = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["bundle", "part"], name="sandbox_bundle_part_once")]

    def __str__(self) -> str:
        return f"{self.pieces} × {self.part}"
