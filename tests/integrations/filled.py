"""The form of an integration, filled in, as a browser sends it."""

from typing import Any

from merchants.models import Merchant

ADDRESS = "https://nordlys.centra.com/api/order-api"
SECRET = "key-of-nordlys-7f3a"


def form(merchant: Merchant, **changes: Any) -> dict[str, Any]:
    """Every field with a good value; `changes` by field name."""
    warehouse = merchant.warehouses.first()
    return {
        "name": "Nordlys",
        "secret": SECRET,
        "base_url": ADDRESS,
        "warehouse": warehouse.pk if warehouse else "",
        "time_zone": "Europe/Stockholm",
        "identifies_by": "sku",
        "creates_products": "False",
        "takes_orders_since": "",
        "reads": "orders",
        "look_back_days": "30",
        "cancels_with_shop": "on",
        "captures": "hand-over",
        "sends_tracking": "on",
        "stock_as": "physical",
        "safety_buffer": "0",
        "act": "save",
        **changes,
    }
