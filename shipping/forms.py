"""One form per page: the methods that are asked for."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant, Warehouse
from shipping.models import ShippingMethod

KEY_DIGITS = 18  # the longest key that every database takes


class WarehouseForm(forms.Form):
    """Of which warehouse the methods are shown; of several, one is chosen first."""

    warehouse = forms.ModelChoiceField(label=_("Warehouse"), queryset=Warehouse.objects.none(), empty_label=None)

    def __init__(self, merchant: Merchant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["warehouse"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = merchant.warehouses.order_by("code")


class MethodsField(forms.ModelMultipleChoiceField[ShippingMethod]):
    """Keys of methods; one that no column can hold is no choice, and not asked for."""

    def clean(self, value: Any) -> Any:
        if any(len(str(key)) > KEY_DIGITS for key in value or ()):
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return super().clean(value)


class RequestForm(forms.Form):
    """New Shipping Method: which of the warehouse's methods to ask for."""

    methods = MethodsField(
        queryset=ShippingMethod.objects.none(),
        error_messages={
            "required": _("Tick “Request activation” on at least one method."),
            "invalid_choice": _("This warehouse does not offer one of the ticked methods any more. Look again."),
            "invalid_pk_value": _("This warehouse does not offer one of the ticked methods any more. Look again."),
        },
    )

    def __init__(self, warehouse: Warehouse, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["methods"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = ShippingMethod.objects.of_warehouse(warehouse)
