"""A token that stands nowhere by chance, and where it is looked for, in every spelling that text takes on the way."""

import base64
import json
import subprocess
import urllib.parse
from pathlib import Path

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection

from tests.databases import database_url

TOKEN = "zz9-Plural-Z/Alpha+4711=token"
TYPED = "qq7-Never-Stored/Beta+0815=token"  # a key that the shop refused, so that it was typed and never saved


def spellings(secret: str) -> dict[str, str]:
    raw = secret.encode()
    return {
        "as it is": secret,
        "in JSON": json.dumps(secret)[1:-1].replace("/", "\\/"),
        "in HTML": secret.replace("+", "&#x2B;"),
        "in an address": urllib.parse.quote(secret, safe=""),
        "base64": base64.b64encode(raw).decode().rstrip("=")[:-1],
        "hex": raw.hex(),
        "backwards": secret[::-1],
    }


def found(text: str | bytes, *secrets: str) -> list[str]:
    """Which secrets stand there, and how."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return [f"{secret[:3]}… {how}" for secret in secrets for how, spelt in spellings(secret).items() if spelt in plain]


def ours() -> list[str]:
    """The secrets of the installation itself."""
    return [settings.SECRET_KEY, *settings.FIELD_ENCRYPTION_KEYS]


def database_text() -> str:
    """Every value of every table as the database has it, what sessions hold, and the dump or file as bytes."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            parts += [repr(row) for row in cursor.fetchall()]
    parts += [repr(session.get_decoded()) for session in Session.objects.all()]
    return "\n".join([*parts, _bytes().decode("utf-8", "replace")])


def _bytes() -> bytes:
    if connection.vendor == "sqlite":
        name = Path(str(connection.settings_dict["NAME"]))
        files = [name, name.with_name(name.name + "-wal")]
        return b"".join(file.read_bytes() for file in files if file.exists())
    command = ["pg_dump", "--inserts", database_url()]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
