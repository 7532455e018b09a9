"""Whatever is sent, the stand-in answers: never with a stack trace."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.models import Order, Shop, Size
from tests.sandbox.conftest import Api

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(10**30), max_value=10**30),
    st.floats(),
    st.text(max_size=300),
    st.sampled_from(["70001", "70001-1", "FG1042-NVY-M", "7300000010428", "\x00", "2026-03-14", "0001-01-01", "1e400"]),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
lines = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            name: values
            for name in (
                "product",
                "quantity",
                "costPrice",
                "costPriceCurrency",
                "qty",
                "sku",
                "ean",
                "id",
                "unitPrice",
                "itemText",
            )
        },
    ),
    max_size=3,
)
names = (
    *("order", "shipment", "gtg", "capture", "shipped", "packages", "tracking", "carrier", "address", "orderNumber"),
    *("extraAttributes", "payment", "refund", "returnCost", "createdAt", "orderDate", "marketId", "voucherValue"),
    *("comment", "internalComment", "replaceComment", "shippingList", "forceCreate", "createOnly", "completed"),
)
good_address = st.just({"email": "kim.berg@example.com", "country": "SE"})
bodies = st.fixed_dictionaries(
    {},
    optional={name: values for name in names}
    | {
        "products": lines | st.dictionaries(st.sampled_from(["1", "x", "99999999999999999999"]), values) | values,
        "address": good_address | values,
        "order": st.just(70001) | values,
        "shipment": st.just("70001-1") | values,
    },
)
WRITES = (
    *(("POST", "stock"), ("POST", "order"), ("PUT", "orders"), ("POST", "shipments"), ("PUT", "shipments/70001-1")),
    *(("PUT", "shipment"), ("PUT", "capture"), ("POST", "return"), ("PUT", "returns/1"), ("POST", "order/70001")),
)


@pytest.fixture
def world(shop: Shop, sweater: Size) -> Order:
    order = shop.place_order({sweater: 2}, number=70001)
    order.confirm()
    order.create_shipment({order.lines.get().pk: 1}, capture=False)
    return order


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(write=st.sampled_from(WRITES), body=bodies)
def test_any_body_gets_an_answer_and_stock_stays_sound(
    api: Api, world: Order, write: tuple[str, str], body: dict[str, Any]
) -> None:
    answer = api(*write, body)
    assert answer["status"] in ("ok", "no")
    for size in Size.objects.all():
        assert size.physical >= size.allocated >= 0


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["products", "stock", "orders", "shipments", "returns", "shipments/70001-1"]),
    query=st.dictionaries(
        st.sampled_from(
            [
                *(
                    "limit",
                    "offset",
                    "page",
                    "order",
                    "newer_than",
                    "older_than",
                    "modified",
                    "created",
                    "status",
                    "sku",
                ),
                *(
                    "ean",
                    "upc",
                    "productId",
                    "stockItemId",
                    "customer_id",
                    "return",
                    "shipment",
                    "exclude",
                    "stock_modified",
                ),
            ]
        ),
        scalars.map(str),
        max_size=4,
    ),
)
def test_any_query_gets_an_answer(api: Api, world: Order, path: str, query: dict[str, str]) -> None:
    from urllib.parse import urlencode

    assert api("GET", f"{path}?{urlencode(query, errors='replace')}")["status"] == "ok"
