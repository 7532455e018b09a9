"""One form per page: the connection to a shop."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django import forms
from django.db.models import Q
from django.forms import BoundField
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations import moving
from integrations.connectors import PLATFORMS, tidy_base_url
from integrations.connectors.addresses import check_address
from integrations.connectors.base import Credentials
from integrations.fields import Secret, SecretFormField, SecretInput, Undecipherable
from integrations.models import Integration, SyncRun, host
from integrations.moving import Move, Which
from integrations.pipes import OTHER_WORK, PIPES, label
from integrations.settings_form import SettingsForm
from merchants.models import Warehouse
from merchants.timezones import zone_choices

SECRET_LIMIT = 1000
ONE_PRESS = timedelta(minutes=1)  # Save pressed twice in a row is one wish


class ActivityFilter(forms.Form):
    """Which runs the activity shows. An address may hold nonsense: what is no choice of ours counts as not said."""

    pipe = forms.ChoiceField(required=False, widget=forms.Select(attrs={"aria-label": gettext_lazy("What flows")}))
    outcome = forms.ChoiceField(
        required=False,
        choices=[("", gettext_lazy("However it ended")), *SyncRun.Outcome.choices],
        widget=forms.Select(attrs={"aria-label": gettext_lazy("Outcome")}),
    )

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__(data)
        pipe = self.fields["pipe"]
        assert isinstance(pipe, forms.ChoiceField)
        pipe.choices = [("", _("Everything")), *((key, label(key)) for key in (*PIPES, *OTHER_WORK))]

    @property
    def words(self) -> dict[str, str]:
        """What was said, by the name of the run's column."""
        self.is_valid()
        return {name: word for name, word in self.cleaned_data.items() if word}

    @property
    def address(self) -> str:
        """The words as they go on in an address."""
        return urlencode(self.words)


class IntegrationForm(SettingsForm):
    """Name, API token, Store Hash, Warehouse, Time zone and the settings of one integration, new or stored.

    The instance carries merchant and platform. Says what is wrong with the texts; whether the shop takes them is asked
    by `probe`, with `credentials()`.
    """

    secret = SecretFormField(
        label=gettext_lazy("API token"), max_length=SECRET_LIMIT, widget=SecretInput(attrs={"hx-preserve": "true"})
    )
    base_url = forms.CharField(
        label=gettext_lazy("Store Hash"),
        max_length=300,
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )
    which_shop = forms.ChoiceField(
        label=gettext_lazy("Which shop is at this address?"),
        choices=Which.choices,
        required=False,
        widget=forms.RadioSelect,
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), choices=zone_choices)

    class Meta(SettingsForm.Meta):
        fields = ("name", "secret", "base_url", "warehouse", "time_zone", *SettingsForm.SETTINGS)
        labels = {**SettingsForm.Meta.labels, "name": gettext_lazy("Name"), "warehouse": gettext_lazy("Warehouse")}
        help_texts = {
            **SettingsForm.Meta.help_texts,
            "name": gettext_lazy("As you want to see it in lists."),
            "warehouse": gettext_lazy("Where this shop’s goods lie."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_url = self.instance.base_url
        self.move: Move | None = None  # to another host, with something kept of the one before
        self._explain()
        self._offer_warehouses()
        self._offer_zones()

    @property
    def is_new(self) -> bool:
        return self.instance.pk is None

    @property
    def is_other_shop(self) -> bool:
        """Whether what was saved reads another catalogue than what was stored before."""
        is_same = self.move is not None and self.cleaned_data["which_shop"] == Which.SAME
        return bool(self.stored_url) and self.instance.base_url != self.stored_url and not is_same

    def pressed_before(self) -> Integration | None:
        """The integration that this very form has just made, when Save was pressed twice."""
        typed = self.cleaned_data
        if not self.is_new or not {"name", "base_url", "secret"} <= typed.keys():
            return None
        just_now = self.instance.merchant.integrations.filter(created_at__gte=timezone.now() - ONE_PRESS)
        same = just_now.filter(platform=self.instance.platform, name=typed["name"], base_url=typed["base_url"])
        return next((one for one in same if one.secret == typed["secret"]), None)

    def credentials(self) -> Credentials:
        """What was typed, with the stored API token where none was; of a valid form only."""
        typed = self.cleaned_data
        return Credentials(typed["base_url"], typed["secret"].reveal(), typed["time_zone"])

    # --- what it offers and says -----------------------------------------------------------

    def _explain(self) -> None:
        """Which field of the platform each of our two words means."""
        platform = PLATFORMS[self.instance.platform]
        says = _("%(platform)s calls it %(word)s.")
        token, address = self.fields["secret"], self.fields["base_url"]
        assert isinstance(token, SecretFormField)
        token.help_text = _("It is stored encrypted and never shown again.")
        if self.instance.secret:
            token.keep(self.instance.secret_print)
        token.help_text = _joined(_naming(says, platform.label, platform.secret_word), token.help_text)
        address.help_text = _naming(says, platform.label, platform.address_word)
        self.fields["time_zone"].help_text = _("As set in %(platform)s.") % {"platform": platform.label}

    def ask_for_token_again(self) -> None:
        """The page comes back and a typed API token does not: say so where it was typed."""
        if self.data.get(self.add_prefix("secret")):
            shown = self["secret"]
            again = format_html("<b>{}</b>", _("For safety it was not sent back to you: enter it again."))
            shown.help_text = _joined(again, shown.help_text)

    def _offer_warehouses(self) -> None:
        """The merchant's, and the one chosen before even if it is no longer the merchant's."""
        field = self.fields["warehouse"]
        assert isinstance(field, forms.ModelChoiceField)
        theirs = Q(merchants=self.instance.merchant_id) | Q(pk=self.instance.warehouse_id)
        field.queryset = Warehouse.objects.filter(theirs).distinct()
        if field.queryset.count() == 1:
            field.empty_label = None
        else:
            field.empty_label = _("Choose a warehouse")

    def _offer_zones(self) -> None:
        """All in common use, and the one chosen before even if it is an old name."""
        stored, choices = self.instance.time_zone, zone_choices()
        if stored not in dict(choices):
            choices = [(stored, stored), *choices]
        self.fields["time_zone"].choices = choices  # type: ignore[attr-defined]

    # --- what it refuses -------------------------------------------------------------------

    def clean_base_url(self) -> str:
        """Tidied up, and of a kind that we call at all."""
        try:
            tidy = tidy_base_url(self.instance.platform, self.cleaned_data["base_url"])
            check_address(tidy)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
        return tidy

    def clean_secret(self) -> Secret:
        """What was typed; the stored one where nothing was, if it can still be opened."""
        if typed := self.cleaned_data["secret"]:
            return Secret.of(typed)
        try:
            self.instance.secret.reveal()
        except Undecipherable:
            raise forms.ValidationError(_("The stored API token cannot be opened any more. Enter it again.")) from None
        return self.instance.secret

    def validate_unique(self) -> None:
        """Asked once more before it is written: the name may have been taken while the shop was asked."""
        if not self.pressed_before():
            super().validate_unique()

    def clean(self) -> dict[str, Any]:
        """A stored API token is never sent to another host than the one it was entered for."""
        typed = super().clean() or self.cleaned_data
        if not self.is_new and "base_url" in typed:
            self._refuse_to_move(typed["base_url"])
        self._look_where_it_moves(typed.get("base_url", ""))
        return typed

    def _refuse_to_move(self, base_url: str) -> None:
        """Judged by what was made of the token: blanks come as something, and leave the stored one all the same."""
        secret = self.cleaned_data.get("secret")
        if _origin(base_url) != _origin(self.stored_url) and secret is not None and not secret.is_new:
            self.add_error("secret", _("The Store Hash now names another host. Enter the API token of that shop."))

    def agree_with(self, stored: Integration) -> None:
        """With the locked row as it is now: what came while the shop was asked is not written over with what was then.

        Another key for secrets, a colleague's API token, the name of a warehouse.
        """
        self.instance.warehouses_met = stored.warehouses_met
        self.instance.warehouses_undecided = self.still_undecided(stored)
        if not self.cleaned_data["secret"].is_new:
            self.instance.secret, self.instance.secret_print = stored.secret, stored.secret_print

    # --- another host ----------------------------------------------------------------------

    def _look_where_it_moves(self, base_url: str) -> None:
        """Whether it leaves a host of which something is kept here: then it is asked which shop is at the new one."""
        self.move = None
        if self.is_new or not base_url or host(base_url) == host(self.stored_url):
            return
        move = Move(self.instance.pk, self.instance.merchant_id, host(self.stored_url), host(base_url))
        if not moving.facts(move):
            return
        self.move = move
        self["which_shop"].help_text = self._what_each_means(move)

    def _what_each_means(self, move: Move) -> str:
        """What comes of either answer, and of the merchant's other integrations with the same shop."""
        same = _(
            "The same shop: its orders, shipments and reserved pieces go along. Nothing comes in twice, and what is "
            "owed is told to %(new)s."
        )
        fellow = _("“%(name)s” points at %(old)s as well and goes along: enter its API token again afterwards.")
        other = _(
            "Another shop: what the warehouse has not begun of %(old)s waits, and orders of %(new)s come in besides."
        )
        words = {"old": move.old, "new": move.new}
        said = [same % words, *(fellow % {**words, "name": one.name} for one in move.fellows), other % words]
        return " ".join(said)

    @property
    def asked(self) -> BoundField | None:
        """The choice, where there is one to be made."""
        return self["which_shop"] if self.move else None

    def weigh_move(self) -> None:
        """Another host needs a choice, and one that can be; of a valid form. Asked once more when it is written."""
        if self.move is None:
            return
        which = self.cleaned_data["which_shop"]
        if not which:
            said = _("This is another address than %(old)s. %(facts)s Say below which shop it is.")
            facts = " ".join(moving.facts(self.move))
            self.add_error("base_url", said % {"old": self.move.old, "facts": facts})
        elif why := moving.refusal(self.move, Which(which)):
            self.add_error("which_shop", why)

    def hold_still(self, stored: Integration) -> None:
        """The same under locks, with the integration as it is stored now. Within the transaction that writes it."""
        if stored.base_url != self.stored_url:
            said = _("Somebody changed it meanwhile to %(now)s. Look at it again, and then save.")
            self.add_error("base_url", said % {"now": stored.base_url})
            return
        self._look_where_it_moves(self.cleaned_data["base_url"])
        if self.move and (which := self.cleaned_data["which_shop"]):
            moving.lock(self.move, Which(which))
        self.weigh_move()

    def finish_move(self, who: str) -> list[Integration]:
        """What goes along with the saved integration; returns what else points at the new host now."""
        if self.move is None:
            return []
        return moving.settle(self.move, self.instance, Which(self.cleaned_data["which_shop"]), who)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _naming(says: str, platform: str, word: str) -> str:
    return format_html(says.replace("%(platform)s", "{0}").replace("%(word)s", "<b>{1}</b>"), platform, word)


def _joined(*texts: str | Promise) -> str:
    return format_html("{} " * (len(texts) - 1) + "{}", *texts)
