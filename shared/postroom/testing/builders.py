"""Messages with sensible values, of which a test changes what it is about."""

from typing import Any

from postroom.wire.messages import SendEmail, UserCreated


def make_send_email(**changes: Any) -> SendEmail:
    """A mail to Ada, with `changes` to its fields."""
    fields = {"to": "ada@example.com", "subject": "Your receipt", "body": "Thank you."}
    return SendEmail.model_validate({**fields, **changes})


def make_user_created(**changes: Any) -> UserCreated:
    """Ada signing up, with `changes` to the event's fields."""
    fields = {"id": 7, "email": "ada@example.com", "name": "Ada", "locale": "en"}
    return UserCreated.model_validate({**fields, **changes})
