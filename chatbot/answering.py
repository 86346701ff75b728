"""Evidence to text: an approved answer, the generator's checked sentences, or quotes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chatbot import grounding, links, output_screen
from chatbot.errors import GenerationError
from chatbot.generation.protocol import Generation, Generator
from chatbot.generation.quoting import QuotingGenerator
from chatbot.phrases import phrase
from chatbot.rules import Words
from chatbot.types import Action, Citation, Delta
from knowledge.features import Sentence
from knowledge.split import glue, sentences
from knowledge.types import FaqMatch, Passage

log = logging.getLogger(__name__)
MOST_SENTENCES = 4
TAG = re.compile(r"</?passage[^>]*>?", re.IGNORECASE)  # of prompt.py
MOST_CITATIONS = 3


@dataclass(slots=True)
class Answer:
    """What is being written; complete when write() is exhausted. No text: nothing was supported."""

    text: str = ""
    action: Action = Action.QUOTE
    foreign: bool = False  # quoted in another language than the customer's
    engine: str = "quoting"
    adapter: str | None = None
    note: str = ""  # for staff: what was dropped and why
    citations: tuple[Citation, ...] = ()
    _seen: set[tuple[int, str]] = field(default_factory=set)

    def cite(self, passage: Passage, sentence: str, score: float) -> None:
        """Add a citation, once per sentence, up to MOST_CITATIONS."""
        key = (passage.id, sentence)
        if key not in self._seen and len(self.citations) < MOST_CITATIONS:
            self._seen.add(key)
            self.citations += (Citation.of(passage, sentence, score),)


class Answering:
    """Chooses who writes, and lets nothing through that its evidence does not support."""

    def __init__(
        self,
        generator: Generator | None,
        mode: Literal["auto", "quote", "generate"],
        words: Callable[[], Words] = Words,  # the team's own lists, as they are now
        hosts: Collection[str] = (),  # that may be linked to although no passage does
    ) -> None:
        self._generator = generator
        self._quoting = QuotingGenerator()
        self._mode = mode
        self._words = words
        self._hosts = hosts

    def writes(self, language: str, adapted: bool) -> bool:
        """Whether a generator writes in this language.

        "auto": when an adapter was promoted. The packaged base alone is weaker than quoting
        (benchmarks/answers.py prints both); a stronger generator is switched on by "generate".
        """
        if self._generator is None or self._mode == "quote":
            return False
        wanted = self._mode == "generate" or adapted
        return wanted and language in self._generator.languages

    def needed(self, adapted: bool) -> bool:
        """Whether the generator will be asked at all, in any language."""
        if self._generator is None:
            return False
        return any(self.writes(language, adapted) for language in self._generator.languages)

    def approved(self, match: FaqMatch, passage: Passage, language: str) -> Answer:
        """The approved answer, word for word."""
        foreign = _foreign(match.language, language)
        answer = Answer(_introduced(match.answer, language) if foreign else match.answer)
        answer.foreign = foreign
        answer.cite(passage, match.answer, match.score)
        return answer

    def write(self, request: Generation, action: Action, answer: Answer) -> Iterator[Delta]:
        """Fill `answer`, yielding its text as it is checked; quotes when the generator cannot."""
        if action is Action.ANSWER and self._generator is not None:
            try:
                yield from self._generated(self._generator, request, answer)
            except GenerationError as error:
                answer.note += f"; the generator failed: {error}"
            if answer.text:
                return
            answer.note += "; quoted instead"
        if request.sentences:
            yield from self._quoted(request, answer)

    def _generated(
        self, generator: Generator, request: Generation, answer: Answer
    ) -> Iterator[Delta]:
        """Each sentence is checked when it is complete; an unsupported one is dropped."""
        written, checked = "", 0
        answer.action, answer.engine = Action.ANSWER, generator.name  # also if it fails half-way
        answer.adapter = request.adapter.name if request.adapter else None
        for piece in generator.stream(request):
            written += piece.text
            done = sentences(written)
            complete = len(done) if piece.stop == "end" else len(done) - 1
            for sentence in done[checked : max(complete, checked)]:
                yield from self._checked(sentence, request, answer)
            checked = max(complete, checked)
            if piece.stop:
                answer.engine, answer.adapter = piece.engine, piece.adapter
                answer.note += f"; stopped: {piece.stop}"

    def _checked(self, sentence: str, request: Generation, answer: Answer) -> Iterator[Delta]:
        sentence = TAG.sub("", sentence).strip()  # a small model repeats the prompt's own marks
        if not sentence:
            return
        plain = links.without_allowed(sentence, self._hosts)
        support = grounding.check(plain, request.evidence)
        passage = next((p for p in request.evidence if p.id == support.passage_id), None)
        forbidden = output_screen.forbidden(plain, request.evidence, self._words())
        if passage is not None and not forbidden:
            forbidden = links.forbidden(sentence, passage, self._hosts)
        if passage is not None and _foreign(passage.language, request.language):
            # The check compares words: what it passes is no translation. A quote says so first.
            forbidden = forbidden or "in another language than the customer's"
        full = len(sentences(answer.text)) >= MOST_SENTENCES
        useless = full or grounding.abstains(sentence) or sentence in answer.text
        if passage is None or forbidden or useless:
            why = forbidden or support.problem or "repeats or full"
            answer.note += f"; dropped: {sentence[:80]} ({why})"
            return
        text = glue(answer.text, sentence) + sentence
        answer.text += text
        answer.cite(passage, grounding.nearest_sentence(plain, passage.text), support.score)
        yield Delta(text)

    def _quoted(self, request: Generation, answer: Answer) -> Iterator[Delta]:
        ranked = {(s.passage.id, s.text): s for s in request.sentences}
        answer.action, answer.engine, answer.adapter = Action.QUOTE, self._quoting.name, None
        quoted: list[Sentence] = []
        for piece in self._quoting.stream(request):
            if not piece.text:
                continue
            source = ranked[piece.passages[0], piece.sentence]
            text = piece.text
            if not answer.text and _foreign(source.passage.language, request.language):
                answer.foreign, text = True, _introduced(text, request.language)
            answer.text += text
            quoted.append(source)
            yield Delta(text)
        for sentence in _every_passage_first(quoted):
            answer.cite(sentence.passage, sentence.text, sentence.score)


def _every_passage_first(quoted: Sequence[Sentence]) -> list[Sentence]:
    """One sentence of each passage, then the rest: the number of citations is limited."""
    first = {s.passage.id: s for s in reversed(quoted)}
    return sorted(quoted, key=lambda s: first[s.passage.id] is not s)


def _foreign(spoken: str, wanted: str) -> bool:
    """Another language; another script of the same one is none."""
    return spoken.split("-")[0] != wanted.split("-")[0]


def _introduced(text: str, wanted: str) -> str:
    """A quote in another language than the customer's says so first, and offers a person."""
    return f"{phrase('other_language', wanted)}\n{text}"
