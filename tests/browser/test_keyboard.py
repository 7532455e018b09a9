"""The merchant's portal by keyboard alone: no click, no pointer; at each stop the focus is seen, named and marked.

The shop's side is set up by mouse, by another person. Each test is a chapter; the first ones set the scene.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.browser.conftest import ARTEFACTS, Tab, visitor
from tests.browser.keyboard import Keys, heading
from tests.browser.walk import SECRET, buy_for_sure, make_plugin, wait_for
from tests.demo import Demo

RHYTHM = {"POLL_SECONDS": "2", "TICK_SECONDS": "1"}
WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=360, height=740)


@dataclass
class Person:
    """Who has no mouse, and the shop, where somebody else has one."""

    tab: Tab
    keys: Keys
    shop: Tab
    base_url: str

    @property
    def home(self) -> str:
        return f"{self.tab.url}/m/{re.findall(r'/m/([0-9]+)/', self.tab.page.url)[0]}/"

    def open(self, path: str) -> Keys:
        """As typed into the address bar."""
        self.tab.page.goto(self.home + path)
        return self.keys


@pytest.fixture(scope="module")
def person(chromium: Browser, demo: Demo) -> Iterator[Person]:
    with visitor(chromium) as theirs, visitor(chromium) as ours:
        shop, tab = Tab(theirs.new_page(), demo), Tab(ours.new_page(), demo)
        yield Person(tab, Keys(tab), shop, make_plugin(shop, is_looked_at=False))


@pytest.fixture(autouse=True)
def _nothing_in_the_console(person: Person, request: pytest.FixtureRequest) -> Iterator[None]:
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        person.tab.page.screenshot(path=ARTEFACTS / f"failed-{request.node.name}.png", caret="initial")
    person.tab.page.set_viewport_size(WIDE)
    assert person.tab.complaints == []


def test_signing_in_is_typed(person: Person) -> None:
    page, keys = person.tab.page, person.keys
    page.goto(person.tab.url)
    keys.walk()
    keys.go_to("Email")
    keys.type("demo@example.com")
    keys.go_to("Password")
    keys.type("not the one")
    keys.follow()
    wrong = keys.go_to("Email")
    expect(page.get_by_role("main")).to_contain_text("not correct")
    keys.type("demo@example.com")
    keys.go_to("Password")
    keys.type("demo")
    keys.follow()
    heading(page, "Front page")
    assert wrong.role == "textbox"


def test_the_skip_link_leads_past_the_menu(person: Person) -> None:
    keys = person.keys
    person.tab.page.reload()
    assert keys.tab().name == "Skip to the content"
    keys.press("Enter")
    assert person.tab.page.evaluate("document.activeElement.id") == "main"
    assert keys.tab().is_in_main


def test_the_switcher_and_the_users_menu_open_and_close(person: Person) -> None:
    page, keys = person.tab.page, person.keys
    for name, inside in (("Merchant:", "Add new"), ("Signed in as", "Change password")):
        page.reload()
        handle = keys.go_to(name)
        assert handle.states["expanded"] is False
        keys.press("Enter")
        assert keys.stop().states["expanded"] is True
        keys.go_to(inside, "link", back=name.startswith("Signed"))
        keys.press("Escape")
        now = keys.stop()
        assert (now.html, now.states["expanded"]) == (handle.html, False)
        expect(page.get_by_role("link", name=inside)).to_be_hidden()


def test_a_shop_is_connected_and_an_error_is_found(person: Person) -> None:
    page, keys = person.tab.page, person.keys
    keys.go_to("Integrations", "link")
    keys.follow()
    keys.go_to("New Integration", "link")
    keys.follow()
    keys.go_to("Centra", "link")
    keys.follow()
    keys.walk()
    keys.go_to("Name")
    keys.type("Nordlys")
    keys.go_to("API token")
    keys.type(SECRET)
    keys.go_to("Store Hash")
    keys.type("http://127.0.0.1:1/login?x=1")
    keys.go_to("Warehouse")
    keys.press("G")
    keys.go_to("Time zone")
    page.keyboard.type("Europe/Stockholm")
    keys.go_to("Save", "button")
    keys.press("Enter")
    field = page.get_by_label("Store Hash")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    wrong = keys.stop()
    sentence = page.locator(f"#{field.get_attribute('id')}_error").inner_text()
    assert wrong.states["invalid"] == "true"
    assert sentence
    assert sentence in wrong.description
    keys.type(person.base_url)
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/integrations/\d+/"))
    heading(page, "Nordlys")


def test_an_integration_is_reached_and_its_settings_unfold(person: Person) -> None:
    page = person.tab.page
    keys = person.open("")
    keys.go_to("Integrations", "link")
    keys.follow()
    keys.walk()
    keys.go_to("Nordlys", "link")
    keys.follow()
    keys.walk()
    orders = keys.go_to("Orders", "DisclosureTriangle")
    keys.press(" ")
    assert keys.stop().states["expanded"] is True
    keys.go_to("Take orders")
    assert keys.go_to("Orders", "DisclosureTriangle", back=True).html.split(">")[0] == orders.html.split(">")[0]
    keys.press("Enter")
    assert keys.stop().states["expanded"] is False
    expect(page.get_by_label(re.compile("^Take orders"))).to_be_hidden()


def test_what_fetches_itself_anew_leaves_the_focus_where_it_is(person: Person) -> None:
    page, keys = person.tab.page, person.keys
    keys.go_to("Refresh", "button", back=True)
    keys.follow()
    with page.expect_response(re.compile("/live/")):
        while not page.evaluate("!!document.activeElement.closest('#activity td')"):
            keys.press("Tab")
        before = keys.stop()
        page.evaluate("document.activeElement.setAttribute('data-is-old', '')")
    expect(page.locator("[data-is-old]")).to_have_count(0)
    assert keys.stop().name == before.name


def test_a_refresh_that_ends_does_not_take_the_page_from_under_the_focus(person: Person) -> None:
    page = person.tab.page
    keys = person.open("products/sync/?tab=linked")
    wait_for(page, page.get_by_role("button", name="Refresh"), 60)
    keys.go_to("Refresh", "button")
    keys.follow()
    held = keys.go_to("Search", "searchbox")
    page.evaluate("window.isTheSamePage = true")
    expect(page.locator("#refresh-said")).to_contain_text("The refresh is over.", timeout=30_000)
    assert keys.stop().html == held.html
    assert page.evaluate("window.isTheSamePage")
    keys.go_to("Show the new list", "link", back=True)
    keys.follow()


def test_items_are_chosen_and_created(person: Person) -> None:
    page, keys = person.tab.page, person.keys
    keys.go_to("Sync webshop products", "link")
    keys.follow()
    wait_for(page, page.get_by_text("383 items").first, 60)
    keys.walk()
    keys.go_to("Problems", "link")
    keys.follow()
    expect(page.get_by_role("navigation", name="State").locator("[aria-current=page]")).to_contain_text("Problems")
    keys.go_to("New", "link")
    keys.follow()
    keys.go_to("Search", "searchbox")
    keys.type("FG1042-NVY-M")
    keys.follow()
    keys.go_to("Choose ", "checkbox")
    keys.press(" ")
    assert keys.stop().states["checked"] == "true"
    expect(page.get_by_text("1 chosen")).to_be_visible()
    keys.press("Enter")  # must not press the first button of the form
    keys.go_to("Create product", "button")
    keys.follow()
    expect(page.get_by_text(re.compile("Created 1"))).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("window", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_bar_of_chosen_rows_hides_no_row(person: Person, window: ViewportSize) -> None:
    person.tab.page.set_viewport_size(window)
    keys = person.open("products/sync/?tab=new")
    keys.go_to("Choose ", "checkbox")
    keys.press(" ")
    expect(person.tab.page.get_by_text("1 chosen")).to_be_visible()
    while keys.tab().name != "Create product":
        pass  # each stop is looked at


def test_an_order_is_found_and_opened(person: Person) -> None:
    page = person.tab.page
    number = buy_for_sure(person.shop, "FG1042", "M", 1)
    keys = person.open("orders/")
    wait_for(page, page.get_by_role("link", name=number, exact=True))
    keys.walk()
    keys.go_to("More filters")
    keys.press("Enter")
    keys.go_to("Placed from")
    keys.go_to("Search", "searchbox", back=True)
    keys.type(number)
    keys.follow()
    keys.go_to(number, "link")
    keys.follow()
    heading(page, number)
    keys.walk()


def test_a_question_is_answered_with_escape_and_the_focus_is_back(person: Person) -> None:
    page = person.tab.page
    keys = person.open("channels/new/")
    keys.go_to("Channel name")
    keys.type("Fjord")
    keys.go_to("Save", "button")
    keys.follow()
    page.wait_for_url(re.compile("/channels/"))
    keys.go_to("Fjord", "link")
    keys.follow()
    asked = keys.go_to("Delete", "button")
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert keys.stop().is_in_dialog
    for _number in range(4):  # the question keeps the focus, or hands it to the browser's own buttons
        now = keys.tab()
        assert now.is_in_dialog or not now.html
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert keys.stop().html == asked.html


def test_a_form_with_errors_says_which(person: Person) -> None:
    page = person.tab.page
    keys = person.open("products/stock-updates/new/")
    keys.walk()
    keys.go_to("SKU, line 5")
    keys.type("FG1042-NVY-M")
    keys.go_to("More rows", "button")
    keys.press("Enter")
    expect(page.get_by_label("SKU, line 6", exact=True)).to_be_visible()
    assert keys.stop().name == "SKU, line 2"  # the first empty one
    keys.go_to("SKU, line 1", back=True)
    keys.type("FG-no-such")
    keys.go_to("Pieces, line 1")
    keys.type("many")
    keys.go_to("Save", "button")
    keys.follow()
    first = keys.stop()
    assert first.states["invalid"] == "true"
    assert first.description
    wrong = page.locator("main [aria-invalid=true]")
    for number in range(wrong.count()):
        ids = (wrong.nth(number).get_attribute("aria-describedby") or "").split()
        said = " ".join(page.locator(f"[id='{one}']").inner_text() for one in ids)
        assert said.strip(), wrong.nth(number).get_attribute("name")


def test_more_rows_of_an_order_leave_the_focus_where_it_is(person: Person) -> None:
    keys = person.open("orders/new/")
    keys.walk()
    keys.go_to("More rows", "button")
    keys.press("Enter")
    expect(person.tab.page.get_by_label("SKU, line 4", exact=True)).to_be_visible()
    assert keys.stop().name == "More rows"


def test_the_menu_of_a_phone_opens_and_closes(person: Person) -> None:
    page = person.tab.page
    page.set_viewport_size(NARROW)
    keys = person.open("")
    keys.walk()
    for key in ("Enter", " "):
        page.reload()
        handle = keys.go_to("Menu", "button")
        assert handle.states["expanded"] is False
        keys.press(key)
        assert keys.stop().name == "Close"
        expect(page.locator("[data-menu]")).to_have_attribute("aria-expanded", "true")
        passed: list[str] = []
        while (now := keys.tab()).html and now.name != "Close" and len(passed) < 60:
            assert not now.is_in_main, "behind the menu"
            passed.append(now.name)
        assert "Orders" in passed
        keys.press("Escape")
        assert keys.stop().name == "Menu"
        expect(page.locator("[data-menu]")).to_have_attribute("aria-expanded", "false")
        expect(page.locator("#side")).to_be_hidden()
    keys.press("Enter")
    keys.stop()
    keys.go_to("Orders", "link")
    keys.follow()
    heading(page, "Orders")


@pytest.mark.parametrize("path", ["products/sync/?tab=new", "orders/", "integrations/1/", "products/"])
def test_a_phones_page_is_walked_round(person: Person, path: str) -> None:
    person.tab.page.set_viewport_size(NARROW)
    person.open(path).walk()
