"""What the front door counts, for Prometheus: requests by route template, live streams, and how the models stand."""

from __future__ import annotations

import time

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One registry for each application, so that two in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("vigil_http_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "vigil_http_seconds", "Time to answer, streams left out", ("method", "route"), registry=self.registry
        )
        self.streams = Gauge("vigil_streams_open", "Open live streams", ("stream",), registry=self.registry)
        self.parked = Gauge("vigil_model_parked", "Rows that wait for a fix", ("model",), registry=self.registry)
        self.behind = Gauge("vigil_model_behind", "Events not shown yet", ("model",), registry=self.registry)
        self.dropped = Counter("vigil_streams_dropped", "Stalled readers dropped", ("stream",), registry=self.registry)


class CountRequests(ASGIMiddleware):
    """Counts every answer under its route's template, never under its path: ids would make endless series."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        began = time.perf_counter()
        status, streamed = 500, False

        async def counted(message: Message) -> None:
            nonlocal status, streamed
            if message["type"] == "http.response.start":
                status = message["status"]
                streamed = any(value.startswith(b"text/event-stream") for _, value in message["headers"])
            await send(message)

        try:
            await next_app(scope, receive, counted)
        finally:
            method, route = str(scope.get("method")), str(scope.get("path_template") or "unknown")
            self._metrics.requests.labels(method, route, str(status)).inc()
            if not streamed:
                self._metrics.seconds.labels(method, route).observe(time.perf_counter() - began)
