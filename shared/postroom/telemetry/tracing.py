"""Traces: the context of a message is continued; spans are made when OpenTelemetry is set up.

Set `OTEL_EXPORTER_OTLP_ENDPOINT` (with the `telemetry` extra installed) and each try becomes a span. Without it
the context is still carried on, at no cost. A program that has traces of its own, and publishes, has them continued.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from postroom import wire
from postroom.wire.errors import ConfigurationError

_carried: ContextVar[dict[str, str] | None] = ContextVar("postroom_trace_headers", default=None)
_propagator = TraceContextTextMapPropagator()
_exporting = False
_NO_TRACE = nullcontext()


def set_up_tracing(service: str) -> None:
    """Export spans if OTEL_EXPORTER_OTLP_ENDPOINT is set. Raises ConfigurationError if the SDK is missing."""
    global _exporting  # noqa: PLW0603 - OpenTelemetry's provider is global too
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: install postroom[telemetry]"
        ) from None
    provider = TracerProvider(resource=Resource.create({"service.name": f"postroom-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _exporting = True


def shut_down_tracing() -> None:
    """Send what was not sent yet."""
    provider = trace.get_tracer_provider()
    if _exporting and hasattr(provider, "shutdown"):
        provider.shutdown()


def trace_id_of(headers: Mapping[str, Any]) -> str | None:
    """The trace id of a W3C `traceparent` header."""
    parts = str(headers.get(wire.TRACEPARENT, "")).split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else None


def continued_trace(
    headers: Mapping[str, Any], queue: str, message_id: str | None, attempt: int
) -> AbstractContextManager[None]:
    """Work inside the trace of a message: as a span when spans are exported, else the context is passed on."""
    if not _exporting and wire.TRACEPARENT not in headers:
        return _NO_TRACE
    return _continue_trace(headers, queue, message_id, attempt)


@contextmanager
def _continue_trace(headers: Mapping[str, Any], queue: str, message_id: str | None, attempt: int) -> Iterator[None]:
    carrier = {name: str(headers[name]) for name in (wire.TRACEPARENT, wire.TRACESTATE) if name in headers}
    if not _exporting:
        token = _carried.set(carrier or None)
        try:
            yield
        finally:
            _carried.reset(token)
        return
    attributes: dict[str, str | int] = {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue,
        "messaging.message.id": message_id or "",
        "postroom.attempt": attempt,
    }
    with trace.get_tracer("postroom").start_as_current_span(
        f"process {queue}", _propagator.extract(carrier), trace.SpanKind.CONSUMER, attributes
    ):
        yield


def trace_headers() -> dict[str, str]:
    """The headers that let a message published now continue the running trace: a program's own, or a message's."""
    if not trace.get_current_span().get_span_context().is_valid:
        return _carried.get() or {}
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier
