"""A row, an answer or its bytes, changed at random; the same seed changes the same."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 2**31, 2**63, 10**30, -(10**19), 0.5, -0.0, 1e308, 1e-300, "", " ", "0", "-0", "1",
    "-5", "1e9", "0x1F", "1,5", "1.5.2", "٧", "NaN", "Infinity", "true", "null", "\0", "a\0b", "\ud800", "\ufffd", "İ",
    "ß", "\u202e", "\u200b", "x" * 700, "9" * 5000, "0000-00-00", "0000-00-00 00:00:00", "2026-02-30 12:00:00",
    "2026-10-25 02:30:00", "2026-03-29 02:30:00", "9999-12-31 23:59:59", "0001-01-01 00:00:00", "1970-01-01", "SE",
    "sv-SE", "<b>", "%s%n{0}", "../..", "http://[", [], {}, [[]], [None], {"": ""}, {"0": 1}, {"-1": "x"}, [1, "a", {}],
)  # fmt: skip
DEEP = "nest {} deep"  # a list in a list in a list, written into the bytes: no encoder goes so deep
_NEST = re.compile(rb'"nest (\d+) deep"')


class Mutation:
    """Changes drawn from one seed; `rate` is how often a value is touched."""

    def __init__(self, seed: int, rate: float = 0.08) -> None:
        self.random = random.Random(seed)
        self.rate = rate

    def of(self, what: Any) -> Any:
        """The same, with values at any depth replaced, left out, doubled, swapped, wrapped, or of another type."""
        if self.random.random() < self.rate:
            return self._instead(what)
        if isinstance(what, dict):
            return self._object(what)
        if isinstance(what, list):
            return self._list(what)
        return what

    def content(self, what: Any) -> bytes:
        """As bytes; one in four is broken as text, too."""
        text = _NEST.sub(lambda found: b"[" * int(found[1]) + b"]" * int(found[1]), json.dumps(what).encode())
        return self._broken(text) if self.random.random() < 0.25 else text

    def _instead(self, what: Any) -> Any:
        kinds: list[Callable[[], Any]] = [
            lambda: self.random.choice(ODD),
            lambda: self.random.choice(ODD),
            lambda: [what],
            lambda: {"0": what},
            lambda: str(what),
            lambda: DEEP.format(self.random.choice([3, 60, 500, 900, 1200, 100_000])),
            lambda: what * 3 if isinstance(what, str | list) and len(what) < 100 else -what if _is_number(what) else {},
        ]
        return self.random.choice(kinds)()

    def _object(self, what: dict[str, Any]) -> dict[str, Any]:
        kept = {key: self.of(value) for key, value in what.items() if self.random.random() > self.rate / 3}
        if kept and self.random.random() < self.rate:
            one, other = self.random.choice([*kept]), self.random.choice([*kept])
            kept[one], kept[other] = kept[other], kept[one]
        if self.random.random() < self.rate:
            kept[self.random.choice(["", "status", "id", "products", "\0", "x" * 300])] = self.random.choice(ODD)
        return kept

    def _list(self, what: list[Any]) -> list[Any]:
        kept = [self.of(value) for value in what if self.random.random() > self.rate / 3]
        if kept and self.random.random() < self.rate:
            kept.append(self.random.choice(kept))
        if self.random.random() < self.rate:
            self.random.shuffle(kept)
        return kept

    def _broken(self, text: bytes) -> bytes:
        at = self.random.randrange(len(text) + 1)
        sign = bytes([self.random.randrange(256)])
        changed = text[:at] + sign + text[at + 1 :]
        return self.random.choice([text[:at], text[at:], changed, text[:at] + text, b"\xef\xbb\xbf" + text, text * 2])


def _is_number(what: Any) -> bool:
    return isinstance(what, int | float) and not isinstance(what, bool)
