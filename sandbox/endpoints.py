"""The names of the endpoints, as permissions, levers and the call log use them."""

from django.utils.translation import gettext_lazy as _

ENDPOINTS = {
    "GET products": _("Read products"),
    "GET stock": _("Read stock"),
    "POST stock": _("Set stock"),
    "GET orders": _("Read orders"),
    "POST order": _("Create an order"),
    "POST orders": _("Create several orders"),
    "PUT orders": _("Change comments of an order"),
    "GET shipments": _("Read shipments"),
    "POST shipments": _("Create a shipment"),
    "PUT shipments": _("Change a shipment"),
    "PUT shipment": _("Complete a shipment"),
    "PUT capture": _("Capture the payment of a shipment"),
    "DELETE shipments": _("Delete a shipment"),
    "POST return": _("Create a return"),
    "GET returns": _("Read returns"),
    "PUT returns": _("Complete a return"),
}


def every_endpoint() -> list[str]:
    """All names: what a new plugin may use."""
    return list(ENDPOINTS)
