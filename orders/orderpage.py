"""What the page of one order says: status bar, why it waits and where that is mended, lines, what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Prefetch, prefetch_related_objects
from django.urls import reverse
from django.utils.translation import gettext as _
from django_countries import countries

from orders import differences, moves, restoring, splitting
from orders.models import Cause, Hold, Order, OrderLine, Status
from products.models import Stock, Tab, WebshopProduct
from shipping.resolve import Resolver

# The way of an order that nothing holds up; what lies behind it is shown as done.
WAY = (Status.DRAFT, Status.NEW, Status.COLLECTING, Status.SHIPPED)
OF_AN_ITEM = (Cause.UNKNOWN_SKU, Cause.AMBIGUOUS_ITEM, Cause.CUSTOMS)  # mended there, where no product is known yet


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the status bar."""

    value: str
    label: str
    is_now: bool
    is_done: bool
    may_be_chosen: bool


@dataclass(frozen=True, slots=True)
class Mend:
    """Where a reason to wait is mended; `act` where it is a button of the page instead."""

    words: str
    url: str = ""
    act: str = ""


@dataclass(frozen=True, slots=True)
class There:
    """What the mends depend on: by SKU the tab of the shop's item and the key of the product; if any piece is open."""

    tabs: dict[str, str]
    products: dict[str, int]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Reason:
    hold: Hold
    mend: Mend | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line as the page shows it: the SKU in its parts, and what lies in the warehouse."""

    line: OrderLine
    parts: tuple[str, str, str]
    on_hand: int | None
    picture: str

    @property
    def is_short(self) -> bool:
        return self.line.found is not None and self.line.found < self.line.pieces


def look(order: Order) -> dict[str, Any]:
    """Everything the page shows beside the order itself."""
    prefetch_related_objects([order], Prefetch("lines", OrderLine.objects.select_related("product")))
    holds = order.sorted_holds()
    reachable = moves.may_become(order)
    lines = _lines(order)
    return {
        "words": status_words(order, reachable),
        "may_move": bool(reachable),
        "reasons": _reasons(order, holds, lines),
        "lines": lines,
        "why": _why_this_method(order),
        "differences": differences.differences(order) if order.offered else [],
        "seal": differences.seal(order),
        "events": order.events.all(),
        "next": next_step(order, bool(holds)),
        "parts": _other_parts(order),
        "may_be_edited": order.status in (Status.DRAFT, Status.RESERVED),
        "may_become_draft": Status.DRAFT in reachable and order.status != Status.RESERVED,
        "may_be_split": _may_be_split(order),
        "has_rest": order.status == Status.PENDING and bool(splitting.rest(order)),
        "may_ask_to_cancel": (order.status == Status.COLLECTING or order.is_being_handed_over)
        and not order.is_cancellation_open
        and not order.cancel_answer,
        "short": order.facts.get("short", "") if order.status == Status.COLLECTING else "",
        "waits_for_pieces": order.status == Status.COLLECTING and any(row.is_short for row in lines),
        "unpaid": order.shipment.capture_error if order.status == Status.SHIPPED and order.shipment else "",
        "untold": _why_untold(order),
        "is_late": order.cancel_answer == "too late" and order.status in (Status.COLLECTING, Status.SHIPPED),
        "sent": sum(row.line.pieces for row in lines),
        "returned": sum(row.line.returned for row in lines),
        "bill_to": _address_lines(order.bill_to),
    }


def _why_untold(order: Order) -> str:
    """Why the shop does not take what was sent, where it never may; `""` where it is told by itself or was told."""
    is_left = order.status == Status.SHIPPED and order.told_at is None and order.is_over_in_shop
    return order.tell_error if is_left else ""


def status_words(order: Order, reachable: Iterable[Status]) -> list[Word]:
    """The nine words; those that a person may choose now are choosable."""
    done = WAY[: WAY.index(Status(order.status))] if order.status in WAY[1:] else ()
    done = WAY if order.status == Status.RETURNED else done
    may = set(reachable)
    return [
        Word(one.value, str(one.label), one == order.status, one in done, one in may or one == order.status)
        for one in Status
    ]


def next_step(order: Order, is_held: bool) -> str:
    """What happens next, and by whom; "" where nothing does."""
    if order.is_being_handed_over:
        return order.handover_error or _("The shop is asked; then it is COLLECTING.")
    if order.is_cancellation_open:
        return _("The warehouse answers the request to cancel.")
    if order.status == Status.SHIPPED:
        if order.told_at or order.integration_id is None:
            return ""
        if order.returned_at and order.returned == order.pieces:
            return order.tell_error or _("The shop is told that it was sent; then it is RETURNED.")
        return order.tell_error or _("The shop is told the tracking code.")
    if order.status == Status.COLLECTING and order.integration_id:
        return _("Packed and shipped; the shop is told the tracking code at once.")
    if order.status == Status.CANCELLED and (why := restoring.why_not(order)):
        return why
    if order.status == Status.CANCELLED and order.integration_id and _is_open_there(order):
        return _("The shop still has it open, and is not told: cancel it there too.")
    if order.status == Status.RESERVED and is_held:
        return _("It goes on by itself when the reasons are gone.")
    return {
        Status.DRAFT: _("Somebody saves it as NEW; until then it holds no pieces."),
        Status.NEW: _("The warehouse collects it."),
        Status.PENDING: _("It becomes NEW by itself when the stock covers it."),
        Status.RESERVED: _("It holds its pieces until somebody saves it as NEW."),
        Status.COLLECTING: _("Packed and shipped."),
    }.get(Status(order.status), "")


def _is_open_there(order: Order) -> bool:
    """As the shop was last read; of a part nothing can be said, for the shop knows the whole only."""
    is_whole = not order.part and not order.splits.exists()
    return order.is_shown and is_whole and any(line.open_in_shop for line in order.lines.all())


def _may_be_split(order: Order) -> bool:
    is_early = order.status in (Status.NEW, Status.PENDING, Status.RESERVED, Status.DRAFT)
    return is_early and not order.is_being_handed_over and order.pieces > 1


def _other_parts(order: Order) -> list[Order]:
    same = Order.objects.filter(merchant=order.merchant_id, shop=order.shop, number=order.number)
    return list(same.exclude(pk=order.pk).order_by("part"))


def _address_lines(address: Any) -> list[str]:
    """A billing address as it was read: a line for each part that says something."""
    if not isinstance(address, dict):
        return []
    code = str(address.get("country") or "")
    address = {**address, "country": countries.name(code) or code}
    keys = ("name", "company", "address", "address2", ("zip_code", "city"), "state", "country", "phone", "email")
    lines = [
        " ".join(str(address.get(part) or "") for part in ((key,) if isinstance(key, str) else key)).strip()
        for key in keys
    ]
    return [line for line in lines if line]


def _why_this_method(order: Order) -> str:
    if order.integration is None:
        return ""
    if order.is_method_chosen:
        return _("Chosen by hand.")
    resolver = Resolver.for_integration(order.integration)
    found = resolver.resolve(order.shop_method, order.ingrid_method, str(order.country))
    return found.why if found.method == order.method else ""  # links that changed since say nothing of it


# --- lines -----------------------------------------------------------------------------------


def _lines(order: Order) -> list[Line]:
    lines = list(order.lines.all())
    parts = _sku_parts(order, lines)
    products = {line.product_id for line in lines if line.product_id}
    stocks = Stock.objects.filter(warehouse=order.warehouse_id, product__in=products)
    on_hand = dict(stocks.values_list("product_id", "on_hand"))
    return [
        Line(
            line,
            parts.get(line.sku, (line.sku, "", "")),
            on_hand.get(line.product_id, 0) if line.product_id else None,
            line.product.picture_url if line.product else "",
        )
        for line in lines
    ]


def _sku_parts(order: Order, lines: list[OrderLine]) -> dict[str, tuple[str, str, str]]:
    """How the shop writes these SKUs; a line by hand has one part."""
    if order.integration is None:
        return {}
    items = WebshopProduct.objects.filter(integration=order.integration, sku__in={line.sku for line in lines})
    columns = items.values_list("sku", "sku_product", "sku_variant", "sku_size")
    return {sku: (one, two, three) for sku, one, two, three in columns}


# --- reasons to wait, and where each is mended ------------------------------------------------


def _reasons(order: Order, holds: Iterable[Hold], lines: Iterable[Line]) -> list[Reason]:
    products = {row.line.product.sku: row.line.product.pk for row in lines if row.line.product}
    is_open = any(row.line.open_in_shop for row in lines)
    there = There(_tabs_of_items(order, holds), products, is_open)
    return [Reason(hold, mend_of(order, hold, there)) for hold in holds]


def _tabs_of_items(order: Order, holds: Iterable[Hold]) -> dict[str, str]:
    """On which tab of Sync webshop products the SKUs stand that are held up."""
    skus = [hold.subject for hold in holds if hold.cause in OF_AN_ITEM]
    if not skus or order.integration is None:
        return {}
    items = WebshopProduct.objects.filter(integration=order.integration, sku__in=skus)
    return dict(items.order_by("tab").values_list("sku", "tab"))  # of several items the one with a problem


def mend_of(order: Order, hold: Hold, there: There) -> Mend | None:
    """The one link or button that mends it."""
    cause, merchant = Cause(hold.cause), order.merchant_id
    edit = Mend(_("Edit the order"), reverse("orders:edit", args=[merchant, order.pk]))
    if cause == Cause.CUSTOMS and hold.subject in there.products:
        return Mend(_("Open the product"), reverse("products:edit", args=[merchant, there.products[hold.subject]]))
    if cause in OF_AN_ITEM:
        return _mend_of_sku(order, hold, there.tabs) if order.integration else edit
    if cause == Cause.METHOD:
        return _mend_of_method(order, hold) or edit
    if cause in (Cause.WAREHOUSES, Cause.PAID_ELSEWHERE) and order.integration:
        address = reverse("integrations:edit", args=[merchant, order.integration.pk])
        return Mend(_("Open the settings"), address)
    if cause in (Cause.CAPTURE, Cause.REFUSED, Cause.SEVERAL):
        return Mend(_("Try capture again") if cause == Cause.CAPTURE else _("Try again"), act="capture")
    if cause == Cause.CHANGED and order.offered:
        return Mend(_("See the difference"), "#difference")
    if _is_to_be_cancelled(order, cause, is_open=there.is_open):
        return Mend(_("Cancel the order"), "#status")
    by_editing = (Cause.ADDRESS, Cause.PHONE, Cause.PICKUP_POINT, Cause.CUSTOMISATION, Cause.SENT)
    is_empty = cause == Cause.UNREADABLE and order.integration is None
    is_fewer = cause == Cause.CHANGED and hold.subject == "fewer"
    return edit if cause in by_editing or is_empty or is_fewer else _mend_of_shop(order, cause)


def _is_to_be_cancelled(order: Order, cause: Cause, *, is_open: bool) -> bool:
    """Whether nothing of it is left to send from here, or nobody asks its shop for it any more."""
    if cause in (Cause.CHANGED, Cause.SENT):
        return not is_open
    if order.integration is None:
        return False
    is_empty = cause == Cause.UNREADABLE and not order.facts.get("unreadable")
    return is_empty or (cause == Cause.NOT_SHOWN and order.shop != order.integration.shop)


def _mend_of_shop(order: Order, cause: Cause) -> Mend | None:
    """What the shop lets go: its settings where they decide, else the button that looks at it again."""
    if order.integration is None or cause is Cause.SHORT:
        return None
    address = reverse("integrations:edit", args=[order.merchant_id, order.integration.pk])
    if cause is Cause.NOT_CONFIRMED and order.shop_status == "pending":
        return Mend(_("Which orders are taken"), f"{address}#settings-orders")
    return Mend(_("Look again now"), f"{address}#look-intake")


def _mend_of_sku(order: Order, hold: Hold, tabs: dict[str, str]) -> Mend:
    if hold.cause == Cause.UNKNOWN_SKU and tabs.get(hold.subject) == Tab.GONE:
        return Mend(_("New product"), reverse("products:new", args=[order.merchant_id]))
    asked = {"shop": str(order.integration_id), "q": hold.subject}
    if hold.subject in tabs:
        asked["tab"] = tabs[hold.subject]
    address = reverse("products:sync", args=[order.merchant_id])
    return Mend(_("Sync webshop products"), f"{address}?{urlencode(asked)}")


def _mend_of_method(order: Order, hold: Hold) -> Mend | None:
    """Linking the shop's word frees all orders that say it; without a word a method is chosen in the order."""
    if not hold.subject or order.integration is None:
        return None
    address = reverse("orders:link", args=[order.merchant_id, order.integration.pk])
    return Mend(_("Link it"), f"{address}?{urlencode({'value': hold.subject})}")
