"""What can go wrong before there is a broker."""

from postroom.wire.errors import ConfigurationError, PostroomError


class NoBroker(ConfigurationError):
    """No broker was given, and none can be started here. The message names every way to get one."""


class ServerNotStarted(PostroomError):
    """A server of our own did not come up. The message ends with the last lines of its log."""


class NotOurBroker(PostroomError):
    """Somebody else's broker is not ours to stop, kill or start."""
