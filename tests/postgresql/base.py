"""The database engine `tests.postgresql`: see the package."""

from collections.abc import Sequence
from typing import Any

from django.core.management.color import Style
from django.db.backends.postgresql import base, operations

from tests.kept import without_kept


class DatabaseOperations(operations.DatabaseOperations):
    """All foreign keys are checked at the end of the transaction, so the order of the tables does not matter."""

    def sql_flush(self, style: Style, tables: Sequence[str], *args: Any, **options: Any) -> list[str]:
        return [f"DELETE FROM {self.quote_name(table)}" for table in without_kept(tables)]


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
