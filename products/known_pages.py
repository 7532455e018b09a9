"""Pages of a shop's list that say word for word what they said before: none of their items need be looked at.

    read in full    the page is kept with a digest of its bytes, and each of its items with the key of the page
    met again       same place, same bytes, and all its items still are as that page showed them: passed over
    anything else   is read as if it had never been seen

Whoever writes an item anew, from another page or from a list of changes, gives it another page or none; an item that is
gone counts no more. So a page of which the number of items is not what it was is no longer known, and nothing has to
remember to forget it. A digest also stands for the code that read the page: another release reads everything again.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Collection
from functools import cache
from pathlib import Path

from django.db.models import Count

from integrations import connectors
from integrations.connectors.base import Page, ProductData
from integrations.models import Integration
from products import decide, problems, skus
from products.models import CataloguePage

LONGEST = 300  # characters of a cursor that can be kept
SECONDS = 1.0  # so long pages are passed over before that is written


class KnownPages:
    """Those of one integration, for one turn of a pass. Only full passes know any."""

    def __init__(self, integration: Integration, this_pass: str, *, is_full: bool) -> None:
        self._integration = integration
        self._pass = this_pass
        self._is_full = is_full
        self._kept: set[str] = set()  # cursors under which a page is kept
        self._known = self._as_they_were() if is_full else {}
        self._passed: list[CataloguePage] = []
        self._written_at = time.monotonic()

    def _as_they_were(self) -> dict[str, CataloguePage]:
        """By cursor: pages all of whose items still are as they showed them."""
        items = self._integration.webshop_products.present().filter(page__isnull=False).order_by()
        number = dict(items.values_list("page").annotate(Count("pk")))
        pages = list(self._integration.catalogue_pages.all())
        self._kept = {page.cursor for page in pages}
        return {page.cursor: page for page in pages if number.get(page.pk) == page.items}

    def is_known(self, cursor: str, digest: str) -> bool:
        """Asked by the connector, which may be a page ahead of us."""
        page = self._known.get(cursor)
        return page is not None and page.digest == _mark(digest)

    def pass_over(self, cursor: str) -> None:
        self._passed.append(self._known[cursor])

    def is_time_to_write(self) -> bool:
        return time.monotonic() - self._written_at >= SECONDS

    def write(self) -> Counter[str]:
        """Which pages this pass met, within the caller's transaction; returns their items as a refresh counts them."""
        counts: Counter[str] = Counter()
        for page in self._passed:
            if page.seen_in == self._pass:
                counts["repeated"] += page.items
            else:
                counts.update(seen=page.items, unchanged=page.items)
            page.seen_in = self._pass
        if self._passed:
            pks = [page.pk for page in self._passed]
            CataloguePage.objects.filter(pk__in=pks).update(seen_in=self._pass)
            self._passed.clear()
        self._written_at = time.monotonic()
        return counts

    def read(self, cursor: str, page: Page[ProductData], items: Collection[str]) -> int | None:
        """The key under which the items of the page that begins there are kept; nothing where it is not to be known."""
        if not self._is_full or not page.digest or len(cursor) > LONGEST:
            return None
        self._known.pop(cursor, None)
        if cursor in self._kept:
            CataloguePage.objects.filter(integration=self._integration, cursor=cursor).delete()
        if page.faulty or len(items) != len(page.items) or not items:
            return None
        made = CataloguePage.objects.create(
            integration=self._integration,
            cursor=cursor,
            digest=_mark(page.digest),
            items=len(items),
            seen_in=self._pass,
        )
        self._kept.add(cursor)
        return made.pk


def _mark(digest: str) -> str:
    return hashlib.sha256(f"{_code()} {digest}".encode()).hexdigest()


@cache
def _code() -> str:
    """Marks the code that turns bytes into items: what it reads otherwise after an upgrade is to be read again."""
    own = [Path(module.__file__ or "") for module in (decide, problems, skus)]
    files = sorted([*Path(connectors.__file__ or "").parent.rglob("*.py"), *own])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
