"""The door for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from myogo.tuning import tune

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "myogo.settings")
application = get_wsgi_application()
tune()
