"""A person without a mouse: keys only. At every stop the focus must be seen, named and marked."""

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Tab

FURTHEST = 400  # stops; no page has so many

# Where the focus is. `marks`: what the element and the two around it are drawn with; `was`: the same of the stop
# before, now that it is left; `hidden`: what lies over its middle, or that it lies outside the window.
LOOK = """async () => {
  document.getAnimations().filter((one) => one instanceof CSSTransition).forEach((one) => one.finish());
  const marks = (one) => {
    const found = [];
    for (let part = one, height = 0; part && height < 3; part = part.parentElement, height++) {
      const style = getComputedStyle(part);
      const outline = [style.outlineStyle, style.outlineWidth, style.outlineColor].join();
      found.push(style.outlineStyle === "none" ? "" : outline, style.boxShadow);
    }
    return JSON.stringify(found);
  };
  const hidden = (one) => {
    const line = (one.getClientRects()[0] ?? one.getBoundingClientRect());
    const x = (Math.max(line.left, 0) + Math.min(line.right, innerWidth)) / 2;
    const y = (Math.max(line.top, 0) + Math.min(line.bottom, innerHeight)) / 2;
    const hit = document.elementFromPoint(x, y);
    if (hit && (one.contains(hit) || [...(one.labels ?? [])].some((label) => label.contains(hit)))) return "";
    return `${JSON.stringify(line)}, over it ${hit?.outerHTML.slice(0, 120)}`;
  };
  window.keysVisited ??= new Set();
  const before = window.keysLast;
  const was = before?.isConnected ? marks(before) : null;
  const now = document.activeElement;
  window.keysLast = now === document.body ? null : now;
  if (now === document.body || !now) return { was, html: "" };
  const isAgain = now !== before && window.keysVisited.has(now); /* a date has three stops of its own */
  window.keysVisited.add(now);
  if (hidden(now)) await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  return { was, isAgain, html: now.outerHTML.slice(0, 160), marks: marks(now), hidden: hidden(now),
           inMain: !!now.closest("main"), inDialog: !!now.closest("dialog") };
}"""

# What a mouse could press and the walk never came to; of radio buttons one is enough, the arrows lead to the others.
PASSED_BY = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((one) => !one.disabled && one.type !== "hidden" && one.type !== "radio" && one.tabIndex >= 0)
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest("[inert]"))
  .filter((one) => !window.keysVisited.has(one)).map((one) => one.outerHTML.slice(0, 160))"""


@dataclass
class Stop:
    """Where the focus rests after a key: what a screen reader says, and what is drawn."""

    html: str
    name: str = ""
    role: str = ""
    description: str = ""
    states: dict[str, Any] = field(default_factory=dict)
    is_again: bool = False
    is_in_main: bool = False
    is_in_dialog: bool = False
    marks: str = ""


class Keys:
    """The keyboard of one page, and the rules that hold at every stop."""

    def __init__(self, tab: Tab) -> None:
        self.page: Page = tab.page
        self._tree = tab.page.context.new_cdp_session(tab.page)
        self._before: Stop | None = None

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Over whatever stands in the field."""
        self.press("Control+a")
        self.page.keyboard.insert_text(text)

    def follow(self, key: str = "Enter") -> None:
        """A key that leads to another page."""
        with self.page.expect_navigation():
            self.press(key)
        self._before = None

    def stop(self) -> Stop:
        """Where the focus is; looked at, but for the body and for what only a link leads to."""
        seen = self.page.evaluate(LOOK)
        if self._before and seen["was"] is not None and self._before.html != seen["html"]:
            assert seen["was"] != self._before.marks, f"the focus does not show on {self._before.html}"
        self._before = None
        if not seen["html"]:
            return Stop("")
        now = self._said(seen)
        assert not seen["hidden"], f"the focus is out of sight on {now.html}: {seen['hidden']}"
        assert now.name, f"nothing is said of {now.html}"
        self._before = now
        return now

    def tab(self, *, back: bool = False) -> Stop:
        self.press("Shift+Tab" if back else "Tab")
        return self.stop()

    def go_to(self, name: str, role: str = "", *, back: bool = False) -> Stop:
        """Tab until it is reached; `name` as it is said, or a part of it that begins so."""
        passed: list[str] = []
        for _number in range(FURTHEST):
            now = self.tab(back=back)
            if re.match(rf"{name}", now.name) and role in ("", now.role):
                return now
            passed.append(f"{now.role} {now.name}")
        raise AssertionError(f"no {role} “{name}” is reached; passed {passed[:80]}")

    def walk(self) -> list[Stop]:
        """Once round the page from its beginning; everything that can be pressed is a stop."""
        self.page.evaluate("window.keysVisited = new Set(); window.keysLast = null")
        self._before = None
        stops: list[Stop] = []
        for _number in range(FURTHEST):
            now = self.tab()
            if now.is_again or (not now.html and stops):
                passed_by = self.page.evaluate(PASSED_BY)
                assert passed_by == [], f"no key leads to {passed_by}"
                return stops
            stops.append(now)
        raise AssertionError(f"the focus does not come out again: {[one.name for one in stops[-20:]]}")

    def _said(self, seen: dict[str, Any]) -> Stop:
        """The focused element as the browser tells it to a screen reader."""
        element = self._tree.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]["objectId"]
        node = self._tree.send("Accessibility.getPartialAXTree", {"objectId": element, "fetchRelatives": False})
        tree = node["nodes"][0]
        states = {one["name"]: one["value"].get("value") for one in tree.get("properties", [])}
        return Stop(
            html=seen["html"],
            name=str(tree.get("name", {}).get("value", "")).strip(),
            role=str(tree.get("role", {}).get("value", "")),
            description=str(tree.get("description", {}).get("value", "")),
            states=states,
            is_again=seen["isAgain"],
            is_in_main=seen["inMain"],
            is_in_dialog=seen["inDialog"],
            marks=seen["marks"],
        )


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(words))
