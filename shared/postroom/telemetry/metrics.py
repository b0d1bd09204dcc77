"""Metrics in Prometheus' format, at `/metrics` of each process.

Several services may share a process: what is measured of one has a label that says of which, `service` or `queue`.
"""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter(
    "postroom_messages_total",
    "Deliveries by outcome: done, retried, dead, duplicate, postponed, returned",
    ["queue", "outcome"],
)
SECONDS = Histogram(
    "postroom_handler_seconds",
    "Time spent in the handler",
    ["queue"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600),
)
IN_WORK = Gauge("postroom_messages_in_work", "Deliveries taken and not yet settled", ["queue"])
CONSUMERS_UP = Gauge("postroom_consumers_up", "1 while the queue's consumer is known to the broker", ["queue"])
LOOP_LAG = Gauge("postroom_event_loop_lag_seconds", "How late the event loop woke from its last short sleep")
CIRCUIT_OPEN = Gauge("postroom_circuit_open", "1 while the service waits for its provider to come back", ["service"])
