"""The staff's desk: what the warehouse keeps, and what the shops show."""

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from integrations.admin import NotMadeHere
from merchants.paging import LongList
from products import stock_admin as stock_admin  # registers the goods
from products.models import Product, Tab, WebshopProduct


class LinkInline(admin.TabularInline[WebshopProduct, Product]):
    """The shops' items that a product is linked to; to look at only."""

    model = WebshopProduct
    fields = readonly_fields = ("integration", "title", "sku", "tab", "last_changed_at")
    extra = 0
    can_delete = False
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebshopProduct]:
        return super().get_queryset(request).select_related("integration")

    def has_add_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False

    @admin.display(description=_("item"))
    def title(self, item: WebshopProduct) -> str:
        return item.title


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin[Product]):
    list_display = ("sku", "name", "ean", "merchant", "group", "changed_at")
    list_filter = (("merchant", admin.RelatedOnlyFieldListFilter), "created_at")
    list_select_related = ("merchant",)
    search_fields = ("sku", "sku_folded", "name", "ean", "merchant__name")
    show_full_result_count = False
    paginator = LongList
    autocomplete_fields = ("merchant",)
    readonly_fields = ("created_at", "changed_at")
    inlines = (LinkInline,)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> Any:
        """The merchant never changes; of a linked product the SKU, and what a shop that still shows it owns."""
        kept = ["merchant"] if obj else []
        if obj and obj.webshop_products.exists():
            kept.append("sku")
        if obj and obj.webshop_products.filter(gone_at__isnull=True).exists():
            kept += Product.SHOP_OWNS
        return (*self.readonly_fields, *kept)


class TabFilter(admin.SimpleListFilter):
    """By tab of *Sync webshop products*, without asking a hundred thousand rows which tabs there are."""

    title = _("tab")
    parameter_name = "tab"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Tab.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[WebshopProduct]) -> QuerySet[WebshopProduct]:
        return queryset.filter(tab=self.value()) if self.value() else queryset


@admin.register(WebshopProduct)
class WebshopProductAdmin(NotMadeHere, admin.ModelAdmin[WebshopProduct]):
    """The shop owns the items: they are read, not written, and can be ignored."""

    list_display = ("title", "sku", "integration", "merchant", "tab", "last_changed_at")
    list_filter = (TabFilter, ("integration__merchant", admin.RelatedOnlyFieldListFilter), "integration", "is_active")
    list_select_related = ("integration__merchant",)
    search_fields = ("sku", "sku_folded", "name", "ean", "external_id", "integration__name")
    show_full_result_count = False
    paginator = LongList
    exclude = ("digest", "seen_in", "own_problems", "shared_problems")
    readonly_fields = ("problem_sentences",)
    actions = ("ignore", "stop_ignoring")

    def has_change_permission(self, request: HttpRequest, obj: WebshopProduct | None = None) -> bool:
        return obj is None and super().has_change_permission(request)

    @admin.display(description=_("item"), ordering="name")
    def title(self, item: WebshopProduct) -> str:
        return item.title

    @admin.display(description=_("merchant"), ordering="integration__merchant__name")
    def merchant(self, item: WebshopProduct) -> str:
        return item.integration.merchant.name

    @admin.display(description=_("problems"))
    def problem_sentences(self, item: WebshopProduct) -> str:
        return "\n".join(f"{problem.title}: {problem.sentence}" for problem in item.problems) or "–"

    @admin.action(description=_("Ignore the chosen items"), permissions=["change"])
    def ignore(self, request: HttpRequest, items: QuerySet[WebshopProduct]) -> None:
        self._say(request, items.filter(ignored_at__isnull=True).update(ignored_at=timezone.now()))

    @admin.action(description=_("Stop ignoring the chosen items"), permissions=["change"])
    def stop_ignoring(self, request: HttpRequest, items: QuerySet[WebshopProduct]) -> None:
        self._say(request, items.filter(ignored_at__isnull=False).update(ignored_at=None))

    def _say(self, request: HttpRequest, changed: int) -> None:
        sentence = ngettext("%(n)d item was changed.", "%(n)d items were changed.", changed) % {"n": changed}
        self.message_user(request, sentence, messages.SUCCESS)
