"""Tools that only requirements-dev.txt brings. Without them `pytest` runs all the same: what needs them is named."""

import re
from importlib.util import find_spec
from pathlib import Path

TOOLS = ("hypothesis", "time_machine", "playwright", "yaml")
left_out: list[str] = []


def missing_in(path: Path) -> str:
    """The first tool that this test module (or folder) imports and this environment lacks; "" where none is missing."""
    source = path / "conftest.py" if path.is_dir() else path
    text = source.read_text() if source.suffix == ".py" and source.exists() else ""
    wanted = (tool for tool in TOOLS if re.search(rf"^\s*(from|import) {tool}\b", text, re.MULTILINE))
    return next((tool for tool in wanted if find_spec(tool) is None), "")
