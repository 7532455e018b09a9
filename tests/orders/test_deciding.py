"""May this order go to the warehouse? Decided from what is stored."""

from typing import Any

import pytest
from django.db import transaction

from integrations.models import Integration
from orders import deciding, moves
from orders.models import Cause, Order, OrderProcessing, Status
from orders.territory import has_zip_codes, is_outside_customs_union
from products.models import Product, Reservation, Stock, WebshopProduct
from shipping.models import Carrier, MerchantMethod, ShippingMethod
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop() -> Integration:
    return factories.integration()


def usable(shop: Integration, **fields: Any) -> ShippingMethod:
    carrier, _made = Carrier.objects.get_or_create(name="PostNord")
    method = ShippingMethod.objects.create(warehouse=shop.warehouse, carrier=carrier, service="MyPack", **fields)
    MerchantMethod.objects.create(merchant=shop.merchant, method=method, state=MerchantMethod.State.ACTIVE)
    return method


def stocked(shop: Integration, sku: str = "FG1", **fields: Any) -> Product:
    product = factories.product(shop.merchant, sku, **fields)
    factories.webshop_product(shop, (sku, "", ""), product=product)
    Stock.objects.create(product=product, warehouse=shop.warehouse).move(10, "received", document="test")
    return product


def read(shop: Integration, sku: str = "FG1", **fields: Any) -> Order:
    """An order of the shop with one line of two pieces, decided."""
    line: dict[str, Any] = {name: fields.pop(name, "") for name in ("hs_code", "country_of_origin")}
    line["open_in_shop"] = fields.pop("open_in_shop", 2)
    order = factories.order(shop.merchant, integration=shop, shop_status="confirmed", **fields)
    factories.order_line(order, None, 2, sku=sku, **line)
    enter(order)
    return order


def enter(order: Order) -> None:
    with transaction.atomic():
        deciding.enter(order)


def causes(order: Order) -> set[str]:
    return set(order.holds.values_list("cause", flat=True))


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"sku": "unknown"}, Cause.UNKNOWN_SKU),
        ({"is_on_hold": True}, Cause.SHOP_HOLD),
        ({"is_suspect": True}, Cause.SUSPECT),
        ({"waits_for_payment": True}, Cause.PAYMENT),
        ({"is_shown": False}, Cause.NOT_SHOWN),
        ({"city": ""}, Cause.ADDRESS),
        ({"name": ""}, Cause.ADDRESS),
        ({"zip_code": ""}, Cause.ADDRESS),
        ({"country": ""}, Cause.ADDRESS),
        ({"country": "NO"}, Cause.CUSTOMS),
        ({"phone": ""}, Cause.PHONE),
        ({"pickup_point": ""}, Cause.PICKUP_POINT),
        ({"open_in_shop": 1}, Cause.SENT),
        ({"open_in_shop": 0}, Cause.SENT),
        ({"offered": {"lines": []}}, Cause.CHANGED),
        ({"facts": {"unreadable": "the row."}}, Cause.UNREADABLE),
        ({"facts": {"capture": "Refused."}}, Cause.CAPTURE),
        ({"facts": {"not_ready": "Not good to go."}}, Cause.NOT_CONFIRMED),
    ],
)
def test_each_cause_holds_with_a_sentence_and_keeps_the_pieces(
    shop: Integration, fields: dict[str, Any], cause: Cause
) -> None:
    usable(shop, needs_phone=True, needs_pickup_point=True)
    stocked(shop)
    order = read(shop, **{"pickup_point": "SE-1", **fields})
    assert (order.status, causes(order)) == (Status.RESERVED, {cause})
    assert order.holds.get().text.endswith((".", "”"))
    assert Reservation.objects.filter(reference=order.reservation_key).count() == (cause != Cause.UNKNOWN_SKU)


def test_an_sku_that_the_shop_changed_since_still_means_its_product(shop: Integration) -> None:
    usable(shop)
    product = stocked(shop)
    order = read(shop)
    WebshopProduct.objects.filter(product=product).update(sku="FG1B", sku_product="FG1B", sku_folded="fg1b")
    deciding.decide_again([order.pk])
    order.refresh_from_db()
    assert (order.status, causes(order), order.lines.get().product) == (Status.NEW, set(), product)
    assert product.stocks.get().reserved == 2


def test_an_sku_that_the_shop_has_no_more_is_freed_by_a_product_made_by_hand(shop: Integration) -> None:
    usable(shop)
    order = read(shop, sku="OLD")
    assert order.holds.get().text.endswith("If it stays so, make a product with this SKU.")
    factories.stock(factories.product(shop.merchant, "OLD"), shop.warehouse, 2)
    deciding.decide_held()
    order.refresh_from_db()
    assert (order.status, causes(order)) == (Status.NEW, set())


@pytest.mark.parametrize(("status", "is_held"), [("pending", True), ("unknown", True), ("processing", False)])
def test_only_confirmed_orders_go_on(shop: Integration, status: str, is_held: bool) -> None:
    usable(shop)
    stocked(shop)
    order = factories.order(shop.merchant, integration=shop, shop_status=status)
    factories.order_line(order, None, 2, sku="FG1")
    enter(order)
    assert causes(order) == ({Cause.NOT_CONFIRMED} if is_held else set())


def test_pending_orders_go_on_where_the_merchant_takes_them(shop: Integration) -> None:
    usable(shop)
    stocked(shop)
    shop.takes_pending = True
    order = factories.order(shop.merchant, integration=shop, shop_status="pending")
    factories.order_line(order, None, 2, sku="FG1")
    enter(order)
    assert order.status == Status.NEW


def test_an_unknown_sku_is_freed_by_the_task_when_the_product_is_there(shop: Integration) -> None:
    usable(shop)
    order = read(shop, "FG9")
    assert order.holds.get().subject == "FG9"
    product = stocked(shop, "FG9")

    assert deciding.decide_held() == 1

    order.refresh_from_db()
    assert (order.status, causes(order), order.lines.get().product) == (Status.NEW, set(), product)
    row = Reservation.objects.get()
    assert (row.reference, row.held, row.is_covered, row.open_in_shop) == (order.reservation_key, 2, True, 2)
    assert Stock.objects.get().reserved == 2


def test_reserved_on_purpose_is_never_freed_by_itself(shop: Integration) -> None:
    usable(shop)
    stocked(shop)
    order = read(shop)
    moves.to_draft(order, "Kim")
    moves.reserve_on_purpose(order, "Kim")
    deciding.decide_held()
    deciding.decide_again([order.pk])
    order.refresh_from_db()
    assert order.status == Status.RESERVED
    assert Stock.objects.get().reserved == 2


def test_pieces_sent_by_the_shop_hold_until_somebody_lowers_them(shop: Integration) -> None:
    usable(shop)
    stocked(shop)
    order = read(shop, open_in_shop=1)
    order.lines.update(pieces=1)
    deciding.decide_held()
    order.refresh_from_db()
    assert (order.status, causes(order)) == (Status.NEW, set())


def test_address_and_phone_may_be_overruled_an_unknown_sku_may_not(shop: Integration) -> None:
    usable(shop, needs_phone=True)
    stocked(shop)
    order = read(shop, phone="", address="")
    moves.overrule(order, [Cause.PHONE, Cause.ADDRESS], "Kim")
    assert order.status == Status.NEW
    other = read(shop, "unknown")
    with pytest.raises(moves.NotPossible):
        moves.overrule(other, [Cause.UNKNOWN_SKU], "Kim")


@pytest.mark.parametrize(
    ("of_line", "of_product", "fills", "missing"),
    [
        (("", ""), ("611030", "PT"), True, None),
        (("", ""), ("611030", "PT"), False, None),
        (("", ""), ("", "PT"), True, "HS code"),
        (("", ""), ("", ""), False, "HS code, origin"),
        (("640399", "SE"), ("", ""), True, None),
        (("640399", "SE"), ("", ""), False, None),
        (("640399", ""), ("", "PT"), True, None),
        (("640399", ""), ("", "PT"), False, "HS code"),  # one of each is not wanted
        (("640399", ""), ("611030", ""), True, "origin"),
        (("640399", ""), ("611030", ""), False, "origin"),
    ],
)
def test_customs_data_is_the_order_s_or_the_product_s_and_mixed_where_the_merchant_wants_that(
    shop: Integration, of_line: tuple[str, str], of_product: tuple[str, str], fills: bool, missing: str | None
) -> None:
    usable(shop)
    stocked(shop, hs_code=of_product[0], country_of_origin=of_product[1])
    OrderProcessing.objects.create(merchant=shop.merchant, fills_customs=fills)
    order = read(shop, country="NO", hs_code=of_line[0], country_of_origin=of_line[1])
    holds = list(order.holds.values_list("cause", "subject", "text"))
    text = f"Outside the EU customs needs HS code and origin: {missing} missing for FG1."
    assert holds == ([(Cause.CUSTOMS, "FG1", text)] if missing else [])
    assert order.lines.values_list("hs_code", "country_of_origin").get() == of_line


@pytest.mark.parametrize("of_item", [{"hs_code": "611030", "country_of_origin": "PT"}, {}])
def test_of_a_product_to_be_created_the_shop_s_item_tells_the_customs_data(
    shop: Integration, of_item: dict[str, str]
) -> None:
    usable(shop)
    factories.webshop_product(shop, ("FG1", "", ""), **of_item)
    order = read(shop, country="NO")
    assert causes(order) == {Cause.UNKNOWN_SKU} | (set() if of_item else {Cause.CUSTOMS})


@pytest.mark.parametrize(
    ("wish", "is_held", "kept"), [("stop", True, "K.B."), ("forward", False, "K.B."), ("remove", False, "")]
)
def test_customisation_is_handled_as_the_merchant_wants(shop: Integration, wish: str, is_held: bool, kept: str) -> None:
    usable(shop)
    stocked(shop)
    OrderProcessing.objects.create(merchant=shop.merchant, customisation=wish)
    order = read(shop, customisation="K.B.", comment="Leave at the door")
    assert causes(order) == ({Cause.CUSTOMISATION} if is_held else set())
    assert order.customisation == kept


def test_deciding_many_reads_links_and_wishes_once(shop: Integration, django_assert_max_num_queries: Any) -> None:
    usable(shop)
    pks = [read(shop, "unknown").pk for _ in range(5)]
    with django_assert_max_num_queries(5 * 16 + 5):
        deciding.decide_again(pks)


def test_borders_of_the_customs_union() -> None:
    assert not is_outside_customs_union("DE", "SE")
    assert is_outside_customs_union("NO", "SE")
    assert is_outside_customs_union("SE", "NO")
    assert not is_outside_customs_union("NO", "NO")
    assert not is_outside_customs_union("", "SE")
    assert is_outside_customs_union("GB", "")
    assert not has_zip_codes("HK")
    assert has_zip_codes("SE")


# --- the shop's orders go to another warehouse by now --------------------------------------


def move_on(shop: Integration) -> ShippingMethod:
    """From now on its orders go to Tallinn; returns the only active method there."""
    shop.warehouse = factories.warehouse(code="TLL", name="Tallinn")
    shop.save()
    return usable(shop)


def decide(order: Order) -> Order:
    fresh = Order.objects.select_related("integration", "merchant", "warehouse").get(pk=order.pk)
    with transaction.atomic():
        deciding.decide(fresh)
    return Order.objects.get(pk=order.pk)


def test_an_order_of_the_old_warehouse_keeps_its_method(shop: Integration) -> None:
    stocked(shop)
    method = usable(shop)
    order = read(shop)
    move_on(shop)
    order = decide(order)
    assert (order.status, order.method) == (Status.NEW, method)


def test_an_order_of_the_old_warehouse_without_a_method_waits_for_one_of_its_own(shop: Integration) -> None:
    stocked(shop)
    house = shop.warehouse
    order = read(shop)
    assert causes(order) == {Cause.METHOD}
    move_on(shop)
    order = decide(order)
    assert (order.status, order.method) == (Status.RESERVED, None)
    hold = order.holds.get()
    assert (hold.cause, hold.subject) == (Cause.METHOD, "")
    assert house.name in hold.text

    chosen = ShippingMethod.objects.create(warehouse=house, carrier=Carrier.objects.get(), service="Letter")
    MerchantMethod.objects.create(merchant=shop.merchant, method=chosen, state=MerchantMethod.State.ACTIVE)
    Order.objects.update(method=chosen, is_method_chosen=True)
    order = decide(order)
    assert (order.status, order.method) == (Status.NEW, chosen)


def test_an_order_of_the_old_warehouse_waits_when_its_method_is_taken_back(shop: Integration) -> None:
    stocked(shop)
    method = usable(shop)
    order = read(shop)
    move_on(shop)
    MerchantMethod.objects.filter(method=method).delete()
    order = decide(order)
    assert (order.status, order.method, causes(order)) == (Status.RESERVED, None, {Cause.METHOD})
