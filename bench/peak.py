"""The most memory that a process ever held."""

from pathlib import Path


def peak_kilobytes(pid: int | str = "self") -> int:
    """In KiB. Not `ru_maxrss`, which counts the parent before exec."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
