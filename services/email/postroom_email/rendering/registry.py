"""The templates there are, read once at start. A name is looked up here and never becomes a path.

A template is a set of files in one folder: `welcome.de.subject`, and `welcome.de.txt` or `welcome.de.mjml` (or
`.html`) or both. Files whose name begins with `_` are parts that MJML files include.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Final

import mrml

from postroom.wire.errors import ConfigurationError
from postroom_email.errors import UnknownTemplate
from postroom_email.rendering.sandbox import check_syntax

LAST_RESORT: Final = "en"
_FILE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9_-]*)\.(?P<locale>[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)\.(?P<part>subject|txt|mjml|html)"
)
_INCLUDED = re.compile(r"_.+\.mjml")


@dataclass(frozen=True, slots=True)
class Template:
    """One template in one language, as Jinja sources. `html` is what MJML became."""

    name: str
    locale: str
    subject: str
    text: str | None
    html: str | None
    is_shipped: bool


class Registry:
    """All templates by name and language.

    Args:
        templates: of one name, those given later replace those given earlier, in all languages.
        default_locale: taken when a mail's own language is not there; after it comes English.
    """

    def __init__(self, templates: Iterable[Template], default_locale: str = LAST_RESORT) -> None:
        self._templates: dict[str, dict[str, Template]] = {}
        self._default_locale = default_locale
        for template in templates:
            known = self._templates.setdefault(template.name, {})
            if any(other.is_shipped and not template.is_shipped for other in known.values()):
                known.clear()
            known[template.locale.lower()] = template

    @property
    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self._templates))

    def find(self, name: str, locale: str | None) -> Template:
        """The template in the nearest language. Raises UnknownTemplate with the names there are."""
        languages = self._templates.get(name)
        if languages is None:
            raise UnknownTemplate(f"template: there is no {name[:100]!r}; there are {', '.join(self.names)}")
        for wanted in _nearest(locale, self._default_locale):
            if wanted in languages:
                return languages[wanted]
        return languages[min(languages)]


def _nearest(*locales: str | None) -> Iterator[str]:
    for locale in (*locales, LAST_RESORT):
        parts = (locale or "").replace("_", "-").lower().split("-")
        for length in range(len(parts), 0, -1):
            yield "-".join(parts[:length])


def read_templates(folder: Traversable, *, is_shipped: bool) -> Iterator[Template]:
    """The templates in `folder`. Raises ConfigurationError naming the file that is wrong."""
    sources = _read(folder)
    parts_by_template: dict[tuple[str, str], dict[str, str]] = {}
    for file, source in sources.items():
        if match := _FILE.fullmatch(file):
            parts_by_template.setdefault((match["name"], match["locale"]), {})[match["part"]] = source
    included = {file: source for file, source in sources.items() if file.startswith("_")}
    for (name, locale), parts in sorted(parts_by_template.items()):
        yield _template(name, locale, parts, included, is_shipped)


def _read(folder: Traversable) -> dict[str, str]:
    """What belongs to templates; other files in the folder are ignored."""
    try:
        return {
            entry.name: entry.read_text("utf-8")
            for entry in folder.iterdir()
            if (_FILE.fullmatch(entry.name) or _INCLUDED.fullmatch(entry.name)) and entry.is_file()
        }
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"EMAIL_TEMPLATES_DIR: {folder} cannot be read ({error})") from None


def _template(
    name: str, locale: str, parts: Mapping[str, str], included: Mapping[str, str], is_shipped: bool
) -> Template:
    label = f"template {name}.{locale}"
    if "subject" not in parts or parts.keys().isdisjoint(("txt", "mjml", "html")):
        raise ConfigurationError(f"{label}: it needs a .subject file, and a .txt or .mjml file or both")
    if "mjml" in parts and "html" in parts:
        raise ConfigurationError(f"{label}: there is both a .mjml and a .html file; keep one")
    for part, source in parts.items():
        check_syntax(f"{name}.{locale}.{part}", source)
    html = lay_out(f"{name}.{locale}.mjml", parts["mjml"], included) if "mjml" in parts else parts.get("html")
    return Template(name, locale, parts["subject"].strip(), parts.get("txt"), html, is_shipped)


def lay_out(file: str, source: str, included: Mapping[str, str]) -> str:
    """MJML with Jinja in it as HTML with Jinja in it.

    The layout is made once, before values are filled in: values are never read as markup by the layout engine,
    and a mail costs no layout. Jinja blocks around whole sections stand in `<mj-raw>`.
    """
    options = mrml.ParserOptions(include_loader=mrml.memory_loader(dict(included)))
    try:
        return mrml.to_html(source, options).content
    except OSError as error:  # what mrml raises for any mistake in the markup
        raise ConfigurationError(f"{file}: not valid MJML ({error})") from None
