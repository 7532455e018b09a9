"""What gunicorn reads by itself where it is started: its own lines look like all others (`myogo/logs.py`).

It has no second door: the socket by which it could be told what to do would lie in a home that containers do not have,
and the next gunicorn of the same user would take it over.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "myogo.settings")

from django.conf import settings

ours: dict[str, Any] = settings.LOGGING
logconfig_dict = {**ours, "loggers": {**ours["loggers"], "gunicorn.error": {"handlers": [], "propagate": True}}}
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Before it listens. In a process of its own, for what this one has imported new workers would not read anew."""
    look = subprocess.run([sys.executable, "-m", "myogo.starting"], cwd=Path(__file__).parent, check=False)
    if look.returncode:
        sys.exit(look.returncode)
