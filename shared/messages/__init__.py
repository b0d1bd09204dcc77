"""The contracts: one pydantic model per kind of message. Needs pydantic alone."""

from shared.messages.base import Event, Job, Message, describe_problems
from shared.messages.email import Attachment, SendEmail
from shared.messages.maintenance import BackUp, Clean
from shared.messages.outcomes import JobCompleted, JobFailed
from shared.messages.report import GenerateReport, ReportReady
from shared.messages.schedule import ScheduleFired
from shared.messages.sms import SendSms, SmsDelivered, SmsUndelivered
from shared.messages.sync import SyncSource
from shared.messages.user import UserCreated, UserOtpRequested, UserPasswordResetRequested
from shared.messages.webhook import DeliverWebhook

KINDS: dict[str, type[Message]] = {
    model.kind: model
    for model in (
        SendEmail,
        SendSms,
        GenerateReport,
        DeliverWebhook,
        SyncSource,
        Clean,
        BackUp,
        UserCreated,
        UserPasswordResetRequested,
        UserOtpRequested,
        ReportReady,
        JobCompleted,
        JobFailed,
        ScheduleFired,
        SmsDelivered,
        SmsUndelivered,
    )
}
"""The shipped contracts by wire name."""

__all__ = [
    "KINDS",
    "Attachment",
    "BackUp",
    "Clean",
    "DeliverWebhook",
    "Event",
    "GenerateReport",
    "Job",
    "JobCompleted",
    "JobFailed",
    "Message",
    "ReportReady",
    "ScheduleFired",
    "SendEmail",
    "SendSms",
    "SmsDelivered",
    "SmsUndelivered",
    "SyncSource",
    "UserCreated",
    "UserOtpRequested",
    "UserPasswordResetRequested",
    "describe_problems",
]
