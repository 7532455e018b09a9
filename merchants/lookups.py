"""Words are found whatever the case of their letters, in every alphabet, on SQLite as on PostgreSQL.

SQLite's LIKE knows the two cases of ASCII's letters only. Its GLOB takes sets, so that “åsa” is asked for as
`*[Åå][Ssſ][Aa]*`; a function of ours in the place of LIKE would be called back for every row, and wait each time until
another thread gives way. PostgreSQL compares capitals, letter by letter: ς, σ and Σ are one, ß and SS are not. A word
in ASCII is left to LIKE, which is five times as fast; all it misses are ı, ſ and the sign of kelvin.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field
from django.db.models.lookups import IContains, IEndsWith, IExact, IStartsWith
from django.db.models.sql.compiler import SQLCompiler

LETTERS_END = 0x1F000  # beyond it nothing has two cases


@cache
def _sets() -> dict[str, str]:
    """Each letter that has several forms → the set of them; what GLOB takes for an order → the set of it alone."""
    forms: dict[str, str] = {}
    for letter in map(chr, range(LETTERS_END)):
        if (upper := letter.upper()) != letter:
            # One letter for one: what has no such capital, like ß, is its own.
            capital = next(form for form in (upper, letter.title(), letter) if len(form) == 1)
            forms[capital] = forms.get(capital, capital) + letter
    sets = {letter: f"[{same}]" for same in forms.values() for letter in same}
    return sets | {order: f"[{order}]" for order in "*?["}


class _InAnyCase:
    """How SQLite is asked, for one of Django's look-ups; `glob` says where in the text."""

    glob = "%s"

    def as_sqlite(self: Any, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Any:
        if not self.rhs_is_direct_value() or str(self.rhs).isascii():
            return self.as_sql(compiler, connection)
        text, params = self.process_lhs(compiler, connection)
        sets = _sets()
        return f"{text} GLOB %s", [*params, self.glob % "".join([sets.get(sign, sign) for sign in str(self.rhs)])]


class _IExact(_InAnyCase, IExact[Any]):
    pass


class _IContains(_InAnyCase, IContains):
    glob = "*%s*"


class _IStartsWith(_InAnyCase, IStartsWith):
    glob = "%s*"


class _IEndsWith(_InAnyCase, IEndsWith):
    glob = "*%s"


def register() -> None:
    """In the place of Django's own, for every kind of field."""
    for lookup in (_IExact, _IContains, _IStartsWith, _IEndsWith):
        Field.register_lookup(lookup)
