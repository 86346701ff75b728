"""Whoever asked has gone: the turn is told, so that no engine goes on writing for nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

LOOK = 0.25  # seconds between two looks whether somebody still waits
T = TypeVar("T")


class EventStream(StreamingResponse):
    """Server-sent events; `left` is set when the reader goes, also while an event is awaited."""

    media_type = "text/event-stream"

    def __init__(
        self, content: Iterator[str], left: threading.Event, headers: Mapping[str, str]
    ) -> None:
        super().__init__(content, headers=headers)
        self._left = left

    async def listen_for_disconnect(self, receive: Receive) -> None:
        await super().listen_for_disconnect(receive)
        self._left.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._left.set()


async def while_connected(request: Request, left: threading.Event, work: Callable[[], T]) -> T:
    """The result of `work`, done in a thread; `left` is set when the caller goes before."""

    async def watch() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(LOOK)
        left.set()

    watching = asyncio.create_task(watch())
    try:
        return await run_in_threadpool(work)
    finally:
        watching.cancel()
