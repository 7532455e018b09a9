"""*Stock in the shop*: the lists, *Approve* and *Send again*."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration
from merchants.models import Merchant
from products import brake
from products.models import ShopFigure, Stock
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant, sends_stock=True)


def figure(shop: Integration, sku: str = "", on_hand: int = 0, **fields: Any) -> ShopFigure:
    product = factories.product(shop.merchant, sku)
    Stock.objects.create(product=product, warehouse=shop.warehouse, on_hand=on_hand)
    item = factories.webshop_product(shop, (product.sku, "", ""), product=product)
    return ShopFigure.objects.create(item=item, **fields)


def url(shop: Integration, show: str = "") -> str:
    address = reverse("products:shop_stock", args=[shop.merchant_id, shop.pk])
    return f"{address}?show={show}" if show else address


def text(page: Client, shop: Integration, show: str = "", **words: str) -> str:
    response = page.get(url(shop, show), words) if words else page.get(url(shop, show))
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def press(page: Client, shop: Integration, **posted: str) -> str:
    response = page.post(reverse("products:shop_stock_act", args=[shop.merchant_id, shop.pk]), posted, follow=True)
    assert response.status_code == 200
    return " ".join(str(message) for message in response.context["messages"])


def through_of(page: Client, shop: Integration) -> str:
    found = re.search(r'name="through" value="([^"]+)"', page.get(url(shop)).content.decode())
    assert found
    return found[1]


def test_each_list_shows_its_rows_with_the_reason(page: Client, shop: Integration) -> None:
    now = timezone.now()
    figure(shop, "WAITS", braked_at=now, told=4, told_at=now)
    figure(shop, "NO", refused="The shop knows no item with this SKU or EAN.", retry_at=now + timedelta(days=1))
    figure(shop, "UP", on_hand=2, clamped_at=now, shown_physical=5, shown_allocated=5, read_at=now)
    figure(shop, "OFF", drift=3, drift_since=now - timedelta(hours=5), told=2, told_at=now)
    figure(shop, "KEPT", drift=-2, drift_since=now, is_kept_elsewhere=True)
    assert "1 item would become zero in the shop" in text(page, shop)
    assert "WAITS" in text(page, shop, "waiting")
    assert "The shop knows no item with this SKU or EAN." in text(page, shop, "refused")
    assert "The shop shows 5, its own open orders keep it there." in text(page, shop, "kept-up")
    drift = text(page, shop, "drift")
    assert "Differs by 3; it is told again." in drift
    assert "5 h ago" in drift
    assert "Differs by -2 also after two pushes" in text(page, shop, "elsewhere").replace("−", "-")


def test_without_anything_it_says_so(page: Client, shop: Integration) -> None:
    assert "Nothing here" in text(page, shop)


def test_a_list_is_searched(page: Client, shop: Integration) -> None:
    figure(shop, "RED", refused="No.")
    figure(shop, "BLUE", refused="No.")
    found = text(page, shop, show="refused", q="blu")
    assert "BLUE" in found
    assert "RED" not in found


def test_approve_covers_the_rows_that_were_listed(page: Client, shop: Integration) -> None:
    listed = figure(shop, braked_at=timezone.now(), told=4)
    through = through_of(page, shop)
    later = figure(shop, braked_at=timezone.now(), told=4)
    assert press(page, shop, act="approve", through=through) == "1 item is approved; the shop is told zero now."
    listed.refresh_from_db()
    later.refresh_from_db()
    assert (listed.braked_at, later.approved_at) == (None, None)
    assert listed.approved_at is not None
    assert later.braked_at is not None
    assert shop.state("stock").asked_by == "Kim Berg"


@pytest.mark.parametrize("through", ["", "nonsense", "2026-13-45", "2026-03-04T10:00:00"])
def test_a_moment_that_cannot_be_read_approves_nothing(page: Client, shop: Integration, through: str) -> None:
    figure(shop, braked_at=timezone.now(), told=4)
    assert "Nothing was approved" in press(page, shop, act="approve", through=through)
    assert brake.waiting(shop).count() == 1


def test_send_again_ends_the_rest_of_what_was_refused(page: Client, shop: Integration) -> None:
    row = figure(shop, refused="No.", retry_at=timezone.now() + timedelta(days=1))
    assert press(page, shop, act="again") == "1 figure is sent again."
    row.refresh_from_db()
    assert row.retry_at is None


def test_who_may_only_look_sees_the_lists_and_no_button(shop: Integration, signed_in: Any, merchant: Merchant) -> None:
    figure(shop, braked_at=timezone.now(), told=4)
    looker = signed_in(factories.viewer(merchant))
    answer = looker.get(url(shop)).content.decode()
    assert 'value="approve"' not in answer
    assert "A colleague who may edit settings can approve it." in answer
    posted = looker.post(reverse("products:shop_stock_act", args=[merchant.pk, shop.pk]), {"act": "approve"})
    assert posted.status_code == 403
    assert brake.waiting(shop).count() == 1


def test_the_front_page_is_told_what_waits(shop: Integration, merchant: Merchant) -> None:
    figure(shop, braked_at=timezone.now(), told=4)
    figure(shop, braked_at=timezone.now(), told=4)
    factories.integration(merchant)
    assert brake.attention(merchant) == [(shop, 2)]


def test_a_page_takes_the_same_queries_for_one_row_and_for_many(
    page: Client, shop: Integration, django_assert_max_num_queries: Any
) -> None:
    for number in range(40):
        figure(shop, refused=f"No {number}.")
    shop.state("stock")
    with django_assert_max_num_queries(20):
        page.get(url(shop, "refused"))
