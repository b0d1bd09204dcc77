"""Removes number and content of a text from errors, which some providers repeat: errors go to logs and dead letters."""

import re
from collections.abc import Iterator

from postroom.privacy.masking import DOTS, mask_phone, mask_text
from postroom_sms.gateway import Text

_E164 = re.compile(r"\+[1-9]\d{6,14}")
_SHORTEST_SECRET = 3  # characters; less is in every sentence


def keep_private(error: BaseException, text: Text, secret: str | None = None) -> None:
    """Take number, content and `secret` out of what `error`, and what led to it, say."""
    for each in _chain(error):
        each.args = tuple(
            hide(argument, text, secret) if isinstance(argument, str) else argument for argument in each.args
        )


def hide(words: str, text: Text, secret: str | None = None) -> str:
    """`words` with the number masked, and without the content."""
    for private in (text.content, secret or ""):
        if len(private) >= _SHORTEST_SECRET:
            words = words.replace(private, DOTS)
    masked = mask_phone(text.to)
    words = _E164.sub(lambda number: mask_phone(number[0]), words)
    return mask_text(words.replace(text.to, masked).replace(text.to.removeprefix("+"), masked))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
