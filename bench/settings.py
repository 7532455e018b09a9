"""The portal's settings as in production, but for what a measurement on one machine needs."""

import os

os.environ.setdefault("SECRET_KEY", "bench-only-" + "x" * 50)
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "V2VsY29tZSB0byB0aGUgdGVzdHMsIGtleSBudW1iZXI=")
os.environ.update(
    DEBUG="false",
    SANDBOX="false",
    ALLOW_PRIVATE_SHOP_ADDRESSES="true",
    HTTPS="false",
    EMAIL_URL="memorymail://",
    SERVE_STATIC_FROM_SOURCE="true",
    LOG_LEVEL="ERROR",
)

from myogo.settings import *  # noqa: F403
from myogo.settings import ALLOWED_HOSTS

ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]
