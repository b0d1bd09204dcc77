"""Background jobs and domain events over RabbitMQ. What a program needs to publish them:

    from postroom import BlockingPublisher, SendEmail

    publisher = BlockingPublisher("amqp://guest:guest@127.0.0.1/")
    publisher.publish(SendEmail(to=["ada@example.com"], subject="Hello", body="Hi Ada"))

`Publisher` is for programs with an event loop. All kinds of message are here too, with the fields of docs/wire.md. They
need pydantic alone, the publishers aio-pika: each is imported when it is asked for.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from postroom.broker.publishing import BlockingPublisher as BlockingPublisher
    from postroom.broker.publishing import Publisher as Publisher
    from postroom.broker.publishing import PublishOptions as PublishOptions
    from postroom.wire.messages import *  # noqa: F403

_PUBLISHING = ("BlockingPublisher", "PublishOptions", "Publisher")


def __getattr__(name: str) -> Any:
    if name in _PUBLISHING:
        return getattr(importlib.import_module("postroom.broker.publishing"), name)
    messages = importlib.import_module("postroom.wire.messages")
    if name in messages.__all__:
        return getattr(messages, name)
    raise AttributeError(f"module 'postroom' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLISHING, *importlib.import_module("postroom.wire.messages").__all__])
