"""Dead letters: reading them without moving them, replaying them, discarding them, keeping them in a file.

`letter` and `causes` say what a message died of and are also what the alerting service reads; the rest is for
the person at the command line.
"""

from shared.dead_letters.causes import Cause, cause_of
from shared.dead_letters.connection import connect, depth_of
from shared.dead_letters.discarding import discard
from shared.dead_letters.editing import Edit
from shared.dead_letters.exporting import export
from shared.dead_letters.importing import Imported, import_lines
from shared.dead_letters.letter import DeadLetter, Envelope, read_dead_letter
from shared.dead_letters.moving import WINDOW
from shared.dead_letters.pace import SLOWEST_PER_SECOND, TOLD_AT_ONCE, Pace
from shared.dead_letters.payload import masked_error, masked_headers, masked_payload
from shared.dead_letters.reading import Found, read_letters
from shared.dead_letters.replaying import replay, replay_edited
from shared.dead_letters.selection import Outcome, Selection, Watch
from shared.dead_letters.summary import Group, QueueSummary, summarize
from shared.dead_letters.target import Target, target_of

__all__ = [
    "SLOWEST_PER_SECOND",
    "TOLD_AT_ONCE",
    "WINDOW",
    "Cause",
    "DeadLetter",
    "Edit",
    "Envelope",
    "Found",
    "Group",
    "Imported",
    "Outcome",
    "Pace",
    "QueueSummary",
    "Selection",
    "Target",
    "Watch",
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
