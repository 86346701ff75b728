"""No join is answered while its page still holds a stream that was told to close."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ui.guard import Message, Receive, Scope, Send
from ui.streams import Streams

LAST_WORD = b'data: {"msg":"close_stream","event_id":null}\n\n'


async def gradio(scope: Scope, receive: Receive, send: Send) -> None:
    """A stream that closes at once; a call that is accepted."""
    if scope["method"] == "POST":
        await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    body = LAST_WORD if scope["method"] == "GET" else b'{"event_id":"1"}'
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class Call:
    """One request in a task: what was sent back, and whether its caller has left."""

    def __init__(self, streams: Streams, method: str, session: str, page: str = "/desk") -> None:
        self.sent: list[Message] = []
        self.left = asyncio.Event()
        self._body = [json.dumps({"session_hash": session, "data": []}).encode()]
        name = "data" if method == "GET" else "join"
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": f"{page}/gradio_api/queue/{name}",
            "query_string": f"session_hash={session}".encode(),
        }
        self.task = asyncio.ensure_future(streams(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    async def answered(self) -> bool:
        """Whether the whole answer came soon."""
        await asyncio.wait([self.task], timeout=0.1)
        return self.task.done()


def test_a_join_is_answered_when_the_page_let_go_of_its_stream() -> None:
    async def run() -> None:
        streams = Streams(gradio)
        stream = Call(streams, "GET", "a")
        assert not await stream.answered(), "its end tells the page nothing; it waits for the page"
        assert LAST_WORD in [message.get("body") for message in stream.sent]
        join = Call(streams, "POST", "a")
        assert not await join.answered()
        assert join.sent == []
        stream.left.set()
        assert await join.answered()
        assert await stream.answered()
        assert await Call(streams, "POST", "a").answered(), "nothing is closing any more"

    asyncio.run(run())


@pytest.mark.parametrize(("session", "page"), [("b", "/desk"), ("a", "")])
def test_another_page_does_not_wait(session: str, page: str) -> None:
    async def run() -> None:
        streams = Streams(gradio)
        stream = Call(streams, "GET", "a")
        assert not await stream.answered()
        assert await Call(streams, "POST", session, page).answered()
        stream.left.set()
        await stream.task

    asyncio.run(run())


def test_a_reader_that_never_lets_go_holds_nobody_for_long() -> None:
    async def run() -> None:
        streams = Streams(gradio, patience=0.2)
        stream = Call(streams, "GET", "a")
        join = Call(streams, "POST", "a")
        await asyncio.wait_for(join.task, 2)
        await asyncio.wait_for(stream.task, 2)
        assert stream.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}

    asyncio.run(run())


def test_a_stream_that_is_stopped_holds_nobody() -> None:
    async def run() -> None:
        streams = Streams(gradio)
        stream = Call(streams, "GET", "a")
        assert not await stream.answered()
        stream.task.cancel()
        assert await Call(streams, "POST", "a").answered()

    asyncio.run(run())
