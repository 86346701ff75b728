"""The customers' chat page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from chatbot.app import App
from chatbot.types import Incoming
from ui import render
from ui.availability import Availability
from ui.cookies import VISITOR, VISITOR_COOKIE
from ui.labels import Labels, remembered, settled, switch
from ui.pages import bubbles
from ui.pages.own_data import OwnData
from ui.pages.person import Person, said
from ui.pages.rating import Rating
from ui.pages.talk import FIRST, Talk
from ui.texts import Texts, preferred, texts

CHANNEL = "web"
# Pages that Gradio keeps its state of, at some 300 KB each; an older one goes on without it
PAGES = 100
ASKING = 64  # as many as may wait in Gradio's queue; Talk says how many are answered

Updates = dict[Any, Any]


class CustomerPage:
    """Its components and what happens on them; conversations live in the store only."""

    def __init__(self, app: App, talk: Talk, availability: Availability) -> None:
        self._talk = talk
        self._labels = Labels()
        self._person = Person(app, availability, self._labels)
        self._rating = Rating(app, self._labels)
        self._own = OwnData(app, self._labels)

    def build(self) -> gr.Blocks:
        """The page as Gradio blocks."""
        with gr.Blocks(title="知客 Zhike", analytics_enabled=False, fill_height=True) as blocks:
            self.language = remembered()
            self.session: gr.State = gr.State(None)  # "" is a new conversation, None: unknown
            self._header()
            self._chat()
            self._rating.build()
            self._person.build()
            self._own.build()
            self._composer()
            self._events(blocks)
        blocks.state_session_capacity = PAGES
        return blocks

    def _header(self) -> None:
        add = self._labels.add
        with gr.Row(elem_id="top", equal_height=True):
            add(gr.Markdown(_brand(texts("en")), elem_id="brand", container=False), value=_brand)
            with gr.Row(elem_id="tools"):
                self.switch = switch(None)  # none: the page was not opened yet
                self.new = add(
                    gr.Button("New", size="sm", elem_id="new", min_width=40, interactive=False),
                    value="customer.new",
                )
                self.call = add(
                    gr.Button(
                        "Person", size="sm", elem_id="person", min_width=40, interactive=False
                    ),
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
                gr.Button("…", size="sm", elem_classes="chip", min_width=60, visible=False)
                for _ in range(FIRST)
            ]

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
                    max_length=self._talk.longest * 2,
                ),
                placeholder="customer.placeholder",
                label="customer.question",
            )
            self.send = add(
                gr.Button(
                    "Send",
                    variant="primary",
                    scale=0,
                    min_width=84,
                    elem_id="send",
                    interactive=False,
                ),
                value="customer.send",
            )
            self.stop = add(
                gr.Button("Stop", scale=0, min_width=84, elem_id="stop", visible=False),
                value="customer.stop",
            )
        with gr.Row(elem_id="foot"):
            add(gr.Markdown("", elem_id="foot-text", container=False), value="customer.footer")
            self.mine = add(
                gr.Button("", size="sm", elem_id="mine", min_width=40, interactive=False),
                value="customer.mine",
            )

    def _events(self, blocks: gr.Blocks) -> None:
        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        person, rating = self._person, self._rating
        self._shown = [self.chat, self.question, self.session, self.stop, self.new]
        self._shown += [self.examples, *self.chips, rating.card, *person.outputs]
        opened = [*self._labels.components, self.switch, self.session, self.chat]
        opened += [self.examples, *self.chips, *person.outputs]
        here = [self.session, self.switch]
        blocks.load(self._open, [self.language], opened, **quiet)
        switched = [self.language, *self._labels.components, self.chat, person.notice]
        switched += [self.examples, *self.chips]
        self.switch.input(self._switch, here, switched, **quiet)
        # multiple: a message that is sent while another is answered joins it
        # One limit, and all of them: who comes beyond it is told at once, not after the others
        one = {"concurrency_id": "ask", "concurrency_limit": ASKING, "trigger_mode": "multiple"}
        many = {**quiet, **one}
        # By name, for programs that drive the page through gradio_client
        named = {**many, "api_visibility": "undocumented", "api_name": "ask"}
        self.send.click(self._respond, [self.question, *here], self._shown, **named)
        for trigger, source in (
            (self.question.submit, self.question),
            *((chip.click, chip) for chip in self.chips),
        ):
            trigger(self._respond, [source, *here], self._shown, **many)
        self.stop.click(self._stop, None, None, **quiet)
        self.new.click(self._fresh, [self.switch], self._shown, **quiet)
        self.call.click(self._called, here, self._shown, **quiet)
        news = [self.chat, self.examples, *self.chips, *person.outputs]
        person.timer.tick(self._news, [person.seen, *here], news, **quiet)
        leaving = [person.contact, *person.outputs]
        for trigger in (person.leave.click, person.contact.submit):
            trigger(self._leave, [person.contact, *here], leaving, **quiet)
        self._events_of_cards(quiet, here)

    def _events_of_cards(self, quiet: dict[str, Any], here: list[Any]) -> None:
        """Thumbs, and the visitor's own data."""
        rating, own, notice = self._rating, self._own, self._person.notice
        thumbs = [rating.down, rating.card, rating.reason, notice]
        self.chat.like(self._like, here, thumbs, **quiet)
        why = [rating.down, rating.reason, self.switch]
        rating.send.click(self._reason, why, [rating.card, notice], **quiet)
        rating.skip.click(lambda: gr.update(visible=False), None, rating.card, **quiet)
        self.mine.click(own.shown, None, own.outputs, **quiet)
        own.no.click(own.shown, None, own.outputs, **quiet)
        own.close.click(lambda: own.shown(card=False), None, own.outputs, **quiet)
        own.delete.click(lambda: own.shown(asking=True), None, own.outputs, **quiet)
        own.yes.click(self._erased, [self.switch], [*self._shown, *own.outputs], **quiet)

    def _open(self, stored: str, request: gr.Request) -> list[Any]:
        """A page that was loaded: its language, and the conversation so far.

        Only now can it be used: an earlier click would act without both, and be overwritten.
        """
        language = stored or preferred(request.headers.get("accept-language", ""))
        words, who = texts(language), visitor(request)
        found = self._talk.app.store.latest_session(who, CHANNEL)
        session = found.id if found else ""
        turns = self._talk.said(session, who)
        call = self._person.shown(session, who, words)
        return [
            *self._labels.updates(words.language, (self.new, self.call, self.send, self.mine)),
            settled(words.language),
            session,
            bubbles.shown(turns, words),
            *self._offers(self._talk.offered(turns, words.language)).values(),
            *(call[component] for component in self._person.outputs),
        ]

    def _switch(self, session: str | None, language: str, request: gr.Request) -> list[Any]:
        words, who = texts(language), visitor(request)
        session = self._own_session(session, who)
        turns = self._talk.said(session, who)
        notice = self._person.shown(session, who, words)[self._person.notice]
        return [
            language,
            *self._labels.updates(language),
            bubbles.shown(turns, words),
            notice,
            *self._offers(self._talk.offered(turns, language)).values(),
        ]

    def _respond(
        self, text: str, session: str | None, language: str | None, request: gr.Request
    ) -> Iterator[Updates]:
        """One turn: the question at once, then stages, streamed text, and the reply."""
        text, who = text.strip(), visitor(request)
        if not text or language is None:  # Enter on a page that is not open yet: the text stays
            yield {}
            return
        words = texts(language)
        if refusal := self._talk.refusal(text, who, _address(request), words):
            yield {self._person.notice: said(refusal)}
            return
        session = self._own_session(session, who)
        session = self._talk.session(session, who, CHANNEL, language)
        run = self._talk.turns.begin(who, session, text, self._talk.longest)
        past = [*self._past(session, who, words), bubbles.question(text)]
        # As little as can be: Gradio makes each component anew that is shown or hidden
        yield {
            **self._busy(True),
            **self._after(()),
            self.chat: [*past, bubbles.stage(words("stage.thinking"))],
            self.question: "",
            self.session: session,
            self._rating.card: gr.update(visible=False),
            self._person.notice: self._person.shown(session, who, words)[self._person.notice],
        }
        shown: Updates = {}
        incoming = Incoming(text, who, session, CHANNEL, language=language)
        for drawn in self._talk.speak(run, incoming, words):
            if drawn.kind == "joined":  # the newer message's own call draws the rest
                return
            if drawn.kind == "begun":
                past = [*self._past(session, who, words), bubbles.question(text)]
                continue
            shown = {self.chat: [*past, drawn.bubble] if drawn.bubble else past}
            if drawn.kind in ("stage", "partial"):
                yield shown
        turns = self._talk.said(session, who)
        yield {
            **shown,  # its last bubble, with what the end of the turn shows
            **self._busy(self._talk.turns.busy(who)),
            **self._after(self._talk.offered(turns, language) if turns else ()),
            **self._person.shown(session, who, words),
        }

    def _past(self, session: str, who: str, words: Texts) -> list[bubbles.Bubble]:
        return bubbles.conversation(self._talk.said(session, who), words)

    def _stop(self, request: gr.Request) -> None:
        """End the running turn; its own call draws what there is of the answer."""
        self._talk.turns.stop(visitor(request))

    def _fresh(self, language: str) -> Updates:
        """Begin a new conversation; the old one stays in the store."""
        return {
            **self._busy(False),
            **self._offers(self._talk.offered((), language)),
            self.chat: gr.update(value=[], placeholder=bubbles.welcome(texts(language))),
            self.session: "",
            self._rating.card: gr.update(visible=False),
            **self._person.shown(None, "", texts(language)),
        }

    def _erased(self, language: str, request: gr.Request) -> Updates:
        """Everything of the visitor is erased; the page is as at the first visit."""
        who = visitor(request)
        self._talk.turns.stop(who)
        told = said(self._own.erase(who, texts(language)))
        own = zip(self._own.outputs, self._own.shown(card=False), strict=True)
        return {**self._fresh(language), **dict(own), self._person.notice: told}

    def _called(self, session: str | None, language: str, request: gr.Request) -> Updates:
        """A person is called: what happens next is said at once."""
        words, who = texts(language), visitor(request)
        if refusal := self._talk.too_many(who, _address(request), words):
            return {self._person.notice: said(refusal)}
        session = self._own_session(session, who)
        session = self._talk.session(session, who, CHANNEL, language)
        self._talk.call(session, who, words("customer.person"))
        return {
            self.session: session,
            self.chat: bubbles.shown(self._talk.said(session, who), words),
            **self._after(()),
            self._rating.card: gr.update(visible=False),
            **self._person.shown(session, who, words),
        }

    def _news(self, seen: str, session: str | None, language: str, request: gr.Request) -> Updates:
        """What a person wrote or did meanwhile; nothing while a turn of the page's own runs."""
        who, words = visitor(request), texts(language)
        session = self._own_session(session, who)
        busy = self._talk.turns.busy(who)
        news = None if busy else self._person.news(session, seen, who, words)
        if news is None:
            return {self._person.seen: gr.skip()}
        turns = self._talk.said(session, who)
        return {**news, **self._after(()), self.chat: bubbles.shown(turns, words)}

    def _leave(self, text: str, session: str | None, language: str, request: gr.Request) -> Updates:
        who = visitor(request)
        return self._person.left(text, self._own_session(session, who), who, language)

    def _like(
        self, session: str | None, language: str, like: gr.LikeData, request: gr.Request
    ) -> list[Any]:
        who = visitor(request)
        turns = self._talk.said(self._own_session(session, who), who)
        return self._rating.thumb(turns, who, language, like)

    def _reason(
        self, reply: str | None, reason: str | None, language: str, request: gr.Request
    ) -> list[Any]:
        return self._rating.why(reply, reason, visitor(request), language)

    def _own_session(self, session: str | None, who: str) -> str | None:
        """The page's conversation; the visitor's newest where Gradio has dropped the page's state,
        so that a page that was left open for long goes on where it was."""
        if session is None:
            found = self._talk.app.store.latest_session(who, CHANNEL)
            return found.id if found else None
        return session or None

    def _busy(self, busy: bool) -> Updates:
        return {
            self.stop: gr.update(visible=busy),
            self.new: gr.update(interactive=not busy),  # it would clear what is being written
        }

    def _offers(self, questions: tuple[str, ...]) -> Updates:
        """The row of buttons below the conversation."""
        rows: Updates = {self.examples: gr.update(visible=bool(questions))}
        for n, chip in enumerate(self.chips):
            text = questions[n] if n < len(questions) else ""
            rows[chip] = gr.update(value=text or "…", visible=bool(text))
        return rows

    def _after(self, questions: tuple[str, ...]) -> Updates:
        """The same, where there mostly are none: then only the row is hidden."""
        return self._offers(questions) if questions else {self.examples: gr.update(visible=False)}


def visitor(request: gr.Request) -> str:
    """The visitor's id: the guard in front gives everybody one."""
    found = request.cookies.get(VISITOR_COOKIE, "")
    if not VISITOR.fullmatch(found):
        raise gr.Error("Please reload the page.", print_exception=False)
    return str(found)


def _address(request: gr.Request) -> str:
    return request.client.host if request.client else "unknown"


def _brand(words: Texts) -> str:
    title, subtitle = (render.plain(words(f"customer.{k}")) for k in ("title", "subtitle"))
    return (
        f'<div class="brand"><span class="brand-mark"></span><div><h1 class="brand-name">{title}'
        f'</h1><div class="brand-line"><span class="live"></span>{subtitle}</div></div></div>'
    )
