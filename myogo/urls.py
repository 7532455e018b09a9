"""The site map: admin, accounts, one include per app."""

from allauth.account import urls as accounts
from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

# Staff sign in where everybody does: one door, one throttle against guessing.
admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler400, handler500 = "myogo.failing.bad_request", "myogo.failing.server_error"

# Of allauth's pages those that somebody can get to from one of ours, each with a template of ours.
ACCOUNT_PAGES = {
    "account_login",
    "account_logout",
    "account_signup",
    "account_inactive",
    "account_email_verification_sent",
    "account_confirm_email",
    "account_change_password",
    "account_set_password",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
}

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include([page for page in accounts.urlpatterns if page.name in ACCOUNT_PAGES])),
    path("", include("merchants.urls")),
    path("m/<key:merchant_pk>/", include("integrations.urls")),
    path("m/<key:merchant_pk>/", include("products.urls")),
    path("m/<key:merchant_pk>/shipping/", include("shipping.urls")),
    path("m/<key:merchant_pk>/", include("orders.urls")),
]
if settings.SANDBOX:
    urlpatterns.append(path("sandbox/", include("sandbox.urls")))
