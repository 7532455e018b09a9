"""The staff's desk for integrations, as this floor must have it: deleting one lets its orders go first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from integrations.admin import IntegrationAdmin
from integrations.models import Integration
from orders import deleting
from orders.desk_access import who

admin.site.unregister(Integration)


@admin.register(Integration)
class OrdersIntegrationAdmin(IntegrationAdmin):
    """Deleted as on the merchant's page: nothing waits for a shop that nobody asks any more."""

    delete_confirmation_template = "admin/integrations/delete_integration.html"

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        found = self.get_object(request, object_id)
        owed = deleting.owed(found) if found and self.has_delete_permission(request, found) else []
        return super().delete_view(request, object_id, {**(extra_context or {}), "owed": owed})

    def delete_model(self, request: HttpRequest, obj: Integration) -> None:
        deleting.delete(obj, who(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Integration]) -> None:
        for integration in queryset:
            deleting.delete(integration, who(request))
