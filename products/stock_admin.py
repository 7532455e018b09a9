"""The staff's desk for goods: count announced ones in, correct what lies on the shelf. The ledger: ledger_admin.py.

Staff see the goods of the warehouses they work in.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import F, Model, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from products import adjusting, receiving, skus
from products.ledger_admin import OfOwnWarehouses, ReadOnly, WarehouseFilter
from products.models import Stock, StockUpdate, StockUpdateLine
from products.models.stock import NotEnough
from products.stock_desk import AdjustForm, ReceiveForm

LINES_PER_PAGE = 100


@admin.register(StockUpdate)
class StockUpdateAdmin(OfOwnWarehouses, admin.ModelAdmin[StockUpdate]):
    """What merchants announced; the warehouse counts it in on the page *Receive*."""

    warehouse = "warehouse"
    change_form_template = "products/stock_desk_update.html"
    list_display = (
        "number",
        "reference",
        "merchant",
        "warehouse_code",
        "expected_on",
        "status",
        "announced",
        "arrived",
    )
    list_filter = ("status", WarehouseFilter, ("merchant", admin.RelatedOnlyFieldListFilter), "expected_on")
    list_select_related = ("merchant", "warehouse")
    search_fields = (
        "number",
        "reference",
        "supplier",
        "tracking_codes",
        "merchant__name",
        "lines__product__sku",
    )
    show_full_result_count = False
    fields = (
        "number",
        "status",
        "merchant",
        "warehouse",
        "reference",
        "supplier",
        "expected_on",
        "containers",
        "pallets",
        "parcels",
        "delivered_by",
        "tracking_codes",
        "comment",
        "warehouse_comment",
        "arrived_at",
        "made_by",
        "created_at",
        "changed_at",
        "goods",
    )
    readonly_fields = tuple(name for name in fields if name != "warehouse_comment")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockUpdate]:
        sums = {"pieces": Sum("lines__expected"), "came": Sum("lines__received")}
        return super().get_queryset(request).annotate(**sums)  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: StockUpdate, form: Any, change: bool) -> None:
        """Only the comment: a colleague may have received meanwhile what this page read before."""
        obj.save(update_fields=["warehouse_comment", "changed_at"])

    @admin.display(description=gettext_lazy("warehouse"), ordering="warehouse__code")
    def warehouse_code(self, update: StockUpdate) -> str:
        return update.warehouse.code

    @admin.display(description=gettext_lazy("announced"), ordering="pieces")
    def announced(self, update: Any) -> int:
        return update.pieces or 0

    @admin.display(description=gettext_lazy("received"), ordering="came")
    def arrived(self, update: Any) -> int:
        return update.came or 0

    @admin.display(description=gettext_lazy("announced and received"))
    def goods(self, update: StockUpdate) -> str:
        """The first lines, as text: an inline would send two fields of each, and a form has a thousand at most."""
        lines = update.lines.select_related("product")[: LINES_PER_PAGE + 1]
        said = [
            _("%(sku)s: %(received)d of %(expected)d")
            % {"sku": line.product.sku, "received": line.received, "expected": line.expected}
            + (f" ({line.comment})" if line.comment else "")
            for line in lines[:LINES_PER_PAGE]
        ]
        return "\n".join([*said, "…"] if len(lines) > LINES_PER_PAGE else said)

    def get_urls(self) -> list[URLPattern]:
        receive = self.admin_site.admin_view(self.receive)
        close = self.admin_site.admin_view(self.close)
        own = [
            path("<path:object_id>/receive/", receive, name="products_stockupdate_receive"),
            path("<path:object_id>/close/", close, name="products_stockupdate_close"),
        ]
        return own + super().get_urls()

    def receive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Receive: a table of lines with announced, received so far, and the pieces that came now."""
        update: StockUpdate = self.own_or_404(request, object_id)
        words = request.GET.get("q", "")[:200].strip()
        page = Paginator(_lines(update, words), LINES_PER_PAGE).get_page(request.GET.get("page"))
        form = ReceiveForm(page, request.POST or None)
        try:
            if request.method == "POST" and form.is_valid() and self._received(request, update, form):
                return redirect(request.get_full_path())
        except receiving.Meanwhile as reason:
            # Shown anew and empty: whoever pressed twice has been counted already.
            self.message_user(request, str(reason), messages.ERROR)
            return redirect(request.get_full_path())
        is_open = update.status != StockUpdate.Status.CANCELLED
        context = {"form": form, "rows": form.rows(), "page": page, "words": words, "is_open": is_open}
        return _page(self, request, "products/stock_desk_receive.html", update, _("Receive"), context)

    def _received(self, request: HttpRequest, update: StockUpdate, form: ReceiveForm) -> bool:
        try:
            pieces = receiving.receive(
                update.pk,
                form.by_line("pieces"),
                _who(request),
                form.cleaned_data["comment"],
                shown=form.by_line("shown"),
                comments=form.by_line("comment"),
            )
        except receiving.Meanwhile:
            raise
        except receiving.NotReceived as reason:
            form.add_error(None, str(reason))
            return False
        said = ngettext("%(n)d piece is on the shelf.", "%(n)d pieces are on the shelf.", pieces) % {"n": pieces}
        self.log_change(request, update, said)
        self.message_user(request, said, messages.SUCCESS)
        return True

    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The rest does not come."""
        update: StockUpdate = self.own_or_404(request, object_id)
        if request.method == "POST":
            try:
                receiving.close(update.pk)
                self.log_change(request, update, _("Closed: the rest does not come."))
                self.message_user(request, _("Closed; the rest is no longer expected."), messages.SUCCESS)
            except receiving.NotReceived as reason:
                self.message_user(request, str(reason), messages.ERROR)
        return redirect("admin:products_stockupdate_change", update.pk)


class OwedFilter(admin.SimpleListFilter):
    title = gettext_lazy("available")
    parameter_name = "available"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("owed", _("owed")), ("none", _("none")), ("some", _("some"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Stock]) -> QuerySet[Stock]:
        if self.value() == "owed":
            return queryset.filter(on_hand__lt=F("reserved"))
        if self.value() == "none":
            return queryset.filter(on_hand=F("reserved"))
        return queryset.filter(on_hand__gt=F("reserved")) if self.value() == "some" else queryset


@admin.register(Stock)
class StockAdmin(ReadOnly, admin.ModelAdmin[Stock]):
    """What lies where. Changed only through *Adjust*, which writes the ledger."""

    warehouse = "warehouse"
    list_display = (
        "sku",
        "name",
        "merchant",
        "warehouse_code",
        "on_hand",
        "reserved",
        "available",
        "coming",
        "act",
    )
    list_filter = (WarehouseFilter, OwedFilter, ("product__merchant", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("product__merchant", "warehouse")
    search_fields = ("product__sku", "product__sku_folded", "product__name", "product__ean")
    show_full_result_count = False
    ordering = ("product__sku", "pk")
    fields = ("product", "warehouse", "on_hand", "reserved", "available", "changed_at")
    readonly_fields = fields
    change_form_template = "products/stock_desk_stock.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Stock]:
        return super().get_queryset(request).with_coming()  # type: ignore[attr-defined, no-any-return]

    @admin.display(description=gettext_lazy("SKU"), ordering="product__sku")
    def sku(self, stock: Stock) -> str:
        return stock.product.sku

    @admin.display(description=gettext_lazy("product"), ordering="product__name")
    def name(self, stock: Stock) -> str:
        return stock.product.name

    @admin.display(description=gettext_lazy("merchant"), ordering="product__merchant__name")
    def merchant(self, stock: Stock) -> str:
        return stock.product.merchant.name

    @admin.display(description=gettext_lazy("warehouse"), ordering="warehouse__code")
    def warehouse_code(self, stock: Stock) -> str:
        return stock.warehouse.code

    @admin.display(description=gettext_lazy("available"), ordering=F("on_hand") - F("reserved"))
    def available(self, stock: Stock) -> str:
        return _("%(n)d owed") % {"n": stock.owed} if stock.owed else str(stock.available)

    @admin.display(description=gettext_lazy("coming"), ordering="coming")
    def coming(self, stock: Any) -> int:
        return int(stock.coming)

    @admin.display(description="")
    def act(self, stock: Stock) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("admin:products_stock_adjust", args=[stock.pk]), _("Adjust"))

    def get_urls(self) -> list[URLPattern]:
        adjust = self.admin_site.admin_view(self.adjust)
        return [path("<path:object_id>/adjust/", adjust, name="products_stock_adjust"), *super().get_urls()]

    def adjust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Adjust: a new figure or a difference, with a reason."""
        stock: Stock = self.own_or_404(request, object_id)
        form = AdjustForm(request.POST or None, initial={"shown": stock.on_hand})
        try:
            if request.method == "POST" and form.is_valid() and self._adjusted(request, stock, form):
                return redirect("admin:products_stock_change", stock.pk)
        except adjusting.Meanwhile as reason:
            self.message_user(request, str(reason), messages.ERROR)
            return redirect(request.path)
        return _page(self, request, "products/stock_desk_adjust.html", stock, _("Adjust"), {"form": form})

    def _adjusted(self, request: HttpRequest, stock: Stock, form: AdjustForm) -> bool:
        try:
            movement = adjusting.adjust(stock.product, stock.warehouse, who=_who(request), **form.cleaned_data)
        except adjusting.Meanwhile:
            raise
        except (adjusting.NotAdjusted, NotEnough) as reason:
            form.add_error(None, str(reason))
            return False
        said = _("On hand is %(now)d now (%(pieces)+d).") % {"now": movement.on_hand, "pieces": movement.pieces}
        self.log_change(request, stock, said)
        self.message_user(request, said, messages.SUCCESS)
        return True


def _lines(update: StockUpdate, words: str) -> QuerySet[StockUpdateLine]:
    """The lines whose SKU or EAN holds what was typed or scanned; all where nothing was."""
    lines = update.lines.select_related("product")
    return lines.filter(Q(product__sku_folded__contains=skus.fold(words)) | Q(product__ean=words)) if words else lines


def _who(request: HttpRequest) -> str:
    return str(request.user.get_full_name() or request.user)[:120]  # type: ignore[union-attr]


def _page(
    desk: admin.ModelAdmin[Any], request: HttpRequest, template: str, row: Model, title: str, context: dict[str, Any]
) -> HttpResponse:
    """A page of our own within the desk."""
    common = {**desk.admin_site.each_context(request), "opts": desk.opts, "original": row, "title": f"{title} · {row}"}
    return TemplateResponse(request, template, {**common, **context})
