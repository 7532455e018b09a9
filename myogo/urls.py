"""The site map: admin, accounts, one include per app."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("", include("merchants.urls")),
    path("m/<int:merchant_pk>/", include("integrations.urls")),
    path("m/<int:merchant_pk>/", include("products.urls")),
    path("m/<int:merchant_pk>/", include("orders.urls")),
]
if settings.SANDBOX:
    urlpatterns.append(path("sandbox/", include("sandbox.urls")))
