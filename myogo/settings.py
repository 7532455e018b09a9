"""Settings, all read from the environment (see .env.example), in one file."""

import logging
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

django_stubs_ext.monkeypatch()  # ModelForm[Merchant] and the like stand at run time

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

# --- what is being run ---------------------------------------------------------------------
SECRET_KEY = env.str("SECRET_KEY")
# Former ones: what they signed, such as sessions, still counts, until they are taken out.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SANDBOX = env.bool("SANDBOX", default=False)
# Whose database this is: written into a new one, and compared ever after. A copy with another name talks to no shop.
INSTALLATION = env.str("INSTALLATION", default="myogo")

# --- shops ---------------------------------------------------------------------------------
# Newest key first; the others still decrypt. Made by `python manage.py newkey`.
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS")
ALLOW_PRIVATE_SHOP_ADDRESSES = env.bool("ALLOW_PRIVATE_SHOP_ADDRESSES", default=False)
REFRESH_SECONDS = env.int("REFRESH_SECONDS", default=3600)
POLL_SECONDS = env.float("POLL_SECONDS", default=60.0)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=3600.0)
STOCK_SECONDS = env.int("STOCK_SECONDS", default=60)
HANDOVER_SECONDS = env.int("HANDOVER_SECONDS", default=60)
# After a write whose answer was lost nothing is asked for that order before so long; then it is read, then repeated.
LOST_ANSWER_SECONDS = env.int("LOST_ANSWER_SECONDS", default=300)
TICK_SECONDS = env.int("TICK_SECONDS", default=5)
# The longest silence of a shop within a call, and a whole call with its repetitions; the latter at most half a lease.
SHOP_READ_SECONDS = env.float("SHOP_READ_SECONDS", default=30.0)
SHOP_TOTAL_SECONDS = env.float("SHOP_TOTAL_SECONDS", default=45.0)
# Before the second and the third try of a read, within one call of a shop.
QUICK_RETRY_SECONDS = env.list("QUICK_RETRY_SECONDS", cast=float, default=[0.5, 1.5])
# A run renews its lease with every page; a killed one is taken over when the lease is over.
LEASE_SECONDS = env.int("LEASE_SECONDS", default=120)
# After so long a run gives its place back, so that no shop starves the others.
TURN_SECONDS = env.int("TURN_SECONDS", default=20)

# --- people --------------------------------------------------------------------------------
# So long after an order was closed it still says to whom it went; then counts stay (see orders/erasing.py).
KEEP_PERSONAL_DATA_MONTHS = env.int("KEEP_PERSONAL_DATA_MONTHS", default=24)
KEEP_RUNS_DAYS = env.int("KEEP_RUNS_DAYS", default=90)

# --- apps ----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "merchants",
    "integrations",
    "products",
    "shipping",
    "orders",
    *(["sandbox"] if SANDBOX else []),
    "myogo",
    "allauth",
    "allauth.account",
    "csp",
    "django_countries",
    "django_htmx",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
]
MIDDLEWARE = [
    # First those that only add headers, so that whatever is answered or refused behind them has them.
    "myogo.answers.headers",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "myogo.health.middleware",  # before all that ask: probes know neither host names nor https
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "myogo.zero_bytes.Middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "myogo.answers.words",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "integrations.installation.middleware",
]
ROOT_URLCONF = "myogo.urls"
WSGI_APPLICATION = "myogo.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "merchants.access.navigation",
                "integrations.installation.in_pages",
            ],
            "builtins": ["merchants.templatetags.portal"],
        },
    }
]

# --- database ------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'myogo.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A deferred transaction that reads and then writes fails at once when another commit came between.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A database host that is silent holds up a page, or /health/ready, for seconds only.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
    # PostgreSQL believes in turning disks, and reads a whole table for a few hundred of its rows. PGOPTIONS is libpq's
    # own, which it does not read where options are given. Where none may be asked for (some poolers), `?options=` at
    # the end of DATABASE_URL leaves them out.
    own_options = f"-c random_page_cost=1.1 {env.str('PGOPTIONS', default='')}"
    DATABASES["default"]["OPTIONS"].setdefault("options", own_options)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- background work -----------------------------------------------------------------------
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="memory://localhost/")
# A broker that is down or silent holds up a request for seconds only; the next tick rings again.
REDIS_BROKER_OPTIONS = {
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.5,
}
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"polling_interval": 0.05} if CELERY_BROKER_URL.startswith("memory:") else REDIS_BROKER_OPTIONS
)
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", default="myogo")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # the row says what is owed; a lost message is only rung again
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "look for due rows": {
        "task": "integrations.tick",
        "schedule": TICK_SECONDS,
        "options": {"expires": 2 * TICK_SECONDS},  # a busy worker finds one tick waiting, not hundreds
    },
    "follow changed links": {"task": "orders.follow_links", "schedule": 60, "options": {"expires": 120}},
    "decide orders that wait": {
        "task": "orders.decide",
        "schedule": TICK_SECONDS,
        "options": {"expires": 2 * TICK_SECONDS},
    },
    "look for chosen items": {
        "task": "products.tick",
        "schedule": TICK_SECONDS,
        "options": {"expires": 2 * TICK_SECONDS},
    },
    "forget old activity and sessions": {
        "task": "integrations.forget",
        "schedule": crontab(hour=3, minute=10),
        "options": {"expires": 6 * 3600},
    },
    "erase personal data": {
        "task": "orders.erase",
        "schedule": crontab(hour=2, minute=40),
        "options": {"expires": 6 * 3600},
    },
    "mail linked users": {"task": "merchants.notify", "schedule": 60, "options": {"expires": 120}},
    "tell merchants of active shipping methods": {
        "task": "shipping.tell",
        "schedule": 60,
        "options": {"expires": 120},
    },
}
if SANDBOX:
    CELERY_BEAT_SCHEDULE["play the warehouse"] = {
        "task": "orders.play",
        "schedule": TICK_SECONDS,
        "options": {"expires": 2 * TICK_SECONDS},
    }

# --- accounts ------------------------------------------------------------------------------
AUTH_USER_MODEL = "merchants.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "merchants.backends.WarehouseBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_REDIRECT_URL = reverse_lazy("merchants:home")
ACCOUNT_LOGOUT_REDIRECT_URL = reverse_lazy("account_login")
ACCOUNT_ADAPTER = "merchants.accounts.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "merchants.forms.SignupForm"
# Anybody can sign up with anybody's address. The sandbox is tried out where there is no mail.
ACCOUNT_EMAIL_VERIFICATION = env.str("EMAIL_VERIFICATION", default="none" if SANDBOX else "mandatory")
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"login_failed": "5/5m/key,30/5m/ip", "signup": "20/5m/ip", "link_user": "30/h/user"}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", default=0)
# The throttle counts here: one cache for all web processes, so Redis when there are several.
CACHES = {"default": env.cache("CACHE_URL", default="locmemcache://")}
if CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHES["default"]["BACKEND"] = "myogo.cache.Redis"  # which no page waits for

# --- mail ----------------------------------------------------------------------------------
vars().update(env.email("EMAIL_URL", default="consolemail://"))
# Seconds: a mail server that is silent holds up a worker, or a page, no longer.
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)
# Where the portal stands, for the addresses in mails that no request asked for; without it they name the pages only.
PORTAL_URL = env.str("PORTAL_URL", default="").rstrip("/")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="myOGO <noreply@localhost>")

# --- words and clocks ----------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = ["myogo.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
COUNTRIES_OVERRIDE = {"XK": _("Kosovo")}  # not of ISO 3166, but what shops and carriers write
# Grouping is asked for where a person reads ({{ n|number }}); a number in an address or a value stays bare.

# --- files ---------------------------------------------------------------------------------
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = env.bool("SERVE_STATIC_FROM_SOURCE", default=DEBUG)
STATIC_ROOT = None if WHITENOISE_USE_FINDERS else env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if WHITENOISE_USE_FINDERS
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- being watched -------------------------------------------------------------------------
# Whoever asks for /metrics must carry it (Authorization: Bearer …); without one there is no such page.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- safety --------------------------------------------------------------------------------
HTTPS = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # a page that sends by script carries the token itself
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# What one request may hold, in bytes and in numbers; files are bounded by the first handler.
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_MAX_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_HANDLERS = [
    "merchants.uploads.Bounded",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DEFAULT_EXCEPTION_REPORTER_FILTER = "merchants.reports.Reports"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        # Product pictures lie on the shop's own server.
        "img-src": [SELF, "data:", "https:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- logs ----------------------------------------------------------------------------------
# text for people; json, one object per line, for a collector
LOG_FORMAT = env.str("LOG_FORMAT", default="text" if DEBUG or SANDBOX else "json")
logging.captureWarnings(LOG_FORMAT == "json")  # Python's warnings are lines like all others then
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"text": {"()": "myogo.logs.Text"}, "json": {"()": "myogo.logs.Json"}},
    "filters": {"lowered": {"()": "myogo.logs.Lowered"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "strangers": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["lowered"]},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "django.security": {"handlers": ["strangers"], "propagate": False},
    },
}
