"""The content security policy: on every page, without a hole, and no page needs one."""

from html.parser import HTMLParser

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import Client, override_settings
from django.urls import path, reverse

from tests.addresses import make_world
from tests.security.walk import Visit, visits

SELF, NONE = {"'self'"}, {"'none'"}
POLICY = {
    "default-src": NONE,
    "script-src": SELF,
    "style-src": SELF,
    "font-src": SELF,
    "img-src": {"'self'", "data:", "https:"},
    "connect-src": SELF,
    "form-action": SELF,
    "base-uri": NONE,
    "frame-ancestors": NONE,
}
DATA = {"application/json", "application/ld+json"}  # blocks of data; nothing runs


class Inline(HTMLParser):
    """Finds what the policy would refuse: styles, scripts and handlers in the page, addresses that are scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        words = {name: value or "" for name, value in attrs}
        if tag == "style" or "style" in words:
            self.found.append(f"<{tag} style>")
        if tag == "script" and "src" not in words and words.get("type") not in DATA:
            self.found.append("<script>")
        if tag == "base" or tag in ("object", "embed", "iframe"):
            self.found.append(f"<{tag}>")
        self.found += [f"<{tag} {name}>" for name in words if name.startswith(("on", "hx-on"))]
        loaded = words.get("src" if tag in ("script", "img") else "href", "") if tag in ("script", "link") else ""
        if loaded.startswith(("http:", "https:", "//")) and "localhost" not in loaded:
            self.found.append(f"<{tag} {loaded}>")
        for name in ("href", "src", "action", "formaction"):
            if words.get(name, "").strip().lower().startswith(("javascript:", "vbscript:", "data:text")):
                self.found.append(f"<{tag} {name}=script>")


def inline_parts(text: str) -> list[str]:
    parser = Inline()
    parser.feed(text)
    return parser.found


def policy_of(answer: HttpResponseBase) -> dict[str, set[str]]:
    parts = (part.split() for part in answer.get("Content-Security-Policy", "").split(";"))
    return {words[0]: set(words[1:]) for words in parts if words}


@pytest.fixture
def walked(db: None) -> list[Visit]:
    return list(visits(make_world()))


def test_every_answer_carries_the_policy_and_no_page_needs_less(walked: list[Visit]) -> None:
    without = [str(visit) for visit in walked if policy_of(visit.answer) != POLICY]
    assert without == []
    holes = [(str(visit), parts) for visit in walked if visit.is_page and (parts := inline_parts(visit.text))]
    assert holes == []
    pages = {visit.who for visit in walked if visit.is_page and visit.answer.status_code == 200}
    assert pages == {"owner", "staff", "nobody", "signed in", "shopkeeper"}


def test_every_answer_forbids_frames_and_guessing_and_keeps_addresses_here(walked: list[Visit]) -> None:
    for visit in walked:
        said = {name: visit.answer.get(name) for name in ("X-Content-Type-Options", "Referrer-Policy")}
        assert said == {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}, str(visit)
        assert visit.answer.get("X-Frame-Options") == "DENY", str(visit)
        assert visit.answer.get("Cross-Origin-Opener-Policy") == "same-origin", str(visit)


def test_the_policy_names_neither_unsafe_words_nor_another_host(settings: LazySettings) -> None:
    words = {str(word) for rule in settings.CONTENT_SECURITY_POLICY["DIRECTIVES"].values() for word in rule}
    assert not [word for word in words if "unsafe" in word or "*" in word or "." in word or word == "http:"]
    assert not hasattr(settings, "CONTENT_SECURITY_POLICY_REPORT_ONLY")


@pytest.mark.parametrize(
    "page",
    [
        '<p style="color:red">',
        "<style>p {}</style>",
        "<script>alert(1)</script>",
        '<a href=" JavaScript:alert(1)">',
        '<button onclick="x()">',
        '<button hx-on:click="x()">',
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        '<base href="/x/">',
        '<iframe src="/x/">',
    ],
)
def test_what_the_policy_would_refuse_is_seen(page: str) -> None:
    assert inline_parts(page)


@pytest.mark.parametrize(
    "page", ['<script src="/static/x.js" defer></script>', '<script type="application/json">{}</script>', "<p>on</p>"]
)
def test_what_it_lets_pass_is_left_alone(page: str) -> None:
    assert inline_parts(page) == []


# --- pages that say something went wrong -----------------------------------------------------------


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret-of-ours")


def too_much(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.POST)))


urlpatterns = [path("broken/", broken), path("much/", too_much)]


@override_settings(ROOT_URLCONF="tests.security.test_content_policy")
def test_the_page_for_our_own_faults_keeps_to_the_policy_and_shows_no_trace() -> None:
    answer = Client(raise_request_exception=False).get("/broken/")
    assert answer.status_code == 500
    assert policy_of(answer) == POLICY
    text = answer.content.decode()
    assert inline_parts(text) == []
    assert "secret-of-ours" not in text
    assert "Traceback" not in text


@pytest.mark.django_db
def test_a_form_without_its_token_gets_a_page_within_the_policy() -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("account_login"), {"login": "a@example.com"})
    assert answer.status_code == 403
    assert policy_of(answer) == POLICY
    assert inline_parts(answer.content.decode()) == []


@override_settings(ROOT_URLCONF="tests.security.test_content_policy", DATA_UPLOAD_MAX_NUMBER_FIELDS=3)
def test_a_request_that_is_too_much_gets_a_page_within_the_policy() -> None:
    answer = Client(raise_request_exception=False).post("/much/", dict.fromkeys("abcdef", "x"))
    assert answer.status_code == 400
    assert policy_of(answer) == POLICY
    assert inline_parts(answer.content.decode()) == []
