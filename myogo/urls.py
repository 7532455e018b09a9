"""The site map: admin, accounts, one include per app."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

# Staff sign in where everybody does: one door, one throttle against guessing.
admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("merchants.urls")),
    path("m/<key:merchant_pk>/", include("integrations.urls")),
    path("m/<key:merchant_pk>/", include("products.urls")),
    path("m/<key:merchant_pk>/", include("orders.urls")),
]
if settings.SANDBOX:
    urlpatterns.append(path("sandbox/", include("sandbox.urls")))
