"""Texts of a conversation in another language, by the generator where it speaks both."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chatbot.drafts import is_version
from chatbot.errors import ChatbotError, GenerationError
from chatbot.fidelity import Differences, differences
from chatbot.generation.protocol import Engine, Sampling, Translation
from chatbot.handovers import MAX_TEXT
from chatbot.language import HAN
from chatbot.translated import Wording

AT_ONCE = 4  # translations; the engine's other places are the customers'
PATIENCE = 3  # times as long as an answer: an agent waits, and their messages are longer
LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Translated:
    """A translation that is complete, and what in it does not fit its source."""

    text: str
    source: str  # language
    target: str
    original: str
    engine: str
    unchanged: bool  # the model gave the text back as it was

    @property
    def differences(self) -> Differences:
        """Numbers, links and placeholders that only one of both has."""
        return differences(self.original, self.text)

    def behind(self, sent: str) -> Wording | None:
        """What the agent wrote before it was translated; None for a text that is another one."""
        if not is_version(sent, self.text):
            return None
        return Wording(self.source, self.original, self.engine)


class Translator:
    """Translates one text after the other, a few at once; safe from any thread."""

    def __init__(self, engine: Engine | None, seconds: float) -> None:
        """`seconds` that an answer may take; a translation may take PATIENCE times that."""
        self._engine = engine
        self._seconds = PATIENCE * seconds
        self._places = threading.BoundedSemaphore(AT_ONCE)

    @property
    def engine(self) -> str:
        """Name of the engine; "" where there is none."""
        return self._engine.name if self._engine else ""

    def lacks(self, *languages: str) -> tuple[str, ...]:
        """Those of the languages that the engine does not speak; all where there is no engine."""
        spoken = self._engine.languages if self._engine else frozenset()
        return tuple(dict.fromkeys(code for code in languages if code not in spoken))

    def translate(
        self, text: str, source: str, target: str, cancelled: threading.Event | None = None
    ) -> Translated:
        """The whole text in the other language, or an error: never a part of it.

        Raises ChatbotError for a text of no or more than MAX_TEXT characters, GenerationError when
        the engine does not speak both, is busy, fails, takes too long, or when `cancelled` is set.
        """
        text = text.strip()
        if not text:
            raise ChatbotError("There is nothing to translate. Write something first.")
        if len(text) > MAX_TEXT:
            raise ChatbotError(
                f"The text has {len(text)} characters; at most {MAX_TEXT} can be translated."
            )
        if self._engine is None or (lacking := self.lacks(source, target)):
            names = ", ".join(lacking) if self._engine else f"{source}, {target}"
            raise GenerationError(f"There is no generator that speaks {names}.")
        request = Translation(
            text,
            source,
            target,
            Sampling(room(text), max_seconds=self._seconds),
            cancelled or threading.Event(),
        )
        with self._place():
            said = self._said(self._engine, request)
        unchanged = said == text and _languages_differ(source, target, text)
        return Translated(said, source, target, text, self._engine.name, unchanged)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise GenerationError(
                f"{AT_ONCE} translations are being made already. Try again in a moment."
            )
        try:
            yield
        finally:
            self._places.release()

    def _said(self, engine: Engine, request: Translation) -> str:
        said, stop = "", None
        for piece in engine.translate(request):
            said, stop = said + piece.text, piece.stop
        if stop == "cancelled":
            raise GenerationError("The translation was stopped.")
        if stop != "end":
            why = f"within {self._seconds:g} s" if stop == "time" else "within its length"
            raise GenerationError(
                f"{engine.name} did not finish the translation {why}. Translate a shorter text."
            )
        if not said.strip():
            raise GenerationError(
                f"{engine.name} wrote nothing. Try again or translate it yourself."
            )
        return said.strip()


def room(text: str) -> int:
    """Tokens that a translation may have: about twice what it needs.

    Small models cut a Chinese character into one or two tokens, English into one for 4 letters.
    """
    han = len(HAN.findall(text))
    return 64 + 3 * han // 2 + (len(text) - han) // 2


def _languages_differ(source: str, target: str, text: str) -> bool:
    """Another script of the same language often writes the same."""
    return source.split("-")[0] != target.split("-")[0] and bool(LETTERS.search(text))
