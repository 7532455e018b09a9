"""The tree as a fresh clone has it: without what was made, and without `.env`: a demo of this checkout may have one."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINKED = ("integrations", "locale", "merchants", "orders", "products", "sandbox", "shipping", "static", "templates")


def clone(folder: Path) -> Path:
    """`folder`, filled: `myogo` and the files are copies, for settings look for `.env` beside themselves."""
    shutil.copytree(ROOT / "myogo", folder / "myogo", ignore=shutil.ignore_patterns("__pycache__"))
    for name in LINKED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".env":
            shutil.copy(path, folder)
    return folder
