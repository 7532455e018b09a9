"""Items → products: what is missing is made, what exists is linked, the rest is left with a reason."""

from decimal import Decimal

import pytest

from integrations.models import Integration
from products.create import create
from products.models import Product, Tab, WebshopProduct
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Integration:
    return factories.integration()


def everything(shop: Integration) -> list[tuple[object, ...]]:
    """The state of both tables, to compare before and after."""
    products = Product.objects.order_by("pk").values_list("sku", "name", "ean", "sales_price")
    items = shop.webshop_products.order_by("pk").values_list("pk", "product__sku", "tab")
    return [*products, *items]


def test_a_missing_product_is_made_of_the_item(shop: Integration) -> None:
    item = factories.webshop_product(
        shop,
        ("FG1042", "-NVY", "-M"),
        ean="7300000010423",
        price=Decimal("800"),
        currency="SEK",
        country_of_origin="PT",
    )
    answer = create(shop, shop.webshop_products.all())
    product = Product.objects.get()
    assert (answer.created, answer.linked, dict(answer.left)) == (1, 0, {})
    assert (product.sku, product.name, product.ean) == ("FG1042-NVY-M", "Harbour sweater · Navy · M", "7300000010423")
    assert (product.sales_price, product.sales_currency, product.country_of_origin) == (Decimal("800"), "SEK", "PT")
    item.refresh_from_db()
    assert (item.product, item.tab) == (product, Tab.LINKED)


def test_an_existing_product_is_linked_and_takes_what_the_shop_owns(shop: Integration) -> None:
    mine = factories.product(shop.merchant, "FG1-NVY-M", name="By hand", ean="96385074", group="Knit")
    factories.webshop_product(shop, ("FG1", "-NVY", "-M"), ean="7300000010423")
    answer = create(shop, shop.webshop_products.all())
    mine.refresh_from_db()
    assert (answer.created, answer.linked) == (0, 1)
    assert (mine.name, mine.ean, mine.group) == ("Harbour sweater · Navy · M", "96385074", "Knit")


def test_pressing_again_changes_nothing(shop: Integration) -> None:
    for _number in range(5):
        factories.webshop_product(shop)
    create(shop, shop.webshop_products.all())
    before = everything(shop)
    answer = create(shop, shop.webshop_products.all())
    assert (answer.created, answer.linked, dict(answer.left)) == (0, 0, {"linked": 5})
    assert everything(shop) == before


def test_what_is_left_is_counted_by_its_reason(shop: Integration) -> None:
    now = factories.webshop_product(shop).first_seen_at
    factories.webshop_product(shop, ignored_at=now)
    factories.webshop_product(shop, gone_at=now)
    factories.webshop_product(shop, ("", "", ""), own_problems=[{"code": "no_sku"}])
    answer = create(shop, shop.webshop_products.all())
    assert answer.created == 1
    assert dict(answer.left) == {"ignored": 1, "gone": 1, "problems": 1}


def test_twins_that_no_refresh_has_compared_yet_are_not_created(shop: Integration) -> None:
    factories.webshop_product(shop, ("FG1", "", ""))
    factories.webshop_product(shop, ("FG1", "", ""))
    answer = create(shop, shop.webshop_products.all())
    assert (answer.created, dict(answer.left)) == (0, {"problems": 2})
    assert not Product.objects.exists()


def test_two_shops_share_a_product_of_the_same_sku(shop: Integration) -> None:
    second = factories.integration(shop.merchant, base_url="https://fjord.centra.com/api/wms")
    factories.webshop_product(shop, ("FG1", "", ""))
    factories.webshop_product(second, ("FG1", "", ""))
    create(shop, shop.webshop_products.all())
    answer = create(second, second.webshop_products.all())
    assert answer.linked == 1
    assert Product.objects.get().webshop_products.count() == 2


def test_other_merchants_products_are_never_linked(shop: Integration) -> None:
    factories.product(factories.merchant(), "FG1")
    factories.webshop_product(shop, ("FG1", "", ""))
    assert create(shop, shop.webshop_products.all()).created == 1


def test_by_ean_the_one_product_with_it_is_linked_whatever_its_sku(shop: Integration) -> None:
    shop.identifies_by = Integration.Identify.EAN
    shop.save()
    mine = factories.product(shop.merchant, "MY-OWN-1", ean="7300000010423")
    item = factories.webshop_product(shop, ean="7300000010423")
    create(shop, shop.webshop_products.all())
    item.refresh_from_db()
    assert item.product == mine


def test_by_ean_an_ean_on_two_products_decides_nothing(shop: Integration) -> None:
    shop.identifies_by = Integration.Identify.EAN
    shop.save()
    factories.product(shop.merchant, "MY-1", ean="7300000010423")
    factories.product(shop.merchant, "MY-2", ean="7300000010423")
    item = factories.webshop_product(shop, ("FG1", "", ""), ean="7300000010423")
    create(shop, shop.webshop_products.all())
    item.refresh_from_db()
    assert item.product is not None
    assert item.product.sku == "FG1"


def test_many_items_are_created_with_few_queries(shop: Integration, django_assert_max_num_queries: object) -> None:
    WebshopProduct.objects.bulk_create(
        WebshopProduct(
            integration=shop,
            external_id=str(number),
            sku=f"FG{number}",
            sku_product=f"FG{number}",
            sku_folded=f"fg{number}",
            first_seen_at=shop.created_at,
            last_changed_at=shop.created_at,
            seen_in="",
            digest="",
        )
        for number in range(2500)
    )
    with django_assert_max_num_queries(120):  # type: ignore[operator]
        assert create(shop, shop.webshop_products.all()).created == 2500
    assert Product.objects.count() == 2500
