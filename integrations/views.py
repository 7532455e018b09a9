"""One function per page: the integrations, the way to a new one, one with its pipes and its activity."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from integrations import activity, doorbell, pipes
from integrations.connectors import PLATFORMS, preview
from integrations.forms import ActivityFilter, IntegrationForm
from integrations.limits import one_question
from integrations.models import Integration, SyncRun
from integrations.probe import Findings, probe
from integrations.sync import NOTES_KEPT
from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission, Warehouse

RUNS_PER_PAGE = 50
INTAKE = "intake"  # the pipe that reads orders


@require_safe
@merchant_view()
def index(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """Edit Merchant → Integrations."""
    found = merchant.integrations.with_states()
    rows = [{"integration": one, "health": one.health(), "states": one.ordered_states()} for one in found]
    return render(request, "integrations/list.html", {"rows": rows, **_for_everyone(request)})


@require_safe
@merchant_view(reads=Permission.EDITS_SETTINGS)
def choose(request: MerchantRequest, merchant: Merchant) -> HttpResponse:
    """New Integration: which kind of shop."""
    return render(request, "integrations/choose.html", {"platforms": PLATFORMS})


@merchant_view(reads=Permission.EDITS_SETTINGS)
def new(request: MerchantRequest, merchant: Merchant, platform: str) -> HttpResponse:
    """The form with the guide beside it; Save asks the shop first."""
    if platform not in PLATFORMS:
        raise Http404
    blank = Integration(merchant=merchant, platform=platform, time_zone=merchant.time_zone)
    form = IntegrationForm(_posted(request), instance=blank)
    if request.method == "POST":
        return _answer(request, form, {})
    return _form_page(request, form, {})


@merchant_view(changes=Permission.EDITS_SETTINGS)
def edit(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """One integration: how it does, its form, its activity. A view-only user sees facts in place of the form."""
    integration = get_object_or_404(merchant.integrations.with_states(), pk=pk)
    edited = get_object_or_404(merchant.integrations, pk=pk)  # the page around the form shows what is stored
    form = IntegrationForm(_posted(request), instance=edited)
    context = _about(request, integration)
    if request.method == "POST":
        return _answer(request, form, context)
    return _form_page(request, form, context)


@require_safe
@merchant_view()
def live(request: MerchantRequest, merchant: Merchant, pk: int) -> HttpResponse:
    """What moves on an integration's page while work is under way: its pipes and its activity."""
    integration = get_object_or_404(merchant.integrations.with_states(), pk=pk)
    return render(request, "integrations/live.html", _about(request, integration))


@require_POST
@merchant_view(changes=Permission.EDITS_SETTINGS)
def pipe(request: MerchantRequest, merchant: Merchant, pk: int, key: str) -> HttpResponse:
    """Pause, Resume or Try again, pressed for one pipe."""
    integration = get_object_or_404(merchant.integrations, pk=pk)
    if key not in pipes.PIPES:
        raise Http404
    _press(request, integration, key)
    return redirect("integrations:edit", merchant.pk, pk)


@require_safe
@merchant_view()
def run(request: MerchantRequest, merchant: Merchant, pk: int, run_pk: int) -> HttpResponse:
    """One run in full: counts, notes, turns, interruptions."""
    integration = get_object_or_404(merchant.integrations, pk=pk)
    record = get_object_or_404(integration.runs, pk=run_pk)
    context = {
        "integration": integration,
        "run": record,
        "whole": activity.whole(record.counts),
        "parts": activity.parts(record.counts),
        "adds_up": activity.adds_up(record.counts),
        "beside": activity.beside(record.counts),
        "notes_are_cut": len(record.notes) >= NOTES_KEPT,
    }
    return render(request, "integrations/run.html", context)


# --- Save and Test -------------------------------------------------------------------------


def _answer(request: MerchantRequest, form: IntegrationForm, context: dict[str, Any]) -> HttpResponse:
    """Save or Test: look at the texts, ask the shop, and only then write."""
    findings = _ask(request, form) if form.is_valid() else None
    is_test = request.POST.get("act") == "test" and not form.non_field_errors()
    if findings and findings.field:
        form.add_error(findings.field, str(findings.error))
    elif findings and not is_test:
        form.weigh_move()
    coming = _coming(request, form, findings) if findings and not is_test and not form.errors else None
    if findings and not is_test and not form.errors and not coming and (saved := _saved(request, form, findings)):
        return saved
    context = {**context, "findings": findings, "is_test": is_test, "coming": coming}
    if request.headers.get("HX-Request"):
        return render(request, "integrations/includes/form.html", {**context, "form": form, "is_swapped": True})
    form.ask_for_token_again()
    return _form_page(request, form, context)


def _ask(request: MerchantRequest, form: IntegrationForm) -> Findings | None:
    """What the shop says to this key; nothing, and an error of the form, where this user must wait."""
    with one_question(request.user.pk) as refusal:
        if refusal:
            form.add_error(None, refusal)
            return None
        return probe(form.instance.platform, form.credentials())


def _coming(request: MerchantRequest, form: IntegrationForm, findings: Findings) -> preview.Preview | None:
    """The list of what an earlier time would bring; nothing where nothing comes, or the list was confirmed."""
    span = form.span
    if span is None or constant_time_compare(request.POST.get("confirmed", ""), form.confirmation):
        return None
    with one_question(request.user.pk) as refusal:
        if refusal:
            form.add_error(None, refusal)
            return None
        found = preview.look(form.instance.platform, form.credentials(), span, reads_shipments=form.reads_shipments)
    if found.error:
        text = _("The list of what would come in cannot be shown: %(why)s An earlier time is saved only after it.")
        form.add_error("takes_orders_since", text % {"why": found.error})
        return None
    return None if found.is_empty else found


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _form_page(request: MerchantRequest, form: IntegrationForm, context: dict[str, Any]) -> HttpResponse:
    platform = PLATFORMS[form.instance.platform]
    context = {**context, "form": form, "platform": platform, "sandbox_url": _sandbox_url(), **_for_everyone(request)}
    return render(request, "integrations/new.html" if form.is_new else "integrations/edit.html", context)


def _saved(request: MerchantRequest, form: IntegrationForm, findings: Findings) -> HttpResponse | None:
    """Where it leads; nothing, and an error of the form, where it could not be written after all."""
    is_new = form.is_new
    integration = _store(request, form)
    if integration is None:
        return None
    if findings.warning:
        messages.warning(request, _("Saved, but it does not work yet. %(why)s") % {"why": findings.warning})
    elif is_new:
        messages.success(request, _next_step(integration))
    else:
        messages.success(request, _("Saved. The shop answers and takes the API token."))
    address = reverse("integrations:edit", args=[integration.merchant_id, integration.pk])
    return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") else redirect(address)


@transaction.atomic
def _store(request: MerchantRequest, form: IntegrationForm) -> Integration | None:
    """Write it, and set its pipes going; not where its name is taken. One deleted meanwhile is a 404, not made anew."""
    Merchant.objects.select_for_update(no_key=True).get(pk=request.merchant.pk)
    form.validate_unique()
    if form.errors:
        return None
    if form.is_new and (made := form.pressed_before()):
        return made
    stored = _locked(form)
    if not form.is_new and stored is None:
        raise Http404
    if form.cleaned_data["sends_stock"] and (why := form.stock_is_told(form.cleaned_data)):
        form.add_error("sends_stock", why)
        return None
    if stored is None:
        return _started(request, form.save())
    form.hold_still(stored)
    if form.errors:
        return None
    form.agree_with(stored)
    integration = form.save()
    _take_along(request, form)
    integration.resume_after_change(other_shop=form.is_other_shop)
    if form.changes_what_comes_in and INTAKE in pipes.PIPES:
        _read_everything(request, integration, form)
    return integration


def _take_along(request: MerchantRequest, form: IntegrationForm) -> None:
    """What is here of the shop, where it is at another host now; and what its user has to do besides."""
    fellows = form.finish_move(request.user.name)
    if form.move and not form.is_other_shop:
        said = _("%(new)s is the same shop: what was here of %(old)s went along.")
        messages.success(request, said % {"new": form.move.new, "old": form.move.old})
    for fellow in fellows:
        said = _("“%(name)s” points at the new address too. Enter its API token again.")
        messages.warning(request, said % {"name": fellow.name})


def _locked(form: IntegrationForm) -> Integration | None:
    """The stored row, locked together with all that could tell the same stock or go along, in the order of their keys.

    No foreign key to it waits: whoever holds an order's lock must be able to finish. Of two new ones at the same moment
    the warehouse, locked first, lets one pass after the other.
    """
    typed = form.cleaned_data
    if typed["sends_stock"]:
        Warehouse.objects.select_for_update(no_key=True).get(pk=typed["warehouse"].pk)
    rivals = Q(sends_stock=True, warehouse=typed["warehouse"]) if typed["sends_stock"] else Q(pk__in=[])
    fellows = Q(merchant=form.move.merchant, shop=form.move.old) if form.move else Q(pk__in=[])
    wanted = Integration.objects.filter(rivals | fellows | Q(pk=form.instance.pk))
    rows = wanted.select_for_update(of=("self",), no_key=True).order_by("pk")
    return next((row for row in rows if row.pk == form.instance.pk), None)


def _read_everything(request: MerchantRequest, integration: Integration, form: IntegrationForm) -> None:
    """Orders looked at before mean something else now; a pass under way began with what was set before."""
    if not form.is_other_shop:
        integration.states.filter(pipe=INTAKE).update(place={})
    doorbell.ring(integration, INTAKE, asked_by=request.user.name)


def _started(request: MerchantRequest, integration: Integration) -> Integration:
    for key in pipes.PIPES:
        doorbell.ring(integration, key, asked_by=request.user.name)
    return integration


def _next_step(integration: Integration) -> str:
    address = reverse("products:sync", args=[integration.merchant_id])
    return format_html(
        '{} <a href="{}?shop={}">{}</a>',
        _("%(name)s is connected. Next, make products of what the shop has:") % {"name": integration.name},
        address,
        str(integration.pk),
        _("Sync webshop products"),
    )


# --- what the pages show -------------------------------------------------------------------


def _for_everyone(request: MerchantRequest) -> dict[str, Any]:
    return {"may_edit": request.membership.may(Permission.EDITS_SETTINGS), "now": timezone.now()}


def _about(request: MerchantRequest, integration: Integration) -> dict[str, Any]:
    """The integration with its pipes and one page of its activity."""
    states = integration.ordered_states()
    words = ActivityFilter(request.GET)
    return {
        "integration": integration,
        "health": integration.health(),
        "states": states,
        "is_moving": any(state.is_under_way for state in states),
        "halted": [state.pipe for state in states if state.is_paused and not state.is_running],
        "activity_filter": words,
        "runs": _runs(request, integration, words),
        **_for_everyone(request),
    }


def _runs(request: HttpRequest, integration: Integration, words: ActivityFilter) -> Page[SyncRun]:
    runs = Paginator(integration.runs.filter(**words.words).latest_first(), RUNS_PER_PAGE)
    return runs.get_page(request.GET.get("page"))


def _sandbox_url() -> str:
    """Where a newcomer without a Centra of his own can click the guide's steps."""
    return reverse("sandbox:home") if settings.SANDBOX else ""


# --- the buttons of a pipe -----------------------------------------------------------------


def _press(request: MerchantRequest, integration: Integration, key: str) -> None:
    state, act = integration.state(key), request.POST.get("act")
    if act == "pause":
        state.pause()
        messages.success(request, _("%(pipe)s is paused until you resume it.") % {"pipe": state.label})
    elif act == "resume":
        state.resume()
        messages.success(request, _("%(pipe)s goes on.") % {"pipe": state.label})
    elif act in ("try", "look"):
        _try_again(request, integration, key, is_look=act == "look")
    else:
        messages.error(request, _("Nothing was done: this button is not known."))


def _try_again(request: MerchantRequest, integration: Integration, key: str, *, is_look: bool) -> None:
    state = integration.state(key)
    if state.is_paused:
        messages.warning(request, _("%(pipe)s is paused. Resume it first.") % {"pipe": state.label})
        return
    doorbell.ring(integration, key, asked_by=request.user.name)
    said = _("%(pipe)s: everything is looked at again now.") if is_look else _("%(pipe)s is tried again now.")
    messages.success(request, said % {"pipe": state.label})
