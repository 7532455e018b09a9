"""The demo command as a process of its own, with a database of its own: what `make demo` starts."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from myogo.firstenv import first_env

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(folder: Path) -> dict[str, str]:
    """The first `.env` of a machine, as process environment, the database in `folder`; nothing of the test's own."""
    lines = (line for line in first_env().splitlines() if "=" in line and not line.startswith("#"))
    own = dict(line.split("=", 1) for line in lines)
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR")}
    database = f"sqlite:///{folder / 'demo.sqlite3'}"
    return {
        **kept,
        **own,
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "myogo.settings",
        "PYTHONUNBUFFERED": "1",
    }


@dataclass
class Demo:
    """A running demo: its address, its process, and what it printed so far."""

    url: str
    process: subprocess.Popen[str]
    environment: dict[str, str]
    printed: list[str] = field(default_factory=list)
    is_ready: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed.append(line)
            if "Ctrl-C" in line:
                self.is_ready.set()
        self.is_ready.set()

    def stop(self, signal_number: int = signal.SIGINT) -> int:
        """Ctrl-C; the exit code. Raises where the process does not end within ten seconds."""
        self.process.send_signal(signal_number)
        return self.process.wait(timeout=10)


@contextmanager
def running_demo(folder: Path, rhythm: Mapping[str, str] | None = None, port: int = 0) -> Iterator[Demo]:
    """`manage.py demo` until the block ends; ready when it has printed its addresses.

    `rhythm`: settings of the environment that differ from a first `.env`, such as `POLL_SECONDS`.
    `port`: any that is free where none is given.
    """
    port, variables = port or free_port(), environment(folder) | dict(rhythm or {})
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(port)],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    demo = Demo(f"http://127.0.0.1:{port}", process, variables)
    listener = threading.Thread(target=demo.listen, daemon=True)
    listener.start()
    try:
        assert demo.is_ready.wait(60), "the demo did not start"
        assert process.poll() is None, "".join(demo.printed)
        yield demo
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(timeout=10)
        listener.join(timeout=10)
        if process.stdout:
            process.stdout.close()
