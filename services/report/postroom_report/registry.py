"""Finds report types: a folder for each, with its `report.yaml` and what else it needs."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from postroom_report.definition import Definition, TypeName
from postroom_report.errors import BrokenReportType, UnknownReportType

FILE = "report.yaml"
_TYPE_NAME: TypeAdapter[str] = TypeAdapter(TypeName)


def shipped_types() -> Path:
    """The folder of the report types that come with Postroom."""
    return Path(str(files("postroom_report"))) / "reports"


class ReportTypes:
    """Report types by name. A definition is read when it is asked for, so that a changed one counts at once.

    Args:
        folders: of types; a name in an earlier one stands before the same name in a later one.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def names(self) -> list[str]:
        """All types there are, in alphabetical order."""
        found = {file.parent.name for folder in self._folders for file in folder.glob(f"*/{FILE}")}
        return sorted(name for name in found if _is_type_name(name))

    def find(self, name: str) -> tuple[Path, Definition]:
        """The type's folder and definition.

        Raises UnknownReportType, which lists those there are, or BrokenReportType, which names file, line and field.
        """
        if _is_type_name(name):
            for folder in self._folders:
                file = folder / name / FILE
                if file.is_file():
                    return file.parent, read_definition(file)
        raise UnknownReportType(f"type: there is no such report type; there are {', '.join(self.names()) or 'none'}")


def read_definition(file: Path) -> Definition:
    """The checked content of a `report.yaml`. Raises BrokenReportType."""
    try:
        text = file.read_text(encoding="utf-8")
        tree = yaml.compose(text, yaml.SafeLoader)
        return Definition.model_validate(yaml.safe_load(text) or {})
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BrokenReportType(f"{_short(file)}, line {line}: {error.problem}") from None
    except ValidationError as error:
        problems = (
            f"{_short(file)}, line {_line_of(tree, problem['loc'])}, {'.'.join(map(str, problem['loc'])) or 'file'}: "
            + problem["msg"].removeprefix("Value error, ")
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise BrokenReportType("; ".join(problems)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # no text, or a day such as 2026-13-45
        raise BrokenReportType(f"{_short(file)}: {error}") from None
    except OSError as error:
        raise BrokenReportType(f"{_short(file)}: {error.strerror}") from None


def _is_type_name(name: str) -> bool:
    try:
        _TYPE_NAME.validate_python(name)
    except ValidationError:
        return False
    return True


def _short(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def _line_of(node: Any, location: Sequence[int | str]) -> int:
    """The line of the innermost node on the way to `location`."""
    line = 1
    for step in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line
