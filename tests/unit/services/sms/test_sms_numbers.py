import pytest

from postroom.wire.errors import ConfigurationError
from postroom_sms.errors import InvalidNumber, InvalidSender
from postroom_sms.numbers import NumberReader
from postroom_sms.senders import check_sender


@pytest.mark.parametrize(
    "written", ["+4915112345678", "+49 151 1234 5678", "+49 (0)151/12345678", "tel:+49-151-12345678"]
)
def test_a_number_with_signs_in_it_is_normalised(written: str):
    assert NumberReader().read("to", written) == "+4915112345678"


def test_a_local_number_is_read_in_its_region():
    assert NumberReader("de").read("to", "0151 12345678") == "+4915112345678"
    assert NumberReader("GB").read("to", "+4915112345678") == "+4915112345678"


def test_a_local_number_without_a_region_says_what_to_do():
    with pytest.raises(InvalidNumber, match=r"^phone: 01•••••678 has no country code; .* SMS_REGION"):
        NumberReader().read("phone", "0151 12345678")


@pytest.mark.parametrize(
    "written", ["+4412", "+1555010012345678", "+4915112345678 ext 5", "hello you", "+999123456789"]
)
def test_what_is_no_number_is_refused_and_not_repeated(written: str):
    with pytest.raises(InvalidNumber, match=r"^to: ") as caught:
        NumberReader().read("to", written)

    assert written not in str(caught.value)


def test_strict_means_that_somebody_may_have_the_number():
    assert NumberReader().read("to", "+491511234567") == "+491511234567"
    with pytest.raises(InvalidNumber, match="not a phone number that exists"):
        NumberReader(strict=True).read("to", "+491511234567")


def test_a_region_that_is_none_is_told_at_the_start():
    with pytest.raises(ConfigurationError, match="SMS_REGION"):
        NumberReader("Germany")


@pytest.mark.parametrize("sender", ["+15550100123", "12345", "Shop", "A", "My Shop 24", "24h"])
def test_a_sender_is_a_number_a_short_code_or_a_name(sender: str):
    assert check_sender("sender", sender) == sender


@pytest.mark.parametrize(
    "sender", ["", "Shop of Ada Ltd", "Café", " Shop", "Shop ", "12", "123456789", "+0123456789", "a\nb"]
)
def test_another_sender_is_refused_and_not_repeated(sender: str):
    with pytest.raises(InvalidSender, match=r"^sender: use a number"):
        check_sender("sender", sender)
