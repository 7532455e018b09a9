"""*Stock in the shop*: what one shop was not told, or shows otherwise than told; and the two words a person may say."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q, TextChoices
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from integrations import doorbell
from integrations.models import Integration
from merchants.access import MerchantRequest, merchant_view
from merchants.models import Merchant, Permission
from products import brake
from products.formula import Formula, figures
from products.models import ShopFigure, WebshopProduct
from products.models.stock import ODD, ShopFigureQuerySet
from products.stock import KEY

PER_PAGE = 50


class Part(TextChoices):
    """The lists of the page; a row may stand in several."""

    WAITING = "waiting", gettext_lazy("Wait for approval")
    REFUSED = "refused", gettext_lazy("Refused")
    KEPT_UP = "kept-up", gettext_lazy("Kept up by open orders")
    DRIFT = "drift", gettext_lazy("Drift")
    ELSEWHERE = "elsewhere", gettext_lazy("Kept elsewhere in the shop")


IS_IN = {
    Part.WAITING: Q(braked_at__isnull=False),
    Part.REFUSED: ~Q(refused=""),
    Part.KEPT_UP: Q(clamped_at__isnull=False),
    Part.DRIFT: ~Q(drift=0) & Q(is_kept_elsewhere=False),
    Part.ELSEWHERE: Q(is_kept_elsewhere=True),
}
OLDEST_FIRST = {
    Part.WAITING: "braked_at",
    Part.REFUSED: "retry_at",
    Part.KEPT_UP: "clamped_at",
    Part.DRIFT: "drift_since",
    Part.ELSEWHERE: "drift_since",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list: what we have of the item, and what it should be."""

    figure: ShopFigure
    formula: Formula | None

    @property
    def item(self) -> WebshopProduct:
        return self.figure.item


@require_safe
@merchant_view()
def page(request: MerchantRequest, merchant: Merchant, integration_pk: int) -> HttpResponse:
    """What needs a look, in five lists."""
    integration = get_object_or_404(merchant.integrations.select_related("warehouse"), pk=integration_pk)
    rows = ShopFigure.objects.of(integration).filter(ODD)
    parts = {part.name: Count("pk", filter=IS_IN[part]) for part in Part}
    counted = rows.aggregate(**parts, last=Max("braked_at"))
    counts = {part: counted[part.name] for part in Part}
    part = _asked_for(request.GET, counts)
    words = request.GET.get("q", "").strip()[:100]
    found = _search(integration, rows.filter(IS_IN[part]), words).select_related("item__product")
    shown = Paginator(found.order_by(OLDEST_FIRST[part], "pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "integration": integration,
        "state": integration.state(KEY),
        "part": part,
        "parts": [(one, count, _address(merchant, integration, one)) for one, count in counts.items()],
        "page": shown,
        "lines": _lines(integration, list(shown)),
        "words": words,
        "everything": _address(merchant, integration, part),
        "through": counted["last"],
        "waiting": counts[Part.WAITING],
        "may_edit": request.membership.may(Permission.EDITS_SETTINGS),
    }
    return render(request, "products/shop_stock.html", context)


@require_POST
@merchant_view(changes=Permission.EDITS_SETTINGS)
def act(request: MerchantRequest, merchant: Merchant, integration_pk: int) -> HttpResponse:
    """*Approve* the zeros that were listed, or *Send again* what was refused or kept up."""
    integration = get_object_or_404(merchant.integrations, pk=integration_pk)
    work = ACTS.get(request.POST.get("act", ""))
    if work is None:
        messages.warning(request, _("Nothing was done: this button is not known here."))
    elif work(request, integration):
        doorbell.ring(integration, KEY, asked_by=request.user.name)
    return redirect("products:shop_stock", merchant.pk, integration.pk)


def _approve(request: MerchantRequest, integration: Integration) -> int:
    through = _moment(request.POST.get("through", ""))
    done = brake.approve(integration, through) if through else 0
    if not done:
        messages.info(request, _("Nothing was approved: nothing of what was listed waits any more."))
        return 0
    sentence = ngettext(
        "%(n)d item is approved; the shop is told zero now.",
        "%(n)d items are approved; the shop is told zero now.",
        done,
    )
    messages.success(request, sentence % {"n": done})
    return done


def _send_again(request: MerchantRequest, integration: Integration) -> int:
    resting = ShopFigure.objects.of(integration).filter(retry_at__gt=timezone.now())
    done = resting.change(retry_at=None)
    sentence = ngettext("%(n)d figure is sent again.", "%(n)d figures are sent again.", done)
    messages.success(request, sentence % {"n": done})
    return done


ACTS: dict[str, Callable[[MerchantRequest, Integration], int]] = {"approve": _approve, "again": _send_again}


def _asked_for(asked: QueryDict, counts: dict[Part, int]) -> Part:
    """The list that the address names; where it names none, the first that is not empty."""
    name = asked.get("show", "")
    if name in Part.values:
        return Part(name)
    return next((part for part, count in counts.items() if count), Part.WAITING)


def _search(integration: Integration, rows: ShopFigureQuerySet, words: str) -> ShopFigureQuerySet:
    return rows.filter(item__in=integration.webshop_products.search(words)) if words else rows


def _lines(integration: Integration, rows: list[ShopFigure]) -> list[Line]:
    formulas = figures(integration, [row.item for row in rows])
    return [Line(row, formulas.get(row.item_id)) for row in rows]


def _address(merchant: Merchant, integration: Integration, part: Part) -> str:
    return f"{reverse('products:shop_stock', args=[merchant.pk, integration.pk])}?show={part.value}"


def _moment(text: str) -> datetime | None:
    """An aware moment as the page wrote it; nothing for anything else."""
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found and timezone.is_aware(found) else None
