from django.urls import path, register_converter

from merchants import views
from merchants.converters import KeyConverter

register_converter(KeyConverter, "key")

app_name = "merchants"
urlpatterns = [
    path("", views.home, name="home"),
    path("merchants/new/", views.create, name="create"),
    path("m/<key:merchant_pk>/company/", views.company, name="company"),
    path("m/<key:merchant_pk>/channels/", views.channels, name="channels"),
    path("m/<key:merchant_pk>/channels/new/", views.new_channel, name="new_channel"),
    path("m/<key:merchant_pk>/channels/<key:pk>/", views.channel, name="channel"),
    path("m/<key:merchant_pk>/users/", views.users, name="users"),
    path("m/<key:merchant_pk>/users/<key:pk>/unlink/", views.unlink_user, name="unlink_user"),
    path("m/<key:merchant_pk>/notifications/", views.notifications, name="notifications"),
]
