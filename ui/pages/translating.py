"""Translation in the inbox: what the customer wrote, and the agent's draft for the customer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from chatbot import language as languages
from chatbot.app import App
from chatbot.errors import ChatbotError
from chatbot.handovers import Line
from chatbot.translated import Wording
from chatbot.translation import LETTERS, Translated
from chatbot.types import Message
from ui import render
from ui.labels import Labels
from ui.pages import wording
from ui.pages.canned import QUIET, Updates, account, problem
from ui.texts import Texts, texts

MOST = 30  # newest messages of a conversation that are translated


@dataclass(frozen=True, slots=True)
class Written:
    """A draft as it was translated, for one conversation."""

    session: str
    made: Translated


@dataclass(slots=True, eq=False)
class Run:
    """A translation that is being made for a page."""

    wanted: object  # the same again starts no second one
    cancelled: threading.Event = field(default_factory=threading.Event)


class Runs:
    """One run per page; the next one ends the one before."""

    def __init__(self) -> None:
        self._running: dict[str, Run] = {}
        self._lock = threading.Lock()

    def begin(self, page: str, wanted: object) -> Run | None:
        """None when the same is being made; `wanted` None only ends what runs."""
        with self._lock:
            running = self._running.get(page)
            if running is not None and running.wanted == wanted:
                return None
            if running is not None:
                running.cancelled.set()
                del self._running[page]
            run = Run(wanted)
            if wanted is not None:
                self._running[page] = run
            return run

    def end(self, page: str, run: Run) -> None:
        with self._lock:
            if self._running.get(page) is run:
                del self._running[page]


class TranslatingSection:
    """Offered where the generator speaks the language of the desk and the customer's."""

    def __init__(self, app: App, labels: Labels, may: Callable[[str], bool]) -> None:
        """may: whether an account may see the queues."""
        self._app, self._labels, self._may = app, labels, may
        self._reading, self._drafting = Runs(), Runs()

    # Components

    def above(self) -> None:
        """What stands over the conversation."""
        off = gr.Checkbox(False, label="", visible=False, container=False, elem_id="translate-read")
        self._on = self._labels.add(off, label="inbox.translate_read")
        self._why = gr.Markdown("", elem_id="translate-why")
        self._said = gr.Markdown("", elem_id="translate-said")

    def beside(self) -> None:
        """Buttons of the reply box."""
        add = self._labels.add
        self._do = gr.Button("", size="sm", visible=False, elem_id="translate-draft")
        hidden: dict[str, Any] = {"size": "sm", "visible": False}
        self._stop = add(
            gr.Button(**hidden, elem_id="translate-stop"), value="inbox.translate_stop"
        )
        self._undo = add(
            gr.Button(**hidden, elem_id="translate-undo"), value="inbox.translate_undo"
        )
        self.written: gr.State = gr.State(None)  # of the draft in the reply box

    def events(
        self, seen: gr.State, chosen: gr.State, language: gr.Radio, text: gr.Textbox, draft: Any
    ) -> None:
        """`seen` changes whenever the page shows something new; `draft`: below the reply box."""
        self._text, self._draft = text, draft
        for trigger in (self._on.input, seen.change):
            trigger(self.follow, [self._on, chosen, language], self._said, **QUIET)
        drafted = [text, draft, self._do, self._stop, self._undo, self.written]
        self._do.click(self._drafted, [text, chosen, language], drafted, **QUIET)
        self._stop.click(self._stopped, None, None, **QUIET)
        self._undo.click(self._undone, self.written, drafted, **QUIET)

    @property
    def shown(self) -> list[Any]:
        """What `offer` gives updates for."""
        return [self._on, self._why, self._do]

    @property
    def kept(self) -> list[Any]:
        """What `cleared` gives updates for."""
        return [self.written, self._undo]

    def offer(self, line: Line | None, words: Texts) -> Updates:
        """Whether this conversation can be translated; if not, one line says why."""
        theirs = line.language if line else None
        foreign = theirs is not None and theirs != words.language
        why = self._reason(self._app.translator.lacks(words.language, theirs or ""), words)
        if theirs is None or not foreign or why:
            return {
                self._on: _hidden(),
                self._why: _hint(why) if foreign else "",
                self._do: _hidden(),
            }
        name = wording.language(theirs, words)
        return {
            self._on: gr.update(visible=True),
            self._why: "",
            self._do: gr.update(visible=True, value=words("inbox.translate_draft", language=name)),
        }

    def cleared(self) -> Updates:
        """After the draft was sent or dropped."""
        return {self.written: None, self._undo: _hidden()}

    def behind(self, written: Written | None, session: str, sent: str) -> Wording | None:
        """What the agent wrote, where the text that is sent is its translation."""
        if written is None or written.session != session:
            return None
        return written.made.behind(sent)

    def leave(self, request: gr.Request) -> None:
        """The page goes elsewhere: a draft that is being translated is not wanted there."""
        self._drafting.begin(str(request.session_hash), None)

    def _reason(self, lacking: tuple[str, ...], words: Texts) -> str:
        if not lacking:
            return ""
        if not self._app.translator.engine:
            return words("inbox.translate_none")
        comma = "、" if words.language.startswith("zh") else ", "
        names = comma.join(wording.language(code, words) for code in lacking)
        return words("inbox.translate_lacks", languages=names)

    # Reading

    def follow(
        self, on: bool, chosen: str | None, language: str, request: gr.Request
    ) -> Iterator[Any]:
        """Translate what the customer wrote, newest first; the page shows each as it is stored."""
        page = str(request.session_hash)
        wanted = (chosen, language) if on and chosen and self._may(account(request)) else None
        run = self._reading.begin(page, wanted)
        if run is None or chosen is None or wanted is None:
            yield gr.skip() if run is None else ""
            return
        try:
            yield from self._read(run, chosen, language)
        finally:
            self._reading.end(page, run)

    def _read(self, run: Run, chosen: str, language: str) -> Iterator[Any]:
        words, translate = texts(language), self._app.translator.translate
        while found := self._next(chosen, language):
            message, source = found
            yield _working(words)
            try:
                made = translate(message.text, source, language, run.cancelled)
                self._app.wordings.keep(message.id, Wording(language, made.text, made.engine))
            except ChatbotError as error:
                failed = problem(words("desk.failed", error=error))
                yield gr.skip() if run.cancelled.is_set() else failed
                return
        yield ""

    def _next(self, chosen: str, language: str) -> tuple[Message, str] | None:
        """The newest message of the customer that can be translated and is not yet."""
        line = self._app.handovers.line(chosen)
        if line is None:
            return None
        done = self._app.wordings.of(chosen)
        turns = [t.message for t in self._app.store.turns(chosen) if t.message.role == "user"]
        for message in reversed(turns[-MOST:]):
            if any(w.language == language for w in done.get(message.id, ())):
                continue
            source = self._language_of(message.text, line.language)
            foreign = source != language and LETTERS.search(message.text)
            if foreign and not self._app.translator.lacks(source, language):
                return message, source
        return None

    def _language_of(self, text: str, prior: str | None) -> str:
        return languages.detect(text, self._app.assistant.settings.languages, prior)

    # Writing

    def _drafted(
        self, text: str, chosen: str | None, language: str, request: gr.Request
    ) -> Iterator[Updates]:
        """The draft in the customer's language, in the reply box; nothing is sent."""
        words, page = texts(language), str(request.session_hash)
        run = self._drafting.begin(page, object())
        assert run is not None  # each wants an object of its own
        yield {
            self._draft: _working(words),
            self._text: gr.update(interactive=False),
            self._do: gr.update(interactive=False),
            self._stop: gr.update(visible=True),
        }
        shown: Updates
        try:
            written = self._translated(text, chosen or "", words, run)
            shown = self._ready(written, words)
        except ChatbotError as error:
            shown = {self._draft: problem(words("desk.failed", error=error))}
        finally:
            self._drafting.end(page, run)
        if run.cancelled.is_set():  # stopped, or the page reads another conversation
            shown = {self._draft: ""}
        again = {"interactive": True}
        shown[self._text] = gr.update(**again, **shown.get(self._text, {}))
        yield {**shown, self._do: gr.update(**again), self._stop: _hidden()}

    def _translated(self, text: str, chosen: str, words: Texts, run: Run) -> Written:
        """Raises ChatbotError."""
        self._app.handovers.session(chosen)
        line = self._app.handovers.line(chosen)
        target = (line.language if line else None) or words.language
        source = self._language_of(text, words.language)
        if source == target and text.strip():
            name = wording.language(target, words)
            raise ChatbotError(words("inbox.translate_same", language=name))
        if self._app.translator.lacks(source):
            source = words.language
        made = self._app.translator.translate(text, source, target, run.cancelled)
        return Written(chosen, made)

    def _ready(self, written: Written, words: Texts) -> Updates:
        made = written.made
        languages_ = {
            "source": wording.language(made.source, words),
            "target": wording.language(made.target, words),
        }
        label = words("inbox.translate_ready", engine=made.engine, **languages_)
        same = wording.warning(words("wording.unchanged")) if made.unchanged else ""
        kept = render.plain(made.original)
        return {
            self._text: {"value": made.text},
            self._draft: _hint(label)
            + (same or wording.differs(made.differences, words))
            + f'<div class="wording" lang="{render.plain(made.source)}">'
            f'<span class="by">{render.plain(words("inbox.translate_kept"))}</span>'
            f'<div class="said">{kept}</div></div>',
            self.written: written,
            self._undo: gr.update(visible=True),
        }

    def _stopped(self, request: gr.Request) -> None:
        self.leave(request)

    def _undone(self, written: Written | None) -> Updates:
        """The agent's own text again."""
        if written is None:
            return {self._undo: _hidden()}
        return {**self.cleared(), self._text: written.made.original, self._draft: ""}


def _hidden() -> Any:
    return gr.update(visible=False)


def _hint(text: str) -> str:
    return f'<p class="hint">{render.plain(text)}</p>'


def _working(words: Texts) -> str:
    return f'<p class="working">{render.plain(words("inbox.translate_working"))}</p>'
