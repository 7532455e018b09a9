"""The staff's desk for orders: what is to be collected, what is to be sent, and the buttons for it."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from merchants.paging import LongList
from merchants.templatetags.portal import clock
from orders import desk, desk_play
from orders import desk_integrations as desk_integrations  # integrations are deleted as this floor must have it
from orders import desk_rows as desk_rows  # registers what stands behind the orders
from orders.desk_access import ByMerchant, ByMethod, ByWarehouse, who
from orders.desk_views import MOST_ON_A_PAGE, DeskPages, go_to, keys
from orders.models import Event, Hold, Order, OrderLine, Status

TO_COLLECT, ALL = "to-collect", "all"
NEWEST_FIRST = {ALL, "untold", "untold-error"}


class StateFilter(admin.SimpleListFilter):
    """Where orders stand. Without a choice: to collect; while something is searched for: all."""

    title, parameter_name = _("state"), "state"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self.default = ALL if request.GET.get("q") else TO_COLLECT
        super().__init__(request, *args)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (TO_COLLECT, _("to collect")),
            ("handing-over", _("being handed over")),
            ("collecting", "COLLECTING"),
            ("cancel", _("cancellation requested")),
            ("short", _("fewer pieces found")),
            ("untold", _("SHIPPED, the shop not told")),
            ("untold-error", _("SHIPPED, the shop not told: error")),
            (ALL, _("all")),
        ]

    def value(self) -> str:
        chosen = super().value()
        return chosen if chosen in desk.STATES or chosen == ALL else self.default

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        wanted = desk.STATES.get(self.value())
        return queryset.filter(wanted()) if wanted else queryset

    def choices(self, changelist: ChangeList) -> Any:
        """Django's own, without its *All*, which ours replaces."""
        choices = list(super().choices(changelist))[1:]
        for choice, (key, _title) in zip(choices, self.lookup_choices, strict=True):
            choice["selected"] = self.value() == key
        return choices


class Shown:
    """Rows on the page of an order: to look at."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # who sees the order sees them

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LineInline(Shown, admin.TabularInline[OrderLine, Order]):
    model = OrderLine
    fields = readonly_fields = ("sku", "ean", "name", "pieces", "found", "returned", "bundle", "comment")


class HoldInline(Shown, admin.TabularInline[Hold, Order]):
    model = Hold
    fields = readonly_fields = ("cause", "text", "since")


class EventInline(Shown, admin.TabularInline[Event, Order]):
    model = Event
    fields = readonly_fields = ("at", "text", "who")


@admin.register(Order)
class OrderAdmin(DeskPages, admin.ModelAdmin[Order]):
    """Of a person only what the parcel needs. Changed by the actions and buttons alone."""

    list_display = ("label", "placed", "merchant", "house_code", "method_label", "pieces", "stands", "asked_to_cancel")
    list_filter = (StateFilter, ByWarehouse, ByMerchant, ByMethod)
    list_per_page = 100
    paginator = LongList
    search_fields = ("number",)
    search_help_text = _("Reference, name, tracking code or SKU")
    show_full_result_count = False
    actions = (
        "mark_as_collecting",
        "mark_as_shipped",
        "print_pick_list",
        "enter_pieces_found",
        "parcel_came_back",
        "agree_to_cancel",
        "too_late_to_cancel",
        "play_warehouse",
    )
    inlines = (LineInline, HoldInline, EventInline)
    parcel_fields = ("method_label", "pickup_point", "carrier", "service", "tracking_code", "parcels", "shop_shipment")
    address_fields = ("name", "company", "address", "address2", "zip_code", "city", "state", "country")
    times = ("handover_asked_at", "collected_at", "shipped_at", "told_at", "returned_at")
    fieldsets = (
        (None, {"fields": ("label", "stands", "asked_to_cancel", "merchant_name", "house_code", "shop", "placed_at")}),
        (_("Parcel"), {"fields": parcel_fields}),
        (_("Receiver"), {"fields": (*address_fields, "phone", "email")}),
        (_("Wishes"), {"fields": ("comment", "customisation", "warehouse_comment")}),
        (
            _("Times and errors"),
            {"fields": (*times, "handover_error", "tell_error")},
        ),
    )
    readonly_fields = (
        "label",
        "stands",
        "asked_to_cancel",
        "merchant_name",
        "house_code",
        "method_label",
        "shop_shipment",
    )

    # --- what is shown -----------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return desk.listed(super().get_queryset(request))  # type: ignore[arg-type]

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Oldest first, but where one looks back."""
        state = request.GET.get("state") or (ALL if request.GET.get("q") else TO_COLLECT)
        return ("-placed_at", "-pk") if state in NEWEST_FIRST else ("placed_at", "pk")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Order], search_term: str) -> Any:
        """As the merchants' list searches; a part is found by its label as on the pick list: “70412/1”."""
        words = re.sub(r"(\S)/\d+(?=\s|$)", r"\1", search_term)
        return queryset.search(words), False  # type: ignore[attr-defined]

    @admin.display(description=_("order"), ordering="number")
    def label(self, order: Order) -> str:
        return order.label

    @admin.display(description=_("placed"), ordering="placed_at")
    def placed(self, order: Order) -> SafeString:
        return clock(order.placed_at, zone="UTC")

    @admin.display(description=_("merchant"))
    def merchant_name(self, order: Order) -> str:
        return order.merchant.name

    @admin.display(description=_("warehouse"), ordering="warehouse__code")
    def house_code(self, order: Order) -> str:
        return order.warehouse.code

    @admin.display(description=_("shipping method"), ordering="method__carrier__name")
    def method_label(self, order: Order) -> str:
        return order.method.label if order.method else "–"

    @admin.display(description=_("pieces"), ordering="piece_count")
    def pieces(self, order: Any) -> int:
        return int(order.piece_count)

    @admin.display(description=_("state"), ordering="status")
    def stands(self, order: Order) -> str:
        return desk.state(order)

    @admin.display(description=_("cancellation"), ordering="cancel_asked_at")
    def asked_to_cancel(self, order: Order) -> str:
        return desk.cancellation(order) or "–"

    @admin.display(description=_("shipment in the shop"))
    def shop_shipment(self, order: Order) -> str:
        if order.shipment is None:
            return "–"
        address = reverse("admin:orders_shipment_change", args=[order.shipment.pk])
        return format_html('<a href="{}">{}</a>', address, order.shipment)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With the buttons that the order's state allows."""
        order: Order = kwargs["obj"] if "obj" in kwargs else args[-1]
        is_collecting = order.status == Status.COLLECTING
        may = {
            "collect": order.status == Status.NEW and not order.is_being_handed_over,
            "ship": is_collecting,
            "answer": is_collecting and order.is_cancellation_open,
            "pick": order.status in (Status.NEW, Status.COLLECTING),
            "return": order.status == Status.SHIPPED and order.returned < order.pieces,
        }
        return super().render_change_form(request, {**context, "may": may}, *args, **kwargs)

    # --- what is done --------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """*Play warehouse* only beside the stand-in."""
        actions = super().get_actions(request)
        if not settings.SANDBOX:
            actions.pop("play_warehouse", None)
        return actions

    def chosen(self, request: HttpRequest, found: QuerySet[Order]) -> list[Order]:
        """The orders ticked, oldest first, also those that left the list meanwhile: they get a sentence."""
        if request.POST.get("select_across") != "1":
            found = self.get_queryset(request).filter(pk__in=keys(request.POST.getlist(ACTION_CHECKBOX_NAME)))
        orders = list(found.order_by("placed_at", "pk")[: desk.MOST + 1])
        if len(orders) > desk.MOST:
            said = _("The oldest %(n)d were taken; press again for the rest.") % {"n": desk.MOST}
            self.message_user(request, said, "WARNING")
        return orders[: desk.MOST]

    @admin.action(description=_("Mark as collecting"), permissions=["act"])
    def mark_as_collecting(self, request: HttpRequest, found: QuerySet[Order]) -> None:
        self._do(request, "collect", self.chosen(request, found))

    @admin.action(description=_("Mark as shipped"), permissions=["act"])
    def mark_as_shipped(self, request: HttpRequest, found: QuerySet[Order]) -> HttpResponse:
        orders = self.chosen(request, found)
        if len(orders) > MOST_ON_A_PAGE:
            said = _("The oldest %(n)d are shown; choose the rest after them.") % {"n": MOST_ON_A_PAGE}
            self.message_user(request, said, "WARNING")
        return go_to("ship", orders[:MOST_ON_A_PAGE])

    @admin.action(description=_("Print pick list"), permissions=["act"])
    def print_pick_list(self, request: HttpRequest, found: QuerySet[Order]) -> HttpResponse:
        return go_to("pick_list", self.chosen(request, found))

    @admin.action(description=_("Enter pieces found"), permissions=["act"])
    def enter_pieces_found(self, request: HttpRequest, found: QuerySet[Order]) -> HttpResponse | None:
        orders = self.chosen(request, found)
        if len(orders) != 1:
            self.message_user(request, _("Choose one order to enter the pieces found."), "WARNING")
            return None
        return redirect("admin:orders_order_found", orders[0].pk)

    @admin.action(description=_("Parcel came back"), permissions=["act"])
    def parcel_came_back(self, request: HttpRequest, found: QuerySet[Order]) -> HttpResponse | None:
        orders = self.chosen(request, found)
        if len(orders) != 1:
            self.message_user(request, _("Choose one order to enter what came back."), "WARNING")
            return None
        return redirect("admin:orders_order_returned", orders[0].pk)

    @admin.action(description=_("Agree to cancel"), permissions=["act"])
    def agree_to_cancel(self, request: HttpRequest, found: QuerySet[Order]) -> None:
        self._do(request, "agree", self.chosen(request, found))

    @admin.action(description=_("Too late to cancel"), permissions=["act"])
    def too_late_to_cancel(self, request: HttpRequest, found: QuerySet[Order]) -> None:
        self._do(request, "refuse", self.chosen(request, found))

    @admin.action(description=_("Play warehouse"), permissions=["act"])
    def play_warehouse(self, request: HttpRequest, found: QuerySet[Order]) -> None:
        outcome = desk_play.ask(self.chosen(request, found), who(request))
        said = ngettext(
            "The warehouse is played for %(n)d order; it is sent in a moment.",
            "The warehouse is played for %(n)d orders; they are sent in a moment.",
            len(outcome.done),
        )
        self.say(request, said % {"n": len(outcome.done)}, outcome)
