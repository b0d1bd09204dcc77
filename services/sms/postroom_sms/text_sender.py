"""Sends one text, once as far as the gateways allow. The steps:

1. Number, sender and length are checked, and its time is looked at.
2. It waits for its turn (rate_limit.py).
3. It is marked as being sent, in the transaction in which its past and the opted-out list are asked. What a gateway
   took once, before a crash perhaps, is not sent again.
4. Its time is looked at once more, and it is handed to a gateway.
5. The answer is written down. A process that dies before that leaves the mark: the text is then treated like one
   whose answer was lost.

A lost answer: where the gateway recognises the reference, the text is sent to it again. Where it does not,
SMS_AFTER_LOST_ANSWER decides: `resend` sends it again, `park` leaves it to a person, whose replay sends it.
"""

from dataclasses import dataclass
from datetime import timedelta

from postroom.privacy.masking import mask_phone
from postroom.wire.errors import Expired, PermanentFailure, Postponed, TemporaryFailure
from postroom.worker import Delivery, ProviderContact
from postroom_sms.error_masking import keep_private
from postroom_sms.errors import GatewayAnswerLost, GatewayUnavailable, RecipientOptedOut, TextParked
from postroom_sms.events import TextEvents
from postroom_sms.gateway import Accepted, Text
from postroom_sms.gateway.failover import Failover
from postroom_sms.rate_limit import Priority, TextRateLimit
from postroom_sms.references import reference_of, text_key
from postroom_sms.settings import AfterLostAnswer
from postroom_sms.texts import Facts, PreviousTry, TextKey, Texts, TextState
from postroom_sms.validation import TextRequest, TextValidator, check_time

ASK_AGAIN = timedelta(seconds=30)
"""After this a text goes to its own gateway again, which was away and alone knows whether it has it."""

_PARKED = "it may have been sent: look at the provider, then replay it to send it (again), or discard it"


@dataclass(frozen=True, slots=True)
class _Try:
    """How a text is sent this time: to which gateway alone, and whether an earlier try may have reached the phone."""

    only: str | None = None
    may_be_double: bool = False


class TextSender:
    """Delivers texts, each once as far as gateways allow."""

    def __init__(
        self,
        validator: TextValidator,
        texts: Texts,
        gateways: Failover,
        rate_limit: TextRateLimit,
        events: TextEvents,
        after_lost_answer: AfterLostAnswer = "resend",
    ) -> None:
        self._validator = validator
        self._texts = texts
        self._gateways = gateways
        self._rate_limit = rate_limit
        self._events = events
        self._parks = after_lost_answer == "park"

    async def deliver(self, request: TextRequest, delivery: Delivery, priority: Priority) -> ProviderContact:
        """Send what `request` asks for; whether a gateway was asked.

        Raises what postroom_sms.errors has, Expired, and Postponed when there was no turn for it. No error repeats
        the number or the content.
        """
        key = text_key(delivery)
        text, segments = self._validator.check(request, delivery, reference_of(key))
        check_time(text)
        await self._rate_limit.turn(priority)
        facts = Facts(text.to, text.sender, segments.encoding, segments.count, delivery.replays)
        begun = await self._texts.begin(key, facts)
        if begun.opted_out or (begun.before is not None and begun.before.state.is_sent):
            self._rate_limit.give_back()
            if begun.opted_out:
                raise _opted_out(text, begun.opted_out)
            return ProviderContact.NOT_ASKED
        this_try = await self._plan(key, begun.before, facts.round)
        await self._send(key, text, this_try, request.secret)
        return ProviderContact.ANSWERED

    async def _send(self, key: TextKey, text: Text, this_try: _Try, secret: str | None) -> None:
        try:
            check_time(text)
            accepted = await self._hand_over(text, this_try.only, secret)
        except GatewayAnswerLost as error:
            await self._note_lost(key, error, this_try)
            raise
        except TemporaryFailure as error:
            error.provider_answered = not isinstance(error, GatewayUnavailable)
            await self._note_not_sent(key, error, this_try)
            raise
        except PermanentFailure as error:
            error.provider_answered = not isinstance(error, Expired)
            await self._note_refused(key, text, error)
            raise
        await self._note_accepted(key, accepted, this_try)

    async def _hand_over(self, text: Text, only: str | None, secret: str | None) -> Accepted:
        try:
            return await self._gateways.deliver(text, only=only)
        except Exception as error:
            keep_private(error, text, secret)
            raise

    async def _plan(self, key: TextKey, before: PreviousTry | None, this_round: int) -> _Try:
        """How to go on from what was known. Raises TextParked when a person is to decide."""
        if before is None or not before.state.is_doubtful:
            return _Try()
        if self._gateways.recognises(before.gateway):
            return _Try(only=before.gateway)
        if self._parks and this_round <= before.round:
            await self._texts.not_sent(key, TextState.UNCERTAIN, "the answer was lost")
            raise TextParked(f"the answer to an earlier try was lost, {_PARKED}")
        return _Try(may_be_double=True)

    async def _note_lost(self, key: TextKey, error: GatewayAnswerLost, this_try: _Try) -> None:
        reason = str(error)
        await self._texts.not_sent(
            key, TextState.UNCERTAIN, reason, gateway=error.gateway, may_be_double=this_try.may_be_double
        )
        if self._parks and not self._gateways.recognises(error.gateway):
            raise TextParked(f"{reason}; {_PARKED}") from None

    async def _note_not_sent(self, key: TextKey, error: TemporaryFailure, this_try: _Try) -> None:
        # What only its own gateway can clear up stays open until that one has answered.
        state = TextState.UNCERTAIN if this_try.only else TextState.WAITING
        await self._texts.not_sent(key, state, str(error), may_be_double=this_try.may_be_double)
        if this_try.only and isinstance(error, GatewayUnavailable):
            raise Postponed(f"{this_try.only} is away, and may have this text already", wait=ASK_AGAIN) from None

    async def _note_refused(self, key: TextKey, text: Text, error: PermanentFailure) -> None:
        reason = "expired" if isinstance(error, Expired) else str(error)
        await self._texts.not_sent(key, TextState.REFUSED, reason)
        if isinstance(error, RecipientOptedOut):
            await self._texts.opt_out(text.to, reason)
            raise _opted_out(text, reason, provider_answered=True) from None

    async def _note_accepted(self, key: TextKey, accepted: Accepted, this_try: _Try) -> None:
        ended = await self._texts.accepted(key, accepted, may_be_double=this_try.may_be_double)
        if ended is not None:
            self._events.publish_soon(ended)


def _opted_out(text: Text, reason: str, *, provider_answered: bool = False) -> RecipientOptedOut:
    return RecipientOptedOut(
        f"{mask_phone(text.to)} wants no texts ({reason}); a replay does not change that: once its owner has agreed "
        "again, take the number off the table sms_opted_out, then replay",
        provider_answered=provider_answered,
    )
