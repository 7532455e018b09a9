"""Pages of lists that may be very long: what a page costs does not grow with the list."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

FEW = 1_000  # matches whose keys are all read, in no order, and sorted as they are


class LongList(Paginator[Any]):
    """Finds the keys of a page first, then reads its rows.

    Where an index serves the order, the keys are found in that index alone, and from the nearer end of the list. What
    was searched for is looked for in no order: else the database may walk through the whole list, where few match. Few
    of them are all known thereby; many are counted, or, where `most` is said, no further than that.

    `found` is the list in its order; `filled` all rows of the same model, with what a row shows, where that is more
    than the list needs; `known` how many there are, where somebody has counted them already.
    """

    def __init__(
        self,
        found: QuerySet[Any],
        per_page: int,
        *args: Any,
        filled: QuerySet[Any] | None = None,
        known: int | None = None,
        most: int | None = None,
    ) -> None:
        super().__init__(found, per_page, *args)
        self.found, self.filled, self.known, self.most = found, found if filled is None else filled, known, most
        self.few = FEW if most is None else min(FEW, most)

    @cached_property
    def count(self) -> int:
        if self.known is not None:
            return self.known if self.most is None else min(self.known, self.most)
        if self._are_few:
            return len(self._some)
        return self.found.order_by().count() if self.most is None else self.most

    @property
    def is_cut(self) -> bool:
        """Whether there are, or may be, more than `count`."""
        return self.most is not None and self.count >= self.most

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        return Page(list(self._rows(start, min(start + self.per_page, self.count))), number, self)

    @cached_property
    def _some(self) -> list[int]:
        return list(self.found.order_by().values_list("pk", flat=True)[: self.few + 1])

    @property
    def _are_few(self) -> bool:
        return self.known is None and len(self._some) <= self.few

    def _rows(self, start: int, stop: int) -> QuerySet[Any]:
        filled = self.filled.order_by(*self.found.query.order_by)
        if self._are_few:
            return filled.filter(pk__in=self._some)[start:stop]
        keys = self.found.values("pk")
        if not self.is_cut and start > self.count // 2:
            return filled.filter(pk__in=keys.reverse()[self.count - stop : self.count - start])
        return filled.filter(pk__in=keys[start:stop])
