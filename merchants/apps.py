from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MerchantsConfig(AppConfig):
    name = "merchants"
    verbose_name = _("Merchants")

    def ready(self) -> None:
        from allauth.account.signals import password_reset

        from merchants import lookups
        from merchants.access import Item, add_page, add_section
        from merchants.accounts import confirm_by_mail

        lookups.register()
        password_reset.connect(confirm_by_mail)
        add_section(30, Item(_("Edit Merchant"), "merchants:company", "adjustments", also=()))
        add_page(30, Item(_("Company information"), "merchants:company"))
        add_page(30, Item(_("Channels"), "merchants:channels", also=("merchants:new_channel", "merchants:channel")))
        add_page(30, Item(_("Linked Users"), "merchants:users", also=("merchants:unlink_user",)))
        add_section(90, Item(_("MISC"), "merchants:notifications", "bell"))
        add_page(90, Item(_("Email notifications"), "merchants:notifications"))
