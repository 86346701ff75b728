"""The end of a page's stream of results, so that no result falls between two streams.

A Gradio page reads the results of all its calls (POST queue/join) from one stream (GET queue/data).
When nothing is left to say, Gradio ends the stream with the word `close_stream`, and the page opens
the next one after the next answer to a join. A busy page reads that word late. A join answered in
between finds the stream still open on the page, so nobody ever reads the result of that call.

Here a join is answered only when the page has let go of a stream that was told to close. It does so
in the same step in which it notes that it has none, so the answer makes it open the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from urllib.parse import parse_qs

from ui.guard import App, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

DATA, JOIN = "/gradio_api/queue/data", "/gradio_api/queue/join"
CLOSE = b'"close_stream"'  # in JSON text that somebody wrote, the quotes have backslashes
PATIENCE = 15.0  # seconds for a reader that does not let go, e.g. behind a proxy that hides it


class Streams:
    """An ASGI application around the pages, inside the guard."""

    def __init__(self, app: App, patience: float = PATIENCE) -> None:
        self._app = app
        self._patience = patience
        self._closing: dict[str, asyncio.Event] = {}  # by stream; set when its reader has gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").rstrip("/")
        if path.endswith(DATA):
            session = parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])
            await self._data(path.removesuffix(DATA) + " " + session[0], scope, receive, send)
        elif path.endswith(JOIN):
            await self._join(path.removesuffix(JOIN), scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _data(self, stream: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the stream on; after its last word keep it until the page lets go."""
        gone, last = asyncio.Event(), None

        async def passed(message: Message) -> None:
            nonlocal last
            if CLOSE in message.get("body", b""):
                self._closing[stream] = gone
            if self._closing.get(stream) is gone and not message.get("more_body", True):
                last = message
            else:
                await send(message)

        try:
            await self._app(scope, receive, passed)
            if last is not None:
                await self._let_go(receive)
                await send(last)
        finally:
            gone.set()
            if self._closing.get(stream) is gone:
                del self._closing[stream]

    async def _let_go(self, receive: Receive) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            log.info("a page kept its stream for %.0f s after it was told to close", self._patience)

    async def _join(self, page: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call when its page has no stream that is closing."""
        body = b""

        async def read() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                closing = self._closing.get(f"{page} {json.loads(body)['session_hash']}")
                if closing is not None:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(closing.wait(), self._patience)
            await send(message)

        await self._app(scope, read, answered)
