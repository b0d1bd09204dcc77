"""What the audit service says when it is asked for something it does not have."""

from collections.abc import Sequence

from postroom.wire.errors import PostroomError


class UnknownId(PostroomError):
    """Nothing is recorded of a message with this id."""

    def __init__(self, wanted: str) -> None:
        super().__init__(
            f"nothing is recorded of {wanted}: of most kinds only messages are kept that failed, and they are recorded "
            "a second after that. A message id, the first characters of one, or a correlation id is needed"
        )


class AmbiguousId(PostroomError):
    """Several ids begin so."""

    def __init__(self, wanted: str, ids: Sequence[str]) -> None:
        super().__init__(f"several messages have ids that begin with {wanted}: {', '.join(ids)}")
