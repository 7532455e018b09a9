"""The database engine `tests.sqlite`: see the package."""

from collections.abc import Sequence
from typing import Any

from django.core.management.color import Style
from django.db.backends.sqlite3 import base, operations

from tests.kept import without_kept


class DatabaseOperations(operations.DatabaseOperations):
    def sql_flush(self, style: Style, tables: Sequence[str], *args: Any, **options: Any) -> list[str]:
        return super().sql_flush(style, without_kept(tables), *args, **options)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
