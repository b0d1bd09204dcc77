"""The documents say what is: links, commands, settings, the wire."""

import ast
import importlib
import inspect
import pkgutil
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from typer.exceptions import Exit, TyperException

from postroom import wire
from postroom.installation import installed_services, workers
from postroom.operator.cli import app
from postroom.wire.messages import KINDS, Message
from tests.support.documents import ROOT, Document, command_lines, document, documents

README = document("README.md")
ARCHITECTURE = document("ARCHITECTURE.md")
WIRE = document("docs/wire.md")
SETTINGS = document("docs/settings.md")
JOB = document("docs/adding-a-job.md")

OF_THE_SYSTEM = {"PATH", "EDITOR", "VISUAL"}


@pytest.mark.parametrize("page", documents(), ids=str)
def test_every_link_between_documents_leads_somewhere(page: Document) -> None:
    broken = [target for target in page.links() if not _leads_somewhere(page, target)]

    assert broken == []


@pytest.mark.parametrize("page", [each for each in documents() if str(each) != str(JOB)], ids=str)
def test_every_source_file_that_is_named_is_there(page: Document) -> None:
    named = {text for text in page.inline() if re.fullmatch(r"(shared|services|tests|docs)/[\w/.-]+", text)}

    assert [text for text in sorted(named) if not (ROOT / text).exists()] == []


def test_commands_in_shell_blocks_are_complete() -> None:
    lines = [(page, line) for page, line in command_lines() if line.startswith("postroom ")]

    assert len(lines) > 10
    for page, line in lines:
        _parse(line, str(page))


def test_commands_in_the_text_exist() -> None:
    for page in documents():
        for code in page.inline():
            if re.match(r"postroom [a-z]", code) and not re.search(r"[|…]", code):
                _parse(code, str(page), may_lack_arguments=True)


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = [text for page in documents() for text in (*page.inline(), *page.blocks("sh"))]
    named = {target for text in code for target in re.findall(r"^make ([a-z0-9-]+)", text, re.MULTILINE)}

    assert {"demo", "test"} <= named
    assert named - targets == set()


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {row[0].strip("`"): row[1].strip("`") for row in _setting_rows()}
    known = dict(_settings_of_classes())

    read_elsewhere = set(_variables_read_directly()) - known.keys() - OF_THE_SYSTEM
    assert {name: documented.get(name) for name in known} == known
    assert documented.keys() - known.keys() == read_elsewhere


def test_every_setting_in_the_readme_is_one() -> None:
    named = {name for row in README.rows("## Settings") for name in re.findall(r"`([A-Z_]+)`", row[0])}

    assert named
    assert named - {row[0].strip("`") for row in _setting_rows()} == set()


def test_every_kind_is_on_the_wire_page_with_its_fields_and_who_does_it() -> None:
    rows = {row[0].strip("`"): row for heading in ("### Jobs", "### Events taken") for row in WIRE.rows(heading)}
    published = {row[0].strip("`"): row for row in WIRE.rows("### Events published")}

    assert rows.keys() | published.keys() == KINDS.keys()
    for kind, (_, _, fields) in (rows | published).items():
        assert _fields_in(fields) >= _fields_of(KINDS[kind]), kind
    readers = _readers()
    for kind, (_, who, _) in rows.items():
        assert re.split(r"[ :]", who)[0] == readers.get(kind, "nobody"), kind


def test_every_name_of_the_wire_is_on_its_page() -> None:
    internal = {wire.X_PROBE, wire.DELAY_DUE, wire.DEAD_SUFFIX}
    names = {value for name, value in vars(wire).items() if name.isupper() and isinstance(value, str)} - internal

    assert sorted(name for name in names if name not in re.findall(r"[\w./+-]+", WIRE.text)) == []


def test_lines_of_programs_in_the_readme_are_those_of_the_examples() -> None:
    examples = [path for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".js", ".go", ".java", ".php")]
    programs = [[line.strip() for line in path.read_text().splitlines()] for path in examples]
    blocks = README.blocks("python", "js", "go", "java", "php")

    assert len(blocks) >= len([path for path in examples if not path.stem.endswith("_app")])  # those are only linked
    for block in blocks:
        lines = [line.strip() for line in block.splitlines()]
        assert any(_follow_each_other(lines, program) for program in programs), block


def test_every_decision_is_in_the_list() -> None:
    index = document("docs/decisions/README.md")
    files = sorted(path.name for path in (ROOT / "docs/decisions").glob("0*.md"))

    assert index.links() == files
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))


def test_the_architecture_page_is_short_and_names_every_part() -> None:
    sources = (*ROOT.glob("shared/postroom/**/*.py"), *ROOT.glob("services/*/pyproject.toml"))
    folders = {path.parent.name for path in sources} - {"migrations", "versions", "postroom"}

    assert len(ARCHITECTURE.text.splitlines()) <= 150
    assert sorted(name for name in folders if f"{name}/" not in ARCHITECTURE.text) == []


def _leads_somewhere(page: Document, target: str) -> bool:
    if "://" in target:
        return True
    name, _, anchor = target.partition("#")
    path = (page.path.parent / name).resolve() if name else page.path
    return path.exists() and (not anchor or anchor in Document(path).anchors())


def _parse(line: str, where: str, *, may_lack_arguments: bool = False) -> None:
    arguments = shlex.split(line)[1:]
    command: Any = typer.main.get_command(app)
    context = command.make_context("postroom", [], resilient_parsing=True)
    try:
        while hasattr(command, "commands"):
            if not arguments and may_lack_arguments:
                return
            name, command, arguments = command.resolve_command(context, arguments)
        command.make_context(name, arguments, parent=context)
    except Exit:  # --help
        return
    except TyperException as error:
        if may_lack_arguments and type(error).__name__ == "MissingParameter":
            return
        pytest.fail(f"{where}: `{line}`: {error}")


def _setting_rows() -> list[list[str]]:
    return [row for heading in re.findall(r"^## .+$", SETTINGS.text, re.MULTILINE) for row in SETTINGS.rows(heading)]


def _settings_of_classes() -> Iterator[tuple[str, str]]:
    """Every variable that a settings class knows, with its default as the table has it."""
    packages = ["postroom", *(service.worker.partition(".")[0] for service in installed_services())]
    for package in map(importlib.import_module, packages):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith(("settings", "settings.__init__")):
                continue
            for model in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(model) and issubclass(model, BaseSettings) and model is not BaseSettings:
                    for name, field in model.model_fields.items():
                        yield f"{model.model_config['env_prefix']}{name}".upper(), _as_text(field.default)


def _as_text(default: Any) -> str:
    value = default.get_secret_value() if isinstance(default, SecretStr) else default
    return "none" if value in (None, "") else f"{value:g}" if isinstance(value, float) else str(value)


def _variables_read_directly() -> Iterator[str]:
    """Every variable that the programs get from an environment by its name."""
    sources = [path.read_text() for path in (*ROOT.glob("shared/**/*.py"), *ROOT.glob("services/**/*.py"))]
    return (
        node.args[0].value
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and re.fullmatch(r".*environ(ment)?\.get|(os\.)?getenv", ast.unparse(node.func))
        and isinstance(node.args[0], ast.Constant)
    )


def _readers() -> dict[str, str]:
    """Which service reads a kind."""
    return {
        each.model.kind: each.service
        for worker in workers()
        for each in worker.subscriptions.values()
        if each.model is not None
    }


def _fields_of(model: type[Message]) -> set[str]:
    """Field names as a publisher writes them; `?` behind those that may be left out."""
    names = set()
    for name, field in model.model_fields.items():
        wire_name = field.serialization_alias or field.alias or name
        is_choice = model.kind == "email.send" and name in ("subject", "body", "template")  # one or the other
        names.add(wire_name if field.is_required() or is_choice else f"{wire_name}?")
    return names


def _fields_in(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+\??)`", cell))


def _follow_each_other(lines: list[str], program: list[str]) -> bool:
    return any(program[start : start + len(lines)] == lines for start in range(len(program)))
