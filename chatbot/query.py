"""What a turn is searched with: the customer's words, without what no document can hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatbot import followup
from chatbot.entities import ORDER, TRACKING
from chatbot.name_finder import Found
from chatbot.types import Message
from knowledge.language import simplify
from knowledge.spelling import Correction, Spelling


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is searched for; what is stored and shown stays as it was written."""

    asked: str  # the question alone
    context: str = ""  # the earlier question that it leans on
    corrections: tuple[Correction, ...] = ()

    @property
    def text(self) -> str:
        """The question after what it leans on."""
        return f"{self.context} {self.asked}".strip()

    def told(self) -> str:
        """What differs from what was written, for the trace; "" when nothing does."""
        read = ", ".join(f"{c.wrong} read as {c.right}" for c in self.corrections)
        searched = f"searched for: {self.text}" if self.context else ""
        return "; ".join(filter(None, (searched, read)))


Naming = Callable[[str], Sequence[Found]]  # the names of the team's list in a text


def query(
    masked: str,
    history: Sequence[Message],
    spelling: Spelling,
    naming: Naming = lambda text: (),
) -> Query:
    """The masked question without introductions and order numbers, mistyped words corrected, and
    listed names as the documents write them.

    In Simplified characters, which the embedder knows far better than Traditional ones.
    """
    kept = without_numbers(followup.without_introductions(masked))
    named, written = as_written(simplify(kept), spelling, naming)
    corrected = spelling.corrected(named)
    context, _ = as_written(simplify(followup.context(masked, history)), spelling, naming)
    return Query(corrected.text, context, (*written, *corrected.corrections))


def as_written(text: str, spelling: Spelling, naming: Naming) -> tuple[str, tuple[Correction, ...]]:
    """The text with each listed name that no document writes this way in a spelling that some do;
    and what was read as what."""
    changed: list[Correction] = []
    for found in sorted(naming(text), key=lambda f: -f.start):
        if spelling.written(found.text):
            continue
        spellings = (found.name.name, *found.name.also)
        if known := next(filter(spelling.written, spellings), None):
            text = text[: found.start] + known + text[found.end :]
            changed.append(Correction(found.text, known))
    return text, tuple(reversed(changed))


def without_numbers(question: str) -> str:
    """Without order and tracking numbers, which stand in no document; itself when that is all."""
    kept = ORDER.sub(" ", TRACKING.sub(" ", question))
    kept = re.sub(r"\s{2,}", " ", kept).strip()
    return kept if re.search(r"\w", kept) else question
