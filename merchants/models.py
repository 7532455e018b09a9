"""Who, and where the goods lie: users, merchants, who may do what, warehouses."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from merchants.timezones import check_zone


class UserQuerySet(models.QuerySet["User"]):
    def by_email(self, email: str) -> UserQuerySet:
        """Email addresses are one and the same whatever their case."""
        return self.filter(email__iexact=email.strip())


class UserAccounts(BaseUserManager["User"]):
    """Makes users; the email address is the login."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Made at the machine, by those who run the portal: the address needs no mail to be confirmed."""
        from merchants.accounts import confirm  # knows this model

        user = self.create_user(email, password, is_staff=True, is_superuser=True, **fields)
        confirm(user)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username or "")


class User(AbstractUser):
    """A person who signs in with an email address."""

    username = None  # type: ignore[assignment]  # Django's way to leave an inherited field out
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("email"), unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserAccounts.from_queryset(UserQuerySet)()  # type: ignore[assignment,misc]  # the inherited one knows usernames

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="user_email_once", violation_error_message=_("This email address is taken.")
            )
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email


class WarehouseQuerySet(models.QuerySet["Warehouse"]):
    def open_for_sign_up(self) -> WarehouseQuerySet:
        """Where anybody may begin: the public testing warehouse; others are opened by staff."""
        return self.filter(is_public_testing=True)

    def worked_by(self, user: User) -> WarehouseQuerySet:
        """Where this member of the staff works; a superuser everywhere."""
        return self if user.is_superuser else self.filter(staff=user)


class Warehouse(models.Model):
    """A house of the fulfilment company; known by its short code."""

    code = models.CharField(_("code"), max_length=10, unique=True, help_text=_("Three letters, as in GOT."))
    name = models.CharField(_("name"), max_length=120)
    address = models.CharField(_("address"), max_length=200, blank=True)
    zip_code = models.CharField(_("zip code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = CountryField(_("country"), blank=True)
    is_public_testing = models.BooleanField(
        _("public testing warehouse"),
        default=False,
        help_text=_("Anybody who signs up may begin here; nothing is shipped."),
    )
    staff = models.ManyToManyField(
        User,
        related_name="warehouses",
        blank=True,
        verbose_name=_("staff"),
        help_text=_("Who works here and sees its orders and goods. A superuser sees all warehouses."),
    )

    objects = WarehouseQuerySet.as_manager()

    class Meta:
        ordering = ["-is_public_testing", "code"]
        verbose_name = _("warehouse")
        verbose_name_plural = _("warehouses")

    def __str__(self) -> str:
        return f"{self.code} · {self.name}"


class MerchantQuerySet(models.QuerySet["Merchant"]):
    def for_user(self, user: Any) -> MerchantQuerySet:
        """The merchants that this user is linked to, by name."""
        return self.filter(memberships__user=user).order_by("name", "pk")


class Merchant(models.Model):
    """A web shop or other unit that keeps stock; the thing a user works inside."""

    name = models.CharField(_("merchant name"), max_length=120)
    company_name = models.CharField(_("official company name"), max_length=200, blank=True)
    company_id = models.CharField(_("company id"), max_length=50, blank=True)
    vat_code = models.CharField(
        _("VAT code"),
        max_length=20,
        blank=True,
        help_text=_("Without a valid code VAT is added to your invoices, also across EU borders."),
    )
    address = models.CharField(_("address"), max_length=200, blank=True)
    zip_code = models.CharField(_("zip code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = CountryField(_("country"), blank=True)
    contact_name = models.CharField(_("contact person"), max_length=120, blank=True)
    contact_email = models.EmailField(_("contact email"), blank=True)
    contact_phone = models.CharField(_("contact phone"), max_length=40, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Stockholm", validators=[check_zone])
    warehouses = models.ManyToManyField(Warehouse, related_name="merchants", verbose_name=_("warehouses"))
    users = models.ManyToManyField(User, through="Membership", related_name="merchants", verbose_name=_("linked users"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = MerchantQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("merchant")
        verbose_name_plural = _("merchants")

    def __str__(self) -> str:
        return self.name

    def link(self, user: User, **permissions: bool) -> Membership:
        """Let a user work here; all permissions unless told otherwise."""
        return Membership.objects.create(merchant=self, user=user, **permissions)


class Channel(models.Model):
    """A further sales name of a merchant, and the sender on its parcels' labels; returns go to its address.

    Stock, products and orders stay the merchant's; an order says which channel it belongs to.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="channels")
    name = models.CharField(_("channel name"), max_length=120)
    address = models.CharField(_("address"), max_length=200, blank=True)
    zip_code = models.CharField(_("zip code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = CountryField(_("country"), blank=True)
    email = models.EmailField(_("email"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)

    class Meta:
        ordering = ["name", "pk"]
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        constraints = [
            models.UniqueConstraint(
                "merchant",
                Lower("name"),
                name="channel_name_once",
                violation_error_message=_("You have a channel of this name already. Choose another."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Permission(models.TextChoices):
    """What a linked user may do besides looking. The values are the names of the fields of `Membership`."""

    EDITS_SETTINGS = "edits_settings", _("edit the merchant and its integrations")
    EDITS_PRODUCTS = "edits_products", _("create and edit products")
    EDITS_ORDERS = "edits_orders", _("make, edit and cancel orders")


class Role(models.TextChoices):
    """What a linked user does for the merchant. Says who gets which news; gives no rights."""

    SIGNATORY = "signatory", _("Authorized Signatory")
    OPERATIONS = "operations", _("Customer Service / Operations")
    FINANCE = "finance", _("Finance")
    TECHNICAL = "technical", _("Technical")
    MARKETING = "marketing", _("Marketing")


class Membership(models.Model):
    """One linked user of one merchant. Everybody linked may look; what more, the permissions say."""

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    edits_settings = models.BooleanField(_("edits the merchant and its integrations"), default=True)
    edits_products = models.BooleanField(_("creates and edits products"), default=True)
    edits_orders = models.BooleanField(_("makes, edits and cancels orders"), default=True)
    roles = models.JSONField(_("roles"), default=list, blank=True)
    muted = models.JSONField(_("is not mailed of"), default=list, blank=True)  # keys of `notify.KINDS`
    mailed_at = models.DateTimeField(_("last mailed"), null=True, blank=True)
    linked_at = models.DateTimeField(_("linked"), auto_now_add=True)

    class Meta:
        verbose_name = _("linked user")
        verbose_name_plural = _("linked users")
        constraints = [models.UniqueConstraint(fields=["merchant", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.merchant}"

    def may(self, permission: Permission) -> bool:
        return bool(getattr(self, permission.value))

    @property
    def permission_labels(self) -> list[str]:
        return [str(one.label) for one in Permission if self.may(one)]

    @property
    def role_labels(self) -> list[str]:
        """In the order of the list; a role that is no more is left out."""
        return [str(role.label) for role in Role if role.value in self.roles]


class NotificationQuerySet(models.QuerySet["Notification"]):
    def owed(self, now: datetime) -> NotificationQuerySet:
        """To be mailed, and nobody at it."""
        return self.filter(Q(tell_after__isnull=True) | Q(tell_after__lte=now), told_at__isnull=True)


class Notification(models.Model):
    """One fact that one linked user is mailed, once. `key` says which fact it is among those of its kind."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=300)
    text = models.TextField()
    path = models.CharField(max_length=500, blank=True)  # of the page where it is mended, without the host
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    tell_after = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [models.UniqueConstraint(fields=["membership", "kind", "key"], name="notification_once")]
        indexes = [
            models.Index(fields=["membership"], name="notification_owed", condition=Q(told_at=None)),
        ]

    def __str__(self) -> str:
        return self.text
