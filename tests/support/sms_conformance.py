"""The gateways of the conformance suite, each with a far side that can be told how to behave."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from postroom_sms.errors import (
    GatewayAnswerLost,
    GatewayThrottled,
    GatewayUnavailable,
    RecipientOptedOut,
    TextRefused,
)
from postroom_sms.gateway import Gateway
from postroom_sms.gateway.http import open_http
from postroom_sms.gateway.http_api import HttpApi
from postroom_sms.gateway.smpp import open_smpp
from postroom_sms.gateway.sns import open_sns
from postroom_sms.gateway.twilio import open_twilio
from postroom_sms.gateway_url import parse_gateways
from tests.support.patience import patience
from tests.support.sms_gateways import RecordingGateway
from tests.support.sms_providers import (
    CANARY,
    SID,
    Provider,
    Scripted,
    Taken,
    Trouble,
    in_front_of,
    moto_server,
    plain_stand_in,
    serving,
    twilio_stand_in,
)
from tests.support.sms_smsc import smsc_running

ANSWERS_WITHIN = timedelta(seconds=2)
"""Waited for in full where the far side is silent; stretched by patience, as good answers have to come within it."""
SEVEN = timedelta(seconds=7)


@dataclass
class Setup:
    """A gateway, and how the far side is told to behave: `play(None)` is good again."""

    gateway: Gateway
    taken: Callable[[], list[Taken]]
    play: Callable[[Trouble | None], None]
    go_away: Callable[[], Awaitable[object]]
    throttled_for: timedelta = SEVEN
    carries_references: bool = False


@asynccontextmanager
async def fake() -> AsyncIterator[Setup]:
    gateway = RecordingGateway()
    lost = GatewayAnswerLost("told to")
    errors: Mapping[Trouble | None, Exception | None] = {
        Trouble.THROTTLES: GatewayThrottled("told to", retry_after=SEVEN),
        Trouble.REFUSES: TextRefused("told to"),
        Trouble.OPTED_OUT: RecipientOptedOut("told to"),
        **dict.fromkeys((Trouble.SILENT, Trouble.RESETS, Trouble.GARBLES), lost),
    }

    async def go_away() -> None:
        gateway.always = GatewayUnavailable("told to")

    yield Setup(
        gateway,
        taken=lambda: [Taken(t.to, t.content, t.sender, t.reference) for t in gateway.texts],
        play=lambda trouble: setattr(gateway, "always", errors.get(trouble)),
        go_away=go_away,
        carries_references=True,
    )


@asynccontextmanager
async def twilio() -> AsyncIterator[Setup]:
    provider = twilio_stand_in()
    answers: Mapping[Trouble, Scripted] = {
        Trouble.THROTTLES: (429, {"Retry-After": "7"}, {"code": 20429, "message": "Too Many Requests"}),
        Trouble.REFUSES: (400, {}, {"code": 21211, "message": "The 'To' number +4915112345123 is not valid."}),
        Trouble.OPTED_OUT: (400, {}, {"code": 21610, "message": "Attempt to send to unsubscribed recipient"}),
    }
    async with serving(provider) as stop:
        [url] = parse_gateways(f"twilio://{SID}:{CANARY}@/?from=+15550100&api_base={provider.url}")
        async with open_twilio(url, patience(ANSWERS_WITHIN)) as gateway:
            yield _http_setup(gateway, provider, answers, stop)


@asynccontextmanager
async def sns() -> AsyncIterator[Setup]:
    answers: Mapping[Trouble, Scripted] = {
        Trouble.THROTTLES: (400, {"Retry-After": "7"}, _sns_error("Throttling", "Rate exceeded")),
        Trouble.REFUSES: (400, {}, _sns_error("InvalidParameter", "PhoneNumber +4915112345123 is not valid")),
        Trouble.OPTED_OUT: (403, {}, _sns_error("OptedOut", "This phone number is opted out")),
    }
    async with moto_server() as moto:
        provider = in_front_of(moto)
        async with serving(provider) as stop:
            [url] = parse_gateways(f"sns://AKIDEXAMPLE:{CANARY}@eu-central-1?api_base={provider.url}")
            async with open_sns(url, patience(ANSWERS_WITHIN)) as gateway:
                yield _http_setup(gateway, provider, answers, stop)


def _sns_error(code: str, words: str) -> str:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{words}</Message></Error>"
    return f"<ErrorResponse>{error}</ErrorResponse>"


@asynccontextmanager
async def http() -> AsyncIterator[Setup]:
    provider = plain_stand_in()
    answers: Mapping[Trouble, Scripted] = {
        Trouble.THROTTLES: (429, {"Retry-After": "7"}, {}),
        Trouble.REFUSES: (400, {}, {"status": "blocked"}),
        Trouble.OPTED_OUT: (200, {}, {"status": "stop"}),
    }
    api = HttpApi(
        id_field="id",
        reference_field="reference",
        success_field="status",
        success_values=frozenset({"ok"}),
        opted_out_values=frozenset({"stop"}),
    )
    async with serving(provider) as stop:
        [url] = parse_gateways(f"{provider.url}/send".replace("://", f"://me:{CANARY}@"))
        async with open_http(url, patience(ANSWERS_WITHIN), api=api) as gateway:
            yield _http_setup(gateway, provider, answers, stop, carries_references=True)


def _http_setup(
    gateway: Gateway,
    provider: Provider,
    answers: Mapping[Trouble, Scripted],
    stop: Callable[[], Awaitable[object]],
    *,
    carries_references: bool = False,
) -> Setup:
    def play(trouble: Trouble | None) -> None:
        provider.trouble = trouble
        if trouble in answers:
            provider.answers.append(answers[trouble])

    return Setup(gateway, lambda: provider.texts, play, stop, carries_references=carries_references)


@asynccontextmanager
async def smpp() -> AsyncIterator[Setup]:
    statuses = {Trouble.THROTTLES: 0x58, Trouble.REFUSES: 0x0B, Trouble.OPTED_OUT: 0x66}
    async with smsc_running() as smsc:
        [url] = parse_gateways(f"smpp://esme:{CANARY}@127.0.0.1:{smsc.port}?opted_out=0x66")

        def play(trouble: Trouble | None) -> None:
            smsc.trouble = None if trouble in statuses else trouble
            if trouble in statuses:
                smsc.statuses.append(statuses[trouble])

        async with open_smpp(url, patience(ANSWERS_WITHIN), give_up=lambda: None) as gateway:
            session = await gateway._link.session()

            async def go_away() -> None:
                await smsc.refuse()
                await session.ended()  # until it is noticed, a text that leaves is an GatewayAnswerLost

            yield Setup(gateway, lambda: smsc.texts, play, go_away, throttled_for=timedelta(seconds=1))


SETUPS = (fake, twilio, sns, http, smpp)
