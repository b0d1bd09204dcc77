"""The sender of a text: a number, a short code, or a name."""

import re

from postroom_sms.errors import InvalidSender

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9 ]{0,9}[A-Za-z0-9])?")


def check_sender(field: str, sender: str) -> str:
    """`sender` as it is. Raises InvalidSender, which names `field` and does not repeat the value."""
    if any(shape.fullmatch(sender) for shape in (_NUMBER, _SHORT_CODE, _NAME)):
        return sender
    raise InvalidSender(
        f"{field}: use a number as +15550100123, a short code of 3 to 8 digits, or a name of 1 to 11 letters, digits "
        "and spaces with a letter in it"
    )
