"""What web, worker and beat do before anything else: look at their settings, as `manage.py` does of itself.

python -m myogo.starting        ends with code 3, and words in the log, where something cannot work
"""

import logging
import sys

import django
from django.core.checks import run_checks

log = logging.getLogger(__name__)
REFUSED = 3  # exit code


def refuse_what_cannot_work() -> None:
    """Ends the process where a system check finds an error, such as a key that is none, and says the check's sentences.

    Else it would be found by the first merchant who saves an integration.
    """
    errors = [message for message in run_checks() if message.is_serious()]
    for error in errors:
        log.critical("%s %s (%s)", error.msg, error.hint or "", error.id)
    if errors:
        sys.exit(REFUSED)


if __name__ == "__main__":
    django.setup()
    refuse_what_cannot_work()
