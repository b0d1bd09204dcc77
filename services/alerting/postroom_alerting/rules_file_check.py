"""Checks a rules file and its channels before they are used: `postroom alerts check`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from postroom.wire.errors import ConfigurationError
from postroom_alerting.notify.channels import open_named
from postroom_alerting.rules.rules_file import BrokenRules, channel_urls, read_rules_file


def check_rules_file(path: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """What is wrong with the file, and with the channels' URLs where the environment has them."""
    try:
        found = read_rules_file(path)
    except BrokenRules as error:
        return {"problems": str(error).splitlines(), "channels": [], "rules": 0, "unset": []}
    unset = [each.removeprefix("env:") for each in found.channels.values() if not _is_set(each, environment)]
    problems = []
    if not unset:
        try:
            open_named(channel_urls(found, path, environment), str(path))
        except ConfigurationError as error:
            problems = [str(error)]
    return {"problems": problems, "channels": list(found.channels), "rules": len(found.rules), "unset": unset}


def _is_set(given: str, environment: Mapping[str, str]) -> bool:
    return not given.startswith("env:") or bool(environment.get(given.removeprefix("env:"), "").strip())
