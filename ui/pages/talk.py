"""A visitor's conversation with the assistant, as the customer page and the widget hold it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from chatbot import offers
from chatbot.app import App
from chatbot.errors import ChatbotError, Crowded, NotFound
from chatbot.store import Turn
from chatbot.types import Action, Delta, Event, HandoffReason, Incoming, Reply, Stage
from knowledge.errors import KnowledgeError
from ui.api import Limits
from ui.pages import bubbles
from ui.pages.turns import Joined, Run, Stopped, Turns, ready
from ui.texts import Texts, texts

log = logging.getLogger(__name__)

REDRAW = 0.05  # seconds between two redraws of a streamed answer
AGAIN = 5  # seconds after which a message may be sent again that found no thread
FIRST = 4  # questions offered at the start
FRESH = 60.0  # seconds that these are remembered
SHORT = 70  # characters of a question on a button at the start; longer ones are not chosen
Kind = Literal["begun", "stage", "partial", "reply", "notice", "silent", "joined"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a page draws at the end of the conversation.

    begun: the turn that this one joins has ended, read the conversation again. silent: a person
    has the conversation. joined: a newer message answers this one too, draw nothing more.
    """

    kind: Kind
    bubble: bubbles.Bubble | None = None
    reply: Reply | None = None


class Talk:
    """What visitors say and are told; conversations live in the store only."""

    def __init__(self, app: App, limits: Limits) -> None:
        self.app = app
        self.turns = Turns()
        self.longest = app.assistant.settings.max_question
        self._limits = limits
        self._first: dict[tuple[str, str | None], tuple[float, tuple[str, ...]]] = {}

    def refusal(self, text: str, who: str, address: str, words: Texts) -> str:
        """Why this message is not taken, in a sentence; "" when it is. Counts it."""
        if len(text) > self.longest:
            return words("customer.too_long", count=len(text), limit=self.longest)
        if wait := self.app.assistant.crowd.wait():
            return words("customer.crowded", seconds=wait)
        if self.turns.full():  # models write for all of them
            return words("customer.crowded", seconds=AGAIN)
        return self.too_many(who, address, words)

    def too_many(self, who: str, address: str, words: Texts) -> str:
        """The sentence for somebody who asks too often; "" for others. Counts one request."""
        wait = self._limits.wait(who, address)
        return words("customer.too_many", seconds=wait) if wait else ""

    def session(self, session: str | None, who: str, channel: str, language: str) -> str:
        """The visitor's own session of that id, else a new one."""
        try:
            return self.app.store.open_session(who, channel, session, language).id
        except NotFound:
            return self.app.store.open_session(who, channel, None, language).id

    def said(self, session: str | None, who: str) -> tuple[Turn, ...]:
        """The conversation, when it is this visitor's; else nothing."""
        if session is None:
            return ()
        try:
            return self.app.store.transcript(session, who)
        except NotFound:
            return ()

    def call(self, session: str, who: str, text: str) -> None:
        """Call a person; `text` is what the customer said, where nothing was said before."""
        if not self.said(session, who):  # else the desk's list would leave it out
            screened = self.app.assistant.screen.turn(session, text)
            self.app.store.add_message(session, "user", screened.masked)
        self.app.handovers.request(session, who, HandoffReason.CUSTOMER_REQUEST)

    def offered(
        self, turns: tuple[Turn, ...], language: str, collection: str | None = None
    ) -> tuple[str, ...]:
        """The buttons below a conversation: at its start, and what the last reply offers."""
        if not turns:
            return self._at_first(language, collection)
        reply = turns[-1].reply
        return (reply.choices or reply.suggestions) if reply else ()

    def _at_first(self, language: str, collection: str | None) -> tuple[str, ...]:
        made, questions = self._first.get((language, collection), (-FRESH, ()))
        if time.monotonic() - made > FRESH:
            found = offers.first(self.app.knowledge, language, collection, FIRST, SHORT)
            questions = found or tuple(texts(language).lines("customer.examples"))
            self._first[(language, collection)] = (time.monotonic(), questions)
        return questions

    def speak(self, run: Run, incoming: Incoming, words: Texts) -> Iterator[Drawn]:
        """One turn, as it is drawn; a failure ends in one sentence."""

        def start(before: tuple[str, ...], cancelled: threading.Event) -> Iterator[Event]:
            asked = Incoming(
                text=incoming.text,
                visitor=incoming.visitor,
                session_id=incoming.session_id,
                channel=incoming.channel,
                collection=incoming.collection,
                language=incoming.language,
                before=before,
                cancelled=cancelled,
            )
            return self.app.assistant.stream(asked)

        ready(run)
        if run.earlier is not None:
            yield Drawn("begun")
        progress = _Progress(words)
        try:
            for event, over in self.turns.events(run, start):
                if (drawn := progress.drawn(event)) is not None and not over:
                    yield drawn
        except Joined:
            yield Drawn("joined")
        except Stopped:
            yield progress.stopped()
        except Crowded as error:
            notice = bubbles.notice(words("customer.crowded", seconds=error.seconds))
            yield Drawn("notice", notice)
        except (ChatbotError, KnowledgeError) as error:
            log.warning("turn in session %s: %s", incoming.session_id, error)
            yield Drawn("notice", bubbles.notice(words("customer.failed")))
        except Exception:  # the page is the edge: the customer gets a sentence, the log the rest
            log.exception("turn in session %s", incoming.session_id)
            yield Drawn("notice", bubbles.notice(words("customer.failed")))


class _Progress:
    """The last bubble as it grows."""

    def __init__(self, words: Texts) -> None:
        self._words = words
        self._done: list[str] = []  # steps behind us
        self._now = ""
        self._text = ""
        self._at = 0.0

    def drawn(self, event: Event) -> Drawn | None:
        if isinstance(event, Reply):
            if event.action is Action.WAIT:
                return Drawn("silent", reply=event)
            return Drawn("reply", bubbles.reply(event, self._words), event)
        if isinstance(event, Delta):
            self._text += event.text
            if time.monotonic() - self._at < REDRAW:
                return None
            self._at = time.monotonic()
            return Drawn("partial", bubbles.partial(self._text))
        return None if self._text else self._step(event)

    def _step(self, stage: Stage) -> Drawn:
        if self._now:
            self._done.append(self._now)
        name = f"{stage.name}_one" if stage.count == 1 else stage.name
        now = self._words.named("stage", name).format(count=stage.count)
        self._now = self._words.named("step_done", name).format(count=stage.count)
        return Drawn("stage", bubbles.stage(now, self._done))

    def stopped(self) -> Drawn:
        said = self._words("customer.stopped")
        bubble = bubbles.partial(self._text, said) if self._text else bubbles.notice(said)
        return Drawn("notice", bubble)
