"""The staff's desk, looked at: Django's own admin with our lists in it."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Tab
from tests.browser.walk import connect, create_products, fits, go, make_plugin, press, sign_in

LISTS = {
    "staff-merchants": "merchants/merchant/",
    "staff-users": "merchants/user/",
    "staff-warehouses": "merchants/warehouse/",
    "staff-integrations": "integrations/integration/",
    "staff-pipes": "integrations/syncstate/",
    "staff-runs": "integrations/syncrun/",
    "staff-products": "products/product/",
    "staff-webshop-products": "products/webshopproduct/",
}


@pytest.fixture(scope="module", autouse=True)
def _fresh_demo(demo: object) -> None:
    """A demo of its own, so that it does not matter what the guide left."""


def connect_a_shop(tab: Tab) -> None:
    """As a merchant: a plugin of the stand-in, an integration with it, one product made from its items."""
    base_url = make_plugin(tab, is_looked_at=False)
    sign_in(tab)
    connect(tab, base_url)
    create_products(tab, "FG3310-NVY", 1)
    tab.page.context.clear_cookies()


def test_the_desk_is_fit_to_be_shown(tab: Tab) -> None:
    connect_a_shop(tab)
    page = tab.page
    page.goto(f"{tab.url}/admin/")
    fits(tab, "staff-sign-in")
    page.get_by_label("Email").fill("staff@example.com")
    page.get_by_label("Password").fill("demo")
    press(page, "Sign in")
    expect(page.get_by_role("heading", level=1)).to_have_text("The staff's desk")
    fits(tab, "staff-index")
    for name, path in LISTS.items():
        page.goto(f"{tab.url}/admin/{path}")
        expect(page.locator("#result_list tbody tr").first).to_be_visible()
        fits(tab, name)
        go(page.locator("#result_list tbody th a").first)
        page.wait_for_load_state()
        fits(tab, f"{name}-one")
