"""The portal's settings with what a test run needs; the database and the broker come from the environment as ever."""

import os
import tempfile
from urllib.parse import urlsplit, urlunsplit

os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "V2VsY29tZSB0byB0aGUgdGVzdHMsIGtleSBudW1iZXI=")
os.environ.setdefault("SANDBOX", "true")
os.environ.setdefault("ALLOW_PRIVATE_SHOP_ADDRESSES", "true")
os.environ.setdefault("HTTPS", "false")
os.environ.setdefault("EMAIL_URL", "memorymail://")
os.environ.setdefault("EMAIL_TIMEOUT", "1")
os.environ.setdefault("QUICK_RETRY_SECONDS", "0.01,0.02")  # a fault costs a test no seconds
os.environ.setdefault("SERVE_STATIC_FROM_SOURCE", "true")
# A database of Redis for each process of the run, from the given one on: they have one queue each.
if url := os.environ.get("TEST_REDIS_URL"):
    number = int(urlsplit(url).path.strip("/") or 0) + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    os.environ["TEST_REDIS_URL"] = urlunsplit(urlsplit(url)._replace(path=f"/{number}"))
os.environ.setdefault("DATABASE_URL", f"sqlite:///{tempfile.gettempdir()}/myogo-unused.sqlite3")

from myogo.settings import *  # noqa: F403
from myogo.settings import DATABASES

# A file, for the in-memory database shares a cache and locks under threads; one per process, so that runs may meet.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["ENGINE"] = "tests.sqlite"
    DATABASES["default"]["TEST"] = {"NAME": f"{tempfile.gettempdir()}/myogo-test-{os.getpid()}.sqlite3"}
else:
    DATABASES["default"]["ENGINE"] = "tests.postgresql"
    # Nobody pulls the plug on a test's database, and waiting for the disk is most of what a commit takes.
    DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"
    DATABASES["default"]["TEST"] = {"NAME": f"test_myogo_{os.getpid()}"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_AUTOREFRESH = True  # else every new client looks through all static files first
