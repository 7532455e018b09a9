from django.urls import path

from shipping import views

app_name = "shipping"
urlpatterns = [
    path("", views.index, name="list"),
    path("new/", views.new, name="new"),
]
