"""Answers without a model: the sentences of the passages that answer, verbatim, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chatbot import links
from chatbot.errors import GenerationError
from chatbot.followup import context
from chatbot.generation.protocol import Generation, Piece
from knowledge.features import Sentence, split
from knowledge.keywords import terms
from knowledge.split import glue

MOST = 4  # sentences, rows of a table and list items together
MOST_PASSAGES = 3
# A further sentence's score relative to the best one's; beside a chosen one, where it often
# completes it, less is enough. Of the calibration questions 88 % (en) and 90 % (zh) get all facts
# so, 84 % and 87 % with one threshold of 0.3 and tables kept apart.
WORTH, WORTH_NEAR = 0.4, 0.1
# The same for a question that leans on the one before ("and the K1?"): with few words of its own,
# much is about the same thing that answers nothing. From 0.7 on facts of such answers get lost.
WORTH_LEANING = 0.6
OWN_LANGUAGE = 0.5  # score relative to the best one's, from which the customer's language is quoted
LINES = ("list", "table")  # kinds of passages that are shown line by line
SAME = 0.6  # token Jaccard above which a sentence repeats another one
LEANS = re.compile(
    r"^(?:it|they|this|that|these|those|then|also|otherwise|in (?:this|that) case|if so|however)\b"
    r"|^(?:它|其|该|此|这|那|同时|此外|另外|否则|逾期|如果不|超过)",
    re.IGNORECASE,
)


class QuotingGenerator:
    """Never writes a word of content of its own; speaks whatever the documents speak."""

    name = "quoting"
    languages = frozenset({"zh-Hans", "zh-Hant", "en"})

    def stream(self, request: Generation) -> Iterator[Piece]:
        """One piece per quoted sentence. Raises GenerationError without ranked sentences."""
        if not request.sentences:
            raise GenerationError("Nothing to quote: the request has no ranked sentences.")
        kind = ""  # of the sentence before
        last = ""
        worth = WORTH_LEANING if context(request.question, request.history) else WORTH
        for sentence in choose(spoken(request.sentences, request.language), worth):
            if request.cancelled.is_set():
                yield Piece("", engine=self.name, stop="cancelled")
                return
            text = shown(sentence)
            before = _between(kind, sentence.passage.kind) if last else ""
            before = before or glue(last, text)
            kind, last = sentence.passage.kind, text
            yield Piece(before + text, (sentence.passage.id,), sentence.text, self.name)
        yield Piece("", engine=self.name, stop="end")


def _between(before: str, after: str) -> str:
    """The break between quotes of these kinds; without the empty line, a sentence after a list
    would be read as part of its last item."""
    if before in LINES and after not in LINES:
        return "\n\n"
    return "\n" if after in LINES else ""


def choose(ranked: Sequence[Sentence], worth: float = WORTH) -> list[Sentence]:
    """The best sentence, row or approved answer and what belongs to it, in reading order.

    worth: 0..1, a further sentence's score relative to the best one's.
    """
    best = ranked[0]
    if best.passage.kind == "faq":
        return [best]
    chosen = [best]
    for sentence in ranked:
        if len(chosen) == MOST:
            break
        if _family(sentence) == _family(best) and _belongs(sentence, chosen, worth):
            chosen.append(sentence)  # one language per quote
    chosen = _with_context(chosen)
    order = {s.passage.id: i for i, s in reversed(list(enumerate(chosen)))}
    order[best.passage.id] = -1
    return sorted(chosen, key=lambda s: (order[s.passage.id], s.position))


def _belongs(sentence: Sentence, chosen: Sequence[Sentence], worth: float) -> bool:
    """Worth quoting beside what is chosen already; rows come from one table."""
    worth = WORTH_NEAR if any(_beside(sentence, s) for s in chosen) else worth
    passages = {s.passage.id for s in chosen} | {sentence.passage.id}
    tables = {s.passage.id for s in (*chosen, sentence) if s.passage.kind == "table"}
    fits = len(passages) <= MOST_PASSAGES and len(tables) <= 1
    return fits and sentence.score >= worth * chosen[0].score and not _repeats(sentence, chosen)


def spoken(ranked: Sequence[Sentence], language: str) -> list[Sentence]:
    """The customer's own language first, when it has something nearly as good."""
    family = language.split("-")[0]
    own = [s for s in ranked if _family(s) == family]
    if own and own[0].score >= OWN_LANGUAGE * ranked[0].score:
        return own
    return list(ranked)


def _family(sentence: Sentence) -> str:
    return sentence.passage.language.split("-")[0]


def _with_context(chosen: list[Sentence]) -> list[Sentence]:
    """A best sentence that begins with "It" or 逾期 needs the one before it."""
    best = chosen[0]
    if not best.position or not LEANS.match(best.text) or best.passage.kind in ("table", "faq"):
        return chosen
    ahead = (s for s in split(best.passage) if s.position == best.position - 1)
    before = next(ahead, None)  # None: a line that is never quoted
    if before is None or any(_same_place(before, s) for s in chosen):
        return chosen
    return [*chosen[: MOST - 1], before]


def _same_place(a: Sentence, b: Sentence) -> bool:
    return a.passage.id == b.passage.id and a.position == b.position


def _beside(a: Sentence, b: Sentence) -> bool:
    return a.passage.id == b.passage.id and abs(a.position - b.position) == 1


def _repeats(sentence: Sentence, chosen: Sequence[Sentence]) -> bool:
    """Already chosen, or says the same; rows of a table share their headers and may look alike."""
    if sentence.passage.kind == "table" or any(_same_place(sentence, s) for s in chosen):
        return any(_same_place(sentence, s) for s in chosen)
    own = set(terms(sentence.text))
    others = [set(terms(s.text)) for s in chosen]
    return any(len(own & o) > SAME * len(own | o) for o in others)


def shown(sentence: Sentence) -> str:
    """A sentence as the customer reads it; only marks between table cells, bullets and
    images change."""
    text = links.without_images(sentence.text)
    text = re.sub(r"^\s*(?:[-*•·]|\d{1,2}[.)、])\s+", "", text)
    if sentence.passage.kind == "table":
        text = text.replace(" | ", " · ")
    return f"- {text}" if sentence.passage.kind in LINES else text
