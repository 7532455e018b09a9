from django.urls import path

from products.views import products, sync

app_name = "products"
urlpatterns = [
    path("products/", products.index, name="list"),
    path("products/new/", products.new, name="new"),
    path("products/<key:pk>/", products.edit, name="edit"),
    path("products/sync/", sync.page, name="sync"),
    path("products/sync/refresh/", sync.refresh, name="refresh"),
    path("products/sync/progress/", sync.progress, name="progress"),
    path("products/sync/apply/", sync.apply, name="apply"),
]
