"""*The shop's methods*: what is shown, what a link would change, and what it changed."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration
from merchants.models import Merchant
from orders import links
from orders.models import Cause, Hold, Order, Status
from shipping.models import MerchantMethod, MethodLink
from shipping.resolve import Resolver
from tests import factories
from tests.shipping import things

pytestmark = pytest.mark.django_db
_numbers = count(70001)


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant)


@pytest.fixture
def collect(merchant: Merchant) -> MerchantMethod:
    return things.active(merchant, "Collect")


@pytest.fixture
def home(merchant: Merchant) -> MerchantMethod:
    return things.active(merchant, "Home")


def order(shop: Integration, word: str = "standard", **fields: Any) -> Order:
    """An order of the shop that lacks nothing but, perhaps, its method."""
    given = {
        "merchant": shop.merchant,
        "integration": shop,
        "shop": shop.shop,
        "number": str(next(_numbers)),
        "warehouse": shop.warehouse,
        "shop_method": word,
        "shop_status": "confirmed",
        "name": "Anna Åberg",
        "address": "Drottninggatan 1",
        "zip_code": "111 51",
        "city": "Stockholm",
        "country": "SE",
        **fields,
    }
    made = Order.objects.create(**given)
    item = factories.webshop_product(shop, product=factories.product(shop.merchant))
    made.lines.create(sku=item.sku, product=item.product, pieces=1, open_in_shop=1)
    return made


def held(shop: Integration, word: str = "standard", **fields: Any) -> Order:
    made = order(shop, word, **fields)
    Hold.objects.create(order=made, cause=Cause.METHOD, subject=word, text="not linked")
    return made


def words_url(shop: Integration) -> str:
    return reverse("orders:shop_methods", args=[shop.merchant_id])


def link_url(shop: Integration) -> str:
    return reverse("orders:link", args=[shop.merchant_id, shop.pk])


def unlink_url(link: MethodLink) -> str:
    return reverse("orders:unlink", args=[link.integration.merchant_id, link.pk])


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def save(page: Client, shop: Integration, value: str, to: MerchantMethod, *countries: str) -> Any:
    """As a person does it: look first, then Save what was looked at."""
    typed: dict[str, Any] = {"value": value, "method": to.pk, "countries": list(countries)}
    seen = page.post(link_url(shop), {**typed, "act": "preview"}).context["seal"]
    return page.post(link_url(shop), {**typed, "act": "save", "seen": seen}, follow=True)


# --- the words -----------------------------------------------------------------------------


def test_the_words_stand_with_their_counts_and_meanings_the_unlinked_first(
    page: Client, shop: Integration, collect: MerchantMethod
) -> None:
    things.link(shop, "standard", collect)
    things.word(shop, "standard", count=1402, last_seen_at=timezone.now())
    things.word(shop, "express", count=3)
    things.word(shop, "xyz-mypack", kind="ingrid")
    text = text_of(page.get(words_url(shop)))
    assert text.index("express") < text.index("xyz-mypack") < text.index("1,402")
    assert "PostNord Collect" in text
    assert "The shop said “standard”; linked by Kim Berg on 12 Nov." in text
    assert "The shop’s own word decides." in text


def test_a_word_says_how_many_orders_wait_for_it(page: Client, shop: Integration, collect: MerchantMethod) -> None:
    things.link(shop, "express", collect)
    things.word(shop, "Standard")
    held(shop, "standard")
    held(shop, " STANDARD")
    assert "2 orders wait for this." in text_of(page.get(words_url(shop)))


def test_countries_with_a_link_of_their_own_are_named(
    page: Client, shop: Integration, collect: MerchantMethod, home: MerchantMethod
) -> None:
    things.link(shop, "standard", collect)
    things.link(shop, "standard", home, "NO", "FI")
    things.word(shop, "standard")
    assert "<b>Finland, Norway</b>: PostNord Home" in text_of(page.get(words_url(shop)))


def test_words_are_searched_and_paged(page: Client, shop: Integration, collect: MerchantMethod) -> None:
    for number in range(60):
        things.word(shop, f"word {number}")
    things.word(shop, "Express")
    found = page.get(words_url(shop), {"q": "EXPR"})
    assert [row.word.value for row in found.context["page"]] == ["Express"]
    assert len(page.get(words_url(shop), {"page": 2}).context["page"]) == 11
    assert "No order used such a word." in text_of(page.get(words_url(shop), {"q": "nowhere"}))


def test_the_queries_do_not_grow_with_words_and_links(page: Client, shop: Integration, collect: MerchantMethod) -> None:
    counted = []
    for _turn in range(2):
        for _number in range(10):
            number = next(_numbers)
            things.word(shop, f"word {number}")
            things.link(shop, f"word {number}", collect)
        with CaptureQueriesContext(connection) as queries:
            page.get(words_url(shop))
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_without_a_shop_or_a_method_the_page_says_what_to_do(page: Client, merchant: Merchant) -> None:
    url = reverse("orders:shop_methods", args=[merchant.pk])
    assert "No webshop is connected yet" in text_of(page.get(url))
    shop = factories.integration(merchant)
    assert "No shipping method is active" in text_of(page.get(url))
    assert "No shipping method is active here yet" in text_of(page.get(link_url(shop)))


def test_another_merchants_shop_is_not_found(page: Client, shop: Integration) -> None:
    other = factories.integration()
    assert page.get(words_url(shop), {"shop": other.pk}).status_code == 404
    assert page.get(reverse("orders:link", args=[shop.merchant_id, other.pk])).status_code == 404


def test_who_may_only_look_sees_the_words_and_no_button(
    signed_in: Any, shop: Integration, collect: MerchantMethod
) -> None:
    things.word(shop, "standard")
    link = things.link(shop, "express", collect)
    viewer = signed_in(factories.viewer(shop.merchant))
    text = text_of(viewer.get(words_url(shop)))
    assert "standard" in text
    assert link_url(shop) not in text
    assert unlink_url(link) not in text
    assert viewer.post(link_url(shop), {"value": "a", "method": collect.pk, "act": "save"}).status_code == 403
    assert viewer.post(unlink_url(link)).status_code == 403
    assert MethodLink.objects.count() == 1


# --- before saving -------------------------------------------------------------------------


def test_the_preview_counts_what_would_change_and_nothing_else(
    shop: Integration, collect: MerchantMethod, home: MerchantMethod
) -> None:
    things.link(shop, "express", collect)
    month_ago = timezone.now() - timedelta(days=31)
    changing = [held(shop), order(shop, " Standard ", status=Status.NEW), order(shop, status=Status.DRAFT)]
    older = held(shop, placed_at=month_ago)
    order(shop, "express", status=Status.NEW, method=collect.method)
    order(shop, status=Status.NEW, is_method_chosen=True)
    order(shop, status=Status.NEW, method=home.method)
    order(shop, status=Status.CANCELLED)
    order(shop, status=Status.COLLECTING, method=collect.method)
    order(shop, status=Status.SHIPPED, placed_at=month_ago)
    order(factories.integration(shop.merchant, name="Fjord"))
    now = Resolver.for_integration(shop)
    link = MethodLink(integration=shop, value="standard", value_folded="standard", method=home)
    found = links.preview(shop, now, now.with_link(link))
    assert (found.total, found.changing, found.older, found.staying) == (8, 3, 1, 2)
    assert {change.order.pk for change in found.rows} == {one.pk for one in [*changing, older]}
    assert {change.becomes.method for change in found.rows} == {home.method}
    assert found.unshown == 0


def test_what_is_being_handed_over_with_a_shipment_does_not_change(
    shop: Integration, collect: MerchantMethod, home: MerchantMethod
) -> None:
    now = timezone.now()
    shipment = shop.shipments.create(shop=shop.shop, number="1")
    order(shop, status=Status.NEW, method=collect.method, handover_asked_at=now, shipment=shipment)
    asked = order(shop, status=Status.NEW, method=collect.method, handover_asked_at=now)
    things.link(shop, "standard", home)
    assert [one.pk for one in links.changeable(shop)] == [asked.pk]


def test_the_list_is_cut_and_says_how_many_more(page: Client, shop: Integration, collect: MerchantMethod) -> None:
    for _number in range(links.ROWS_SHOWN + 2):
        order(shop, status=Status.NEW)
    home = things.active(shop.merchant, "Home")
    text = text_of(page.post(link_url(shop), {"value": "stan*", "method": home.pk, "act": "preview"}))
    assert "52 of the last 30 days’ 52 orders would change" in text
    assert "and 2 more" in text
    assert not MethodLink.objects.exists()


def test_the_form_begins_with_the_word_and_shows_the_preview_where_nothing_is_left_to_choose(
    page: Client, shop: Integration, collect: MerchantMethod
) -> None:
    held(shop, "a&b=c")
    answer = page.get(link_url(shop), {"value": "a&b=c"})
    assert answer.context["preview"].changing == 1
    assert 'value="a&amp;b=c"' in text_of(answer)


def test_the_link_of_a_word_carries_it_whole(page: Client, shop: Integration, collect: MerchantMethod) -> None:
    things.word(shop, "a&b/c d")
    assert "?value=a%26b%2Fc%20d" in text_of(page.get(words_url(shop)))


def test_save_stores_only_what_was_looked_at(page: Client, shop: Integration, collect: MerchantMethod) -> None:
    typed: dict[str, Any] = {"value": "standard", "method": collect.pk, "act": "save"}
    for seen in ("", "express||1"):
        answer = page.post(link_url(shop), {**typed, "seen": seen})
        assert "Nothing is saved yet." in text_of(answer)
        assert not MethodLink.objects.exists()
    assert page.post(link_url(shop), {**typed, "seen": answer.context["seal"]}).status_code == 302
    assert MethodLink.objects.count() == 1


def test_a_second_window_does_not_save_over_a_link_that_it_never_showed(
    page: Client, shop: Integration, merchant: Merchant, collect: MerchantMethod
) -> None:
    other = things.active(merchant, "Parcel")
    typed: dict[str, Any] = {"value": "standard", "method": other.pk}
    second = page.post(link_url(shop), {**typed, "act": "preview"}).context["seal"]
    save(page, shop, "standard", collect)
    answer = page.post(link_url(shop), {**typed, "act": "save", "seen": second})
    assert "Nothing is saved yet." in text_of(answer)
    assert MethodLink.objects.get().method_id == collect.pk
    assert page.post(link_url(shop), {**typed, "act": "save", "seen": answer.context["seal"]}).status_code == 302
    assert MethodLink.objects.get().method_id == other.pk


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"value": " "}, "This field is required."),
        ({"value": "x" * 201}, "at most 200"),
        ({"method": ""}, "This field is required."),
        ({"countries": ["XX"]}, "XX"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    page: Client, shop: Integration, collect: MerchantMethod, typed: dict[str, Any], error: str
) -> None:
    given: dict[str, Any] = {"value": "standard", "method": collect.pk, "act": "save", **typed}
    assert error in text_of(page.post(link_url(shop), given))
    assert not MethodLink.objects.exists()


def test_only_the_merchants_active_methods_of_the_warehouse_can_be_linked(
    page: Client, shop: Integration, collect: MerchantMethod
) -> None:
    elsewhere = factories.warehouse()
    shop.merchant.warehouses.add(elsewhere)
    others = [
        things.active(shop.merchant, "Asked", state="requested"),
        things.active(shop.merchant, "Far", warehouse=elsewhere),
        things.active(factories.merchant(), "Foreign", warehouse=shop.warehouse),
    ]
    for other in others:
        answer = page.post(link_url(shop), {"value": "standard", "method": other.pk, "act": "preview"})
        assert "not active any more" in text_of(answer)


# --- after saving --------------------------------------------------------------------------


def test_saving_frees_what_it_explains(page: Client, shop: Integration, collect: MerchantMethod) -> None:
    things.active(shop.merchant, "Home")
    one, other = held(shop), held(shop, "express")
    text = text_of(save(page, shop, " Standard ", collect))
    assert "“Standard” means PostNord Collect now. 1 order changed. 1 waiting order is freed." in text
    one.refresh_from_db()
    other.refresh_from_db()
    assert one.method == collect.method
    assert one.is_promised
    assert not one.holds.exists()
    assert any("PostNord Collect. The shop said “standard”" in event.text for event in one.events.all())
    assert (other.status, other.method) == (Status.RESERVED, None)
    link = MethodLink.objects.get()
    assert (link.value, link.countries, link.linked_by) == ("Standard", [], "Kim Berg")


def test_a_method_that_needs_a_phone_holds_the_order_for_that_instead(
    page: Client, shop: Integration, collect: MerchantMethod
) -> None:
    needy = things.active(shop.merchant, "Home", needs_phone=True)
    one = order(shop, status=Status.NEW, method=collect.method)
    save(page, shop, "standard", needy)
    one.refresh_from_db()
    assert one.method == needy.method
    assert [hold.cause for hold in one.holds.all()] == [Cause.PHONE]


def test_what_the_warehouse_has_and_what_a_person_chose_stays(
    page: Client, shop: Integration, collect: MerchantMethod, home: MerchantMethod
) -> None:
    kept = [
        order(shop, status=Status.COLLECTING, method=collect.method),
        order(shop, status=Status.SHIPPED, method=collect.method, told_at=timezone.now()),
        order(shop, status=Status.NEW, method=collect.method, is_method_chosen=True),
    ]
    save(page, shop, "*", home)
    assert [Order.objects.get(pk=one.pk).method for one in kept] == [collect.method] * 3


def test_the_same_word_and_countries_replace_the_link(
    page: Client, shop: Integration, collect: MerchantMethod, home: MerchantMethod
) -> None:
    save(page, shop, "standard", collect, "SE", "NO")
    save(page, shop, "STANDARD", home, "NO", "SE")
    link = MethodLink.objects.get()
    assert (link.method, link.countries) == (home, ["NO", "SE"])
    answer = page.post(
        link_url(shop), {"value": "standard", "method": collect.pk, "countries": ["SE", "FI"], "act": "preview"}
    )
    assert "Linked to PostNord Home already: Sweden." in text_of(answer)
    save(page, shop, "standard", collect)
    assert MethodLink.objects.count() == 2


def test_unlinking_says_first_what_would_change_and_then_holds_it(
    page: Client, shop: Integration, collect: MerchantMethod, home: MerchantMethod
) -> None:
    link = things.link(shop, "standard", collect)
    things.link(shop, "express", home)
    one = order(shop, status=Status.NEW, method=collect.method)
    text = text_of(page.get(unlink_url(link)))
    assert "1 of the last 30 days’ 1 order would change" in text
    assert "none: it waits" in text
    assert MethodLink.objects.filter(pk=link.pk).exists()
    page.post(unlink_url(link))
    one.refresh_from_db()
    assert (one.status, one.method) == (Status.RESERVED, None)
    assert [hold.cause for hold in one.holds.all()] == [Cause.METHOD]
    assert page.post(unlink_url(link)).status_code == 404


def test_very_many_orders_are_changed_in_parts(
    shop: Integration, collect: MerchantMethod, home: MerchantMethod
) -> None:
    made = [order(shop, f"standard {number}", status=Status.NEW) for number in range(7)]
    things.link(shop, "stan*", home)
    first = links.apply(shop, limit=3)
    assert (first.changed, first.left) == (3, 4)
    assert links.catch_up(limit=2) == 2
    assert links.catch_up() == 2
    assert links.catch_up() == 0
    assert {Order.objects.get(pk=one.pk).method for one in made} == {home.method}


def test_a_method_that_became_active_is_taken_by_what_waits_for_it(shop: Integration) -> None:
    asked = things.active(shop.merchant, "Collect", state="requested")
    one = held(shop)
    assert links.catch_up() == 0
    MerchantMethod.objects.all().answer(MerchantMethod.State.ACTIVE, "")
    assert links.catch_up() == 1
    one.refresh_from_db()
    assert one.method == asked.method
    assert one.is_promised


def test_why_an_order_goes_as_it_does_is_not_said_by_links_that_came_later(
    page: Client, shop: Integration, collect: MerchantMethod, home: MerchantMethod
) -> None:
    """What the warehouse has goes on with the method that it had then."""
    link = MethodLink.objects.create(integration=shop, value="standard", method=collect, linked_by="Kim Berg")
    sent = order(shop, status=Status.COLLECTING, method=collect.method)
    said = "The shop said “standard”; linked by Kim Berg"
    assert said in page.get(sent.get_absolute_url()).content.decode()
    link.method = home
    links.save(link)
    text = page.get(sent.get_absolute_url()).content.decode()
    assert collect.method.service in text
    assert said not in text
    link.delete()
    assert "not linked" not in page.get(sent.get_absolute_url()).content.decode()
    waiting = order(shop, status=Status.RESERVED)
    assert "“standard” is not linked" in page.get(waiting.get_absolute_url()).content.decode()
