"""The body of a request: no larger than it may be, and JSON where JSON is meant."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class Refusal(Exception):
    """Why a request does not pass: status and one sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class TooLarge(Exception):
    """The body went over its limit while it was read."""


async def checked_body(scope: Scope, receive: Receive, limit: int) -> Receive:
    """The body, cut off at `limit` bytes; a JSON body is read whole and must be a JSON object."""
    if Headers(scope=scope).get("content-type", "").startswith("multipart/"):
        if "/queue/" in scope["path"]:
            raise Refusal(400, "The body is not JSON in UTF-8.")
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
        scope["state"]["fn_index"] = called if type(called) is int else None  # True is no number
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
