"""The wall in front of every page and route: what may come in, and what every answer carries.

An ASGI application around the real one. Paths are allowed by list, so that a route that a new
Gradio brings is closed until somebody opens it here.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response

from knowledge.errors import DiskFull
from knowledge.load import LONGEST_SOURCE
from ui import openai_errors, roles
from ui.accounts import Accounts, Staff
from ui.bodies import Refusal, TooLarge, checked_body
from ui.cookies import (
    VISITOR_COOKIE,
    YEAR,
    cookies,
    desk_token,
    set_desk_cookie,
    visitor_of,
)
from ui.problems import FULL, problem_response
from ui.roles import Scope as Needs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

BODY = 64 * 1024  # bytes
EDITED = BODY + 4 * LONGEST_SOURCE  # bytes: the text of a document that staff edited
UPLOAD = 26 * 1024 * 1024  # bytes: 25 MB and the form around them

# What a Gradio page needs; measured in Chromium. Everything else of Gradio is closed.
PAGE = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/(assets|static|svelte)/[A-Za-z0-9._/@-]+"
    r"|/gradio_api/(info/?|theme\.css|startup-events|app_id|queue/join/?|queue/data|cancel|reset/?"
    r"|heartbeat/[A-Za-z0-9_-]+)"
)
DESK_PAGE = re.compile(PAGE.pattern + r"|/gradio_api/(upload|upload_progress)|/export\.zip")
OWN = re.compile(
    r"/healthz|/readyz|/ui-static/[A-Za-z0-9._-]+"
    r"|/desk/(login|setup|invite|password|logout|approved-answers\.csv|insights\.csv|calibration\.csv)"
    r"|/my-data\.json|/widget(\.js)?"
    r"|/api/v1/widget/(start|messages|person|stop|data)"
    r"|/api/v1/(chat|openapi\.json|replies/[^/]+/rating"
    r"|sessions/[^/]+/(person|messages|handover|contact))"
    # Of staff's programs; each asks for an API key, see ui/roles.py
    r"|/api/v1/(conversations|handovers|documents|approved-answers|intents|runs|feedback|webhooks)(/[^/]+){0,2}"
    r"|/api/v1/replies/[^/]+/feedback"
    r"|/v1/(chat/completions|models(/[^/]+)?)"
)
# Everything else under /desk asks for a session.
PUBLIC_DESK = {"/desk/login", "/desk/setup", "/desk/invite"}
FORMS = ("/desk/login", "/desk/setup", "/desk/invite", "/desk/password", "/desk/logout")
UPLOADS = ("/desk/gradio_api/upload", "/api/v1/documents")
JOIN = "/desk/gradio_api/queue/join"
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
        events: Mapping[int, Needs] | None = None,
    ) -> None:
        """`body` and `upload`: bytes of a request, the second of one that brings staff's files.
        `ticks`: the functions of the desk that its timers call. `events`: what each function of
        the desk needs; one that is not there is refused to everybody."""
        self._app = app
        self._accounts = accounts
        self._origins = frozenset(public_origins)
        self._body, self._upload = body, upload
        self._ticks = ticks
        self._events = events or {}

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
            body = await checked_body(scope, receive, self._limit(scope))
            self._check_event(scope)
            await self._touch(scope)
            await self._app(scope, body, answer.send)
        except Refusal as refusal:
            await answer.error(refusal.status, refusal.message, receive)
        except TooLarge:
            await answer.error(413, _too_large(self._limit(scope)), receive)
        except asyncio.CancelledError:  # the server stops and the grace time is over
            await answer.cut()
        except DiskFull as error:
            log.error("request %s: %s", request_id, error)
            await answer.error(503, FULL, receive)
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
        if scope["path"].rstrip("/") == JOIN:
            return max(EDITED, self._body)
        return self._upload if scope["path"] in UPLOADS else self._body

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
        token, page = desk_token(scope), self._is_page(scope)
        staff = await run_in_threadpool(self._accounts.staff, token, touch=live)
        if staff is None and page:
            return RedirectResponse("/desk/login", status_code=303)
        if staff is None or token is None:
            raise Refusal(401, "Please log in at /desk/login.")
        needed = roles.FILES.get(path, frozenset({Needs.OWN}))
        if not any(roles.may(staff.role, scope_) for scope_ in needed):
            raise Refusal(403, "Your role does not allow this.")
        scope["state"]["staff"] = staff
        if page and path in ("/desk", "/desk/"):
            renewed = await run_in_threadpool(self._accounts.sessions.renew, token)
            if renewed is not None:
                kept = [(k, v) for k, v in scope["headers"] if k != b"cookie"]
                cookie = set_desk_cookie(scope, renewed)
                scope["headers"] = [*kept, (b"cookie", cookie.partition(";")[0].encode())]
                scope["state"]["renewed"] = cookie
        return None

    def _is_page(self, scope: Scope) -> bool:
        return scope["method"] == "GET" and "text/html" in Headers(scope=scope).get("accept", "")

    def _check_event(self, scope: Scope) -> None:
        """Whether the role may call this function of the desk."""
        if scope["path"].rstrip("/") != JOIN:
            return
        called = scope["state"].get("fn_index")
        needed = self._events.get(called) if called is not None else None
        staff: Staff = scope["state"]["staff"]
        if needed is None:
            raise Refusal(400, "There is no such function on this page; reload it.")
        if not roles.may(staff.role, needed):
            raise Refusal(403, "Your role does not allow this.")

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
        self._cookie: str | None = None  # the header that sets one
        self._replace = False
        self._ended = False  # its last byte was sent
        self.status = 0  # of what was sent; 0 before

    def visitor(self, scope: Scope) -> None:
        """Give whoever has no visitor id one: in a cookie, and to the page behind us now."""
        if scope["path"].startswith(
            ("/desk", "/api/", "/v1/", "/healthz", "/readyz", "/ui-static/")
        ):
            return
        if scope["path"].startswith("/widget"):  # keeps its visitor itself: no third-party cookie
            return
        if cookies(scope).get(VISITOR_COOKIE, "") and visitor_of(scope) is not None:
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
        else:
            self._ended = not message.get("more_body", False)
        await self._send(message)

    def _ours(self, message: Message) -> bool:
        """JSON with a sentence, as this project's routes make it; Gradio's failures are not."""
        gradio = "/gradio_api/" in self._scope["path"]
        kind = Headers(raw=message["headers"]).get("content-type", "")
        return not gradio and kind.startswith(("application/json", "application/problem+json"))

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
        headers = {"cache-control": "no-store"} | ({"retry-after": "5"} if status == 503 else {})
        response = problem_response(status, message, self._id, headers)
        if self._scope["path"].startswith(openai_errors.PATHS):
            body = openai_errors.error_body(status, message)
            response = JSONResponse(body, status_code=status, headers=headers)

        async def dressed(start: Message) -> None:
            if start["type"] == "http.response.start":
                self._dress(start)
            await self._send(start)

        await response(self._scope, receive or _nothing, dressed)

    async def cut(self) -> None:
        """End a stream that is still open, so that its reader sees an end and no failure."""
        if self.status and not self._ended:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not self.status:
            await self.error(503, "The server is stopping; please try again in a moment.")

    def _dress(self, message: Message) -> None:
        headers = MutableHeaders(raw=message["headers"])
        for name, value in HEADERS.items():
            headers[name] = value
        if self._scope["path"] == "/widget" and self._framers:
            allowed = " ".join(("frame-ancestors 'self'", *sorted(self._framers)))
            headers["content-security-policy"] = CSP.replace("frame-ancestors 'self'", allowed)
        if self._scope["path"] in FORMS:
            # A form sent under no-referrer says "Origin: null", which is refused.
            headers["referrer-policy"] = "same-origin"
        headers["x-request-id"] = self._id
        for cookie in (self._cookie, self._scope["state"].get("renewed")):
            if cookie:
                headers.append("set-cookie", cookie)
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
