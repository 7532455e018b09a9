"""Stock: what lies in each warehouse, what is promised of it, what is coming, and what each shop was told.

    on hand    pieces on the shelf; always the sum of the ledger's lines
    reserved   pieces that orders hold; always the sum of `held` of the reservations
    available  on hand − reserved; may be below zero, which is shown as pieces owed

Rows of stock are changed under lock only, taken in the order of their keys: `Stock.objects.lock(...)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.models import Integration
from merchants.models import Merchant, Warehouse
from products.batches import batched
from products.models.catalogue import Product, WebshopProduct

Key = tuple[int, int]  # product, warehouse


class NotEnough(Exception):
    """More pieces were to be taken than lie on the shelf. Nothing was changed."""

    def __init__(self, stock: Stock, pieces: int) -> None:
        super().__init__(
            _("%(sku)s: %(wanted)d pieces are wanted, %(there)d are on hand.")
            % {"sku": stock.product.sku, "wanted": pieces, "there": stock.on_hand}
        )
        self.stock, self.pieces = stock, pieces


class StockQuerySet(models.QuerySet["Stock"]):
    def lock(self, keys: Iterable[Key]) -> dict[Key, Stock]:
        """The rows of these products and warehouses, made where missing, locked in the order of their keys.

        Within a transaction. Keys are (product id, warehouse id).
        """
        wanted = set(keys)
        rows = self._of(wanted)
        # What is missing is made before anything is locked: a rival that makes the same rows is waited for, and whoever
        # waits for a rival's new row while holding an old one would sooner or later be waited for by that rival.
        missing = sorted(wanted - set(rows.values_list("product_id", "warehouse_id")))
        self.bulk_create(
            [Stock(product_id=product, warehouse_id=house) for product, house in missing], ignore_conflicts=True
        )
        locked = rows.select_related("product").select_for_update(of=("self",)).order_by("pk")
        return {(row.product_id, row.warehouse_id): row for row in locked}

    def _of(self, keys: set[Key]) -> StockQuerySet:
        by_warehouse: dict[int, list[int]] = {}
        for product, warehouse in keys:
            by_warehouse.setdefault(warehouse, []).append(product)
        any_of = Q(pk__in=[])
        for warehouse, products in by_warehouse.items():
            any_of |= Q(warehouse=warehouse, product__in=products)
        return self.filter(any_of)

    def with_coming(self) -> StockQuerySet:
        """Adds `coming`: announced pieces not yet received."""
        lines = StockUpdateLine.objects.filter(
            product=models.OuterRef("product"), update__warehouse=models.OuterRef("warehouse")
        ).outstanding()
        total = lines.order_by().values("product").annotate(pieces=Sum(F("expected") - F("received"))).values("pieces")
        return self.annotate(coming=Coalesce(models.Subquery(total), 0))


class Stock(models.Model):
    """Pieces of one product in one warehouse."""

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="stocks")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="stocks")
    on_hand = models.PositiveIntegerField(_("on hand"), default=0)
    reserved = models.PositiveIntegerField(_("reserved"), default=0)
    # Set by whatever changes on hand or reserved: promises must be looked at again. Read and cleared by the orders.
    is_unsettled = models.BooleanField(default=False)
    changed_at = models.DateTimeField(_("last change"), auto_now=True)

    objects = StockQuerySet.as_manager()

    class Meta:
        verbose_name = _("stock")
        verbose_name_plural = _("stock")
        constraints = [
            models.UniqueConstraint(fields=["product", "warehouse"], name="stock_once"),
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="on_hand_not_negative"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="reserved_not_negative"),
        ]
        indexes = [models.Index(fields=["id"], name="stock_unsettled", condition=Q(is_unsettled=True))]

    def __str__(self) -> str:
        return f"{self.product} · {self.warehouse.code}"

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    @property
    def owed(self) -> int:
        """Pieces promised beyond what is there."""
        return max(0, -self.available)

    def move(self, pieces: int, why: str, *, reason: str = "", document: str = "", who: str = "") -> Movement:
        """Add (or, below zero, take) pieces, with a line in the ledger. The row must be locked by the caller.

        Raises `NotEnough` where more is to be taken than is there.
        """
        if self.on_hand + pieces < 0:
            raise NotEnough(self, -pieces)
        self.on_hand += pieces
        self.is_unsettled = True
        self.save(update_fields=["on_hand", "is_unsettled", "changed_at"])
        return self.movements.create(
            pieces=pieces, why=why, reason=reason[:300], document=document[:120], who=who[:120], on_hand=self.on_hand
        )


class Movement(models.Model):
    """One line of the ledger: what, how many, why, who, which document. Never changed, never deleted."""

    class Why(models.TextChoices):
        RECEIVED = "received", _("received")
        COLLECTED = "collected", _("taken for an order")
        PUT_BACK = "put back", _("put back")
        ADJUSTED = "adjusted", _("adjusted")
        RETURNED = "returned", _("came back")

    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="movements")
    pieces = models.IntegerField(_("pieces"))
    on_hand = models.PositiveIntegerField(_("on hand afterwards"))
    why = models.CharField(_("why"), max_length=10, choices=Why.choices)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    document = models.CharField(_("document"), max_length=120, blank=True)
    who = models.CharField(_("who"), max_length=120, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("line of the stock ledger")
        verbose_name_plural = _("stock ledger")

    def __str__(self) -> str:
        return f"{self.pieces:+d} {self.get_why_display()}"


class Reservation(models.Model):
    """What one order holds of one stock, and what of it the shop counts as well.

    `held` pieces are reserved; `deducted` are taken from the shelf, but their shipment is not completed in the shop;
    `open_in_shop` is what the shop still has open (ordered − sent − cancelled, as last read). `reference` is the
    order's key, `label` its number. Written in the transaction that changes the order, under the stock's lock.
    """

    stock = models.ForeignKey(Stock, on_delete=models.PROTECT, related_name="reservations")
    integration = models.ForeignKey(
        Integration, on_delete=models.SET_NULL, null=True, blank=True, related_name="reservations"
    )
    shop = models.CharField(_("shop"), max_length=255, blank=True)
    reference = models.CharField(_("order"), max_length=40)
    label = models.CharField(_("order"), max_length=100)
    held = models.PositiveIntegerField(_("reserved"), default=0)
    deducted = models.PositiveIntegerField(_("taken, not completed in the shop"), default=0)
    open_in_shop = models.PositiveIntegerField(_("open in the shop"), default=0)
    promised_at = models.DateTimeField(_("in the queue since"), null=True, blank=True)
    is_covered = models.BooleanField(_("covered"), default=False)

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        constraints = [models.UniqueConstraint(fields=["stock", "reference"], name="reservation_once")]
        indexes = [
            models.Index(fields=["reference"], name="reservation_of_order"),
            models.Index(fields=["stock", "promised_at"], name="reservation_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.held + self.deducted}"

    @property
    def counted_twice(self) -> int:
        """The smaller of what we hold for this order and what the shop still counts as its own open pieces."""
        return min(self.held + self.deducted, self.open_in_shop)


class StockUpdate(models.Model):
    """Goods announced by the merchant, to be received by the warehouse."""

    class Status(models.TextChoices):
        NEW = "new", "NEW"
        PARTLY = "partly", _("PARTLY RECEIVED")
        RECEIVED = "received", _("RECEIVED")
        CANCELLED = "cancelled", _("CANCELLED")

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="stock_updates")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="stock_updates")
    number = models.CharField(_("our reference"), max_length=20, unique=True, editable=False)
    reference = models.CharField(_("your reference"), max_length=80)
    supplier = models.CharField(_("supplier"), max_length=120)
    expected_on = models.DateField(_("expected on"))
    containers = models.PositiveIntegerField(_("containers"), default=0)
    pallets = models.PositiveIntegerField(_("pallets"), default=0)
    parcels = models.PositiveIntegerField(_("parcels"), default=0)
    delivered_by = models.CharField(_("delivered by"), max_length=120, blank=True)
    tracking_codes = models.CharField(_("tracking codes"), max_length=300, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    warehouse_comment = models.TextField(_("warehouse’s comment"), blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.NEW)
    arrived_at = models.DateTimeField(_("arrived"), null=True, blank=True)
    made_by = models.CharField(_("made by"), max_length=120, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    changed_at = models.DateTimeField(_("last change"), auto_now=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("stock update")
        verbose_name_plural = _("stock updates")

    def __str__(self) -> str:
        return self.number

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The number is given at the first save: SU- and the row's key."""
        super().save(*args, **kwargs)
        if not self.number:
            self.number = f"SU-{1000 + self.pk}"
            type(self).objects.filter(pk=self.pk).update(number=self.number)


class StockUpdateLineQuerySet(models.QuerySet["StockUpdateLine"]):
    def outstanding(self) -> StockUpdateLineQuerySet:
        """Announced and not yet received, of updates that are still open."""
        open_ones = (StockUpdate.Status.NEW, StockUpdate.Status.PARTLY)
        return self.filter(update__status__in=open_ones, received__lt=F("expected"))


class StockUpdateLine(models.Model):
    """Announced pieces of one SKU, and how many of them came."""

    update = models.ForeignKey(StockUpdate, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="stock_update_lines")
    expected = models.PositiveIntegerField(_("announced"))
    received = models.PositiveIntegerField(_("received"), default=0)
    comment = models.CharField(_("warehouse’s comment"), max_length=300, blank=True)

    objects = StockUpdateLineQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = _("line of a stock update")
        verbose_name_plural = _("lines of stock updates")
        constraints = [models.UniqueConstraint(fields=["update", "product"], name="stock_update_line_once")]

    def __str__(self) -> str:
        return f"{self.expected} × {self.product.sku}"


# Of very many figures the few that something is the matter with: an index has just these.
ODD = (
    Q(braked_at__isnull=False) | ~Q(refused="") | Q(clamped_at__isnull=False) | ~Q(drift=0) | Q(is_kept_elsewhere=True)
)


class ShopFigureQuerySet(models.QuerySet["ShopFigure"]):
    def of(self, integration: Integration) -> ShopFigureQuerySet:
        """Of items that the integration tells figures of: linked, in the shop, not ignored."""
        return self.filter(
            item__integration=integration,
            item__product__isnull=False,
            item__gone_at__isnull=True,
            item__ignored_at__isnull=True,
        )

    def change(self, **fields: Any) -> int:
        """Update these, locked in the order of the items’ keys: others write the same rows at the same time."""
        with transaction.atomic():
            pks = list(self.order_by("item").select_for_update(of=("self",)).values_list("pk", flat=True))
            return sum(ShopFigure.objects.filter(pk__in=some).update(**fields) for some in batched(pks, 2000))


class ShopFigure(models.Model):
    """What one shop was told of one item, and what it shows. `told` is None where nobody knows: then it is due."""

    item = models.OneToOneField(WebshopProduct, on_delete=models.CASCADE, related_name="figure")
    told = models.PositiveIntegerField(_("told"), null=True, blank=True)
    told_at = models.DateTimeField(_("told at"), null=True, blank=True)
    asked = models.PositiveIntegerField(null=True, blank=True)  # committed before the push; cleared with the answer
    refused = models.CharField(_("refused"), max_length=300, blank=True)
    sent = models.PositiveIntegerField(null=True, blank=True)  # the last figure sent, whatever came of it
    sent_as = models.CharField(max_length=600, blank=True)  # and under which SKU or EAN
    retry_at = models.DateTimeField(null=True, blank=True)  # the same figure is not sent again before
    clamped_at = models.DateTimeField(_("kept up by the shop’s open orders since"), null=True, blank=True)
    braked_at = models.DateTimeField(_("waits for a person since"), null=True, blank=True)
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    zeroed_at = models.DateTimeField(null=True, blank=True)  # when it was last told zero, coming from more
    shown_physical = models.IntegerField(_("the shop shows"), null=True, blank=True)
    shown_allocated = models.IntegerField(_("allocated in the shop"), null=True, blank=True)
    read_at = models.DateTimeField(_("read back"), null=True, blank=True)
    drift = models.IntegerField(_("drift"), default=0)
    drift_since = models.DateTimeField(_("drifts since"), null=True, blank=True)
    drift_pushes = models.PositiveSmallIntegerField(default=0)
    is_kept_elsewhere = models.BooleanField(_("kept elsewhere in the shop"), default=False)

    objects = ShopFigureQuerySet.as_manager()

    class Meta:
        verbose_name = _("figure told to a shop")
        verbose_name_plural = _("figures told to shops")
        indexes = [
            models.Index(fields=["item"], name="figure_odd", condition=ODD),
        ]

    def __str__(self) -> str:
        return f"{self.item}: {self.told}"
