"""The sources that are known by name, and the secret headers that they may be sent."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from postroom.wire.errors import ConfigurationError, InvalidMessage
from postroom.wire.messages import SyncSource, describe_problems
from postroom_webhook.errors import UnknownSecret, UnknownSource
from postroom_webhook.headers import check_headers
from postroom_webhook.urls import HttpTarget, parse_target


class HeaderSecrets:
    """Values of headers by name, each for one origin: a job cannot have them sent to a host of its own.

    Args:
        text: `name@https://host=value`, comma-separated. Raises ConfigurationError, without showing a value.
    """

    def __init__(self, text: str = "") -> None:
        self._values: dict[str, tuple[tuple[str, str, int], str]] = {}
        entries = filter(None, (entry.strip() for entry in text.split(",")))
        for position, entry in enumerate(entries, start=1):
            place, _, value = entry.partition("=")
            name, _, origin = place.partition("@")
            try:
                check_headers({"X-Secret": value})
                self._values[name.strip()] = parse_target(origin.strip()).origin, value
            except InvalidMessage:
                value = ""
            if not name.strip() or not value:
                raise ConfigurationError(f"WEBHOOK_SYNC_SECRETS: entry {position} is not name@https://host=value")

    def value(self, name: str, target: HttpTarget) -> str:
        """The value of `name`. Raises UnknownSecret when there is none, or not for this target."""
        origin, value = self._values.get(name, (None, ""))
        if origin != target.origin:
            raise UnknownSecret(
                f"secret_headers: WEBHOOK_SYNC_SECRETS has no {name[:100]!r} for {target.url.scheme}://{target.place}"
            )
        return value


class Sources:
    """Completes what a job asks for.

    Args:
        described: sources of WEBHOOK_SYNC_FILE by name.
        secrets: for their `secret_headers`.
    """

    def __init__(self, described: Mapping[str, SyncSource], secrets: HeaderSecrets) -> None:
        self._described = described
        self._secrets = secrets
        for name, source in described.items():
            try:
                self.headers(source, self.target(source))
            except InvalidMessage as error:
                raise ConfigurationError(f"WEBHOOK_SYNC_FILE: {name}: {error}") from None

    def find(self, job: SyncSource) -> SyncSource:
        """The whole description. Raises UnknownSource."""
        described = self._described.get(job.name)
        if described is None and job.url is None:
            raise UnknownSource(f"name: WEBHOOK_SYNC_FILE describes no source {job.name!r}, and the job has no url")
        if described is not None and job.model_fields_set != {"name"}:
            raise UnknownSource(f"name: {job.name!r} is described in WEBHOOK_SYNC_FILE; send the name alone")
        return described or job

    def target(self, source: SyncSource, url: str | None = None) -> HttpTarget:
        """Where a page is fetched. Raises InvalidUrl."""
        return parse_target(url or source.url or "")

    def headers(self, source: SyncSource, target: HttpTarget) -> dict[str, str]:
        """The headers with which it is fetched. Raises HeaderNotAllowed or UnknownSecret."""
        check_headers(source.headers)
        secret = {name: self._secrets.value(known_as, target) for name, known_as in source.secret_headers.items()}
        check_headers(secret, "secret_headers")
        return {**source.headers, **secret}


def read_sources(path: Path | None) -> dict[str, SyncSource]:
    """The sources of WEBHOOK_SYNC_FILE. Raises ConfigurationError naming source, field and reason."""
    if path is None:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"WEBHOOK_SYNC_FILE: {path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not all(isinstance(each, dict) for each in content.values()):
        raise ConfigurationError(f"WEBHOOK_SYNC_FILE: {path}: write `name:` and below it `url: https://…`")
    return {str(name): _source(str(name), fields) for name, fields in content.items()}


def _source(name: str, fields: dict[Any, Any]) -> SyncSource:
    try:
        source = SyncSource.model_validate({**{str(key): value for key, value in fields.items()}, "name": name})
    except ValidationError as error:
        raise ConfigurationError(f"WEBHOOK_SYNC_FILE: {name}: {describe_problems(error)}") from None
    if source.url is None:
        raise ConfigurationError(f"WEBHOOK_SYNC_FILE: {name}: url: it is missing")
    if source.model_extra:
        raise ConfigurationError(f"WEBHOOK_SYNC_FILE: {name}: there is no field {', '.join(source.model_extra)}")
    return source
