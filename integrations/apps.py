from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Integrations")

    def ready(self) -> None:
        from integrations import checks  # noqa: F401  # registers the system checks
        from merchants.access import Item, add_page

        pages = (
            "integrations:choose",
            "integrations:new",
            "integrations:edit",
            "integrations:run",
            "orders:delete_integration",
        )
        add_page(30, Item(_("Integrations"), "integrations:list", also=pages))
