"""Handing messages to the broker so that none is lost on the way."""

from postroom.broker.publishing.blocking import BlockingPublisher
from postroom.broker.publishing.outgoing import Outgoing, PublishOptions
from postroom.broker.publishing.publisher import Publisher

__all__ = ["BlockingPublisher", "Outgoing", "PublishOptions", "Publisher"]
