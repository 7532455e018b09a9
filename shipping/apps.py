from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShippingConfig(AppConfig):
    name = "shipping"
    verbose_name = _("Shipping")

    def ready(self) -> None:
        from merchants import notify
        from merchants.access import Item, add_page
        from merchants.backends import WORK

        WORK.update({"shipping.view_merchantmethod", "shipping.change_merchantmethod", "shipping.view_shippingmethod"})

        notify.register(notify.Kind("methods", _("the warehouse answers your request for a shipping method")))
        pages = ("shipping:new", "orders:shop_methods", "orders:link", "orders:unlink")
        add_page(30, Item(_("Shipping methods"), "shipping:list", also=pages))
