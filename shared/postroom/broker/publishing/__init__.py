"""Handing messages to the broker so that none is lost on the way."""

from shared.publishing.blocking import BlockingPublisher
from shared.publishing.outgoing import Outgoing, PublishOptions
from shared.publishing.publisher import Publisher

__all__ = ["BlockingPublisher", "Outgoing", "PublishOptions", "Publisher"]
