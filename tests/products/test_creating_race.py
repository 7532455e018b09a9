"""Rivals at the chosen items, for real: threads with connections of their own, on both databases."""

import pytest
from django.utils import timezone

from integrations.models import Integration
from products import creating
from products.models import Product
from products.outcome import Outcome
from tests import factories
from tests.integrations.test_race import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def shop_with(number: int) -> Integration:
    shop = factories.integration()
    for _number in range(number):
        factories.webshop_product(shop)
    return shop


def assert_no_error(results: list[object]) -> None:
    assert [one for one in results if isinstance(one, Exception)] == []


def test_two_people_who_press_at_once_share_a_record_and_choose_everything_once() -> None:
    shop = shop_with(40)
    assert_no_error(at_once([lambda: creating.want(shop, shop.webshop_products.all(), "Kim")] * 4))
    assert shop.runs.get().counts == {"chosen": 40}
    assert shop.webshop_products.wanted().count() == 40


def test_workers_a_button_and_an_ignore_at_once_lose_and_double_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "BATCH", 5)
    shop = shop_with(60)
    everything, first = shop.webshop_products.all(), shop.webshop_products.order_by("pk")[:30]
    creating.want(shop, everything.filter(pk__in=[item.pk for item in first]), "Kim")
    acts = [
        lambda: creating.work(shop.pk),
        lambda: creating.work(shop.pk),
        lambda: creating.want(shop, everything, "Ada"),
        lambda: everything.ignore(timezone.now()),
    ]
    assert_no_error(at_once(acts))
    creating.work(shop.pk)
    outcomes = [Outcome.of(record) for record in shop.runs.all()]
    assert not shop.webshop_products.wanted().exists()
    assert {run.outcome for run in shop.runs.all()} == {"succeeded"}
    for outcome in outcomes:
        assert outcome.chosen == outcome.created + sum(outcome.left.values())
    linked = shop.webshop_products.filter(product__isnull=False).count()
    assert sum(outcome.created for outcome in outcomes) == Product.objects.count() == linked


def test_two_shops_that_bring_the_same_skus_at_once_share_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "BATCH", 20)
    one = factories.integration()
    other = factories.integration(one.merchant, base_url="https://fjord.centra.com/api/wms")
    for number in range(60):
        factories.webshop_product(one, (f"FG{number}", "", ""))
        factories.webshop_product(other, (f"FG{59 - number}", "", ""))
    for shop in (one, other):
        creating.want(shop, shop.webshop_products.all(), "Kim")
    assert_no_error(at_once([lambda: creating.work(one.pk), lambda: creating.work(other.pk)]))
    assert Product.objects.count() == 60
    for shop in (one, other):
        assert shop.webshop_products.on_tab("linked").count() == 60
        assert shop.runs.get().outcome == "succeeded"
