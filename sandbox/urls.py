"""Addresses of the stand-in: its own pages, and the Order API of each shop."""

from django.urls import path

from sandbox.api import views as api

app_name = "sandbox"
urlpatterns = [
    path("<slug:shop>/api/<slug:uri>", api.entrance, name="api_root"),
    path("<slug:shop>/api/<slug:uri>/<path:rest>", api.entrance, name="api"),
]
