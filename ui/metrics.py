"""/metrics for Prometheus: calls as they pass, and what SQLite holds when somebody asks.

Labels are closed sets (kinds of addresses, actions, languages), never what people wrote.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

from chatbot.app import App
from chatbot.errors import SettingsError
from ui.guard import App as Asgi
from ui.guard import Message, Receive, Scope, Send

log = logging.getLogger("zhike.access")
PATH = "/metrics"
LOCAL = {"127.0.0.1", "::1"}
PASSED_ON = ("forwarded", "x-forwarded-for", "x-real-ip", "via")  # a proxy speaks for others
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
RECENT = 500  # newest replies that the times of steps are taken from
KINDS = (
    ("/api/", "api"),
    ("/v1/", "openai"),
    ("/desk", "desk"),
    ("/widget", "widget"),
    ("/ui-static/", "static"),
    ("/assets/", "static"),
    ("/healthz", "probe"),
    ("/readyz", "probe"),
)


class Metered:
    """The site, with its calls counted and logged, and /metrics beside it."""

    def __init__(self, site: Asgi, app: App, token_file: str = "") -> None:
        """`token_file`: "" lets only programs on this machine read the figures.

        Raises SettingsError when the file cannot be read or is empty.
        """
        self._site = site
        self._token = _token(token_file)
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "zhike_http_requests",
            "Answered HTTP calls.",
            ("kind", "method", "status"),
            registry=self._registry,
        )
        self._times = Histogram(
            "zhike_http_request_seconds",
            "From a call to the end of its answer; streams included.",
            ("kind",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._open = Gauge(
            "zhike_http_requests_open", "Calls that are being answered.", registry=self._registry
        )
        self._registry.register(Stored(app))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._site(scope, receive, send)
        elif scope["path"] == PATH:
            await (await self._figures(scope))(scope, receive, send)
        else:
            await self._measured(scope, receive, send)

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, start = 0, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        kind, method = kind_of(scope["path"]), _method(scope["method"])
        with self._open.track_inprogress():
            try:
                await self._site(scope, receive, noted)
            finally:
                seconds = time.perf_counter() - start
                self._calls.labels(kind, method, str(status or "cut")).inc()
                self._times.labels(kind).observe(seconds)
                log.info(
                    "call",
                    extra={
                        "kind": kind,
                        "method": method,
                        "status": status,
                        "ms": round(seconds * 1000, 1),
                        "request_id": scope.get("state", {}).get("request_id", ""),
                    },
                )

    async def _figures(self, scope: Scope) -> Response:
        if not self._admitted(scope):
            return PlainTextResponse("Not for you.\n", 403)
        text = await run_in_threadpool(generate_latest, self._registry)
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    def _admitted(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if self._token:
            given = headers.get("authorization", "").encode()
            return secrets.compare_digest(given, b"Bearer " + self._token)
        near = (scope.get("client") or ("",))[0] in LOCAL
        return near and not any(name in headers for name in PASSED_ON)


def _token(path: str) -> bytes:
    if not path:
        return b""
    try:
        token = Path(path).expanduser().read_bytes().strip()
    except OSError as error:
        raise SettingsError(
            f"server.metrics_token_file {path}: cannot be read ({error.strerror})."
        ) from error
    if not token:
        raise SettingsError(f"server.metrics_token_file {path}: the file is empty.")
    return token


def kind_of(path: str) -> str:
    """A path as one of few words; the customer page is "page"."""
    return next((kind for start, kind in KINDS if path.startswith(start)), "page")


def _method(name: str) -> str:
    return name if name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"


class Stored:
    """What the database says at the moment somebody asks."""

    def __init__(self, app: App) -> None:
        self._app = app

    def describe(self) -> Iterable[Metric]:
        """Nothing: asking the database while the registry is made would be too early."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Called by the registry, in a thread."""
        yield from self._conversations()
        yield from self._steps()
        yield from self._knowledge()

    def _conversations(self) -> Iterable[Metric]:
        replies = GaugeMetricFamily(
            "zhike_replies", "Replies that are stored.", labels=("action", "language", "engine")
        )
        for row in self._app.database.rows(
            "SELECT action, language, coalesce(engine, '') AS engine, count(*) AS n "
            "FROM replies GROUP BY 1, 2, 3"
        ):
            replies.add_metric([row["action"], row["language"] or "", row["engine"]], row["n"])
        yield replies
        states = GaugeMetricFamily(
            "zhike_conversations", "Conversations that are stored.", labels=("state",)
        )
        for row in self._app.database.rows(
            "SELECT state, count(*) AS n FROM sessions GROUP BY state"
        ):
            states.add_metric([row["state"]], row["n"])
        yield states
        ratings = GaugeMetricFamily("zhike_ratings", "Thumbs.", labels=("value",))
        for row in self._app.database.rows(
            "SELECT value, count(*) AS n FROM ratings GROUP BY value"
        ):
            ratings.add_metric(["up" if row["value"] > 0 else "down"], row["n"])
        yield ratings
        translations = GaugeMetricFamily(
            "zhike_translations",
            "Translations that are stored, by who wrote the message.",
            labels=("role", "engine"),
        )
        for row in self._app.database.rows(
            "SELECT m.role, t.engine, count(*) AS n FROM translated t "
            "JOIN messages m ON m.id = t.message_id GROUP BY 1, 2"
        ):
            translations.add_metric([row["role"], row["engine"]], row["n"])
        yield translations

    def _steps(self) -> Iterable[Metric]:
        seconds: defaultdict[str, float] = defaultdict(float)
        counts: Counts[str] = Counts()
        for row in self._app.database.rows(
            "SELECT trace FROM replies ORDER BY rowid DESC LIMIT ?", RECENT
        ):
            for step in json.loads(row["trace"] or "[]"):
                seconds[step["name"]] += step["ms"] / 1000
                counts[step["name"]] += 1
        steps = SummaryMetricFamily(
            "zhike_turn_step_seconds",
            f"Stages of a turn, over the newest {RECENT} replies.",
            labels=("step",),
        )
        for name in sorted(counts):
            steps.add_metric([name], counts[name], seconds[name])
        yield steps

    def _knowledge(self) -> Iterable[Metric]:
        status, health = self._app.knowledge.status(), self._app.health()
        yield GaugeMetricFamily("zhike_documents", "Documents.", value=status.documents)
        yield GaugeMetricFamily("zhike_chunks", "Passages.", value=status.chunks)
        yield GaugeMetricFamily("zhike_healthy", "1: as /readyz.", value=int(health.ok))
        yield GaugeMetricFamily("zhike_problems", "See Health.", value=len(health.problems))
        size = self._app.database.path.stat().st_size
        yield GaugeMetricFamily("zhike_database_bytes", "The file, without its log.", value=size)
