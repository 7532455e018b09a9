"""A page as somebody at a browser has it: its links, its forms with what may be chosen in them, what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SAID = {"messages", "messagelist", "errorlist", "errornote"}  # classes of what just happened, and of what is wrong


class NotOffered(Exception):
    """The page has no such button, field or choice just now."""


@dataclass
class Form:
    """`sent` is what goes out when nothing is changed, `offered` which values a field lets one choose."""

    address: str
    method: str
    sent: dict[str, list[str]] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def filled(self, button: tuple[str, str] | None, chosen: Mapping[str, list[str]]) -> dict[str, list[str]]:
        """What a press of this button sends, with these fields filled in or chosen; raises `NotOffered`."""
        if button is not None and button not in self.buttons:
            raise NotOffered(f"no button {button}")
        for name, values in chosen.items():
            if name not in self.sent and name not in self.offered:
                raise NotOffered(f"no field {name}")
            if missing := set(values) - set(self.offered.get(name, values)):
                raise NotOffered(f"no choice {missing} of {name}")
        return {**self.sent, **chosen, **({button[0]: [button[1]]} if button and button[0] else {})}


@dataclass
class Page:
    """An answer of the portal, at the address where the browser ended."""

    address: str
    text: str

    @cached_property
    def _read(self) -> Reader:
        return Reader(self.address, self.text)

    @property
    def links(self) -> list[tuple[str, str]]:
        """Address and words of each link, in the order of the page."""
        return self._read.links

    @property
    def forms(self) -> list[Form]:
        return self._read.forms

    @property
    def said(self) -> list[str]:
        """What just happened, and what is wrong with what was typed: a sentence each."""
        return [" ".join("".join(words).split()) for words in self._read.said]

    def form(self, address: str, button: tuple[str, str] | None = None) -> Form:
        """The one that is sent to an address with this end, and has this button; raises `NotOffered`."""
        for form in self.forms:
            if urlsplit(form.address).path.endswith(address) and (button is None or button in form.buttons):
                return form
        raise NotOffered(f"no form to {address} with the button {button}")


class Reader(HTMLParser):
    def __init__(self, address: str, page: str) -> None:
        super().__init__()
        self.address = address
        self.links: list[tuple[str, str]] = []
        self.forms: list[Form] = []
        self.said: list[list[str]] = []
        self._open: list[str] = []
        self._form: Form | None = None
        self._select = self._textarea = ""
        self._link: list[str] | None = None
        self._href = ""
        self._saying = 0  # how deep the element lies in which something is said; 0 outside
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        if not self._saying and SAID & set(said.get("class", "").split()):
            self._saying = len(self._open)
            self.said.append([])
        if tag == "form":
            self._form = Form(urljoin(self.address, said.get("action", "")), said.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag == "a" and "href" in said:
            self._link, self._href = [], said["href"]
        elif self._form is not None and "disabled" not in said:
            self._field(self._form, tag, said)

    def _field(self, form: Form, tag: str, said: dict[str, str]) -> None:
        name, kind = said.get("name", ""), said.get("type", "text" if tag == "input" else "submit")
        if tag == "button" or (tag == "input" and kind == "submit"):
            if kind == "submit":
                form.buttons.append((name, said.get("value", "")))
        elif tag == "input" and name and kind in ("checkbox", "radio"):
            form.offered.setdefault(name, []).append(said.get("value", "on"))
            if "checked" in said:
                form.sent.setdefault(name, []).append(said.get("value", "on"))
        elif tag == "input" and name and kind not in ("file", "button", "reset", "image"):
            form.sent.setdefault(name, []).append(said.get("value", ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            values = form.offered.setdefault(self._select, [])
            values.append(said.get("value", ""))
            if "selected" in said or len(values) == 1:
                form.sent[self._select] = [said.get("value", "")]
        elif tag == "textarea" and name:
            self._textarea = name
            form.sent[name] = [""]

    def handle_data(self, data: str) -> None:
        if self._saying:
            self.said[-1].append(data)
        if self._link is not None:
            self._link.append(data)
        if self._textarea and self._form is not None:
            self._form.sent[self._textarea][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            return
        while self._open.pop() != tag:
            pass
        if len(self._open) < self._saying:
            self._saying = 0
        if tag == "a" and self._link is not None:
            self.links.append((self._href, " ".join("".join(self._link).split())))
            self._link = None
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""
