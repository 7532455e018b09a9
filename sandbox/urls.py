"""Addresses of the stand-in: its own pages, and the Order API of each shop. `key` comes with the portal's site map."""

from django.urls import path, re_path

from sandbox.api import views as api
from sandbox.views import front, levers, media, orders, products, session, stores

app_name = "sandbox"
urlpatterns = [
    path("", session.home, name="home"),
    path("sign-in/", session.sign_in, name="sign_in"),
    path("sign-out/", session.sign_out, name="sign_out"),
    # What the portal and other machines call.
    path("<slug:shop>/api/<slug:uri>", api.entrance, name="api_root"),
    path("<slug:shop>/api/<slug:uri>/", api.entrance),
    path("<slug:shop>/api/<slug:uri>/<path:rest>", api.entrance, name="api"),
    path("<slug:shop>/pictures/<key:pk>.svg", media.picture, name="picture"),
    re_path(
        r"^(?P<shop>[-\w]+)/papers/(?P<kind>delivery-note|proforma|invoice)/(?P<pk>\d{1,18})/(?P<token>[0-9a-f]+-\d+)$",
        media.paper,
        name="paper",
    ),
    # What people click.
    path("<slug:shop>/system/stores/", stores.stores, name="stores"),
    path("<slug:shop>/system/stores/<key:pk>/", stores.store, name="store"),
    path("<slug:shop>/system/stores/<key:pk>/plugin-method/", stores.new_plugin, name="new_plugin"),
    path("<slug:shop>/system/plugins/<key:pk>/", stores.plugin, name="plugin"),
    path("<slug:shop>/system/plugins/<key:pk>/edit/", stores.edit_plugin, name="edit_plugin"),
    path("<slug:shop>/system/plugins/<key:pk>/log/", stores.plugin_log, name="plugin_log"),
    path("<slug:shop>/system/plugins/<key:pk>/delete/", stores.delete_plugin, name="delete_plugin"),
    path("<slug:shop>/products/", products.products, name="products"),
    path("<slug:shop>/products/fill/", products.fill, name="fill"),
    path("<slug:shop>/products/<key:pk>/", products.size, name="size"),
    path("<slug:shop>/products/<key:pk>/stock/", products.stock, name="stock"),
    path("<slug:shop>/products/<key:pk>/remove/", products.remove_size, name="remove_size"),
    path("<slug:shop>/front/", front.front, name="front"),
    path("<slug:shop>/front/put-in/", front.put_in, name="put_in"),
    path("<slug:shop>/front/basket/", front.basket, name="basket"),
    path("<slug:shop>/front/basket/change/", front.change, name="change_basket"),
    path("<slug:shop>/orders/", orders.orders, name="orders"),
    path("<slug:shop>/orders/<key:number>/", orders.order, name="order"),
    path("<slug:shop>/orders/<key:number>/act/", orders.act, name="act"),
    path("<slug:shop>/levers/", levers.levers, name="levers"),
    path("<slug:shop>/levers/switches/", levers.switches, name="switches"),
    path("<slug:shop>/levers/<key:pk>/take-away/", levers.take_away, name="take_away"),
    # Only with a slash at the end: without one, the address with one is tried first.
    re_path(r"^(?:(?P<shop>[-\w]+)/)?.+/$", session.nowhere),
]
