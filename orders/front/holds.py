"""Why orders wait, grouped: what the group waits for, where that is mended, and what one mend frees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from merchants.models import Merchant
from orders.front.addresses import order_list, sync_address, to
from orders.models import Cause, Hold, Status
from orders.models.hold import OF_THE_SHOP
from products.models import Product, Tab, WebshopProduct

GROUPS_READ = 200
UNFORESEEN = (Cause.WAREHOUSES, Cause.UNREADABLE)  # what becomes of these is known when they are read again
BY_HAND, GONE = "hand", "gone"  # what the list of orders calls orders of no shop, and of shops that were deleted
OF_AN_ITEM = (Cause.UNKNOWN_SKU, Cause.AMBIGUOUS_ITEM)


@dataclass(frozen=True, slots=True)
class Group:
    """Orders of one shop that wait for the same thing; `order` and `text` are those of one of them.

    Those that wait for a product’s customs data are one group, whichever shop they are of: `integration` is None.
    """

    cause: Cause
    subject: str
    integration: int | None
    number: int
    oldest: datetime
    order: int
    text: str
    alone: int = 0  # orders that wait for nothing else: what one mend frees
    place: str = ""  # the shop as the list of orders names it; "" for all
    product: int | None = None  # whose customs data is missing
    tab: str = ""  # of *Sync webshop products*, where the item stands that it waits for


def hold_groups(merchant: Merchant) -> list[Group]:
    """Reasons to wait, those that hold up most orders first."""
    holds = Hold.objects.filter(order__merchant=merchant, order__status=Status.RESERVED).order_by()
    shop = Case(When(cause=Cause.CUSTOMS, then=None), default=F("order__integration"))
    is_gone = Q(order__integration__isnull=True) & ~Q(order__shop="") & ~Q(cause=Cause.CUSTOMS)
    rows = holds.values("cause", "subject", shop=shop, gone=Case(When(is_gone, then=True), default=False)).annotate(
        number=Count("order", distinct=True),
        oldest=Min("since"),
        first=Min("order"),
        words=Min("text"),
        alone=Count("order", distinct=True, filter=~Exists(_further_reasons())),
        # Few, and added up by their cause: none of them may be left out.
        is_theirs=Max(Case(When(cause__in=OF_THE_SHOP, then=1), default=0)),
    )
    found = list(rows.order_by("-is_theirs", "-number", "oldest")[:GROUPS_READ])
    products, tabs = _places(
        merchant,
        [row["subject"] for row in found if row["cause"] == Cause.CUSTOMS],
        [row["subject"] for row in found if row["cause"] in OF_AN_ITEM],
    )
    return [
        Group(
            Cause(row["cause"]),
            row["subject"],
            row["shop"],
            row["number"],
            row["oldest"],
            row["first"],
            row["words"],
            row["alone"],
            _place(row),
            products.get(row["subject"]) if row["cause"] == Cause.CUSTOMS else None,
            tabs.get((row["shop"], row["subject"]), "") if row["cause"] in OF_AN_ITEM else "",
        )
        for row in found
    ]


def _places(
    merchant: Merchant, products: list[str], items: list[str]
) -> tuple[dict[str, int], dict[tuple[int, str], str]]:
    """Of these SKUs the products, and by shop the tabs of the items; of several items the one with a problem."""
    mine = Product.objects.for_merchant(merchant).filter(sku__in=products).order_by()
    theirs = WebshopProduct.objects.filter(integration__merchant=merchant, sku__in=items).order_by()
    rows = mine.annotate(shop=Value(0), place=Value("")).values_list("shop", "sku", "place", "pk")
    also = theirs.annotate(shop=F("integration"), place=F("tab")).values_list("shop", "sku", "place", "pk")
    found = list(rows.union(also, all=True).order_by("place")) if products or items else []
    return (
        {sku: pk for shop, sku, _place, pk in found if not shop},
        {(shop, sku): place for shop, sku, place, _pk in found if shop},
    )


def _place(row: Mapping[str, object]) -> str:
    """Which shop’s orders these are: of one, of one that was deleted, or made by hand."""
    if row["cause"] == Cause.CUSTOMS:
        return ""
    return str(row["shop"] or (GONE if row["gone"] else BY_HAND))


def _further_reasons() -> QuerySet[Hold]:
    """Other reasons of the same order."""
    return Hold.objects.filter(order=OuterRef("order")).exclude(pk=OuterRef("pk"))


def why(group: Group) -> str:
    if group.subject and group.cause is Cause.METHOD:
        return _("“%(word)s” is not linked to an active shipping method") % {"word": group.subject}
    if group.subject and group.cause is Cause.UNKNOWN_SKU:
        return _("SKU %(sku)s is linked to no product") % {"sku": group.subject}
    if group.subject and group.cause is Cause.AMBIGUOUS_ITEM:
        return _("SKU %(sku)s and its EAN name different items") % {"sku": group.subject}
    if group.subject and group.cause is Cause.CUSTOMS:
        return _("customs data of %(sku)s is missing") % {"sku": group.subject}
    return str(group.cause.label)


def effect(group: Group) -> str:
    """What one mend frees; for a single order, what exactly is the matter. Nothing where that cannot be known."""
    if group.number == 1 and not _says_it_all(group):
        return with_rest(group.text, 1, group.alone)
    if group.number == 1:
        free = _("%(mend)s frees it at once.") % {"mend": _one_mend(group)}
        return free if group.alone else _("It has further reasons.")
    if one := _one_mend(group):
        some = _("%(mend)s frees %(alone)d of them at once; the others have further reasons.")
        whole = _("%(mend)s frees both at once.") if group.number == 2 else _("%(mend)s frees all %(n)d at once.")
        text = whole if group.alone == group.number else some
        return text % {"mend": one, "n": group.number, "alone": group.alone}
    if group.cause in UNFORESEEN:
        return ""
    return with_rest(_("Each goes on by itself when it is mended."), group.number, group.alone)


def _says_it_all(group: Group) -> bool:
    """Whether `why` leaves nothing to be added by the reason of an order."""
    return bool(_one_mend(group) and group.subject) and group.cause in (Cause.METHOD, Cause.UNKNOWN_SKU)


def _one_mend(group: Group) -> str:
    """The one thing that frees all of a group; "" where each order is mended by itself."""
    if group.cause is Cause.METHOD and group.subject and group.integration:
        return _("Linking it")
    if group.cause is Cause.UNKNOWN_SKU:
        return _("Creating it")
    if group.cause is Cause.AMBIGUOUS_ITEM:
        return _("Mending it")
    if group.cause is Cause.CUSTOMS and group.product:
        return _("Filling it in")
    return _("Switching it on") if group.cause is Cause.PAID_ELSEWHERE else ""


def with_rest(text: str, number: int, alone: int) -> str:
    """What is true of each of these orders, and of how many nothing else is."""
    if alone == number:
        return text
    if not alone and number > 1:
        return f"{text} {_('Each has further reasons.')}"
    some = ngettext("%(n)d of them has no further reason.", "%(n)d of them have no further reason.", alone)
    return f"{text} {_('It has further reasons.') if number == 1 else some % {'n': alone}}"


def mend(merchant: Merchant, group: Group) -> tuple[str, str]:
    """Where it is mended, and what the link says."""
    shop = group.integration
    link = to("orders:link", merchant.pk, shop, value=group.subject) if shop and group.subject else ""
    if group.cause is Cause.METHOD and link:
        return link, _("Link it")
    if group.cause is Cause.UNKNOWN_SKU and group.tab == Tab.GONE:
        return to("products:new", merchant.pk), _("New product")
    if group.cause in OF_AN_ITEM and shop:
        is_ready = group.cause is Cause.UNKNOWN_SKU and group.tab in ("", Tab.NEW)
        word = _("Create product") if is_ready else _("See the items")
        return sync_address(merchant.pk, shop=shop, tab=group.tab, q=group.subject), word
    if group.product:
        return to("products:edit", merchant.pk, group.product), _("Open the product")
    if group.cause in (Cause.WAREHOUSES, Cause.PAID_ELSEWHERE) and shop:
        section = "orders" if group.cause is Cause.WAREHOUSES else "payment"
        return to("integrations:edit", merchant.pk, shop) + f"#settings-{section}", _("Open integration")
    if group.number == 1 and (url := to("orders:order", merchant.pk, group.order)):
        return url, _("Open order")
    words = {"cause": group.cause.value, "which": f"={group.subject}", "shop": group.place or shop}
    return order_list(merchant.pk, status=Status.RESERVED.value, **words), _("See them")


def by_itself(cause: Cause, number: int) -> str:
    if cause is Cause.NOT_SHOWN:
        return ngettext(
            "If it was cancelled there, cancel it here; else it goes on by itself when the shop shows it again.",
            "Cancel here what was cancelled there; the others go on by themselves when the shop shows them again.",
            number,
        )
    return ngettext(
        "It goes on by itself when the shop lets it go.", "Each goes on by itself when the shop lets it go.", number
    )
