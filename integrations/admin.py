"""The staff's desk: how the connections do, and the buttons for a pipe that hangs. No secret is shown or taken here."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from integrations import doorbell, pipes
from integrations.installation_admin import InstallationAdmin  # noqa: F401  # registers its page
from integrations.models import Integration, SyncRun, SyncState
from integrations.settings_form import SettingsForm
from merchants.templatetags.portal import duration


class HealthFilter(admin.SimpleListFilter):
    """By what the pipes of an integration say."""

    title = _("health")
    parameter_name = "health"
    wanted = {
        "stopped": Q(is_paused=False) & ~Q(attention=""),
        "waiting": Q(is_paused=False, attention="", failed_attempts__gt=0),
        "paused": Q(is_paused=True),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("stopped", _("stopped")), ("waiting", _("waiting")), ("paused", _("paused"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.wanted.get(self.value() or "")
        return queryset.filter(self.matching(wanted)) if wanted else queryset

    def matching(self, wanted: Q) -> Q:
        """The rows of an integration whose pipes are so."""
        return Q(pk__in=SyncState.objects.filter(wanted).values("integration"))


class StateHealthFilter(HealthFilter):
    """The same for the pipes themselves."""

    def matching(self, wanted: Q) -> Q:
        return wanted


class AsksFirst:
    """Whoever may see nothing is not told either that nothing is there."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)  # type: ignore[misc]


class NotMadeHere(AsksFirst):
    """Rows that come from the portal or from work done; they go only together with what they belong to."""

    opts: Any

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own_page = f"{self.opts.app_label}_{self.opts.model_name}_"
        here = request.resolver_match.url_name if request.resolver_match else ""
        return not (here or "").startswith(own_page)


@admin.register(Integration)
class IntegrationAdmin(admin.ModelAdmin[Integration]):
    """Staff may name it and say whether it makes products by itself, and see every other setting but the key.

    Those have rules that only the merchant's form knows: whose stock a shop is told, from when on its orders are taken,
    which key goes with an address, what a change of them starts anew.
    """

    list_display = ("name", "merchant", "platform", "shop", "warehouse", "health_word", "created_at")
    list_filter = (HealthFilter, "platform", "warehouse", "creates_products")
    search_fields = ("name", "shop", "base_url", "merchant__name")
    shown: tuple[str, ...] = (
        "merchant",
        "platform",
        "base_url",
        "shop",
        "secret_print",
        "name",
        "warehouse",
        "time_zone",
        *SettingsForm.SETTINGS,
        "health_word",
        "health_sentence",
        "created_at",
    )
    fields = shown
    readonly_fields = tuple(sorted({*shown} - {"name", "creates_products"}))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Integration]:
        return super().get_queryset(request).with_states()  # type: ignore[attr-defined, no-any-return]

    @admin.display(description=_("health"))
    def health_word(self, integration: Integration) -> str:
        return integration.health().word

    @admin.display(description=_("what it says"))
    def health_sentence(self, integration: Integration) -> str:
        return integration.health().sentence or "-"


@admin.register(SyncState)
class SyncStateAdmin(NotMadeHere, admin.ModelAdmin[SyncState]):
    list_display = ("integration", "merchant", "pipe", "health_word", "last_succeeded_at", "next_run_at", "last_error")
    list_filter = (StateHealthFilter, "pipe")
    list_select_related = ("integration__merchant",)
    search_fields = ("integration__name", "integration__shop", "integration__merchant__name", "last_error")
    actions = ("try_again", "pause", "resume")
    ordering = ("next_run_at",)
    readonly_fields = (
        "integration",
        "pipe",
        "health_word",
        "last_error",
        "attention",
        "failed_attempts",
        "failing_since",
        "last_succeeded_at",
        "next_run_at",
        "is_paused",
        "asked_at",
        "asked_by",
        "leased_until",
        "synced_through",
        "completed_at",
        "place",
    )
    fields = readonly_fields

    @admin.display(description=_("merchant"), ordering="integration__merchant__name")
    def merchant(self, state: SyncState) -> str:
        return str(state.integration.merchant)

    @admin.display(description=_("health"))
    def health_word(self, state: SyncState) -> str:
        return state.health().word

    @admin.action(description=_("Try again now"), permissions=["change"])
    def try_again(self, request: HttpRequest, states: QuerySet[SyncState]) -> None:
        """Rings each; a paused one stays paused and is not counted."""

        def ring(state: SyncState) -> None:
            doorbell.ring(state.integration, state.pipe, asked_by=request.user.get_short_name())  # type: ignore[union-attr]

        running = states.filter(is_paused=False, pipe__in=pipes.PIPES)
        self._for_each(request, running, ring)

    @admin.action(description=_("Pause"), permissions=["change"])
    def pause(self, request: HttpRequest, states: QuerySet[SyncState]) -> None:
        self._for_each(request, states.filter(is_paused=False), SyncState.pause)

    @admin.action(description=_("Resume"), permissions=["change"])
    def resume(self, request: HttpRequest, states: QuerySet[SyncState]) -> None:
        self._for_each(request, states.filter(is_paused=True), SyncState.resume)

    def _for_each(self, request: HttpRequest, states: QuerySet[SyncState], act: Callable[[SyncState], None]) -> None:
        done = list(states.select_related("integration"))
        for state in done:
            act(state)
        said = ngettext("Done for %(n)d pipe.", "Done for %(n)d pipes.", len(done)) % {"n": len(done)}
        self.message_user(request, said, messages.SUCCESS if done else messages.WARNING)


@admin.register(SyncRun)
class SyncRunAdmin(NotMadeHere, admin.ModelAdmin[SyncRun]):
    list_display = ("started_at", "integration", "merchant", "pipe", "kind", "outcome", "counted", "took", "asked_by")
    list_filter = ("outcome", "pipe", "started_at")
    list_select_related = ("integration__merchant",)
    search_fields = ("integration__name", "integration__shop", "integration__merchant__name", "error")
    ordering = ("-started_at", "-pk")
    show_full_result_count = False

    def has_change_permission(self, request: HttpRequest, obj: SyncRun | None = None) -> bool:
        return False

    @admin.display(description=_("merchant"), ordering="integration__merchant__name")
    def merchant(self, run: SyncRun) -> str:
        return str(run.integration.merchant)

    @admin.display(description=_("counted"))
    def counted(self, run: SyncRun) -> str:
        return run.counted

    @admin.display(description=_("took"))
    def took(self, run: SyncRun) -> str:
        return duration(run.duration)
