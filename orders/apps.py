from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from merchants.access import Item, add_section

        add_section(10, Item(_("Front page"), "orders:front_page", "home"))
