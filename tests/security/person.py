"""A customer whose every word can be looked for, and what an order knows of her."""

import json
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

from merchants.models import Merchant
from orders.models import (
    Order,
    Status,
)
from tests import factories

# Words that stand nowhere but in the customer's own data.
PERSON = {
    "name": "Ottilia Quistgaard",
    "company": "Quistgaard & Döttrar",
    "address": "Kaprifolvägen 17 B",
    "address2": "port 4711, hos Zetterlund",
    "zip_code": "418 77",
    "city": "Hisingsbacka",
    "state": "Bohuslandia",
    "phone": "+46709998877",
    "email": "ottilia.quistgaard@brevduva.example",
}
WRITTEN = {
    "comment": "Ring på hos grannen Xerxes",
    "customisation": "Brodera Walburga på ärmen",
    "customer_reference": "Farmors-80årsdag",
    "warehouse_comment": "Kunden Ottilia ringde",
    "tracking_code": "SE-4711-TRACK",
    "pickup_point": "ombud-Vintergatan",
}
TRACKS = ["Ottilia", "Quistgaard", "Kaprifolvägen", "Zetterlund", "418 77", "Hisingsbacka", "Bohuslandia", "9998877"]
TRACKS += ["brevduva", "Xerxes", "Walburga", "Farmors", "port 4711", "SE-4711", "Vintergatan"]
LONG_AGO = timedelta(days=800)


def closed(merchant: Merchant, age: timedelta = LONG_AGO, **fields: Any) -> Order:
    """A sent order with all that a customer can leave behind."""
    order = factories.order(
        merchant,
        **{
            **PERSON,
            **WRITTEN,
            "bill_to": {**PERSON, "country": "SE"},
            "taken": {"address": {**PERSON, "country": "SE"}, "lines": []},
            "offered": {"address": PERSON, "lines": []},
            "facts": {"digest": "abc", "capture": "The shop said: “no money of Ottilia”"},
            "handover_error": "418 77 is no zip code",
            "tell_error": "Hisingsbacka is unknown",
            "status": Status.SHIPPED,
            "status_changed_at": timezone.now() - age,
            "shipped_at": timezone.now() - age,
            "total": 399,
            **fields,
        },
    )
    order.lines.create(sku="FG1", pieces=2, ordered=2, comment="Walburga")
    order.tell("NEW: 2 pieces reserved.")
    order.tell("The shop refused it: Hisingsbacka is not a city.", who="Kim")
    return order


def everything(skip: tuple[type[models.Model], ...] = ()) -> str:
    """Every row of every table of the portal, as text; the stand-in is another firm's system."""
    kept = [model for model in apps.get_models() if model._meta.app_label != "sandbox" and model not in skip]
    there = set(connection.introspection.table_names())
    rows = (row for model in kept if model._meta.db_table in there for row in model._base_manager.values())
    return "\n".join(json.dumps(row, default=str, ensure_ascii=False) for row in rows)


def found(text: str) -> list[str]:
    return [track for track in TRACKS if track.casefold() in text.casefold()]
