"""What a product takes over from its shop's item, and which SKUs people would mix up."""

import pytest

from merchants.models import Merchant
from products.create import take_over
from products.models import Product, WebshopProduct
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("shop_s", "ours"), [("7300000010423", "7300000010423"), ("7300000010429", ""), ("7" * 40, "")]
)
def test_a_wrong_ean_of_the_shop_is_never_taken_over(merchant: Merchant, shop_s: str, ours: str) -> None:
    product = factories.product(merchant)
    factories.webshop_product(factories.integration(merchant), product=product, ean=shop_s)
    take_over(WebshopProduct.objects.all())
    product.refresh_from_db()
    assert product.ean == ours


def test_a_sku_reads_like_others_that_differ_only_in_capitals_or_blanks(merchant: Merchant) -> None:
    for sku in ("FG-1", "fg-1", "FG -1", "FG-11"):
        factories.product(merchant, sku)
    found = Product.objects.for_merchant(merchant).reading_like("FG-1").order_by("pk")
    assert [product.sku for product in found] == ["fg-1", "FG -1"]
