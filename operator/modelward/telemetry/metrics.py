"""Every metric of the operator, under the names that controller-runtime made common, so that dashboards carry over.

No label holds an object's name: cardinality must not grow with the cluster.
"""

from prometheus_client import Counter, Gauge, Histogram

API_REQUESTS = Counter("rest_client_requests_total", "Requests to the API server.", ["method", "code"])

RECONCILES = Counter("controller_runtime_reconcile_total", "Reconciles by outcome.", ["controller", "result"])
RECONCILE_SECONDS = Histogram(
    "controller_runtime_reconcile_time_seconds",
    "How long a reconcile took.",
    ["controller"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
ACTIVE_WORKERS = Gauge("controller_runtime_active_workers", "Reconciles under way.")

QUEUE_DEPTH = Gauge("workqueue_depth", "Keys that are due and wait for a worker.")
QUEUE_LAG = Gauge("workqueue_lag_seconds", "How long the longest waiting due key has waited.")
QUEUE_ADDS = Counter("workqueue_adds_total", "Keys enqueued, repeats included.")
QUEUE_RETRIES = Counter("workqueue_retries_total", "Keys enqueued again after a failure.")

WATCH_EVENTS = Counter("modelward_watch_events_total", "Watch events by the kind of their object.", ["kind"])
SWEEP_AGE = Gauge("modelward_sweep_age_seconds", "Since the last sweep over all resources ended.")
PUSHES = Counter("modelward_traffic_pushes_total", "Traffic settings sent to scoring pods.", ["result"])
TRANSITIONS = Counter("modelward_transitions_total", "Transitions, as told by Events.", ["kind", "reason"])
"""Rollbacks and promotions, by cause."""
FREED = Counter("modelward_store_freed_bytes_total", "Bytes of blobs that nothing named and that were taken away.")
