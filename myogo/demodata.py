"""What a newcomer finds in the demo: people, warehouses, a merchant, a shop in the sandbox. Safe to run again."""

from django.conf import settings
from django.db import transaction

from merchants.accounts import confirm
from merchants.models import Merchant, User, Warehouse
from sandbox import catalogue
from sandbox.models import Shop
from shipping import starter

MERCHANT = ("demo@example.com", "Kim Berg", "demo")
VIEWER = ("viewer@example.com", "Robin Lund", "demo")
STAFF = ("staff@example.com", "Sam Holm", "demo")
HOUSES = [
    ("TEST", "Public testing warehouse", "", "", True),
    ("GOT", "Gothenburg", "Göteborg", "SE", False),
    ("VNT", "Vantaa", "Vantaa", "FI", False),
    ("TLL", "Tallinn", "Tallinn", "EE", False),
]


@transaction.atomic
def fill() -> None:
    """Make what is missing; what is there stays as it is."""
    for code, name, city, country, is_testing in HOUSES:
        fields = {"name": name, "city": city, "country": country, "is_public_testing": is_testing}
        Warehouse.objects.get_or_create(code=code, defaults=fields)
    starter.fill()
    _people()
    if not Shop.objects.exists():
        catalogue.fill(Shop.open("nordlys", "Nordlys"))


def _people() -> None:
    if not User.objects.by_email(STAFF[0]).exists():
        User.objects.create_superuser(STAFF[0], STAFF[2], name=STAFF[1])
    if User.objects.by_email(MERCHANT[0]).exists():
        return
    merchant = Merchant.objects.create(name="Nordlys Store", company_name="Nordlys AB", country="SE", city="Göteborg")
    merchant.warehouses.set(Warehouse.objects.filter(code__in=["TEST", "GOT"]))
    merchant.link(_person(*MERCHANT))
    merchant.link(_person(*VIEWER), edits_settings=False, edits_products=False, edits_orders=False)


def _person(email: str, name: str, password: str) -> User:
    """One who can link others at once; a newcomer's first confirms their address."""
    user = User.objects.create_user(email, password, name=name)
    confirm(user)
    return user


def _mail() -> str:
    """Where mail can be read that goes into files instead of out."""
    is_kept = settings.EMAIL_BACKEND.endswith("filebased.EmailBackend")
    folder = getattr(settings, "EMAIL_FILE_PATH", "") if is_kept else ""
    return f"    Mail            is written into {folder}/\n" if folder else ""


def welcome(address: str) -> str:
    """What the command prints: where to click, and who one is there."""
    return f"""
  myOGO is running. Open the first address and follow the steps on the front page.

    The portal      {address}/              {MERCHANT[0]} / {MERCHANT[2]}
      only looking                                     {VIEWER[0]} / {VIEWER[2]}
    The shop        {address}/sandbox/      a stand-in for Centra; its login is shown there
    The staff       {address}/admin/        {STAFF[0]} / {STAFF[2]}
{_mail()}
  Ctrl-C stops everything; started again, it goes on where it was.
"""
