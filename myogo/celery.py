"""The Celery app. The database says what is owed; Celery only runs it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "myogo.settings")

app = Celery("myogo")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
