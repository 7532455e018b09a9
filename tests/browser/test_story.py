"""The whole story in a real browser: goods come in, an order is placed, held, freed, collected and sent.

Three people click: the merchant in the portal, the staff at their desk, the customer and the shop's own staff in the
stand-in. Each test is a chapter; the first ones set the scene for the others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ARTEFACTS, Tab, visitor
from tests.browser.walk import (
    act_on,
    announce,
    buy_for_sure,
    connect,
    containing,
    create_products,
    enter_the_desk,
    fits,
    follow,
    go,
    go_ahead,
    make_plugin,
    press,
    seen,
    sign_in,
    wait_for,
)
from tests.demo import Demo

RHYTHM = {
    "POLL_SECONDS": "2",
    "SWEEP_SECONDS": "4",
    "STOCK_SECONDS": "2",
    "HANDOVER_SECONDS": "2",
    "TICK_SECONDS": "1",
}
SWEATER, CARDIGAN = "FG1042-NVY-M", "FG1043-NVY-M"
CODE = "00370700000000000017"


@dataclass
class People:
    """Who clicks, each in a browser of their own."""

    merchant: Tab
    staff: Tab
    shop: Tab

    @property
    def home(self) -> str:
        """The merchant's part of the portal."""
        return f"{self.merchant.url}/m/{re.findall(r'/m/([0-9]+)/', self.merchant.page.url)[0]}/"


@pytest.fixture(scope="module")
def people(chromium: Browser, demo: Demo) -> Iterator[People]:
    """All three signed in, the shop connected."""
    contexts = [visitor(chromium) for _ in range(3)]
    found = People(*(Tab(context.new_page(), demo) for context in contexts))
    base_url = make_plugin(found.shop, is_looked_at=False)
    enter_the_desk(found.staff)
    sign_in(found.merchant)
    connect(found.merchant, base_url)
    yield found
    for context in contexts:
        context.close()


@pytest.fixture(autouse=True)
def _nothing_in_the_consoles(people: People, request: pytest.FixtureRequest) -> Iterator[None]:
    """A picture of what each saw is kept when a chapter fails."""
    failed_before = request.session.testsfailed
    yield
    tabs = {"merchant": people.merchant, "staff": people.staff, "shop": people.shop}
    for name, tab in tabs.items():
        if request.session.testsfailed > failed_before:
            tab.page.screenshot(path=ARTEFACTS / f"failed-{request.node.name}-{name}.png", full_page=True)
    assert [tab.complaints for tab in tabs.values()] == [[], [], []]


def open_order(people: People, number: str) -> Page:
    """The merchant's page of this order."""
    page = people.merchant.page
    page.goto(f"{people.home}orders/?q={number}")
    wait_for(page, page.get_by_role("link", name=number, exact=True))
    follow(page, number)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(number))
    return page


def wait_for_status(page: Page, word: str) -> None:
    """The pill beside the order's name says it."""
    wait_for(page, page.locator(".top .pill").get_by_text(word, exact=True))


def choose_status(page: Page, word: str) -> None:
    """On the status bar, with *Save*."""
    page.locator("fieldset").get_by_text(word, exact=True).click()
    press(page, "Save")


def stock_of(people: People, sku: str) -> dict[str, int]:
    """What the merchant's product page says: pieces in Gothenburg, and the figure for the shop."""
    page = people.merchant.page
    page.goto(f"{people.home}products/?q={sku}")
    go(page.locator("tbody").get_by_role("link").first)
    expect(page.locator("#stock")).to_be_visible()
    shelf = page.locator("#stock tbody tr").first.locator("td").all_inner_texts()
    figure = page.locator("#stock .eq div b").last.inner_text()
    return {"on hand": int(shelf[0]), "reserved": int(shelf[1]), "for the shop": int(figure)}


def open_size(people: People, sku: str) -> Page:
    """The shop's page of this item."""
    page = people.shop.page
    page.goto(f"{people.shop.url}/sandbox/nordlys/products/?q={sku}")
    go(page.locator("tbody").get_by_role("link").first)
    return page


def wait_for_shop_stock(people: People, sku: str, pieces: int) -> None:
    """The shop shows so many physical pieces."""
    page = open_size(people, sku)
    wait_for(page, page.locator(".sb-sum div").filter(has_text="Physical").get_by_text(str(pieces), exact=True))


# --- chapters -------------------------------------------------------------------------------


def test_goods_are_announced_received_and_told_to_the_shop(people: People) -> None:
    merchant, staff, page = people.merchant, people.staff, people.merchant.page
    follow(page, "Orders")
    seen(merchant, "orders-empty")
    follow(page, "Stock updates")
    seen(merchant, "stock-updates-none")
    create_products(merchant, "FG104", 25)

    follow(page, "Stock updates")
    seen(merchant, "stock-updates-empty")
    follow(page, "New stock update")
    announce(page, "PO-4711", {SWEATER: "10", "FG-no-such": "2", CARDIGAN: "many"})
    expect(page.get_by_label("SKU, line 2", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Pieces, line 3", exact=True)).to_have_value("many")
    seen(merchant, "stock-update-wrong")
    announce(page, "PO-4711", {SWEATER: "10", CARDIGAN: "4", "": ""})
    seen(merchant, "stock-update-announced")
    number = page.get_by_role("heading", level=1).inner_text()

    desk = staff.page
    desk.goto(f"{staff.url}/admin/products/stockupdate/?q={number}")
    fits(staff, "staff-stock-updates")
    go(desk.locator("#result_list tbody th a").first)
    follow(desk, "Receive")
    fits(staff, "staff-receive")
    row = desk.get_by_role("row").filter(has_text=SWEATER)
    row.get_by_role("spinbutton").fill("10")
    press(desk, "Receive")
    expect(desk.get_by_text("10 pieces are on the shelf.")).to_be_visible()
    page.reload()
    seen(merchant, "stock-update-partly")
    desk.get_by_role("row").filter(has_text=CARDIGAN).get_by_role("spinbutton").fill("3")
    press(desk, "Receive")
    expect(desk.get_by_text("3 pieces are on the shelf.")).to_be_visible()

    follow(page, "Stock updates")
    seen(merchant, "stock-updates")
    press(page, "Switch on")
    expect(page.get_by_text("Nordlys (Centra) is told our stock from now on.")).to_be_visible()
    wait_for_shop_stock(people, SWEATER, 10)
    assert stock_of(people, SWEATER) == {"on hand": 10, "reserved": 0, "for the shop": 10}


def test_an_order_is_held_freed_collected_and_sent(people: People) -> None:
    merchant, staff, page, desk = people.merchant, people.staff, people.merchant.page, people.staff.page
    number = buy_for_sure(people.shop, "Harbour sweater navy", "M", 3)
    open_order(people, number)
    wait_for_status(page, "RESERVED")
    # Nothing else holds it: once the poll has seen the confirmation, this is the only cause.
    cause = page.get_by_role("region", name="Why it waits").locator(".note:only-child b")
    wait_for(page, cause.get_by_text("The shop’s “standard” is not linked to an active shipping method."))
    seen(merchant, "order-held")

    ask_for_methods(people)
    seen(merchant, "shipping-methods-asked")
    activate_methods(people)
    link_the_word(people)

    open_order(people, number)
    wait_for_status(page, "NEW")
    seen(merchant, "order-new")
    assert stock_of(people, SWEATER) == {"on hand": 10, "reserved": 3, "for the shop": 10}

    desk.goto(f"{staff.url}/admin/orders/order/")
    fits(staff, "staff-to-collect")
    act_on(staff, number, "Print pick list")
    fits(staff, "staff-pick-list")
    act_on(staff, number, "Mark as collecting")
    open_order(people, number)
    wait_for_status(page, "COLLECTING")
    seen(merchant, "order-collecting")
    desk.goto(f"{staff.url}/admin/orders/order/?state=all&q={number}")
    follow(desk, number)
    fits(staff, "staff-order")

    act_on(staff, number, "Mark as shipped")
    desk.get_by_label(f"Tracking code of {number}").fill("")
    press(desk, "Mark as shipped")
    fits(staff, "staff-ship-no-code")
    desk.get_by_label(f"Tracking code of {number}").fill(CODE)
    press(desk, "Mark as shipped")
    expect(desk.get_by_text("1 order is shipped.")).to_be_visible()

    open_order(people, number)
    wait_for_status(page, "SHIPPED")
    wait_for(page, page.get_by_text(re.compile("^The shop knows: sent with")))
    seen(merchant, "order-shipped")
    shop = people.shop.page
    shop.goto(f"{people.shop.url}/sandbox/nordlys/orders/{number}/")
    wait_for(shop, shop.locator("[aria-current=step]").get_by_text("Completed"))
    expect(shop.get_by_text(CODE)).to_be_visible()
    seen(people.shop, "sandbox-order-completed")
    assert stock_of(people, SWEATER) == {"on hand": 7, "reserved": 0, "for the shop": 7}
    seen(merchant, "product-stock")
    wait_for_shop_stock(people, SWEATER, 7)
    page.goto(people.home)
    seen(merchant, "front-full")


def ask_for_methods(people: People) -> None:
    page = people.merchant.page
    follow(page, "Shipping methods")
    seen(people.merchant, "shipping-methods-empty")
    follow(page, "New Shipping Method")
    page.get_by_role("combobox", name="Warehouse").select_option(label="GOT · Gothenburg")
    press(page, "Show its methods")
    page.get_by_label("Request activation PostNord MyPack Home").check()
    page.get_by_label("Request activation DHL Home Delivery").check()
    seen(people.merchant, "shipping-methods-new")
    press(page, "Save")
    expect(page.get_by_text(re.compile("Activation is requested"))).to_be_visible()


def activate_methods(people: People) -> None:
    desk = people.staff.page
    desk.goto(f"{people.staff.url}/admin/shipping/merchantmethod/")
    fits(people.staff, "staff-methods-asked")
    desk.locator("#action-toggle").check()
    desk.get_by_role("combobox", name="Action").select_option(label="Activate")
    press(desk, "Go")
    expect(desk.get_by_text("2 methods are active.")).to_be_visible()
    fits(people.staff, "staff-methods-active")


def link_the_word(people: People) -> None:
    merchant, page = people.merchant, people.merchant.page
    follow(page, "Shipping methods")
    seen(merchant, "shipping-methods")
    follow(page, "The shop's methods")
    seen(merchant, "shop-methods-unlinked")
    go(page.get_by_role("link", name="Link standard"))
    seen(merchant, "link-form")
    page.get_by_label("method", exact=False).last.select_option(label="PostNord MyPack Home")
    press(page, "See what would change")
    expect(page.get_by_role("heading", name=re.compile("would change"))).to_be_visible()
    seen(merchant, "link-preview")
    press(page, "Save")
    expect(page.get_by_role("heading", level=1)).to_have_text("The shop's methods")
    seen(merchant, "shop-methods")


def test_a_cancellation_is_asked_for_and_agreed_to(people: People) -> None:
    merchant, staff, page = people.merchant, people.staff, people.merchant.page
    before = stock_of(people, CARDIGAN)
    number = buy_for_sure(people.shop, "Breakwater cardigan navy", "M", 2)
    open_order(people, number)
    wait_for_status(page, "NEW")
    act_on(staff, number, "Mark as collecting")
    wait_for_status(page, "COLLECTING")
    assert stock_of(people, CARDIGAN)["on hand"] == before["on hand"] - 2

    open_order(people, number)
    go_ahead(page, "Request a cancellation")
    expect(page.get_by_text("Cancellation requested").first).to_be_visible()
    seen(merchant, "order-cancel-asked")
    staff.page.goto(f"{staff.url}/admin/orders/order/?state=cancel")
    fits(staff, "staff-cancel-asked")
    act_on(staff, number, "Agree to cancel", "cancel")
    wait_for_status(page, "CANCELLED")
    expect(page.get_by_text("The warehouse agreed to cancel").first).to_be_visible()
    seen(merchant, "order-cancelled")
    assert stock_of(people, CARDIGAN)["on hand"] == before["on hand"]
    assert stock_of(people, CARDIGAN)["reserved"] == 0


def test_an_order_by_hand_is_edited_through_draft_and_split(people: People) -> None:
    merchant, page = people.merchant, people.merchant.page
    page.goto(f"{people.home}orders/")
    follow(page, "New order")
    press(page, "Save as NEW")
    expect(page.get_by_label("Reference")).to_have_attribute("aria-invalid", "true")
    seen(merchant, "order-new-wrong")
    fill_order(page, "SAMPLE-1")
    press(page, "Save as NEW")
    wait_for_status(page, "NEW")
    assert stock_of(people, SWEATER)["reserved"] == 2

    open_order(people, "SAMPLE-1")
    choose_status(page, "DRAFT")
    wait_for_status(page, "DRAFT")
    follow(page, "Edit")
    seen(merchant, "order-edit")
    page.get_by_label("Pieces, line 1", exact=True).fill("3")
    page.get_by_label("City").fill("Umeå")
    press(page, "Save as NEW")
    wait_for_status(page, "NEW")
    expect(page.get_by_text("Umeå").first).to_be_visible()
    assert stock_of(people, SWEATER)["reserved"] == 3

    open_order(people, "SAMPLE-1")
    follow(page, "Split")
    page.get_by_label(f"Pieces of {SWEATER} into the new part").fill("9")
    press(page, "Split")
    expect(page.get_by_role("alert")).to_be_visible()
    seen(merchant, "order-split-wrong")
    page.get_by_label(f"Pieces of {SWEATER} into the new part").fill("1")
    press(page, "Split")
    expect(page.get_by_text("Other parts").first).to_be_visible()
    seen(merchant, "order-split")
    assert stock_of(people, SWEATER)["reserved"] == 3
    follow(page, "Orders")
    seen(merchant, "orders")


def fill_order(page: Page, reference: str) -> None:
    page.get_by_label("Reference").fill(reference)
    page.get_by_role("combobox", name="Warehouse").select_option(label="GOT · Gothenburg")
    page.get_by_label("Name", exact=True).fill("Ada Lind")
    page.get_by_label("Address", exact=True).fill("Norra vägen 4")
    page.get_by_label("Zip code").fill("90320")
    page.get_by_label("City", exact=True).fill("Uppsala")
    page.get_by_label("Country", exact=True).select_option(label="Sweden")
    page.get_by_label("Phone").fill("+46701234567")
    page.get_by_label("Shipping method").select_option(
        label=containing(page.get_by_label("Shipping method"), "MyPack Home")
    )
    page.get_by_label("SKU, line 1", exact=True).fill(SWEATER)
    page.get_by_label("Pieces, line 1", exact=True).fill("2")


def test_the_played_warehouse_sends_an_order_and_one_on_hold_waits(people: People) -> None:
    merchant, staff, shop = people.merchant, people.staff, people.shop.page
    page = merchant.page
    played = buy_for_sure(people.shop, "Harbour sweater navy", "M", 1)
    held = buy_for_sure(people.shop, "Harbour sweater navy", "M", 1)
    open_order(people, played)
    wait_for_status(page, "NEW")
    act_on(staff, played, "Play warehouse")

    open_order(people, held)
    wait_for_status(page, "NEW")
    shop.goto(f"{people.shop.url}/sandbox/nordlys/orders/{held}/")
    press(shop, "Hold")
    wait_for_status(page, "RESERVED")
    seen(merchant, "order-on-hold")
    press(shop, "Resume")
    wait_for_status(page, "NEW")

    open_order(people, played)
    wait_for_status(page, "SHIPPED")
    shop.goto(f"{people.shop.url}/sandbox/nordlys/orders/{played}/")
    wait_for(shop, shop.locator("[aria-current=step]").get_by_text("Completed"))


def test_what_the_shop_changes_is_shown_to_be_accepted(people: People) -> None:
    merchant, page, shop = people.merchant, people.merchant.page, people.shop.page
    number = buy_for_sure(people.shop, "Harbour sweater navy", "M", 2)
    open_order(people, number)
    wait_for_status(page, "NEW")
    shop.goto(f"{people.shop.url}/sandbox/nordlys/orders/{number}/")
    shop.get_by_text("Cancel pieces").first.click()
    press(shop, "Cancel these")
    wait_for(page, page.get_by_role("heading", name="What the shop says now"))
    seen(merchant, "order-changed")
    press(page, "Accept")
    wait_for_status(page, "NEW")


def test_long_words_stay_on_their_pages(people: People) -> None:
    """A reference and a SKU of as many signs as there may be, and names that have no blank."""
    merchant, staff, page = people.merchant, people.staff, people.merchant.page
    reference, sku = "R" + "0123456789" * 6 + "-64", "FG" + "ABCDEFGHIJ" * 6 + "-X"
    page.goto(f"{people.home}products/new/")
    page.get_by_label("SKU", exact=True).fill(sku)
    page.get_by_label("Name", exact=True).fill(
        "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz-Pullover"
    )
    press(page, "Save")
    page.goto(f"{people.home}orders/new/")
    fill_order(page, reference)
    page.get_by_label("Name", exact=True).fill("Maximiliane von Donaudampfschifffahrtsgesellschaftskapitänswitwe")
    page.get_by_label("SKU, line 1", exact=True).fill(sku)
    press(page, "Save as NEW")
    wait_for_status(page, "PENDING")
    seen(merchant, "long-order")
    follow(page, "Print")
    seen(merchant, "long-packing-list")
    for name, path in {"orders": "orders/", "products": f"products/?q={sku}", "front": ""}.items():
        page.goto(f"{people.home}{path}")
        seen(merchant, f"long-{name}")
    staff.page.goto(f"{staff.url}/admin/orders/order/?state=all&q={reference}")
    fits(staff, "staff-long-orders")
    follow(staff.page, reference)
    fits(staff, "staff-long-order")


def test_every_other_page_of_orders_and_stock_is_fit_to_be_shown(people: People) -> None:
    merchant, page = people.merchant, people.merchant.page
    for name, path in {
        "order-processing": "order-processing/",
        "shop-stock": "products/shops/1/stock/",
        "orders-waiting": "orders/?status=waiting",
        "orders-none-match": "orders/?q=nothing-like-it",
        "packing-list": "orders/1/packing-list/",
        "integration-settings": "integrations/1/",
    }.items():
        page.goto(f"{people.home}{path}")
        for section in page.locator("details.setting > summary").all():
            section.click()
        seen(merchant, name)
    staff = people.staff
    for name, path in {
        "staff-orders": "orders/order/?state=all",
        "staff-stock": "products/stock/",
        "staff-ledger": "products/movement/",
    }.items():
        staff.page.goto(f"{staff.url}/admin/{path}")
        fits(staff, name)
