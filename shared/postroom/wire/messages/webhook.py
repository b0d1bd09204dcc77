"""The jobs of the webhook service."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from postroom.wire.messages.base import Job


class DeliverWebhook(Job):
    """Call a URL. `secret_name` names the secret that signs the body."""

    kind: ClassVar[str] = "webhook.deliver"

    url: str = Field(pattern=r"^https?://", max_length=2000)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    body: Any = None
    headers: dict[str, str] = {}
    secret_name: str | None = None
