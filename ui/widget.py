"""The widget: a chat for any website, in a frame of its own, over an API of its own.

The frame is a page of this server, so its calls are same-origin and need no cookie: the visitor's
id is kept by the frame and sent in a header. Only pages of `server.public_origins` may show it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from chatbot.errors import NotFound
from chatbot.handovers import MAX_CONTACT, Status
from chatbot.store import Turn, new_id
from chatbot.types import Incoming
from ui import identity
from ui.api import Limits, as_json
from ui.availability import Availability
from ui.cookies import VISITOR
from ui.pages import bubbles
from ui.pages.own_data import as_file
from ui.pages.talk import Talk
from ui.texts import Texts, preferred, texts

STATIC = Path(__file__).parent / "static"
CHANNEL = "widget"
WORDS = ("customer", "person", "widget")  # sections of the texts that the frame gets
HOUR = "public, max-age=3600"
VisitorHeader = Annotated[str | None, Header(alias="X-Zhike-Visitor")]
Language = Literal["zh-Hans", "zh-Hant", "en"]


class Start(BaseModel):
    """A frame that opens, or looks for news of its conversation."""

    model_config = ConfigDict(extra="forbid")

    session_id: str | None = Field(None, max_length=64)
    language: Language | None = None
    collection: str | None = Field(None, max_length=200)
    user: str | None = Field(None, min_length=1, max_length=200)  # id of a signed-in customer
    user_hash: str | None = Field(None, max_length=64)  # HMAC-SHA256 of it, hex
    fresh: bool = False  # a new conversation is wanted: the last one is not looked up


class Said(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, pattern=r"\S")
    session_id: str | None = Field(None, max_length=64)
    language: Language | None = None
    collection: str | None = Field(None, max_length=200)


class Call(BaseModel):
    """A person is wanted; with `contact` where nobody is there."""

    model_config = ConfigDict(extra="forbid")

    session_id: str | None = Field(None, max_length=64)
    language: Language | None = None
    text: str = Field("", max_length=2_000)
    contact: str = Field("", max_length=MAX_CONTACT)


def router(talk: Talk, limits: Limits, availability: Availability, home: Path) -> APIRouter:
    """The script, the frame, and what the frame calls."""
    routes = APIRouter()
    _files(routes)
    _calls(routes, Widget(talk, limits, availability, home))
    return routes


def _files(routes: APIRouter) -> None:
    @routes.get("/widget.js", include_in_schema=False)
    def script() -> Response:
        return FileResponse(
            STATIC / "widget.js", media_type="text/javascript", headers={"cache-control": HOUR}
        )

    @routes.get("/widget", include_in_schema=False)
    def frame() -> Response:
        return FileResponse(STATIC / "widget.html", media_type="text/html; charset=utf-8")


def _calls(routes: APIRouter, widget: Widget) -> None:
    @routes.post("/api/v1/widget/start")
    def start(wanted: Start, request: Request, visitor: VisitorHeader = None) -> dict[str, Any]:
        """Words, the conversation so far and how a call stands; a signed-in customer is checked."""
        who = widget.identified(wanted, visitor)
        widget.read(who, request)
        return widget.opened(wanted, who, request)

    @routes.post("/api/v1/widget/messages")
    def messages(said: Said, request: Request, visitor: VisitorHeader = None) -> Response:
        """Answer one message as server-sent events with the HTML of what is drawn."""
        who = _visitor(visitor)
        words = _words(said.language, request)
        if refusal := widget.talk.refusal(said.text.strip(), who, _address(request), words):
            raise HTTPException(429, refusal)
        stream = widget.spoken(said, who, words)
        headers = {"Cache-Control": "no-store"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    @routes.post("/api/v1/widget/person")
    def person(call: Call, request: Request, visitor: VisitorHeader = None) -> dict[str, Any]:
        """Call a person, with a message and an address where one is left."""
        who = _visitor(visitor)
        widget.count(who, request)
        return widget.called(call, who, _words(call.language, request))

    @routes.post("/api/v1/widget/stop")
    def stop(request: Request, visitor: VisitorHeader = None) -> dict[str, str]:
        """Stop the running turn."""
        who = _visitor(visitor)
        widget.read(who, request)
        widget.talk.turns.stop(who)
        return {"status": "stopped"}

    @routes.get("/api/v1/widget/data")
    def data(request: Request, visitor: VisitorHeader = None) -> Response:
        """Everything that is stored of the visitor."""
        who = _visitor(visitor)
        widget.read(who, request)
        return as_file(widget.talk.app.erasure.export(who))

    @routes.delete("/api/v1/widget/data")
    def erase(request: Request, visitor: VisitorHeader = None) -> dict[str, int]:
        """Erase everything that is stored of the visitor."""
        who = _visitor(visitor)
        widget.count(who, request)
        widget.talk.turns.stop(who)
        try:
            return {"conversations": widget.talk.app.erasure.erase(who).sessions}
        except NotFound:
            return {"conversations": 0}


class Widget:
    """What the frame's calls do."""

    def __init__(self, talk: Talk, limits: Limits, availability: Availability, home: Path) -> None:
        self.talk = talk
        self._limits = limits
        self._availability = availability
        self._home = home

    def identified(self, wanted: Start, visitor: str | None) -> str:
        """Who the visitor is: the signed-in customer, the id of before, or somebody new."""
        if wanted.user is None:
            return new_id() if visitor is None else _visitor(visitor)
        key = identity.secret(self._home)
        if not identity.signed(key, wanted.user, wanted.user_hash or ""):
            raise HTTPException(403, "The signature of this customer's id is not right.")
        return identity.visitor_id(key, wanted.user)

    def count(self, who: str, request: Request) -> None:
        """One request that does something. Raises 429."""
        _refuse(self._limits.wait(who, _address(request)))

    def read(self, who: str, request: Request) -> None:
        """One request that only looks. Raises 429."""
        address = _address(request)
        _refuse(self._limits.reads.wait(who) or self._limits.address.wait(address))

    def opened(self, wanted: Start, who: str, request: Request) -> dict[str, Any]:
        words, session = _words(wanted.language, request), wanted.session_id
        if session is None and not wanted.fresh:
            found = self.talk.app.store.latest_session(who, CHANNEL)
            session = found.id if found else None
        turns = self.talk.said(session, who)
        offered = self.talk.offered(turns, words.language, wanted.collection)
        return {
            "visitor": who,
            "session_id": session if turns else None,
            "language": words.language,
            "words": {
                key.partition(".")[2] if key.startswith("widget.") else key: text
                for key, text in words.table.items()
                if key.partition(".")[0] in WORDS
            },
            "turns": [_turn(turn, words) for turn in turns],
            "offers": list(offered),
            "longest": self.talk.longest,
            **self._call(session, who, words),
        }

    def spoken(self, said: Said, who: str, words: Texts) -> Iterator[str]:
        """Events: session, then stage, partial, reply, notice, silent or joined; end."""
        text = said.text.strip()
        session = self.talk.session(said.session_id, who, CHANNEL, words.language)
        run = self.talk.turns.begin(who, session, text, self.talk.longest)
        yield _event("session", {"session_id": session})
        incoming = Incoming(
            text, who, session, CHANNEL, collection=said.collection, language=words.language
        )
        for drawn in self.talk.speak(run, incoming, words):
            data: dict[str, Any] = {"html": drawn.bubble["content"] if drawn.bubble else ""}
            if drawn.reply is not None:
                data |= as_json(drawn.reply, who)
            if drawn.kind != "begun":
                yield _event(drawn.kind, data)
        yield _event("end", self._call(session, who, words))

    def called(self, call: Call, who: str, words: Texts) -> dict[str, Any]:
        session = self.talk.session(call.session_id, who, CHANNEL, words.language)
        text = call.text.strip()
        if text and self.talk.said(session, who):  # else call() stores it as the first message
            screened = self.talk.app.assistant.screen.turn(session, text)
            self.talk.app.store.add_message(session, "user", screened.masked)
        self.talk.call(session, who, text or words("customer.person"))
        if call.contact.strip():
            self.talk.app.handovers.leave_contact(session, who, call.contact)
        turns = self.talk.said(session, who)
        return {
            "session_id": session,
            "turns": [_turn(turn, words) for turn in turns],
            **self._call(session, who, words),
        }

    def _call(self, session: str | None, who: str, words: Texts) -> dict[str, Any]:
        """How a call for a person stands, and whether somebody can be expected."""
        status = Status("bot")
        if session is not None:
            with contextlib.suppress(NotFound):
                status = self.talk.app.handovers.status(session, who)
        away = self._availability.away()
        return {
            "state": status.state,
            "notice": self._availability.sentence(status, words),
            "ask_contact": status.state == "waiting" and not status.contact and away,
            "away": away,
        }


def _turn(turn: Turn, words: Texts) -> dict[str, Any]:
    bubble = bubbles.conversation([turn], words)[0]
    reply = turn.reply
    return {
        "role": turn.message.role,
        "id": turn.message.id,
        "html": bubble["content"],
        "rating": turn.rating,
        "rated": reply is not None,
    }


def _visitor(given: str | None) -> str:
    if given is None or not VISITOR.fullmatch(given):
        raise HTTPException(400, "X-Zhike-Visitor must be 32 hexadecimal digits, as returned.")
    return given


def _words(language: str | None, request: Request) -> Texts:
    return texts(language or preferred(request.headers.get("accept-language", "")))


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _refuse(wait: int) -> None:
    if wait:
        retry = {"Retry-After": str(wait)}
        raise HTTPException(429, f"Too many requests; try again in {wait} s.", retry)


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
