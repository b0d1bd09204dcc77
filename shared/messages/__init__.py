"""The contracts: one pydantic model per kind of message. Needs pydantic alone."""

from shared.messages.base import Event, Job, Message, describe_problems
from shared.messages.email import Attachment, SendEmail
from shared.messages.maintenance import Archive, BackUp, Clean, RefreshTokens
from shared.messages.outcomes import (
    CircuitClosed,
    CircuitOpened,
    DeadLetterDiscarded,
    JobCompleted,
    JobFailed,
    JobMeasured,
    Measured,
)
from shared.messages.report import CancelReport, GenerateReport, ReportCancelled, ReportProgress, ReportReady
from shared.messages.schedule import DeferJob, RemoveSchedule, ScheduleFired, SetSchedule
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
        CancelReport,
        DeliverWebhook,
        SyncSource,
        Clean,
        BackUp,
        Archive,
        RefreshTokens,
        UserCreated,
        UserPasswordResetRequested,
        UserOtpRequested,
        ReportReady,
        ReportProgress,
        ReportCancelled,
        JobCompleted,
        JobFailed,
        JobMeasured,
        DeadLetterDiscarded,
        CircuitOpened,
        CircuitClosed,
        ScheduleFired,
        SetSchedule,
        RemoveSchedule,
        DeferJob,
        SmsDelivered,
        SmsUndelivered,
    )
}
"""The shipped contracts by wire name."""

__all__ = [
    "KINDS",
    "Archive",
    "Attachment",
    "BackUp",
    "CancelReport",
    "CircuitClosed",
    "CircuitOpened",
    "Clean",
    "DeadLetterDiscarded",
    "DeferJob",
    "DeliverWebhook",
    "Event",
    "GenerateReport",
    "Job",
    "JobCompleted",
    "JobFailed",
    "JobMeasured",
    "Measured",
    "Message",
    "RefreshTokens",
    "RemoveSchedule",
    "ReportCancelled",
    "ReportProgress",
    "ReportReady",
    "ScheduleFired",
    "SendEmail",
    "SendSms",
    "SetSchedule",
    "SmsDelivered",
    "SmsUndelivered",
    "SyncSource",
    "UserCreated",
    "UserOtpRequested",
    "UserPasswordResetRequested",
    "describe_problems",
]
