"""The offer to tell a shop our stock: made when goods are there, taken up by one integration per shop and warehouse."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration
from merchants.models import Merchant, User
from products import offers
from tests import factories
from tests.products.goods import announce, put

pytestmark = pytest.mark.django_db
WORDS = "Goods have arrived; Nordlys (Centra) is not told yet."


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant, name="Nordlys")


def goods_of(shop: Integration, pieces: int = 5) -> None:
    """A product that the shop shows, with pieces on the shelf of the shop's warehouse."""
    product = factories.product(shop.merchant)
    factories.webshop_product(shop, product=product)
    if pieces:
        put(product, shop.warehouse, pieces)


def switch_url(shop: Integration, merchant: Merchant | None = None) -> str:
    return reverse("products:send_stock", args=[(merchant or shop.merchant).pk, shop.pk])


def list_text(client: Client, merchant: Merchant, name: str = "products:list") -> str:
    return client.get(reverse(name, args=[merchant.pk])).content.decode()


def test_no_offer_before_goods_of_the_shop_lie_in_its_warehouse(shop: Integration) -> None:
    goods_of(shop, pieces=0)
    put(factories.product(shop.merchant), shop.warehouse, 5)  # of no shop
    elsewhere = factories.product(shop.merchant)
    factories.webshop_product(shop, product=elsewhere)
    put(elsewhere, factories.warehouse(), 5)
    assert offers.open_offers(shop.merchant) == []


def test_with_goods_the_offer_stands_on_the_product_list_and_the_stock_updates(
    page: Client, shop: Integration, merchant: Merchant
) -> None:
    goods_of(shop)
    update = announce(merchant, {factories.product(merchant): 1})
    for name in ("products:list", "products:stock_updates"):
        text = list_text(page, merchant, name)
        assert WORDS in text
        assert f'action="{switch_url(shop)}"' in text
    one = reverse("products:stock_update", args=[merchant.pk, update.pk])
    assert WORDS in page.get(one).content.decode()


def test_switched_on_the_offer_is_gone(page: Client, shop: Integration, merchant: Merchant) -> None:
    goods_of(shop)
    answer = page.post(switch_url(shop), follow=True)
    assert "Nordlys (Centra) is told our stock from now on." in answer.content.decode()
    shop.refresh_from_db()
    assert shop.sends_stock
    assert WORDS not in list_text(page, merchant)
    page.post(switch_url(shop))
    shop.refresh_from_db()
    assert shop.sends_stock


def test_where_another_integration_tells_the_shop_there_is_no_offer_and_no_second_teller(
    page: Client, shop: Integration, merchant: Merchant
) -> None:
    goods_of(shop)
    factories.integration(merchant, name="Nordlys B2B", sends_stock=True)
    assert WORDS not in list_text(page, merchant)
    answer = page.post(switch_url(shop), follow=True)
    assert "Nordlys B2B (Centra) tells this shop about the stock" in answer.content.decode()
    shop.refresh_from_db()
    assert not shop.sends_stock


def test_another_merchant_s_integration_is_in_the_way_without_being_named(
    page: Client, shop: Integration, merchant: Merchant
) -> None:
    other = factories.merchant(name="Fjord Goods")
    theirs = factories.integration(other, name="Secret name", warehouse=shop.warehouse, sends_stock=True)
    theirs.states.filter(pipe="stock").update(answered_at=timezone.now())
    text = page.post(switch_url(shop), follow=True).content.decode()
    assert "Another integration tells this shop" in text
    assert "Secret name" not in text
    shop.refresh_from_db()
    assert not shop.sends_stock


def test_a_stranger_whose_key_the_shop_never_took_is_not_in_the_way(
    page: Client, shop: Integration, merchant: Merchant
) -> None:
    goods_of(shop)
    factories.integration(factories.merchant(), warehouse=shop.warehouse, sends_stock=True)
    assert WORDS in list_text(page, merchant)
    page.post(switch_url(shop), follow=True)
    shop.refresh_from_db()
    assert shop.sends_stock


@pytest.mark.parametrize("other", ["warehouse", "shop"])
def test_another_warehouse_or_another_shop_is_in_nobody_s_way(
    shop: Integration, merchant: Merchant, other: str
) -> None:
    words = {"warehouse": factories.warehouse()} if other == "warehouse" else {"base_url": "https://fjord.centra.com/x"}
    factories.integration(merchant, sends_stock=True, **words)
    goods_of(shop)
    assert offers.open_offers(merchant) == [shop]
    assert offers.switch_on(shop)


def test_who_may_not_edit_the_settings_reads_the_offer_and_cannot_take_it_up(
    shop: Integration, merchant: Merchant, signed_in: Callable[[User], Client]
) -> None:
    goods_of(shop)
    viewer = signed_in(factories.viewer(merchant))
    text = list_text(viewer, merchant)
    assert WORDS in text
    assert switch_url(shop) not in text
    assert viewer.post(switch_url(shop)).status_code == 403
    shop.refresh_from_db()
    assert not shop.sends_stock


def test_another_merchant_s_integration_is_not_switched_on(page: Client, merchant: Merchant) -> None:
    theirs = factories.integration()
    assert page.post(switch_url(theirs, merchant)).status_code == 404
    theirs.refresh_from_db()
    assert not theirs.sends_stock
