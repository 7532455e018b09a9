"""Addresses of the stand-in: its own pages, and the Order API of each shop."""

from django.urls import path, re_path

from sandbox.api import views as api
from sandbox.views import media

app_name = "sandbox"
urlpatterns = [
    path("<slug:shop>/api/<slug:uri>", api.entrance, name="api_root"),
    path("<slug:shop>/api/<slug:uri>/<path:rest>", api.entrance, name="api"),
    path("<slug:shop>/pictures/<int:pk>.svg", media.picture, name="picture"),
    re_path(
        r"^(?P<shop>[-\w]+)/papers/(?P<kind>delivery-note|proforma|invoice)/(?P<pk>\d{1,18})/(?P<token>[0-9a-f]+-\d+)$",
        media.paper,
        name="paper",
    ),
]
