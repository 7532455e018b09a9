"""OGOship's Centra guide from its first line to *Create product*, clicked by label and role in the running demo."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Tab
from tests.browser.walk import (
    SECRET,
    fill_integration,
    follow,
    follow_tab,
    go,
    make_plugin,
    press,
    press_here,
    seen,
    sign_in,
)


@pytest.fixture(scope="module", autouse=True)
def _fresh_demo(demo: object) -> None:
    """The whole walk happens in one demo."""


def test_the_guide_from_plugin_method_to_created_products(tab: Tab) -> None:
    page = tab.page
    base_url = make_plugin(tab)

    sign_in(tab)
    seen(tab, "front-empty")
    follow(page, "Integrations")
    seen(tab, "integrations-empty")
    follow(page, "New Integration")
    go(page.get_by_role("link", name=re.compile("Centra")).last)
    seen(tab, "integration-new")

    fill_integration(
        page, SECRET, base_url.replace("/api/order-api", "/login") if "order-api" in base_url else base_url + "?x=1"
    )
    press_here(page, "Save")
    expect(page.get_by_label("Store Hash")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Store Hash")).to_be_focused()
    seen(tab, "integration-wrong-address")

    fill_integration(page, "not-the-key", base_url)
    press_here(page, "Save")
    expect(page.get_by_label("API token")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("API token")).to_be_focused()
    expect(page.get_by_label("API token")).to_have_value("not-the-key")
    expect(page.get_by_label("Store Hash")).to_have_value(base_url)
    seen(tab, "integration-wrong-key")

    fill_integration(page, SECRET, f"  {base_url}/orders ")
    press_here(page, "Test")
    expect(page.get_by_text("read products").first).to_be_visible()
    expect(page.get_by_text("write shipments").first).to_be_visible()
    expect(page.get_by_label("API token")).not_to_have_attribute("aria-invalid", "true")
    seen(tab, "integration-tested")
    fill_integration(page, SECRET, f"  {base_url}/orders ")
    press(page, "Save")
    expect(page.get_by_label("Store Hash")).to_have_value(base_url)
    assert SECRET not in page.content()
    seen(tab, "integration-saved")

    follow(page, "Sync webshop products")
    expect(page.get_by_role("link", name=re.compile("^New"))).to_be_visible(timeout=60_000)
    press(page, "Refresh")
    expect(page.get_by_text(re.compile("Reading Nordlys|The refresh is over|seen")).first).to_be_visible()
    page.reload()
    expect(page.get_by_text("383 items").first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Reading Nordlys (Centra)…")).to_have_count(0, timeout=60_000)
    seen(tab, "sync-new")

    follow_tab(page, "Problems")
    for words in (
        "Join ambiguity",
        "No SKU",
        "Same SKU twice",
        "EAN is wrong",
        "Same EAN twice",
        "Forbidden character",
    ):
        expect(page.locator("tbody").get_by_text(words).first).to_be_visible()
    seen(tab, "sync-problems")

    follow_tab(page, "New")
    page.locator("tbody").get_by_role("checkbox").nth(0).check()
    page.locator("tbody").get_by_role("checkbox").nth(1).check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    seen(tab, "sync-chosen")
    press(page, "Create product")
    expect(page.get_by_text(re.compile("Created 2"))).to_be_visible()
    seen(tab, "sync-created-some")

    page.get_by_label("All", exact=True).check()
    expect(page.get_by_text("368 chosen")).to_be_visible()
    tab.picture("sync-all-chosen")
    press(page, "Create product")
    if page.get_by_role("button", name="Go ahead").is_visible():
        press(page, "Go ahead")
    expect(page.get_by_text(re.compile(r"Created \d{3}"))).to_be_visible(timeout=30_000)
    seen(tab, "sync-created-all")
    follow_tab(page, "Linked")
    seen(tab, "sync-linked")

    follow(page, "Product list")
    expect(page.get_by_text("FG").first).to_be_visible()
    seen(tab, "product-list")
    go(page.locator("tbody").get_by_role("link").first)
    seen(tab, "product-page")
    follow(page, "Integrations")
    seen(tab, "integrations")
    go(page.get_by_role("link", name="Nordlys").first)
    expect(page.get_by_text("Activity").first).to_be_visible()
    seen(tab, "integration-activity")
    follow(page, "Front page")
    seen(tab, "front")


def test_who_only_looks_finds_no_button_that_changes(tab: Tab) -> None:
    sign_in(tab, "viewer@example.com")
    follow(tab.page, "Sync webshop products")
    expect(tab.page.get_by_role("button", name="Create product")).to_have_count(0)
    expect(tab.page.get_by_role("button", name="Refresh")).to_have_count(0)
    seen(tab, "sync-viewer")


def test_a_newcomer_signs_up_in_two_steps(tab: Tab) -> None:
    page = tab.page
    page.goto(f"{tab.url}/accounts/signup/")
    seen(tab, "sign-up")
    page.get_by_label("Name").fill("Kim Berg")
    page.get_by_label("Email").fill("kim@nordlys.example")
    page.get_by_label("Password").fill("short")
    press(page, "Sign up")
    expect(page.get_by_label("Name")).to_have_value("Kim Berg")
    expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    seen(tab, "sign-up-error")
    page.get_by_label("Password").fill("a-quiet-harbour-42")
    press(page, "Sign up")
    page.get_by_label("Merchant name").fill("Nordlys Kids")
    page.get_by_label("Warehouse").select_option(label="Public testing warehouse")
    seen(tab, "create-merchant")
    press(page, "Create merchant")
    expect(page.get_by_role("heading", level=1)).to_have_text("Front page")
    expect(page.get_by_text("Connect your webshop")).to_be_visible()
    follow(page, "Company information")
    seen(tab, "company")
    page.get_by_label("VAT code").fill("SE556677889901")
    press(page, "Save")
    expect(page.get_by_label("VAT code")).to_have_value("SE556677889901")


def test_every_other_page_is_fit_to_be_shown(tab: Tab) -> None:
    """What the guide does not pass: looked at in both widths, without barriers."""
    sign_in(tab)
    merchant = re.sub(r"\D", "", tab.page.url.split("/m/")[1])
    inside = {
        "choose-platform": "integrations/new/",
        "delete": "integrations/1/delete/",
        "run": "integrations/1/runs/1/",
        "product-new": "products/new/",
        "sync-ignored": "products/sync/?tab=ignored",
        "sync-gone": "products/sync/?tab=gone",
        "linked-users": "users/",
        "channels": "channels/",
        "channel-new": "channels/new/",
        "email-notifications": "notifications/",
        "not-found": "products/999999/",
    }
    for name, path in inside.items():
        tab.page.goto(f"{tab.url}/m/{merchant}/{path}")
        seen(tab, name)
    for name in ("password/change", "password/reset", "logout"):
        tab.page.goto(f"{tab.url}/accounts/{name}/")
        seen(tab, f"account-{name.replace('/', '-')}")
    in_shop = "system/stores/ system/stores/1/ system/plugins/1/edit/ system/plugins/1/log/ products/1/ orders/ front/"
    for name in ("", *(f"nordlys/{path}" for path in f"{in_shop} front/basket/ levers/".split())):
        tab.page.goto(f"{tab.url}/sandbox/{name}")
        if tab.page.get_by_label("User name").count():
            tab.page.get_by_label("User name").fill("demo")
            tab.page.get_by_label("Password").fill("demo")
            press(tab.page, "Sign in")
        seen(tab, f"sandbox-{name.strip('/').replace('/', '-') or 'shops'}")
