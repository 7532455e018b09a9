"""Orders: the list, and cancelling several of them."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.db.models import Count, IntegerField, Subquery
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from merchants.paging import LongList
from orders import moves
from orders.forms import WAITING, OrderFilter
from orders.models import Cause, Hold, Order, OrderQuerySet, Status
from orders.models.hold import OF_US, wait_for_somebody
from orders.models.order import NEWEST
from products.forms import Options

PER_PAGE = 50
MOST_COUNTED = 10_000  # beyond them the list says “more than” and asks for a narrower period
MOST_FOUND = 1_000  # the same where it was searched or narrowed, which no index counts
MOST_CHOSEN = 500
RARE = (Status.RETURNED, Status.LOCKED)  # their tabs show only where there are such orders


@require_safe
@merchant_view()
def index(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Orders."""
    words = OrderFilter(request.GET, merchant)
    orders = Order.objects.for_merchant(merchant)
    counts = _counts(merchant, orders)
    reasons = _reasons(merchant)
    _offer_reasons(words, reasons)
    found = words.narrow(words.on_tab(orders)).order_by(*words.order)
    most = MOST_FOUND if words.is_narrow else MOST_COUNTED
    page = LongList(found, PER_PAGE, filled=_filled(), known=_known(words, counts), most=most)
    context = {
        "filter": words,
        "page": page.get_page(request.GET.get("page")),
        "tabs": _tabs(words, counts),
        "total": sum(number for status, number in counts.items() if status != WAITING),
        "reasons": _grouped(reasons) if words.tab in (WAITING, Status.RESERVED) else [],
        "is_cut": page.is_cut,
        "most": MOST_COUNTED,
        "newest": NEWEST,
        "may_edit": request.membership.may(Permission.EDITS_ORDERS),
        "may_connect": request.membership.may(Permission.EDITS_SETTINGS),
        "acts": [{"value": "cancel", "label": _("Cancel orders")}],
    }
    return render(request, "orders/list.html", context)


def _filled() -> OrderQuerySet:
    """Orders with what a row shows, each kind read once."""
    rows = Order.objects.select_related("integration", "warehouse", "channel", "method__carrier")
    return rows.prefetch_related("holds", "lines")


class CountUpTo(Subquery):
    """How many rows a sliced query has: of a million of them no more than the slice is looked at."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _counts(merchant: Merchant, orders: OrderQuerySet) -> dict[str, int]:
    """Orders per status, read from an index, up to one more than are ever shown; and those that wait for a person."""
    each = [CountUpTo(orders.filter(status=status).order_by().values("pk")[: MOST_COUNTED + 1]) for status in Status]
    each.append(CountUpTo(wait_for_somebody(orders).order_by().values("pk")[: MOST_COUNTED + 1]))
    row = Merchant.objects.filter(pk=merchant.pk).order_by().values_list(*each).get()
    return dict(zip([*Status.values, WAITING], row, strict=True))


def _reasons(merchant: Merchant) -> list[tuple[Cause, int]]:
    """How many orders each kind of reason holds up, the most frequent first."""
    holds = Hold.objects.filter(order__merchant=merchant, order__status=Status.RESERVED).order_by()
    counted = holds.values_list("cause").annotate(orders=Count("order", distinct=True))
    return sorted(((Cause(cause), number) for cause, number in counted), key=lambda pair: -pair[1])


def _offer_reasons(words: OrderFilter, reasons: Iterable[tuple[Cause, int]]) -> None:
    """Only reasons that there are, with their numbers; the chosen one stays choosable."""
    known = [pair for pair in reasons if words.tab != WAITING or pair[0] in OF_US]
    choices: Options = [(cause.value, f"{cause.label} ({number_format(number)})") for cause, number in known]
    chosen = words.word("cause")
    if chosen and chosen not in [value for value, _label in choices]:
        choices.append((chosen, Cause(chosen).label))
    words.fields["cause"].widget.choices = [("", _("All reasons")), *choices]


def _grouped(reasons: list[tuple[Cause, int]]) -> list[tuple[str, str, list[tuple[Cause, int]]]]:
    """Those that somebody here can mend, and those of the shop: what is said of them, their tab, and they."""
    ours = [pair for pair in reasons if pair[0] in OF_US]
    theirs = [pair for pair in reasons if pair[0] not in OF_US]
    groups = [
        (_("Why they wait; one mend often frees many:"), WAITING, ours),
        (_("What only the shop can let go:"), Status.RESERVED.value, theirs),
    ]
    return [group for group in groups if group[2]]


def _known(words: OrderFilter, counts: dict[str, int]) -> int | None:
    """How many the tab has, where nothing else is asked."""
    if words.is_narrow:
        return None
    if words.tab:
        return counts.get(words.tab, 0)
    return sum(number for status, number in counts.items() if status != WAITING)


def _tabs(words: OrderFilter, counts: dict[str, int]) -> list[tuple[str, str, int | None, bool]]:
    """Value, word, number of orders, whether it is the one that is open."""
    shown = [status for status in Status if status not in RARE or counts.get(status) or words.tab == status]
    tabs: list[tuple[str, str, int | None]] = [("", _("All"), None)]
    tabs.append((WAITING, _("Waiting for you"), counts[WAITING]))
    tabs += [(status.value, str(status.label), counts.get(status, 0)) for status in shown]
    return [(value, word, number, value == words.tab) for value, word, number in tabs]


# --- cancelling several ----------------------------------------------------------------------


@require_POST
@merchant_view(changes=Permission.EDITS_ORDERS)
def cancel_many(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """*Cancel orders*: says first what would happen to each, then does it and says what came of it."""
    keys = [int(key) for key in request.POST.getlist("chosen")[:MOST_CHOSEN] if key.isdecimal() and len(key) < 19]
    orders = list(Order.objects.for_merchant(merchant).filter(pk__in=keys).prefetch_related("lines"))
    if not orders:
        messages.info(request, _("No order was chosen."))
        return redirect("orders:list", merchant.pk)
    if "yes" in request.POST:
        _cancel_all(request, orders)
        return redirect(reverse("orders:list", args=[merchant.pk]))
    return render(request, "orders/cancel.html", {"orders": orders, "groups": _groups(orders)})


def _groups(orders: list[Order]) -> list[dict[str, Any]]:
    """What cancelling would mean, as things stand."""
    kinds: list[tuple[str, str, Callable[[Order], bool]]] = [
        ("good", _("Cancelled at once; their pieces are free again."), _is_cancelled_at_once),
        ("wait", _("With the warehouse already: it is asked to stop, and answers."), _is_asked_for),
        ("bad", _("Cannot be cancelled; they are left as they are."), lambda order: True),
    ]
    left, groups = list(orders), []
    for tone, text, fits in kinds:
        chosen = [order for order in left if fits(order)]
        left = [order for order in left if order not in chosen]
        if chosen:
            groups.append({"tone": tone, "text": text, "orders": chosen})
    return groups


def _is_cancelled_at_once(order: Order) -> bool:
    return Status.CANCELLED in moves.may_become(order)


def _is_asked_for(order: Order) -> bool:
    return (order.is_being_handed_over or order.status == Status.COLLECTING) and not order.cancel_asked_at


def _cancel_all(request: MerchantRequest, orders: list[Order]) -> None:
    done, asked, refused = 0, 0, []
    for order in orders:
        if order.status == Status.CANCELLED:
            refused.append(_("%(order)s: it is CANCELLED already.") % {"order": order.label})
            continue
        was_asked = order.is_cancellation_open
        try:
            is_cancelled = moves.cancel(order, request.user.name)
        except moves.NotPossible as reason:
            refused.append(f"{order.label}: {reason}")
            continue
        if is_cancelled:
            done += 1
        elif was_asked:
            refused.append(_("%(order)s: the warehouse is asked already.") % {"order": order.label})
        else:
            asked += 1
    _say(request, done, asked, refused)


def _say(request: MerchantRequest, done: int, asked: int, refused: list[str]) -> None:
    """What came of each; together they are the chosen ones."""
    if done:
        messages.success(
            request, ngettext("%(n)d order is cancelled.", "%(n)d orders are cancelled.", done) % {"n": done}
        )
    if asked:
        sentence = ngettext(
            "For %(n)d order the warehouse is asked to stop.", "For %(n)d orders the warehouse is asked to stop.", asked
        )
        messages.info(request, sentence % {"n": asked})
    if refused:
        sentence = ngettext("%(n)d order is left as it was:", "%(n)d orders are left as they were:", len(refused))
        messages.error(
            request, " ".join([sentence % {"n": len(refused)}, *refused[:10], *(["…"] if refused[10:] else [])])
        )
