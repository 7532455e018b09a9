"""Many rows at once, and rows by very many keys.

PostgreSQL copies new rows in, and takes the others as one text of JSON, in a tenth of the time that so many parameters
need; what any other database does is the ORM's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
from django.db import connection, models

Row = dict[str, Any]  # values by the name of the attribute, as in `integration_id`; the same names in every row


def add(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Make new rows; raises `IntegrityError` where one is there.

    Every column without a default in the database must be in the rows.
    """
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create([model(**row) for row in rows])
    elif rows:
        _copy(model, rows)


def put(model: type[models.Model], rows: Sequence[Row], *, unique: Sequence[str], update: Sequence[str]) -> None:
    """Write the rows; of those that are there (by the `unique` columns) only what `update` names.

    Every column without a default in the database must be in the rows.
    """
    if not rows:
        return
    if connection.vendor == "postgresql":
        _put_as_json(model, rows, unique, update)
        return
    fields = {field.attname: field.name for field in model._meta.concrete_fields}
    model._default_manager.bulk_create(
        [model(**row) for row in rows],
        update_conflicts=True,
        unique_fields=[fields[name] for name in unique],
        update_fields=list(update),
    )


def keys_by(model: type[models.Model], owner: str, key: int, column: str, texts: Sequence[str]) -> list[int]:
    """The keys of an owner's rows that have one of very many texts in a column; there is an index on both columns.

    PostgreSQL judges a long list, and an owner that is new, by what it counted of the table last, and may read all of
    the owner's rows. So each pair is looked up by itself, with an owner that it cannot know beforehand.
    """
    if connection.vendor != "postgresql":
        rows = model._default_manager.filter(**{owner: key, f"{column}__in": texts})
        return list(rows.order_by("pk").values_list("pk", flat=True))
    table, owner, column = (connection.ops.quote_name(name) for name in (model._meta.db_table, owner, column))
    one = f"SELECT id FROM {table} WHERE {owner} = wanted.owner AND {column} = wanted.text OFFSET 0"  # never a join
    pairs = "unnest(%s::bigint[], %s::varchar[]) AS wanted(owner, text)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {pairs}, LATERAL ({one}) AS found", [[key] * len(texts), list(texts)])
        return [pk for (pk,) in cursor.fetchall()]


def _copy(model: type[models.Model], rows: Sequence[Row]) -> None:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    chosen = [fields[name] for name in rows[0]]
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in chosen)
    texts = [place for place, field in enumerate(chosen) if isinstance(field, models.JSONField)]
    table = connection.ops.quote_name(model._meta.db_table)
    connection.ensure_connection()
    with (
        connection.wrap_database_errors,
        connection.connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            values = list(row.values())
            for place in texts:
                value = values[place]  # most lists are empty
                values[place] = "[]" if value == [] else msgspec.json.encode(value).decode()
            copy.write_row(values)


def _put_as_json(model: type[models.Model], rows: Sequence[Row], unique: Sequence[str], update: Sequence[str]) -> None:
    quote = connection.ops.quote_name
    columns = {field.attname: quote(str(field.column)) for field in model._meta.concrete_fields}
    table, names = quote(model._meta.db_table), ", ".join(columns[name] for name in rows[0])
    changes = ", ".join(f"{columns[name]} = EXCLUDED.{columns[name]}" for name in update)
    conflict = ", ".join(columns[name] for name in unique)
    statement = (
        f"INSERT INTO {table} ({names}) SELECT {names} FROM json_populate_recordset(NULL::{table}, %s) "
        f"ON CONFLICT ({conflict}) DO UPDATE SET {changes}"
    )
    # The text is a parameter of its own: Django's cursors write parameters into the statement, sign by sign.
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, [msgspec.json.encode(rows).decode()])
