"""The staff's desk: who works here, for whom, and in which house."""

from typing import Any, TypeVar

from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from merchants import accounts, linking
from merchants.models import Channel, Membership, Merchant, User, Warehouse

admin.site.site_header = _("Staff · times in UTC")
admin.site.site_title = _("myOGO staff")
admin.site.index_title = _("The staff's desk")
admin.site.enable_nav_sidebar = False  # the lists need its place at 1280 pixels; the front page holds the same links


Linked = TypeVar("Linked", Merchant, User)


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")


class EditUserForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"  # noqa: DJ007  # the admin's field sets choose


class MembershipInline(admin.TabularInline[Membership, Merchant]):
    model = Membership
    extra = 0
    autocomplete_fields = ("user", "merchant")
    fields = ("user", "merchant", "edits_settings", "edits_products", "edits_orders")


class LinkingAdmin(admin.ModelAdmin[Linked]):
    """A desk where users are linked: what `linking.link` takes from a login that nobody confirmed goes here too."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        rows: list[Any] = [*formset.new_objects, *(row for row, fields in formset.changed_objects if "user" in fields)]
        for row in rows:
            if isinstance(row, Membership) and linking.distrust(row.user):
                self._say(request, row.user, is_told=linking.tell(request, row))

    def _say(self, request: HttpRequest, user: User, *, is_told: bool) -> None:
        said = _("%(user)s had never confirmed this address, so the password chosen at sign-up counts no more.")
        then = _("A mail says how to choose one.") if is_told else _("“Forgot your password?” mails the way to one.")
        messages.warning(request, f"{said % {'user': user}} {then}")


class ChannelInline(admin.TabularInline[Channel, Merchant]):
    model = Channel
    extra = 0


@admin.register(User)
class UserAdmin(LinkingAdmin, BaseUserAdmin):  # type: ignore[type-arg]
    form = EditUserForm
    add_form = NewUserForm
    ordering = ("email",)
    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    search_fields = ("email", "name", "memberships__merchant__name")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (_("May"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Seen"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Whom staff enter counts as confirmed; with another address somebody must confirm that one."""
        super().save_model(request, obj, form, change)
        if not change:
            accounts.confirm(obj)
        elif "email" in form.changed_data:
            EmailAddress.objects.filter(user=obj).delete()


@admin.register(Merchant)
class MerchantAdmin(LinkingAdmin[Merchant]):
    ordering = ("name",)
    list_display = ("name", "company_name", "houses", "linked_users", "created_at")
    list_filter = ("warehouses",)
    search_fields = ("name", "company_name", "company_id", "vat_code", "users__email")
    filter_horizontal = ("warehouses",)
    inlines = (MembershipInline, ChannelInline)
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merchant]:
        users = Count("memberships", distinct=True)
        return super().get_queryset(request).prefetch_related("warehouses").annotate(user_count=users)

    @admin.display(description=_("warehouses"))
    def houses(self, merchant: Merchant) -> str:
        return ", ".join(house.code for house in merchant.warehouses.all())

    @admin.display(description=_("linked users"), ordering="user_count")
    def linked_users(self, merchant: Merchant) -> int:
        return int(merchant.user_count)  # type: ignore[attr-defined]


@admin.register(Warehouse)
class WarehouseAdmin(admin.ModelAdmin[Warehouse]):
    list_display = ("code", "name", "city", "country", "is_public_testing")
    search_fields = ("code", "name", "city")
    filter_horizontal = ("staff",)
