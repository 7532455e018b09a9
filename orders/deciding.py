"""May this order go to the warehouse? Decided from what is stored, whether or not its shop answers.

    read     the order, its lines, the items and products they mean, the shop's words for shipping
    decide   reasons to wait (pure: `reasons`)
    write    no reason: NEW or PENDING, as the stock allows; else RESERVED with the reasons; reasons that went are gone

RESERVED without a reason is on purpose and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models import Integration, Tone
from orders import faults, promise
from orders.books import Books
from orders.matching import Match, Shelf
from orders.models import Cause, Hold, Order, OrderLine, OrderProcessing, Status
from orders.models.hold import MAY_BE_OVERRULED
from orders.territory import has_zip_codes, is_outside_customs_union
from products.models import Product, Tab, WebshopProduct
from shipping.models import ShippingMethod

BATCH = 200
# What deciding changes of an order that was stored just now.
DECIDED = ("status", "status_changed_at", "promised_at", "method", "customisation", "decided_at", "changed_at")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an order waits: a sentence, and what one mend would free."""

    cause: Cause
    text: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """All that deciding needs of one order."""

    order: Order
    lines: tuple[OrderLine, ...]
    matches: tuple[Match, ...]
    method: ShippingMethod | None
    is_method_usable: bool
    wishes: OrderProcessing
    integration: Integration | None


# --- decide --------------------------------------------------------------------------------


def reasons(case: Case) -> list[Reason]:
    """Every reason for which this order must wait, those of the shop first. Pure."""
    found = [*_of_the_shop(case)]
    if case.lines or not case.order.facts.get("unreadable"):
        # Of an order that only keeps its place nothing else can be said.
        found += [*_of_the_lines(case), *_of_shipping(case), *_of_the_address(case), *_of_customs(case)]
    overruled = set(case.order.overruled) & {cause.value for cause in MAY_BE_OVERRULED}
    return [reason for reason in found if reason.cause.value not in overruled]


def _of_the_shop(case: Case) -> Iterable[Reason]:
    order = case.order
    if order.integration is None:
        return
    if unreadable := order.facts.get("unreadable"):
        yield Reason(Cause.UNREADABLE, _("It could not be read: %(what)s") % {"what": unreadable})
    if order.shop and order.shop != order.integration.shop:
        facts = {"shop": order.shop, "other": order.integration.shop}
        said = _(
            "It is of %(shop)s, and its integration points at %(other)s now. If it came in again, cancel this one."
        )
        yield Reason(Cause.NOT_SHOWN, said % facts)
    elif not order.is_shown:
        yield Reason(
            Cause.NOT_SHOWN,
            _("The shop no longer shows this order: it was cancelled there or put on hold. The pieces stay reserved."),
        )
    if order.is_on_hold:
        yield Reason(Cause.SHOP_HOLD, _("On hold in the shop. It goes on when the shop resumes it."))
    if order.is_suspect:
        yield Reason(Cause.SUSPECT, _("The shop suspects fraud. Clear it in the shop."))
    if order.waits_for_payment:
        yield Reason(Cause.PAYMENT, _("The shop waits for the payment."))
    if order.shop_status == "pending" and not order.integration.takes_pending:
        yield Reason(Cause.NOT_CONFIRMED, _("Not confirmed in the shop yet."))
    if order.shop_status == "unknown":
        yield Reason(Cause.NOT_CONFIRMED, _("The shop shows a status that is not known here."))
    if order.shop_status == "cancelled":
        yield Reason(
            Cause.CHANGED, _("The shop cancelled this order; it is not cancelled here by itself."), "cancelled"
        )
    if order.offered:
        yield Reason(Cause.CHANGED, _("Changed in the shop after it was read: accept or refuse the difference."))
    yield from _of_what_is_open(case)
    for key, cause in _FACTS.items():
        if text := order.facts.get(key):
            yield Reason(cause, str(text))


def _of_what_is_open(case: Case) -> Iterable[Reason]:
    """Pieces that we would send and that are no longer open in the shop: taken off the order there, or sent there."""
    if case.order.shop_status == "cancelled" or not case.order.is_shown:
        return  # what is open there is not known
    lines = [line for line in case.lines if line.external_id and line.pieces]
    fewer = case.order.facts.get("fewer", {})
    lacking = {line.external_id: min(line.pieces, line.ordered) - line.open_in_shop for line in lines}
    is_some_open = any(line.open_in_shop for line in lines)
    if any(pieces > fewer.get(key, 0) for key, pieces in lacking.items() if pieces > 0):
        some = _("The shop has sent some of its pieces itself. Edit the order, or cancel it here.")
        yield Reason(
            Cause.SENT, some if is_some_open else _("The shop shows it as sent: nothing is open there. Cancel it here.")
        )
    elif any(pieces > 0 for pieces in lacking.values()) and not case.order.offered:
        some = _("The shop has taken some of its pieces off the order. Edit it, or cancel it here.")
        text = some if is_some_open else _("The shop has taken its pieces off the order. Cancel it here.")
        yield Reason(Cause.CHANGED, text, "fewer")


# What reading and handing over found; the sentence is the value.
_FACTS = {
    "several": Cause.SEVERAL,
    "sent": Cause.SENT,
    "capture": Cause.CAPTURE,
    "paid_elsewhere": Cause.PAID_ELSEWHERE,
    "refused": Cause.REFUSED,
    "short": Cause.SHORT,
    "warehouses": Cause.WAREHOUSES,
    "not_ready": Cause.NOT_CONFIRMED,
}


def _of_the_lines(case: Case) -> Iterable[Reason]:
    for line, match in zip(case.lines, case.matches, strict=True):
        if not line.pieces:
            continue
        what = {"sku": line.sku or line.ean or line.name}
        if match.is_ambiguous:
            yield Reason(
                Cause.AMBIGUOUS_ITEM,
                _("SKU %(sku)s and its EAN name different items, or several. See Sync webshop products.") % what,
                what["sku"][:200],
            )
        elif match.product is None:
            yield Reason(Cause.UNKNOWN_SKU, _unknown(case, match) % what, what["sku"][:200])
    if not any(line.pieces for line in case.lines) and not case.order.facts.get("unreadable"):
        yield Reason(Cause.UNREADABLE, _("It has no line with pieces to send."))
    if case.wishes.customisation == OrderProcessing.Customisation.STOP and case.order.customisation:
        yield Reason(
            Cause.CUSTOMISATION,
            _("Customisation is asked for: “%(text)s”") % {"text": case.order.customisation[:300]},
        )


def _unknown(case: Case, match: Match) -> str:
    if match.item is None:
        if case.integration is None:
            return _("There is no product with SKU %(sku)s.")
        return _(
            "SKU %(sku)s is linked to no product, and the shop’s catalogue does not show it. Press Refresh. "
            "If it stays so, make a product with this SKU."
        )
    to_create = _("SKU %(sku)s is linked to no product. Create product on Sync webshop products makes or links it.")
    return {
        Tab.IGNORED: _("SKU %(sku)s is ignored on Sync webshop products."),
        Tab.PROBLEMS: _("SKU %(sku)s is linked to no product: its item has a problem, see Sync webshop products."),
        Tab.GONE: _("SKU %(sku)s is not in myOGO, and gone from the shop. Make a product with this SKU."),
    }.get(Tab(match.item.tab), to_create)


def _of_shipping(case: Case) -> Iterable[Reason]:
    order, method = case.order, case.method
    if method is None:
        word = order.ingrid_method or order.shop_method
        if _has_moved(order):
            here = {"warehouse": order.warehouse.name}
            text = _("The shop’s links are for another warehouse now. Choose a shipping method of %(warehouse)s.")
            yield Reason(Cause.METHOD, text % here)
            return
        said = _("The shop’s “%(word)s” is not linked to an active shipping method.") % {"word": word}
        yield Reason(Cause.METHOD, said if word else _("No shipping method is chosen."), word[:200])
        return
    if not case.is_method_usable:
        said = _("%(method)s is not active for you any more. Choose another shipping method.")
        yield Reason(Cause.METHOD, said % {"method": method.label})
    if method.needs_pickup_point and not order.pickup_point:
        yield Reason(Cause.PICKUP_POINT, _("%(method)s needs a pick-up point.") % {"method": method.label})
    if method.needs_phone and not order.phone and not case.wishes.sends_without_phone:
        yield Reason(Cause.PHONE, _("%(method)s needs a phone number; the order has none.") % {"method": method.label})


def _of_the_address(case: Case) -> Iterable[Reason]:
    order = case.order
    missing = [
        label
        for label, is_there in (
            (_("name"), order.name or order.company),
            (_("address"), order.address or order.pickup_point),
            (_("zip code"), order.zip_code or not has_zip_codes(str(order.country))),
            (_("city"), order.city),
            (_("country"), order.country),
        )
        if not is_there
    ]
    if missing:
        yield Reason(Cause.ADDRESS, _("The address is incomplete: %(what)s missing.") % {"what": ", ".join(missing)})


def _of_customs(case: Case) -> Iterable[Reason]:
    """A reason for each product that lacks something, for it is mended there, once for all orders."""
    if not is_outside_customs_union(str(case.order.country), str(case.order.warehouse.country)):
        return
    for line, match in zip(case.lines, case.matches, strict=True):
        missing = _missing_for_customs(line, match.product or match.item, fills=case.wishes.fills_customs)
        if line.pieces and missing:
            sku = match.product.sku if match.product else line.sku or line.ean or line.name
            text = _("Outside the EU customs needs HS code and origin: %(what)s missing for %(sku)s.")
            yield Reason(Cause.CUSTOMS, text % {"what": ", ".join(missing), "sku": sku}, sku[:200])


def _missing_for_customs(line: OrderLine, thing: Product | WebshopProduct | None, *, fills: bool) -> list[str]:
    """What neither the line nor its product says, or the shop's item that a product would be made of.

    `fills`: the product completes what the line says in part; else both are the line's, or both the product's.
    """
    own = (line.hs_code, line.country_of_origin)
    other = (thing.hs_code, str(thing.country_of_origin)) if thing else ("", "")
    if all(own):
        return []
    known = [mine or theirs for mine, theirs in zip(own, other, strict=True)] if fills else other
    return [word for word, value in zip((_("HS code"), _("origin")), known, strict=True) if not value]


# --- read and write ------------------------------------------------------------------------


def decide(order: Order, books: Books | None = None) -> None:
    """Decide one order that is locked by the caller, within its transaction. Only orders that are not handed over.

    NEW, PENDING and RESERVED with reasons are decided anew; DRAFT and the closed ones are left as they are.
    """
    if order.status not in (Status.NEW, Status.PENDING, Status.RESERVED):
        return
    if order.is_being_handed_over and (order.shipment_id or order.is_cancellation_open):
        return  # the hand-over reads the shop itself and says what it found, or cancels as somebody asked
    case = look_up(order, books)
    found = reasons(case)
    _take_over_findings(case)
    before = list(order.holds.all())
    if order.status == Status.RESERVED and not before:
        promise.reserve_for(order)  # on purpose: what stands against it is said when somebody saves it as NEW
        return
    _write_holds(order, before, found)
    settle_status(order, found)


def recognise(order: Order) -> None:
    """Its lines and its method as `decide` will find them, and nothing decided yet. Not saved but for the lines."""
    _take_over_findings(look_up(order))


def enter(order: Order, who: str = "", books: Books | None = None, *, is_new: bool = False) -> None:
    """Somebody, or the reading, wants it to go to the warehouse: NEW or PENDING, or RESERVED with the reasons.

    `is_new`: stored in this transaction, so that nothing is held for it yet and all but what is decided is written.
    """
    case = look_up(order, books)
    found = reasons(case)
    _take_over_findings(case)
    _write_holds(order, list(order.holds.all()), found, who)
    settle_status(order, found, who, is_new=is_new)


def settle_status(order: Order, found: list[Reason], who: str = "", *, is_new: bool = False) -> None:
    """RESERVED where there are reasons, else NEW or PENDING as the stock allows; reservations follow."""
    before, was_asked = order.status, order.is_being_handed_over
    if found:
        order.set_status(Status.RESERVED)
        order.handover_asked_at, order.handover_error = None, ""
        promise.reserve_for(order, is_new=is_new)
    else:
        order.set_status(Status(before) if order.is_promised else Status.NEW)
        is_covered = promise.reserve_for(order, is_new=is_new)
        order.set_status(Status.NEW if is_covered else Status.PENDING)
        if not is_covered:
            order.handover_asked_at, order.handover_error = None, ""
    if not found and order.handover_asked_at is None:
        order.handover_asked_by = ""
    order.decided_at = timezone.now()
    order.save(update_fields=DECIDED if is_new else None)
    if order.status != before and not found:
        pieces = sum(line.pieces for line in order.lines.all())
        text = (
            ngettext("NEW: %(n)d piece reserved.", "NEW: %(n)d pieces reserved.", pieces)
            if order.status == Status.NEW
            else ngettext(
                "PENDING: %(n)d piece reserved, more than the stock covers.",
                "PENDING: %(n)d pieces reserved, more than the stock covers.",
                pieces,
            )
        )
        order.tell(text % {"n": pieces}, Tone.GOOD if order.status == Status.NEW else Tone.WAIT, who)
    if was_asked and order.handover_asked_at is None:
        order.tell(str(promise.UNMARKED), Tone.WAIT)


def decide_again(pks: Iterable[int]) -> int:
    """Decide these orders, each in its own transaction; returns how many were freed."""
    freed, books = 0, Books()
    for pk in sorted(pks):
        with faults.alone(f"Deciding order {pk}"), transaction.atomic():
            order = Order.objects.filter(pk=pk).select_related("integration", "merchant", "warehouse").lock().first()
            if order is None:
                continue
            was_held = order.status == Status.RESERVED
            decide(order, books)
            freed += was_held and order.is_promised
    return freed


def decide_held() -> int:
    """The orders that wait, those not looked at for longest first; returns how many were freed."""
    waiting = Order.objects.held().order_by("decided_at", "pk").values_list("pk", flat=True)
    return decide_again(list(waiting[:BATCH]))


def look_up(order: Order, books: Books | None = None) -> Case:
    books = books or Books()
    lines, method = tuple(order.lines.all()), _method(order, books)
    return Case(
        order,
        lines,
        _matches(order, lines, books),
        method,
        _is_usable(order, method, books),
        books.wishes(order.merchant),
        order.integration,
    )


def _matches(order: Order, lines: tuple[OrderLine, ...], books: Books) -> tuple[Match, ...]:
    skus, eans = {line.sku for line in lines}, {line.ean for line in lines}
    shelf = books.catalogue(order.integration, skus, eans) if order.integration else Shelf(order.merchant, skus)
    found = []
    for line in lines:
        # A line added here by hand names a product of the merchant, not an item of the shop.
        by_hand = not line.external_id and line.product is not None
        found.append(Match(product=line.product) if by_hand else shelf.match(line.sku, line.ean))
    nobody = [
        place for place, match in enumerate(found) if order.integration and _is_of_nobody(match, order.integration)
    ]
    if nobody:
        own = Shelf(order.merchant, skus)
        for place in nobody:
            found[place] = replace(found[place], product=own.match(lines[place].sku, "").product)
    return tuple(found)


def _is_of_nobody(match: Match, integration: Integration) -> bool:
    """Nobody can link what it names any more: the shop's item is gone and was never linked, or it has another SKU by
    now and the order still the old one. Then the merchant's own SKU counts."""
    if match.item is not None:
        return match.item.gone_at is not None and match.product is None
    is_named = match.product is not None or match.is_ambiguous
    return not is_named and integration.identifies_by == Integration.Identify.SKU


def _method(order: Order, books: Books) -> ShippingMethod | None:
    if order.is_method_chosen:
        return order.method
    if order.integration is None:
        return order.method or books.default_method(order)
    if _has_moved(order):
        return order.method if books.may_use(order, order.method) else None
    resolver = books.resolver(order.integration)
    return resolver.resolve(order.shop_method, order.ingrid_method, str(order.country)).method


def _is_usable(order: Order, method: ShippingMethod | None, books: Books) -> bool:
    """What the shop's words mean is always active; what a person chose may have been taken back since."""
    is_by_words = order.integration is not None and not order.is_method_chosen
    return is_by_words or method is None or books.is_active(order.merchant_id, method.pk)


def _has_moved(order: Order) -> bool:
    """Whether its shop's orders go to another warehouse by now: the words then mean methods of that one."""
    return order.integration is not None and order.integration.warehouse_id != order.warehouse_id


def _take_over_findings(case: Case) -> None:
    """The lines keep the product they mean, the order the method that was found."""
    differing = []
    for line, match in zip(case.lines, case.matches, strict=True):
        product = None if match.is_ambiguous else match.product
        if line.product_id != (product.pk if product else None):
            line.product = product
            differing.append(line)
    if differing:
        OrderLine.objects.bulk_update(differing, ["product"])
    case.order.method = case.method
    wishes = OrderProcessing.Customisation
    if case.wishes.customisation == wishes.REMOVE and case.order.customisation:
        case.order.tell(_("Customisation removed: “%(text)s”") % {"text": case.order.customisation[:300]})
        case.order.customisation = ""


def _write_holds(order: Order, before: list[Hold], found: list[Reason], who: str = "") -> None:
    """Rows for reasons that are new, none for those that went; both are told in the story."""
    wanted = {(reason.cause.value, reason.subject): reason for reason in found}
    had = {(hold.cause, hold.subject): hold for hold in before}
    for key, hold in had.items():
        if key not in wanted:
            hold.delete()
        elif hold.text != wanted[key].text:
            hold.text = wanted[key].text
            hold.save(update_fields=["text"])
    for key, reason in wanted.items():
        if key not in had:
            order.holds.create(cause=reason.cause, subject=reason.subject, text=reason.text)
            order.tell(_("Held: %(why)s") % {"why": reason.text}, Tone.WAIT, who)
    if had and not wanted:
        order.tell(_("Freed: no reason to wait is left."), Tone.GOOD, who)
    order.__dict__.get("_prefetched_objects_cache", {}).pop("holds", None)
