"""What a service remembers of its messages: finished work, who holds what, and the history of outcomes."""

from shared.inbox.inbox import MOST_DEATHS, Begin, Claim, Finish, Inbox, Key, Standing
from shared.inbox.liveness import Liveness

__all__ = ["MOST_DEATHS", "Begin", "Claim", "Finish", "Inbox", "Key", "Liveness", "Standing"]
