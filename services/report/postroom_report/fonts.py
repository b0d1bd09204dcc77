"""Which fonts a PDF may use, and which characters none of them has.

Typst brings fonts for Latin, Greek and Cyrillic; the others come from the system or from a folder of the operator's.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import typst

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands for each character that cannot be shown."""

_FIRST = ("Noto Sans", "DejaVu Sans", "Liberation Sans", "Libertinus Serif")
_SCRIPTS = tuple(f"Noto Sans {script}" for script in ("Arabic", "Hebrew", "Devanagari", "Thai"))
_HAN = {"ja": "JP", "ko": "KR", "zh_Hant": "TC", "zh_TW": "TC", "zh_HK": "HK"}
_LAST = ("Noto Color Emoji", "Noto Sans Symbols", "Noto Sans Symbols2", "Noto Sans Math")
_MISSING = re.compile(r"the text `(\".*?\")` could not be displayed")
_ESCAPE = re.compile(r"\\u\{([0-9a-f]+)\}")
_PROBED_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class FontChoice:
    """Fonts to compile with: `loaded` for Typst, `families` in the order in which they are asked for a character."""

    loaded: typst.Fonts
    families: tuple[str, ...]


def choose_fonts(folder: Path | None, locale: str) -> FontChoice:
    """The fonts of the system, of Typst and of `folder`, in an order that suits `locale`.

    Han characters look different in Chinese, Japanese and Korean, so the locale decides whose come first. Where no
    family named here has a character, Typst takes any font that does.
    """
    loaded, families = _load(folder)
    han = next((style for start, style in _HAN.items() if locale.startswith(start)), "SC")
    # One for letters and digits before the emoji, which have digits too; the rest after, which have black emoji.
    first, *rest = (family for family in _FIRST if family in families)
    wanted = (first, *_SCRIPTS, f"Noto Sans CJK {han}", f"Noto Sans {han}", *_LAST, *rest)
    return FontChoice(loaded, tuple(family for family in wanted if family in families))


def not_shown(characters: Iterable[str], fonts: FontChoice) -> set[str]:
    """Those of `characters` that a PDF cannot show: no font has them, or they mean something in one font only."""
    missing = {character for character in characters if unicodedata.category(character) in ("Cc", "Cs", "Co")}
    candidates = sorted(set(characters) - missing - {" "})
    for start in range(0, len(candidates), _PROBED_AT_ONCE):
        missing |= _not_in_fonts(candidates[start : start + _PROBED_AT_ONCE], fonts)
    return missing - {"\n"}


@lru_cache(maxsize=4)
def _load(folder: Path | None) -> tuple[typst.Fonts, frozenset[str]]:
    loaded = typst.Fonts(font_paths=[folder] if folder else [])
    return loaded, frozenset(loaded.families())


def _not_in_fonts(characters: Sequence[str], fonts: FontChoice) -> set[str]:
    """Typst says so itself, when it is asked for PDF/A, in which every character must have a glyph."""
    missing: set[str] = set()
    while left := [character for character in characters if character not in missing]:
        found = set(_complaints(left, fonts)) & set(left)
        if not found:
            break
        missing |= found
    return missing


def _complaints(characters: Sequence[str], fonts: FontChoice) -> str:
    # Each on a line of its own, so that the fonts are looked up for each, and not for a run of them.
    source = "\n#linebreak()\n".join(f"#{_quoted(character)}" for character in characters)
    families = ", ".join(_quoted(family) for family in fonts.families)
    head = f"#set page(width: 10cm, height: auto)\n#set text(font: ({families},))\n"
    try:
        typst.compile(
            (head + source).encode(),
            font_paths=fonts.loaded,
            ignore_system_fonts=True,
            pdf_standards="a-2b",
            timestamp=0,
        )
    except typst.TypstError as error:
        texts = _MISSING.findall(f"{error.message}\n{error.diagnostic}")
        return "".join(_ESCAPE.sub(lambda code: chr(int(code[1], 16)), text[1:-1]) for text in texts)
    return ""


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\u{{{ord(character):x}}}" for character in text) + '"'
