"""The form of one link: the shop's word, where, and what it means."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries as country_names

from integrations.models import Integration
from shipping.models import MerchantMethod, MethodLink, fold
from shipping.resolve import named


class MethodChoice(forms.ModelChoiceField[MerchantMethod]):
    """The merchant's methods by carrier and service."""

    def label_from_instance(self, obj: MerchantMethod) -> str:
        return obj.method.label


class LinkForm(forms.Form):
    """The shop says, Countries, Shipping method. `link()` is what would be saved."""

    value = forms.CharField(
        label=gettext_lazy("The shop says"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "As it stands in the shop; capitals and outer blanks do not count. * stands for any text, as in dhl*."
        ),
    )
    method = MethodChoice(
        label=gettext_lazy("Shipping method"),
        queryset=MerchantMethod.objects.none(),
        empty_label=gettext_lazy("Choose a method"),
        error_messages={"invalid_choice": gettext_lazy("This method is not active any more. Choose another.")},
    )
    countries = forms.MultipleChoiceField(
        label=gettext_lazy("Only in these countries"),
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 8}),
        help_text=gettext_lazy("Choose none, and it counts everywhere. Several: hold Ctrl or ⌘."),
    )

    def __init__(self, integration: Integration, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.integration = integration
        method, countries = self.fields["method"], self.fields["countries"]
        assert isinstance(method, MethodChoice)
        assert isinstance(countries, forms.MultipleChoiceField)
        method.queryset = MerchantMethod.objects.usable_with(integration).with_methods().in_order()
        countries.choices = country_choices(integration)

    def clean_value(self) -> str:
        return str(self.cleaned_data["value"]).strip()

    def clean(self) -> dict[str, Any]:
        """A word may have one link per country: two for the same would leave one without effect."""
        data = super().clean() or self.cleaned_data
        chosen = set(data.get("countries") or [])
        for other in self._others(str(data.get("value") or "")):
            both = chosen & set(other.countries)
            if both and chosen != set(other.countries):
                facts = {"where": named(both), "method": other.method.method.label}
                said = _("Linked to %(method)s already: %(where)s. Unlink that first, or choose the same countries.")
                self.add_error("countries", said % facts)
        return data

    def _others(self, value: str) -> list[MethodLink]:
        links = self.integration.method_links.select_related("method__method__carrier")
        return list(links.filter(value_folded=fold(value))) if value else []

    def link(self, who: str) -> MethodLink:
        """The link that Save would store: the one for the same word and countries changed, else a new one."""
        data = self.cleaned_data
        countries = sorted(data["countries"])
        same = [other for other in self._others(data["value"]) if sorted(other.countries) == countries]
        fresh = MethodLink(
            pk=same[0].pk if same else None,
            integration=self.integration,
            value=data["value"],
            value_folded=fold(data["value"]),
            countries=countries,
            method=data["method"],
            linked_by=who[:120],
        )
        fresh._state.adding = not same
        return fresh

    @property
    def seal(self) -> str:
        """What was looked at, with the links of the word as they stood: Save stores only what the preview showed."""
        data = self.cleaned_data
        others = self._others(data["value"])
        stood = sorted(f"{','.join(sorted(other.countries))}={other.method_id}" for other in others)
        chosen = [fold(data["value"]), ",".join(sorted(data["countries"])), str(data["method"].pk)]
        return "|".join([*chosen, *stood])


def country_choices(integration: Integration) -> list[tuple[str, Any]]:
    """Those met in this shop's orders before all others."""
    met = set(integration.orders.exclude(country="").order_by().values_list("country", flat=True).distinct())
    known = [(str(code), str(name)) for code, name in country_names]
    first = [one for one in known if one[0] in met]
    rest = [one for one in known if one[0] not in met]
    return [(_("met in the shop’s orders"), first), (_("all others"), rest)] if first else list(known)
