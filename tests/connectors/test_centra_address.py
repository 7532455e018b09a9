"""What people paste as Base URL."""

import pytest

from integrations.connectors import tidy_base_url
from integrations.connectors.addresses import check_address

TIDY = "https://nordlys.centra.com/api/order-api"


@pytest.mark.parametrize(
    "pasted",
    [
        TIDY,
        f"  {TIDY}\n",
        f"\u00a0{TIDY}\u200b",
        f'"{TIDY}"',
        f"“{TIDY}”",
        f"<{TIDY}>",
        f"{TIDY}/",
        f"{TIDY}///",
        f"{TIDY}/orders",
        f"{TIDY}/products/",
        f"{TIDY}/stock",
        f"{TIDY}/shipments/70412-1",
        f"{TIDY}/ORDERS",
        "https://nordlys.centra.com//api//order-api",
        "HTTPS://Nordlys.Centra.com/api/order-api",
        "https://nordlys.centra.com:443/api/order-api",
    ],
)
def test_a_base_url_is_tidied_up(pasted: str) -> None:
    assert tidy_base_url("centra", pasted) == TIDY


@pytest.mark.parametrize(
    "base_url",
    [
        "https://nordlys.centra.com/api/order-api/12",
        "https://nordlys.centra.com/api/orders",
        "https://nordlys.centra.com/api/orders/12",
        "https://nordlys.centra.com:8443/api/Order-API_2",
        "https://nordlys.centraqa.com/api/login",
        "http://127.0.0.1:8000/sandbox/nordlys/api/order-api",
        "http://127.0.0.1:8000/sandbox/nordlys/api/order-api/7",
        "http://[::1]:8000/sandbox/nordlys/api/order-api",
    ],
)
def test_a_tidy_base_url_stays_as_it_is(base_url: str) -> None:
    assert tidy_base_url("centra", base_url) == base_url
    assert tidy_base_url("centra", f"{base_url}/shipments") == base_url


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("", "Paste the Base URL"),
        ("   ", "Paste the Base URL"),
        ("nordlys.centra.com/api/order-api", "Do you mean https://nordlys.centra.com/api/order-api?"),
        ("//nordlys.centra.com/api/x", "Do you mean https://nordlys.centra.com/api/x?"),
        ("not a url", "not a web address"),
        ("a-key-typed-by-hand-1", "not a web address"),
        ("ftp://nordlys.centra.com/api/order-api", "not a web address"),
        ("https://", "not a web address"),
        ("https://[::1/api/x", "not a web address"),
        ("https://nordlys.centra.com:0/api/x", "not a web address"),
        ("https://nordlys.centra.com", "login page"),
        ("https://nordlys.centra.com/", "login page"),
        ("https://nordlys.centra.com/ams", "login page"),
        ("https://nordlys.centra.com/ams/system/stores", "login page"),
        ("https://nordlys.centra.com/admin/", "login page"),
        ("https://nordlys.centra.com/login", "login page"),
        ("https://nordlys.centra.com/graphql", "GraphQL"),
        ("https://nordlys.centra.com/api/graphql", "GraphQL"),
        ("https://nordlys.centra.com/api/checkout", "Checkout API"),
        ("https://nordlys.centra.com/api/checkout-api/3", "Checkout API"),
        ("https://nordlys.centra.com/api/shop-api", "Checkout API"),
        ("https://nordlys.centra.com/api/storefront", "Checkout API"),
        ("https://nordlys.centra.com/api", "not the Base URL"),
        ("https://nordlys.centra.com/api/", "not the Base URL"),
        ("https://nordlys.centra.com/shop/jackets", "not the Base URL"),
        ("https://nordlys.centra.com/api/../ams", "not the Base URL"),
        ("https://nordlys.centra.com/api/order%2Fapi", "not the Base URL"),
        ("https://nordlys.centra.com/api/order-api/12/more", "too long"),
        (f"{TIDY}?limit=1", "question mark"),
        (f"{TIDY}#top", "the #"),
        ("https://me:secret@nordlys.centra.com/api/order-api", "user name or password"),
        ("https://nordlys.centra.com/api/order api", "blank"),
        ("https://nordlys.centra.com\\api\\order-api", "backslash"),
    ],
)
def test_what_is_no_base_url_is_refused_in_helpful_words(pasted: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("?", r"\?")) as caught:
        tidy_base_url("centra", pasted)
    assert str(caught.value)[-1] in ".?"
    assert ":secret@" not in str(caught.value)


def test_what_is_tidy_is_then_looked_at_as_an_address() -> None:
    check_address(tidy_base_url("centra", f" {TIDY}/orders "), allow_private=False)
    with pytest.raises(ValueError, match="number"):
        check_address(tidy_base_url("centra", "https://10.0.0.1/api/order-api"), allow_private=False)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://nordlys.myshopify.com/admin/api/2024-01", "Shopify"),
        ("https://nordlys.example/wp-json/wc/v3/api/orders", "WooCommerce"),
        ("https://nordlys.example/rest/V1/api/orders", "Magento"),
        ("https://nordlys.centra.com/api/integration", "Integration API"),
        ("https://nordlys.centra.com/api/webhooks", "Integration API"),
    ],
)
def test_the_address_of_another_system_is_called_by_its_name(address: str, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        tidy_base_url("centra", address)
