"""Jinja as it is safe for templates of others: immutable sandbox, strict about what is missing, capped output."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError
from jinja2 import Template as Compiled
from jinja2.sandbox import ImmutableSandboxedEnvironment

from postroom.wire.errors import ConfigurationError
from postroom_email.rendering import MailContent

OUTPUT_LIMIT = 1_000_000  # characters of one part; mail programs cut a mail off long before
_WEB_URL = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)


class RenderingFailed(Exception):
    """A template could not be rendered. The text is the reason."""


def render(subject: str, text: str | None, html: str | None, context: Mapping[str, Any]) -> MailContent:
    """Fill in one template's parts. Raises RenderingFailed."""
    return MailContent(
        subject=_render(_compiled(subject, is_html=False), context).strip(),
        text=None if text is None else _render(_compiled(text, is_html=False), context),
        html=None if html is None else _render(_compiled(html, is_html=True), context),
    )


def check_syntax(file: str, source: str) -> None:
    """Raise ConfigurationError for a template that is not Jinja. Runs nothing of it, not even constant folding."""
    try:
        _TEXT.parse(source)
    except TemplateSyntaxError as error:
        raise ConfigurationError(f"{file}, line {error.lineno}: {error.message}") from None


def web_link(value: Any) -> str:
    """Filter `link`: an http(s) URL, and nothing else."""
    if not isinstance(value, str) or not _WEB_URL.fullmatch(value):
        raise RenderingFailed("a link must be an http(s) URL")
    return value


def moment(value: Any) -> str:
    """Filter `moment`: a time (RFC 3339) as `2026-12-24 18:00 UTC`, which every language reads the same."""
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise RenderingFailed("a moment must be an RFC 3339 time") from None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def grouped(value: Any) -> str:
    """Filter `grouped`: 12345 as `12 345`, with narrow spaces that do not break."""
    try:
        return f"{int(value):,}".replace(",", "\u202f")
    except (TypeError, ValueError):
        raise RenderingFailed("a grouped value must be a whole number") from None


def filesize(value: Any) -> str:
    """Filter `filesize`: bytes as `482 kB`. Whole numbers, as a fraction is written differently in each language."""
    try:
        size = float(value)
    except (TypeError, ValueError):
        raise RenderingFailed("a file size must be a number of bytes") from None
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.0f} GB"


def _environment(*, is_html: bool) -> ImmutableSandboxedEnvironment:
    # Without a loader there is no include, import or extends: a template is one source.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=is_html, trim_blocks=True, lstrip_blocks=True, cache_size=0
    )
    environment.filters |= {"link": web_link, "moment": moment, "grouped": grouped, "filesize": filesize}
    return environment


_TEXT = _environment(is_html=False)
_HTML = _environment(is_html=True)


@lru_cache(maxsize=256)
def _compiled(source: str, *, is_html: bool) -> Compiled:
    try:
        return (_HTML if is_html else _TEXT).from_string(source)
    except Exception as error:  # noqa: BLE001 - compiling folds constants: anything may happen
        raise RenderingFailed(_reason(error)) from None


def _render(template: Compiled, context: Mapping[str, Any]) -> str:
    try:
        return _capped(template.generate(context))
    except RenderingFailed:
        raise
    except Exception as error:  # noqa: BLE001 - a template is somebody's program
        raise RenderingFailed(_reason(error)) from None


def _capped(pieces: Iterable[str]) -> str:
    taken, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > OUTPUT_LIMIT:
            raise RenderingFailed(f"it makes more than {OUTPUT_LIMIT} characters")
        taken.append(piece)
    return "".join(taken)


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it needs too much memory"
    return f"{type(error).__name__}: {str(error)[:300]}"
