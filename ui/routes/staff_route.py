"""The class of every route for programs: a key with the scope of the table, or nothing.

It also writes the audit log's row and answers a repeated POST as the first time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from chatbot import errors as chatbot
from finetune import errors as finetune
from knowledge import errors as knowledge
from knowledge.pairs import BadPair
from ui.api_keys import KeyRefused, Keys, Principal
from ui.audit import Act, acting
from ui.idempotency import HEADER, REPLAYED, Answer, Once
from ui.problems import PROBLEM, request_id
from ui.roles import ROUTES, Scope

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
STATUS: dict[type[Exception], int] = {  # the first that fits
    chatbot.NotFound: 404,
    knowledge.NotFound: 404,
    finetune.UnknownRun: 404,
    chatbot.WrongState: 409,
    finetune.NotPromotable: 409,
    BadPair: 422,
    knowledge.UnreadableFile: 422,
    knowledge.UnsupportedFile: 422,
    chatbot.ChatbotError: 422,
    finetune.FinetuneError: 422,
    knowledge.KnowledgeError: 422,
}
EXAMPLE = {
    "type": "about:blank",
    "title": "Forbidden",
    "status": 403,
    "detail": "This API key lacks the scope 'knowledge:write'.",
    "error": "This API key lacks the scope 'knowledge:write'.",
    "request_id": "5f2b9c1e8a7d4f60",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": "What is wrong, in one sentence",
        "content": {PROBLEM: {"example": {**EXAMPLE, "title": title, "status": status}}},
    }
    for status, title in ((401, "Unauthorized"), (403, "Forbidden"), (404, "Not Found"),
                          (409, "Conflict"), (422, "Unprocessable Content"),
                          (429, "Too Many Requests"))
}  # fmt: skip


def router(keys: Keys, once: Once, tag: str) -> APIRouter:
    """An empty router under /api/v1 whose routes ask for a key."""

    class StaffRoute(APIRoute):
        """One route."""

        def get_route_handler(self) -> Handler:
            handler, path = super().get_route_handler(), self.path

            async def guarded(request: Request) -> Response:
                principal = await run_in_threadpool(authorised, keys, request, path)
                request.state.principal = principal
                request.state.act = act = _act(request, principal, path)

                async def handled() -> Response:
                    with acting(act if request.method != "GET" else None):
                        return await _answered(handler, request)

                if request.method != "POST":  # the others are the same when they are sent again
                    return await handled()
                return await _once(once, principal, request, handled)

            return guarded

    return APIRouter(
        prefix="/api/v1",
        route_class=StaffRoute,
        tags=[tag],
        responses=PROBLEMS,
        # For the documentation: the check is in the route's class, which none can leave out
        dependencies=[Depends(HTTPBearer(auto_error=False, description="An API key: zk_…"))],
    )


def authorised(keys: Keys, request: Request, path: str) -> Principal:
    """Who calls; HTTPException where the key, or the row of ui/roles.py, is missing."""
    scope = ROUTES.get((request.method, path))
    return checked(keys, request.headers.get("authorization"), scope)


def checked(keys: Keys, authorization: str | None, scope: Scope | None) -> Principal:
    """The same for any route: the key of this header has this scope. Raises HTTPException."""
    if scope is None:
        raise HTTPException(403, "Nobody may use this route: it has no row in the table of roles.")
    try:
        return keys.check(authorization, scope)
    except KeyRefused as refused:
        headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
        headers |= {"Retry-After": str(refused.wait)} if refused.wait else {}
        raise HTTPException(refused.status, refused.message, headers) from refused


def caller(request: Request) -> Principal:
    """Who calls, inside a route."""
    principal: Principal = request.state.principal
    return principal


def _act(request: Request, principal: Principal, path: str) -> Act:
    values = request.path_params.values()
    action = f"api.{request.method} {path.removeprefix('/api/v1')}"
    return Act(principal.name, action, "/".join(map(str, values)), request_id(request))


async def _once(
    once: Once, principal: Principal, request: Request, handle: Callable[[], Awaitable[Response]]
) -> Response:
    """The answer of `handle`, or the one that was given to the same call before.

    An answer that is no success is not kept: the call may be sent again.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return await handle()
    said = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    body, owner = said + await request.body(), f"key:{principal.id}"
    attempt = await run_in_threadpool(once.begin, owner, key, body)
    if (before := attempt.answer) is not None:
        return Response(before.body, before.status, REPLAYED, media_type=before.kind)
    try:
        response = await handle()
        if response.status_code < 300:
            kind = response.media_type or response.headers.get("content-type")
            answer = Answer(response.status_code, kind, bytes(response.body))
            named = request.path_params
            ids = named.get("conversation_id"), named.get("reply_id")
            await run_in_threadpool(attempt.answered, answer, *ids)
        return response
    finally:
        await run_in_threadpool(attempt.close)


async def _answered(handler: Handler, request: Request) -> Response:
    """The answer, or the status that its error means."""
    try:
        return await handler(request)
    except tuple(STATUS) as error:
        status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
        raise HTTPException(status, str(error)) from error
