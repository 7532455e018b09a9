"""Every number of the front page that is a link opens a list that counts just that many."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration, SyncState
from merchants.models import Merchant
from orders import deleting, ledger
from orders.front import FrontPage, attention
from orders.models import SPLIT_PARTS, Cause, Order, SeenOrder, Status, Verdict
from products.models import ShopFigure
from products.problems import Code
from tests import factories

pytestmark = pytest.mark.django_db
numbers = count(80_001)


def order(merchant: Merchant, shop: Integration | None, *causes: tuple[Cause, str], **fields: Any) -> Order:
    """One that is held for these reasons; of a shop, its ledger has it as taken."""
    known = {"integration": shop, "shop": shop.shop if shop else "", "number": str(next(numbers))}
    status = Status.RESERVED if causes else Status.NEW
    made = factories.order(merchant, **{"status": status, **known, **fields})
    for cause, subject in causes:
        made.holds.create(cause=cause, subject=subject, text=f"Why: {cause.value}.")
    if shop:
        see(shop, made.number, Verdict.TAKEN)
    return made


def see(shop: Integration, number: str, verdict: Verdict, reason: str = "") -> None:
    now = timezone.now()
    seen = {"verdict": verdict, "reason": reason, "first_seen_at": now, "last_seen_at": now}
    SeenOrder.objects.get_or_create(integration=shop, number=number, defaults=seen)


def sweep(shop: Integration) -> None:
    """The ledger as the last sweep leaves it."""
    state = shop.state("intake")
    remembers = {"ledger": ledger.of_integration(shop), "swept_at": timezone.now().isoformat()}
    SyncState.objects.filter(pk=state.pk).update(remembers=remembers)


CHANGED = [(Cause.CHANGED, "cancelled"), (Cause.CHANGED, "fewer"), (Cause.CHANGED, "")]


def fill_shop(merchant: Merchant, shop: Integration) -> None:
    """Orders in every stand, some in parts, some held for several reasons."""
    now = timezone.now()
    for status in (Status.NEW, Status.PENDING, Status.COLLECTING, Status.DRAFT, Status.CANCELLED, Status.RESERVED):
        order(merchant, shop, status=status)
    for hours in (0, 24 * 3):
        sent = {"status": Status.SHIPPED, "shipped_at": now - timedelta(hours=hours)}
        order(merchant, shop, **sent, told_at=now)
        order(merchant, shop, **sent, tell_error="Refused.")
    order(merchant, shop, status=Status.CANCELLED, needs_refund=True)
    order(merchant, shop, status=Status.COLLECTING, facts={"short": "Not found."})
    ours = [
        (Cause.ADDRESS, ""),
        (Cause.METHOD, "Express"),
        (Cause.UNKNOWN_SKU, "FG7"),
        (Cause.CUSTOMS, "FG8"),
        *CHANGED,
    ]
    for cause in ours:
        for _twice in range(2):
            order(merchant, shop, cause)
    for theirs in ((Cause.PAYMENT, ""), (Cause.NOT_CONFIRMED, "")):
        order(merchant, shop, theirs)
        order(merchant, shop, theirs, (Cause.PAYMENT if theirs[0] is not Cause.PAYMENT else Cause.SUSPECT, ""))
        order(merchant, shop, theirs, (Cause.ADDRESS, ""), (Cause.PHONE, ""))
    fill_parts(merchant, shop)
    unreadable = order(merchant, shop, (Cause.UNREADABLE, ""))
    SeenOrder.objects.filter(integration=shop, number=unreadable.number).update(verdict=Verdict.UNREADABLE)
    see(shop, "left", Verdict.SKIPPED, "already sent")


def fill_parts(merchant: Merchant, shop: Integration) -> None:
    """The ledger counts numbers: none held, one held, both held for different reasons, the second for the shop."""
    held, waiting = ((Cause.ADDRESS, ""),), ((Cause.PAYMENT, ""),)
    for of_first, of_second in (((), ()), (held, ()), ((), held), (held, held), (held, waiting), (waiting, waiting)):
        first = order(merchant, shop, *of_first, part=1)
        order(merchant, shop, *of_second, number=first.number, part=SPLIT_PARTS + 1)


def fill_items(merchant: Merchant, shop: Integration) -> None:
    factories.webshop_product(shop)
    linked = factories.webshop_product(shop, product=factories.product(merchant))
    ShopFigure.objects.create(item=linked, told=4, braked_at=timezone.now())
    for codes in ((Code.NO_SKU,), (Code.NO_SKU, *list(Code)[2:4]), (list(Code)[2],)):
        factories.webshop_product(shop, problem_codes="".join(f"|{code}" for code in codes) + "|")


@pytest.fixture
def world(merchant: Merchant) -> Merchant:
    """Two shops, one that was deleted, and orders by hand, in all ways in which orders stand."""
    address = "https://{}.centra.com/api/order-api"
    names = ("first", "second", "third")
    shops = [factories.integration(merchant, name=name, base_url=address.format(name)) for name in names]
    for shop in shops:
        fill_shop(merchant, shop)
    deleting.delete(shops.pop(), "Kim")
    for shop in shops:
        fill_items(merchant, shop)
        sweep(shop)
    for cause in [(Cause.ADDRESS, ""), (Cause.UNKNOWN_SKU, "FG7"), (Cause.UNKNOWN_SKU, "FG9"), *CHANGED]:
        for _twice in range(2):
            order(merchant, None, cause)
    order(merchant, None, status=Status.SHIPPED, shipped_at=timezone.now())
    other = factories.merchant()
    fill_shop(other, factories.integration(other))
    return merchant


@dataclass(frozen=True)
class Number:
    """What the front page says, and where its link leads."""

    said: int
    label: str
    url: str


def linked_numbers(shown: FrontPage, merchant: Merchant) -> Iterator[Number]:
    """Every number that leads to a list; a mend, such as a form, is no list."""
    for stat in shown.stats:
        yield Number(stat.value, stat.label, stat.url)
    for one in shown.completeness:
        yield from (Number(part.value, part.label, part.url) for part in one.parts if part.url)
    for cause in shown.attention:
        if found := re.match(r"\d+", cause.title):
            yield Number(int(found[0]), cause.title, cause.url)
    yield Number(shown.product_count, "products", reverse("products:list", args=[merchant.pk]))
    yield from (Number(part.value, part.label, part.url) for part in shown.tabs if part.url)
    for shop in shown.shops:
        yield from (Number(number, str(tab.label), url) for tab, number, url in shop.tabs)


LISTS = ("orders:list", "products:sync", "products:list")


def is_list(number: Number, merchant: Merchant) -> bool:
    """Not where the link is a mend of the one thing that all of them wait for."""
    path, _mark, _words = number.url.partition("?")
    is_mend = "order" in number.label and path == reverse("products:sync", args=[merchant.pk])
    return not is_mend and (path in [reverse(name, args=[merchant.pk]) for name in LISTS] or "/stock" in path)


def behind(page: Client, url: str) -> int:
    return int(page.get(url).context["page"].paginator.count)


def test_every_linked_number_of_the_front_page_is_that_of_its_list(
    page: Client, world: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "GROUPS_SHOWN", 100)
    shown = page.get(reverse("orders:front_page", args=[world.pk])).context["front"]
    walked = [number for number in linked_numbers(shown, world) if is_list(number, world)]
    assert len(walked) > 40
    found = {(one.label, one.url): (one.said, behind(page, one.url)) for one in walked}
    assert {key: pair for key, pair in found.items() if pair[0] != pair[1]} == {}
    kinds = {"here", "held", "waiting for the shop", "could not be read", "SHIPPED today", "products"}
    assert kinds <= {one.label for one in walked if one.said}
    assert {"shop=hand", "shop=gone"} <= {word for one in walked for word in one.url.split("&")}


def test_items_of_several_shops_are_no_list_of_one(page: Client, world: Merchant) -> None:
    shown = page.get(reverse("orders:front_page", args=[world.pk])).context["front"]
    assert {part.label: bool(part.url) for part in shown.tabs if part.value} == {
        "new": False,
        "linked": False,
        "problems": False,
    }


@pytest.mark.parametrize("tab", ["waiting", "reserved"])
def test_every_number_above_the_list_of_orders_is_that_of_its_list(page: Client, world: Merchant, tab: str) -> None:
    url = reverse("orders:list", args=[world.pk])
    answer = page.get(url, {"status": tab})
    numbers = re.findall(r'<a [^>]*href="(\?[^"]*)"[^>]*>[^<]*<b[^>]*>(\d+)</b>', answer.content.decode())
    found = {words: (int(said), behind(page, url + unescape(words))) for words, said in numbers}
    assert {words: pair for words, pair in found.items() if pair[0] != pair[1]} == {}
    assert {words for words in found if "cause=" in words} >= {
        "?status=waiting&amp;cause=address",
        "?status=reserved&amp;cause=payment",
    }
    offered = re.findall(r'<option value="([^"]+)">[^<]* \((\d+)\)</option>', answer.content.decode())
    assert len(offered) > 5
    for cause, said in offered:
        assert behind(page, f"{url}?status={tab}&cause={quote(cause)}") == int(said), cause


def test_what_only_the_shop_can_free_waits_for_nobody_here(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    url = reverse("orders:list", args=[merchant.pk])
    order(merchant, shop, (Cause.PAYMENT, ""))
    both = order(merchant, shop, (Cause.PAYMENT, ""), (Cause.ADDRESS, ""), (Cause.PHONE, ""))
    for _twice in range(2):
        answer = page.get(url, {"status": "waiting"})
        assert [one.pk for one in answer.context["page"]] == [both.pk]
        assert ("waiting", "Waiting for you", 1, True) in answer.context["tabs"]
    Order.objects.get(pk=both.pk).holds.exclude(cause=Cause.PAYMENT).delete()
    assert behind(page, f"{url}?status=waiting") == 0
    assert behind(page, f"{url}?status=reserved") == 2


def test_what_the_list_is_narrowed_to_can_be_taken_back(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    order(merchant, shop, (Cause.CHANGED, "fewer"))
    url = reverse("orders:list", args=[merchant.pk])
    narrowed = {
        f"?cause=changed&which=%3Dfewer&shop={shop.pk}": ('<option value="=fewer" selected>fewer</option>', 1),
        "?cause=changed&which=%3D": ('<option value="=" selected>Nothing in particular</option>', 0),
        "?shop=gone": ('<option value="gone" selected>Of a shop that was deleted here</option>', 0),
        "?status=shipped&shipped=today": ('<option value="today" selected>Shipped today</option>', 0),
        f"?shop={shop.pk}&stands=held": ('<option value="held" selected>Held</option>', 1),
    }
    for words, (chosen, number) in narrowed.items():
        answer = page.get(url + words)
        assert chosen in answer.content.decode(), words
        assert answer.context["page"].paginator.count == number, words
        assert "Show all" in answer.content.decode()
    for nonsense in ("?which=fewer", "?stands=held", "?stands=held&shop=hand", "?shipped=never"):
        assert page.get(url + nonsense).status_code == 200, nonsense
