"""Estimates the width of text, rather too wide than too narrow, and where words too long for a line may break.

Widths are in ems: multiples of the font's size.
"""

import re
import unicodedata
from functools import lru_cache

LONGEST_WORD_EMS = 11.0
"""A longer word may break anywhere, so that it needs no wider column."""

_PIECE = 4  # characters between two places where a long word may break
_BREAKS_BY_ITSELF = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")  # Thai, Lao, Burmese, Khmer: by dictionary
_NARROW = frozenset("iIjl.,:;'|!()[]{}/\\ `\u00a0\u202f\u2009")
_WIDE = frozenset("mwMW@%—…")
_WORD = re.compile(r"\S+")
_Text = str | list[str]


class _Widths(dict[str, float]):
    def __missing__(self, character: str) -> float:
        width = self[character] = _width_of(character)
        return width


def _width_of(character: str) -> float:
    if character in _NARROW:
        return 0.36
    if character in _WIDE:
        return 0.96
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.3 if ord(character) > 0x1F000 else 1.0
    return 0.7 if character.isupper() else 0.61


_WIDTHS = _Widths()


@lru_cache(maxsize=4096)
def text_width(text: str) -> float:
    """Of the longest line of `text`, in ems."""
    return max((sum(map(_WIDTHS.__getitem__, line)) for line in text.split("\n")), default=0.0)


@lru_cache(maxsize=4096)
def word_width(text: str) -> float:
    """Of the longest part of `text` that stays on one line, in ems; at most LONGEST_WORD_EMS."""
    return min(max((_unbroken(word) for word in _WORD.findall(text)), default=0.0), LONGEST_WORD_EMS)


@lru_cache(maxsize=4096)
def breakable(text: str) -> str | list[str]:
    """`text`, or its pieces where a word in it is too long for a line."""
    if text_width(text) <= LONGEST_WORD_EMS:
        return text
    pieces: list[str] = []
    end = 0
    for word in _WORD.finditer(text):
        if _unbroken(word[0]) > LONGEST_WORD_EMS:
            pieces += [text[end : word.start()], *_pieces(word[0])]
            end = word.end()
    return [piece for piece in (*pieces, text[end:]) if piece] if pieces else text


def directed(given: _Text, text: str, *, is_rtl: bool) -> _Text | dict[str, _Text | str]:
    """`given`, made of `text`, with its direction where its first strong letter is not of the document's."""
    if not is_rtl and text.isascii():
        return given
    for character in text:
        direction = unicodedata.bidirectional(character)
        if direction in ("L", "R", "AL"):
            return (
                given if is_rtl == (direction != "L") else {"dir": "ltr" if direction == "L" else "rtl", "text": given}
            )
    return given


def shortened(text: str, ems: float) -> str:
    """The beginning of `text` that fits one line of this width."""
    line = " ".join(text.split())
    if text_width(line) <= ems:
        return line
    return next(line[:end] for end in range(len(line), -1, -1) if text_width(line[:end]) <= ems - 1) + "…"


def _unbroken(word: str) -> float:
    widest = line = 0.0
    for character in word:
        width = _WIDTHS[character]
        can_break = unicodedata.east_asian_width(character) in "WF" or _BREAKS_BY_ITSELF.match(character)
        line = width if can_break else line + width
        widest = max(widest, line)
    return widest


def _pieces(word: str) -> list[str]:
    pieces = [""]
    for character in word:
        belongs = unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf", "Sk") or pieces[-1].endswith("\u200d")
        if len(pieces[-1]) >= _PIECE and not belongs:
            pieces.append("")
        pieces[-1] += character
    return pieces
