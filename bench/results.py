"""What a measure hands to the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.engine import MOST_SHARE


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target and whether it is met; `is_met` is None where a ratio is void."""

    letter: str
    what: str
    target: str
    found: str
    is_met: bool | None

    @property
    def word(self) -> str:
        return {True: "met", False: "**missed**", None: "void"}[self.is_met]


@dataclass(slots=True)
class Table:
    """Rows under a title, and a sentence on how they were measured."""

    letter: str
    title: str
    how: str
    head: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Grown:
    """The same work at two sizes, in seconds; and the most memory of the worker, in KiB."""

    letter: str
    what: str
    sizes: tuple[int, int]
    seconds: tuple[float, float]
    peaks: tuple[int, int] = (0, 0)

    @property
    def times(self) -> float:
        return self.seconds[1] / self.seconds[0]

    @property
    def linear(self) -> float:
        return self.sizes[1] / self.sizes[0]


@dataclass(slots=True)
class Results:
    """Everything that was found in one run."""

    verdicts: list[Verdict] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    grown: list[Grown] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        """Whether something was judged, and every target is met; a void ratio meets none."""
        return bool(self.verdicts) and all(one.is_met for one in self.verdicts)

    def judge(self, letter: str, what: str, limit: float, ratio: float, share: float = 0.0) -> None:
        """A ratio against its target; void where the shop's own share of the time is too large."""
        is_met = None if share >= MOST_SHARE else ratio <= limit
        self.verdicts.append(Verdict(letter, what, f"≤ {limit:.1f}", f"{ratio:.2f}", is_met))


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def megabytes(kilobytes: int) -> str:
    return f"{kilobytes / 1024:.0f} MB"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def number(value: float) -> str:
    return f"{value:,.0f}"
