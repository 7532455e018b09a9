"""The project: it names the apps and holds no domain of its own."""

from myogo.celery import app as celery_app

__all__ = ["celery_app"]
