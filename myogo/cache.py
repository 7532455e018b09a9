"""The cache, in which attempts to sign in are counted: Redis, and the process's own memory while Redis does not answer.

No page needs Redis: without it each process counts for itself, so that of N processes together at most N times as many
attempts are let through as the limits say. Everything else in the cache is a hint that is missed by nobody.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)
SECONDS = 1  # that Redis may take to connect, and to answer
PAUSE = 5  # seconds for which a Redis that did not answer is not asked again
SAID_EVERY = 60  # seconds
ENTRIES = 100_000  # that a process keeps itself; with few, a stranger's many addresses would push a count out


@dataclass
class Line:
    """Whether a Redis answers, as the threads of a process know it: each of them has a cache object of its own."""

    away_until: float = 0.0
    said_at: float = float("-inf")

    def is_asked(self) -> bool:
        """After a pause one thread asks, while the others go on without."""
        now = monotonic()
        if now < self.away_until:
            return False
        if self.away_until:
            self.away_until = now + PAUSE
        return True

    def is_lost(self, error: Exception) -> None:
        now = monotonic()
        self.away_until = now + PAUSE
        if now - self.said_at >= SAID_EVERY:
            self.said_at = now
            kind = type(error).__name__
            log.warning("The cache does not answer (%s): each process counts attempts for itself meanwhile.", kind)


_lines: dict[str, Line] = {}


def _or_own(name: str) -> Any:
    """The method of Redis' cache, and where Redis does not answer that of the process's own."""
    asks, own = getattr(RedisCache, name), getattr(LocMemCache, name)

    @functools.wraps(asks)
    def method(self: Redis, *args: Any, **kwargs: Any) -> Any:
        if self.line.is_asked():
            try:
                found = asks(self, *args, **kwargs)
            except (RedisError, OSError) as error:
                self.line.is_lost(error)
            else:
                self.line.away_until = 0.0
                return found
        return own(self.own, *args, **kwargs)

    return method


class Redis(RedisCache):
    """Django's cache in Redis, of which an error of the wire reaches nobody and silence lasts a second."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        # Once more where a connection that was kept is gone, as after a restart; never after a silence.
        once_more = Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))
        waits = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, "retry": once_more}
        self._options = {**waits, **params.get("OPTIONS", {})}
        self.own = LocMemCache(f"instead of {server}", {**params, "OPTIONS": {"MAX_ENTRIES": ENTRIES}})
        self.line = _lines.setdefault(str(server), Line())
        self.url = str(cast(Any, self)._servers[0])  # the one that is written to

    add = _or_own("add")
    get = _or_own("get")
    set = _or_own("set")
    touch = _or_own("touch")
    delete = _or_own("delete")
    get_many = _or_own("get_many")
    has_key = _or_own("has_key")
    incr = _or_own("incr")
    set_many = _or_own("set_many")
    delete_many = _or_own("delete_many")
    clear = _or_own("clear")
