from django.urls import path

from products.views import products, shop_stock, stock_updates, sync

app_name = "products"
urlpatterns = [
    path("products/", products.index, name="list"),
    path("products/new/", products.new, name="new"),
    path("products/<key:pk>/", products.edit, name="edit"),
    path("products/stock-updates/", stock_updates.index, name="stock_updates"),
    path("products/stock-updates/new/", stock_updates.new, name="new_stock_update"),
    path("products/stock-updates/<key:update_pk>/", stock_updates.show, name="stock_update"),
    path("products/stock-updates/<key:update_pk>/edit/", stock_updates.edit, name="edit_stock_update"),
    path("products/stock-updates/<key:update_pk>/cancel/", stock_updates.cancel, name="cancel_stock_update"),
    path("products/send-stock/<key:integration_pk>/", stock_updates.send_stock, name="send_stock"),
    path("products/shops/<key:integration_pk>/stock/", shop_stock.page, name="shop_stock"),
    path("products/shops/<key:integration_pk>/stock/act/", shop_stock.act, name="shop_stock_act"),
    path("products/sync/", sync.page, name="sync"),
    path("products/sync/refresh/", sync.refresh, name="refresh"),
    path("products/sync/progress/", sync.progress, name="progress"),
    path("products/sync/creation/", sync.creation, name="creation"),
    path("products/sync/apply/", sync.apply, name="apply"),
]
