"""Mails from templates. This module is the port; the implementation is beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class MailContent:
    """What a person reads: a subject, and text or HTML or both saying the same."""

    subject: str
    text: str | None
    html: str | None = None


class ContentRenderer(Protocol):
    """Makes the content of a mail from a template's name."""

    async def render(self, template: str, locale: str | None, context: Mapping[str, Any]) -> MailContent:
        """The template in the nearest language there is, filled with `context`.

        Raises UnknownTemplate, and TemplateFailed with the reason, within about a second.
        """
