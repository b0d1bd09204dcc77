"""Writes the files of a new service from those in template/, whose placeholders are `$name` and its like."""

import keyword
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from urllib.parse import unquote, urlsplit

import orjson

from postroom.installation import installed_services
from postroom.service import check_name
from postroom.wire.errors import ConfigurationError

SUFFIX = ".template"
"""Of the files in template/, so that no tool takes them for what they will be."""

_VERB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class NewService:
    """What is to be written.

    Attributes:
        name: of the service, as `thumbnails`.
        verb: of its first job: `make` for the kind `thumbnails.make`.
        package: what is imported; by default the name and `_service`, which hides no module of Python's own.
    """

    name: str
    verb: str = "make"
    package: str = ""

    def __post_init__(self) -> None:
        """Raises ConfigurationError for a name that cannot be one."""
        check_name(self.name)
        if not _VERB.fullmatch(self.verb):
            raise ConfigurationError(f"a job cannot be called {self.name}.{self.verb}: give a lower case verb")
        if self.package and (not self.package.isidentifier() or keyword.iskeyword(self.package)):
            raise ConfigurationError(f"{self.package!r} cannot be imported: give the name of a Python package")
        if self.name in {service.name for service in installed_services()}:
            raise ConfigurationError(f"a service {self.name} is installed already; choose another name")

    @property
    def import_name(self) -> str:
        """Its package."""
        return self.package or f"{_snake(self.name)}_service"

    def values(self, folder: Path) -> dict[str, str]:
        """What the placeholders stand for; `folder` is where the project will be."""
        verb, name = _snake(self.verb), _snake(self.name)
        return {
            "name": self.name,
            "package": self.import_name,
            "kind": f"{self.name}.{self.verb}",
            "job": _camel(self.verb) + _camel(self.name),
            "handler": f"{verb}_{name}",
            "settings": f"{_camel(self.name)}Settings",
            "prefix": f"{name.upper()}_",
            "table": name,
            "version": version("postroom"),
            "sources": _sources(folder),
        }


def write_service(new: NewService, folder: Path) -> list[Path]:
    """Write the project into `folder`, and return its files. Raises ConfigurationError where it is not empty."""
    if folder.is_dir() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder} is not empty; choose another --folder")
    values = new.values(folder.absolute())
    written: list[Path] = []
    try:
        for parts, template in _templates(files("postroom.operator.scaffold") / "template"):
            names = (new.import_name if part == "package" else part for part in parts)
            path = folder.joinpath(*names).with_suffix("")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template(template.read_text("utf-8")).substitute(values), encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise ConfigurationError(f"cannot write to {folder}: {error.strerror}; choose another --folder") from None
    return sorted(written)


def _templates(folder: Traversable, *above: str) -> Iterator[tuple[tuple[str, ...], Traversable]]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _templates(each, *above, each.name)
        elif each.name.endswith(SUFFIX):
            yield (*above, each.name), each


def _sources(folder: Path) -> str:
    """Where uv finds Postroom when no package index has it: the workspace around `folder`, or where ours is from."""
    if is_in_workspace(folder):
        return "\n[tool.uv.sources]\npostroom = { workspace = true }\n"
    checkout = _checkout()
    if checkout is None:
        return ""
    return (
        "\n# Postroom as it is installed here; without these lines it comes from the package index.\n"
        f'[tool.uv.sources]\npostroom = {{ path = "{checkout}", editable = true }}\n'
    )


def is_in_workspace(folder: Path) -> bool:
    """Whether an absolute path is within a repository of Postroom itself."""
    return any(_is_workspace(parent) for parent in folder.parents)


def _is_workspace(folder: Path) -> bool:
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return "workspace" in project.get("tool", {}).get("uv", {}) and (folder / "shared/postroom").is_dir()


def _checkout() -> str | None:
    """The folder that Postroom is installed from, where it is no copy."""
    direct = distribution("postroom").read_text("direct_url.json")
    origin = orjson.loads(direct) if direct else {}
    is_editable = origin.get("dir_info", {}).get("editable", False)
    return unquote(urlsplit(origin["url"]).path) if is_editable else None


def _snake(text: str) -> str:
    return text.replace("-", "_")


def _camel(text: str) -> str:
    return "".join(part.capitalize() for part in text.split("-"))
