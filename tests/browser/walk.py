"""Steps that several walks through the running demo share, clicked by label and role as a person would."""

import re
import time
from collections.abc import Mapping

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Tab

SECRET = "a-key-typed-by-hand-1"


def go(there: Locator) -> None:
    """Click what leads to another page, or to the same one anew, and wait until it is there.

    A click alone returns while the old page is still shown, and whatever is asked next may be asked of that.
    """
    with there.page.expect_navigation():
        there.click()


def press(page: Page, name: str) -> None:
    go(page.get_by_role("button", name=name, exact=True))


def press_here(page: Page, name: str) -> None:
    """A button that leads to no other page."""
    page.get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    go(page.get_by_role("link", name=name, exact=True).first)


def follow_tab(page: Page, name: str) -> None:
    go(page.get_by_role("main").get_by_role("link", name=re.compile(f"^{name}")).first)


def go_ahead(page: Page, name: str) -> None:
    """Press a button that asks before it acts, and say yes."""
    press_here(page, name)
    go(page.get_by_role("dialog").locator("[data-confirm-yes]"))


def seen(tab: Tab, name: str) -> None:
    """Look at this page: a picture in both widths, no barrier, nothing scrolling sideways."""
    tab.has_no_barrier()
    tab.picture(name)


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


def wait_for(page: Page, there: Locator, seconds: float = 25) -> None:
    """Reload until it is there: what the background does shows with the next look."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            expect(there).to_be_visible(timeout=1_000)
            return
        except AssertionError:
            page.reload()
    expect(there).to_be_visible()


# --- signing in -----------------------------------------------------------------------------


def sign_in(tab: Tab, email: str = "demo@example.com") -> None:
    tab.page.goto(tab.url)
    tab.page.get_by_label("Email").fill(email)
    tab.page.get_by_label("Password").fill("demo")
    press(tab.page, "Sign in")
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Front page")


def enter_the_shop(tab: Tab, picture: str = "") -> None:
    tab.page.goto(f"{tab.url}/sandbox/")
    tab.page.get_by_label("User name").fill("demo")
    tab.page.get_by_label("Password").fill("demo")
    if picture:
        seen(tab, picture)
    press(tab.page, "Sign in")


def enter_the_desk(tab: Tab) -> None:
    tab.page.goto(f"{tab.url}/admin/")
    tab.page.get_by_label("Email").fill("staff@example.com")
    tab.page.get_by_label("Password").fill("demo")
    press(tab.page, "Sign in")
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("The staff's desk")


# --- connecting -----------------------------------------------------------------------------


def make_plugin(tab: Tab, is_looked_at: bool = True) -> str:
    """The guide's steps in Centra; returns the Base URL to copy."""
    page = tab.page
    look = seen if is_looked_at else _pass_by
    enter_the_shop(tab, "sandbox-sign-in" if is_looked_at else "")
    go(page.get_by_role("link", name=re.compile("Nordlys")).first)
    look(tab, "sandbox-products")
    follow(page, "SYSTEM → STORES")
    go(page.get_by_role("link", name=re.compile("Retail")).first)
    follow(page, "+ PLUGIN METHOD")
    page.get_by_label("Status", exact=True).select_option(label="Active")
    page.get_by_label("Name", exact=True).fill("myOGO")
    expect(page.get_by_label("Plugin", exact=True)).to_have_value(re.compile("order", re.I))
    page.get_by_label("Secret API key").fill(SECRET)
    for status in ("Pending", "Confirmed", "Processing", "Completed"):
        page.get_by_label(status, exact=True).check()
    page.get_by_label("Get orders starting with").select_option(label="Newest")
    look(tab, "sandbox-plugin-form")
    go(page.get_by_role("button", name="Save", exact=True).last)
    expect(page.get_by_label("Secret API key", exact=True)).to_have_value(SECRET)
    look(tab, "sandbox-plugin")
    return page.get_by_label("Base URL", exact=True).input_value()


def _pass_by(tab: Tab, name: str) -> None:
    """No picture."""


def fill_integration(page: Page, token: str, store_hash: str) -> None:
    page.get_by_label("Name").fill("Nordlys")
    page.get_by_label("API token").fill(token)
    page.get_by_label("Store Hash").fill(store_hash)
    page.get_by_label("Warehouse").select_option(label="GOT · Gothenburg")
    page.get_by_label("Time zone").select_option(label="Europe/Stockholm")


def connect(tab: Tab, base_url: str) -> None:
    """A new integration; ends on its own page."""
    page = tab.page
    follow(page, "Integrations")
    follow(page, "New Integration")
    go(page.get_by_role("link", name=re.compile("Centra")).last)
    fill_integration(page, SECRET, base_url)
    press(page, "Save")
    page.wait_for_url(re.compile(r"/integrations/\d+/"))


def create_products(tab: Tab, words: str, items: int) -> None:
    """Sync webshop products: read, search, all that match, *Create product*."""
    page = tab.page
    follow(page, "Sync webshop products")
    expect(page.get_by_text("383 items").first).to_be_visible(timeout=60_000)
    page.get_by_role("main").get_by_role("searchbox").fill(words)
    page.get_by_role("main").get_by_role("searchbox").press("Enter")
    page.wait_for_url(re.compile("q="))
    page.get_by_label("All", exact=True).check()
    expect(page.get_by_text(f"{items} chosen")).to_be_visible()
    press(page, "Create product")
    if page.get_by_role("button", name="Go ahead").is_visible():
        press(page, "Go ahead")
    expect(page.get_by_text(re.compile(f"Created {items}"))).to_be_visible(timeout=60_000)


# --- goods and orders ------------------------------------------------------------------------


def announce(page: Page, reference: str, goods: Mapping[str, int] | Mapping[str, str]) -> None:
    """Write a stock update; the page is that of a new one."""
    page.get_by_label("Warehouse").select_option(label="GOT · Gothenburg")
    page.get_by_label("Supplier").fill("Fjord Mills")
    page.get_by_label("Your reference").fill(reference)
    page.get_by_label("Expected on").fill(time.strftime("%Y-%m-%d"))
    page.get_by_label("Parcels").fill("2")
    for place, (sku, pieces) in enumerate(goods.items(), 1):
        page.get_by_label(f"SKU, line {place}", exact=True).fill(sku)
        page.get_by_label(f"Pieces, line {place}", exact=True).fill(str(pieces))
    press(page, "Save")


def buy(tab: Tab, words: str, size: str, pieces: int, shipping: str = "standard") -> str:
    """In the shop front: so many pieces of what these words find, sent so. Returns the number; it is not confirmed."""
    page = tab.page
    page.goto(f"{tab.url}/sandbox/nordlys/front/?q={words}")
    page.get_by_label("Size").first.select_option(label=_begins(page.get_by_label("Size").first, size))
    go(page.get_by_role("button", name=re.compile("^Add")).first)
    go(page.get_by_role("link", name=re.compile("^Basket")))
    page.get_by_label(re.compile("^Pieces of")).fill(str(pieces))
    press(page, "Change pieces")
    page.get_by_label("Shipping method").fill(shipping)
    press(page, "Place order")
    page.wait_for_url(re.compile(r"/orders/\d+/"))
    return str(re.findall(r"/orders/(\d+)/", page.url)[0])


def confirm(tab: Tab, number: str) -> None:
    """As the shop's staff: the order may go."""
    tab.page.goto(f"{tab.url}/sandbox/nordlys/orders/{number}/")
    press(tab.page, "Confirm")
    expect(tab.page.locator("[aria-current=step]")).to_have_text("Confirmed")


def buy_for_sure(tab: Tab, words: str, size: str, pieces: int) -> str:
    """Buy and confirm."""
    number = buy(tab, words, size, pieces)
    confirm(tab, number)
    return number


def containing(choice: Locator, words: str) -> str:
    """The label of the first option with these words in it."""
    return next(text for text in choice.locator("option").all_inner_texts() if words in text)


def _begins(choice: Locator, word: str) -> str:
    """The option of that size; behind it stands how many there are."""
    return next(text for text in choice.locator("option").all_inner_texts() if text.split(" (")[0] == word)


def act_on(tab: Tab, order: str, action: str, state: str = "all") -> None:
    """At the staff's desk: tick one order in the list and choose an action."""
    page = tab.page
    page.goto(f"{tab.url}/admin/orders/order/?state={state}&q={order}")
    page.locator("#result_list tbody").get_by_role("checkbox").first.check()
    page.get_by_role("combobox", name="Action").select_option(label=action)
    press(page, "Go")
