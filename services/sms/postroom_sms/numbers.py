"""Phone numbers as they are written, and as they are sent to: E.164."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from postroom.privacy.masking import mask_phone
from postroom.wire.errors import ConfigurationError
from postroom_sms.errors import InvalidNumber


class NumberReader:
    """Reads phone numbers.

    Args:
        region: whose local format is taken too: `DE` reads `0151 1234567`. Absent: international numbers only.
        strict: refuse what no numbering plan has given out as far as the library's tables know. Without it the
            country code and the length must be possible: new ranges come faster than the tables do, and the
            provider knows better.
    """

    def __init__(self, region: str | None = None, *, strict: bool = False) -> None:
        if region is not None and region.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise ConfigurationError("SMS_REGION: not a country; use its two letters of ISO 3166, as in DE")
        self._region = region.upper() if region else None
        self._is_good = phonenumbers.is_valid_number if strict else phonenumbers.is_possible_number

    def read(self, field: str, written: str) -> str:
        """The number in E.164, `+491511234567`. Raises InvalidNumber, which names `field` and masks the number."""
        try:
            number = phonenumbers.parse(written, self._region)
        except NumberParseException as error:
            raise InvalidNumber(f"{field}: {mask_phone(written)} {self._reason(error)}") from None
        if number.extension or not self._is_good(number):
            raise InvalidNumber(f"{field}: {mask_phone(written)} is not a phone number that exists")
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)

    def _reason(self, error: NumberParseException) -> str:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and self._region is None:
            return "has no country code; write it as +491511234567, or set SMS_REGION for local numbers"
        return "is not a phone number"
