"""The look: what all templates keep to, the parts they are made of, and pages that must stand on their own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
import time_machine
from django import forms
from django.conf import LazySettings
from django.core.paginator import Paginator
from django.template import Context, Template
from django.template.base import Lexer, TokenType
from django.template.loader import get_template, render_to_string
from django.test import Client, RequestFactory
from django.utils import timezone

from merchants.models import Merchant
from merchants.templatetags import portal

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "static"
TEMPLATES = sorted(
    path for folder in ("templates", "sandbox/templates") for path in (ROOT / folder).rglob("*.html") if path.is_file()
)
NAMES = [str(path.relative_to(ROOT)) for path in TEMPLATES]
every_template = pytest.mark.parametrize("path", TEMPLATES, ids=NAMES)


# --- what all templates keep to --------------------------------------------------------------
@every_template
def test_a_template_carries_no_inline_style_script_or_handler(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style\b", text)
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"<script\b(?![^>]*\bsrc=)", text)
    assert not re.search(r"<[^>%]*\son[a-z]+\s*=", text)
    assert "javascript:" not in text


@every_template
def test_a_template_loads_nothing_from_elsewhere(path: Path) -> None:
    assert not re.search(r"<(script|link|img|iframe)\b[^>]*(src|href)=[\"'](https?:)?//", path.read_text())


@every_template
def test_a_key_is_never_shown_with_separators(path: Path) -> None:
    """`USE_THOUSAND_SEPARATOR` would write `value="1,402"` and the row would not be found again."""
    printed = re.findall(r"\{\{\s*(\w[\w.]*(?:\.pk|\.id|_pk))\s*(\|[^}]*)?\}\}", path.read_text())
    bare = [key for key, filters in printed if not re.match(r"\|(unlocal|unlocalize|stringformat)\b", filters)]
    assert [key for key in bare if not key.startswith("attrs.")] == []


class Prose(HTMLParser):
    """Collects what a reader sees or hears: text between tags, and the attributes that are read out."""

    SPOKEN = {"title", "placeholder", "aria-label", "alt", "data-l", "data-confirm", "data-confirm-yes", "data-copied"}
    UNREAD = {"script", "style", "code"}

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.UNREAD:
            self.inside.append(tag)
        self.found += [value for name, value in attrs if name in self.SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.found.append(data)


BLOCKS = {"comment": "endcomment", "blocktranslate": "endblocktranslate", "blocktrans": "endblocktrans"}
# Names, and the words of other people's screens that stay as they are.
UNTRANSLATED = {"my", "OGO", "myOGO", "Centra"}


def outside_translation(source: str) -> str:
    """The template without its tags and without what stands in comments and translation blocks."""
    kept, until = [], ""
    for token in Lexer(source).tokenize():
        word = token.contents.split()[0] if token.contents.split() else ""
        if token.token_type == TokenType.BLOCK:
            until = "" if word == until else until or BLOCKS.get(word, "")
        elif token.token_type == TokenType.TEXT and not until:
            kept.append(token.contents)
    return "".join(kept)


def bare_words(source: str) -> set[str]:
    prose = Prose()
    prose.feed(outside_translation(source))
    return {word for text in prose.found for word in re.findall(r"[^\W\d_]{2,}", text)} - UNTRANSLATED


@every_template
def test_every_text_is_marked_for_translation(path: Path) -> None:
    assert bare_words(path.read_text()) == set()


@every_template
def test_edit_merchant_is_a_way_back_wherever_it_stands(path: Path) -> None:
    """Only on its own page it is no link."""
    plain = '<li>{% translate "Edit Merchant" %}</li>' in path.read_text()
    assert plain == (path == ROOT / "templates/merchants/company.html")


@every_template
def test_words_given_to_an_include_are_marked_for_translation(path: Path) -> None:
    includes = re.findall(r"\{% include [^%]*%\}", path.read_text())
    words = [
        word
        for tag in includes
        for word in re.findall(r"\b(?:title|text|label|hint|action|link|name)=(\"[^\"]*\"|'[^']*')", tag)
        if re.search(r"[^\W\d_]{2}", word)
    ]
    assert words == []


def test_the_search_for_bare_words_finds_them() -> None:
    assert bare_words(
        "<p title='Away'>{% translate 'Kept' %} Lost</p>{% blocktranslate %}In{% endblocktranslate %}"
    ) == {
        "Away",
        "Lost",
    }


@every_template
def test_every_icon_that_is_named_is_there(path: Path) -> None:
    text = path.read_text()
    for name in re.findall(r"\{% icon [\"']([^\"']*)", text) + re.findall(r"icon_name=[\"']([^\"']*)", text):
        assert "<path" in portal.icon(name), name


@every_template
def test_every_template_can_be_read(path: Path) -> None:
    folder = next(parent for parent in path.parents if parent.name == "templates")
    get_template(str(path.relative_to(folder)))


def test_the_linter_of_templates_is_content() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "djlint", "--lint", "--quiet", "templates"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


# --- vendored files ----------------------------------------------------------------------------
def our_css_and_js() -> Iterator[Path]:
    return (path for path in STATIC.rglob("*") if path.suffix in {".css", ".js"})


def test_no_static_file_names_a_source_map() -> None:
    assert [path for path in our_css_and_js() if "sourceMappingURL" in path.read_text()] == []


def test_every_file_that_the_style_names_is_there() -> None:
    for path in our_css_and_js():
        for address in re.findall(r"url\(\"?([^\")]+)", path.read_text()):
            assert address.startswith("data:") or (path.parent / address).resolve().is_file(), address


def test_every_vendored_folder_has_a_licence_and_stands_in_the_list() -> None:
    listed = (STATIC / "vendor" / "README.md").read_text()
    for folder in (path for path in (STATIC / "vendor").iterdir() if path.is_dir()):
        assert (folder / "LICENSE").is_file()
        assert f"`{folder.name}/`" in listed


# --- tags and filters ------------------------------------------------------------------------------
def shown(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


def test_an_icon_is_silent_unless_it_has_a_label() -> None:
    assert 'aria-hidden="true"' in shown('{% icon "home" %}')
    assert 'role="img" aria-label="At &lt;home&gt;"' in shown('{% icon "home" 24 label %}', label="At <home>")


@pytest.mark.parametrize("name", ["no-such-icon", "../icons/home", "HOME"])
def test_an_unknown_icon_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no icon"):
        portal.icon(name)


NOW = datetime(2026, 11, 23, 13, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "style", "text"),
    [
        (NOW, "", ">14:02 Stockholm<"),
        (NOW, "seconds", ">14:02:11 Stockholm<"),
        (NOW, "seconds bare", ">14:02:11<"),
        (datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "", ">00:30 Stockholm<"),
        (datetime(2026, 11, 22, 22, 30, tzinfo=UTC), "", ">22 Nov 23:30 Stockholm<"),
        (datetime(2025, 7, 1, 12, 0, tzinfo=UTC), "", ">1 Jul 2025 14:00 Stockholm<"),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_a_time_is_shown_in_its_zone_with_its_zone(moment: datetime, style: str, text: str) -> None:
    assert text in portal.clock(moment, style, "Europe/Stockholm")


@time_machine.travel(NOW, tick=False)
def test_a_time_says_all_to_machines_and_on_asking() -> None:
    with timezone.override("America/New_York"):
        said = shown("{{ moment|clock }}", moment=NOW)
    assert 'datetime="2026-11-23T08:02:11-05:00"' in said
    assert 'title="Monday 23 November 2026, 08:02:11 New York (UTC-05:00)"' in said


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert "02:30:00 Stockholm (UTC+02:00)" in portal.clock(first, zone="Europe/Stockholm")
    assert "02:30:00 Stockholm (UTC+01:00)" in portal.clock(second, zone="Europe/Stockholm")


def test_nothing_known_is_a_dash() -> None:
    assert {portal.clock(None), portal.ago(None), portal.duration(None), portal.number(None)} == {"–"}


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=9), "9 s ago"),
        (timedelta(hours=1, minutes=12, seconds=40), "1 h 12 min ago"),
        (timedelta(days=3, hours=4, minutes=5), "3 d 4 h ago"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_an_age_is_said_in_at_most_two_units(age: timedelta, text: str) -> None:
    assert f">{text}<" in portal.ago(NOW - age)


def test_numbers_have_separators_for_people_and_none_for_machines() -> None:
    assert shown("{{ n|number }} {{ n|unlocal }}", n=4518) == "4,518 4518"


def test_a_sku_is_joined_without_a_gap_and_no_part_is_invented() -> None:
    said = portal.sku_parts("FG1042", "", "-M")
    assert said == '<span class="sku"><span class="a">FG1042</span><span class="c">-M</span></span>'
    assert "&lt;b&gt;" in portal.sku_parts("<b>")
    assert "no SKU" in portal.sku_parts("", "", "")


def test_a_picture_comes_only_over_https_else_a_letter_stands_for_it() -> None:
    assert 'src="https://shop.example/1.jpg"' in portal.thumb("Sweater", "https://shop.example/1.jpg")
    assert ">S</span>" in portal.thumb("Sweater", "http://shop.example/1.jpg")
    assert ">·</span>" in portal.thumb("")


def test_the_stand_in_shows_its_pictures_over_plain_http_too(settings: LazySettings) -> None:
    address = "http://127.0.0.1:8000/sandbox/nordlys/pictures/7.svg"
    settings.SANDBOX = True
    assert 'src="/sandbox/nordlys/pictures/7.svg"' in portal.thumb("Sweater", address)
    settings.SANDBOX = False
    assert ">S</span>" in portal.thumb("Sweater", address)


def test_pages_keep_the_search_in_their_addresses() -> None:
    page = Paginator(range(500), 10).page(7)
    request = RequestFactory().get("/products/?q=a+b&page=7")
    said = render_to_string("includes/pagination.html", {"page": page}, request)
    assert 'href="?q=a+b&amp;page=8"' in said
    assert 'href="?q=a+b&amp;page=7" aria-current="page"' in said
    assert list(portal.page_numbers(page)) == [1, None, 5, 6, 7, 8, 9, None, 50]


# --- forms -------------------------------------------------------------------------------------------
class SampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="As in lists.")
    remark = forms.CharField(label="Remark", required=False)
    sends = forms.BooleanField(label="Send stock", required=False, help_text="Later.")
    when = forms.ChoiceField(label="When", choices=[("a", "At once"), ("b", "Later")], widget=forms.RadioSelect)


def test_a_field_s_error_stands_with_the_field_and_is_tied_to_it() -> None:
    said = str(SampleForm({"name": "", "when": "a"}))
    assert '<label for="id_name">Name</label>' in said
    assert re.search(r'<input[^>]*aria-invalid="true"[^>]*aria-describedby="id_name_helptext id_name_error"', said)
    assert re.search(r'id="id_name_error"><li>This field is required', said)
    assert 'id="id_name_helptext"' in said


def test_only_needed_fields_are_marked_and_a_check_box_stands_before_its_label() -> None:
    said = str(SampleForm())
    assert len(re.findall(r'class="field required', said)) == 2
    assert said.index('id="id_sends"') < said.index('<label for="id_sends">')
    assert "<legend>When</legend>" in said


# --- pages on their own ---------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "405", "429", "500", "503"])
def test_an_error_page_needs_no_context_no_request_and_no_database(name: str) -> None:
    said = get_template(f"{name}.html").render()
    assert said.lstrip().startswith("<!doctype html>")
    assert re.search(r"<h1>[^<]{10,}</h1>", said)
    assert 'href="/"' in said


def test_a_refusal_says_whose_word_would_help() -> None:
    assert "ask &lt;Kim&gt;" in get_template("403.html").render({"exception": "ask <Kim>"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "labels", "button"),
    [
        ("/accounts/signup/", ["Name", "Email", "Password"], "Sign up"),
        ("/accounts/login/", ["Email", "Password"], "Sign in"),
    ],
)
def test_the_way_in_carries_the_guide_s_words(client: Client, address: str, labels: list[str], button: str) -> None:
    said = client.get(address).content.decode()
    assert re.findall(r"<label for=\"[^\"]+\">([^<]+)</label>", said) == labels
    assert re.findall(r"<button type=\"submit\" class=\"btn btn-primary\">([^<]+)</button>", said) == [button]


ACCOUNT_PAGES = ["logout/", "email/", "password/change/", "password/reset/", "password/reset/done/"]


@pytest.mark.parametrize("address", [*ACCOUNT_PAGES, "inactive/", "password/reset/key/done/", "confirm-email/"])
def test_every_account_page_wears_our_look(page: Client, address: str) -> None:
    said = page.get(f"/accounts/{address}", follow=True).content.decode()
    assert 'class="quiet"' in said
    assert said.count("<h1>") == 1
    assert "<title> ·" not in said


def test_the_navigation_marks_where_the_reader_is(page: Client, merchant: Merchant) -> None:
    said = page.get(f"/m/{merchant.pk}/company/").content.decode()
    current = re.findall(r"<a href=\"([^\"]+)\" aria-current=\"page\">\s*([^<]+?)\s*</a>", said)
    assert current == [(f"/m/{merchant.pk}/company/", "Company information")]
    assert '<a class="skip" href="#main">' in said


def test_the_navigation_carries_the_guide_s_words_in_their_order(page: Client, merchant: Merchant) -> None:
    said = page.get(f"/m/{merchant.pk}/company/").content.decode()
    menu = said.partition('<nav aria-label="Main">')[2].partition("</nav>")[0]
    words = ["Front page", "Orders", "Products", "Product list", "Sync webshop products", "Stock updates"]
    words += ["Edit Merchant", "Company information", "Channels", "Linked Users", "Integrations", "Shipping methods"]
    words += ["Order processing", "MISC", "Email notifications"]
    assert [text.strip() for text in re.findall(r"([^<>]+)</a>", menu)] == words


def test_every_merchant_of_the_user_can_be_chosen_and_one_added(page: Client, merchant: Merchant) -> None:
    said = page.get(f"/m/{merchant.pk}/company/").content.decode()
    assert re.search(rf'<a href="/m/{merchant.pk}/" aria-current="true">\s*{merchant}', said)
    assert "Add new" in said
    assert "Sign out" in said
