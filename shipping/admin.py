"""The staff's desk: what each warehouse offers, and the requests that wait for its answer. Only of one's own houses."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from integrations.admin import AsksFirst, NotMadeHere
from merchants.models import User, Warehouse
from merchants.templatetags.portal import clock
from shipping.models import Carrier, MerchantMethod, MerchantMethodQuerySet, ShippingMethod


@admin.register(Carrier)
class CarrierAdmin(admin.ModelAdmin[Carrier]):
    search_fields = ("name",)


@admin.register(ShippingMethod)
class ShippingMethodAdmin(AsksFirst, admin.ModelAdmin[ShippingMethod]):
    list_display = (
        "carrier",
        "service",
        "warehouse",
        "needs_activation",
        "needs_contract",
        "needs_phone",
        "needs_pickup_point",
        "has_tracking",
    )
    list_filter = (("warehouse", admin.RelatedOnlyFieldListFilter), "carrier", "needs_activation", "needs_contract")
    search_fields = ("service", "carrier__name")
    autocomplete_fields = ("carrier",)
    list_select_related = ("carrier", "warehouse")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ShippingMethod]:
        found: Any = super().get_queryset(request)
        return found.worked_by(request.user)  # type: ignore[no-any-return]

    def get_readonly_fields(self, request: HttpRequest, obj: ShippingMethod | None = None) -> tuple[str, ...]:
        """In its warehouse for good once a merchant has asked for it: orders go with it from there."""
        return ("warehouse",) if obj and obj.merchant_methods.exists() else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "warehouse":
            assert isinstance(request.user, User)
            kwargs["queryset"] = Warehouse.objects.worked_by(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class AnswerForm(ActionForm):
    """Beside the actions: what the warehouse says to the merchant."""

    answer = forms.CharField(label=_("Answer to the merchant:"), max_length=300, required=False)


@admin.register(MerchantMethod)
class MerchantMethodAdmin(NotMadeHere, admin.ModelAdmin[MerchantMethod]):
    """Requests waiting first. *Activate* and *Decline* are the only changes; the merchant is told by email."""

    list_display = ("merchant", "method_label", "warehouse", "needs_contract", "state", "requested", "answered", "told")
    list_filter = ("state", ("method__warehouse", admin.RelatedOnlyFieldListFilter))
    search_fields = ("merchant__name", "method__service", "method__carrier__name", "requested_by")
    list_select_related = ("merchant", "method__carrier", "method__warehouse")
    fields = readonly_fields = (
        "merchant",
        "method",
        "state",
        "requested_at",
        "requested_by",
        "answered_at",
        "answer",
        "told_at",
    )
    action_form = AnswerForm
    actions = ("activate", "decline")
    ordering = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[MerchantMethod]:
        found: Any = super().get_queryset(request)
        return found.worked_by(request.user).waiting_first()  # type: ignore[no-any-return]

    def get_ordering(self, request: HttpRequest) -> Any:
        return MerchantMethod.objects.waiting_first().query.order_by

    @admin.action(description=_("Activate"), permissions=["change"])
    def activate(self, request: HttpRequest, chosen: MerchantMethodQuerySet) -> None:
        """Active from now on; the merchant is told."""
        changed = _rows(chosen).answer(MerchantMethod.State.ACTIVE, _said(request))
        said = ngettext("%(n)d method is active.", "%(n)d methods are active.", changed) % {"n": changed}
        _tell(request, said if changed else "")

    @admin.action(description=_("Decline"), permissions=["change"])
    def decline(self, request: HttpRequest, chosen: MerchantMethodQuerySet) -> None:
        """Declined, or taken back; the merchant is told why."""
        answer = _said(request)
        if not answer:
            messages.error(request, _("Nothing was declined: write to the merchant why, in “Answer”."))
            return
        changed = _rows(chosen).answer(MerchantMethod.State.DECLINED, answer)
        said = ngettext("%(n)d method is declined.", "%(n)d methods are declined.", changed) % {"n": changed}
        _tell(request, said if changed else "")

    @admin.display(description=_("method"), ordering="method__carrier__name")
    def method_label(self, row: MerchantMethod) -> str:
        return row.method.label

    @admin.display(description=_("requested"), ordering="requested_at")
    def requested(self, row: MerchantMethod) -> SafeString:
        return _when(row.requested_at, row.requested_by)

    @admin.display(description=_("answered"), ordering="answered_at")
    def answered(self, row: MerchantMethod) -> SafeString:
        return _when(row.answered_at, row.answer)

    @admin.display(description=_("merchant told"), ordering="told_at")
    def told(self, row: MerchantMethod) -> SafeString:
        return clock(row.told_at, "bare")

    @admin.display(description=_("warehouse"), ordering="method__warehouse__code")
    def warehouse(self, row: MerchantMethod) -> str:
        return row.method.warehouse.code

    @admin.display(description=_("contract"), boolean=True)
    def needs_contract(self, row: MerchantMethod) -> bool:
        return row.method.needs_contract


def _when(at: datetime | None, words: str) -> SafeString:
    """One cell for a time and what belongs to it, so that the list fits its page."""
    return format_html("{}<br>{}", clock(at, "bare"), words) if words else clock(at, "bare")


def _tell(request: HttpRequest, sentence: str) -> None:
    """What was done; where nothing was, that and why."""
    if sentence:
        messages.success(request, sentence)
    else:
        messages.warning(request, _("Nothing was changed: the chosen methods were answered so before."))


def _said(request: HttpRequest) -> str:
    return " ".join(request.POST.get("answer", "").split())[:300]


def _rows(chosen: MerchantMethodQuerySet) -> MerchantMethodQuerySet:
    """The same rows without the list's order and joins, which an update cannot have."""
    return MerchantMethod.objects.filter(pk__in=list(chosen.order_by().values_list("pk", flat=True)))
