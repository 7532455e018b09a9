from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from integrations import activity, moving
        from integrations.pipes import Pipe, register
        from merchants import notify
        from merchants.access import Item, add_page, add_section
        from orders import erasing, new_address, news  # noqa: F401  # erasing: its check of the setting
        from orders.handing import phrases

        activity.add_whole("orders", ("new", "known", "waiting", "skipped", "unreadable"))
        register(
            Pipe(
                key="intake",
                label=_("Orders in"),
                task="orders.intake",
                seconds=lambda: settings.POLL_SECONDS,
                pause_label=_("Reading orders from the shop"),
                longest_wait=600.0,
            )
        )
        register(
            Pipe(
                key="hand-over",
                label=_("Hand-over and tracking"),
                task="orders.hand_over",
                seconds=lambda: settings.HANDOVER_SECONDS,
                pause_label=_("Handing orders over and sending tracking"),
                writes=True,
            )
        )
        activity.register(phrases())
        moving.register(
            moving.Keeper(
                facts=new_address.facts,
                lock=new_address.lock,
                refusal=new_address.refusal,
                take_along=new_address.take_along,
            )
        )
        notify.register(notify.Kind("waiting", _("orders wait for something you can mend"), news.waiting))
        notify.register(notify.Kind("customised", _("an order with a customisation is stopped"), news.customised))
        notify.register(notify.Kind("asked", _("a paid or sent order needs your decision"), news.asked))
        notify.register(notify.Kind("answered", _("the warehouse answers a cancellation request"), news.answered))
        add_section(10, Item(_("Front page"), "orders:front_page", "home"))
        also = (
            "orders:new",
            "orders:order",
            "orders:edit",
            "orders:split",
            "orders:cancel_many",
            "orders:packing_list",
        )
        add_section(15, Item(_("Orders"), "orders:list", "package", also=also))
        add_page(30, Item(_("Order processing"), "orders:processing"))
