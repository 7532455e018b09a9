"""The staff's desk for goods, what is only read: the ledger and the reservations; and whose goods anybody sees."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy

from integrations.admin import AsksFirst
from merchants.models import Warehouse
from products.models import Movement, Reservation


class OfOwnWarehouses(AsksFirst):
    """Only what lies in warehouses where this member of the staff works; never made or taken away by hand."""

    warehouse: ClassVar[str]  # the way from the row to its warehouse

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        own = Warehouse.objects.worked_by(request.user)  # type: ignore[arg-type]
        return rows.filter(**{f"{self.warehouse}__in": own})

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def own_or_404(self, request: HttpRequest, pk: str) -> Any:
        """One of these rows. Whoever may not change such rows is refused, whoever works elsewhere finds nothing."""
        if not admin.ModelAdmin.has_change_permission(self, request):  # type: ignore[arg-type]
            raise PermissionDenied
        row = self.get_object(request, pk)  # type: ignore[attr-defined]
        if row is None:
            raise Http404
        return row


class ReadOnly(OfOwnWarehouses):
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class WarehouseFilter(admin.SimpleListFilter):
    """By warehouse, among those of this member of the staff."""

    title = gettext_lazy("warehouse")
    parameter_name = "warehouse"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(one.pk), str(one)) for one in Warehouse.objects.worked_by(request.user)]  # type: ignore[arg-type]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        way = "stock__warehouse" if queryset.model in (Movement, Reservation) else "warehouse"
        chosen = self.value() or ""
        return queryset.filter(**{way: chosen}) if chosen.isdecimal() else queryset


class OfStock:
    """The columns that tell of which stock a row is."""

    @admin.display(description=gettext_lazy("SKU"), ordering="stock__product__sku")
    def sku(self, row: Any) -> str:
        return str(row.stock.product.sku)

    @admin.display(description=gettext_lazy("merchant"), ordering="stock__product__merchant__name")
    def merchant(self, row: Any) -> str:
        return str(row.stock.product.merchant.name)

    @admin.display(description=gettext_lazy("warehouse"), ordering="stock__warehouse__code")
    def warehouse_code(self, row: Any) -> str:
        return str(row.stock.warehouse.code)


@admin.register(Movement)
class MovementAdmin(OfStock, ReadOnly, admin.ModelAdmin[Movement]):
    """The ledger: to read, never to write."""

    warehouse = "stock__warehouse"
    list_display = (
        "at",
        "sku",
        "merchant",
        "warehouse_code",
        "pieces",
        "on_hand",
        "why",
        "reason",
        "document",
        "who",
    )
    list_filter = ("why", WarehouseFilter, "at", ("stock__product__merchant", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("stock__product__merchant", "stock__warehouse")
    search_fields = ("stock__product__sku", "stock__product__sku_folded", "document", "reason", "who")
    show_full_result_count = False
    ordering = ("-pk",)


@admin.register(Reservation)
class ReservationAdmin(OfStock, ReadOnly, admin.ModelAdmin[Reservation]):
    """What orders hold; written with the orders only."""

    warehouse = "stock__warehouse"
    list_display = (
        "label",
        "sku",
        "merchant",
        "warehouse_code",
        "held",
        "deducted",
        "open_in_shop",
        "promised_at",
        "is_covered",
    )
    list_filter = ("is_covered", WarehouseFilter, ("stock__product__merchant", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("stock__product__merchant", "stock__warehouse")
    search_fields = ("label", "reference", "stock__product__sku", "stock__product__sku_folded")
    show_full_result_count = False
    ordering = ("promised_at", "pk")
