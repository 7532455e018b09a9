"""The Celery app. The database says what is owed; Celery only runs it."""

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init, worker_shutting_down

from integrations import connectors, stopping
from myogo.tuning import tune

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "myogo.settings")

app = Celery("myogo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Told to stop, a worker lets its runs finish their page and give their lease back.
worker_init.connect(stopping.forget)
worker_shutting_down.connect(stopping.begin)


@worker_init.connect
@beat_init.connect
def be_fit(**kwargs: Any) -> None:
    """Before the first message is taken or sent."""
    from myogo.starting import refuse_what_cannot_work  # which is a program too, and so is not imported with `myogo`

    refuse_what_cannot_work()


@worker_init.connect
def be_tuned(**kwargs: Any) -> None:
    """The processes of its pool are its copies."""
    connectors.load()
    tune()


@setup_logging.connect
def log_as_everybody_does(**kwargs: Any) -> None:
    """Worker and beat log as the web does, with integration and run; LOG_LEVEL holds, not --loglevel."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
