"""The portal's settings as in production, but for what a measurement on one machine needs."""

import os
from typing import Any

os.environ.setdefault("SECRET_KEY", "bench-only-" + "x" * 50)
os.environ.setdefault("SANDBOX", "false")
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "V2VsY29tZSB0byB0aGUgdGVzdHMsIGtleSBudW1iZXI=")
os.environ.update(
    DEBUG="false",
    ALLOW_PRIVATE_SHOP_ADDRESSES="true",
    HTTPS="false",
    EMAIL_URL="memorymail://",
    SERVE_STATIC_FROM_SOURCE="true",
    LOG_LEVEL="ERROR",
)

from myogo.settings import *  # noqa: F403
from myogo.settings import ALLOWED_HOSTS

ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]

# The worker that is measured has a folder as its broker: the measurements need no Redis.
if "BENCH_BROKER" in os.environ:
    CELERY_BROKER_URL = "filesystem://"
    folder: Any = os.environ["BENCH_BROKER"]
    CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}
