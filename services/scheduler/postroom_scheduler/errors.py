"""Errors of the scheduler.

PostroomError
├── BrokenSchedule         a schedule cannot be used; the text begins with its field
└── UnknownSchedule        there is none of that name
"""

from postroom.wire.errors import PostroomError


class BrokenSchedule(PostroomError):
    """A schedule cannot be used. The text begins with the field that is wrong and says what to write."""


class UnknownSchedule(PostroomError):
    """There is no schedule of that name."""
