"""The staff's desk: what each warehouse offers."""

from django.contrib import admin

from shipping.models import Carrier, ShippingMethod


@admin.register(Carrier)
class CarrierAdmin(admin.ModelAdmin[Carrier]):
    search_fields = ("name",)


@admin.register(ShippingMethod)
class ShippingMethodAdmin(admin.ModelAdmin[ShippingMethod]):
    list_display = ("carrier", "service", "warehouse", "needs_activation", "needs_contract", "has_tracking")
    list_filter = ("warehouse", "carrier")
    search_fields = ("service", "carrier__name")
    autocomplete_fields = ("carrier", "warehouse")
    list_select_related = ("carrier", "warehouse")
