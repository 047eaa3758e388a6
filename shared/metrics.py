"""What Prometheus sees of every service."""

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
