"""What Prometheus sees of every service."""

from functools import lru_cache
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

request_seconds = Histogram(
    "huying_request_seconds",
    "Time from a request's first byte to its answer",
    ["service", "method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
outbox_age = Gauge("huying_outbox_age_seconds", "Age of the oldest event not yet published", ["service"])
published = Counter("huying_events_published_total", "Events put on the bus", ["service"])
republished = Counter(
    "huying_events_republished_total", "Events published again because a stream went back", ["service"]
)
consumed = Counter("huying_events_consumed_total", "Events applied", ["service", "type"])
repeated = Counter("huying_events_repeated_total", "Events seen again and ignored", ["service"])
parked = Counter("huying_events_parked_total", "Events set aside because they cannot be applied", ["service"])
consumer_lag = Gauge(
    "huying_consumer_lag", "Events on the stream this service has not yet applied", ["service", "stream"]
)
loop_failures = Counter("huying_loop_failures_total", "Failed rounds of a background loop", ["loop"])


@lru_cache(maxsize=4096)
def _request(service: str, method: str, route: str, status: int) -> Any:
    """Finding a labelled series costs more than observing it, and there are only so many."""
    return request_seconds.labels(service, method, route, str(status))


def observe(service: str, scope: Any, status: int, seconds: float) -> None:
    """One answered request; `scope` is ASGI's."""
    route = getattr(scope.get("route"), "path", "unmatched")
    _request(service, scope["method"], route, status).observe(seconds)
