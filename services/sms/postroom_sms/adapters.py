"""Puts the SMS service together: the only file that knows which adapters are the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime import Adapters
from postroom.runtime.assembly import Runtime
from postroom.settings import read_settings
from postroom_sms.events import Desk, announcing
from postroom_sms.gateway.choice import open_gateways
from postroom_sms.http_receipts import taking_receipts
from postroom_sms.rate_limit import Pace
from postroom_sms.settings import ReceiptsSettings, SmsSettings
from postroom_sms.sql_texts import SqlTexts
from postroom_sms.text_sender import Courier
from postroom_sms.validation import Checker
from postroom_sms.wording import CodeWording


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need, for as long as the service runs."""
    sms = read_settings(SmsSettings)
    wording = sms.code_wording()
    checker = Checker(sms.numbers(), sms.default_sender(), sms.max_segments)
    texts = SqlTexts(runtime.database, sms.number_key)
    pace = Pace(sms.per_second, runtime.replicas)
    async with announcing(texts, runtime.publisher) as announcer:
        desk = Desk(texts, announcer)
        receipts = taking_receipts(read_settings(ReceiptsSettings), sms.gateways(), desk)
        async with open_gateways(sms, desk.take) as gateways, receipts:
            courier = Courier(checker, texts, gateways, pace, announcer, sms.after_lost_answer)
            yield {Courier: courier, CodeWording: wording}
