"""The dependency rule: an app imports only from floors below, foreign keys point the same way, nobody calls up."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from tests.everything import ELSEWHERE

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
                assert FLOORS[other] < FLOORS[app], f"{path} imports {other}, which is not below"


def test_the_sandbox_stands_apart() -> None:
    for path in modules(APART):
        assert imported_apps(path) <= {APART}, f"{path} imports an app of the portal"


def test_connectors_know_no_model() -> None:
    for path in (ROOT / "integrations" / "connectors").rglob("*.py"):
        text = path.read_text()
        assert "integrations.models" not in text, f"{path} knows a model"
        assert not re.search(r"from django\.db", text), f"{path} knows the database"


def test_foreign_keys_point_down() -> None:
    for model in apps.get_models():
        floor = FLOORS.get(model._meta.app_label)
        for field in model._meta.get_fields():
            target = getattr(field.remote_field, "model", None) if getattr(field, "remote_field", None) else None
            label = getattr(getattr(target, "_meta", None), "app_label", "")
            if floor is not None and label in FLOORS and getattr(field, "concrete", False):
                assert FLOORS[label] <= floor, f"{model.__name__}.{field.name} points up to {label}"


def reverse_names() -> dict[str, int]:
    """Reverse accessors by name, with the floor of the app whose foreign key makes them."""
    found: dict[str, int] = {}
    for model in apps.get_models():
        for relation in model._meta.related_objects:
            owner = FLOORS.get(relation.related_model._meta.app_label)
            name = relation.get_accessor_name()
            if owner is not None and name and FLOORS.get(model._meta.app_label, 9) < owner:
                found[name] = min(owner, found.get(name, 9))
    return found


@pytest.mark.parametrize("app", FLOORS)
def test_nobody_reaches_up_through_a_reverse_accessor(app: str) -> None:
    upward = {name: floor for name, floor in reverse_names().items() if floor > FLOORS[app]}
    for path in modules(app):
        if "connectors" in path.parts:
            continue  # they know no model (see above); their `products` are the shop's
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in upward:
                pytest.fail(f"{path}:{node.lineno} reaches up through .{node.attr}")


def test_the_given_top_level_stands() -> None:
    assert {path.name for path in ROOT.iterdir()} >= TOP_LEVEL | {"README.md"}


def test_what_is_left_out_on_postgresql_is_there_under_that_name() -> None:
    """Else a file that was renamed would be left out no more, and nobody would see why CI takes longer."""
    for folder, names in ELSEWHERE.items():
        assert [name for name in names if not (ROOT / folder / name).exists()] == [], folder


def test_an_arrow_upward_would_be_seen(tmp_path: Path) -> None:
    module = tmp_path / "models.py"
    module.write_text("def later():\n    from orders.models import Order\n    return Order\n")
    assert imported_apps(module) == {"orders"}
