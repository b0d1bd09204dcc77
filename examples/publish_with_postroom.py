"""Publish from a web application, as Flask, Django or any other without an event loop would.

pip install postroom; POSTROOM_AMQP_URL=amqp://… python publish_with_postroom.py
"""

import os

from postroom import BlockingPublisher, SendEmail

# One for the whole application, made where it is configured. It connects at the first publish.
publisher = BlockingPublisher(os.environ.get("POSTROOM_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F"))


def sign_up(address: str) -> str:
    """What a view does: returns when the broker has the message on disk, raises PublishError otherwise."""
    mail = SendEmail(to=[address], subject="Hello from a web application", body="Hi Ada")
    return publisher.publish(mail)


if __name__ == "__main__":
    print("published", sign_up("ada@example.com"))
    publisher.close()
