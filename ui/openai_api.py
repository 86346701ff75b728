"""A turn of the assistant behind OpenAI's API: /v1/chat/completions and /v1/models.

What the assistant is told comes from the documents and its own rules: system messages, tools and
sampling of the caller have no say. Our own fields stand under one key, `zhike`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from chatbot.app import App
from chatbot.errors import ChatbotError, Crowded, NotFound
from chatbot.store import new_id
from chatbot.types import Delta, Incoming, Message, Reply, Stage
from knowledge.errors import DiskFull, KnowledgeError
from ui.admission import Admission, anonymous
from ui.api import Limits, VisitorHeader, as_json
from ui.disconnects import EventStream, while_connected
from ui.guard import BODY
from ui.limits import check_crowd, crowded, too_many
from ui.openai_errors import OpenAIRoute, Refused, error_body
from ui.problems import FULL

log = logging.getLogger(__name__)

MODEL = "zhike"  # the one model: the assistant
CHANNEL = "openai"
MAX_MESSAGES = 200
REMEMBERED = 20  # messages that a caller without a conversation brings along, as the store gives
SessionHeader = Annotated[str | None, Header(alias="X-Zhike-Session", max_length=64)]
UNSUPPORTED = ("tools", "functions", "logprobs", "top_logprobs", "audio", "prediction")
EXAMPLE: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "How long does shipping to Canada take?"}],
    "user": "customer-17",
}


# With a limit a text is read as Unicode, so that a half of a surrogate pair is refused here.
Text = Annotated[str, Field(max_length=BODY)]


class Part(BaseModel):
    """A part of a message; only text is read."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["text"]
    text: Text


class Turn(BaseModel):
    """One message as the caller has it."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class Own(BaseModel):
    """What only Zhike understands."""

    model_config = ConfigDict(extra="forbid")

    language: Literal["zh-Hans", "zh-Hant", "en"] | None = None
    collection: str | None = Field(None, max_length=200)


class Completion(BaseModel):
    """The body of OpenAI's chat completions; sampling parameters are taken and have no effect."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [EXAMPLE]})

    model: Text
    messages: list[Turn] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool = False
    n: Literal[1] | None = 1
    user: str | None = Field(None, max_length=256)
    zhike: Own = Field(default_factory=lambda: Own(collection=None))


def router(app: App, limits: Limits, admit: Admission = anonymous) -> APIRouter:
    """The routes of /v1; `admit` says who calls."""

    def admitted(request: Request) -> None:  # before the body is looked at
        request.state.caller = admit(request)

    bearer = HTTPBearer(auto_error=False, description="An API key with the scope chat: zk_…")
    routes = APIRouter(
        prefix="/v1",
        route_class=OpenAIRoute,
        dependencies=[Depends(bearer), Depends(admitted)],
    )
    started = int(time.time())
    card = {"id": MODEL, "object": "model", "created": started, "owned_by": "zhike"}

    @routes.get("/models")
    def models(visitor: VisitorHeader = None) -> dict[str, Any]:
        """The assistant, as the one model."""
        return {"object": "list", "data": [card]}

    @routes.get("/models/{model}")
    def model(model: str, visitor: VisitorHeader = None) -> dict[str, Any]:
        """The same by its name."""
        _require_model(model)
        return card

    @routes.post("/chat/completions")
    async def completions(
        wanted: Completion,
        request: Request,
        visitor: VisitorHeader = None,
        session: SessionHeader = None,
    ) -> Response:
        """One turn of the assistant; with `stream`, as server-sent events up to `[DONE]`."""
        owner = _owner(request.state.caller, wanted.user)
        _check(wanted, app.assistant.settings.max_question)
        _allow(limits, owner, request)
        check_crowd(app.assistant.crowd)
        incoming = await run_in_threadpool(_incoming, app, wanted, owner, session)
        headers = {
            "X-Zhike-Visitor": owner,
            "X-Zhike-Session": incoming.session_id or "",
            "Cache-Control": "no-store",
        }
        if wanted.stream:
            return EventStream(_chunks(app, incoming), incoming.cancelled, headers)
        reply = await while_connected(request, incoming.cancelled, lambda: _reply(app, incoming))
        return JSONResponse(_whole(reply, owner), headers=headers)

    return routes


def _owner(caller: str, user: str | None) -> str:
    """Whose conversation it is: the caller's, or that of a user whom the caller names.

    The user's name alone says nothing: with another caller it is another person.
    """
    if not user:
        return caller
    return hashlib.sha256(f"{caller}\0{user}".encode()).hexdigest()[:32]


def _require_model(model: str) -> None:
    if model != MODEL:
        raise Refused(
            404, f"There is no model {model[:80]!r}; use {MODEL!r}.", "model", "model_not_found"
        )


def _check(wanted: Completion, most: int) -> None:
    """Raises Refused for what would be answered otherwise than the caller expects."""
    _require_model(wanted.model)
    extra = wanted.model_extra or {}
    unsupported = [name for name in UNSUPPORTED if extra.get(name)]
    if (extra.get("response_format") or {"type": "text"}) != {"type": "text"}:
        unsupported.append("response_format")
    if unsupported:
        name = unsupported[0]
        raise Refused(400, f"{name} is not supported.", name, "unsupported_parameter")
    last = wanted.messages[-1]
    if last.role != "user" or not last.text.strip():
        raise Refused(400, "The last message must be the user's, with a text.", "messages")
    if len(last.text.strip()) > most:
        raise Refused(
            400,
            f"The last message has {len(last.text.strip())} characters, at most {most}.",
            "messages",
            "string_above_max_length",
        )


def _allow(limits: Limits, owner: str, request: Request) -> None:
    address = request.client.host if request.client else "unknown"
    if wait := limits.wait(owner, address):
        raise too_many(wait)


def _incoming(app: App, wanted: Completion, owner: str, session: str | None) -> Incoming:
    """The last message, in its conversation: the one of the header, else the user's latest when
    the caller goes on with one, else a new one. Raises HTTPException."""
    spoken = [turn for turn in wanted.messages if turn.role in ("user", "assistant") and turn.text]
    goes_on = any(turn.role == "assistant" for turn in spoken)
    if session is None and wanted.user and goes_on:
        latest = app.store.latest_session(owner, CHANNEL)
        session = latest.id if latest else None
    try:
        opened = app.store.open_session(owner, CHANNEL, session, wanted.zhike.language)
    except NotFound as error:
        raise HTTPException(404, "There is no such conversation of yours.") from error
    most = app.assistant.settings.max_question
    return Incoming(
        text=spoken[-1].text,
        visitor=owner,
        session_id=opened.id,
        channel=CHANNEL,
        collection=wanted.zhike.collection,
        language=wanted.zhike.language,
        history=tuple(_said(turn, most) for turn in spoken[:-1][-REMEMBERED:]),
    )


def _said(turn: Turn, most: int) -> Message:
    return Message("user" if turn.role == "user" else "assistant", turn.text[:most])


def _reply(app: App, incoming: Incoming) -> Reply:
    """Raises HTTPException."""
    reply = None
    try:
        for event in app.assistant.stream(incoming):
            reply = event if isinstance(event, Reply) else None
    except Crowded as error:
        raise crowded(error) from error
    except ChatbotError as error:
        raise HTTPException(400, str(error)) from error
    except DiskFull as error:
        log.error("%s", error)
        raise HTTPException(503, FULL) from error
    except KnowledgeError as error:
        log.error("knowledge: %s", error)
        raise HTTPException(503, "The documents cannot be searched right now.") from error
    if reply is None:  # the caller has gone, and nobody reads this
        raise HTTPException(503, "The turn was stopped.")
    return reply


def _own(reply: Reply, owner: str) -> dict[str, Any]:
    """What OpenAI's shape has no place for; the fields of /api/v1/chat."""
    own = as_json(reply, owner)
    del own["reply"]
    return own


def _whole(reply: Reply, owner: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [choice],
        "zhike": _own(reply, owner),
    }


def _chunks(app: App, incoming: Incoming) -> Iterator[str]:
    """Chunks as the checked sentences come, the last one with our own fields, then [DONE].

    What was sent cannot be taken back: a reply that is not what was streamed follows it as a
    paragraph of its own, and `replaced` says so.
    """
    head = {"id": f"chatcmpl-{new_id()}", "created": int(time.time()), "model": MODEL}
    head = {**head, "object": "chat.completion.chunk"}

    def chunk(delta: dict[str, str], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**head, "choices": [choice], **more})

    said = ""
    yield chunk({"role": "assistant", "content": ""})
    try:
        for event in app.assistant.stream(incoming):
            if isinstance(event, Stage):
                yield f": {event.name}\n\n"  # a comment, which keeps the connection up
            elif isinstance(event, Delta):
                said += event.text
                yield chunk({"content": event.text})
            else:
                kept = event.text.startswith(said)
                if rest := event.text[len(said) :] if kept else f"\n\n{event.text}":
                    yield chunk({"content": rest})
                yield chunk(
                    {}, "stop", zhike={**_own(event, incoming.visitor), "replaced": not kept}
                )
        yield "data: [DONE]\n\n"
    except DiskFull as error:
        log.error("%s", error)
        yield _event(error_body(503, FULL))
    except (ChatbotError, KnowledgeError) as error:
        yield _event(error_body(503, str(error)))
    except Exception:  # the answer has begun: the stream is the only place left to say it
        log.exception("stream of session %s", incoming.session_id)
        yield _event(error_body(500, "Something went wrong here; please try again."))


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
