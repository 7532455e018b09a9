"""A first set of carriers and methods for warehouses in the Nordics and the Baltics, as staff would keep it."""

from __future__ import annotations

from dataclasses import dataclass, field

from merchants.models import Warehouse
from shipping.models import Carrier, ShippingMethod

# Where a parcel can be followed; a carrier that is missing here has no public address that we know to be right.
TRACKING = {
    "PostNord": "https://tracking.postnord.com/en/tracking?id={code}",
    "DHL": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={code}",
    "Posti": "https://www.posti.fi/en/tracking#/lahetys/{code}",
    "Omniva": "https://www.omniva.ee/track?barcode={code}",
    "GLS": "https://gls-group.com/track/{code}",
    "DB Schenker": "https://eschenker.dbschenker.com/app/tracking-public/?refNumber={code}",
    "Bring": "https://tracking.bring.com/tracking/{code}",
    "DPD": "https://tracking.dpd.de/status/en_US/parcel/{code}",
    "UPS": "https://www.ups.com/track?tracknum={code}",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One method of a warehouse; `flags` are the fields that are true (`needs_activation` unless it is free)."""

    carrier: str
    service: str
    flags: frozenset[str] = field(default_factory=frozenset)
    is_free: bool = False  # usable at once, without asking

    def fields(self) -> dict[str, object]:
        has_tracking = "untracked" not in self.flags
        return {
            "needs_activation": not self.is_free,
            "needs_contract": "contract" in self.flags,
            "needs_phone": "phone" in self.flags,
            "needs_pickup_point": "point" in self.flags,
            "has_tracking": has_tracking,
            "tracking_url": TRACKING.get(self.carrier, "") if has_tracking else "",
        }


def offer(carrier: str, service: str, *flags: str, free: bool = False) -> Offer:
    return Offer(carrier, service, frozenset(flags), free)


OFFERS = {
    "TEST": [
        offer("Test carrier", "Home delivery", "phone", free=True),
        offer("Test carrier", "Pick-up point", "phone", "point", free=True),
        offer("Test carrier", "Letter", "untracked", free=True),
        offer("Test carrier", "On request"),
    ],
    "GOT": [
        offer("PostNord", "MyPack Collect", "phone", free=True),
        offer("PostNord", "MyPack Home", "phone"),
        offer("PostNord", "Varubrev", "untracked", free=True),
        offer("PostNord", "Parcel"),
        offer("DHL", "Service Point", "phone", "point"),
        offer("DHL", "Home Delivery", "phone"),
        offer("DHL", "Express Worldwide", "phone", "contract"),
        offer("Budbee", "Home", "phone", "contract"),
        offer("Budbee", "Box", "phone", "point", "contract"),
        offer("DB Schenker", "Ombud", "phone", "point"),
        offer("DB Schenker", "Parcel"),
        offer("Bring", "Parcel to a pick-up point", "phone", "point"),
        offer("GLS", "EuroBusinessParcel"),
        offer("UPS", "Standard", "phone"),
    ],
    "VNT": [
        offer("Posti", "Pickup Parcel", "phone", "point", free=True),
        offer("Posti", "Home Parcel", "phone"),
        offer("Posti", "Express Parcel", "phone"),
        offer("PostNord", "MyPack Collect", "phone", "point"),
        offer("Matkahuolto", "Near Parcel", "phone", "point"),
        offer("DHL", "Express Worldwide", "phone", "contract"),
        offer("DB Schenker", "Noutopiste", "phone", "point"),
        offer("Budbee", "Home", "phone", "contract"),
        offer("GLS", "EuroBusinessParcel"),
    ],
    "TLL": [
        offer("Omniva", "Parcel machine", "phone", "point", free=True),
        offer("Omniva", "Courier", "phone"),
        offer("Omniva", "International parcel", "phone"),
        offer("Smartposti", "Parcel locker", "phone", "point"),
        offer("DPD", "Pickup", "phone", "point"),
        offer("DPD", "Classic"),
        offer("DHL", "Express Worldwide", "phone", "contract"),
        offer("GLS", "EuroBusinessParcel"),
    ],
}


def fill() -> None:
    """Make what is missing in the warehouses that are there; what staff changed stays as it is."""
    for house in Warehouse.objects.filter(code__in=OFFERS):
        for one in OFFERS[house.code]:
            carrier, _made = Carrier.objects.get_or_create(name=one.carrier)
            ShippingMethod.objects.get_or_create(
                warehouse=house, carrier=carrier, service=one.service, defaults=one.fields()
            )
