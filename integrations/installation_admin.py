"""The staff's desk: whose database this is, and the switch for all writing to shops. One page, for there is one row."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from integrations import installation
from integrations.installation import Installation
from integrations.models import SyncState
from integrations.pipes import PIPES

ENTRIES = 20


@admin.register(Installation)
class InstallationAdmin(admin.ModelAdmin[Installation]):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The page; posted to, the switch, which does what its button said when the page was shown."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        here = installation.current()
        if request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            self._switch(request, here)
            return redirect("admin:integrations_installation_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Installation"),
            "opts": self.opts,
            "here": here,
            "ours": settings.INSTALLATION,
            "may_change": self.has_change_permission(request),
            "waits_for_look": not_looked_at(here),
            "history": history(here),
        }
        return TemplateResponse(request, "admin/integrations/installation.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect("admin:integrations_installation_changelist")

    def _switch(self, request: HttpRequest, here: Installation) -> None:
        wish = request.POST.get("wish")
        if "sure" not in request.POST or wish not in ("stop", "allow"):
            self.message_user(request, _("Nothing was changed: tick the box first."), messages.WARNING)
            return
        if (wish == "stop") == here.is_writing_stopped:
            self.message_user(request, _("It is so already; a colleague was faster."), messages.WARNING)
            return
        if wish == "stop":
            here.stop_writing(request.user.get_full_name() or request.user.get_username())  # type: ignore[union-attr]
            said = _("All writing to shops is stopped.")
        else:
            here.allow_writing()
            said = _("Shops are written to again.")
        self.log_change(request, here, said)
        self.message_user(request, said, messages.SUCCESS)


def not_looked_at(here: Installation) -> int:
    """Integrations of which a pipe has not read everything since the takeover; paused ones do not count."""
    if here.taken_over_at is None:
        return 0
    reading = [key for key, pipe in PIPES.items() if not pipe.writes]
    old = SyncState.objects.filter(Q(completed_at__isnull=True) | Q(completed_at__lt=here.taken_over_at))
    return old.filter(pipe__in=reading, is_paused=False).values("integration").distinct().count()


def history(here: Installation) -> Any:
    kind = ContentType.objects.get_for_model(Installation)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(here.pk)).select_related("user")
    return entries.order_by("-action_time")[:ENTRIES]
