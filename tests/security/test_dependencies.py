"""What we install is what we have looked at: each package pinned, with its hashes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ["requirements.txt", "requirements-dev.txt"]


def entries(text: str) -> list[str]:
    """One text per package, its hashes with it."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [line for line in lines if not line.lstrip().startswith("#")]


@pytest.mark.parametrize("name", FILES)
def test_each_package_is_pinned_with_its_hashes(name: str) -> None:
    found = entries((ROOT / name).read_text())
    assert len(found) > 20
    for entry in found:
        assert re.match(r"[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==[0-9][^\s;]*\s", entry, re.IGNORECASE), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]
        assert not re.search(r"--hash=(?!sha256:)", entry), entry[:80]


@pytest.mark.parametrize("name", FILES)
def test_no_package_comes_from_an_address_or_another_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(
        r"^\s*(-e|-f|-i|--index-url|--extra-index-url|--find-links|--trusted-host)\b", text, re.MULTILINE
    )
    assert not re.search(r"(git\+|https?://|file:)", text)


def test_what_runs_is_the_same_where_it_is_tested() -> None:
    runs, tested = ({entry.split()[0] for entry in entries((ROOT / name).read_text())} for name in FILES)
    assert runs <= tested


@pytest.mark.parametrize("name", ["requirements.in", "requirements-dev.in"])
def test_what_we_ask_for_is_named_in_the_lock(name: str) -> None:
    locked = {
        entry.split()[0].split("[")[0].split("==")[0] for entry in entries((ROOT / "requirements-dev.txt").read_text())
    }
    for entry in entries((ROOT / name).read_text()):
        if not entry.startswith("-r"):
            assert re.split(r"[=\[ ]", entry)[0] in locked, entry


def test_installing_insists_on_the_hashes_and_the_audit_on_an_answer() -> None:
    """A package that the service does not know would else pass as one without faults."""
    text = (ROOT / "Makefile").read_text()
    installs = re.findall(r"pip install .*", text)
    assert installs
    assert all("--require-hashes" in line for line in installs)
    audit = re.search(r"^audit:.*\n\t(.*)", text, re.MULTILINE)
    assert audit
    assert "pip-audit --strict" in audit[1]
    assert "requirements-dev.txt" in audit[1]


def test_a_package_without_a_pin_or_a_hash_would_be_seen() -> None:
    loose = entries("requests>=2 \\\n    --hash=sha256:" + "0" * 64 + "\nredis==8.1.0\n# a comment\n")
    assert len(loose) == 2
    assert not re.match(r"[a-z]+==", loose[0])
    assert "--hash" not in loose[1]
