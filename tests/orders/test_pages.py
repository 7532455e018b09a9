"""The front page, and deleting an integration."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration, SyncState
from merchants.models import Merchant, User
from orders.models import Status
from products.models import Product
from products.problems import Code, Problem
from tests import factories

pytestmark = pytest.mark.django_db


def front_page(client: Client, merchant: Merchant) -> str:
    response = client.get(reverse("orders:front_page", args=[merchant.pk]))
    assert response.status_code == 200
    return response.content.decode()


def test_a_newcomer_is_told_the_first_step(page: Client, merchant: Merchant) -> None:
    text = front_page(page, merchant)
    assert "Connect your webshop" in text
    assert reverse("integrations:choose", args=[merchant.pk]) in text
    assert "No webshop yet" in text


def test_the_steps_follow_what_was_done(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    assert front_page(page, merchant).count('class="done"') == 1
    item = factories.webshop_product(shop)
    assert front_page(page, merchant).count('class="done"') == 2
    item.product = factories.product(merchant)
    item.save()
    assert front_page(page, merchant).count('class="done"') == 3


def test_a_stopped_shop_and_its_problems_stand_first_with_their_mend(page: Client, merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    sentence = "The shop refused the API token."
    state = shop.state("refresh")
    SyncState.objects.filter(pk=state.pk).update(attention="bad key", last_error=sentence)
    factories.webshop_product(shop, own_problems=[{"code": "no_sku"}])
    text = front_page(page, merchant)
    assert sentence in text
    assert "1 item waits: No SKU" in text
    assert f"shop={shop.pk}&amp;tab=problems&amp;problem=no_sku" in text


def test_a_number_leads_to_the_shop_that_has_such_items(page: Client, merchant: Merchant) -> None:
    one, two = factories.integration(merchant, name="Aland Goods"), factories.integration(merchant, name="Fjord Goods")
    factories.webshop_product(one)
    for _number in range(2):
        factories.webshop_product(two, own_problems=[{"code": "no_sku"}], tab="problems")
    text = front_page(page, merchant)
    sync = reverse("products:sync", args=[merchant.pk])
    assert f'href="{sync}?shop={one.pk}&amp;tab=new"' in text
    assert f'href="{sync}?shop={two.pk}&amp;tab=problems"' in text
    assert f'href="{sync}?shop={two.pk}&amp;tab=problems">2</a>' in text
    for address in (f"{sync}?shop={one.pk}&tab=new", f"{sync}?shop={two.pk}&tab=problems"):
        assert page.get(address).status_code == 200


def test_the_first_steps_lead_to_the_shop_that_was_read(page: Client, merchant: Merchant) -> None:
    factories.integration(merchant, name="Aland Goods")
    two = factories.integration(merchant, name="Fjord Goods")
    factories.webshop_product(two)
    text = front_page(page, merchant)
    assert f'class="btn btn-primary" href="{reverse("products:sync", args=[merchant.pk])}?shop={two.pk}"' in text


def test_other_merchants_are_not_counted(page: Client, merchant: Merchant) -> None:
    factories.product(factories.merchant(), "ELSEWHERE")
    factories.webshop_product(factories.integration())
    text = front_page(page, merchant)
    assert "<b>0</b>" in text
    assert "<b>1</b>" not in text


def test_more_shops_and_items_cost_no_more_queries(
    page: Client, merchant: Merchant, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for _number in range(3):
        shop = factories.integration(merchant)
        shop.state("refresh")
        for _item in range(5):
            factories.webshop_product(shop)
    with django_assert_max_num_queries(24):  # type: ignore[attr-defined]
        front_page(page, merchant)


class TestDeleting:
    @pytest.fixture
    def shop(self, merchant: Merchant) -> Integration:
        shop = factories.integration(merchant, name="Nordlys")
        factories.webshop_product(shop, product=factories.product(merchant, "FG1"))
        factories.webshop_product(shop, ("", "", ""), own_problems=[Problem(Code.NO_SKU).dump()])
        return shop

    def address(self, shop: Integration) -> str:
        return reverse("orders:delete_integration", args=[shop.merchant.pk, shop.pk])

    def test_says_what_goes_and_what_stays(self, page: Client, shop: Integration) -> None:
        text = page.get(self.address(shop)).content.decode()
        assert "The link of 1 shop item is forgotten." in text
        assert "Your products stay as they are." in text

    def test_needs_the_name_and_keeps_what_was_typed(self, page: Client, shop: Integration) -> None:
        text = page.post(self.address(shop), {"name": "Nordlis"}).content.decode()
        assert "Type the name exactly" in text
        assert 'value="Nordlis"' in text
        assert Integration.objects.filter(pk=shop.pk).exists()

    def test_forgets_the_integration_and_no_product(self, page: Client, shop: Integration) -> None:
        response = page.post(self.address(shop), {"name": "Nordlys"})
        assert response.status_code == 302
        assert not Integration.objects.exists()
        assert Product.objects.get().sku == "FG1"
        assert Product.objects.get().webshop_products.count() == 0

    def test_is_not_for_who_may_only_look(self, shop: Integration, signed_in: Callable[[User], Client]) -> None:
        client = signed_in(factories.viewer(shop.merchant))
        assert client.get(self.address(shop)).status_code == 403
        assert client.post(self.address(shop), {"name": "Nordlys"}).status_code == 403
        assert Integration.objects.exists()


def test_the_delete_page_says_what_is_owed_and_the_order_stays(page: Client, merchant: Merchant) -> None:
    integration = factories.integration(merchant)
    order = factories.order(
        merchant, integration=integration, shop=integration.shop, status=Status.SHIPPED, shipped_at=timezone.now()
    )
    url = reverse("orders:delete_integration", args=[merchant.pk, integration.pk])
    assert "1 shipped order is not told to the shop yet." in page.get(url).content.decode()

    page.post(url, {"name": integration.name})

    order.refresh_from_db()
    assert (order.integration, order.told_at) == (None, None)
    assert order.events.filter(text__contains="was deleted").exists()
