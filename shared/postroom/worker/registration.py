"""What a service does: one plain function per kind of message, registered on the service's worker.

Nothing here connects to anything; topology and runtime read it.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum
from typing import Any, TypeVar, get_type_hints

from postroom import wire
from postroom.wire.errors import ConfigurationError
from postroom.wire.messages import Event, Job, Message
from postroom.wire.retries import RetryPolicy
from postroom.worker.delivery import Delivery, message_id_of


class ProviderContact(Enum):
    """What a handler that did its work returns, to say what that shows about its provider.

    A handler that returns nothing is taken to have had an answer. One that failed says it with
    `JobError.provider_answered`.
    """

    ANSWERED = "answered"
    NOT_ASKED = "not asked"


Handler = TypeVar("Handler", bound=Callable[..., Awaitable[ProviderContact | None]])
BoundHandler = Callable[[Any, Any], Awaitable[ProviderContact | None]]
Adapters = Mapping[type[Any], Any]
"""What handlers are given besides the message: one object per port, found by the parameter's type."""


class Keep(StrEnum):
    """Which outcomes of a kind are written to the history table."""

    ALWAYS = "always"
    ON_FAILURE = "on_failure"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Options:
    """How the messages of one queue are worked on.

    Attributes:
        retry: how often a failing message is tried and how long it waits in between.
        prefetch: messages in work at once per process; also what a crash may make be delivered again.
        time_limit: for one try, well under the broker's acknowledgement time-out of 30 minutes.
        history: which outcomes are kept in the history table.
        needs_provider: whether it waits while the provider is away; not so for what never asks it.
        identity: what makes two deliveries the same work; by default their message id.
    """

    retry: RetryPolicy = RetryPolicy()
    prefetch: int = 100
    time_limit: timedelta = timedelta(minutes=5)
    history: Keep = Keep.ON_FAILURE
    needs_provider: bool = True
    identity: Callable[[Delivery], str | None] = message_id_of


@dataclass(frozen=True, slots=True)
class Subscription:
    """One queue, its binding, and the handler of its messages. The handler is chosen by queue alone."""

    service: str
    queue: str
    exchange: str
    binding_key: str
    model: type[Message] | None
    handler: Callable[..., Awaitable[ProviderContact | None]]
    options: Options

    def bind(self, adapters: Adapters) -> BoundHandler:
        """The handler as a function of the message and its delivery, with its other parameters filled in.

        The first parameter is the message (the Delivery itself for a raw reader); one of type Delivery is the
        delivery. Raises ConfigurationError for a parameter whose type no adapter provides.
        """
        _message, *others = inspect.signature(self.handler).parameters
        hints = get_type_hints(self.handler)
        given: dict[str, Any] = {}
        delivery_parameter: str | None = None
        for name in others:
            port = hints.get(name, object)
            if port is Delivery:
                delivery_parameter = name
            elif port in adapters:
                given[name] = adapters[port]
            else:
                raise ConfigurationError(
                    f"{self.handler.__qualname__} asks for {name}: {getattr(port, '__name__', port)}, "
                    f"which {self.service}'s app.py does not provide"
                )
        handler = self.handler
        if delivery_parameter is None:
            return lambda body, _delivery: handler(body, **given)
        return lambda body, delivery: handler(body, **given, **{delivery_parameter: delivery})


class Worker:
    """The handlers of one service.

    Args:
        service: the service's name, as in `services/<name>` and in its listener queues.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self.subscriptions: dict[str, Subscription] = {}

    def handles(self, job: type[Job], **options: Any) -> Callable[[Handler], Handler]:
        """Register the function that does `job`. Options are the fields of Options."""
        _expect(job, Job)
        return self._register(job, job.kind, (wire.JOBS, job.kind), options)

    def listens(self, event: type[Event], **options: Any) -> Callable[[Handler], Handler]:
        """Register a function that is told of `event`, with a queue, retries and dead letters of its own."""
        _expect(event, Event)
        return self._register(event, wire.listener_queue(self.service, event.kind), (wire.EVENTS, event.kind), options)

    def overhears(self, **options: Any) -> Callable[[Handler], Handler]:
        """Register a reader of every event, whatever its kind: raw deliveries, valid or not."""
        return self._register(None, wire.listener_queue(self.service, wire.EVERY_EVENT), (wire.EVENTS, "#"), options)

    def consumes(self, queue: str, **options: Any) -> Callable[[Handler], Handler]:
        """Register a reader of raw deliveries, valid or not, from a queue that is bound elsewhere: `alerting`."""
        return self._register(None, queue, ("", ""), options)

    def _register(
        self, model: type[Message] | None, queue: str, source: tuple[str, str], options: dict[str, Any]
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            if queue in self.subscriptions:
                other = self.subscriptions[queue].handler.__qualname__
                raise ConfigurationError(f"{queue} is already read by {other}; one kind has one handler")
            is_async: bool = inspect.iscoroutinefunction(handler)
            if not is_async:
                raise ConfigurationError(f"{handler.__qualname__} must be an async function")
            self.subscriptions[queue] = Subscription(
                service=self.service,
                queue=queue,
                exchange=source[0],
                binding_key=source[1],
                model=model,
                handler=handler,
                options=Options(**options),
            )
            return handler

        return register


def _expect(model: type[Message], base: type[Message]) -> None:
    if not issubclass(model, base):
        raise ConfigurationError(f"{model.__name__} is not a {base.__name__}")
