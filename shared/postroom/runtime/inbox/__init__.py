"""What a service remembers of its messages: finished work, who holds what, and the history of outcomes."""

from postroom.runtime.inbox.inbox import MOST_DEATHS, Begin, Claim, ClaimState, Finish, Inbox, Key
from postroom.runtime.inbox.liveness import Liveness

__all__ = ["MOST_DEATHS", "Begin", "Claim", "ClaimState", "Finish", "Inbox", "Key", "Liveness"]
