from django.urls import path

from integrations import views

app_name = "integrations"
urlpatterns = [
    path("integrations/", views.index, name="list"),
    path("integrations/new/", views.choose, name="choose"),
    path("integrations/new/<slug:platform>/", views.new, name="new"),
    path("integrations/<key:pk>/", views.edit, name="edit"),
    path("integrations/<key:pk>/live/", views.live, name="live"),
    path("integrations/<key:pk>/pipes/<slug:key>/", views.pipe, name="pipe"),
    path("integrations/<key:pk>/runs/<key:run_pk>/", views.run, name="run"),
]
