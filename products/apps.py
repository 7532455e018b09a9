from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class ProductsConfig(AppConfig):
    name = "products"
    verbose_name = _("Products")

    def ready(self) -> None:
        from integrations import activity
        from integrations.pipes import OTHER_WORK, Pipe, register
        from merchants import notify
        from merchants.access import Item, add_page, add_section
        from merchants.backends import WORK
        from products import news, telling
        from products.outcome import phrases

        register(
            Pipe(
                key="refresh",
                label=_("Products in"),
                task="products.refresh",
                seconds=lambda: settings.REFRESH_SECONDS,
                pause_label=_("Reading products from the shop"),
            )
        )
        register(
            Pipe(
                key="stock",
                label=_("Stock out"),
                task="products.stock",
                seconds=lambda: settings.STOCK_SECONDS,
                pause_label=_("Sending stock to the shop"),
                writes=True,
                switch="sends_stock",
            )
        )
        WORK.update(f"products.view_{name}" for name in ("stock", "stockupdate", "movement", "reservation"))
        WORK.update({"products.change_stock", "products.change_stockupdate"})
        OTHER_WORK["create"] = _("Create product")
        activity.register({**phrases(), **telling.phrases()})
        notify.register(notify.Kind("received", _("goods of a stock update are received"), news.received))
        notify.register(notify.Kind("low", _("a product falls below its alarm level"), news.low))
        notify.register(notify.Kind("braked", _("many items would become zero in a shop"), news.braked))
        add_section(20, Item(_("Products"), "products:list", "tag"))
        add_page(20, Item(_("Product list"), "products:list", also=("products:new", "products:edit")))
        add_page(20, Item(_("Sync webshop products"), "products:sync", also=("products:shop_stock",)))
        pages = ("products:new_stock_update", "products:stock_update", "products:edit_stock_update")
        add_page(20, Item(_("Stock updates"), "products:stock_updates", also=pages))
