"""The staff's desk, looked at: Django's own admin with our lists in it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Tab
from tests.browser.test_guide import fill_integration, follow, press, sign_in

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
    page = tab.page
    page.goto(f"{tab.url}/sandbox/")
    page.get_by_label("User name").fill("demo")
    page.get_by_label("Password").fill("demo")
    press(page, "Sign in")
    page.get_by_role("link", name=re.compile("Nordlys")).first.click()
    follow(page, "SYSTEM → STORES")
    page.get_by_role("link", name=re.compile("Retail")).first.click()
    follow(page, "+ PLUGIN METHOD")
    page.get_by_label("Status", exact=True).select_option(label="Active")
    page.get_by_label("Name", exact=True).fill("myOGO")
    page.get_by_label("Secret API key").fill("a-key-typed-by-hand-1")
    page.get_by_role("button", name="Save", exact=True).last.click()
    base_url = page.get_by_label("Base URL", exact=True).input_value()
    sign_in(tab)
    follow(page, "Integrations")
    follow(page, "New Integration")
    page.get_by_role("link", name=re.compile("Centra")).last.click()
    fill_integration(page, "a-key-typed-by-hand-1", base_url)
    press(page, "Save")
    page.wait_for_url(re.compile(r"/integrations/\d+/"))
    follow(page, "Sync webshop products")
    expect(page.get_by_text("383 items").first).to_be_visible(timeout=60_000)
    page.locator("tbody").get_by_role("checkbox").nth(0).check()
    press(page, "Create product")
    expect(page.get_by_text(re.compile("Created 1"))).to_be_visible(timeout=60_000)
    tab.page.context.clear_cookies()


def fits(tab: Tab, name: str) -> None:
    """A picture in both widths, and no table that must be pushed sideways at 1280.

    At 360 Django's lists scroll inside their own box; the page round them does not.
    """
    tab.picture(name)
    wider = tab.page.evaluate(
        "[...document.querySelectorAll('.results, .inline-group .tabular')]"
        ".map(box => box.scrollWidth - box.clientWidth).filter(more => more > 0)"
    )
    assert wider == [], f"a table of {name} is wider than its box at 1280, by {wider} pixels"


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
        page.locator("#result_list tbody th a").first.click()
        page.wait_for_load_state()
        fits(tab, f"{name}-one")
