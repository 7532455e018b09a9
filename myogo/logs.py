"""How a line of the log looks: as text for people, or one JSON object per line. Both name integration, pipe and run.

No secret and nothing personal: whoever logs gives ids, and of an error that passes by only those texts are printed
that cannot quote what was worked on (`QUOTABLE`); of others their kind, and where they arose.
"""

import copy
import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType

from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError

from integrations import log_context
from integrations.connectors.errors import BadCredentials, Closed, NotAllowed, Unavailable

# Their texts name code, hosts and endpoints. A KeyError quotes a key, an IntegrityError the whole row.
QUOTABLE = (
    Unavailable,
    BadCredentials,
    NotAllowed,
    Closed,
    OperationalError,
    InterfaceError,
    ProgrammingError,
    ImproperlyConfigured,
    OSError,
    ImportError,
    NameError,
    AttributeError,
    TypeError,
    NotImplementedError,
    AssertionError,
)
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Quiet(logging.Formatter):
    """Tracebacks without what somebody may have typed. What other formatters keep on a record is not used, nor left."""

    def format(self, record: logging.LogRecord) -> str:
        own = copy.copy(record)
        own.exc_text = None
        return super().format(own)

    def formatException(self, ei: ExcInfo) -> str:
        return "" if ei[1] is None else "".join(_lines(ei[1])).rstrip()


class Text(Quiet):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{key}={value}" for key, value in log_context.about().items())
        line = super().formatMessage(record)
        return f"{line} [{facts}]" if facts else line


class Json(Quiet):
    """`time` (UTC), `level`, `logger`, `message`; within a run `integration`, `pipe`, `run`; `error` and `trace`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **log_context.about(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _lines(error: BaseException) -> list[str]:
    """The error and what led to it, the first cause first, as Python prints them."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return [line for link in reversed(chain) for line in _lines_of(link)]


def _lines_of(error: BaseException) -> list[str]:
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    said = f": {str(error).splitlines()[0]}" if isinstance(error, QUOTABLE) and str(error) else ""
    return [*traceback.format_tb(error.__traceback__), f"{kind}{said}\n"]
