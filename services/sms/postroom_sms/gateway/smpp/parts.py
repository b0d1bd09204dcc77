"""A text as the parts that submit_sm carries: their octets, and the header that joins them on the phone."""

import itertools
import random
from collections import OrderedDict
from dataclasses import dataclass

from aiosmpplib.codec import GSM7BitCodec

from postroom_sms.segments import split

REMEMBERED = 10_000
UDH_INDICATOR = 0b01000000


@dataclass(frozen=True, slots=True)
class SmsPart:
    """What one submit_sm carries. `encoding` is aiosmpplib's name of the data coding; None is the server's default,
    the GSM alphabet, one octet for each character."""

    octets: bytes
    encoding: str | None
    esm_class: int = 0


def split_parts(content: str, reference_number: int) -> list[SmsPart]:
    """The parts, in order. All of a long text carry `reference_number` (0 to 255)."""
    segments = split(content)
    encoding = None if segments.encoding == "GSM-7" else "ucs2"
    octets = [_encode(part, encoding) for part in segments.parts]
    if len(octets) == 1:
        return [SmsPart(octets[0], encoding)]
    # 3GPP TS 23.040, 9.2.3.24.1: five more octets; element 0, three long: reference, how many parts, which one.
    headers = (bytes((5, 0, 3, reference_number, len(octets), place)) for place in itertools.count(1))
    return [SmsPart(header + part, encoding, UDH_INDICATOR) for header, part in zip(headers, octets, strict=False)]


def _encode(part: str, encoding: str | None) -> bytes:
    if encoding:
        return part.encode("utf-16-be")
    octets: bytes = GSM7BitCodec.get_codec_info().encode(part)[0]
    return octets


class ReferenceNumbers:
    """Numbers that join the parts of long texts: each text has the next, and its retries have the same.

    So a phone neither mixes two texts that come together nor takes the second try's parts for another text. They
    begin anywhere, so that two processes seldom use the same at the same time.
    """

    def __init__(self) -> None:
        self._next = itertools.count(random.randrange(256))  # noqa: S311 - no secret
        self._given: OrderedDict[str, int] = OrderedDict()

    def number_of(self, reference: str) -> int:
        """The number of the text with this reference."""
        number = self._given.pop(reference, None)
        if number is None:
            number = next(self._next) % 256
        self._given[reference] = number
        while len(self._given) > REMEMBERED:
            self._given.popitem(last=False)
        return number
