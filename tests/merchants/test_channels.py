"""Edit Merchant → Channels: further sales names, the sender on labels, and what they do to orders."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations import sync
from merchants.models import Channel, Merchant, User
from orders import intake
from orders.models import Order
from tests import factories
from tests.conftest import Centra
from tests.integrations import filled

pytestmark = pytest.mark.django_db
FJORD = {
    "name": "Fjord",
    "address": "Kai 4",
    "zip_code": "5003",
    "city": "Bergen",
    "country": "NO",
    "email": "",
    "phone": "",
}


def channels(merchant: Merchant) -> str:
    return reverse("merchants:channels", args=[merchant.pk])


def one(channel: Channel) -> str:
    return reverse("merchants:channel", args=[channel.merchant_id, channel.pk])


def text_of(browser: Client, url: str) -> str:
    return " ".join(browser.get(url).content.decode().split())


def test_a_channel_is_made_changed_and_deleted(page: Client, merchant: Merchant) -> None:
    assert "No channel yet" in text_of(page, channels(merchant))
    page.post(reverse("merchants:new_channel", args=[merchant.pk]), FJORD)
    fjord = merchant.channels.get()
    assert "Kai 4 5003 Bergen Norway" in text_of(page, channels(merchant))
    page.post(one(fjord), {**FJORD, "name": "Fjord Goods"})
    fjord.refresh_from_db()
    assert fjord.name == "Fjord Goods"
    page.post(one(fjord), {"act": "delete"})
    assert not merchant.channels.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("name", "  "), ("name", "x" * 121), ("email", "fjord"), ("country", "XX")]
)
def test_wrong_input_is_refused_on_its_field_and_kept(page: Client, merchant: Merchant, field: str, value: str) -> None:
    answer = page.post(reverse("merchants:new_channel", args=[merchant.pk]), {**FJORD, field: value, "city": "Voss"})
    assert list(answer.context["form"].errors) == [field]
    assert 'value="Voss"' in answer.content.decode()
    assert not merchant.channels.exists()


def test_a_name_is_taken_once_per_merchant_whatever_its_case(page: Client, merchant: Merchant) -> None:
    factories.merchant(factories.user()).channels.create(name="Fjord")
    page.post(reverse("merchants:new_channel", args=[merchant.pk]), FJORD)
    answer = page.post(reverse("merchants:new_channel", args=[merchant.pk]), {**FJORD, "name": "FJORD"})
    assert "already" in answer.content.decode()
    assert merchant.channels.count() == 1


def test_a_channel_that_an_order_names_stays(page: Client, merchant: Merchant) -> None:
    fjord = merchant.channels.create(name="Fjord")
    order = factories.order(merchant, channel=fjord)
    assert "cannot be deleted" in page.post(one(fjord), {"act": "delete"}, follow=True).content.decode()
    assert "Fjord" in text_of(page, reverse("orders:list", args=[merchant.pk]))
    assert "in the name of Fjord" in text_of(page, order.get_absolute_url())


def test_a_view_only_user_sees_channels_and_no_form(merchant: Merchant, signed_in: Callable[[User], Client]) -> None:
    fjord = merchant.channels.create(name="Fjord")
    browser = signed_in(factories.viewer(merchant))
    text = text_of(browser, channels(merchant))
    assert "Fjord" in text
    assert "New channel" not in text
    assert browser.get(one(fjord)).status_code == 403


def packing_list(order: Order) -> str:
    return reverse("orders:packing_list", args=[order.merchant_id, order.pk])


def test_the_sender_of_a_parcel_is_the_channel_else_the_company(page: Client, merchant: Merchant) -> None:
    Merchant.objects.filter(pk=merchant.pk).update(company_name="Nordlys AB", city="Göteborg")
    fjord = merchant.channels.create(name="Fjord", city="Bergen", country="NO")
    named = text_of(page, packing_list(factories.order(merchant, channel=fjord)))
    assert ("Fjord" in named, "Bergen" in named, "Nordlys AB" in named) == (True, True, False)
    assert "Nordlys AB" in text_of(page, packing_list(factories.order(merchant)))


def test_an_order_made_by_hand_is_sent_in_the_chosen_name(page: Client, merchant: Merchant) -> None:
    new = reverse("orders:new", args=[merchant.pk])
    assert 'name="channel"' not in text_of(page, new)
    fjord = merchant.channels.create(name="Fjord")
    assert 'name="channel"' in text_of(page, new)
    typed = {"number": "N-1", "warehouse": merchant.warehouses.get().pk, "name": "Bo", "address": "Storgatan 1"}
    typed |= {"zip_code": "1", "city": "Lund", "country": "SE", "channel": fjord.pk, "act": "draft"}
    typed |= {"line": "", "sku": factories.product(merchant).sku, "pieces": "1", "price": ""}
    page.post(new, typed)
    assert merchant.orders.get().channel == fjord


def test_an_integration_is_given_a_channel_where_there_is_one(page: Client, merchant: Merchant) -> None:
    new = reverse("integrations:new", args=[merchant.pk, "centra"])
    assert 'name="channel"' not in text_of(page, new)
    fjord = merchant.channels.create(name="Fjord")
    sent: dict[str, Any] = filled.form(merchant, channel=fjord.pk, base_url="http://127.0.0.1:1/api/order-api")
    page.post(new, sent)
    assert merchant.integrations.get().channel == fjord
    assert "cannot be deleted" in page.post(one(fjord), {"act": "delete"}, follow=True).content.decode()


@pytest.mark.django_db(transaction=True)
def test_orders_of_a_shop_are_taken_in_its_channel(centra: Centra) -> None:
    merchant = centra.integration.merchant
    centra.integration.channel = merchant.channels.create(name="Fjord")
    centra.integration.save()
    size = centra.shop.add_size("FG1", "-NVY", "-M", stock=10)
    centra.shop.place_order({size: 1}).confirm()
    sync.run(centra.integration.state("intake").pk, intake.intake)
    assert Order.objects.get().channel == centra.integration.channel
