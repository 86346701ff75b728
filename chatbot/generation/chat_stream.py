"""One streamed chat completion as it comes over the wire (server-sent events of OpenAI's API)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

LONGEST_LINE = 256 * 1024  # bytes; one event of a chat completion has a few hundred
LONGEST_ERROR = 4 * 1024  # bytes read of an error's body
STOPS = {"stop": "end", "length": "length", "max_tokens": "length", "eos": "end"}


class BadAnswer(Exception):
    """The server answered with something that is no chat completion: one sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text, or why the answer ended."""

    text: str = ""
    stop: str | None = None  # end, length


async def parts(response: httpx.Response) -> AsyncIterator[Part]:
    """The text of an event stream, last a Part with `stop`. Raises BadAnswer."""
    kind = response.headers.get("content-type", "")
    if not kind.startswith("text/event-stream"):
        raise BadAnswer(f"It answers with {kind or 'no content type'} instead of a stream.")
    stop: str | None = None
    lines = _lines(response)
    async for line in lines:
        field, _, value = line.partition(":")
        if field != "data":  # comments that keep the connection up, names of events
            continue
        value = value.strip()
        if value == "[DONE]":
            yield Part(stop=stop or "end")
            async for _ in lines:  # a connection that was read to its end can be used again
                pass
            return
        text, ended = _delta(value)
        stop = ended or stop
        if text:
            yield Part(text)
    if stop is None:
        raise BadAnswer("The stream broke off before the answer was complete.")
    yield Part(stop=stop)


def _delta(value: str) -> tuple[str, str | None]:
    """Text and reason to stop of one event; thinking and tool calls are no text."""
    try:
        event = json.loads(value)
        if "error" in event:
            raise BadAnswer(f"It broke off with an error: {message_of(event)}")
        choices = event["choices"]
        if not choices:  # the last event may hold the usage alone
            return "", None
        text = (choices[0].get("delta") or {}).get("content") or ""
        finish = choices[0].get("finish_reason")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadAnswer(f"It sent what is no chat completion: {value[:80]!r}") from None
    if not isinstance(text, str) or not (finish is None or isinstance(finish, str)):
        raise BadAnswer(f"It sent what is no chat completion: {value[:80]!r}")
    if finish == "content_filter":
        raise BadAnswer("Its own filter stopped the answer.")
    return text, STOPS.get(finish, "end") if finish else None


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """Lines of bounded length; a server may not fill the memory with one."""
    rest = b""
    async for data in response.aiter_bytes():
        *whole, rest = (rest + data).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise BadAnswer("It sent a line that does not end.")
        for line in whole:
            yield line.decode("utf-8", "replace").rstrip("\r")
    if rest:
        yield rest.decode("utf-8", "replace").rstrip("\r")


async def refusal(response: httpx.Response) -> str:
    """The words of an error answer, at most 200 characters, read from its first bytes."""
    body = b""
    async for data in response.aiter_bytes():
        body += data
        if len(body) > LONGEST_ERROR:
            break
    try:
        return message_of(json.loads(body[:LONGEST_ERROR]))
    except (ValueError, RecursionError):
        return body[:200].decode("utf-8", "replace").strip()


def message_of(body: Any) -> str:
    """The sentence in {"error": {"message"}}, {"error"}, {"detail"} or {"message"}."""
    found = body
    for name in ("error", "detail", "message"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    return " ".join(str(found).split())[:200]
