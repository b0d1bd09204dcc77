"""Puts the SMS service together: the only file that knows which adapters are the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from postroom.runtime.assembly import Runtime
from postroom.settings import read_settings
from postroom.worker import Adapters
from postroom_sms.events import ReceiptRecorder, open_text_events
from postroom_sms.gateway.choice import open_gateways
from postroom_sms.http_receipts import serve_receipts
from postroom_sms.rate_limit import TextRateLimit
from postroom_sms.settings import ReceiptsSettings, SmsSettings
from postroom_sms.sql_texts import SqlTexts
from postroom_sms.text_sender import TextSender
from postroom_sms.validation import TextValidator
from postroom_sms.wording import CodeWording


@asynccontextmanager
async def adapters(runtime: Runtime) -> AsyncIterator[Adapters]:
    """What the handlers need, for as long as the service runs."""
    sms = read_settings(SmsSettings)
    wording = sms.code_wording()
    validator = TextValidator(sms.numbers(), sms.default_sender(), sms.max_segments)
    texts = SqlTexts(runtime.database, sms.number_key)
    rate_limit = TextRateLimit(sms.per_second, runtime.replicas)
    async with open_text_events(texts, runtime.publisher, runtime.give_up) as events:
        recorder = ReceiptRecorder(texts, events)
        receipts = serve_receipts(read_settings(ReceiptsSettings), sms.gateways(), recorder)
        async with open_gateways(sms, recorder.take, runtime.give_up) as gateways, receipts:
            text_sender = TextSender(validator, texts, gateways, rate_limit, events, sms.after_lost_answer)
            yield {TextSender: text_sender, CodeWording: wording}
