"""The public REST API, /api/v1, and the probes /healthz and /readyz."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Header, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from chatbot.app import App
from chatbot.errors import ChatbotError, Crowded, NotFound, WrongState
from chatbot.handovers import MAX_CONTACT
from chatbot.store import new_id
from chatbot.types import Citation, Delta, HandoffReason, Incoming, Reply, Stage
from knowledge.errors import DiskFull, KnowledgeError
from ui.availability import Availability
from ui.cookies import VISITOR
from ui.disconnects import EventStream
from ui.idempotency import HEADER, REPLAYED, Attempt, Once
from ui.limits import Limit, check_crowd, crowded, too_many
from ui.problems import FULL
from ui.settings import ServerSettings

log = logging.getLogger(__name__)

MAX_NOTE = 2_000  # characters of a request for a person
PROBE_SECONDS = 1.0  # readiness writes at most once per this time
READS = 6  # looks for news per turn that a visitor may take
USABLE = ("ready", "rebuilt")  # how the state of an index begins that can be searched
T = TypeVar("T")
VisitorHeader = Annotated[str | None, Header(alias="X-Zhike-Visitor")]
KeyHeader = Annotated[str | None, Header(alias=HEADER)]


class Question(BaseModel):
    """One message of a visitor."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "Can I return opened tea?", "language": "en"}]},
    )

    text: str = Field(min_length=1, pattern=r"\S")  # at most chatbot.max_question characters
    session_id: str | None = Field(None, max_length=64)
    visitor: str | None = Field(None, max_length=64)
    language: Literal["zh-Hans", "zh-Hant", "en"] | None = None
    collection: str | None = Field(None, max_length=200)


class Rating(BaseModel):
    """A thumb up (1) or down (-1)."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"value": -1, "reason": "missing"}]}
    )

    value: Literal[1, -1]
    reason: str = Field("", max_length=500)


class PersonRequest(BaseModel):
    """Why a person is wanted, in the visitor's words."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field("", max_length=MAX_NOTE)


class Contact(BaseModel):
    """Where a person can reach the visitor."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=MAX_CONTACT, pattern=r"\S")


class Limits:
    """The two limits of turns, shared by the API and the chat page, and that of looks for news."""

    def __init__(self, server: ServerSettings) -> None:
        self.visitor = Limit(server.per_visitor_minute, 60)
        self.address = Limit(server.per_address_minute, 60)
        self.reads = Limit(server.per_visitor_minute * READS, 60)

    def wait(self, visitor: str, address: str) -> int:
        """Count one request; whole seconds to wait, 0 when it may go on."""
        return self.address.wait(address) or self.visitor.wait(visitor)


def router(app: App, limits: Limits, availability: Availability, once: Once) -> APIRouter:
    """The routes of /api/v1."""
    routes = APIRouter(prefix="/api/v1")
    _handover_routes(routes, app, limits, availability)

    @routes.post("/chat")
    def chat(
        question: Question,
        request: Request,
        visitor: VisitorHeader = None,
        key: KeyHeader = None,
    ) -> Response:
        """Answer one message. With `Accept: text/event-stream`: events stage, delta, reply.

        A request with the same `Idempotency-Key` gets the same reply for a day.
        """
        owner = _visitor(visitor or question.visitor)
        _check_length(question.text, app.assistant.settings.max_question)
        _allow(limits, owner, request)
        attempt = once.begin(owner, key, question.model_dump_json().encode())
        streamed = "text/event-stream" in request.headers.get("accept", "")
        headers = {"X-Zhike-Visitor": owner, "Cache-Control": "no-store"}
        if given := attempt.reply_id:
            answer = as_json(_answered(lambda: app.store.reply(given, owner)), owner)
            headers |= REPLAYED
            if streamed:
                return EventStream(iter([_event("reply", answer)]), threading.Event(), headers)
            return JSONResponse(answer, headers=headers)
        with attempt:
            check_crowd(app.assistant.crowd)
            incoming = _incoming(app, question, owner)
            if streamed:
                return EventStream(_events(app, incoming, attempt), incoming.cancelled, headers)
            reply = _answered(lambda: app.assistant.reply(incoming))
            attempt.done(reply.id)
        return JSONResponse(as_json(reply, owner), headers=headers)

    @routes.post("/replies/{reply_id}/rating")
    def rate(
        reply_id: str, rating: Rating, request: Request, visitor: VisitorHeader = None
    ) -> dict[str, str]:
        """Rate a reply of one of the visitor's own sessions; the last rating counts."""
        owner = _visitor(visitor)
        _allow(limits, owner, request)
        _answered(lambda: app.rate(reply_id, owner, rating.value, rating.reason))
        return {"status": "stored"}

    return routes


def _handover_routes(
    routes: APIRouter, app: App, limits: Limits, availability: Availability
) -> None:
    """A person is called, answers, and is heard; every route takes the session's owner."""

    def stands(session_id: str, owner: str) -> dict[str, Any]:
        status = _answered(lambda: app.handovers.status(session_id, owner))
        return {
            "status": status.state,
            "position": status.position or None,
            "since": status.since,
            "agent": status.agent or None,
            "reason": status.reason.value if status.reason else None,
            "outcome": status.outcome,
            "contact": status.contact,
            "office": _office(availability),
        }

    @routes.post("/sessions/{session_id}/person")
    def person(
        session_id: str, wanted: PersonRequest, request: Request, visitor: VisitorHeader = None
    ) -> dict[str, Any]:
        """Ask for a person in one of the visitor's own sessions."""
        owner = _visitor(visitor)
        _allow(limits, owner, request)
        reason = HandoffReason.CUSTOMER_REQUEST
        _answered(lambda: app.handovers.request(session_id, owner, reason, wanted.note))
        return stands(session_id, owner)

    @routes.get("/sessions/{session_id}/handover")
    def handover(
        session_id: str, request: Request, visitor: VisitorHeader = None
    ) -> dict[str, Any]:
        """Whether a person is called or there, and whether one can be expected."""
        owner = _visitor(visitor)
        _allow_reading(limits, owner, request)
        return stands(session_id, owner)

    @routes.post("/sessions/{session_id}/contact")
    def contact(
        session_id: str, left: Contact, request: Request, visitor: VisitorHeader = None
    ) -> dict[str, Any]:
        """Leave an address for the person who takes the open call."""
        owner = _visitor(visitor)
        _allow(limits, owner, request)
        _answered(lambda: app.handovers.leave_contact(session_id, owner, left.text))
        return stands(session_id, owner)

    @routes.get("/sessions/{session_id}/messages")
    def messages(
        session_id: str,
        request: Request,
        visitor: VisitorHeader = None,
        after: Annotated[str | None, Query(max_length=64)] = None,
    ) -> dict[str, Any]:
        """Up to 100 messages behind the one with the id `after`, oldest first; agents' too."""
        owner = _visitor(visitor)
        _allow_reading(limits, owner, request)
        found = _answered(lambda: app.store.messages(session_id, owner, after))
        return {
            "messages": [
                {
                    "message_id": message.id,
                    "role": message.role,
                    "author": message.author or None,
                    "text": message.text,
                    "created": message.created,
                }
                for message in found
            ]
        }


def _office(availability: Availability) -> dict[str, Any]:
    opens = availability.opens()
    return {
        "open": availability.open(),
        "staffed": availability.staffed(),
        "opens": opens.isoformat() if opens else None,
        "hours": list(availability.hours),
        "time_zone": availability.office.zone.key,
    }


def probes(app: App) -> APIRouter:
    """/healthz: the process lives. /readyz: the database can be written, the index is usable."""
    routes = APIRouter(include_in_schema=False)
    last: dict[str, float] = {}

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    def readyz() -> Response:
        health = app.health()
        problems = list(health.problems)
        indexed = health.index.startswith(USABLE)
        if not indexed:
            problems.append(f"The index cannot be searched: {health.index}.")
        ok = _writable(app, last, problems) and health.ok and indexed
        body = {
            "status": "ready" if ok else "not ready",
            "generator": health.generator,
            "embedder": health.embedder,
            "index": health.index,
            "problems": problems if not ok else [],
        }
        return JSONResponse(body, 200 if ok else 503, {"Cache-Control": "no-store"})

    return routes


def as_json(reply: Reply, visitor: str) -> dict[str, Any]:
    """A reply as the API gives it: without scores, traces and internal names of passages."""
    return {
        "reply_id": reply.id,
        "session_id": reply.session_id,
        "visitor": visitor,
        "reply": reply.text,
        "action": reply.action.value,
        "language": reply.language,
        "citations": [_citation(c) for c in reply.citations],
        "confidence": confidence(reply),
        "escalate": reply.escalate,
        "reason": reply.reason.value if reply.reason else None,
        "engine": reply.engine,
        "generated_by": "AI",
        "choices": list(reply.choices),
        "suggestions": list(reply.suggestions),
    }


def confidence(reply: Reply) -> Literal["high", "medium", "low"]:
    """The confidence in a word; the bounds are those of the desk's colours too."""
    if reply.confidence >= 0.85:
        return "high"
    return "medium" if reply.confidence >= 0.6 else "low"


def _citation(citation: Citation) -> dict[str, str]:
    return {
        "document": citation.document,
        "title": citation.title,
        "heading": citation.heading,
        "sentence": citation.sentence,
        "text": citation.text,
    }


def _visitor(given: str | None) -> str:
    """The caller's id, or a new one. Only 128-bit ids count: a short one could be guessed."""
    if given is None:
        return new_id()
    if not VISITOR.fullmatch(given):
        raise HTTPException(400, "X-Zhike-Visitor must be 32 hexadecimal digits, as returned.")
    return given


def _check_length(text: str, limit: int) -> None:
    if len(text.strip()) > limit:
        raise HTTPException(422, f"text: it has {len(text.strip())} characters, at most {limit}.")


def _allow(limits: Limits, visitor: str, request: Request) -> None:
    address = request.client.host if request.client else "unknown"
    if wait := limits.wait(visitor, address):
        raise too_many(wait)


def _allow_reading(limits: Limits, visitor: str, request: Request) -> None:
    address = request.client.host if request.client else "unknown"
    if wait := limits.reads.wait(visitor) or limits.address.wait(address):
        raise too_many(wait)


def _incoming(app: App, question: Question, owner: str) -> Incoming:
    """The session is opened before a stream begins, so that a wrong one is a 404."""
    opened = _answered(
        lambda: app.store.open_session(owner, "api", question.session_id, question.language)
    )
    return Incoming(
        text=question.text,
        visitor=owner,
        session_id=opened.id,
        channel="api",
        collection=question.collection,
        language=question.language,
    )


def _answered(call: Callable[[], T]) -> T:
    """The result, or the HTTP status that its error means."""
    try:
        return call()
    except NotFound as error:
        raise HTTPException(404, "There is no such conversation or reply of yours.") from error
    except WrongState as error:
        raise HTTPException(409, str(error)) from error
    except Crowded as error:
        raise crowded(error) from error
    except ChatbotError as error:
        raise HTTPException(422, str(error)) from error
    except DiskFull as error:
        log.error("%s", error)
        raise HTTPException(503, FULL) from error
    except KnowledgeError as error:
        log.error("knowledge: %s", error)
        raise HTTPException(503, "The documents cannot be searched right now.") from error


def _events(app: App, incoming: Incoming, attempt: Attempt) -> Iterator[str]:
    """Server-sent events; the reply comes last and replaces the streamed text."""
    try:
        for event in app.assistant.stream(incoming):
            if isinstance(event, Stage):
                yield _event("stage", {"name": event.name})
            elif isinstance(event, Delta):
                yield _event("delta", {"text": event.text})
            else:
                attempt.done(event.id)
                yield _event("reply", as_json(event, incoming.visitor))
    except DiskFull as error:
        log.error("%s", error)
        yield _event("error", {"error": FULL})
    except (ChatbotError, KnowledgeError) as error:
        yield _event("error", {"error": str(error)})
    except Exception:  # the answer has begun: the stream is the only place left to say it
        log.exception("stream of session %s", incoming.session_id)
        yield _event("error", {"error": "Something went wrong here; please try again."})
    finally:
        attempt.close()


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _writable(app: App, last: dict[str, float], problems: list[str]) -> bool:
    """Whether a row can be written; remembered for a second, as each probe costs an fsync."""
    if time.monotonic() - last.get("written", -PROBE_SECONDS) < PROBE_SECONDS:
        return True
    try:
        with app.database.write() as db:
            now = datetime.now(UTC).isoformat()
            db.execute("INSERT OR REPLACE INTO probe (id, at) VALUES (1, ?)", [now])
    except Exception as error:  # whatever stops a write is the news that readiness brings
        log.error("readiness: %s", error)
        problems.append("The database cannot be written.")
        return False
    last["written"] = time.monotonic()
    return True
