"""The wall in front of every page and route: what may come in, and what every answer carries.

An ASGI application around the real one. Paths are allowed by list, so that a route that a new
Gradio brings is closed until somebody opens it here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response

from ui.accounts import Accounts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

BODY = 64 * 1024  # bytes
UPLOAD = 26 * 1024 * 1024  # bytes: 25 MB and the form around them
VISITOR_COOKIE = "zhike_visitor"
DESK_COOKIE = "zhike_desk"
VISITOR = re.compile(r"[0-9a-f]{32}")
YEAR = 365 * 24 * 3600

# What a Gradio page needs; measured in Chromium. Everything else of Gradio is closed.
PAGE = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/(assets|static|svelte)/[A-Za-z0-9._/@-]+"
    r"|/gradio_api/(info/?|theme\.css|startup-events|app_id|queue/join/?|queue/data|cancel|reset/?"
    r"|heartbeat/[A-Za-z0-9_-]+)"
)
DESK_PAGE = re.compile(PAGE.pattern + r"|/gradio_api/(upload|upload_progress)|/export\.zip")
OWN = re.compile(
    r"/healthz|/readyz|/ui-static/[A-Za-z0-9._-]+|/desk/(login|setup|logout|approved-answers\.csv)"
    r"|/my-data\.json|/widget(\.js)?"
    r"|/api/v1/widget/(start|messages|person|stop|data)"
    r"|/api/v1/(chat|openapi\.json|replies/[^/]+/rating"
    r"|sessions/[^/]+/(person|messages|handover|contact))"
)
PUBLIC_DESK = {"/desk/login", "/desk/setup"}  # everything else under /desk asks for a session
# What a page asks by itself keeps no session up; of the joins, the ticks of its timers.
UNTOUCHED = ("/queue/data", "/queue/join", "/config", "/app_id")

CSP = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",  # Gradio's inline scripts are left out; the page works without them
        "style-src 'self' 'unsafe-inline'",  # Svelte sets style attributes
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Refusal(Exception):
    """Why a request does not pass: status and one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class TooLarge(Exception):
    """The body went over its limit while it was read."""


class Guard:
    """Checks path, origin, body and staff session; adds headers; turns any escape into JSON."""

    def __init__(
        self,
        app: App,
        accounts: Accounts,
        public_origins: tuple[str, ...] = (),
        body: int = BODY,
        upload: int = UPLOAD,
        ticks: frozenset[int] = frozenset(),
    ) -> None:
        """`body` and `upload`: bytes of a request, the second of one that brings staff's files.
        `ticks`: the functions of the desk that its timers call."""
        self._app = app
        self._accounts = accounts
        self._origins = frozenset(public_origins)
        self._body, self._upload = body, upload
        self._ticks = ticks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # no page of ours uses a WebSocket
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = Answer(send, request_id, scope, self._origins)
        try:
            self._check(scope)
            refused = await self._desk(scope)
            if refused is not None:
                await refused(scope, receive, answer.send)
                return
            answer.visitor(scope)
            body = await _checked_body(scope, receive, self._limit(scope))
            await self._touch(scope)
            await self._app(scope, body, answer.send)
        except Refusal as refusal:
            await answer.error(refusal.status, refusal.message, receive)
        except TooLarge:
            await answer.error(413, _too_large(self._limit(scope)), receive)
        except asyncio.CancelledError:  # the server stops and the grace time is over
            await answer.cut()
        except Exception:
            log.exception("request %s: %s %s", request_id, scope["method"], scope["path"])
            await answer.error(500, "Something went wrong here; please try again.", receive)

    def _check(self, scope: Scope) -> None:
        path, headers = scope["path"], Headers(scope=scope)
        if not (OWN.fullmatch(path) or _page(path)) or "\x00" in path or ".." in path:
            raise Refusal(404, "There is nothing at this address.")
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            self._check_origin(path, headers)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise Refusal(400, "The header Content-Length is not a number.")
        if int(length) > self._limit(scope):
            raise Refusal(413, _too_large(self._limit(scope)))

    def _limit(self, scope: Scope) -> int:
        return self._upload if scope["path"] == "/desk/gradio_api/upload" else self._body

    def _check_origin(self, path: str, headers: Headers) -> None:
        """Other sites' pages may not act here, except the named ones on the public API."""
        origin = headers.get("origin")
        if path.startswith("/api/") and origin in self._origins:
            return
        same = origin is None or urlsplit(origin).netloc == headers.get("host", "")
        if not same or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refusal(403, "This call comes from another site and is not allowed.")

    async def _desk(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if not (path == "/desk" or path.startswith("/desk/")) or path in PUBLIC_DESK:
            return None
        live = not path.rstrip("/").endswith(UNTOUCHED) and "/heartbeat/" not in path
        token = desk_token(scope)
        if await run_in_threadpool(self._accounts.who, token, touch=live):
            return None
        if scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", ""):
            return RedirectResponse("/desk/login", status_code=303)
        raise Refusal(401, "Please log in at /desk/login.")

    async def _touch(self, scope: Scope) -> None:
        """A call that somebody made on the desk keeps the session up."""
        called = scope["state"].get("fn_index")
        if scope["path"].startswith("/desk/") and called not in (None, *self._ticks):
            await run_in_threadpool(self._accounts.who, desk_token(scope), touch=True)


class Answer:
    """What goes back: with our headers, and without the words of a failure."""

    def __init__(
        self, send: Send, request_id: str, scope: Scope, framers: frozenset[str] = frozenset()
    ) -> None:
        """`framers`: origins whose pages may show the widget in a frame."""
        self._send = send
        self._framers = framers
        self._id = request_id
        self._scope = scope
        self._cookie: str | None = None
        self._replace = False
        self.status = 0  # of what was sent; 0 before

    def visitor(self, scope: Scope) -> None:
        """Give whoever has no visitor id one: in a cookie, and to the page behind us now."""
        if scope["path"].startswith(("/desk", "/api/", "/healthz", "/readyz", "/ui-static/")):
            return
        if scope["path"].startswith(
            "/widget"
        ):  # it keeps its visitor itself: no third-party cookie
            return
        if _cookies(scope).get(VISITOR_COOKIE, "") and visitor_of(scope) is not None:
            return
        visitor = secrets.token_hex(16)
        kept = [(k, v) for k, v in scope["headers"] if k != b"cookie"]
        scope["headers"] = [*kept, (b"cookie", f"{VISITOR_COOKIE}={visitor}".encode())]
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        # Lax: a link from elsewhere must find the conversation again; the id alone can do no harm
        self._cookie = (
            f"{VISITOR_COOKIE}={visitor}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Lax{secure}"
        )

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] >= 500 and not self._ours(message):
                await self._failure(message["status"])
                return
            self.status = message["status"]
            self._dress(message)
        elif self._replace:
            return  # the body of the failure that was replaced
        await self._send(message)

    def _ours(self, message: Message) -> bool:
        """JSON with a sentence, as this project's routes make it; Gradio's failures are not."""
        gradio = "/gradio_api/" in self._scope["path"]
        return not gradio and Headers(raw=message["headers"]).get("content-type", "").startswith(
            "application/json"
        )

    async def _failure(self, status: int) -> None:
        path = self._scope["path"]
        log.warning("request %s: status %d at %s", self._id, status, path)
        if status == 503:
            await self.error(503, "Too many people are asking right now; please try again soon.")
        elif "/gradio_api/" in path:  # its routes answer 500 to malformed calls; handlers do not
            await self.error(400, "This call could not be read; reload the page.")
        else:
            await self.error(status, "Something went wrong here; please try again.")
        self._replace = True

    async def error(self, status: int, message: str, receive: Receive | None = None) -> None:
        """One sentence as JSON, unless an answer has begun."""
        if self.status:
            return
        self.status = status
        body = {"error": message, "request_id": self._id}
        headers = {"cache-control": "no-store"} | ({"retry-after": "5"} if status == 503 else {})
        response = JSONResponse(body, status_code=status, headers=headers)

        async def dressed(start: Message) -> None:
            if start["type"] == "http.response.start":
                self._dress(start)
            await self._send(start)

        await response(self._scope, receive or _nothing, dressed)

    async def cut(self) -> None:
        """End a stream that is still open, so that its reader sees an end and no failure."""
        if self.status:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self.error(503, "The server is stopping; please try again in a moment.")

    def _dress(self, message: Message) -> None:
        headers = MutableHeaders(raw=message["headers"])
        for name, value in HEADERS.items():
            headers[name] = value
        if self._scope["path"] == "/widget" and self._framers:
            allowed = " ".join(("frame-ancestors 'self'", *sorted(self._framers)))
            headers["content-security-policy"] = CSP.replace("frame-ancestors 'self'", allowed)
        if OWN.fullmatch(self._scope["path"]) and self._scope["path"].startswith("/desk/"):
            # A form sent under no-referrer says "Origin: null", which is refused.
            headers["referrer-policy"] = "same-origin"
        headers["x-request-id"] = self._id
        if self._cookie:
            headers.append("set-cookie", self._cookie)
        if self._scope.get("scheme") == "https":
            headers["strict-transport-security"] = f"max-age={YEAR}"
        if self._scope["path"].startswith("/desk") and "/assets/" not in self._scope["path"]:
            headers["cache-control"] = "no-store"
        message["headers"] = headers.raw


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _page(path: str) -> bool:
    if path == "/desk" or path.startswith("/desk/"):
        return DESK_PAGE.fullmatch(path.removeprefix("/desk") or "/") is not None
    return PAGE.fullmatch(path) is not None


def _too_large(limit: int) -> str:
    return f"The request is too large; at most {limit // 1024} KB are allowed."


async def _checked_body(scope: Scope, receive: Receive, limit: int) -> Receive:
    """The body, cut off at `limit` bytes; a JSON body is read whole and must be a JSON object."""
    if Headers(scope=scope).get("content-type", "").startswith("multipart/"):
        return _counted(receive, limit)
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return receive
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "The request ended before its body was complete.")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise TooLarge
    if "/gradio_api/" in scope["path"]:
        called = _checked_json(body).get("fn_index")
        scope["state"]["fn_index"] = called if isinstance(called, int) else None
    return _replayed(body, receive)


def _counted(receive: Receive, limit: int) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise TooLarge
        return message

    return counted


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()  # a later disconnect
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def _checked_json(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = json.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Refusal(400, "The body is not JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise Refusal(400, "The body is not a JSON object.")
    return value


def _cookies(scope: Scope) -> dict[str, str]:
    pairs = (part.partition("=") for part in Headers(scope=scope).get("cookie", "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def visitor_of(scope: Scope) -> str | None:
    """The visitor's id from the cookie, when it is well formed."""
    found = _cookies(scope).get(VISITOR_COOKIE, "")
    return found if VISITOR.fullmatch(found) else None


def desk_cookie(scope: Scope) -> str:
    """The name of the staff cookie: bound to this host where the connection is encrypted."""
    return f"__Host-{DESK_COOKIE}" if scope.get("scheme") == "https" else DESK_COOKIE


def desk_token(scope: Scope) -> str | None:
    """The staff session's token from its cookie."""
    return _cookies(scope).get(desk_cookie(scope))
