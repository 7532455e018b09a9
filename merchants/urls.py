from django.urls import path

from merchants import views

app_name = "merchants"
urlpatterns = [
    path("", views.home, name="home"),
    path("merchants/new/", views.create, name="create"),
    path("m/<int:merchant_pk>/company/", views.company, name="company"),
]
