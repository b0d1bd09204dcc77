"""Errors of maintenance.

JobError
├── TemporaryFailure
│   └── BackUpFailed        no back-up was made, or the one that was made cannot be restored
└── PermanentFailure
    └── TokenRefused        the provider does not know the refresh token any more
"""

from postroom.wire.errors import PermanentFailure, TemporaryFailure


class BackUpFailed(TemporaryFailure):
    """There is no new back-up. The text says at which step it failed; what was there before is untouched."""


class TokenRefused(PermanentFailure):
    """A person must log in at the provider again and store a new refresh token."""
