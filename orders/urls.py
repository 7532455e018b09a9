from django.urls import path

from orders import views

app_name = "orders"
urlpatterns = [
    path("", views.front_page, name="front_page"),
    path("integrations/<key:pk>/delete/", views.delete_integration, name="delete_integration"),
]
