"""What a worker has loaded before the first message."""

import os
import subprocess
import sys

WHAT = """
import sys, django
django.setup()
from myogo.celery import be_tuned
from integrations.connectors import PLATFORMS
modules = [platform.module for platform in PLATFORMS.values()]
before = [module in sys.modules for module in modules]
be_tuned()
print(any(before), all(module in sys.modules for module in modules))
"""


def test_the_connectors_are_loaded_before_the_pool_is_copied() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "myogo.settings"}
    done = subprocess.run(
        [sys.executable, "-c", WHAT], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["False", "True"], done.stderr
