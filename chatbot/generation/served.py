"""The server behind an OpenAI-compatible engine: its address, its key, and what it serves."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from chatbot.errors import GenerationError

LOOK, RECHECK = 60.0, 5.0  # seconds between two looks at what it serves: while it is up, down
# It is there but has no list; `transformers serve` answers 500 where the hub's cache is missing.
NO_LIST = (404, 405, 500, 501)
AGAIN = 2.0  # seconds until a name that was not there is looked for again
MOST = 4 * 1024 * 1024  # bytes of that list


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is and how long to wait for it."""

    url: str  # up to and with /v1, without a slash at the end
    key_file: str = ""  # a file with the API key; "" for a server that needs none
    connect_seconds: float = 3.0
    silence_seconds: float = 10.0  # until the first word, and between two

    def headers(self) -> dict[str, str]:
        """With the key as the file has it now. Raises GenerationError, which never quotes it."""
        if not self.key_file:
            return {}
        try:
            key = Path(self.key_file).expanduser().read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise GenerationError(
                f"chatbot.generator_key_file {self.key_file} cannot be read ({reason})."
            ) from error
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise GenerationError(
                f"chatbot.generator_key_file {self.key_file} must hold one key and nothing else."
            )
        return {"Authorization": f"Bearer {key}"}


class Served:
    """The names under /v1/models, looked at again and again while the engine runs."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._names: frozenset[str] | None = None  # None: the server does not tell
        self._looked = 0.0  # monotonic
        self.asked = threading.Event()  # the first look is over
        self.reached = False
        self.status = f"connecting to {server.url}"

    async def watch(self, client: httpx.AsyncClient) -> None:
        """Look until cancelled."""
        while True:
            await self.look(client)
            self.asked.set()
            await asyncio.sleep(LOOK if self.reached else RECHECK)

    async def has(self, client: httpx.AsyncClient, name: str) -> bool:
        """Whether it serves this name; an adapter may have been added since the last look."""
        unknown = self._names is not None and name not in self._names
        if unknown and time.monotonic() - self._looked > AGAIN:
            await self.look(client)
        return self._names is None or name in self._names

    async def look(self, client: httpx.AsyncClient) -> None:
        """Ask for the list once; `reached` and `status` say how that went. Never raises."""
        url, self._looked = self._server.url, time.monotonic()
        try:
            async with client.stream(
                "GET", f"{url}/models", headers=self._server.headers()
            ) as response:
                status, body = response.status_code, await _bounded(response)
        except GenerationError as error:
            self.reached, self.status = False, str(error)
            return
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            self.reached, self.status = False, f"{url} cannot be reached ({reason})"
            return
        if status in NO_LIST:
            self._names, self.reached, self.status = None, True, "ready"
        elif status != 200:
            self.reached, self.status = False, f"{url}/models answers with status {status}"
        else:
            self._names, self.reached, self.status = _names(body), True, "ready"


async def _bounded(response: httpx.Response) -> bytes:
    """The body, or its first bytes when it is longer than any list of models."""
    body = b""
    async for data in response.aiter_bytes():
        body += data
        if len(body) > MOST:
            break
    return body


def _names(body: bytes) -> frozenset[str] | None:
    try:
        rows: Any = json.loads(body)["data"]
        return frozenset(str(row["id"]) for row in rows)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
