"""No module or function of ours is long, and a class name means one thing in the whole house."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_MODULE = 300
LONGEST_FUNCTION = 50


@cache
def modules() -> dict[str, tuple[int, ast.Module]]:
    """The lines and the syntax of each module, by its path."""
    return {path: (text.count("\n"), ast.parse(text)) for path, text in texts_of("shared", "services").items()}


def texts_of(*folders: str) -> dict[str, str]:
    """What each module below these folders says, by its path."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(paths)}


def functions() -> Iterator[tuple[str, int]]:
    """Each function, as `path name`, and its lines."""
    for path, (_lines, tree) in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield f"{path} {node.name}", node.end_lineno - node.lineno + 1


def classes() -> dict[str, list[str]]:
    """The paths of the modules that have a class of that name."""
    found: dict[str, list[str]] = {}
    for path, (_lines, tree) in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(path)
    return found


def test_no_module_is_longer_than_300_lines() -> None:
    lines = {path: text.count("\n") for path, text in texts_of("shared", "services", "tests").items()}

    assert {path: count for path, count in lines.items() if count > LONGEST_MODULE} == {}
    assert any(path.startswith("tests/") for path in lines)


def test_no_function_is_longer_than_50_lines() -> None:
    assert {name: lines for name, lines in functions() if lines > LONGEST_FUNCTION} == {}


def test_no_two_classes_have_one_name() -> None:
    assert {name: paths for name, paths in classes().items() if len(paths) > 1} == {}


def test_the_linter_of_imports_knows_every_service() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    services = {f"postroom_{folder.name}" for folder in (ROOT / "services").iterdir() if folder.is_dir()}

    assert set(linter["root_packages"]) == services | {"postroom"}
    [independent] = [each["modules"] for each in linter["contracts"] if each["type"] == "independence"]
    [acyclic] = [each["ancestors"] for each in linter["contracts"] if each["type"] == "acyclic_siblings"]
    assert set(independent) == services
    assert set(acyclic) == services | {"postroom"}


@pytest.mark.parametrize("count", [len(modules()), len(classes())])
def test_there_is_something_to_look_at(count: int) -> None:
    assert count > 300
