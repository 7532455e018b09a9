"""An index that finds words anywhere in a text: PostgreSQL's trigrams; other databases do without.

The extension `pg_trgm` is made with the first such index. It is a trusted one: whoever may create tables may make it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement

NOTHING = "SELECT 1"


class TrigramIndex(models.Index):
    """Over several columns at once. They are compared as `icontains` does, but for those in `cased`: as `contains`."""

    suffix = "trgm"

    def __init__(self, *, cased: Iterable[str] = (), **kwargs: Any) -> None:
        self.cased = tuple(cased)
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        path, expressions, kwargs = super().deconstruct()
        return path, expressions, {**kwargs, "cased": self.cased}

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Any:
        if schema_editor.connection.vendor != "postgresql":
            return Statement(NOTHING)
        quote = schema_editor.quote_name
        columns = []
        for name in self.fields:
            column = quote(str(getattr(model._meta.get_field(name), "column", name)))
            columns.append(f"{column if name in self.cased else f'upper({column})'} gin_trgm_ops")
        extension = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
        index = (
            f"CREATE INDEX {quote(str(self.name))} ON {quote(model._meta.db_table)} USING gin ({', '.join(columns)})"
        )
        return Statement(f"{extension}; {index}".replace("%", "%%"))

    def remove_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, **kwargs: Any) -> Any:
        if schema_editor.connection.vendor != "postgresql":
            return Statement(NOTHING)
        return super().remove_sql(model, schema_editor, **kwargs)
