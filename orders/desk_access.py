"""Who works at the desk for orders: the staff of a warehouse, each for theirs. A superuser everywhere.

No permission of Django's is asked for: `is_staff` opens the desk, and `Warehouse.staff` says whose orders are seen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from integrations.admin import NotMadeHere
from merchants.backends import works_in_a_warehouse
from merchants.models import Merchant, User, Warehouse
from shipping.models import ShippingMethod


def works(request: HttpRequest) -> bool:
    """Whether who asks is of the staff and works in some warehouse; a superuser does in all."""
    return works_in_a_warehouse(request.user)


def own_warehouses(request: HttpRequest) -> QuerySet[Warehouse]:
    assert isinstance(request.user, User)
    return Warehouse.objects.worked_by(request.user)


def who(request: HttpRequest) -> str:
    """As the story tells it."""
    assert isinstance(request.user, User)
    return (request.user.get_full_name() or str(request.user))[:120]


class OfTheHouse(NotMadeHere):
    """Read by the staff of the warehouse; written by the work done, never by hand."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return works(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return works(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """For the actions, which change what a form may not."""
        return works(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        assert isinstance(request.user, User)
        return rows if request.user.is_superuser else rows.filter(self.of(request.user))

    def of(self, user: User) -> Q:
        """Which rows belong to the warehouses of this member of the staff."""
        return Q(**{f"{self.house}__in": Warehouse.objects.worked_by(user)})

    house = "order__warehouse"  # the way from the row to its warehouse

    def check_works(self, request: HttpRequest) -> None:
        """For pages of our own: raises `PermissionDenied`."""
        if not works(request):
            raise PermissionDenied


# --- filters -------------------------------------------------------------------------------


class Choice(admin.SimpleListFilter, ABC):
    """By a thing of one's own warehouses; a crafted value finds nothing."""

    way: str  # from the row to that thing

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(one.pk), str(one)) for one in self.choose_from(request)]

    @abstractmethod
    def choose_from(self, request: HttpRequest) -> QuerySet[Any]:
        """The things that this member of the staff may choose from."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if not chosen:
            return queryset
        return queryset.filter(**{self.way: chosen}) if chosen in dict(self.lookup_choices) else queryset.none()


class ByWarehouse(Choice):
    title, parameter_name, way = _("warehouse"), "warehouse", "warehouse"

    def choose_from(self, request: HttpRequest) -> QuerySet[Warehouse]:
        return own_warehouses(request)


class ByMerchant(Choice):
    title, parameter_name, way = _("merchant"), "merchant", "merchant"

    def choose_from(self, request: HttpRequest) -> QuerySet[Merchant]:
        return Merchant.objects.filter(warehouses__in=own_warehouses(request)).order_by("name", "pk").distinct()


class ByMethod(Choice):
    title, parameter_name, way = _("shipping method"), "method", "method"

    def choose_from(self, request: HttpRequest) -> QuerySet[ShippingMethod]:
        assert isinstance(request.user, User)
        return ShippingMethod.objects.worked_by(request.user).select_related("carrier", "warehouse")
