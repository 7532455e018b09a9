"""What the front page says: the next step of a newcomer, what needs a person, how each shop does. Reads only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise

from integrations.models import Health, Integration, SyncRun, SyncState, Tone
from merchants.models import Merchant
from products.models import Product, Tab, WebshopProduct
from products.problems import Code

CAUSES_SHOWN = 8  # per shop; what is beyond is one more line


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps; `is_next` for the one to take now."""

    title: str
    text: str
    url: str
    action: str
    is_done: bool
    is_next: bool = False


@dataclass(frozen=True, slots=True)
class Attention:
    """One cause for which something waits, and the one link that mends it."""

    tone: Tone
    title: str
    text: str
    url: str
    action: str


@dataclass(slots=True)
class Shop:
    """One integration, as the front page shows it."""

    integration: Integration
    health: Health
    states: list[SyncState]
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def tabs(self) -> list[tuple[Tab, int, str]]:
        """Each tab of Sync webshop products with its number of items and its address."""
        return [(tab, self.counts[tab.value], self.address(tab)) for tab in Tab]

    def address(self, tab: Tab | None = None) -> str:
        """This shop on Sync webshop products."""
        address = reverse("products:sync", args=[self.integration.merchant_id]) + f"?shop={self.integration.pk}"
        return f"{address}&tab={tab.value}" if tab else address


@dataclass(slots=True)
class FrontPage:
    product_count: int
    sync_address: str
    shops: list[Shop]
    steps: list[Step] = field(default_factory=list)
    attention: list[Attention] = field(default_factory=list)

    @property
    def totals(self) -> dict[str, int]:
        """Items per tab over all shops."""
        return {tab.value: sum(shop.counts[tab.value] for shop in self.shops) for tab in Tab}

    @property
    def addresses(self) -> dict[str, str]:
        """Per tab, the shop with most of such items: a page shows one shop."""
        most = {tab: max(self.shops, key=lambda shop: shop.counts[tab.value], default=None) for tab in Tab}
        return {tab.value: shop.address(tab) if shop else self.sync_address for tab, shop in most.items()}


def look(merchant: Merchant) -> FrontPage:
    """Everything the page shows, in a number of queries that does not grow with the shops."""
    integrations = list(merchant.integrations.with_states())
    counts = _counts(integrations)
    shops = [Shop(one, one.health(), one.ordered_states(), counts[one.pk]) for one in integrations]
    sync = reverse("products:sync", args=[merchant.pk])
    page = FrontPage(Product.objects.for_merchant(merchant).count(), sync, shops)
    page.steps = first_steps(merchant, page)
    page.attention = [*_shops_in_trouble(merchant, shops), *_problems(shops)]
    return page


def _counts(integrations: list[Integration]) -> dict[int, dict[str, int]]:
    found = {one.pk: {tab.value: 0 for tab in Tab} for one in integrations}
    items = WebshopProduct.objects.filter(integration__in=integrations).order_by()
    for pk, tab, number in items.values_list("integration", "tab").annotate(Count("pk")):
        found[pk][tab] = number
    return found


def first_steps(merchant: Merchant, page: FrontPage) -> list[Step]:
    """The way of a newcomer, until it has been walked."""
    new = reverse("integrations:choose", args=[merchant.pk])
    fullest = max(page.shops, key=lambda shop: shop.total, default=None)
    sync = fullest.address() if fullest else page.sync_address
    read = any(shop.total for shop in page.shops)
    linked = page.totals[Tab.LINKED.value] > 0
    plan = [
        (
            _("Connect your webshop"),
            _("Make a plugin in Centra and paste its two texts here; the guide stands beside the form."),
            new,
            _("New Integration"),
            bool(page.shops),
        ),
        (
            _("Look at the shop’s products"),
            _("They are read in the background and stand on the left of the page."),
            sync,
            _("Sync webshop products"),
            read,
        ),
        (
            _("Create the products"),
            _("All or some: the warehouse keeps them by SKU = product + variant + size."),
            sync,
            _("Choose and create"),
            linked,
        ),
    ]
    if linked:
        return []
    done = [is_done for *_rest, is_done in plan]
    following = done.index(False)
    return [Step(*row, is_next=number == following) for number, row in enumerate(plan)]


def _shops_in_trouble(merchant: Merchant, shops: list[Shop]) -> list[Attention]:
    return [
        Attention(
            shop.health.tone,
            f"{shop.integration.label}: {shop.health.word}",
            shop.health.sentence,
            reverse("integrations:edit", args=[merchant.pk, shop.integration.pk]),
            _("Open integration"),
        )
        for shop in shops
        if shop.health.tone in (Tone.BAD, Tone.WAIT)
    ]


def _problems(shops: list[Shop]) -> list[Attention]:
    """Items with an SKU problem, grouped by cause and shop; the most frequent causes, then one line for the rest."""
    found = []
    for shop in shops:
        causes = _causes(shop) if shop.counts[Tab.PROBLEMS.value] else []
        found += [_items_wait(shop, number, code.label, code.value) for code, number in causes[:CAUSES_SHOWN]]
        if rest := sum(number for _code, number in causes[CAUSES_SHOWN:]):
            found.append(_items_wait(shop, rest, _("other problems"), ""))
    return found


def _causes(shop: Shop) -> list[tuple[Code, int]]:
    """How many items each cause holds up, the gravest first; an item with several counts for its first."""
    items = shop.integration.webshop_products.on_tab(Tab.PROBLEMS).order_by()
    numbers: Counter[Code] = Counter()
    for codes, number in items.values_list("problem_codes").annotate(number=Count("pk")):
        numbers[Code(codes.strip("|").split("|")[0])] += number
    return numbers.most_common()


def _items_wait(shop: Shop, number: int, what: StrOrPromise, code: str) -> Attention:
    address = shop.address(Tab.PROBLEMS)
    title = ngettext("%(n)d item waits: %(what)s", "%(n)d items wait: %(what)s", number)
    return Attention(
        Tone.WAIT,
        title % {"n": number, "what": what},
        _("In %(shop)s. The page says where to mend each.") % {"shop": shop.integration.label},
        f"{address}&problem={code}" if code else address,
        _("See them"),
    )


def last_runs(merchant: Merchant) -> list[SyncRun]:
    """The latest activity over all shops."""
    runs = SyncRun.objects.filter(integration__merchant=merchant).select_related("integration")
    return list(runs.latest_first()[:6])
