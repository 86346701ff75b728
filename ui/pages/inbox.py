"""The desk's inbox: who waits for a person, and how an agent answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError, NotFound
from chatbot.handovers import ENDINGS, MAX_TEXT, Line, Queue
from chatbot.store import Turn
from chatbot.translated import Wording
from ui import render
from ui.labels import Labels
from ui.pages import packet
from ui.pages.canned import QUIET, CannedSection, Updates, account, done, joined, problem
from ui.pages.conversations import turn_html
from ui.pages.suggesting import Suggested, SuggestingSection
from ui.pages.translating import TranslatingSection, Written
from ui.texts import Texts, texts

EVERY = 3  # seconds between two looks at the queues
SHOWN = 120  # characters of a message in an alert
QUEUES: tuple[Queue, ...] = get_args(Queue)


@dataclass(frozen=True, slots=True)
class Stand:
    """How the queues and the chosen conversation stand."""

    queue: Queue
    counts: dict[Queue, int]
    choices: tuple[tuple[str, str], ...]  # of the list: text, session
    line: Line | None  # of the conversation that is read
    mark: str  # changes whenever the page must


class InboxTab:
    """The queues, one conversation with its packet, and what an agent does with it."""

    def __init__(self, app: App, labels: Labels, may: Callable[[str], bool]) -> None:
        """may: whether an account may see the queues."""
        self._app, self._may = app, may
        self._labels = labels
        self._canned = CannedSection(app, labels)
        self._suggesting = SuggestingSection(app, labels)
        self._translating = TranslatingSection(app, labels, may)
        self.filled: list[Any] = []

    def watch(self) -> None:
        """What sees a new call whichever tab is open: a count on top of the desk, and a timer."""
        self._badge = gr.Markdown("", elem_id="badge", container=False)
        self.timer = gr.Timer(EVERY, active=False)  # until it is known that the role may look

    def build(self, language: gr.Radio) -> None:
        """The tab's components and their events."""
        self._language = language
        self._chosen: gr.State = gr.State(None)  # the conversation that is read
        self._seen: gr.State = gr.State("")  # what the page shows
        self._known: gr.State = gr.State(None)  # who waited at the last look
        self._opened: gr.State = gr.State(0)
        with gr.Row(elem_id="inbox", equal_height=False):
            with gr.Column(elem_classes="card", scale=4, min_width=300):
                self._lists()
                self._pick = gr.Dropdown([], render=False, elem_id="canned-pick")
                self._canned.build(language, self._pick)
            with gr.Column(elem_classes="card", scale=7, min_width=300, elem_id="case"):
                self._case()
        self.filled = [self._opened, *self._canned.lists]
        self._events()

    def fill(self, language: str) -> Updates:
        """Values for `filled`; the queues follow at once, as they depend on who is logged in."""
        del language
        return {self._opened: _tick(), **self._canned.filled()}

    def _lists(self) -> None:
        add = self._labels.add
        add(gr.Markdown(), value=_heading)
        self._queue = gr.Radio(
            [(name, name) for name in QUEUES],
            value="waiting",
            show_label=False,
            container=False,
            elem_id="queue",
            elem_classes="segments",
        )
        self._list = gr.Radio([], show_label=False, container=False, elem_id="calls")

    def _case(self) -> None:
        add = self._labels.add
        self._top = gr.Markdown("", elem_id="packet")
        with gr.Row(elem_classes="buttons", visible=False, elem_id="deeds") as self._deeds:
            self._take = add(
                gr.Button(size="sm", variant="primary", elem_id="take"), value="inbox.take"
            )
            self._back = add(gr.Button(size="sm", elem_id="give-back"), value="inbox.back")
            self._outcome = add(
                gr.Radio(
                    list(ENDINGS), value="solved", show_label=False, container=False, elem_id="end"
                ),
                choices=_endings,
            )
            self._close = add(gr.Button(size="sm", elem_id="close-case"), value="inbox.close")
        self._translating.above()
        self._turns = gr.Markdown("", elem_id="case-turns")
        with gr.Column(visible=False, elem_id="answering") as self._answering:
            self._pick.render()
            add(self._pick, label="inbox.canned")
            self._text = add(
                gr.Textbox(lines=4, max_lines=14, max_length=MAX_TEXT, elem_id="reply-text"),
                label="inbox.reply",
                placeholder="inbox.reply_hint",
            )
            with gr.Row(elem_classes="buttons"):
                self._send = add(
                    gr.Button(size="sm", variant="primary", elem_id="reply-send"),
                    value="inbox.send",
                )
                self._suggesting.beside()
                self._translating.beside()
                self._note = add(gr.Button(size="sm", elem_id="note"), value="inbox.note")
            self._draft = gr.Markdown("", elem_id="draft")
        self._said = gr.Markdown("", elem_id="inbox-said")

    def _events(self) -> None:
        at = [self._queue, self._chosen, self._language]
        view = [self._queue, self._list, self._chosen, self._seen, self._top, self._turns]
        view += [self._deeds, self._take, self._answering, self._badge, *self._translating.shown]
        watched = [self._seen, self._known, *at]
        for trigger in (self.timer.tick, self._opened.change):
            trigger(self._look, watched, [*view, self._known], **QUIET)
        chosen = [*view, self._said, self._draft]
        self._queue.input(self._switch, at, chosen, **QUIET)
        self._list.input(self._read, [self._list, *at], chosen, **QUIET)
        acted = [*chosen, self._text, self._suggesting.made, *self._translating.kept]
        self._take.click(self._taken, at, acted, **QUIET)
        self._back.click(self._returned, at, acted, **QUIET)
        self._close.click(self._closed, [self._outcome, *at], acted, **QUIET)
        for trigger in (self._send.click, self._text.submit):
            kept = [self._suggesting.made, self._translating.written]
            trigger(self._sent, [self._text, *at, *kept], acted, **QUIET)
        self._note.click(self._noted, [self._text, *at], acted, **QUIET)
        self._pick.input(
            self._inserted, [self._pick, self._text], [self._text, self._pick], **QUIET
        )
        self._suggesting.events(self._chosen, self._language, self._text, self._draft)
        self._translating.events(self._seen, self._chosen, self._language, self._text, self._draft)

    def _look(
        self,
        seen: str,
        known: tuple[str, ...] | None,
        queue: Queue,
        chosen: str | None,
        language: str,
        request: gr.Request,
    ) -> Updates:
        """Redraw what changed; say who is new in the queue."""
        words, agent = texts(language), account(request)
        if not self._may(agent):  # every open desk looks, whatever the role
            return {self._known: None}
        waiting = self._app.handovers.queue("waiting", agent)
        for line in waiting:
            if known is not None and line.session_id not in known:
                text = render.plain(words("inbox.new_request", text=line.last_text[:SHOWN]))
                gr.Info(text, title=words("inbox.alert"))
        now = tuple(line.session_id for line in waiting)
        stand = self._stand(queue, chosen, words, agent)
        if stand.mark == seen:
            return {self._known: now}
        return {**self._drawn(stand, chosen, words, agent), self._known: now}

    def _stand(self, queue: Queue, chosen: str | None, words: Texts, agent: str) -> Stand:
        """What the page depends on: a few rows, cheap enough to ask for every EVERY seconds."""
        counts = self._app.handovers.counts(agent)
        lines = self._app.handovers.queue(queue, agent)
        line = self._app.handovers.line(chosen) if chosen else None
        choices = tuple((packet.line(found, words), found.session_id) for found in lines)
        left = line is not None and self._app.handovers.has_contact(line.session_id)
        more = self._app.wordings.count(line.session_id) if line else 0
        mark = repr((queue, words.language, counts, choices, line, left, more))
        return Stand(queue, counts, choices, line, mark)

    def _view(self, queue: Queue, chosen: str | None, words: Texts, agent: str) -> Updates:
        return self._drawn(self._stand(queue, chosen, words, agent), chosen, words, agent)

    def _drawn(self, stand: Stand, chosen: str | None, words: Texts, agent: str) -> Updates:
        """The queues and the conversation that is read."""
        listed = chosen in [id_ for _, id_ in stand.choices]
        return {
            self._queue: gr.update(choices=_queues(stand.counts, words), value=stand.queue),
            self._list: gr.update(choices=list(stand.choices), value=chosen if listed else None),
            self._chosen: chosen,
            self._seen: stand.mark,
            self._badge: _badge(stand.counts.get("waiting", 0), words),
            **self._conversation(stand.line, bool(stand.choices), agent, words),
        }

    def _conversation(self, line: Line | None, others: bool, agent: str, words: Texts) -> Updates:
        if line is None:
            hint = words("inbox.choose" if others else "inbox.empty")
            return {
                self._top: f'<p class="hint">{render.plain(hint)}</p>',
                self._turns: "",
                self._deeds: gr.update(visible=False),
                self._answering: gr.update(visible=False),
                **self._translating.offer(None, words),
            }
        handovers, is_open = self._app.handovers, line.closed is None
        contact = handovers.contact(line.session_id, agent) or ""
        if not contact and handovers.has_contact(line.session_id):
            contact = words("inbox.contact_hidden")
        made = handovers.packet(line.session_id)
        mine = is_open and line.agent == agent
        said = self._turns_of(line.session_id, mine)
        turns = "".join(turn_html(turn, words, wordings) for turn, wordings in said)
        return {
            self._top: packet.card(made, contact, self._app.knowledge.passage, words),
            self._turns: f'<div class="scroll"><div class="turns">{turns}</div></div>',
            self._deeds: gr.update(visible=is_open),
            self._take: gr.update(visible=line.agent != agent),
            self._answering: gr.update(visible=is_open),
            **self._translating.offer(line, words),
        }

    def _turns_of(self, session_id: str, mine: bool) -> Iterator[tuple[Turn, tuple[Wording, ...]]]:
        """The conversation, with what is kept of it in a second language.

        Whoever has it reads the personal data behind the placeholders.
        """
        reveal = self._app.assistant.screen.originals.reveal
        known = self._app.wordings.of(session_id)
        for turn in self._app.store.turns(session_id):
            wordings = known.get(turn.message.id, ())
            if mine and turn.message.role == "user":
                said = reveal(session_id, turn.message.text)
                turn = replace(turn, message=replace(turn.message, text=said))
                wordings = tuple(replace(w, text=reveal(session_id, w.text)) for w in wordings)
            yield turn, wordings

    def _switch(
        self, queue: Queue, chosen: str | None, language: str, request: gr.Request
    ) -> Updates:
        """Another queue: nothing is read until a line is chosen."""
        del chosen
        self._translating.leave(request)
        shown = self._view(queue, None, texts(language), account(request))
        return {**shown, self._said: "", self._draft: ""}

    def _read(
        self,
        picked: str,
        queue: Queue,
        chosen: str | None,
        language: str,
        request: gr.Request,
    ) -> Updates:
        del chosen
        self._translating.leave(request)
        shown = self._view(queue, picked, texts(language), account(request))
        return {**shown, self._said: "", self._draft: ""}

    def _taken(
        self, queue: Queue, chosen: str | None, language: str, request: gr.Request
    ) -> Updates:
        agent, act = account(request), self._app.handovers.take
        return self._acted(lambda id_: act(id_, agent), "taken", "mine", chosen, language, agent)

    def _returned(
        self, queue: Queue, chosen: str | None, language: str, request: gr.Request
    ) -> Updates:
        agent, act = account(request), self._app.handovers.give_back
        return self._acted(lambda id_: act(id_, agent), "returned", queue, chosen, language, agent)

    def _closed(
        self,
        outcome: Any,
        queue: Queue,
        chosen: str | None,
        language: str,
        request: gr.Request,
    ) -> Updates:
        agent, act = account(request), self._app.handovers.close
        return self._acted(
            lambda id_: act(id_, agent, outcome), "closed", queue, chosen, language, agent
        )

    def _sent(
        self,
        text: str,
        queue: Queue,
        chosen: str | None,
        language: str,
        suggested: Suggested | None,
        written: Written | None,
        request: gr.Request,
    ) -> Updates:
        """What the box holds goes to the customer, nothing else."""
        del queue
        agent, act = account(request), self._app.handovers.say
        self._translating.leave(request)
        behind = self._translating.behind(written, chosen or "", text)
        made = self._suggesting.behind(suggested, chosen or "")
        return self._acted(
            lambda id_: act(id_, agent, text, behind, made), "sent", "mine", chosen, language, agent
        )

    def _noted(
        self, text: str, queue: Queue, chosen: str | None, language: str, request: gr.Request
    ) -> Updates:
        agent, act = account(request), self._app.handovers.note
        return self._acted(
            lambda id_: act(id_, agent, text), "noted", queue, chosen, language, agent
        )

    def _acted(
        self,
        act: Callable[[str], object],
        key: str,
        queue: Queue,
        chosen: str | None,
        language: str,
        agent: str,
    ) -> Updates:
        """Do it and show how things stand; what was written stays when it failed."""
        words = texts(language)
        try:
            act(chosen or "")
        except ChatbotError as error:
            return {self._said: problem(words("desk.failed", error=error))}
        return {
            **self._view(queue, chosen, words, agent),
            self._said: done(words(f"inbox.{key}")),
            self._draft: "",
            self._text: "",
            **self._suggesting.cleared(),
            **self._translating.cleared(),
        }

    def _inserted(self, name: str | None, text: str) -> list[Any]:
        try:
            return [joined(text, self._app.canned.text(name or "")), None]
        except NotFound:  # removed meanwhile
            return [text, None]


def _tick() -> int:
    """Another number at each call, so that the page looks at once."""
    return time.monotonic_ns()


def _heading(words: Texts) -> str:
    title, lead = (render.plain(words(f"inbox.{k}")) for k in ("title", "lead"))
    return f'<div class="heading"><h2>{title}</h2><p>{lead}</p></div>'


def _endings(words: Texts) -> list[tuple[str, str]]:
    return [(words(f"outcome.{name}"), name) for name in ENDINGS]


def _queues(counts: dict[Queue, int], words: Texts) -> list[tuple[str, Queue]]:
    names = [(words(f"inbox.{name}"), counts.get(name, 0), name) for name in QUEUES]
    return [(f"{label} {count}" if count else label, name) for label, count, name in names]


def _badge(waiting: int, words: Texts) -> str:
    """The count on top of the desk; static/page.js puts its number into the page's title."""
    if not waiting:
        return ""
    text = render.plain(words("inbox.badge", count=waiting))
    return f'<span class="waiting-count">{text}</span>'
