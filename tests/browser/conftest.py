"""A real browser on the demo command's own process."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.demo import Demo, running_demo

ARTEFACTS = Path(__file__).resolve().parent.parent / "artefacts"
AXE = Path(__file__).resolve().parent / "axe.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# What no page may show, in either width: a line that ends in dots, a table that hangs out of its card, room kept for
# buttons that are not there, boxes that touch, a sign on top of its own sentence, a button that is cut off.
AMISS = """() => {
  const seen = [...document.querySelectorAll('body *')].filter(one => one.getClientRects().length);
  const all = words => seen.filter(one => one.matches(words));
  const px = (one, name) => parseFloat(getComputedStyle(one)[name]);
  const is = (what, ones) => ones.map(one => `${what}: ${one.outerHTML.slice(0, 120)}`);
  const stuck = all('.card + .note, .card + .notes, .notes + .note, .note + .note')
    .filter(one => one.getBoundingClientRect().top - one.previousElementSibling.getBoundingClientRect().bottom < 8);
  return [
    ...is('ends in dots', all('.side summary > span').filter(one => one.scrollWidth > one.clientWidth)),
    ...is('hangs out of its card', all('.card table.t')
      .filter(one => one.getBoundingClientRect().right > one.closest('.card').getBoundingClientRect().right + 1)),
    ...is('room for nothing', all('.top .right').filter(one => !one.children.length)),
    ...is('boxes touch', stuck),
    ...is('sign on its sentence', all('.messagelist li')
      .filter(one => px(one, 'paddingLeft') < px(one, 'backgroundPositionX') + px(one, 'backgroundSize'))),
    ...is('cut off', all('#changelist .actions :is(.button, select, input)')
      .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth - 16)),
  ];
}"""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def pytest_sessionstart(session: pytest.Session) -> None:
    """The pictures of the last run go, once: before the workers start, whose pictures lie side by side.

    Of a run that names this folder, as others do not see this hook; what else lies there is not ours.
    """
    if "PYTEST_XDIST_WORKER" in os.environ or session.config.option.collectonly:
        return
    for picture in ARTEFACTS.glob("*.png"):
        picture.unlink()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a browser test.

    Where a run keeps groups together (`--dist loadgroup`) one process walks them all; where it keeps files together
    (`--dist loadfile`) several do, for each file has a demo of its own.
    """
    here = Path(__file__).resolve().parent
    for item in items:
        if here in Path(item.fspath).parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Demo]:
    """The demo, fresh for each module, in the rhythm that the module names as `RHYTHM`."""
    rhythm = getattr(request.module, "RHYTHM", {})
    with running_demo(tmp_path_factory.mktemp("demo"), rhythm) as running:
        yield running


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """The folder of pictures, which the other processes fill too."""
    ARTEFACTS.mkdir(exist_ok=True)
    return ARTEFACTS


@pytest.fixture(scope="session")
def chromium(artefacts: Path) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install Debian's package chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def visitor(chromium: Browser) -> BrowserContext:
    """A person with cookies of their own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(15_000)
    return context


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = visitor(chromium)
    yield context
    context.close()


class Tab:
    """A page that remembers what the console complained of, and takes pictures."""

    def __init__(self, page: Page, demo: Demo) -> None:
        self.page = page
        self.url = demo.url
        self.complaints: list[str] = []
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not re.search(r"status of (403|404|429|400)", text):
            self.complaints.append(text)

    def picture(self, name: str) -> None:
        """The whole page at 1280 and at 360 pixels; nothing may scroll sideways."""
        self.page.evaluate("window.scrollTo(0, 0)")  # what sticks to the window would stand in the middle
        for width in (360, 1280):
            self.page.set_viewport_size({"width": width, "height": 900 if width == 1280 else 740})
            self.page.screenshot(path=ARTEFACTS / f"{name}-{width}.png", full_page=True, caret="initial")
            overflow = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{name} scrolls sideways by {overflow} pixels at {width}"
            assert self.page.evaluate(AMISS) == [], f"{name} at {width}"

    def has_no_barrier(self) -> None:
        """axe-core finds nothing that keeps a keyboard or a screen reader out."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then(r => r.violations)"
        )
        assert found == [], [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]


@pytest.fixture
def tab(context: BrowserContext, demo: Demo, request: pytest.FixtureRequest) -> Iterator[Tab]:
    """One page; nothing may be left in its console. A picture is kept when the test fails."""
    tab = Tab(context.new_page(), demo)
    failed_before = request.session.testsfailed
    yield tab
    if request.session.testsfailed > failed_before:
        tab.page.screenshot(path=ARTEFACTS / f"failed-{request.node.name}.png", full_page=True, caret="initial")
    assert tab.complaints == []


os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
