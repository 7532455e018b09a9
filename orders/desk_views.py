"""The pages of our own at the desk for orders: parcels, pieces found, what came back, pick list, comment, buttons.

Each is reached with the keys of orders in its address, so that a reload shows it again; other houses' are not found.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders import desk
from orders.desk_access import OfTheHouse, who
from orders.desk_forms import CommentForm, FoundForm, ParcelForm, ReturnForm
from orders.models import Order, OrderLine, Status

MOST_ON_A_PAGE = 100  # four fields each, and a form has a thousand at most
MOST_SENTENCES = 50
KEY_DIGITS = 18
LIST = "admin:orders_order_changelist"


class DeskPages(OfTheHouse):
    """What the desk for orders has besides its list and its rows."""

    house = "warehouse"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view  # type: ignore[attr-defined]
        own = [
            path("ship/", view(self.ship), name="orders_order_ship"),
            path("pick-list/", view(self.pick_list), name="orders_order_pick_list"),
            path("<path:object_id>/found/", view(self.found), name="orders_order_found"),
            path("<path:object_id>/returned/", view(self.returned), name="orders_order_returned"),
            path("<path:object_id>/comment/", view(self.comment), name="orders_order_comment"),
            path("<path:object_id>/act/", view(self.act), name="orders_order_act"),
        ]
        return own + super().get_urls()  # type: ignore[misc, no-any-return]

    # --- Mark as shipped -------------------------------------------------------------------

    def ship(self, request: HttpRequest) -> HttpResponse:
        """A row per order. Those that are sent leave the page; the others stay with what was typed and why."""
        self.check_works(request)
        asked = self.asked_for(request).select_related("method__carrier", "merchant", "warehouse", "integration")
        orders = list(asked[:MOST_ON_A_PAGE])
        rest = [order for order in orders if order.status != Status.COLLECTING]
        forms = [ParcelForm(order, request.POST or None) for order in orders if order not in rest]
        if request.method == "POST":
            forms = self._ship_valid(request, forms)
        if not forms:
            self._say_left_out(request, rest)
            return redirect(LIST)
        address = address_of("ship", [form.order for form in forms])
        context = {"forms": forms, "rest": rest, "address": address, "is_tried": request.method == "POST"}
        return self._page(request, "admin/orders/ship.html", _("Mark as shipped"), context)

    def _ship_valid(self, request: HttpRequest, forms: list[ParcelForm]) -> list[ParcelForm]:
        """Send those whose row is right; returns the rows that are left."""
        right = [form for form in forms if form.is_valid()]
        left = [form for form in forms if form not in right]
        sent = 0
        for form in right:
            outcome = desk.mark_shipped([(form.order, form.parcel())], who(request))
            sent += len(outcome.done)
            for why in outcome.refusals:
                form.add_error(None, why)
                left.append(form)
        said = ngettext("%(n)d order is shipped.", "%(n)d orders are shipped.", sent) % {"n": sent}
        if sent:
            messages.success(request, said)
        return sorted(left, key=lambda form: (form.order.placed_at, form.order.pk))

    def _say_left_out(self, request: HttpRequest, rest: list[Order]) -> None:
        """Why there is nothing to type for these."""
        for order in rest:
            if order.status == Status.SHIPPED:
                messages.info(request, desk.already_shipped(order))
            else:
                said = _("%(order)s is %(status)s, not COLLECTING.")
                messages.warning(request, said % {"order": order.label, "status": order.status.upper()})

    # --- the pick list -----------------------------------------------------------------------

    def pick_list(self, request: HttpRequest) -> HttpResponse:
        """What to fetch, summed per SKU and per order, oldest first; to be printed."""
        self.check_works(request)
        asked = self.asked_for(request).select_related("merchant", "channel", "warehouse", "method__carrier")
        orders = list(asked.prefetch_related("lines__product")[: desk.MOST])
        listed = [order for order in orders if order.status in (Status.NEW, Status.COLLECTING)]
        rest = [order for order in orders if order not in listed]
        picks = desk.picks(listed)
        context = {
            "orders": [
                (order, [(line, desk.sku(line), desk.ean(line)) for line in desk.to_pick(order)]) for order in listed
            ],
            "picks": picks,
            "pieces": sum(pick.pieces for pick in picks),
            "rest": rest,
        }
        return self._page(request, "admin/orders/pick_list.html", _("Pick list"), context)

    # --- a short pick ------------------------------------------------------------------------

    def found(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enter pieces found: a row per line."""
        order = self.own_or_404(request, object_id)
        form = FoundForm(order, request.POST or None)
        if request.method == "POST" and form.is_valid():
            outcome = desk.found(order, form.pieces(), who(request))
            if outcome.done:
                messages.success(request, _("The pieces found of %(order)s are noted.") % {"order": order.label})
                return redirect("admin:orders_order_change", order.pk)
            for why in outcome.refusals:
                form.add_error(None, why)
        context = {"form": form, "rows": form.rows(), "original": order, "is_collecting": _is_collecting(order)}
        return self._page(request, "admin/orders/found.html", _("Pieces found"), context)

    # --- a parcel that came back -------------------------------------------------------------

    def returned(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A row per line: how many came back, and how many of these go on the shelf."""
        order = self.own_or_404(request, object_id)
        form = ReturnForm(order, request.POST or None)
        if request.method == "POST" and form.is_valid():
            outcome = desk.returned(order, form.back(), who(request), form.cleaned_data["comment"], form.shown())
            if outcome.done:
                messages.success(request, _("What came back of %(order)s is noted.") % {"order": order.label})
                return redirect("admin:orders_order_change", order.pk)
            order = self.own_or_404(request, object_id)
            form = ReturnForm(order, request.POST)  # what was typed, beside the figures as they are now
            for why in outcome.refusals:
                form.add_error(None, why)
        context = {"form": form, "rows": form.rows(), "original": order, "is_shipped": order.status == Status.SHIPPED}
        return self._page(request, "admin/orders/returned.html", _("Parcel came back"), context)

    # --- the warehouse’s comment -------------------------------------------------------------

    def comment(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the warehouse writes to the merchant about an order, however it stands."""
        order = self.own_or_404(request, object_id)
        form = CommentForm(request.POST or None, initial={"comment": order.warehouse_comment})
        if request.method == "POST" and form.is_valid():
            if form.has_changed():
                desk.comment(order, form.cleaned_data["comment"], who(request))
            messages.success(request, _("The comment on %(order)s is saved.") % {"order": order.label})
            return redirect("admin:orders_order_change", order.pk)
        return self._page(request, "admin/orders/comment.html", _("Comment"), {"form": form, "original": order})

    # --- the buttons of one order --------------------------------------------------------------

    def act(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One of the buttons of an order's page."""
        order = self.own_or_404(request, object_id)
        if request.method == "POST":
            self._do(request, request.POST.get("act", ""), [order])
        return redirect("admin:orders_order_change", order.pk)

    def _do(self, request: HttpRequest, act: str, orders: list[Order]) -> None:
        """Do it for each and say honestly what came of it."""
        if act == "collect":
            outcome = desk.mark_collecting(orders, who(request))
            said = ngettext(
                "%(n)d order is marked as collecting.", "%(n)d orders are marked as collecting.", len(outcome.done)
            )
        elif act in ("agree", "refuse"):
            outcome = desk.answer(orders, who(request), is_agreed=act == "agree")
            said = ngettext("%(n)d request is answered.", "%(n)d requests are answered.", len(outcome.done))
        else:
            raise Http404
        self.say(request, said % {"n": len(outcome.done)}, outcome)

    # --- what they share -----------------------------------------------------------------------

    def say(self, request: HttpRequest, sentence: str, outcome: desk.Outcome) -> None:
        """How many, and for each that was refused why; nothing is left out without its number being told."""
        if outcome.done:
            messages.success(request, sentence)
        else:
            messages.warning(request, _("Nothing was done."))
        for why in outcome.refusals[:MOST_SENTENCES]:
            messages.warning(request, why)
        more = len(outcome.refusals) - MOST_SENTENCES
        if more > 0:
            messages.warning(request, ngettext("And %(n)d more.", "And %(n)d more.", more) % {"n": more})

    def own_or_404(self, request: HttpRequest, object_id: str) -> Order:
        """One order of one's own warehouses."""
        self.check_works(request)
        order: Order | None = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if order is None:
            raise Http404
        return order

    def asked_for(self, request: HttpRequest) -> QuerySet[Order]:
        """The orders that the address names, of one's own warehouses, oldest first."""
        pks = keys(request.GET.get("orders", "").split("."))
        return self.get_queryset(request).filter(pk__in=pks).order_by("placed_at", "pk")

    def _page(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        site = self.admin_site  # type: ignore[attr-defined]
        common = {**site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, template, {**common, **context})


def _row(line: OrderLine) -> tuple[OrderLine, str, str]:
    """A line with the SKU and EAN by which the warehouse knows it."""
    return line, desk.sku(line), desk.ean(line)


def _is_collecting(order: Order) -> bool:
    return order.status == Status.COLLECTING


def keys(words: Iterable[str]) -> list[int]:
    """The words that can be keys; each once."""
    return list(dict.fromkeys(int(word) for word in words if word.isdecimal() and len(word) <= KEY_DIGITS))


def address_of(page: str, orders: Iterable[Order]) -> str:
    """A page of the desk about these orders."""
    named = ".".join(str(order.pk) for order in orders)
    return f"{reverse(f'admin:orders_order_{page}')}?{urlencode({'orders': named})}"


def go_to(page: str, orders: Iterable[Order]) -> HttpResponseRedirect:
    return HttpResponseRedirect(address_of(page, orders))
