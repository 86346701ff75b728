"""A real HTTP server that speaks /v1/chat/completions and fails in the ways that servers do."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive

Body = dict[str, Any]
Behaviour = Callable[["ChatServer", Body], Response]
ANSWER = "Unopened tea can be returned within 30 days. Shipping costs 4.90 EUR."


class ChatServer:
    """Answers each POST with the next behaviour of `script`, at its end with the last one again."""

    def __init__(self) -> None:
        self.script: list[Behaviour] = [says(ANSWER)]
        self.models = ["base"]
        self.list_status = 200
        self.seen: list[Body] = []  # bodies of the POSTs
        self.keys: list[str | None] = []  # their Authorization
        self.connections: set[int] = set()  # the ports they came from
        self.left = threading.Event()  # somebody went before the answer was complete
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        config = uvicorn.Config(self._app(), log_level="error", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def _app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/models")
        def models() -> Response:
            data = [{"id": name, "object": "model"} for name in self.models]
            return JSONResponse({"object": "list", "data": data}, self.list_status)

        @app.post("/v1/chat/completions")
        async def completions(request: Request) -> Response:
            body = await request.json()
            self.seen.append(body)
            self.keys.append(request.headers.get("authorization"))
            self.connections.add(request.client.port if request.client else 0)
            behaviour = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            return behaviour(self, body)

        return app

    def __enter__(self) -> ChatServer:
        self._thread.start()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                httpx.get(f"{self.url}/models").raise_for_status()
                return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError("the server did not answer")

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


class Watched(StreamingResponse):
    """Says when its reader went before the end."""

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[str], left: threading.Event) -> None:
        super().__init__(content)
        self._left = left

    async def listen_for_disconnect(self, receive: Receive) -> None:
        await super().listen_for_disconnect(receive)
        self._left.set()


def chunk(text: str = "", finish: str | None = None, **more: Any) -> str:
    """One event of a stream, as vLLM writes it."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    body = {"id": "c", "object": "chat.completion.chunk", "choices": [choice], **more}
    return f"data: {json.dumps(body)}\n\n"


def events(*raw: str | float, hang: bool = False) -> Behaviour:
    """These events (a number is a pause in seconds), then the end; or silence for ever."""

    def behaviour(server: ChatServer, body: Body) -> Response:
        async def stream() -> AsyncIterator[str]:
            for event in raw:
                if isinstance(event, float):
                    await asyncio.sleep(event)
                else:
                    yield event
            while hang:
                await asyncio.sleep(0.05)

        return Watched(stream(), server.left)

    return behaviour


def says(text: str, pieces: int = 6, finish: str = "stop") -> Behaviour:
    """This text in so many pieces, up to max_tokens words."""

    def behaviour(server: ChatServer, body: Body) -> Response:
        words = text.split(" ")
        kept = " ".join(words[: body["max_tokens"]])
        ending = finish if len(words) <= body["max_tokens"] else "length"
        size = -(-len(kept) // pieces)
        parts = [chunk(kept[i : i + size]) for i in range(0, len(kept), size)]
        role = {"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}
        first = f"data: {json.dumps({'choices': [role]})}\n\n"
        usage = f"data: {json.dumps({'choices': [], 'usage': {'total_tokens': 9}})}\n\n"
        done = "data: [DONE]\n\n"
        return events(first, ": ping\n\n", *parts, chunk(finish=ending), usage, done)(server, body)

    return behaviour


def translates(words: Mapping[str, str]) -> Behaviour:
    """What stands in the table for the last message."""

    def behaviour(server: ChatServer, body: Body) -> Response:
        return says(words[body["messages"][-1]["content"]])(server, body)

    return behaviour


def status(code: int, message: str = "no", **headers: str) -> Behaviour:
    """An error in OpenAI's shape."""

    def behaviour(server: ChatServer, body: Body) -> Response:
        return JSONResponse({"error": {"message": message}}, code, headers)

    return behaviour


def redirects(url: str) -> Behaviour:
    return lambda server, body: RedirectResponse(url, 307)


def answers(content: str | bytes, media_type: str) -> Behaviour:
    """Something that is no stream."""
    return lambda server, body: Response(content, media_type=media_type)
