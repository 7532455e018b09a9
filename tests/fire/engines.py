"""What a storm runs on: a database of its own, a Redis of its own, and the portal as processes that may die.

Whoever dies is started again a moment later, as any service manager does. Nothing here knows what the portal is for.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
import requests
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
OURS = "fire-driver"  # the application name of our own connections, which nobody cuts
RESTART = 1.0  # seconds until a dead process is started again
LONGEST_RESTART = 45.0  # seconds after which a killed one must work again
GRACE = 0.5  # seconds in which what was away may still be noticed


class NotToBeHad(Exception):
    """An engine is missing here; the sentence says which."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# --- PostgreSQL ----------------------------------------------------------------------------


@dataclass
class Database:
    """A PostgreSQL database beside the one at `admin_url`; made anew."""

    admin_url: str
    name: str

    @property
    def url(self) -> str:
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{self.name}"))

    def make(self) -> None:
        try:
            self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            self._run("CREATE DATABASE {}")
        except psycopg.Error as error:
            raise NotToBeHad(f"No PostgreSQL that lets us make a database: {error}") from error

    def drop(self) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def version(self) -> str:
        with psycopg.connect(self.admin_url, connect_timeout=5) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]).split()[0] if row else "?"

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.admin_url, connect_timeout=5, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(self.name)))

    def backends(self) -> list[int]:
        """The connections to it that are not ours, oldest first."""
        with psycopg.connect(self.admin_url, connect_timeout=5) as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name <> %s ORDER BY backend_start",
                [self.name, OURS],
            ).fetchall()
        return [row[0] for row in rows]

    def cut(self, pids: list[int]) -> int:
        """End these connections; returns how many were there."""
        with psycopg.connect(self.admin_url, connect_timeout=5) as connection:
            rows = connection.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", [pids]).fetchall()
        return sum(bool(row[0]) for row in rows)


# --- processes -----------------------------------------------------------------------------


@dataclass
class Process:
    """One process group, with its log. Started again under the same name it appends to the same log."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    log: Path
    running: subprocess.Popen[bytes] | None = None
    wanted: bool = False

    def start(self) -> None:
        self.wanted = True
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.command, cwd=ROOT, env=dict(self.environment), stdout=log, stderr=log, start_new_session=True
            )

    @property
    def is_dead(self) -> bool:
        return self.running is not None and self.running.poll() is not None

    def kill(self) -> None:
        """SIGKILL to it and its children: nobody says goodbye."""
        if self.running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait(timeout=20)


@dataclass
class Engines:
    """Everything that runs, by name. `killed` counts what was done to them, `died` who ended by itself."""

    folder: Path
    database: Database
    environment: dict[str, str]
    port: int
    redis_port: int
    workers: int = 3
    processes: dict[str, Process] = field(default_factory=dict)
    killed: Counter[str] = field(default_factory=Counter)
    died: Counter[str] = field(default_factory=Counter)
    outages: list[tuple[str, float, float]] = field(default_factory=list)  # what was away on purpose, from when to when
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        if shutil.which("redis-server") is None:
            raise NotToBeHad("No redis-server here, and the storm needs one that it may kill.")
        self._add("redis", "redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "",
                  "--appendonly", "no", "--dir", str(self.folder))  # fmt: skip
        self._add("web", str(BIN / "gunicorn"), "myogo.wsgi", "--bind", f"0.0.0.0:{self.port}", "--workers", "2",
                  "--threads", "8", "--log-level", "warning")  # fmt: skip
        for number in range(1, self.workers + 1):
            self._add(f"worker {number}", str(BIN / "celery"), "-A", "myogo", "worker", "--concurrency", "2",
                      "--loglevel", "WARNING", "--hostname", f"fire{number}@%h")  # fmt: skip
        self._add("beat", str(BIN / "celery"), "-A", "myogo", "beat", "--loglevel", "WARNING", "--schedule",
                  str(self.folder / "beat"))  # fmt: skip
        threading.Thread(target=self._watch, daemon=True).start()
        self.wait_for_web()

    def _add(self, name: str, *command: str) -> None:
        log = self.folder / f"{name.replace(' ', '-')}.log"
        process = self.processes[name] = Process(name, list(command), self.environment, log)
        process.start()

    def wait_for_web(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not _answers(self.port):
            if time.monotonic() > end:
                raise NotToBeHad(f"The web process does not answer; see {self.folder}.")
            time.sleep(0.1)

    def _watch(self) -> None:
        """Start again whoever is dead."""
        while not self.over.wait(RESTART):
            with self.lock:
                for process in self.processes.values():
                    if process.wanted and process.is_dead and not self.over.is_set():
                        self.died[process.name.split()[0]] += 1
                        process.start()

    def stop(self) -> None:
        self.over.set()
        with self.lock:
            for process in self.processes.values():
                process.wanted = False
                process.kill()

    # --- what may happen to them -----------------------------------------------------------

    def kill(self, name: str, pause: float = RESTART) -> None:
        """kill -9; started again after a pause."""
        began = time.monotonic()
        with self.lock:
            self.processes[name].wanted = False
            self.processes[name].kill()
            self.killed[f"{name.split()[0]} killed with -9"] += 1
            self.outages.append((name, began, math.inf))
        self.over.wait(pause)
        with self.lock:
            if not self.over.is_set():
                self.processes[name].start()
        if name == "web":
            threading.Thread(target=self._note_return, args=[name, began], daemon=True).start()

    def _note_return(self, name: str, began: float) -> None:
        """The outage ends where it works again; not for ever, for what never comes back is an error."""
        end = began + LONGEST_RESTART
        while time.monotonic() < end and not _is_alive(self.port) and not self.over.wait(0.2):
            pass
        self.outages.remove((name, began, math.inf))
        self.outages.append((name, began, time.monotonic() + GRACE))

    def was_away(self, what: str, begin: float, end: float) -> bool:
        """Whether we killed or cut that between these moments of the monotonic clock."""
        return any(name == what and since <= end and until >= begin for name, since, until in list(self.outages))

    def empty_redis(self) -> None:
        client = redis.Redis(port=self.redis_port, socket_connect_timeout=2)
        with contextlib.suppress(redis.RedisError):
            client.flushall()
            self.killed["Redis emptied"] += 1
        client.close()

    def cut_databases(self, pick: int) -> None:
        """About half of the connections, chosen by number."""
        pids = [pid for place, pid in enumerate(self.database.backends()) if (pick >> (place % 10)) & 1]
        began = time.monotonic()
        self.killed["database connections cut"] += self.database.cut(pids)
        self.outages.append(("database", began, time.monotonic() + GRACE))


def _is_alive(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/health/live", timeout=5).ok
    except requests.RequestException:
        return False


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
