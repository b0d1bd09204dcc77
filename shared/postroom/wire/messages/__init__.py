"""The contracts: one pydantic model per kind of message. Needs pydantic alone."""

from postroom.wire.messages.base import Event, Job, Message, describe_problems
from postroom.wire.messages.circuit import CircuitClosed, CircuitOpened
from postroom.wire.messages.dead_letter import DeadLetterDiscarded, DeadLetterReplayed
from postroom.wire.messages.email import Attachment, SendEmail
from postroom.wire.messages.maintenance import Archive, BackUp, Clean, RefreshTokens
from postroom.wire.messages.outcomes import (
    JobCompleted,
    JobFailed,
    JobMeasured,
    JobRecorded,
    Measured,
    Recipient,
    RecordedTry,
)
from postroom.wire.messages.report import CancelReport, GenerateReport, ReportCancelled, ReportProgress, ReportReady
from postroom.wire.messages.schedule import DeferJob, RemoveSchedule, ScheduleFired, SchedulerMeasured, SetSchedule
from postroom.wire.messages.sms import SendSms, SmsDelivered, SmsUndelivered
from postroom.wire.messages.sync import SyncSource
from postroom.wire.messages.user import UserCreated, UserOtpRequested, UserPasswordResetRequested
from postroom.wire.messages.webhook import DeliverWebhook

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
