"""The staff's desk for what stands behind the orders: reasons to wait, lines, numbers seen, shipments in the shops."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from integrations.models import Integration
from merchants.models import User, Warehouse
from orders.desk_access import ByMerchant, ByWarehouse, Choice, OfTheHouse, own_warehouses
from orders.models import Hold, Order, OrderLine, SeenOrder, Shipment


class OrdersWarehouse(ByWarehouse):
    way = "order__warehouse"


class OrdersMerchant(ByMerchant):
    way = "order__merchant"


class ShopsMerchant(ByMerchant):
    way = "integration__merchant"


class ByIntegration(Choice):
    title, parameter_name, way = _("integration"), "integration", "integration"

    def choose_from(self, request: HttpRequest) -> QuerySet[Integration]:
        own = Integration.objects.filter(warehouse__in=own_warehouses(request))
        return own.select_related("merchant").order_by("name", "pk")


class OfAnOrder(OfTheHouse):
    """Rows of an order."""

    list_select_related: Any = ("order__merchant", "order__warehouse")
    show_full_result_count = False

    @admin.display(description=_("order"), ordering="order__number")
    def order_label(self, row: Any) -> SafeString:
        address = reverse("admin:orders_order_change", args=[row.order_id])
        return format_html('<a href="{}">{}</a>', address, row.order.label)

    @admin.display(description=_("merchant"), ordering="order__merchant__name")
    def merchant(self, row: Any) -> str:
        return str(row.order.merchant)

    @admin.display(description=_("warehouse"), ordering="order__warehouse__code")
    def house_code(self, row: Any) -> str:
        return str(row.order.warehouse.code)


@admin.register(Hold)
class HoldAdmin(OfAnOrder, admin.ModelAdmin[Hold]):
    """Why orders wait."""

    list_display = ("text", "cause", "subject", "order_label", "merchant", "house_code", "since")
    list_filter = ("cause", OrdersWarehouse, OrdersMerchant)
    search_fields = ("order__number", "subject", "text")
    fields = ("order", "cause", "subject", "text", "since")
    ordering = ("since", "pk")


@admin.register(OrderLine)
class OrderLineAdmin(OfAnOrder, admin.ModelAdmin[OrderLine]):
    list_display = ("sku", "ean", "name", "pieces", "found", "order_label", "order_status", "merchant", "house_code")
    list_filter = (OrdersWarehouse, OrdersMerchant)
    search_fields = ("=sku", "=ean", "order__number", "name")
    fields = ("order", "sku", "ean", "name", "pieces", "found", "ordered", "open_in_shop", "bundle", "comment")
    ordering = ("-pk",)

    @admin.display(description=_("status"), ordering="order__status")
    def order_status(self, line: OrderLine) -> str:
        return line.order.status.upper()


class OfAShop(OfTheHouse):
    """Rows of an integration, which may send from another warehouse by now: they go with their orders."""

    orders: QuerySet[Order]  # those of a row
    list_select_related: Any = ("integration__merchant",)
    show_full_result_count = False

    def of(self, user: User) -> Q:
        """Where the orders are; what has none is where the integration is."""
        own = Warehouse.objects.worked_by(user)
        is_without = ~Exists(self.orders)
        return Q(Exists(self.orders.filter(warehouse__in=own))) | Q(is_without, integration__warehouse__in=own)

    @admin.display(description=_("merchant"), ordering="integration__merchant__name", empty_value="–")
    def merchant(self, row: Any) -> str | None:
        return str(row.integration.merchant) if row.integration else None


@admin.register(SeenOrder)
class SeenOrderAdmin(OfAShop, admin.ModelAdmin[SeenOrder]):
    """The ledger of completeness: each number that a shop showed, and what became of it."""

    orders = Order.objects.filter(
        merchant=OuterRef("integration__merchant"), shop=OuterRef("integration__shop"), number=OuterRef("number")
    )
    list_display = (
        "number",
        "integration",
        "merchant",
        "verdict",
        "reason",
        "detail",
        "placed_at",
        "first_seen_at",
        "last_seen_at",
    )
    list_filter = ("verdict", ByIntegration, ShopsMerchant)
    search_fields = ("number", "reason", "detail")
    fields = list_display[:2] + list_display[3:]


class ShipmentStateFilter(admin.SimpleListFilter):
    title, parameter_name = _("state"), "state"
    wanted = {
        "error": ~Q(error="") | ~Q(capture_error=""),
        "asked": Q(asked_at__isnull=False, made_at__isnull=True, external_id=""),
        "open": Q(completed_at__isnull=True, withdrawn_at__isnull=True) & ~Q(external_id=""),
        "completed": Q(completed_at__isnull=False),
        "withdrawn": Q(withdrawn_at__isnull=False),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("error", _("error")),
            ("asked", _("asked for, no answer yet")),
            ("open", _("open")),
            ("completed", _("completed")),
            ("withdrawn", _("withdrawn")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Shipment]) -> QuerySet[Shipment]:
        wanted = self.wanted.get(self.value() or "")
        return queryset.filter(wanted) if wanted else queryset


@admin.register(Shipment)
class ShipmentAdmin(OfAShop, admin.ModelAdmin[Shipment]):
    """What the shops call shipments: asked for, made, paid, completed. They stay when their integration goes."""

    orders = Order.objects.filter(shipment=OuterRef("pk"))
    list_display = (
        "__str__",
        "number",
        "integration",
        "merchant",
        "made_at",
        "is_paid",
        "completed_at",
        "withdrawn_at",
        "problem",
    )
    list_filter = (ShipmentStateFilter, "is_paid", "is_adopted", ByIntegration, ShopsMerchant)
    search_fields = ("external_id", "number", "error", "capture_error")
    ordering = (F("made_at").desc(nulls_first=True), "-pk")

    @admin.display(description=_("problem"), empty_value="–")
    def problem(self, shipment: Shipment) -> str | None:
        return " · ".join(text for text in (shipment.capture_error, shipment.error) if text) or None
