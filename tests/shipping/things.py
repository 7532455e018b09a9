"""Methods, links and words to test with, made by one call each."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from integrations.models import Integration
from merchants.models import Merchant, Warehouse
from shipping.models import Carrier, MerchantMethod, MethodLink, ShippingMethod, ShopMethod

NOON = datetime(2026, 11, 12, 12, 0, tzinfo=UTC)
_numbers = count(1)


def method(warehouse: Warehouse, service: str = "", carrier: str = "PostNord", **fields: Any) -> ShippingMethod:
    by, _made = Carrier.objects.get_or_create(name=carrier)
    service = service or f"MyPack {next(_numbers)}"
    return ShippingMethod.objects.create(warehouse=warehouse, carrier=by, service=service, **fields)


def active(merchant: Merchant, service: str = "", *, state: str = "active", **fields: Any) -> MerchantMethod:
    """A method that the merchant may use (or asked for, by its state) in its first warehouse."""
    house: Warehouse = fields.pop("warehouse", None) or merchant.warehouses.earliest("pk")
    made = method(house, service, **fields)
    return MerchantMethod.objects.create(merchant=merchant, method=made, state=state)


def link(integration: Integration, value: str, to: MerchantMethod, *countries: str, **fields: Any) -> MethodLink:
    given = {"linked_by": "Kim Berg", "linked_at": NOON, **fields}
    return MethodLink.objects.create(
        integration=integration, value=value, method=to, countries=list(countries), **given
    )


def word(integration: Integration, value: str, kind: str = "shop", **fields: Any) -> ShopMethod:
    given = {"first_seen_at": NOON, "last_seen_at": NOON, "count": 1, **fields}
    return ShopMethod.objects.create(integration=integration, kind=kind, value=value, **given)
