"""What every gateway keeps, run against the fake and, on loopback, real far sides."""

import logging

import pytest

from postroom.wire.errors import JobError
from postroom_sms.errors import (
    GatewayAnswerLost,
    GatewayThrottled,
    GatewayUnavailable,
    NumberRefused,
    RecipientOptedOut,
    TextRefused,
)
from postroom_sms.gateway import Text
from tests.support.sms_conformance import CANARY, SETUPS, Setup
from tests.support.sms_providers import Trouble

ADA = "+4915112345123"
TEXT = Text(ADA, "The parcel is at the neighbour's", "job-1", sender="Acme")
LONG = "Größe {42} kostet 3 € na-ïve ☃ 日本語 😀. " * 12


@pytest.fixture(params=SETUPS, ids=[make.__name__.strip("_") for make in SETUPS])
async def setup(request: pytest.FixtureRequest):
    async with request.param() as made:
        yield made


async def test_a_text_is_accepted_with_the_providers_ids(setup: Setup):
    accepted = await setup.gateway.deliver(TEXT)

    assert accepted.gateway == setup.gateway.name
    assert len(accepted.provider_ids) == 1
    [taken] = setup.taken()
    assert (taken.to, taken.content, taken.sender) == (ADA, TEXT.content, "Acme")
    if setup.carries_references:
        assert taken.reference == "job-1"


async def test_two_texts_have_two_ids(setup: Setup):
    first, second = await setup.gateway.deliver(TEXT), await setup.gateway.deliver(TEXT)

    assert first.provider_ids != second.provider_ids


@pytest.mark.parametrize("content", ["{[~]} 3 € ÄÖÜ\nñ", "日本語 😀", LONG, "a" * 459 + "€"])
async def test_any_text_arrives_whole(setup: Setup, content: str):
    await setup.gateway.deliver(Text(ADA, content, "job-2"))

    assert [taken.content for taken in setup.taken()] == [content]


async def test_a_throttled_text_carries_how_long_to_wait(setup: Setup):
    setup.play(Trouble.THROTTLES)

    with pytest.raises(GatewayThrottled) as raised:
        await setup.gateway.deliver(TEXT)

    assert raised.value.retry_after == setup.throttled_for


async def test_a_refusal_is_final(setup: Setup):
    setup.play(Trouble.REFUSES)

    with pytest.raises((TextRefused, NumberRefused)):
        await setup.gateway.deliver(TEXT)


async def test_who_opted_out_is_told_apart(setup: Setup):
    setup.play(Trouble.OPTED_OUT)

    with pytest.raises(RecipientOptedOut):
        await setup.gateway.deliver(TEXT)


@pytest.mark.parametrize("trouble", [Trouble.SILENT, Trouble.RESETS, Trouble.GARBLES])
async def test_a_request_without_a_readable_answer_is_a_lost_answer(setup: Setup, trouble: Trouble):
    setup.play(trouble)

    with pytest.raises(GatewayAnswerLost):
        await setup.gateway.deliver(TEXT)


async def test_a_refused_connection_means_that_nothing_was_sent(setup: Setup):
    await setup.gateway.deliver(TEXT)
    await setup.go_away()

    with pytest.raises(GatewayUnavailable):
        await setup.gateway.deliver(TEXT)


@pytest.mark.parametrize("trouble", [trouble for trouble in Trouble if trouble not in {Trouble.AWAY, Trouble.STREAMS}])
async def test_no_error_or_log_repeats_a_secret_a_number_or_a_text(
    setup: Setup, trouble: Trouble, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    setup.play(trouble)

    with pytest.raises(JobError) as raised:
        await setup.gateway.deliver(TEXT)

    said = f"{raised.value}\n{raised.value.__cause__}\n{_logged(caplog)}"
    for private in (CANARY, ADA.lstrip("+"), TEXT.content):
        assert private not in said
    assert str(raised.value)


async def test_a_gateway_goes_on_after_each_trouble(setup: Setup):
    for trouble in (Trouble.SILENT, Trouble.RESETS, Trouble.GARBLES):
        setup.play(trouble)
        with pytest.raises(GatewayAnswerLost):
            await setup.gateway.deliver(TEXT)
        setup.play(None)
        await setup.gateway.deliver(TEXT)

    assert len(setup.taken()) == 3


def _logged(caplog: pytest.LogCaptureFixture) -> str:
    ours = ("postroom_sms", "httpx", "postroom")  # what a service writes at its level; a library's bytes are its own
    return "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(ours))
