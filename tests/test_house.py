"""The dependency rule: an app imports only from floors below, foreign keys point the same way, nobody calls up."""

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import CASCADE, ForeignKey, Model
from django.test.utils import isolate_apps

from tests.everything import ON_BOTH, ON_POSTGRESQL

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {"merchants": 1, "integrations": 2, "products": 3, "shipping": 3, "orders": 4, "myogo": 5}
APART = "sandbox"
TOP_LEVEL = {"manage.py", "myogo", "integrations", "products", "shipping", "templates", "tests", "requirements.txt"}


def modules(app: str) -> Iterator[Path]:
    return (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)


def imported_apps(path: Path) -> set[str]:
    """Our apps that a module names in its imports, anywhere in its text, and in `get_model` calls."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get_model" and node.args:
            found |= {str(arg.value).split(".")[0] for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    return found & {*FLOORS, APART}


@pytest.mark.parametrize("app", FLOORS)
def test_an_app_imports_only_from_floors_below(app: str) -> None:
    for path in modules(app):
        for other in imported_apps(path) - {app}:
            if other == APART:
                assert path.name in ("demodata.py",), f"{path} imports the sandbox; only the demo's data may"
            else:
                assert may_know(app, other), f"{path} imports {other}, which is not below"


def test_the_sandbox_stands_apart() -> None:
    for path in modules(APART):
        assert imported_apps(path) <= {APART}, f"{path} imports an app of the portal"


def test_connectors_know_no_model() -> None:
    for path in (ROOT / "integrations" / "connectors").rglob("*.py"):
        text = path.read_text()
        assert "integrations.models" not in text, f"{path} knows a model"
        assert not re.search(r"from django\.db", text), f"{path} knows the database"


def may_know(app: str, other: str) -> bool:
    """Itself and what is below; apps on one floor do not know each other."""
    return other == app or FLOORS[other] < FLOORS[app]


def points_up(models: Iterable[type[Model]]) -> list[str]:
    """Foreign keys (and the like) to an app that theirs may not know."""
    return [
        f"{model.__name__}.{field.name} points to {field.related_model._meta.app_label}"
        for model in models
        for field in model._meta.get_fields()
        if field.concrete
        and isinstance(field.related_model, type)
        and {model._meta.app_label, field.related_model._meta.app_label} <= FLOORS.keys()
        and not may_know(model._meta.app_label, field.related_model._meta.app_label)
    ]


def test_foreign_keys_point_down() -> None:
    assert points_up(apps.get_models()) == []


def model(name: str, app: str, **fields: object) -> type[Model]:
    meta = type("Meta", (), {"app_label": app})
    return type(name, (Model,), {"__module__": __name__, "Meta": meta, **fields})


@isolate_apps("products", "shipping", "merchants")
def test_a_key_across_a_floor_or_upward_would_be_seen() -> None:
    box = model("Box", "shipping")
    thing = model("Thing", "products", beside=ForeignKey(box, CASCADE), itself=ForeignKey("self", CASCADE))
    house = model("House", "merchants", above=ForeignKey(thing, CASCADE))
    parcel = model("Parcel", "shipping", below=ForeignKey(house, CASCADE))
    found = points_up([box, thing, house, parcel])
    assert found == ["Thing.beside points to shipping", "House.above points to products"]


def reverse_names() -> dict[str, set[str]]:
    """Reverse accessors by name, with the apps whose foreign keys make them on a model of another app."""
    found: dict[str, set[str]] = {}
    for model in apps.get_models():
        for relation in model._meta.related_objects:
            owner, label = relation.related_model._meta.app_label, model._meta.app_label
            name = relation.get_accessor_name()
            if name and owner != label and {owner, label} <= FLOORS.keys():
                found.setdefault(name, set()).add(owner)
    return found


@pytest.mark.parametrize("app", FLOORS)
def test_nobody_reaches_up_through_a_reverse_accessor(app: str) -> None:
    """Nor across: what `products` hangs on an integration is not there for `shipping`."""
    others = {name for name, owners in reverse_names().items() if not any(may_know(app, owner) for owner in owners)}
    for path in modules(app):
        if "connectors" in path.parts:
            continue  # they know no model (see above); their `products` are the shop's
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in others:
                pytest.fail(f"{path}:{node.lineno} reaches up or across through .{node.attr}")


def conflicts(text: bytes) -> list[int]:
    """The numbers of the lines that a merge left behind."""
    marks = (b"<" * 7 + b" ", b">" * 7 + b" ")
    return [number for number, line in enumerate(text.splitlines(), 1) if line.startswith(marks)]


def ours() -> Iterator[Path]:
    """The files under version control; of a copy without its history, all but what is hidden or made."""
    if (ROOT / ".git").exists():
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
        return (ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file())
    made = ("var", "staticfiles")
    tops = (path for path in ROOT.iterdir() if path.name not in made and not path.name.startswith("."))
    return (path for top in tops for path in [top, *top.rglob("*")] if path.is_file())


def test_no_merge_is_left_half_done() -> None:
    texts = {str(path): path.read_bytes() for path in ours()}
    assert str(Path(__file__)) in texts
    assert {name: conflicts(text) for name, text in texts.items() if b"\0" not in text and conflicts(text)} == {}


def test_a_merge_left_half_done_would_be_seen() -> None:
    begin, end = "<" * 7, ">" * 7
    assert conflicts(f"a\n{begin} HEAD\nb\n=======\nc\n{end} other\n".encode()) == [2, 6]
    assert conflicts(f"{begin}\n >>>>>>> quoted\n{end}{end} x\n".encode()) == []


def test_the_given_top_level_stands() -> None:
    assert {path.name for path in ROOT.iterdir()} >= TOP_LEVEL | {"README.md"}


def test_what_runs_on_postgresql_is_there_under_that_name() -> None:
    """Else a file that was renamed would run there no more."""
    for folder, names in [*ON_POSTGRESQL.items(), *ON_BOTH.items()]:
        assert [name for name in names if not (ROOT / folder / name).exists()] == [], folder


def test_an_arrow_upward_would_be_seen(tmp_path: Path) -> None:
    module = tmp_path / "models.py"
    module.write_text("def later():\n    from orders.models import Order\n    return Order\n")
    assert imported_apps(module) == {"orders"}
