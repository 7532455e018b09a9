from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class ProductsConfig(AppConfig):
    name = "products"
    verbose_name = _("Products")

    def ready(self) -> None:
        from integrations.pipes import Pipe, register
        from merchants.access import Item, add_page, add_section

        register(
            Pipe(
                key="refresh",
                label=_("Products in"),
                task="products.refresh",
                seconds=lambda: settings.REFRESH_SECONDS,
                pause_label=_("Reading products from the shop"),
            )
        )
        add_section(20, Item(_("Products"), "products:list", "tag"))
        add_page(20, Item(_("Product list"), "products:list", also=("products:new", "products:edit")))
        add_page(20, Item(_("Sync webshop products"), "products:sync"))
