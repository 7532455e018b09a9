"""How a line of the log looks: as text for people, or one JSON object per line. Both name integration, pipe and run.

No secret and nothing personal: whoever logs gives ids, and of an error that passes by only those texts are printed
that cannot quote what was worked on (`QUOTABLE`); of others their kind, and where they arose. That goes for the
message too, into which Celery puts what a task raised.

What a stranger can bring about by a request alone is a warning (`Lowered`): an error is a fault of ours.
"""

import copy
import json
import logging
import smtplib
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType

from django.core.exceptions import BadRequest, ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as RedisAway

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
    BrokerError,
    RedisAway,
    ImproperlyConfigured,
    BadRequest,
    OSError,
    ImportError,
    NameError,
    AttributeError,
    TypeError,
    NotImplementedError,
    AssertionError,
)
QUOTES_RECIPIENTS = smtplib.SMTPException  # a kind of OSError
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Quiet(logging.Formatter):
    """Lines without what somebody may have typed. What other formatters keep on a record is not used, nor left."""

    def format(self, record: logging.LogRecord) -> str:
        own = copy.copy(record)
        own.exc_text = None
        own.msg, own.args = _message(record), ()
        return self.line(own)

    def line(self, record: logging.LogRecord) -> str:
        return super().format(record)

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

    def line(self, record: logging.LogRecord) -> str:
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


class Lowered(logging.Filter):
    """For what Django calls suspicious and logs as an error: another host, too many fields, too large a body."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record itself: the logger that has it hands it on to nobody (`propagate`)."""
        record.levelno = min(record.levelno, logging.WARNING)
        record.levelname = logging.getLevelName(record.levelno)
        record.exc_info = record.exc_text = None
        return True


def _message(record: logging.LogRecord) -> str:
    """What the record says; an error in it as `_said`."""
    error = record.exc_info[1] if record.exc_info else None
    args = record.args
    if isinstance(args, Mapping):
        words = {key: _said(value) for key, value in args.items() if isinstance(value, BaseException)}
        if record.name == "celery.app.trace" and "exc" in args:
            words["exc"] = _said(error) if error else "an error"
        args = {**args, **words} if words else args
    else:
        args = tuple(_said(value) if isinstance(value, BaseException) else value for value in args or ())
    said = str(record.msg) % args if args else str(record.msg)
    for link in _chain(error):
        for text in (repr(link), str(link)):
            if len(text) > SHORT and not _may_be_quoted(link):
                said = said.replace(text, _said(link))
    return said


SHORT = 3  # such a text may stand in the message by chance


def _said(error: BaseException) -> str:
    """The kind of the error, and its first line where that may be quoted."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return f"{kind}: {str(error).splitlines()[0]}" if _may_be_quoted(error) and str(error) else kind


def _may_be_quoted(error: BaseException) -> bool:
    return isinstance(error, QUOTABLE) and not isinstance(error, QUOTES_RECIPIENTS)


def _lines(error: BaseException) -> list[str]:
    """The error and what led to it, the first cause first, as Python prints them."""
    chain = reversed(_chain(error))
    return [line for link in chain for line in (*traceback.format_tb(link.__traceback__), f"{_said(link)}\n")]


def _chain(error: BaseException | None) -> list[BaseException]:
    """The error and what led to it."""
    chain: list[BaseException] = []
    link = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain
