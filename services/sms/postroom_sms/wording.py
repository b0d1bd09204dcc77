"""The content of a text with a one-time code."""

import re

from postroom.wire.errors import ConfigurationError
from postroom_sms.segments import split

PLACEHOLDER = "{code}"
_LONGEST_CODE = 32  # characters; the start-up check leaves room for so many


class CodeWording:
    """The wording of SMS_OTP_TEXT.

    Args:
        wording: has `{code}` in it, once or more, and no other braces.
        max_segments: what a text may take. Raises ConfigurationError when the wording cannot be sent.
    """

    def __init__(self, wording: str, max_segments: int) -> None:
        if PLACEHOLDER not in wording or re.search(r"[{}]", wording.replace(PLACEHOLDER, "")):
            raise ConfigurationError("SMS_OTP_TEXT: write {code} where the code stands, and no other braces")
        self._wording = wording
        count = split(self.with_code("0" * _LONGEST_CODE)).count
        if count > max_segments:
            raise ConfigurationError(f"SMS_OTP_TEXT: takes {count} parts, SMS_MAX_SEGMENTS allows {max_segments}")

    def with_code(self, code: str) -> str:
        """The text for one code."""
        return self._wording.replace(PLACEHOLDER, code)
