from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Integrations")

    def ready(self) -> None:
        from integrations import checks, installation, moving, news, pipes  # noqa: F401  # registers the system checks
        from integrations.connectors import gate
        from merchants import notify
        from merchants.access import Item, add_page

        pipes.OTHER_WORK[moving.KEY] = _("Store Hash")
        gate.asks(installation.may)
        notify.asks(installation.is_ours)
        post_migrate.connect(installation.write_name, sender=self)
        pages = (
            "integrations:choose",
            "integrations:new",
            "integrations:edit",
            "integrations:run",
            "orders:delete_integration",
        )
        notify.register(notify.Kind("trouble", _("a shop is stopped or does not answer for an hour"), news.trouble))
        add_page(30, Item(_("Integrations"), "integrations:list", also=pages))
