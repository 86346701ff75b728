"""The customers' chat page."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.errors import ChatbotError, NotFound
from chatbot.store import Turn
from chatbot.types import Action, Delta, HandoffReason, Incoming, Reply, Stage
from knowledge.errors import KnowledgeError
from ui import render
from ui.api import Limits
from ui.availability import Availability
from ui.cookies import VISITOR, VISITOR_COOKIE
from ui.labels import Labels, remembered, switch
from ui.pages import bubbles
from ui.pages.person import Person, said
from ui.pages.turns import Stopped, Turns
from ui.texts import Texts, preferred, texts

log = logging.getLogger(__name__)

CHANNEL = "web"
EXAMPLES = 4
REDRAW = 0.05  # seconds between two redraws of a streamed answer
REASONS = ("wrong", "off", "missing", "unclear")

Updates = dict[Any, Any]


class CustomerPage:
    """Its components and what happens on them; conversations live in the store only."""

    def __init__(self, app: App, limits: Limits, availability: Availability) -> None:
        self._app = app
        self._limits = limits
        self._longest = app.assistant.settings.max_question
        self._running = Turns()
        self._labels = Labels()
        self._person = Person(app, availability, self._labels)

    def build(self) -> gr.Blocks:
        """The page as Gradio blocks."""
        with gr.Blocks(title="知客 Zhike", analytics_enabled=False, fill_height=True) as blocks:
            self.language = remembered()
            self.session: gr.State = gr.State(None)
            self.down: gr.State = gr.State(None)  # id of the reply that got a thumb down
            self._header()
            self._chat()
            self._feedback()
            self._person.build()
            self._composer()
            self._events(blocks)
        blocks.state_session_capacity = 1000
        return blocks

    def _header(self) -> None:
        add = self._labels.add
        with gr.Row(elem_id="top", equal_height=True):
            add(gr.Markdown(_brand(texts("en")), elem_id="brand", container=False), value=_brand)
            with gr.Row(elem_id="tools"):
                self.switch = switch()
                self.new = add(
                    gr.Button("New", size="sm", elem_id="new", min_width=40), value="customer.new"
                )
                self.call = add(
                    gr.Button("Person", size="sm", elem_id="person", min_width=40),
                    value="customer.person",
                )

    def _chat(self) -> None:
        self.chat = gr.Chatbot(
            elem_id="chat",
            show_label=False,
            container=False,
            buttons=[],
            layout="bubble",
            group_consecutive_messages=False,
            latex_delimiters=[],
            feedback_options=("Like", "Dislike"),
            placeholder=bubbles.welcome(texts("en")),
            scale=1,
            height="100%",
        )
        with gr.Row(elem_id="examples") as self.examples:
            self.chips = [
                self._labels.add(
                    gr.Button("…", size="sm", elem_classes="chip", min_width=60),
                    value=partial(_example, n),
                )
                for n in range(EXAMPLES)
            ]

    def _feedback(self) -> None:
        add = self._labels.add
        with gr.Column(elem_id="feedback", visible=False) as self.feedback:
            add(gr.Markdown("", container=False), value="customer.rate_why")
            self.reason = add(
                gr.Radio(_reasons(texts("en")), show_label=False, container=False),
                choices=_reasons,
            )
            with gr.Row(elem_id="feedback-buttons"):
                self.rate = add(
                    gr.Button("", size="sm", variant="primary", min_width=40),
                    value="customer.rate_send",
                )
                self.skip = add(
                    gr.Button("", size="sm", variant="secondary", min_width=40),
                    value="customer.rate_skip",
                )

    def _composer(self) -> None:
        add = self._labels.add
        with gr.Row(elem_id="composer", equal_height=True):
            self.question = add(
                gr.Textbox(
                    show_label=False,
                    container=False,
                    lines=1,
                    max_lines=6,
                    scale=1,
                    autofocus=True,
                    elem_id="question",
                    max_length=self._longest * 2,
                ),
                placeholder="customer.placeholder",
                label="customer.question",
            )
            self.send = add(
                gr.Button("Send", variant="primary", scale=0, min_width=84, elem_id="send"),
                value="customer.send",
            )
            self.stop = add(
                gr.Button("Stop", scale=0, min_width=84, elem_id="stop", visible=False),
                value="customer.stop",
            )
        add(gr.Markdown("", elem_id="foot", container=False), value="customer.footer")

    def _events(self, blocks: gr.Blocks) -> None:
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        shown = [self.chat, self.question, self.session, self.send, self.stop, self.examples]
        shown += [self.feedback, self.new, *self._person.outputs]
        opened = [*self._labels.components, self.switch, self.session, self.chat, self.examples]
        here = [self.session, self.switch]
        blocks.load(self._open, [self.language], [*opened, *self._person.outputs], **quiet)
        self.switch.input(
            self._switch,
            here,
            [self.language, *self._labels.components, self.chat, self._person.notice],
            **quiet,
        )
        many = {**quiet, "concurrency_limit": 24}
        for trigger, source in (
            (self.send.click, self.question),
            (self.question.submit, self.question),
            *((chip.click, chip) for chip in self.chips),
        ):
            trigger(self._respond, [source, *here], shown, **many)
        self.stop.click(self._stop, None, None, **quiet)
        self.new.click(self._fresh, None, shown, **quiet)
        calling = [self.session, self.chat, self.examples, self.feedback, *self._person.outputs]
        self.call.click(self._called, here, calling, **quiet)
        self._person.timer.tick(
            self._news, [self._person.seen, *here], [self.chat, *self._person.outputs], **quiet
        )
        leaving = [self._person.contact, *self._person.outputs]
        for trigger in (self._person.leave.click, self._person.contact.submit):
            trigger(self._leave, [self._person.contact, *here], leaving, **quiet)
        self.chat.like(
            self._like, here, [self.down, self.feedback, self.reason, self._person.notice], **quiet
        )
        self.rate.click(
            self._reason,
            [self.down, self.reason, self.switch],
            [self.feedback, self._person.notice],
            **quiet,
        )
        self.skip.click(lambda: gr.update(visible=False), None, self.feedback, **quiet)

    def _open(self, stored: str, request: gr.Request) -> list[Any]:
        """A page that was loaded: its language, and the conversation so far."""
        language = stored or preferred(request.headers.get("accept-language", ""))
        words = texts(language)
        found = self._app.store.latest_session(visitor(request), CHANNEL)
        turns = self._turns(found.id if found else None, request)
        call = self._person.shown(found.id if found else None, visitor(request), words)
        return [
            *self._labels.updates(words.language),
            words.language,
            found.id if found else None,
            bubbles.shown(turns, words),
            gr.update(visible=not turns),
            *(call[component] for component in self._person.outputs),
        ]

    def _switch(self, session: str | None, language: str, request: gr.Request) -> list[Any]:
        words = texts(language)
        chat = bubbles.shown(self._turns(session, request), words)
        notice = self._person.shown(session, visitor(request), words)[self._person.notice]
        return [language, *self._labels.updates(language), chat, notice]

    def _respond(
        self, text: str, session: str | None, language: str, request: gr.Request
    ) -> Iterator[Updates]:
        """One turn: the question at once, then stages, streamed text, and the reply."""
        words, text = texts(language), text.strip()
        if not text:
            yield {}
            return
        if refusal := self._refusal(text, words, request):
            yield {self._person.notice: said(refusal)}
            return
        who = visitor(request)
        session = self._session(session, who, language)
        past = bubbles.conversation(self._turns(session, request), words)
        past.append(bubbles.question(text))
        yield {
            **self._busy(True),
            self.chat: [*past, bubbles.stage(words("stage.thinking"))],
            self.question: "",
            self.session: session,
            self.examples: gr.update(visible=False),
            self.feedback: gr.update(visible=False),
            **self._person.shown(session, who, words),
        }
        incoming = Incoming(text, who, session, CHANNEL, language=language)
        for bubble in self._bubbles(incoming, words):
            yield {self.chat: [*past, bubble] if bubble else past}
        yield {**self._busy(False), **self._person.shown(session, who, words)}

    def _bubbles(self, incoming: Incoming, words: Texts) -> Iterator[bubbles.Bubble | None]:
        """The last bubble as it grows; None where a person has the conversation; a failure ends
        in one sentence."""
        text, drawn = "", 0.0
        try:
            stream = self._app.assistant.stream(incoming)
            for event in self._running.run(incoming.visitor, stream):
                if isinstance(event, Stage) and not text:
                    yield bubbles.stage(words.named("stage", event.name))
                elif isinstance(event, Delta):
                    text += event.text
                    if time.monotonic() - drawn > REDRAW:
                        drawn = time.monotonic()
                        yield bubbles.partial(text)
                elif isinstance(event, Reply):
                    yield None if event.action is Action.WAIT else bubbles.reply(event, words)
        except Stopped:
            stopped = words("customer.stopped")
            yield bubbles.partial(text, stopped) if text else bubbles.notice(stopped)
        except (ChatbotError, KnowledgeError) as error:
            log.warning("turn in session %s: %s", incoming.session_id, error)
            yield bubbles.notice(words("customer.failed"))
        except Exception:  # the page is the edge: the customer gets a sentence, the log the rest
            log.exception("turn in session %s", incoming.session_id)
            yield bubbles.notice(words("customer.failed"))

    def _stop(self, request: gr.Request) -> None:
        """End the running turn; its own call draws what there is of the answer."""
        self._running.stop(visitor(request))

    def _fresh(self) -> Updates:
        """Begin a new conversation; the old one stays in the store."""
        return {
            **self._busy(False),
            self.chat: [],
            self.session: None,
            self.examples: gr.update(visible=True),
            self.feedback: gr.update(visible=False),
            **self._person.shown(None, "", texts("en")),
        }

    def _called(self, session: str | None, language: str, request: gr.Request) -> Updates:
        """A person is called: what happens next is said at once."""
        words, who = texts(language), visitor(request)
        if wait := self._limits.wait(who, _address(request)):
            return {self._person.notice: said(words("customer.too_many", seconds=wait))}
        session = self._session(session, who, language)
        if not self._turns(session, request):  # else the desk's list would leave it out
            self._app.store.add_message(session, "user", words("customer.person"))
        self._app.handovers.request(session, who, HandoffReason.CUSTOMER_REQUEST)
        return {
            self.session: session,
            self.chat: bubbles.shown(self._turns(session, request), words),
            self.examples: gr.update(visible=False),
            self.feedback: gr.update(visible=False),
            **self._person.shown(session, who, words),
        }

    def _news(self, seen: str, session: str | None, language: str, request: gr.Request) -> Updates:
        """What a person wrote or did meanwhile; nothing while a turn of the page's own runs."""
        who, words = visitor(request), texts(language)
        news = None if self._running.busy(who) else self._person.news(session, seen, who, words)
        if news is None:
            return {self._person.seen: gr.skip()}
        return {**news, self.chat: bubbles.shown(self._turns(session, request), words)}

    def _leave(self, text: str, session: str | None, language: str, request: gr.Request) -> Updates:
        return self._person.left(text, session, visitor(request), language)

    def _like(
        self, session: str | None, language: str, like: gr.LikeData, request: gr.Request
    ) -> list[Any]:
        """Store the thumb; a thumb down asks for the reason."""
        turns = self._turns(session, request)
        index = like.index[0] if isinstance(like.index, (list, tuple)) else like.index
        reply = turns[index].reply if isinstance(index, int) and 0 <= index < len(turns) else None
        if reply is None:
            return [None, gr.update(visible=False), None, said("")]
        up = like.liked is True or like.liked == "Like"
        self._app.store.rate(reply.id, visitor(request), 1 if up else -1)
        thanks = texts(language)("customer.rate_thanks") if up else ""
        return [reply.id, gr.update(visible=not up), None, said(thanks)]

    def _reason(
        self, reply: str | None, reason: str | None, language: str, request: gr.Request
    ) -> list[Any]:
        if reply and reason in REASONS:
            self._app.store.rate(reply, visitor(request), -1, reason)
        return [gr.update(visible=False), said(texts(language)("customer.rate_thanks"))]

    def _refusal(self, text: str, words: Texts, request: gr.Request) -> str:
        if len(text) > self._longest:
            return words("customer.too_long", count=len(text), limit=self._longest)
        if wait := self._limits.wait(visitor(request), _address(request)):
            return words("customer.too_many", seconds=wait)
        return ""

    def _session(self, session: str | None, who: str, language: str) -> str:
        """The visitor's own session of that id, else a new one."""
        try:
            return self._app.store.open_session(who, CHANNEL, session, language).id
        except NotFound:
            return self._app.store.open_session(who, CHANNEL, None, language).id

    def _turns(self, session: str | None, request: gr.Request) -> tuple[Turn, ...]:
        """The conversation, when it is this visitor's; else nothing."""
        if session is None:
            return ()
        try:
            return self._app.store.transcript(session, visitor(request))
        except NotFound:
            return ()

    def _busy(self, busy: bool) -> Updates:
        return {
            self.send: gr.update(visible=not busy),
            self.stop: gr.update(visible=busy),
            self.new: gr.update(interactive=not busy),  # it would clear what is being written
        }


def visitor(request: gr.Request) -> str:
    """The visitor's id: the guard in front gives everybody one."""
    found = request.cookies.get(VISITOR_COOKIE, "")
    if not VISITOR.fullmatch(found):
        raise gr.Error("Please reload the page.", print_exception=False)
    return str(found)


def _address(request: gr.Request) -> str:
    return request.client.host if request.client else "unknown"


def _reasons(words: Texts) -> list[tuple[str, str]]:
    return [(words(f"customer.reason_{name}"), name) for name in REASONS]


def _example(number: int, words: Texts) -> str:
    return words.lines("customer.examples")[number]


def _brand(words: Texts) -> str:
    title, subtitle = (render.plain(words(f"customer.{k}")) for k in ("title", "subtitle"))
    return (
        f'<div class="brand"><span class="brand-mark"></span><div><div class="brand-name">{title}'
        f'</div><div class="brand-line"><span class="live"></span>{subtitle}</div></div></div>'
    )
