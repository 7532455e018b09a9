"""The catalogue: what the warehouse keeps, by SKU, and what the shops show, one row per size."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Case, Count, Q, Value, When
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from integrations.models import Integration
from merchants.models import Merchant
from merchants.trigrams import TrigramIndex
from products import skus
from products.batches import batched
from products.problems import Code, Problem


def check_sku(sku: str) -> None:
    """Refuses in words what no warehouse can keep apart or scan."""
    if not sku.strip():
        raise ValidationError(_("A product needs an SKU."))
    if skus.forbidden_characters(sku):
        raise ValidationError(_("An SKU has no slash, no backslash and no invisible characters."))


def check_ean(ean: str) -> None:
    if ean and not skus.is_ean(ean):
        raise ValidationError(_("“%(ean)s” is no EAN: the check digit or the length is wrong."), params={"ean": ean})


class ProductQuerySet(models.QuerySet["Product"]):
    def for_merchant(self, merchant: Merchant) -> ProductQuerySet:
        return self.filter(merchant=merchant)

    def reading_like(self, sku: str) -> ProductQuerySet:
        """Products whose SKU differs from this one only in capitals or blanks."""
        return self.filter(sku_folded=skus.fold(sku)).exclude(sku=sku)

    def search(self, text: str) -> ProductQuerySet:
        """EAN from the beginning, SKU and name anywhere; every word counts."""
        found = self
        for word in text.split():
            found = found.filter(
                Q(sku_folded__contains=skus.fold(word)) | Q(name__icontains=word) | Q(ean__startswith=word)
            )
        return found


class Product(models.Model):
    """What the warehouse keeps, known by its SKU; owned by one merchant."""

    class Language(models.TextChoices):
        FINNISH = "fi", _("Finnish")
        ENGLISH = "en", _("English")
        SWEDISH = "sv", _("Swedish")

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="products")
    sku = models.CharField(_("SKU"), max_length=200, validators=[check_sku])
    sku_folded = models.CharField(max_length=600, editable=False)
    name = models.CharField(_("name"), max_length=300)
    description = models.TextField(_("description"), blank=True)
    language = models.CharField(_("language of the text"), max_length=2, blank=True, choices=Language.choices)
    ean = models.CharField(_("EAN"), max_length=14, blank=True, validators=[check_ean], db_index=True)
    group = models.CharField(_("group"), max_length=100, blank=True, help_text=_("Free text, for reports."))
    supplier = models.CharField(_("supplier"), max_length=120, blank=True)
    supplier_code = models.CharField(_("supplier’s code"), max_length=100, blank=True)
    purchase_price = models.DecimalField(
        _("purchase price"), max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    purchase_currency = models.CharField(_("currency of the purchase price"), max_length=3, blank=True)
    sales_price = models.DecimalField(
        _("sales price"), max_digits=12, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    sales_currency = models.CharField(_("currency of the sales price"), max_length=3, blank=True)
    vat_percent = models.DecimalField(
        _("VAT %"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    product_url = models.URLField(_("link to the product page"), max_length=500, blank=True)
    picture_url = models.URLField(_("link to a picture"), max_length=500, blank=True)
    weight_kg = models.DecimalField(
        _("weight, kg"), max_digits=9, decimal_places=3, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    height_cm = models.DecimalField(
        _("height, cm"), max_digits=7, decimal_places=1, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    width_cm = models.DecimalField(
        _("width, cm"), max_digits=7, decimal_places=1, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    depth_cm = models.DecimalField(
        _("depth, cm"), max_digits=7, decimal_places=1, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    country_of_origin = CountryField(_("country of origin"), blank=True)
    customs_description = models.CharField(
        _("customs description"),
        max_length=50,
        blank=True,
        help_text=_("What it is, of what, what for; 50 characters."),
    )
    hs_code = models.CharField(_("HS code"), max_length=20, blank=True)
    alarm_level = models.PositiveIntegerField(
        _("alarm level"), null=True, blank=True, help_text=_("Pieces below which stock is low.")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    changed_at = models.DateTimeField(_("last change"), auto_now=True)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["sku"]
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "sku"],
                name="product_sku_once",
                violation_error_message=_("Another product has this SKU."),
            )
        ]
        indexes = [
            models.Index(fields=["merchant", "name", "id"], name="product_by_name"),
            models.Index(fields=["merchant", "changed_at", "id"], name="product_by_change"),
            models.Index(fields=["merchant", "sales_price", "id"], name="product_by_price"),
            models.Index(fields=["merchant", "weight_kg", "id"], name="product_by_weight"),
            models.Index(fields=["merchant", "sku_folded"], name="product_folded"),
            TrigramIndex(fields=["sku_folded", "name"], cased=["sku_folded"], name="product_search"),
            models.Index(fields=["merchant", "group"], name="product_group", condition=~Q(group="")),
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.sku_folded = skus.fold(self.sku)
        super().save(*args, **kwargs)

    # What the shop owns of a linked product; the EAN only where ours is empty.
    SHOP_OWNS = (
        "name",
        "description",
        "sales_price",
        "sales_currency",
        "weight_kg",
        "country_of_origin",
        "customs_description",
        "hs_code",
        "picture_url",
    )

    def take_from_shop(self, item: WebshopProduct) -> bool:
        """Take over what the shop owns; says whether anything changed. Never the SKU; a blank never wipes ours."""
        wanted = item.as_product_fields()
        if self.ean:
            wanted.pop("ean", None)
        changed = {
            key: value for key, value in wanted.items() if value not in ("", None) and getattr(self, key) != value
        }
        for key, value in changed.items():
            setattr(self, key, value)
        return bool(changed)


class CataloguePage(models.Model):
    """One page of a shop's list as it was read last; while it says the same, none of its items need be looked at.

    `cursor` is where it begins, `digest` marks what it said and how that is read here, `items` is how many items it
    showed, `seen_in` the last full pass that met it. See `known_pages.py`.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="catalogue_pages")
    cursor = models.CharField(max_length=300, blank=True)
    digest = models.CharField(max_length=64)
    items = models.PositiveIntegerField()
    seen_in = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("page of a shop’s list")
        verbose_name_plural = _("pages of shops’ lists")
        constraints = [models.UniqueConstraint(fields=["integration", "cursor"], name="catalogue_page_once")]

    def __str__(self) -> str:
        return self.cursor


class Tab(models.TextChoices):
    """Where an item stands on *Sync webshop products*; each item in exactly one."""

    NEW = "new", _("New")
    LINKED = "linked", _("Linked")
    PROBLEMS = "problems", _("Problems")
    IGNORED = "ignored", _("Ignored")
    GONE = "gone", _("Gone from the shop")


class WebshopProductQuerySet(models.QuerySet["WebshopProduct"]):
    def present(self) -> WebshopProductQuerySet:
        """What the shop still shows."""
        return self.filter(gone_at__isnull=True)

    def on_tab(self, tab: str) -> WebshopProductQuerySet:
        return self.filter(tab=tab)

    def counts(self) -> dict[str, int]:
        """Items per tab, in the order of the tabs; they add up to all items."""
        found = dict(self.order_by().values_list("tab").annotate(number=Count("*")))
        return {tab.value: found.get(tab.value, 0) for tab in Tab}

    def search(self, text: str) -> WebshopProductQuerySet:
        found = self
        for word in text.split():
            matches = Q(sku_folded__contains=skus.fold(word)) | Q(ean__startswith=word)
            found = found.filter(matches | Q(name__icontains=word) | Q(variant__icontains=word))
        return found

    def lock(self) -> WebshopProductQuerySet:
        """These rows, locked in the order of their keys, within a transaction: whoever changes several does so."""
        return self.select_for_update(of=("self",)).order_by("pk")

    def wanted(self) -> WebshopProductQuerySet:
        """Chosen for *Create product* and not looked at since: what is owed."""
        return self.filter(wanted_at__isnull=False)

    def want(self, now: datetime) -> int:
        """Choose these for *Create product*, within a transaction; returns how many were not chosen already."""
        pks = list(self.filter(wanted_at__isnull=True).lock().values_list("pk", flat=True))
        for batch in batched(pks, 2000):
            WebshopProduct.objects.filter(pk__in=batch).update(wanted_at=now)
        return len(pks)

    def ignore(self, now: datetime) -> int:
        """Leave new items and such with problems alone from now on; returns how many."""
        return self.filter(tab__in=[Tab.NEW, Tab.PROBLEMS])._mark(ignored_at=now)

    def stop_ignoring(self) -> int:
        return self.filter(ignored_at__isnull=False)._mark(ignored_at=None)

    def _mark(self, **fields: Any) -> int:
        done = 0
        for pks in batched(list(self.order_by("pk").values_list("pk", flat=True)), 2000):
            with transaction.atomic():
                locked = list(self.filter(pk__in=pks).lock().values_list("pk", flat=True))
                done += WebshopProduct.objects.filter(pk__in=locked).update(**fields)
        return done

    def with_changed_sku(self) -> WebshopProductQuerySet:
        """Those that wait for a choice because their SKU was changed in the shop."""
        return self.on_tab(Tab.PROBLEMS).with_problem(Code.SKU_CHANGED).filter(product__isnull=False)

    def with_problem(self, code: str) -> WebshopProductQuerySet:
        """Items that have this problem; a substring look-up serves both databases."""
        return self.filter(problem_codes__contains=f"|{code}|")


class WebshopProduct(models.Model):
    """One item of one shop, one per size, as last read; linked to the product that the warehouse keeps."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="webshop_products")
    external_id = models.CharField(_("the shop’s id"), max_length=64)
    product = models.ForeignKey(
        Product, on_delete=models.SET_NULL, null=True, blank=True, related_name="webshop_products"
    )
    sku_product = models.CharField(_("product SKU"), max_length=600, blank=True)
    sku_variant = models.CharField(_("variant SKU"), max_length=600, blank=True)
    sku_size = models.CharField(_("size SKU"), max_length=600, blank=True)
    sku = models.CharField(_("SKU"), max_length=600, blank=True)
    sku_folded = models.CharField(max_length=600, blank=True)
    ean = models.CharField(_("EAN"), max_length=64, blank=True, db_index=True)
    name = models.CharField(_("name"), max_length=300, blank=True)
    variant = models.CharField(_("variant"), max_length=200, blank=True)
    size = models.CharField(_("size"), max_length=100, blank=True)
    brand = models.CharField(_("brand"), max_length=120, blank=True)
    collection = models.CharField(_("collection"), max_length=120, blank=True)
    description = models.TextField(_("description"), blank=True)
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    weight_kg = models.DecimalField(_("weight, kg"), max_digits=9, decimal_places=3, null=True, blank=True)
    country_of_origin = models.CharField(_("country of origin"), max_length=2, blank=True)
    customs_description = models.CharField(_("customs description"), max_length=50, blank=True)
    hs_code = models.CharField(_("HS code"), max_length=20, blank=True)
    picture_url = models.CharField(_("picture"), max_length=500, blank=True)
    is_active = models.BooleanField(_("active in the shop"), default=True)
    is_bundle = models.BooleanField(_("bundle"), default=False)
    digest = models.CharField(max_length=32, editable=False)
    own_problems = models.JSONField(default=list, blank=True)
    shared_problems = models.JSONField(default=list, blank=True)
    problem_codes = models.CharField(max_length=200, blank=True, default="", db_default="")
    kept_sku = models.CharField(_("changed SKU that was declined"), max_length=600, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_changed_at = models.DateTimeField(_("last changed in the shop"))
    seen_in = models.CharField(max_length=32)
    # The page of the shop's list that showed it just so, by the key of a `CataloguePage`; those come and go.
    page = models.BigIntegerField(null=True, blank=True, editable=False)
    ignored_at = models.DateTimeField(_("ignored"), null=True, blank=True)
    gone_at = models.DateTimeField(_("gone from the shop"), null=True, blank=True)
    wanted_at = models.DateTimeField(_("chosen for Create product"), null=True, blank=True)
    tab = models.GeneratedField(
        expression=Case(
            When(gone_at__isnull=False, then=Value("gone")),
            When(ignored_at__isnull=False, then=Value("ignored")),
            When(~Q(problem_codes=""), then=Value("problems")),
            When(product__isnull=False, then=Value("linked")),
            default=Value("new"),
        ),
        output_field=models.CharField(max_length=10),
        db_persist=True,
    )

    objects = WebshopProductQuerySet.as_manager()

    class Meta:
        ordering = ["name", "variant", "pk"]
        verbose_name = _("item of a webshop")
        verbose_name_plural = _("items of webshops")
        constraints = [models.UniqueConstraint(fields=["integration", "external_id"], name="webshop_product_once")]
        indexes = [
            models.Index(fields=["integration", "tab", "name", "variant", "id"], name="webshop_product_list"),
            models.Index(fields=["integration", "tab", "sku", "id"], name="webshop_product_by_sku"),
            models.Index(fields=["integration", "tab", "-first_seen_at", "id"], name="webshop_product_newest"),
            models.Index(fields=["integration", "tab", "-last_changed_at", "id"], name="webshop_product_changed"),
            models.Index(fields=["integration", "tab"], name="webshop_product_tab"),  # narrow: for counting
            TrigramIndex(fields=["sku_folded", "name", "variant"], cased=["sku_folded"], name="webshop_product_search"),
            models.Index(fields=["integration", "sku"], name="webshop_product_sku"),
            models.Index(fields=["integration", "ean"], name="webshop_product_ean"),
            models.Index(fields=["integration", "sku_folded"], name="webshop_product_folded"),
            models.Index(
                fields=["integration", "id"], condition=Q(wanted_at__isnull=False), name="webshop_product_wanted"
            ),
            models.Index(
                fields=["integration", "page"], condition=Q(gone_at__isnull=True), name="webshop_product_on_page"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """Name, variant and size, as one reads it in the shop."""
        return " · ".join(part for part in (self.name, self.variant, self.size) if part) or self.external_id

    @property
    def sku_parts(self) -> tuple[str, str, str]:
        return self.sku_product, self.sku_variant, self.sku_size

    @property
    def first_problem(self) -> str:
        """The code that speaks for the item where each is counted once; "" without a problem."""
        return self.problem_codes.strip("|").split("|")[0]

    @property
    def problems(self) -> list[Problem]:
        return [Problem.load(row) for row in [*self.own_problems, *self.shared_problems]]

    def as_product_fields(self) -> dict[str, Any]:
        """What a product takes over from this item."""
        return {
            "name": self.title[:300],
            "description": self.description,
            "ean": self.ean if skus.is_ean(self.ean) else "",
            "sales_price": self.price,
            "sales_currency": self.currency,
            "weight_kg": self.weight_kg,
            "country_of_origin": self.country_of_origin,
            "customs_description": self.customs_description,
            "hs_code": self.hs_code,
            "picture_url": self.picture_url,
        }
