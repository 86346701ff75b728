"""Any server that speaks OpenAI's /v1/chat/completions with streaming, with adapters by name.

vLLM, SGLang, llama.cpp, `transformers serve`, hosted ones. The promoted adapter is asked for under
the name of its run, so the server has to serve it under that name.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Literal

import httpx

from chatbot.errors import GenerationError
from chatbot.generation.breaker import LONGEST, Breaker
from chatbot.generation.chat_stream import BadAnswer, Part, parts, refusal
from chatbot.generation.outgoing import Returned, outgoing
from chatbot.generation.protocol import Generation, Piece, Request, Sampling, Translation
from chatbot.generation.served import Served, Server

logger = logging.getLogger(__name__)

POLL = 0.05  # seconds until a cancelled request notices
BACKOFF = 0.5  # seconds before the second try, doubled for each further one, less up to a half
CHARACTERS = 16  # of a token at most; an answer that is longer ignores max_tokens and is cut
AGAIN = (408, 425, 429, 500, 502, 503, 504)  # may go better at the next try
OURS = (400, 404, 413, 422)  # the one request is at fault, not the server
CONNECTIONS = 64  # at once; vLLM batches as many
LAST = 0.5  # seconds for a stream to end after its last word
BUSY = 2.0  # seconds that a request waits for one of them


class Failed(Exception):
    """A try that failed: one sentence, and what it means for the next one."""

    def __init__(
        self,
        reason: str,
        *,
        again: bool = False,
        fault: Literal["server", "request", "nobody"] = "server",
        pause: float = 0,
    ) -> None:
        super().__init__(reason)
        self.again = again
        self.fault = fault
        self.pause = pause  # seconds, where the server said them


@dataclass(slots=True)
class Call:
    """One request on its way: what the loop's thread hands to the customer's."""

    body: dict[str, Any]
    headers: dict[str, str]
    originals: dict[str, str]  # what the placeholders in the body stand for
    adapter: str | None
    sampling: Sampling
    deadline: float  # monotonic
    events: SimpleQueue[Part | GenerationError] = field(default_factory=SimpleQueue)
    characters: int = 0  # of the answer so far

    @property
    def left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.0)


class OpenAIGenerator:
    """Answers from a server elsewhere; safe from any thread.

    All requests run in one thread's event loop, where a cancelled one ends its connection at
    once, so that the server stops decoding for nobody. `start()` returns at once; whatever is
    wrong, `stream` raises GenerationError and `status` says why.
    """

    def __init__(
        self, server: Server, model: str, languages: frozenset[str], *, retries: int = 2
    ) -> None:
        """`model` as the server names it; `languages` that it really speaks."""
        self._server = server
        self._model = model
        self.languages = languages
        self._retries = retries
        self._breaker = Breaker()
        self._served = Served(server)
        self._refuses: set[str] = set()  # parameters that this model does not take
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: httpx.AsyncClient | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return f"openai:{self._model}"

    @property
    def ready(self) -> bool:
        return self._loop is not None and self._served.reached and not self._breaker.open

    @property
    def status(self) -> str:
        """One phrase for people: "ready", "connecting …", or what is wrong and what to do."""
        if self._loop is None:
            return "not started"
        if self._breaker.open:
            return f"left alone for a while: {self._breaker.reason}"
        return self._served.status

    def start(self) -> None:
        """Connect in the background; never raises, whatever is missing."""
        with self._lock:
            if self._loop is not None:
                return
            self._client = _client(self._server)
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="openai engine", daemon=True
            )
            self._thread.start()
        self._run(self._served.watch(self._client))

    def wait(self, seconds: float) -> bool:
        """Wait for the first word of the server; False when it was not reached by then."""
        self._served.asked.wait(seconds)
        return self.ready

    def close(self) -> None:
        """End the running requests; they get a GenerationError."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._shut(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join(timeout=10)
        loop.close()

    # One request, on the customer's thread

    def stream(self, request: Generation) -> Iterator[Piece]:
        """Pieces as they come; the last one has no text and names engine and adapter."""
        yield from self._pieces(request)

    def translate(self, request: Translation) -> Iterator[Piece]:
        """As `stream`; personal data leaves as placeholders here too."""
        yield from self._pieces(request)

    def _pieces(self, request: Request) -> Iterator[Piece]:
        adapter = request.adapter.name if request.adapter else None
        if request.cancelled.is_set():
            yield Piece("", engine=self.name, adapter=adapter, stop="cancelled")
            return
        if (wait := self._breaker.wait()) > 0:
            raise GenerationError(
                f"{self._server.url} is left alone for {wait:.0f} s more: {self._breaker.reason}"
            )
        call = self._call(request, adapter)
        future, part = self._run(self._answer(call)), Part()
        try:
            while (part := self._next(call, request.cancelled)).stop is None:
                yield Piece(part.text)
        finally:
            if part.stop in (None, "cancelled"):  # else it closes its connection itself,
                future.cancel()  # and to cancel that would leave it open
        yield Piece("", engine=self.name, adapter=adapter, stop=part.stop)

    def _call(self, request: Request, adapter: str | None) -> Call:
        """Raises GenerationError when the key cannot be read."""
        sent = outgoing(request)
        body = {"model": adapter or self._model, "messages": sent.chat, "stream": True}
        deadline = time.monotonic() + request.sampling.max_seconds
        headers = self._server.headers()
        return Call(body, headers, sent.originals, adapter, request.sampling, deadline)

    def _next(self, call: Call, cancelled: threading.Event) -> Part:
        """Raises GenerationError."""
        while not cancelled.is_set():
            try:
                event = call.events.get(timeout=POLL)
            except Empty:
                continue
            if isinstance(event, GenerationError):
                raise event
            return event
        return Part(stop="cancelled")

    def _run(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        loop = self._loop
        if loop is None:
            work.close()
            raise GenerationError(f"{self._server.url} is not used: {self.status}.")
        return asyncio.run_coroutine_threadsafe(work, loop)

    # The same request, in the loop's thread

    async def _answer(self, call: Call) -> None:
        """Puts parts, and at last a stop or an error, into the call's queue."""
        try:
            async with asyncio.timeout(call.left):
                await self._with_retries(call)
        except TimeoutError:
            if call.characters:
                self._breaker.succeeded()
                call.events.put(Part(stop="time"))
            else:
                seconds = call.sampling.max_seconds
                self._lost(call, Failed(f"It wrote nothing within {seconds:g} s."))
        except Failed as failed:
            self._lost(call, failed)
        except asyncio.CancelledError:
            call.events.put(GenerationError(f"{self._server.url}: the request was ended."))
            raise
        except Exception as error:  # an edge: no customer waits for an answer that cannot come
            logger.exception("request to %s", self._server.url)
            self._lost(call, Failed(f"It failed ({type(error).__name__})."))

    def _lost(self, call: Call, failed: Failed) -> None:
        if failed.fault == "server":
            self._breaker.failed(str(failed), failed.pause)
        elif failed.fault == "request":
            self._breaker.succeeded()  # it is there and refuses this one
        call.events.put(GenerationError(f"{self._server.url}: {failed}"))

    async def _with_retries(self, call: Call) -> None:
        """Try again with a growing, random pause, as long as nothing was written yet."""
        tried = -1
        while (tried := tried + 1) <= self._retries:
            try:
                await self._try(call)
                return
            except Failed as failed:
                if failed.fault == "request" and self._learn(str(failed)):
                    tried -= 1
                    continue
                pause = max(BACKOFF * 2**tried * random.uniform(0.5, 1), failed.pause)
                last = tried == self._retries or pause >= call.left
                if last or call.characters or not failed.again:
                    raise
                logger.info("%s: %s Again in %.1f s.", self._server.url, failed, pause)
                await asyncio.sleep(pause)

    def _learn(self, reason: str) -> bool:
        """Hosted reasoning models refuse max_tokens and temperature, and say so."""
        known = len(self._refuses)
        if "nsupported" in reason:
            self._refuses.update(n for n in ("max_tokens", "temperature") if f"'{n}'" in reason)
        return len(self._refuses) > known

    def _sampling(self, sampling: Sampling) -> dict[str, float]:
        """What the model takes of it."""
        length = "max_completion_tokens" if "max_tokens" in self._refuses else "max_tokens"
        warmth = {} if "temperature" in self._refuses else {"temperature": sampling.temperature}
        return {length: sampling.max_tokens, **warmth}

    async def _try(self, call: Call) -> None:
        """One POST. Raises Failed."""
        assert self._client is not None
        if call.adapter and not await self._served.has(self._client, call.adapter):
            if not self._served.reached:
                raise Failed(f"{self._served.status}.")
            raise Failed(
                f"It does not serve the promoted adapter {call.adapter!r}. Start it with that "
                f"adapter (vLLM: --lora-modules {call.adapter}=FOLDER), or roll back.",
                fault="request",
            )
        url = f"{self._server.url}/chat/completions"
        try:
            async with self._client.stream(
                "POST", url, json=call.body | self._sampling(call.sampling), headers=call.headers
            ) as response:
                if response.status_code != 200:
                    raise await _refused(response)
                await self._read(call, parts(response))
        except httpx.PoolTimeout:
            raise Failed("All connections to it are in use.", fault="nobody") from None
        except httpx.ConnectTimeout:
            seconds = self._server.connect_seconds
            raise Failed(f"No connection within {seconds:g} s.", again=True) from None
        except httpx.TimeoutException:  # a second try would wait as long again
            raise Failed(f"It was silent for {self._server.silence_seconds:g} s.") from None
        except httpx.HTTPError as error:
            reason = f"It cannot be reached ({error or type(error).__name__})."
            raise Failed(reason, again=True) from None
        except BadAnswer as error:
            raise Failed(str(error)) from None

    async def _read(self, call: Call, answer: AsyncIterator[Part]) -> None:
        """Hand the answer on until it ends."""
        most, returned = CHARACTERS * call.sampling.max_tokens, Returned(call.originals)
        async for part in answer:
            text = returned.rest() if part.stop else returned.feed(part.text)
            call.characters += len(text)
            if text:
                call.events.put(Part(text))
            if part.stop or call.characters > most:
                self._breaker.succeeded()
                call.events.put(part if part.stop else Part(stop="length"))
                break
        if part.stop:
            with suppress(TimeoutError, httpx.HTTPError, BadAnswer):
                async with asyncio.timeout(LAST):
                    await anext(answer, None)

    async def _shut(self) -> None:
        """Cancel what runs, then close the connections."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()


def _client(server: Server) -> httpx.AsyncClient:
    """Redirects are not followed: they would carry the key elsewhere."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(server.silence_seconds, connect=server.connect_seconds, pool=BUSY),
        limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
    )


async def _refused(response: httpx.Response) -> Failed:
    """What an HTTP status means; a wait that is longer than the customer's opens the breaker."""
    status = response.status_code
    reason = f"It answers with status {status}: {await refusal(response)}"
    if status in (401, 403):
        reason += " Check chatbot.generator_key_file."
    pause = _retry_after(response.headers.get("retry-after", ""))
    fault: Literal["server", "request"] = "request" if status in OURS else "server"
    return Failed(reason, again=status in AGAIN, fault=fault, pause=pause)


def _retry_after(value: str) -> float:
    """Seconds; 0 when the header has none. A date is not read: the own pause counts then."""
    value = value.strip()
    return min(float(value), LONGEST) if value.isascii() and value.isdigit() else 0.0
