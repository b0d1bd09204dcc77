"""How many parts a text takes on its way: 160 characters of the GSM alphabet in one, 70 of any other.

From 3GPP TS 23.038 (alphabets) and TS 23.040 (parts: six octets of each go to the header that joins them).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Encoding = Literal["GSM-7", "UCS-2"]

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
"""Each of them takes two places: an escape and itself."""

_ROOM = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""Places in a text of one part, and in each part of a longer one."""


@dataclass(frozen=True, slots=True)
class Segments:
    """A text as it travels. `parts` joined are the text."""

    encoding: Encoding
    parts: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many texts the provider bills."""
        return len(self.parts)


def split(text: str) -> Segments:
    """The parts of a text. None of them ends within a character: an escape or a surrogate pair is not torn apart."""
    encoding: Encoding = "GSM-7" if _BASIC.union(_EXTENSION).issuperset(text) else "UCS-2"
    alone, joined = _ROOM[encoding]
    if sum(places(character, encoding) for character in text) <= alone:
        return Segments(encoding, (text,))
    return Segments(encoding, tuple(_parts(text, encoding, joined)))


def places(character: str, encoding: Encoding) -> int:
    """How much room a character takes: septets in GSM-7, 16-bit units in UCS-2."""
    if encoding == "GSM-7":
        return 2 if character in _EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1


def _parts(text: str, encoding: Encoding, room: int) -> Iterator[str]:
    start = used = 0
    for position, character in enumerate(text):
        needed = places(character, encoding)
        if used + needed > room:
            yield text[start:position]
            start, used = position, 0
        used += needed
    yield text[start:]
