from django.urls import path

from orders import link_views
from orders.views import edit, front, integrations, order, orders, processing

app_name = "orders"
urlpatterns = [
    path("", front.front_page, name="front_page"),
    path("integrations/<key:pk>/delete/", integrations.delete_integration, name="delete_integration"),
    path("orders/", orders.index, name="list"),
    path("orders/cancel/", orders.cancel_many, name="cancel_many"),
    path("orders/new/", edit.new, name="new"),
    path("orders/<key:pk>/", order.show, name="order"),
    path("orders/<key:pk>/status/", order.set_status, name="set_status"),
    path("orders/<key:pk>/act/", order.act, name="act"),
    path("orders/<key:pk>/edit/", edit.edit, name="edit"),
    path("orders/<key:pk>/split/", order.split, name="split"),
    path("orders/<key:pk>/packing-list/", order.packing_list, name="packing_list"),
    path("order-processing/", processing.processing, name="processing"),
    *link_views.LINK_URLS,
]
