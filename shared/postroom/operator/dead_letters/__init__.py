"""Dead letters: reading them without moving them, replaying them, discarding them, keeping them in a file.

`dead_letter` and `causes` say what a message died of and are also what the alerting service reads; the rest is for
the person at the command line.
"""

from postroom.broker.plain_connection import connect, depth_of
from postroom.operator.dead_letters.discarding import discard
from postroom.operator.dead_letters.editing import Edit
from postroom.operator.dead_letters.exporting import export
from postroom.operator.dead_letters.importing import Imported, import_lines
from postroom.operator.dead_letters.rate_limit import IDS_PER_EVENT, SLOWEST_PER_SECOND, ReplayRate
from postroom.operator.dead_letters.reading import QueuedDeadLetter, read_letters
from postroom.operator.dead_letters.replayer import WINDOW
from postroom.operator.dead_letters.replaying import replay, replay_edited
from postroom.operator.dead_letters.selection import RunControl, RunOutcome, Selection
from postroom.operator.dead_letters.summary import Group, QueueSummary, summarize
from postroom.operator.dead_letters.target import ReplayTarget, target_of
from postroom.privacy.payload import masked_error, masked_headers, masked_payload
from postroom.wire.causes import Cause, cause_of
from postroom.wire.dead_letter import DeadLetter, Envelope, read_dead_letter

__all__ = [
    "IDS_PER_EVENT",
    "SLOWEST_PER_SECOND",
    "WINDOW",
    "Cause",
    "DeadLetter",
    "Edit",
    "Envelope",
    "Group",
    "Imported",
    "QueueSummary",
    "QueuedDeadLetter",
    "ReplayRate",
    "ReplayTarget",
    "RunControl",
    "RunOutcome",
    "Selection",
    "cause_of",
    "connect",
    "depth_of",
    "discard",
    "export",
    "import_lines",
    "masked_error",
    "masked_headers",
    "masked_payload",
    "read_dead_letter",
    "read_letters",
    "replay",
    "replay_edited",
    "summarize",
    "target_of",
]
