"""The contracts: one pydantic model per kind of message. Needs pydantic alone."""

from shared.messages.base import Event, Job, Message, describe_problems
from shared.messages.circuit import CircuitClosed, CircuitOpened
from shared.messages.dead_letter import DeadLetterDiscarded, DeadLetterReplayed
from shared.messages.email import Attachment, SendEmail
from shared.messages.maintenance import Archive, BackUp, Clean, RefreshTokens
from shared.messages.outcomes import (
    JobCompleted,
    JobFailed,
    JobMeasured,
    JobRecorded,
    Measured,
    Recipient,
    RecordedTry,
)
from shared.messages.report import CancelReport, GenerateReport, ReportCancelled, ReportProgress, ReportReady
from shared.messages.schedule import DeferJob, RemoveSchedule, ScheduleFired, SchedulerMeasured, SetSchedule
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
        JobRecorded,
        DeadLetterReplayed,
        DeadLetterDiscarded,
        CircuitOpened,
        CircuitClosed,
        ScheduleFired,
        SchedulerMeasured,
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
    "DeadLetterReplayed",
    "DeferJob",
    "DeliverWebhook",
    "Event",
    "GenerateReport",
    "Job",
    "JobCompleted",
    "JobFailed",
    "JobMeasured",
    "JobRecorded",
    "Measured",
    "Message",
    "Recipient",
    "RecordedTry",
    "RefreshTokens",
    "RemoveSchedule",
    "ReportCancelled",
    "ReportProgress",
    "ReportReady",
    "ScheduleFired",
    "SchedulerMeasured",
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
