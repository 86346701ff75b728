"""What a turn is searched with: the customer's words, without what no document can hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot import followup
from chatbot.entities import ORDER, TRACKING
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


def query(masked: str, history: Sequence[Message], spelling: Spelling) -> Query:
    """The masked question without introductions and order numbers, mistyped words corrected.

    In Simplified characters, which the embedder knows far better than Traditional ones.
    """
    kept = without_numbers(followup.without_introductions(masked))
    corrected = spelling.corrected(simplify(kept))
    context = simplify(followup.context(masked, history))
    return Query(corrected.text, context, corrected.corrections)


def without_numbers(question: str) -> str:
    """Without order and tracking numbers, which stand in no document; itself when that is all."""
    kept = ORDER.sub(" ", TRACKING.sub(" ", question))
    kept = re.sub(r"\s{2,}", " ", kept).strip()
    return kept if re.search(r"\w", kept) else question
