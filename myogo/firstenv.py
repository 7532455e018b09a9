"""Writes a first `.env` for one machine, with keys of its own; `make demo` calls it when there is none.

    python -m myogo.firstenv > .env

Needs nothing but the standard library and `cryptography`; does not load the settings, which would ask for these keys.
"""

import secrets
import sys

from cryptography.fernet import Fernet

LINES = """\
# Made by `make demo` for this machine alone. See .env.example for all that can be set.
SECRET_KEY={secret}
FIELD_ENCRYPTION_KEYS={key}
SANDBOX=true
ALLOW_PRIVATE_SHOP_ADDRESSES=true
HTTPS=false
SERVE_STATIC_FROM_SOURCE=true
TICK_SECONDS=2
EMAIL_URL=filemail:///var/mail
LOG_LEVEL=WARNING
"""


def first_env() -> str:
    """The text of a first `.env`: no DEBUG, so that no stack trace reaches a person; sandbox on, loopback allowed."""
    return LINES.format(secret=secrets.token_urlsafe(50), key=Fernet.generate_key().decode())


if __name__ == "__main__":
    sys.stdout.write(first_env())
