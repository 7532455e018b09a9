"""Who works in a warehouse may do that work at the staff's desk, without a permission given one by one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

from merchants.models import User

# Names of permissions of Django's, as “products.change_stock”; upper floors add theirs in `AppConfig.ready()`.
WORK: set[str] = set()


class WarehouseBackend(BaseBackend):
    """Says yes to the staff of a warehouse for what its work needs. Which rows they see, each page says."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return perm in WORK and works_in_a_warehouse(user_obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """The signature is Django's."""
        return any(perm.startswith(f"{app_label}.") for perm in WORK) and works_in_a_warehouse(user_obj)


def works_in_a_warehouse(user: Any) -> bool:
    """Asked many times for one page, answered once: the user lives no longer than the request."""
    if not (isinstance(user, User) and user.is_active and user.is_staff):
        return False
    memory = vars(user)
    if "_works_in_a_warehouse" not in memory:
        memory["_works_in_a_warehouse"] = user.is_superuser or user.warehouses.exists()
    return bool(memory["_works_in_a_warehouse"])
