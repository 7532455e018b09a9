"""One form per page."""

import re
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from stdnum.eu import vat

from merchants import notify
from merchants.models import Channel, Membership, Merchant, Permission, Role, User, Warehouse
from merchants.timezones import zone_choices


class SignupForm(forms.Form):
    """What sign-up asks besides email and password; allauth mixes it in."""

    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ["name", "email", "password1"]

    def signup(self, request: Any, user: Any) -> None:
        """Called by allauth when the account exists; the adapter has stored the name already."""


class WarehouseChoice(forms.ModelChoiceField[Warehouse]):
    """Warehouses by their name; a newcomer knows no codes."""

    def label_from_instance(self, obj: Warehouse) -> str:
        return obj.name


class ChannelForm(forms.ModelForm[Channel]):
    """Channels: a further sales name and its sender. The instance carries the merchant."""

    class Meta:
        model = Channel
        fields = ["name", "address", "zip_code", "city", "country", "email", "phone"]
        help_texts = {"name": _("As the customer reads it on the label.")}

    def clean_name(self) -> str:
        """No form offers the merchant, so the constraint is not looked at by itself."""
        name: str = self.cleaned_data["name"]
        others = Channel.objects.filter(merchant=self.instance.merchant).exclude(pk=self.instance.pk)
        if name.casefold() in {other.casefold() for other in others.values_list("name", flat=True)}:
            raise forms.ValidationError(_("You have a channel of this name already. Choose another."))
        return name


class NewMerchantForm(forms.ModelForm[Merchant]):
    """The second step: a merchant, and the warehouse it begins in."""

    warehouse = WarehouseChoice(
        label=_("Warehouse"),
        queryset=Warehouse.objects.none(),
        empty_label=None,
        help_text=_("For test orders and test stock. Other warehouses are added later, together with us."),
    )

    class Meta:
        model = Merchant
        fields = ["name"]
        labels = {"name": _("Merchant name")}
        help_texts = {"name": _("As you want to see it in lists; often the name of your shop.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        warehouse = self.fields["warehouse"]
        assert isinstance(warehouse, WarehouseChoice)
        warehouse.queryset = Warehouse.objects.open_for_sign_up()

    @transaction.atomic
    def save_for(self, user: Any) -> Merchant:
        """The merchant, linked to its maker with all permissions, in the chosen warehouse."""
        merchant = self.save()
        merchant.warehouses.add(self.cleaned_data["warehouse"])
        merchant.link(user)
        return merchant


class CompanyForm(forms.ModelForm[Merchant]):
    """Company information: who you are on contract and invoice."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=zone_choices, help_text=_("Times on the pages are shown in this zone.")
    )

    class Meta:
        model = Merchant
        fields = [
            "name",
            "company_name",
            "company_id",
            "vat_code",
            "address",
            "zip_code",
            "city",
            "country",
            "contact_name",
            "contact_email",
            "contact_phone",
            "time_zone",
        ]

    def clean_vat_code(self) -> str:
        """A code of an EU country has a check digit; others are taken as they are, without blanks."""
        code = "".join(self.cleaned_data["vat_code"].split()).upper()
        is_european = code[:2].lower() in vat.MEMBER_STATES or code[:2] == "EL"
        is_code = re.fullmatch(r"[A-Z]{2}(?=.*\d)[0-9A-Z.+*-]{2,14}", code)
        if code and (not is_code or (is_european and not vat.is_valid(code))):
            raise forms.ValidationError(_("This is no VAT code: it begins with the country, as in SE556677889901."))
        return code


class LinkUserForm(forms.Form):
    """Linked Users → Link new user."""

    email = forms.EmailField(
        label=_("Email of new user to link"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("For somebody who has no login yet. Then the mail holds the way to choose a password."),
    )

    def __init__(self, merchant: Merchant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.merchant = merchant

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if self.merchant.memberships.filter(user__in=User.objects.by_email(email)).exists():
            raise forms.ValidationError(_("This user is linked already. The permissions are below."))
        return email


class MembershipForm(forms.ModelForm[Membership]):
    """What one linked user may do, and what for. One that the page did not show yet is left as it is."""

    permissions = forms.MultipleChoiceField(
        label=_("Permissions"), choices=Permission.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"), choices=Role.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    was_shown = forms.BooleanField(required=False, initial=True, widget=forms.HiddenInput)

    class Meta:
        model = Membership
        fields = ["roles"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["permissions"] = [one.value for one in Permission if self.instance.may(one)]

    @property
    def is_meant(self) -> bool:
        return self.data.get(self.add_prefix("was_shown")) == "True"

    def chosen(self) -> Membership:
        """The link with what was ticked, not written yet. Of a valid form only."""
        member = self.save(commit=False)
        for one in Permission:
            setattr(member, one.value, one.value in self.cleaned_data["permissions"])
        return member


class NotificationsForm(forms.Form):
    """MISC → Email notifications: what one linked user wants to be mailed of one merchant."""

    wanted = forms.MultipleChoiceField(
        label=_("Mail me when"), required=False, choices=notify.choices, widget=forms.CheckboxSelectMultiple
    )

    def muted(self) -> list[str]:
        """The keys of what was not ticked."""
        return [key for key in notify.KINDS if key not in self.cleaned_data["wanted"]]
