"""What the stand-in's templates need: times as the shop writes them, the three parts of a SKU, amounts."""

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils import formats
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sandbox.models import Order, OrderLine, Shop, Size

register = template.Library()
TONES = {1: "wait", 2: "info", 3: "info", 4: "good", 5: "none", 6: "bad"}


@register.filter
def shop_time(moment: datetime | None, shop: Shop) -> SafeString | str:
    """A moment in the shop's zone, with the zone's name; a dash where there is none."""
    if moment is None:
        return "–"
    local = moment.astimezone(shop.zone)
    town = shop.time_zone.rpartition("/")[2].replace("_", " ")
    text = formats.date_format(local, "j M Y H:i")
    return format_html('<time datetime="{}">{} ({})</time>', local.isoformat(), text, town)


@register.filter
def amount(money: Decimal, currency: str) -> str:
    """1,649.00 SEK."""
    return f"{money:,.2f} {currency}"


@register.inclusion_tag("sandbox/sku.html")
def sku_of(item: Size | OrderLine) -> dict[str, object]:
    """The three SKU parts, joined without a gap, each in its own tone; blanks are made visible."""
    if isinstance(item, Size):
        parts = (item.variant.product.sku, item.variant.sku, item.sku)
    else:
        parts = (item.sku, item.variant_sku, item.size_sku)
    return {"parts": [part.replace(" ", "␣") for part in parts], "joined": "".join(parts)}


@register.filter
def tone(order: Order) -> str:
    """The tone of an order's status."""
    return TONES.get(order.status, "none")
