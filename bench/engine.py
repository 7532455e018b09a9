"""What one run stands on: a database of its own, the shop's process, and processes that work."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
MOST_SHARE = 0.20  # of a measured time may be the shop's own; beyond that a ratio says nothing


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Database:
    """A PostgreSQL database beside the one at `admin_url`; made anew, and dropped."""

    admin_url: str
    name: str

    @property
    def url(self) -> str:
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{self.name}"))

    def make(self) -> None:
        self.drop()
        self._run("CREATE DATABASE {}")

    def drop(self) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _run(self, command: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True, connect_timeout=5) as connection:
            connection.execute(sql.SQL(command).format(sql.Identifier(self.name)))


@dataclass(frozen=True, slots=True)
class Took:
    """What one piece of work took: seconds by the clock, of them the shop's own, statements, KiB at the most."""

    seconds: float
    shop: float
    taking: float = 0.0
    cpu: float = 0.0
    queries: int = 0
    peak: int = 0
    before: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Of the time, the shop's process."""
        return self.shop / self.seconds


@dataclass
class Shop:
    """The process that plays the shops."""

    port: int
    process: subprocess.Popen[str]

    @classmethod
    def start(cls, items: Iterable[int], orders: Iterable[int], think: float, port: int = 0) -> Shop:
        port = port or free_port()
        sizes = ["--items", *map(str, items), "--orders", *map(str, orders)]
        command = [sys.executable, "-m", "bench.shop", "--port", str(port), "--think", str(think), *sizes]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the shop did not start")
        return cls(port, process)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def address(self, name: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}/{name}"

    def spent(self) -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/cpu", timeout=60) as found:
            spent: dict[str, float] = msgspec.json.decode(found.read())
            return spent


@dataclass
class Engine:
    """Everything together; `run` is one process that does one piece of work, measured."""

    database: Database
    shop: Shop

    @property
    def environment(self) -> dict[str, str]:
        quiet = {"TURN_SECONDS": "20", "DJANGO_SETTINGS_MODULE": "bench.settings"}
        return {**os.environ, **quiet, "DATABASE_URL": self.database.url}

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def floor(self, *command: str) -> Took:
        return self.together([["bench.floor", *command]])[0]

    def work(self, pipe: str, *states: int) -> Took:
        return self.together([["bench.worker", pipe, *map(str, states)]])[0]

    def stand_in(self, figures: int) -> float:
        """Seconds that the project's own stand-in for Centra needs for one figure, see `stand_in.py`."""
        command = [sys.executable, "-m", "bench.stand_in", str(figures)]
        environment = {**self.environment, "SANDBOX": "true"}
        found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return float(found.stdout)

    def share_out(self, rows: Sequence[tuple[str, int]], workers: int) -> list[Took]:
        """Turns of any pipes, over so many workers at once."""
        texts = ["\n".join(f"{pipe} {state}" for pipe, state in rows[start::workers]) for start in range(workers)]
        return self.together([["bench.worker", "-"]] * workers, texts)

    def together(self, commands: Sequence[Sequence[str]], given: Sequence[str] = ()) -> list[Took]:
        """Run these at once. The shop's time is that of all together."""
        before = self.shop.spent()
        processes = [self.start(*command) for command in commands]
        for process, text in zip(processes, given, strict=False):
            assert process.stdin is not None
            process.stdin.write(text)
            process.stdin.close()
            process.stdin = None
        said = [process.communicate()[0] for process in processes]
        if any(process.returncode for process in processes):
            raise RuntimeError(f"{commands[0]} failed")
        after = self.shop.spent()
        return [took(msgspec.json.decode(text), before, after) for text in said]


def took(found: dict[str, Any], before: dict[str, float], after: dict[str, float]) -> Took:
    known = {key: found[key] for key in ("seconds", "cpu", "queries", "peak", "before", "counts") if key in found}
    return Took(shop=after["cpu"] - before["cpu"], taking=after["taking"] - before["taking"], **known)
