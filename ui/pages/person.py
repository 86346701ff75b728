"""The customer's line to a person: the call, the place in the queue, contact, live messages."""

from __future__ import annotations

from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError, NotFound
from chatbot.handovers import MAX_CONTACT, Status
from chatbot.states import OPEN
from ui import render
from ui.availability import Availability
from ui.labels import Labels
from ui.texts import Texts, texts

EVERY = 2.5  # seconds between two looks for news, while a call is open
Updates = dict[Any, Any]


class Person:
    """What the page shows of a call; it looks for news only while a call is open."""

    def __init__(self, app: App, availability: Availability, labels: Labels) -> None:
        self._app = app
        self._availability = availability
        self._labels = labels

    def build(self) -> None:
        """The notice, the box for an address, and the timer."""
        add = self._labels.add
        self.notice = gr.Markdown("", elem_id="notice", container=False, visible=False)
        with gr.Row(elem_id="contact", visible=False, equal_height=True) as self.contact_row:
            self.contact = add(
                gr.Textbox(
                    show_label=False,
                    container=False,
                    lines=1,
                    max_length=MAX_CONTACT,
                    scale=1,
                    elem_id="contact-text",
                ),
                placeholder="person.contact",
                label="person.contact",
            )
            self.leave = add(
                gr.Button("", size="sm", scale=0, min_width=60, elem_id="contact-send"),
                value="person.send",
            )
        self.timer = gr.Timer(EVERY, active=False)
        self.seen: gr.State = gr.State("")  # what the page shows of the call
        self.outputs = [self.notice, self.contact_row, self.timer, self.seen]

    def shown(self, session: str | None, visitor: str, words: Texts) -> Updates:
        """Values for `outputs`: how the call in the visitor's own conversation stands."""
        status = self._status(session, visitor)
        waiting = status.state == "waiting"
        asked = waiting and not status.contact and self._availability.away()
        return {
            self.notice: said(self._availability.sentence(status, words)),
            self.contact_row: gr.update(visible=asked),
            self.timer: gr.update(active=status.state in OPEN),
            self.seen: self._mark(status),
        }

    def news(self, session: str | None, seen: str, visitor: str, words: Texts) -> Updates | None:
        """The same and the conversation's bubbles, when anything changed; else None."""
        status = self._status(session, visitor)
        if session is None or self._mark(status) == seen:
            return None
        return self.shown(session, visitor, words)

    def left(self, text: str, session: str | None, visitor: str, language: str) -> Updates:
        """Keep the address that the customer left; a mistake is one sentence."""
        words = texts(language)
        if not text.strip():
            return {self.notice: said(words("person.contact_empty"))}
        try:
            self._app.handovers.leave_contact(session or "", visitor, text)
        except ChatbotError:  # ended meanwhile, or not this visitor's
            return self.shown(session, visitor, words)
        return {**self.shown(session, visitor, words), self.contact: ""}

    def _status(self, session: str | None, visitor: str) -> Status:
        if session is None:
            return Status("bot")
        try:
            return self._app.handovers.status(session, visitor)
        except NotFound:
            return Status("bot")

    def _mark(self, status: Status) -> str:
        """Changes whenever the page must."""
        away = self._availability.away() if status.state == "waiting" else None
        parts = (status.state, status.position, status.agent, status.contact, status.last, away)
        return " ".join(map(str, parts))


def said(text: str) -> Any:
    """A sentence in the notice; none hides it."""
    return gr.update(value=render.plain(text), visible=bool(text))
