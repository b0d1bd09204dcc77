"""Reads and checks the rules file. A file with a mistake is refused as a whole."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postroom.wire.errors import ConfigurationError
from postroom_alerting.rules.routes import INTERVAL, ChannelName, Escalation, Rule, RuleDuration, Rules

_FROM_ENVIRONMENT = "env:"
_LOG = "log"


class RulesFile(BaseModel):
    """The contents of a rules file.

    Attributes:
        channels: by name `env:VARIABLE`, the environment variable with the notification URL; or `log`.
        interval: the default time from one notification of an incident to the next.
        digest: the time from one digest on a channel to the next.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: dict[ChannelName, str] = Field(min_length=1)
    interval: RuleDuration | None = None
    digest: RuleDuration | None = None
    rules: list[Rule] = Field(default_factory=list)

    def to_rules(self, interval: timedelta = INTERVAL) -> Rules:
        """The rules; `interval` is used when the file has none."""
        usual = self.interval or interval
        return Rules(tuple(self.channels), usual, self.digest or usual, tuple(self.rules))


class BrokenRules(ConfigurationError):
    """A rules file cannot be used. The text has a line for each problem, with file and line."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """Line numbers in the file."""

    root: yaml.Node

    def of(self, path: tuple[int | str, ...]) -> int:
        """The line of the node at `path`, or of its nearest parent that exists."""
        node, line = self.root, self.root.start_mark.line + 1
        for step in path:
            found = self._step(node, step)
            if found is None:
                break
            node, line = found
        return line

    @staticmethod
    def _step(node: yaml.Node, step: int | str) -> tuple[yaml.Node, int] | None:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return node.value[step], node.value[step].start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return next(((value, key.start_mark.line + 1) for key, value in node.value if key.value == step), None)
        return None


def read_rules_file(path: Path) -> RulesFile:
    """Read and check a rules file. Raises BrokenRules."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        fields = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenRules(f"{path}: cannot be read: {error}") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise BrokenRules(f"{path}{f':{mark.line + 1}' if mark else ''}: no YAML: {_reason(error)}") from None
    if not isinstance(fields, dict) or not isinstance(root, yaml.MappingNode):
        raise BrokenRules(f"{path}:1: write `channels:` with a name and `env:VARIABLE` each, then `rules:` as a list")
    try:
        found = RulesFile.model_validate(fields)
    except ValidationError as error:
        raise BrokenRules("\n".join(_problems(path, error, _Lines(root)))) from None
    problems = _wrong_names(path, found, _Lines(root))
    if problems:
        raise BrokenRules("\n".join(problems))
    return found


def channel_urls(found: RulesFile, path: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The channels' URLs by name, from the environment. Raises BrokenRules when one is not set there."""
    urls = {name: _url(given, environment) for name, given in found.channels.items()}
    missing = [
        f"{path}: channel {name}: {found.channels[name].removeprefix(_FROM_ENVIRONMENT)} is not set in the environment"
        for name, url in urls.items()
        if not url
    ]
    if missing:
        raise BrokenRules("\n".join(missing))
    return urls


def _url(given: str, environment: Mapping[str, str]) -> str:
    return given if given == _LOG else environment.get(given.removeprefix(_FROM_ENVIRONMENT), "").strip()


def _problems(path: Path, error: ValidationError, lines: _Lines) -> list[str]:
    problems = []
    for each in error.errors(include_url=False, include_input=False):
        place = ".".join(str(step + 1 if isinstance(step, int) else step) for step in each["loc"])
        unknown = each["type"] == "extra_forbidden"
        what = f"there is no such field; there are {_fields_at(each['loc'])}" if unknown else _message(each)
        problems.append(f"{path}:{lines.of(each['loc'])}: {place}: {what}")
    return problems


def _message(problem: Any) -> str:
    return str(problem["msg"]).removeprefix("Value error, ")


def _fields_at(place: tuple[int | str, ...]) -> str:
    model: type[BaseModel] = RulesFile
    if place[:1] == ("rules",) and len(place) > 1:
        model = Escalation if "escalate" in place[:-1] else Rule
    return ", ".join(model.model_fields)


def _wrong_names(path: Path, found: RulesFile, lines: _Lines) -> list[str]:
    problems = [
        f"{path}:{lines.of(('channels', name))}: channels.{name}: write `{_FROM_ENVIRONMENT}VARIABLE` and put the URL "
        "into that variable, so that the file has no secret in it; or `log`"
        for name, given in found.channels.items()
        if given != _LOG and not (given.startswith(_FROM_ENVIRONMENT) and given != _FROM_ENVIRONMENT)
    ]
    known = ", ".join(found.channels)
    for number, rule in enumerate(found.rules):
        escalated = rule.escalate.to if rule.escalate else []
        problems += [
            f"{path}:{lines.of(('rules', number))}: rules.{number + 1}: there is no channel {name}; there are {known}"
            for name in dict.fromkeys([*rule.to, *escalated])
            if name not in found.channels
        ]
    return problems


def _reason(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error)
