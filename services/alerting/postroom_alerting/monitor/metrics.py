"""The monitor's metrics, at `/metrics` of the alerting service."""

from prometheus_client import Gauge

OLDEST = Gauge(
    "postroom_queue_oldest_seconds", "Age of the oldest message of a queue, or the least that it can be", ["queue"]
)
CONDITIONS = Gauge("postroom_conditions", "What is wrong with the installation now, by kind", ["kind"])
