"""The renderer: shipped templates at once, those of others in a process of their own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from postroom_email.errors import TemplateFailed
from postroom_email.rendering import MailContent
from postroom_email.rendering.processes import TemplateProcesses
from postroom_email.rendering.registry import Registry, read_templates
from postroom_email.rendering.sandbox import RenderingFailed, render


class TemplateRenderer:
    """Renders by name.

    Args:
        registry: the templates there are.
        processes: processes for templates that are not shipped.
        always: values every template may use; a mail's own come before them.
    """

    def __init__(self, registry: Registry, processes: TemplateProcesses, always: Mapping[str, Any]) -> None:
        self._registry = registry
        self._processes = processes
        self._always = always

    async def render(self, template: str, locale: str | None, context: Mapping[str, Any]) -> MailContent:
        """See Renderer."""
        found = self._registry.find(template, locale)
        values = {**self._always, **context}
        try:
            if found.is_shipped:  # known not to loop, and quick
                return render(found.subject, found.text, found.html, values)
            return await self._processes.render(found, values)
        except RenderingFailed as error:
            raise TemplateFailed(f"template {found.name} ({found.locale}): {error}") from None


@asynccontextmanager
async def template_renderer(
    own: Path | None, default_locale: str, always: Mapping[str, Any]
) -> AsyncIterator[TemplateRenderer]:
    """A renderer of the shipped templates and those in the folder `own`, where each name found replaces ours."""
    templates = list(read_templates(files("postroom_email") / "templates", is_shipped=True))
    if own is not None:
        templates += read_templates(own, is_shipped=False)
    processes = TemplateProcesses()
    try:
        yield TemplateRenderer(Registry(templates, default_locale), processes, always)
    finally:
        await processes.close()
